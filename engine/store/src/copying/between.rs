//! Copies to another store: the engine reads and writes, with memory of a fixed size.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use md5::{Digest as _, Md5};

use super::layout::Layout;
use super::source::Source;
use super::upload::{Assembly, Target};
use crate::error::{StoreError, code};
use crate::gate::{Certainty, TaskGate};
use crate::request::{
    ByteRange, CopyObject, CreateMultipartUpload, Directive, GetObject, GetObjectTagging, HeadObject,
    PutObject, UploadPart,
};
use crate::response::{MAX_BODY_BYTES, Response};

/// Largest object that one PutObject carries, and bytes of each part of larger ones where nothing else is said.
const PART_BYTES: u64 = 8 * 1024 * 1024;
/// Most bytes of a part: what all copies together may hold ([`BUFFER_UNITS`]). Objects have at most 10,000 parts, so 625 GiB.
const MAX_PART_BYTES: u64 = 64 * 1024 * 1024;
/// Memory is handed out in these.
const UNIT: u64 = 1024 * 1024;
/// How many units all copies between stores hold at once: 64 MiB, whatever the concurrency.
pub(crate) const BUFFER_UNITS: usize = 64;

/// Whether the policies allow a copy, as far as it is known before it is made.
///
/// # Errors
/// As [`TaskGate::check`], of whichever store.
pub(crate) async fn check(
    task: &TaskGate,
    copy: &CopyObject,
    store: &str,
    certainty: Certainty,
) -> Result<(), StoreError> {
    let target = task.on(store)?;
    task.check_one(&HeadObject::new(copy.source.clone()).into(), certainty).await?;
    let copies_tags = copy.tagging_directive != Some(Directive::Replace);
    if copies_tags {
        task.check_one(&GetObjectTagging::new(copy.source.clone()).into(), certainty).await?;
    }
    // Which tags are written is known once they were read.
    let certainty = if copies_tags { Certainty::Provisional } else { certainty };
    let create = CreateMultipartUpload {
        bucket: copy.bucket.clone(),
        key: copy.key.clone(),
        tags: copy.tags.clone(),
        acl: copy.acl.clone(),
        storage_class: copy.storage_class.clone(),
        encryption: copy.encryption.clone(),
        website_redirect_location: copy.website_redirect_location.clone(),
        lock: copy.lock.clone(),
        ..CreateMultipartUpload::default()
    };
    let put = put(create, Bytes::new(), copy.if_none_match.clone());
    target.check_one(&put.into(), certainty).await
}

pub(super) async fn copy(task: &TaskGate, store: &str, copy: &CopyObject) -> Result<Response, StoreError> {
    let target = task.on(store)?;
    let source = Source::look(task, copy).await?;
    let mut create = source.new_object(task, copy).await?;
    // What algorithms the other store knows, only the job's author can say.
    create.checksum_algorithm.clone_from(&copy.checksum_algorithm);
    let read = Reading { task, source: &source, copy };
    if source.size <= PART_BYTES {
        return at_once(&read, &target, create, copy.if_none_match.clone()).await;
    }
    let layout = Layout::new(source.size, copy.transfer.part_size.unwrap_or(PART_BYTES), MAX_PART_BYTES)?;
    let if_none_match = copy.if_none_match.clone();
    let to = Target { task: &target, store: Some(store.to_owned()), create, if_none_match };
    let (read, target) = (&read, &target);
    Assembly { target: to, source: &source, layout }
        .make(|upload, part| {
            Box::pin(async move {
                let _memory = task.buffers(units(part.bytes)).await?;
                let body = read.range(part.range.first, part.bytes).await?;
                let content_md5 = Some(STANDARD.encode(md5_of(body.clone()).await?));
                let request = UploadPart { upload, number: part.number, body, content_md5 };
                let answer = target.send_one(request.into()).await;
                task.note_progress();
                answer.map_err(|error| error.of("UploadPart"))
            })
        })
        .await
}

async fn at_once(
    read: &Reading<'_>,
    target: &TaskGate,
    create: CreateMultipartUpload,
    if_none_match: Option<String>,
) -> Result<Response, StoreError> {
    let _memory = read.task.buffers(units(read.source.size)).await?;
    let body = read.range(0, read.source.size).await?;
    let sum = md5_of(body.clone()).await?;
    let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    if read.source.md5().is_some_and(|expected| !expected.eq_ignore_ascii_case(&hex)) {
        let message =
            format!("the bytes that were read have the MD5 sum {hex}, not that of the source's ETag");
        return Err(StoreError::new("BadDigest", message));
    }
    let mut put = put(create, body, if_none_match);
    put.content_md5 = Some(STANDARD.encode(sum));
    target.send_one(put.into()).await
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX)
}

fn put(create: CreateMultipartUpload, body: Bytes, if_none_match: Option<String>) -> PutObject {
    PutObject {
        content: create.content,
        user_metadata: create.user_metadata,
        tags: create.tags,
        acl: create.acl,
        storage_class: create.storage_class,
        encryption: create.encryption,
        website_redirect_location: create.website_redirect_location,
        checksum_algorithm: create.checksum_algorithm,
        lock: create.lock,
        if_none_match,
        ..PutObject::new(create.bucket, create.key, body)
    }
}

/// 8 MiB take some 15 ms, which other tasks need not wait for.
async fn md5_of(body: Bytes) -> Result<[u8; 16], StoreError> {
    let sum = tokio::task::spawn_blocking(move || Md5::digest(&body).into()).await;
    sum.map_err(|error| StoreError::new(code::INVALID_REQUEST, error.to_string()))
}

/// Reads the source, pinned to what HeadObject saw.
struct Reading<'a> {
    task: &'a TaskGate,
    source: &'a Source,
    copy: &'a CopyObject,
}

impl Reading<'_> {
    /// So many bytes from there, in steps of what one answer may hold.
    async fn range(&self, first: u64, bytes: u64) -> Result<Bytes, StoreError> {
        if bytes <= MAX_BODY_BYTES {
            return self.step(first, bytes).await;
        }
        let mut whole = BytesMut::new();
        let mut done = 0;
        while done < bytes {
            let step = (bytes - done).min(MAX_BODY_BYTES);
            whole.extend_from_slice(&self.step(first + done, step).await?);
            done += step;
        }
        Ok(whole.freeze())
    }

    async fn step(&self, first: u64, bytes: u64) -> Result<Bytes, StoreError> {
        if bytes == 0 {
            return Ok(Bytes::new());
        }
        let mut get = GetObject::new(self.copy.source.clone());
        get.range = Some(ByteRange { first, last: Some(first + bytes - 1) });
        get.if_match = Some(self.source.etag.clone());
        get.requester_pays = self.copy.requester_pays;
        let answer = self.task.send_one(get.into()).await.map_err(|error| error.of("GetObject"))?;
        if answer.etag.as_deref().is_some_and(|etag| etag != self.source.etag) {
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
