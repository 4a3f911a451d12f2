//! Whole objects to and from files, streamed: manifests, reports. Sent with the same retries as all other requests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_smithy_types::byte_stream::ByteStream;
use longshore_job::ObjectId;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::client::{S3Store, Sdk, measured};
use crate::error::{StoreError, code};
use crate::request::{GetObject, PutObject, Request};
use crate::retry::Load;

/// Largest object that one PutObject may create: 5 GiB (Amazon S3 User Guide, "Uploading objects").
pub const MAX_UPLOAD_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Slowest upload that is waited for, in bytes per second, on top of the store's request timeout: 256 KiB/s. Slower
/// means that the connection is as good as dead.
pub const MIN_UPLOAD_RATE: u64 = 256 * 1024;

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// ETag as the store writes it.
    pub etag: Option<String>,
    /// Version that was read.
    pub version_id: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
}

/// Streams an object to the file at `path`, whole or not at all: until all of it is there and on disk it has the name
/// `path` + `.partial`. `expected_etag` is compared without quotes.
///
/// # Errors
/// If the store refuses, if the object's ETag is not `expected_etag` (412 `PreconditionFailed`), if the connection
/// breaks or stands still for longer than the request timeout, or if the file cannot be written.
pub async fn download(
    store: &S3Store,
    object: &ObjectId,
    expected_etag: Option<&str>,
    path: &Path,
) -> Result<Downloaded, StoreError> {
    let retrying = store.retrying();
    let partial = partial(path);
    let sdk = retrying.inner();
    let attempt = || measured(&sdk.name, "GetObject", fetch(sdk, object, expected_etag, &partial));
    let load = Load { bucket: Some(&object.bucket), bytes: 0 };
    let downloaded = retrying.run(retrying.policy(), load, attempt).await;
    let done = match downloaded {
        Ok(done) => {
            retrying.received(done.bytes);
            tokio::fs::rename(&partial, path).await.map(|()| done).map_err(file_error("rename", &partial))
        }
        Err(error) => Err(error),
    };
    if done.is_err() {
        // The error that matters is the one above.
        let _ = tokio::fs::remove_file(&partial).await;
    }
    done
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

async fn fetch(
    sdk: &Sdk,
    object: &ObjectId,
    etag: Option<&str>,
    path: &Path,
) -> Result<Downloaded, StoreError> {
    let request = Request::from(GetObject::new(object.clone()));
    let bound = sdk.request_timeout;
    let call = sdk
        .client
        .get_object()
        .bucket(&object.bucket)
        .key(&object.key)
        .set_version_id(object.version_id.clone())
        .set_if_match(etag.map(|etag| format!("\"{}\"", unquoted(etag))))
        .send();
    let answer = timeout(bound, call).await.map_err(|_| sdk.mapper.timeout(request.name(), bound))?;
    let output = answer.map_err(|error| sdk.mapper.error((&request).into(), &error))?;
    // Not every store honours If-Match.
    if let (Some(expected), found) = (etag, output.e_tag.as_deref().unwrap_or_default())
        && unquoted(expected) != unquoted(found)
    {
        let message = format!("the object's ETag is {found}, not {expected}");
        return Err(StoreError::new(code::PRECONDITION_FAILED, message).with_status(412));
    }
    let bytes = write(sdk, output.body, path, bound).await?;
    if output
        .content_length
        .and_then(|length| u64::try_from(length).ok())
        .is_some_and(|length| length != bytes)
    {
        return Err(sdk.mapper.incomplete(request.name(), "all of its bytes"));
    }
    Ok(Downloaded { etag: output.e_tag, version_id: output.version_id, bytes })
}

async fn write(sdk: &Sdk, mut body: ByteStream, path: &Path, stall: Duration) -> Result<u64, StoreError> {
    let mut file = File::create(path).await.map_err(file_error("create", path))?;
    let mut bytes = 0_u64;
    while let Some(chunk) =
        timeout(stall, body.next()).await.map_err(|_| sdk.mapper.timeout("GetObject", stall))?
    {
        let chunk = chunk.map_err(|error| sdk.mapper.broken_body(&error))?;
        file.write_all(&chunk).await.map_err(file_error("write", path))?;
        bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
    }
    file.sync_all().await.map_err(file_error("write", path))?;
    Ok(bytes)
}

/// Uploads the file at `path` with one PutObject and returns the new object's ETag.
///
/// # Errors
/// If the file cannot be read, is larger than [`MAX_UPLOAD_BYTES`], or the store refuses.
pub async fn upload(
    store: &S3Store,
    path: &Path,
    bucket: &str,
    key: &str,
    content_type: &str,
) -> Result<String, StoreError> {
    let size = tokio::fs::metadata(path).await.map_err(file_error("read", path))?.len();
    if size > MAX_UPLOAD_BYTES {
        let message = format!(
            "{}: {size} bytes are more than one PutObject takes ({MAX_UPLOAD_BYTES})",
            path.display()
        );
        return Err(StoreError::new("EntityTooLarge", message));
    }
    let retrying = store.retrying();
    let sdk = retrying.inner();
    let bound = sdk.request_timeout.saturating_add(Duration::from_secs(size / MIN_UPLOAD_RATE));
    let request = Request::from(PutObject::new(bucket, key, bytes::Bytes::new()));
    let attempt = || async {
        let body = ByteStream::read_from().path(path).build().await.map_err(|error| {
            StoreError::new(code::LOCAL_FILE_ERROR, format!("cannot read {}: {error}", path.display()))
        })?;
        let call =
            sdk.client.put_object().bucket(bucket).key(key).content_type(content_type).body(body).send();
        let answer = timeout(bound, call).await.map_err(|_| sdk.mapper.timeout(request.name(), bound))?;
        let output = answer.map_err(|error| sdk.mapper.error((&request).into(), &error))?;
        output.e_tag.ok_or_else(|| sdk.mapper.incomplete(request.name(), "an ETag"))
    };
    let measured = || measured(&sdk.name, request.name(), attempt());
    retrying.run(retrying.policy(), Load { bucket: Some(bucket), bytes: size }, measured).await
}

fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}

fn file_error(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.display().to_string();
    move |error| StoreError::new(code::LOCAL_FILE_ERROR, format!("cannot {what} {path}: {error}"))
}
