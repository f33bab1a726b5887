//! What `s3s-fs` lacks of S3: objects whose names end with a slash, which it takes for folders that no listing shows, and
//! ETags in listings.

use std::path::{Path, PathBuf};

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

/// The file that stands for an object `folder/`; it comes first in its folder.
const MARKER: &str = " folder";

/// What no object's name ends with.
const NOTHING: &str = "/ nothing";

/// Objects as files of a folder.
pub(crate) struct Files(FileSystem, PathBuf);

impl Files {
    pub(crate) fn new(files: FileSystem, root: &Path) -> Files {
        Files(files, root.into())
    }

    /// A folder without files is nothing to S3, but would be in the way of a file of its name.
    fn make_way(&self, bucket: &str, key: &str) {
        remove_empty(&self.1.join(bucket).join(key));
    }

    /// What is only the beginning of names is no object, though it is a folder here.
    fn is_folder(&self, bucket: &str, key: &str) -> bool {
        self.1.join(bucket).join(key).is_dir()
    }

    async fn etag(&self, bucket: &str, key: &str) -> Option<ETag> {
        let input = HeadObjectInput::builder().bucket(bucket.into()).key(key.into()).build().ok()?;
        let request = S3Request {
            input,
            method: Default::default(),
            uri: Default::default(),
            headers: Default::default(),
            extensions: Default::default(),
            credentials: None,
            region: None,
            service: None,
            trailing_headers: None,
        };
        self.0.head_object(request).await.ok()?.output.e_tag
    }
}

/// Folders go from the innermost out, as long as nothing is in them.
fn remove_empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        remove_empty(&entry.path());
    }
    let _ = std::fs::remove_dir(folder);
}

fn to_file(key: &mut String) {
    if key.ends_with('/') {
        key.push_str(MARKER);
    }
}

fn to_key(file: &mut String) {
    if let Some(at) = file.strip_suffix(MARKER).filter(|key| key.ends_with('/')).map(str::len) {
        file.truncate(at);
    }
}

macro_rules! by_key {
    ($($method:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait::async_trait]
        impl S3 for Files {
            $(async fn $method(&self, mut request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                to_file(&mut request.input.key);
                if matches!(request.method.as_str(), "PUT" | "POST") {
                    self.make_way(&request.input.bucket, &request.input.key);
                } else if self.is_folder(&request.input.bucket, &request.input.key) {
                    return Err(s3_error!(NoSuchKey));
                }
                self.0.$method(request).await
            })*

            async fn copy_object(
                &self,
                mut request: S3Request<CopyObjectInput>,
            ) -> S3Result<S3Response<CopyObjectOutput>> {
                to_file(&mut request.input.key);
                self.make_way(&request.input.bucket, &request.input.key);
                if let CopySource::Bucket { key, .. } = &mut request.input.copy_source {
                    let mut file = key.to_string();
                    to_file(&mut file);
                    *key = file.into();
                }
                self.0.copy_object(request).await
            }

            async fn delete_objects(
                &self,
                mut request: S3Request<DeleteObjectsInput>,
            ) -> S3Result<S3Response<DeleteObjectsOutput>> {
                for object in &mut request.input.delete.objects {
                    to_file(&mut object.key);
                    if self.is_folder(&request.input.bucket, &object.key) {
                        object.key.push_str(NOTHING);
                    }
                }
                self.0.delete_objects(request).await
            }

            async fn list_objects_v2(
                &self,
                request: S3Request<ListObjectsV2Input>,
            ) -> S3Result<S3Response<ListObjectsV2Output>> {
                let bucket = request.input.bucket.clone();
                let mut listed = self.0.list_objects_v2(request).await?;
                for object in listed.output.contents.iter_mut().flatten() {
                    if let Some(key) = &mut object.key {
                        object.e_tag = self.etag(&bucket, key).await;
                        to_key(key);
                    }
                }
                Ok(listed)
            }

            async fn create_bucket(
                &self,
                request: S3Request<CreateBucketInput>,
            ) -> S3Result<S3Response<CreateBucketOutput>> {
                self.0.create_bucket(request).await
            }

            async fn head_bucket(
                &self,
                request: S3Request<HeadBucketInput>,
            ) -> S3Result<S3Response<HeadBucketOutput>> {
                self.0.head_bucket(request).await
            }

            async fn list_buckets(
                &self,
                request: S3Request<ListBucketsInput>,
            ) -> S3Result<S3Response<ListBucketsOutput>> {
                self.0.list_buckets(request).await
            }
        }
    };
}

by_key! {
    put_object(PutObjectInput) -> PutObjectOutput;
    get_object(GetObjectInput) -> GetObjectOutput;
    head_object(HeadObjectInput) -> HeadObjectOutput;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    upload_part(UploadPartInput) -> UploadPartOutput;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    list_parts(ListPartsInput) -> ListPartsOutput;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
}
