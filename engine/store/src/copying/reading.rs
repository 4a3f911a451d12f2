//! Reads the source of a copy to another store, pinned to what HeadObject saw.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use longshore_job::ObjectId;
use md5::{Digest as _, Md5};

use super::source::Source;
use crate::error::{StoreError, code};
use crate::gate::TaskGate;
use crate::request::{ByteRange, Chunks, CopyObject, GetObject, PartStream};
use crate::response::MAX_BODY_BYTES;

/// Bytes that a stream reads at once.
pub(super) const STREAM_STEP: u64 = 8 * 1024 * 1024;

/// The MD5 sum of the bytes that a stream gave: known once it came to its end.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum(Arc<Mutex<Option<Running>>>);

/// That of one attempt: one that was given up may still be at work.
type Running = Arc<Mutex<Md5>>;

impl Sum {
    /// In hexadecimal; none if nothing was read.
    pub(super) fn hex(&self) -> Option<String> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let sum = running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(hex::encode(sum.finalize()))
    }

    fn begin(&self) -> Running {
        let running = Running::default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&running));
        running
    }
}

/// Adds bytes: 8 MiB take some 15 ms, which other tasks need not wait for.
async fn add(sum: Running, bytes: Bytes) -> Result<Bytes, StoreError> {
    let added = tokio::task::spawn_blocking(move || {
        sum.lock().unwrap_or_else(PoisonError::into_inner).update(&bytes);
        bytes
    });
    added.await.map_err(|error| StoreError::new(code::INVALID_RESPONSE, error.to_string()))
}

/// Reads the source.
pub(super) struct Reading {
    task: TaskGate,
    object: ObjectId,
    etag: String,
    requester_pays: bool,
}

impl Reading {
    pub(super) fn new(task: TaskGate, source: &Source, copy: &CopyObject) -> Self {
        let (object, etag) = (copy.source.clone(), source.etag.clone());
        Self { task, object, etag, requester_pays: copy.requester_pays }
    }

    /// So many bytes from there, in steps of what one answer may hold.
    pub(super) async fn range(&self, first: u64, bytes: u64) -> Result<Bytes, StoreError> {
        if bytes <= MAX_BODY_BYTES {
            return self.step(first, bytes).await;
        }
        let mut whole = BytesMut::with_capacity(usize::try_from(bytes).unwrap_or_default());
        for (first, bytes) in steps(first, bytes, MAX_BODY_BYTES) {
            whole.extend_from_slice(&self.step(first, bytes).await?);
        }
        Ok(whole.freeze())
    }

    /// The same as a stream, and its sum.
    pub(super) fn stream(self: &Arc<Self>, first: u64, bytes: u64, sum: Sum) -> PartStream {
        let reading = Arc::clone(self);
        PartStream::new(bytes, move || -> Chunks {
            let (reading, sum) = (Arc::clone(&reading), sum.begin());
            stream::iter(steps(first, bytes, STREAM_STEP).map(Ok))
                .and_then(move |(first, bytes)| {
                    let (reading, sum) = (Arc::clone(&reading), Arc::clone(&sum));
                    async move {
                        let chunk = add(sum, reading.step(first, bytes).await?).await?;
                        reading.task.note_progress();
                        Ok(chunk)
                    }
                })
                .boxed()
        })
    }

    async fn step(&self, first: u64, bytes: u64) -> Result<Bytes, StoreError> {
        if bytes == 0 {
            return Ok(Bytes::new());
        }
        let mut get = GetObject::new(self.object.clone());
        get.range = Some(ByteRange { first, last: Some(first + bytes - 1) });
        get.if_match = Some(self.etag.clone());
        get.requester_pays = self.requester_pays;
        let answer = self.task.send_one(get.into()).await.map_err(|error| error.of("GetObject"))?;
        if answer.etag.as_deref().is_some_and(|etag| etag != self.etag) {
            // Not every store honours conditions.
            let message = "the source was written while it was copied";
            return Err(StoreError::new(code::PRECONDITION_FAILED, message).with_status(412));
        }
        if u64::try_from(answer.body.len()).ok() != Some(bytes) {
            let message = format!("the store sent {} bytes instead of {bytes}", answer.body.len());
            return Err(StoreError::new(code::INVALID_RESPONSE, message));
        }
        Ok(answer.body)
    }
}

/// First byte and length of each step.
fn steps(first: u64, bytes: u64, step: u64) -> impl Iterator<Item = (u64, u64)> + Send {
    (0..bytes.div_ceil(step)).map(move |number| {
        let done = number * step;
        (first + done, (bytes - done).min(step))
    })
}
