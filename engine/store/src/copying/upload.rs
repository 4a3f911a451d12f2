//! One multipart upload, from its creation to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt as _;
use futures::stream;
use longshore_job::ObjectId;
use md5::{Digest as _, Md5};

use super::check_abort;
use super::layout::{Layout, PartRange};
use super::ledger::{BegunUpload, unrecorded};
use super::source::Source;
use crate::error::{StoreError, code};
use crate::gate::TaskGate;
use crate::request::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, HeadObject, ListParts, Part, Upload,
};
use crate::response::Response;

/// Parts of one object under way at once (count): enough that the wait for one does not hold up the next, few enough that
/// one object does not take a store's whole limit.
const PARALLEL_PARTS: usize = 8;

/// Where the parts go.
pub(super) struct Target<'a> {
    /// The gate to the store of the new object.
    pub(super) task: &'a TaskGate,
    /// Name of that store; `None` is the job's own.
    pub(super) store: Option<String>,
    pub(super) create: CreateMultipartUpload,
    /// Only if the object that is there has this ETag.
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: Option<String>,
}

/// An object that is put together of parts.
pub(super) struct Assembly<'a> {
    pub(super) target: Target<'a>,
    pub(super) source: &'a Source,
    pub(super) layout: Layout,
}

/// An upload under way: what the ledger has of it, and the parts that are there.
struct Begun {
    upload: Upload,
    record: BegunUpload,
    parts: BTreeMap<u32, Part>,
}

impl Assembly<'_> {
    /// Makes the object; `send` makes one part of it. An upload that was begun before a crash goes on where it was. One that
    /// fails is aborted, unless the store does not answer: then whoever comes next finds it in the ledger.
    pub(super) async fn make<F>(&self, send: impl Fn(Upload, PartRange) -> F) -> Result<Response, StoreError>
    where
        F: Future<Output = Result<Response, StoreError>>,
    {
        check_abort(self.target.task, self.abort_of("any")).await?;
        let begun = Box::pin(self.begin()).await?;
        match Box::pin(self.finish(&begun, send)).await {
            Ok(response) => {
                self.target.task.forget_begun(&begun.record).await;
                Ok(response)
            }
            Err(error) => {
                if error.status.is_some() {
                    self.target.task.abort_begun(&begun.record).await;
                }
                Err(error)
            }
        }
    }

    async fn begin(&self) -> Result<Begun, StoreError> {
        let Target { task, store, create, .. } = &self.target;
        let left = task.uploads().left(store.as_deref(), &create.bucket, &create.key).await;
        if let Some(record) = left.map_err(unrecorded)? {
            if let Some(begun) = self.resume(&record).await {
                return Ok(begun);
            }
            task.abort_begun(&record).await;
        }
        let created = task.send_one(create.clone().into()).await;
        let created = created.map_err(|error| error.of("CreateMultipartUpload"))?;
        let id = created.upload_id.unwrap_or_default();
        let record = BegunUpload {
            store: store.clone(),
            bucket: create.bucket.clone(),
            key: create.key.clone(),
            upload_id: id.clone(),
            source_etag: self.source.etag.trim_matches('"').to_owned(),
            size: self.source.size,
            part_size: self.layout.part_size,
        };
        task.record_begun(&record).await?;
        Ok(Begun { upload: self.upload(id), record, parts: BTreeMap::new() })
    }

    fn upload(&self, id: String) -> Upload {
        Upload { object: Arc::new(self.target.create.clone()), id }
    }

    /// The upload of `record` with the parts that it has, if it is of use.
    async fn resume(&self, record: &BegunUpload) -> Option<Begun> {
        let same = record.source_etag == self.source.etag.trim_matches('"')
            && record.size == self.source.size
            && record.part_size == self.layout.part_size;
        if !same {
            return None;
        }
        let upload = self.upload(record.upload_id.clone());
        let sizes: BTreeMap<u32, u64> = self.layout.parts().map(|part| (part.number, part.bytes)).collect();
        let mut parts = BTreeMap::new();
        let mut part_number_marker = None;
        loop {
            let request = ListParts { upload: upload.clone(), part_number_marker };
            let page = self.target.task.send_one(request.into()).await.ok()?.parts.unwrap_or_default();
            let whole = page.parts.into_iter().filter(|part| part.size == sizes.get(&part.number).copied());
            parts.extend(whole.map(|part| (part.number, part)));
            match page.next {
                // A store that does not get ahead would be asked for ever.
                Some(next) if Some(next) > part_number_marker => part_number_marker = Some(next),
                _ => break,
            }
        }
        tracing::info!(key = record.key, parts = parts.len(), "goes on with an upload that was begun before");
        Some(Begun { upload, record: record.clone(), parts })
    }

    async fn finish<F>(
        &self,
        begun: &Begun,
        send: impl Fn(Upload, PartRange) -> F,
    ) -> Result<Response, StoreError>
    where
        F: Future<Output = Result<Response, StoreError>>,
    {
        let mut parts = begun.parts.clone();
        self.send_parts(begun, &mut parts, send).await?;
        let parts: Vec<Part> = parts.into_values().collect();
        let request = CompleteMultipartUpload {
            upload: begun.upload.clone(),
            parts,
            if_match: self.target.if_match.clone(),
            if_none_match: self.target.if_none_match.clone(),
        };
        match self.target.task.send_one(request.clone().into()).await {
            // The answer to an attempt before this one may have been lost.
            Err(error) if error.code == "NoSuchUpload" => {
                completed(self.target.task, &request, self.source.size).await.ok_or(error)
            }
            answer => answer,
        }
        .map_err(|error| error.of("CompleteMultipartUpload"))
    }

    /// Sends the parts that are not there yet. After the first failure no other begins, and those under way end: a part that
    /// comes after the abort would stay.
    async fn send_parts<F>(
        &self,
        begun: &Begun,
        parts: &mut BTreeMap<u32, Part>,
        send: impl Fn(Upload, PartRange) -> F,
    ) -> Result<(), StoreError>
    where
        F: Future<Output = Result<Response, StoreError>>,
    {
        let failed = AtomicBool::new(false);
        let sending =
            self.layout.parts().filter(|part| !begun.parts.contains_key(&part.number)).map(|part| {
                let (failed, sent) = (&failed, send(begun.upload.clone(), part));
                async move {
                    if failed.load(Ordering::Relaxed) {
                        return None;
                    }
                    let result = sent.await;
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    Some((part, result))
                }
            });
        let mut sending = std::pin::pin!(stream::iter(sending).buffer_unordered(PARALLEL_PARTS));
        let mut end = Ok(());
        while let Some(done) = sending.next().await {
            match done {
                Some((PartRange { number, bytes, .. }, Ok(Response { etag: Some(etag), checksums, .. }))) => {
                    self.target.task.note_progress();
                    parts.insert(number, Part { number, etag, size: Some(bytes), checksums });
                }
                Some((_, Ok(_))) => {
                    let message = "the store told no ETag of a part";
                    end = end.and(Err(StoreError::new(code::INVALID_RESPONSE, message).with_status(200)));
                }
                Some((_, Err(error))) => end = end.and(Err(error)),
                None => {}
            }
        }
        end
    }

    fn abort_of(&self, upload_id: &str) -> AbortMultipartUpload {
        let create = &self.target.create;
        AbortMultipartUpload {
            bucket: create.bucket.clone(),
            key: create.key.clone(),
            upload_id: upload_id.to_owned(),
        }
    }
}

/// The object that a completion makes, if it is there and was made of these parts.
pub(crate) async fn completed(
    task: &TaskGate,
    completion: &CompleteMultipartUpload,
    size: u64,
) -> Option<Response> {
    let create = &completion.upload.object;
    let object = ObjectId { bucket: create.bucket.clone(), key: create.key.clone(), version_id: None };
    let head = task.send_one(HeadObject::new(object).into()).await.ok()?;
    let etag = head.etag.as_deref()?.trim_matches('"').to_owned();
    let made = head.size == Some(size) && composite_etag(&completion.parts)? == etag;
    made.then(|| Response { body: bytes::Bytes::new(), ..head })
}

/// ETag of an object of these parts, where those of the parts are MD5 sums: the MD5 sum of these sums, and their number
/// (Amazon S3 User Guide, "Checking object integrity").
pub(super) fn composite_etag(parts: &[Part]) -> Option<String> {
    let mut sum = Md5::new();
    for part in parts {
        sum.update(hex_bytes(part.etag.trim_matches('"'))?);
    }
    let hex: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{hex}-{}", parts.len()))
}

fn hex_bytes(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
    Some(number.to_be_bytes())
}
