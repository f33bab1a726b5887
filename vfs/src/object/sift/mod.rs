//! Listings, looked through on their way from the server to the client below.
//!
//! That client refuses a whole page for one key that it cannot have as a path, and takes an answer that is no listing for an
//! empty one. So pages are read here first: keys that cannot be names are taken out and counted ([`Hidden`]), and a page
//! that ends early is asked for again.

mod page;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService, ReqwestConnector,
};

pub(super) use page::is_key;
use page::{Flaw, sift};

/// The longest page, in bytes: a thousand of the longest keys with every byte of them escaped, and room for the rest.
const PAGE_MAX: usize = 16 << 20;

/// What is wrong with a listing, as it is told.
pub(super) const TOLD: [&str; 4] = [CUT, ELSE, NOWHERE, LONG];
const CUT: &str = "the server sent a listing that ends early";
const ELSE: &str = "the server sent something else where a listing was asked for; check the endpoint";
const NOWHERE: &str = "the server sent a listing that goes on and does not say where";
const LONG: &str = "the server sent a page of a listing that is longer than 16 MiB";

/// How many keys of a page cannot be names; only where there are some.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hidden(pub u64);

/// Connects clients whose listings are looked through.
#[derive(Debug)]
pub(super) struct Sifting;

impl HttpConnector for Sifting {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        ReqwestConnector::default().connect(options).map(|client| HttpClient::new(Sieve(client)))
    }
}

#[derive(Debug)]
struct Sieve(HttpClient);

impl HttpService for Sieve {
    fn call<'a: 'b, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        Self: 'b,
    {
        Box::pin(async move {
            let is_listing = request.uri().query().is_some_and(asks_for_listing);
            let response = self.0.execute(request).await?;
            if is_listing && response.status().is_success() { sifted(response).await } else { Ok(response) }
        })
    }
}

/// Objects are asked for without a query.
fn asks_for_listing(query: &str) -> bool {
    query.split('&').any(|part| matches!(part, "list-type=2" | "comp=list"))
}

async fn sifted(response: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (mut parts, body) = response.into_parts();
    let whole = collect(body).await?;
    let page = sift(&whole).map_err(|flaw| match flaw {
        Flaw::Cut => broken(CUT),
        Flaw::Else => wrong(ELSE),
        Flaw::Nowhere => wrong(NOWHERE),
    })?;
    let Some(page) = page else { return Ok(HttpResponse::from_parts(parts, whole.into())) };
    parts.headers.remove("content-length");
    parts.extensions.insert(Hidden(page.hidden));
    Ok(HttpResponse::from_parts(parts, page.left.into()))
}

async fn collect(body: HttpResponseBody) -> Result<Bytes, HttpError> {
    let mut whole = BytesMut::new();
    let mut stream = body.bytes_stream();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|error| match error.kind() {
            HttpErrorKind::Timeout => error,
            _ => HttpError::new(HttpErrorKind::Interrupted, error),
        })?;
        if whole.len() + bytes.len() > PAGE_MAX {
            return Err(wrong(LONG));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(whole.freeze())
}

/// What is worth another try.
fn broken(what: &'static str) -> HttpError {
    HttpError::new(HttpErrorKind::Interrupted, std::io::Error::other(what))
}

fn wrong(what: &'static str) -> HttpError {
    HttpError::new(HttpErrorKind::Decode, std::io::Error::other(what))
}
