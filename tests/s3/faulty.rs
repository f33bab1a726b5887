//! A store that fails as a schedule says.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::faults::{FOREVER, Fault, Faults, Plan, Request};

/// A store round another one, whose requests fail as a schedule says. What is above it sees final outcomes: nothing
/// below tries again.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn ObjectStore>,
    faults: Arc<Faults>,
}

impl Faulty {
    /// `inner`, with the faults of a schedule.
    pub fn new(inner: Arc<dyn ObjectStore>, faults: Arc<Faults>) -> Faulty {
        Faulty { inner, faults }
    }

    /// Does `work`, unless the schedule has something else for it.
    async fn through<T>(
        &self,
        request: Request,
        key: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match self.faults.next(request, key) {
            None => work.await,
            Some(Fault::After | Fault::BrokenAfter) => {
                let _ = work.await;
                Err(failed("the reply was lost"))
            }
            Some(Fault::Stall) => {
                let _ = work.await;
                tokio::time::sleep(FOREVER).await;
                Err(failed("nobody waits that long"))
            }
            Some(fault) => Err(refused(fault)),
        }
    }

    async fn get(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        let fault = self.faults.next(Request::Get, key.as_ref());
        match fault {
            None => self.inner.get_opts(key, options).await,
            Some(Fault::Stall) => {
                tokio::time::sleep(FOREVER).await;
                Err(failed("nobody waits that long"))
            }
            Some(fault @ (Fault::Short | Fault::Corrupt | Fault::Reset)) if !options.head => {
                let got = self.inner.get_opts(key, options).await?;
                self.damage(key, got, fault).await
            }
            Some(Fault::WrongTag) => {
                let mut got = self.inner.get_opts(key, options).await?;
                got.meta.e_tag = Some("\"0123456789abcdef\"".into());
                Ok(got)
            }
            Some(fault) => Err(refused(fault)),
        }
    }

    async fn damage(&self, key: &Path, got: GetResult, fault: Fault) -> Result<GetResult> {
        let (meta, range) = (got.meta.clone(), got.range.clone());
        let (attributes, extensions) = (got.attributes.clone(), got.extensions.clone());
        let mut content = got.bytes().await?.to_vec();
        let at = self.faults.draw(key.as_ref(), content.len());
        match fault {
            Fault::Corrupt => content.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x20),
            _ => content.truncate(at),
        }
        let mut pieces = vec![Ok(Bytes::from(content))];
        if fault == Fault::Reset {
            pieces.push(Err(failed("the connection was reset")));
        }
        let payload = GetResultPayload::Stream(stream::iter(pieces).boxed());
        Ok(GetResult { payload, meta, range, attributes, extensions })
    }
}

fn failed(why: &'static str) -> Error {
    Error::Generic { store: "Faulty", source: why.into() }
}

fn refused(fault: Fault) -> Error {
    match fault {
        Fault::Throttled | Fault::TooMany => failed("<Code>SlowDown</Code>"),
        Fault::Expired => failed("<Code>ExpiredToken</Code>"),
        _ => failed("it failed on purpose"),
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, key: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.through(Request::Put, key.as_ref(), self.inner.put_opts(key, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.inner.put_multipart_opts(key, options);
        let inner = self.through(Request::Other, key.as_ref(), begun).await?;
        Ok(Box::new(FaultyUpload { inner, key: key.to_string(), faults: self.faults.clone() }))
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.get(key, options).await
    }

    async fn get_ranges(&self, key: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let one = |range: Range<u64>| async move {
            let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
            self.get(key, options).await?.bytes().await
        };
        stream::iter(ranges.iter().cloned()).then(one).try_collect().await
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inner, faults) = (self.inner.clone(), self.faults.clone());
        keys.then(move |key| {
            let this = Faulty::new(inner.clone(), faults.clone());
            async move {
                let key = key?;
                let name = key.to_string();
                let one = stream::iter([Ok(key.clone())]).boxed();
                let work = async {
                    this.inner.delete_stream(one).try_collect::<Vec<_>>().await?;
                    Ok(key)
                };
                this.through(Request::Delete, &name, work).await
            }
        })
        .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let name = prefix.map(Path::to_string).unwrap_or_default();
        let all = self.inner.list(prefix);
        match self.faults.next(Request::List, &name) {
            None => all,
            Some(Fault::Truncated) => all.take(self.faults.draw(&name, 8)).boxed(),
            Some(fault) => {
                let some = all.take(self.faults.draw(&name, 8));
                some.chain(stream::iter([Err(refused(fault))])).boxed()
            }
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let name = prefix.map(Path::to_string).unwrap_or_default();
        match self.faults.next(Request::List, &name) {
            None => self.inner.list_with_delimiter(prefix).await,
            Some(Fault::Truncated) => {
                let mut listed = self.inner.list_with_delimiter(prefix).await?;
                listed.objects.truncate(self.faults.draw(&name, listed.objects.len()));
                Ok(listed)
            }
            Some(fault) => Err(refused(fault)),
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.through(Request::Other, to.as_ref(), self.inner.copy_opts(from, to, options)).await
    }
}

/// A multipart upload whose parts and whose end fail as the schedule says.
#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    key: String,
    faults: Arc<Faults>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> object_store::UploadPart {
        match self.faults.next(Request::Put, &format!("{} part", self.key)) {
            None => self.inner.put_part(data),
            Some(fault) => Box::pin(async move { Err(refused(fault)) }),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        match self.faults.next(Request::Put, &self.key) {
            None => self.inner.complete().await,
            Some(Fault::After | Fault::BrokenAfter | Fault::Stall) => {
                let _ = self.inner.complete().await;
                Err(failed("the reply was lost"))
            }
            Some(fault) => Err(refused(fault)),
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
