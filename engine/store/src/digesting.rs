//! Reads an object through a hasher, a range after the other: one that fails is read again without those before it, and a task
//! that reads a large object is seen to get ahead.

use crate::error::{StoreError, code};
use crate::gate::TaskGate;
use crate::request::DigestObject;
use crate::response::Response;

/// Reads to the end, pinned to what the first answer was about.
///
/// # Errors
/// As [`TaskGate::send`]; [`code::PRECONDITION_FAILED`] if the object is written meanwhile.
pub(crate) async fn digest(task: &TaskGate, mut call: DigestObject) -> Result<Response, StoreError> {
    let mut answer = task.send_once(call.clone().into()).await?;
    let etag = answer.etag.clone();
    while let Some(read) = answer.digest_so_far.take() {
        if etag.is_none() {
            return Err(unreadable("the store does not tell the object's ETag, which pins the rest of it"));
        }
        if read.bytes() <= call.first() {
            return Err(unreadable("the store sent none of the object's bytes"));
        }
        task.note_progress();
        call.after = Some(read);
        call.if_match.clone_from(&etag);
        answer = task.send_once(call.clone().into()).await?;
        if answer.etag.is_some() && answer.etag != etag {
            // Not every store honours conditions.
            let message = "the object was written while it was read";
            return Err(StoreError::new(code::PRECONDITION_FAILED, message).with_status(412));
        }
    }
    Ok(answer)
}

fn unreadable(message: &str) -> StoreError {
    StoreError::new(code::INVALID_RESPONSE, message)
}

#[cfg(test)]
mod tests;
