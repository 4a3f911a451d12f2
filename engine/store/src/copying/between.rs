//! Copies to another store: the engine reads and writes, with memory of a fixed size.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest as _, Md5};

use super::layout::{Layout, MAX_PART_BYTES, PartRange};
use super::reading::{Reading, STREAM_STEP, Sum};
use super::source::{Source, is_md5};
use super::upload::{Assembly, Target};
use crate::error::{StoreError, code};
use crate::gate::{Certainty, TaskGate};
use crate::request::{
    CopyObject, CreateMultipartUpload, Directive, GetObjectTagging, HeadObject, PartBody, PutObject, Upload,
    UploadPart,
};
use crate::response::Response;

/// Largest object that one PutObject carries, and bytes of each part of larger ones where nothing else is said.
const PART_BYTES: u64 = 8 * 1024 * 1024;
/// Most bytes of a part that is held in memory as a whole: what all copies together may hold ([`BUFFER_UNITS`]). Larger ones are
/// sent as they are read; objects have at most 10,000 parts, so that is from 625 GiB on where nothing else is said.
const MAX_WHOLE_BYTES: u64 = 64 * 1024 * 1024;
/// What a part holds that is sent as it is read: one answer, and another one on its way out.
const STREAM_BYTES: u64 = 2 * STREAM_STEP;
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
    let read = Arc::new(Reading::new(task.again(), &source, copy));
    if source.size <= PART_BYTES {
        return at_once(&read, &source, &target, create, copy.if_none_match.clone()).await;
    }
    let layout = Layout::new(source.size, copy.transfer.part_size.unwrap_or(PART_BYTES), MAX_PART_BYTES)?;
    let if_none_match = copy.if_none_match.clone();
    let to = Target { task: &target, store: Some(store.to_owned()), create, if_match: None, if_none_match };
    let (read, target) = (&read, &target);
    Assembly { target: to, source: &source, layout }
        .make(|upload, part| {
            Box::pin(async move {
                if part.bytes > MAX_WHOLE_BYTES {
                    as_it_is_read(read, target, upload, part).await
                } else {
                    whole(read, target, upload, part).await
                }
            })
        })
        .await
}

/// One part, by way of memory.
async fn whole(
    read: &Reading,
    target: &TaskGate,
    upload: Upload,
    part: PartRange,
) -> Result<Response, StoreError> {
    let _memory = target.buffers(units(part.bytes)).await?;
    let body = read.range(part.range.first, part.bytes).await?;
    let content_md5 = Some(STANDARD.encode(md5_of(body.clone()).await?));
    let request = UploadPart { upload, number: part.number, body: body.into(), content_md5 };
    target.send_one(request.into()).await.map_err(|error| error.of("UploadPart"))
}

/// One part that is too large for memory. What arrived is told by its ETag, where that is an MD5 sum.
async fn as_it_is_read(
    read: &Arc<Reading>,
    target: &TaskGate,
    upload: Upload,
    part: PartRange,
) -> Result<Response, StoreError> {
    let _memory = target.buffers(units(STREAM_BYTES)).await?;
    let sum = Sum::default();
    let stream = read.stream(part.range.first, part.bytes, sum.clone());
    let body = PartBody::Streamed(stream.clone());
    let request = UploadPart { upload, number: part.number, body, content_md5: None };
    let answer = target.send_one(request.into()).await;
    if let Some(failure) = stream.failure() {
        return Err(failure);
    }
    let answer = answer.map_err(|error| error.of("UploadPart"))?;
    let kms = answer.encryption.is_kms();
    let etag = answer.etag.as_deref().map(|etag| etag.trim_matches('"')).unwrap_or_default();
    let Some(sum) = sum.hex().filter(|sum| !kms && is_md5(etag) && !etag.eq_ignore_ascii_case(sum)) else {
        return Ok(answer);
    };
    let number = part.number;
    let message = format!(
        "UploadPart: the bytes of part {number} that were read have the MD5 sum {sum}, those that arrived {etag}"
    );
    // With a status the upload is aborted: nobody may go on with this part.
    Err(StoreError::new("BadDigest", message).with_status(400))
}

async fn at_once(
    read: &Reading,
    source: &Source,
    target: &TaskGate,
    create: CreateMultipartUpload,
    if_none_match: Option<String>,
) -> Result<Response, StoreError> {
    let _memory = target.buffers(units(source.size)).await?;
    let body = read.range(0, source.size).await?;
    let sum = md5_of(body.clone()).await?;
    let hex = hex::encode(sum);
    if source.md5().is_some_and(|expected| !expected.eq_ignore_ascii_case(&hex)) {
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
