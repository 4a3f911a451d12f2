//! Segments: the frames of a chunk spool as objects of a bucket.
//!
//! Objects cannot be continued, so frames are gathered in memory until they make a segment. The offset of a frame says where
//! it is: the segment `n` begins at `n * SEGMENT_BYTES`, and no frame is where it ends early. Each is a spool file of its own.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use longshore_job::ObjectId;
use longshore_manifest::{FrameReader, FrameWriter, SPOOL_MAGIC, SpoolError};
use longshore_store::{
    ByteRange, DeleteObject, GetObject, ListObjectsV2, PutObject, Request, Response, Store, StoreError,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Most bytes of a segment: one request without parts, and some 500,000 rows. In memory are two of them at most: one is
/// filled while the one before is sent. Few in the tests of this crate, so that they need many.
pub(crate) const SEGMENT_BYTES: usize = if cfg!(test) { 32 * 1024 } else { 8 * 1024 * 1024 };

/// Requests at once that remove segments (count).
const REMOVALS: usize = 8;

/// The segments of one job.
#[derive(Clone)]
pub(crate) struct Segments {
    pub store: Arc<dyn Store>,
    pub bucket: String,
    /// What the keys of all its segments begin with; ends in `/`.
    pub prefix: String,
    /// What follows in the keys of those that count: others are of a preparation that was interrupted.
    pub attempt: String,
}

impl fmt::Debug for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segments({}, {})", self.name(&self.prefix), self.attempt)
    }
}

impl Segments {
    /// Begins them. Its frames are sent by the runtime of the thread that calls this, which must be one that may block.
    pub(crate) fn writer(self) -> SegmentWriter {
        let runtime = Handle::current();
        SegmentWriter { segments: self, runtime, number: 0, bytes: Vec::new(), sent: None }
    }

    /// Reads them, in threads that may block.
    pub(crate) fn reader(self) -> SegmentReader {
        SegmentReader { segments: self, runtime: Handle::current() }
    }

    /// Removes all of the job's, those of interrupted preparations too.
    pub(crate) async fn remove(&self) -> Result<(), SpoolError> {
        let mut page = ListObjectsV2 {
            bucket: self.bucket.clone(),
            prefix: Some(self.prefix.clone()),
            ..ListObjectsV2::default()
        };
        loop {
            let listed = match self.store.send(&page.clone().into()).await {
                Err(error) if error.code == "NoSuchBucket" => return Ok(()),
                listed => listed.map_err(|error| self.unavailable("list", &self.prefix, &error))?,
            };
            let listed = listed.list.unwrap_or_default();
            futures::stream::iter(listed.objects)
                .map(|object| self.remove_one(object.key))
                .buffer_unordered(REMOVALS)
                .try_collect::<()>()
                .await?;
            page.continuation_token = listed.next_continuation_token;
            if page.continuation_token.is_none() {
                return Ok(());
            }
        }
    }

    async fn remove_one(&self, key: String) -> Result<(), SpoolError> {
        let request = DeleteObject::new(self.object(key.clone())).into();
        let removed = self.store.send(&request).await;
        removed.map(drop).map_err(|error| self.unavailable("remove", &key, &error))
    }

    async fn put(self, number: u64, bytes: Vec<u8>) -> Result<(), SpoolError> {
        let key = self.key(number);
        let request = Request::from(PutObject::new(&self.bucket, &key, Bytes::from(bytes)));
        let put = self.store.send(&request).await;
        put.map(drop).map_err(|error| self.unavailable("write", &key, &error))
    }

    async fn get(&self, number: u64, range: ByteRange) -> Result<Response, StoreError> {
        let object = self.object(self.key(number));
        self.store.send(&GetObject { range: Some(range), ..GetObject::new(object) }.into()).await
    }

    fn key(&self, number: u64) -> String {
        format!("{}{}/{number:06}", self.prefix, self.attempt)
    }

    fn object(&self, key: String) -> ObjectId {
        ObjectId { bucket: self.bucket.clone(), key, version_id: None }
    }

    fn name(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    fn unavailable(&self, action: &'static str, key: &str, error: &StoreError) -> SpoolError {
        SpoolError::Unavailable { action, place: self.name(key), reason: error.to_string() }
    }
}

/// The segment that holds `offset`, and the byte in it.
fn place(offset: u64) -> (u64, u64) {
    (offset / SEGMENT_BYTES as u64, offset % SEGMENT_BYTES as u64)
}

/// Writes segments, in order.
pub(crate) struct SegmentWriter {
    segments: Segments,
    runtime: Handle,
    /// Number of the segment that is filled.
    number: u64,
    bytes: Vec<u8>,
    /// The segment before, on its way.
    sent: Option<JoinHandle<Result<(), SpoolError>>>,
}

impl SegmentWriter {
    fn send(&mut self) -> Result<(), SpoolError> {
        self.arrive()?;
        let bytes = std::mem::take(&mut self.bytes);
        self.sent = Some(self.runtime.spawn(self.segments.clone().put(self.number, bytes)));
        self.number += 1;
        Ok(())
    }

    /// Waits for the segment that is on its way.
    fn arrive(&mut self) -> Result<(), SpoolError> {
        let Some(sent) = self.sent.take() else { return Ok(()) };
        self.runtime.block_on(sent).unwrap_or_else(|panic| {
            let place = self.segments.name(&self.segments.prefix);
            Err(SpoolError::Unavailable { action: "write", place, reason: panic.to_string() })
        })
    }
}

impl FrameWriter for SegmentWriter {
    fn write(&mut self, frame: &[u8]) -> Result<u64, SpoolError> {
        let max = SEGMENT_BYTES - SPOOL_MAGIC.len();
        if frame.len() > max {
            return Err(SpoolError::ChunkTooLarge { unit: "bytes", max, found: frame.len() });
        }
        if self.bytes.len() + frame.len() > SEGMENT_BYTES {
            self.send()?;
        }
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(SPOOL_MAGIC);
        }
        let offset = self.number * SEGMENT_BYTES as u64 + self.bytes.len() as u64;
        self.bytes.extend_from_slice(frame);
        Ok(offset)
    }

    fn finish(mut self: Box<Self>) -> Result<(), SpoolError> {
        if !self.bytes.is_empty() {
            self.send()?;
        }
        self.arrive()
    }
}

impl Drop for SegmentWriter {
    /// A segment must not arrive after those of the job were removed.
    fn drop(&mut self) {
        // Whoever drops a writer does not want its segments.
        let _ = self.arrive();
    }
}

/// Reads frames out of segments.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    segments: Segments,
    runtime: Handle,
}

impl FrameReader for SegmentReader {
    fn read(&self, offset: u64, bytes: u32) -> Result<Vec<u8>, SpoolError> {
        let (number, first) = place(offset);
        let range = ByteRange { first, last: Some((first + u64::from(bytes)).saturating_sub(1)) };
        match self.runtime.block_on(self.segments.get(number, range)) {
            Ok(response) => Ok(response.body.into()),
            // There is no such segment, or it ends before.
            Err(error) if matches!(error.code.as_str(), "NoSuchKey" | "InvalidRange") => Ok(Vec::new()),
            Err(error) => Err(self.segments.unavailable("read", &self.segments.key(number), &error)),
        }
    }

    fn place(&self, offset: u64) -> (String, u64) {
        let (number, first) = place(offset);
        (self.segments.name(&self.segments.key(number)), first)
    }
}
