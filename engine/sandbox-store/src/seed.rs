//! Filling a sandbox without HTTP.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use s3s::s3_error;

use crate::acl;
use crate::checksum::{Algorithm, Digest};
use crate::error::SandboxError;
use crate::lock::Lock;
use crate::model::{Attributes, DEFAULT_CONTENT_TYPE, Encryption, Metadata, NewVersion, STANDARD, Tag};
use crate::sandbox::Sandbox;
use crate::storage::bodies::NewBody;
use crate::storage::{Storage, Writer, buckets};
use crate::tags;

/// Objects written in one transaction.
const BATCH: usize = 1000;
/// Bytes of a key; S3's limit.
const MAX_KEY: usize = 1024;

/// An object to put without HTTP.
#[derive(Debug, Clone, Default)]
pub struct SeedObject {
    /// A bucket that exists.
    pub bucket: String,
    /// From 1 to 1,024 bytes.
    pub key: String,
    /// The bytes; kept inside the database whatever their number, so meant to be few.
    pub body: Bytes,
    /// `STANDARD` when none is given; `GLACIER` and `DEEP_ARCHIVE` need a restore.
    pub storage_class: Option<String>,
    /// Tags, by S3's rules.
    pub tags: Vec<(String, String)>,
    /// User metadata: names without `x-amz-meta-`, in lowercase.
    pub metadata: BTreeMap<String, String>,
}

impl Sandbox {
    /// Puts many small objects, as PutObject would, without HTTP; returns how many.
    ///
    /// # Errors
    /// The first object that breaks a rule of S3 (a missing bucket, a bad key, bad tags); the batches of 1,000
    /// objects before it stay.
    pub async fn seed(&self, objects: impl IntoIterator<Item = SeedObject>) -> Result<u64, SandboxError> {
        let mut objects = objects.into_iter();
        let mut count = 0;
        loop {
            let batch: Vec<SeedObject> = objects.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(count);
            }
            count += batch.len() as u64;
            put_batch(&self.storage, batch)?;
            // A long seeding shares its thread with the server.
            tokio::task::yield_now().await;
        }
    }
}

fn put_batch(storage: &Storage, batch: Vec<SeedObject>) -> Result<(), SandboxError> {
    let now = Timestamp::now();
    storage.write(|writer| batch.into_iter().try_for_each(|object| put(writer, object, now)))
}

fn put(writer: &mut Writer<'_>, object: SeedObject, now: Timestamp) -> Result<(), SandboxError> {
    if object.key.is_empty() || object.key.len() > MAX_KEY {
        return Err(s3_error!(
            KeyTooLongError,
            "a key has from 1 to {MAX_KEY} bytes, not {}",
            object.key.len()
        )
        .into());
    }
    let bucket = buckets::get(writer, &object.bucket)?;
    let tags = tags::checked(object.tags.into_iter().map(|(key, value)| Tag { key, value }).collect())?;
    let (md5, checksum) = Digest::of(Algorithm::Crc64Nvme, &object.body);
    let attributes = Attributes {
        metadata: Metadata {
            content_type: Some(DEFAULT_CONTENT_TYPE.to_owned()),
            user: object.metadata,
            ..Metadata::default()
        },
        website_redirect: None,
        encryption: Encryption::default(),
        checksum: Some(checksum),
        parts: Vec::new(),
    };
    let size = object.body.len() as u64;
    let content = writer.add_body(NewBody::inline(object.body.into()))?;
    let new = NewVersion {
        key: &object.key,
        size,
        etag: &hex::encode(md5),
        modified: now,
        storage_class: object.storage_class.as_deref().unwrap_or(STANDARD),
        attributes: &attributes,
        tags: &tags,
        acl: &acl::private(),
        lock: &Lock::of_new(&Lock::default(), bucket.settings.lock.as_ref(), now)?,
        content: &content,
    };
    writer.put_version(&bucket, &new)?;
    Ok(())
}
