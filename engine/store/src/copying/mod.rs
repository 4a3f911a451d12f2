//! Copies that one CopyObject does not make: objects over 5 GiB, and copies to another store. Every request of theirs goes
//! through the gate, as those of operations do.

mod between;
mod layout;
mod ledger;
mod reading;
mod source;
mod upload;

use crate::error::StoreError;
use crate::gate::{Certainty, TaskGate};
use crate::request::{CopyObject, UploadPartCopy};
use crate::response::Response;

pub(crate) use between::{BUFFER_UNITS, check as check_between};
pub use ledger::{BegunUpload, UploadLedger};
pub(crate) use ledger::{Unrecorded, unrecorded};
use source::Source;
pub(crate) use upload::completed;
use upload::{Assembly, Target};

/// Largest object that one CopyObject copies: 5 GiB (Amazon S3 API Reference, CopyObject).
pub(crate) const MAX_COPY_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes of each part but the last, where the store copies: few requests, and short ones.
const PART_BYTES: u64 = 128 * 1024 * 1024;

/// Makes a copy, by whichever requests it takes.
pub(crate) async fn copy(task: &TaskGate, copy: CopyObject) -> Result<Response, StoreError> {
    if let Some(store) = copy.transfer.target_store.clone() {
        return Box::pin(between::copy(task, &store, &copy)).await;
    }
    match copy.transfer.multipart_threshold {
        Some(threshold) => {
            let source = Source::look(task, &copy).await?;
            if source.size > threshold.min(MAX_COPY_BYTES) {
                return Box::pin(in_parts(task, &copy, &source)).await;
            }
            task.send_one(copy.into()).await
        }
        // Nearly all objects are small: the store says which are not.
        None => match task.send_one(copy.clone().into()).await {
            Err(error) if is_too_large(&error) => {
                let source = Source::look(task, &copy).await?;
                if source.size > MAX_COPY_BYTES {
                    Box::pin(in_parts(task, &copy, &source)).await
                } else {
                    Err(error)
                }
            }
            answer => answer,
        },
    }
}

/// Whether a store refuses a copy because of its size. Amazon S3 has no code for that.
fn is_too_large(error: &StoreError) -> bool {
    match error.code.as_str() {
        "EntityTooLarge" => true,
        "InvalidRequest" => error.message.contains("larger than the maximum allowable size"),
        _ => false,
    }
}

/// UploadPartCopy: the bytes stay in the store.
async fn in_parts(task: &TaskGate, copy: &CopyObject, source: &Source) -> Result<Response, StoreError> {
    let layout = layout::Layout::new(
        source.size,
        copy.transfer.part_size.unwrap_or(PART_BYTES),
        layout::MAX_PART_BYTES,
    )?;
    let create = source.new_object(task, copy).await?;
    // A copy in place must not replace what is written meanwhile.
    let in_place = copy.source.bucket == copy.bucket && copy.source.key == copy.key;
    let if_match = (in_place && copy.source.version_id.is_none()).then(|| source.etag.clone());
    let target = Target { task, store: None, create, if_match, if_none_match: copy.if_none_match.clone() };
    let assembly = Assembly { target, source, layout };
    assembly
        .make(|upload, part| {
            let request = UploadPartCopy {
                upload,
                number: part.number,
                source: copy.source.clone(),
                range: part.range,
                copy_source_if_match: Some(source.etag.clone()),
                requester_pays: copy.requester_pays,
            };
            Box::pin(async move {
                task.send_one(request.into()).await.map_err(|error| error.of("UploadPartCopy"))
            })
        })
        .await
}

/// Whether an upload may be cleaned up after: what may not, is not begun.
pub(crate) async fn check_abort(
    task: &TaskGate,
    upload: crate::request::AbortMultipartUpload,
) -> Result<(), StoreError> {
    task.check_one(&upload.into(), Certainty::Exact).await
}

#[cfg(test)]
pub(crate) mod tests;
