//! Bodies on their way in and out.

use std::io::SeekFrom;
use std::ops::Range;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Request, S3Result, StdError, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::checksum::{self, Algorithm, Declared, Digest};
use crate::error::custom_error;
use crate::model::StoredChecksum;
use crate::storage::Storage;
use crate::storage::bodies::{NewBody, OpenBody};

/// Bytes of the largest object of one PutObject, of one part, and of the source of one copy: 5 GiB, S3's limit.
pub(super) const MAX_SINGLE_BODY: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes read from a body file at once.
const CHUNK: usize = 64 * 1024;

/// A body that came in and is what its headers said.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) body: NewBody,
    /// Bytes.
    pub(super) size: u64,
    /// MD5 in hexadecimal: the entity tag of a body that came in one piece.
    pub(super) etag: String,
    pub(super) checksum: StoredChecksum,
}

/// Receives the body of a request and checks it against its `Content-MD5`, checksum headers and trailers.
///
/// # Errors
/// `EntityTooLarge`, `BadDigest`, `IncompleteBody` and the errors of [`Declared::of_headers`].
pub(super) async fn receive<T>(
    storage: &Storage,
    request: &S3Request<T>,
    body: Option<StreamingBlob>,
    default: Algorithm,
) -> S3Result<Received> {
    let declared = Declared::of_headers(&request.headers, default)?;
    let mut digest = Digest::new(declared.algorithm);
    let mut writer = storage.body_writer();
    let mut size: u64 = 0;
    if let Some(mut body) = body {
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(broken_body)?;
            size += bytes.len() as u64;
            if size > MAX_SINGLE_BODY {
                return Err(s3_error!(
                    EntityTooLarge,
                    "Your proposed upload exceeds the maximum allowed object size"
                ));
            }
            digest.update(&bytes);
            writer.push(&bytes).await?;
        }
    }
    let (md5, checksum) = digest.finish();
    let content_md5 = request.headers.get("content-md5").and_then(|value| value.to_str().ok());
    checksum::verify_md5(content_md5, md5)?;
    declared.verify(&checksum.value, request.trailing_headers.as_ref())?;
    Ok(Received { body: writer.finish().await?, size, etag: hex::encode(md5), checksum })
}

/// The protocol crate verifies signature and hash of the body while it is read, and tells only by text what failed.
fn broken_body(error: StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return custom_error("XAmzContentSHA256Mismatch", http::StatusCode::BAD_REQUEST, message.to_owned());
    }
    if text.contains("SignatureMismatch") {
        return s3_error!(SignatureDoesNotMatch, "The signature of a chunk of the body does not match");
    }
    s3_error!(IncompleteBody, "The request body terminated unexpectedly: {text}")
}

/// Sends these bytes of a body.
pub(super) async fn send(body: OpenBody, range: Range<u64>) -> S3Result<StreamingBlob> {
    match body {
        OpenBody::Inline(bytes) => Ok(StreamingBlob::from(s3s::Body::from(slice(&bytes, &range)))),
        OpenBody::File(file) => {
            let mut file = tokio::fs::File::from_std(file);
            file.seek(SeekFrom::Start(range.start)).await.map_err(S3Error::internal_error)?;
            let file = file.take(range.end - range.start);
            let chunks = stream::try_unfold(file, |mut file| async move {
                let mut chunk = Vec::with_capacity(CHUNK);
                let limit = CHUNK as u64;
                (&mut file).take(limit).read_to_end(&mut chunk).await?;
                Ok::<_, std::io::Error>((!chunk.is_empty()).then(|| (Bytes::from(chunk), file)))
            });
            Ok(StreamingBlob::wrap(chunks))
        }
    }
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(bytes.len());
    let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(end);
    bytes.slice(start..end)
}

/// Hashes a body that is stored, and copies its bytes if there is a writer for them.
///
/// # Errors
/// The body cannot be read, or the copy not be written.
pub(super) async fn reread(
    body: OpenBody,
    range: Range<u64>,
    digest: &mut Digest,
    mut copy: Option<&mut crate::storage::bodies::BodyWriter>,
) -> S3Result<()> {
    let mut stream = send(body, range).await?;
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|error| s3_error!(InternalError, "a body could not be read: {error}"))?;
        digest.update(&bytes);
        if let Some(copy) = &mut copy {
            copy.push(&bytes).await?;
        }
    }
    Ok(())
}
