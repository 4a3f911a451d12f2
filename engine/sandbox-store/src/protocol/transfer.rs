//! Bodies on their way in and out.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Request, S3Result, StdError, s3_error};

use super::Protocol;
use crate::checksum::{self, Algorithm, Declared, Digest};
use crate::error::custom_error;
use crate::model::StoredChecksum;
use crate::storage::Storage;
use crate::storage::bodies::{NewBody, Piece};
use crate::storage::content::Content;

/// Bytes of the largest object of one PutObject, of one part, and of the source of one copy: 5 GiB, S3's limit.
pub(super) const MAX_SINGLE_BODY: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes sent, or read from a body file, at once.
const CHUNK: usize = 64 * 1024;
/// What runs of zeros are sent from.
static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// A body that came in and is what its headers said.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) body: NewBody,
    /// Bytes.
    pub(super) size: u64,
    /// MD5 in hexadecimal: the entity tag of a body that came in one piece.
    pub(super) etag: String,
    /// Of the algorithm that the request declares.
    pub(super) checksum: StoredChecksum,
    /// Of the algorithm asked for besides, if it is another one.
    pub(super) second: Option<StoredChecksum>,
}

/// Receives the body of a request and checks it against its `Content-MD5`, checksum headers and trailers; the
/// checksum of the algorithm `also` is computed besides the one that the request declares.
///
/// # Errors
/// `EntityTooLarge`, `BadDigest`, `IncompleteBody` and the errors of [`Declared::of_headers`].
pub(super) async fn receive<T>(
    storage: &Storage,
    request: &S3Request<T>,
    body: Option<StreamingBlob>,
    also: Option<Algorithm>,
) -> S3Result<Received> {
    let declared = Declared::of_headers(&request.headers, also.unwrap_or(Algorithm::Crc64Nvme))?;
    let mut digest = Digest::new(declared.algorithm);
    let mut second = also.filter(|also| *also != declared.algorithm).map(Digest::new);
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
            if let Some(second) = &mut second {
                second.update(&bytes);
            }
            writer.push(&bytes).await?;
        }
    }
    let (md5, checksum) = digest.finish();
    let content_md5 = request.headers.get("content-md5").and_then(|value| value.to_str().ok());
    checksum::verify_md5(content_md5, md5)?;
    declared.verify(&checksum.value, request.trailing_headers.as_ref())?;
    let second = second.map(|second| second.finish().1);
    Ok(Received { body: writer.finish().await?, size, etag: hex::encode(md5), checksum, second })
}

/// The protocol crate verifies signature and hash of the body while it is read, and tells only by text what failed.
pub(super) fn broken_body(error: StdError) -> S3Error {
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

/// Sends a content.
pub(super) fn send(pieces: Vec<Piece>) -> StreamingBlob {
    if let [Piece::Inline(bytes)] = pieces.as_slice() {
        return StreamingBlob::from(s3s::Body::from(bytes.clone()));
    }
    StreamingBlob::wrap(stream::try_unfold(VecDeque::from(pieces), |mut left| async move {
        let Some(piece) = left.pop_front() else { return Ok(None) };
        let (chunk, rest) = chunk_of(piece).await?;
        rest.into_iter().for_each(|rest| left.push_front(rest));
        Ok::<_, std::io::Error>(Some((chunk, left)))
    }))
}

/// The first bytes of a piece, and what is left of it.
async fn chunk_of(piece: Piece) -> std::io::Result<(Bytes, Option<Piece>)> {
    match piece {
        Piece::Inline(bytes) => Ok((bytes, None)),
        Piece::Zeros(count) => {
            let chunk = Bytes::from_static(ZEROS.get(..length_of_chunk(count)).unwrap_or(&ZEROS));
            let left = count - chunk.len() as u64;
            Ok((chunk, (left > 0).then_some(Piece::Zeros(left))))
        }
        Piece::Path { path, start, length } => {
            let file = tokio::task::spawn_blocking(|| File::open(path)).await??;
            chunk_of_file(Arc::new(file), start, length).await
        }
        Piece::File { file, start, length } => chunk_of_file(file, start, length).await,
    }
}

async fn chunk_of_file(file: Arc<File>, start: u64, length: u64) -> std::io::Result<(Bytes, Option<Piece>)> {
    let read = move || {
        let mut chunk = vec![0; length_of_chunk(length)];
        file.read_exact_at(&mut chunk, start)?;
        let read = chunk.len() as u64;
        let left = Piece::File { file, start: start + read, length: length - read };
        Ok((Bytes::from(chunk), (length > read).then_some(left)))
    };
    tokio::task::spawn_blocking(read).await?
}

fn length_of_chunk(left: u64) -> usize {
    usize::try_from(left).unwrap_or(CHUNK).min(CHUNK)
}

/// The MD5 and the checksum of bytes.
type Sums = ([u8; 16], StoredChecksum);

/// Computes the sums of bytes that are stored.
///
/// # Errors
/// They cannot be read.
pub(super) async fn sums(
    protocol: &Protocol,
    content: &Content,
    pieces: Vec<Piece>,
    algorithm: Algorithm,
) -> S3Result<Sums> {
    let zeros = content.all_zeros();
    if let Some(known) = zeros.and_then(|zeros| protocol.zeros.get(zeros, algorithm)) {
        return Ok(known);
    }
    let mut digest = Digest::new(algorithm);
    let mut stream = send(pieces);
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|error| s3_error!(InternalError, "a body could not be read: {error}"))?;
        digest.update(&bytes);
    }
    let sums = digest.finish();
    if let Some(zeros) = zeros {
        protocol.zeros.put(zeros, algorithm, sums.clone());
    }
    Ok(sums)
}

/// The sums of runs of zeros that were computed before: the parts of a sparse object are all alike.
#[derive(Debug, Default)]
pub(crate) struct ZeroSums(Mutex<Vec<(u64, Algorithm, Sums)>>);

impl ZeroSums {
    /// Runs that are remembered: an object has parts of two sizes, its last one being shorter.
    const CAPACITY: usize = 32;

    fn get(&self, zeros: u64, algorithm: Algorithm) -> Option<Sums> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|known| (known.0, known.1) == (zeros, algorithm)).map(|known| known.2.clone())
    }

    fn put(&self, zeros: u64, algorithm: Algorithm, sums: Sums) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == Self::CAPACITY {
            known.remove(0);
        }
        known.push((zeros, algorithm, sums));
    }
}
