//! One struct per API call.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use longshore_job::ObjectId;

use super::lock::ObjectLock;
use super::parts::{
    AclHeaders, AnnotationDirective, ByteRange, ContentHeaders, Directive, Encryption, Tag, Transfer,
};
use crate::digest::{ChecksumAlgorithm, DigestSoFar};

/// HeadObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadObject {
    /// Which object.
    pub object: ObjectId,
    /// Only if the object has this ETag, else 412.
    pub if_match: Option<String>,
    /// Only if the object does not have this ETag, else 304.
    pub if_none_match: Option<String>,
    /// `x-amz-request-payer`: whether the role pays for the request.
    pub requester_pays: bool,
    /// `x-amz-checksum-mode: ENABLED`: the answer has the checksums that the store keeps.
    pub checksums: bool,
    /// `partNumber`: the answer is about this part, from 1, and says how many there are.
    pub part_number: Option<u32>,
}

impl HeadObject {
    /// Metadata of `object`, unconditionally.
    pub fn new(object: ObjectId) -> Self {
        Self {
            object,
            if_match: None,
            if_none_match: None,
            requester_pays: false,
            checksums: false,
            part_number: None,
        }
    }
}

/// GetObject. The answer's body is held in memory, bounded by [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetObject {
    /// Which object.
    pub object: ObjectId,
    /// Which part of it; `None` means all.
    pub range: Option<ByteRange>,
    /// Only if the object has this ETag, else 412.
    pub if_match: Option<String>,
    /// Only if the object does not have this ETag, else 304.
    pub if_none_match: Option<String>,
    /// `x-amz-request-payer`: whether the role pays for the request.
    pub requester_pays: bool,
}

impl GetObject {
    /// All of `object`, unconditionally.
    pub fn new(object: ObjectId) -> Self {
        Self { object, range: None, if_match: None, if_none_match: None, requester_pays: false }
    }
}

/// GetObject whose body goes through a hasher. The answer has the checksum instead of it or, of a large object, how far it is
/// read; [`TaskGate::send`](crate::TaskGate::send) reads on to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestObject {
    /// Which object.
    pub object: ObjectId,
    /// The checksum.
    pub algorithm: ChecksumAlgorithm,
    /// Bytes of each part but the last, for a composite checksum; `None`: one of the whole object.
    pub part_size: Option<u64>,
    /// Only if the object has this ETag, else 412.
    pub if_match: Option<String>,
    /// What was read before; `None`: nothing.
    pub after: Option<DigestSoFar>,
}

impl DigestObject {
    /// The checksum of the whole `object`, unconditionally.
    pub fn new(object: ObjectId, algorithm: ChecksumAlgorithm) -> Self {
        Self { object, algorithm, part_size: None, if_match: None, after: None }
    }

    /// Bytes that were read before.
    pub(crate) fn first(&self) -> u64 {
        self.after.as_ref().map_or(0, DigestSoFar::bytes)
    }
}

/// PutObject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PutObject {
    /// Bucket of the new object.
    pub bucket: String,
    /// Key of the new object, decoded.
    pub key: String,
    /// Its bytes.
    pub body: Bytes,
    /// `Content-MD5`: MD5 of the bytes in base64, which the store checks.
    pub content_md5: Option<String>,
    /// Its content headers.
    pub content: ContentHeaders,
    /// `x-amz-meta-…`: names without the prefix.
    pub user_metadata: BTreeMap<String, String>,
    /// `x-amz-tagging`.
    pub tags: Vec<Tag>,
    /// Its ACL.
    pub acl: AclHeaders,
    /// `x-amz-storage-class`.
    pub storage_class: Option<String>,
    /// How it is encrypted.
    pub encryption: Encryption,
    /// `x-amz-website-redirect-location`.
    pub website_redirect_location: Option<String>,
    /// Only if the present object has this ETag, else 412.
    pub if_match: Option<String>,
    /// `*`: only if there is no object with this key, else 412.
    pub if_none_match: Option<String>,
    /// `x-amz-checksum-algorithm`: `CRC32`, `SHA256`, ….
    pub checksum_algorithm: Option<String>,
    /// Its lock.
    pub lock: ObjectLock,
}

impl PutObject {
    /// An object that holds `body`, with S3's defaults for all else.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>, body: Bytes) -> Self {
        Self { bucket: bucket.into(), key: key.into(), body, ..Self::default() }
    }
}

/// A copy: CopyObject where one call does it, and where it does not (5 GiB, another store) what [`Transfer`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyObject {
    /// What is copied.
    pub source: ObjectId,
    /// Bucket of the new object.
    pub bucket: String,
    /// Key of the new object, decoded.
    pub key: String,
    /// `x-amz-metadata-directive`: whether content headers and user metadata are the source's.
    pub metadata_directive: Option<Directive>,
    /// New content headers; with [`Directive::Replace`] only.
    pub content: ContentHeaders,
    /// New `x-amz-meta-…`: names without the prefix; with [`Directive::Replace`] only.
    pub user_metadata: BTreeMap<String, String>,
    /// `x-amz-tagging-directive`: whether the tags are the source's.
    pub tagging_directive: Option<Directive>,
    /// `x-amz-object-annotation-directive`: whether the new object gets the source's annotations.
    pub annotation_directive: Option<AnnotationDirective>,
    /// New tags; with [`Directive::Replace`] only.
    pub tags: Vec<Tag>,
    /// ACL of the new object: S3 never copies the source's.
    pub acl: AclHeaders,
    /// `x-amz-storage-class` of the new object.
    pub storage_class: Option<String>,
    /// How the new object is encrypted.
    pub encryption: Encryption,
    /// Only if the source has this ETag, else 412.
    pub copy_source_if_match: Option<String>,
    /// Only if the source does not have this ETag, else 412.
    pub copy_source_if_none_match: Option<String>,
    /// Only if the source was modified after this time, else 412.
    pub copy_source_if_modified_since: Option<Timestamp>,
    /// Only if the source was not modified after this time, else 412.
    pub copy_source_if_unmodified_since: Option<Timestamp>,
    /// `x-amz-checksum-algorithm`: `CRC32`, `SHA256`, ….
    pub checksum_algorithm: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect_location: Option<String>,
    /// `*`: only if there is no object with the new key, else 412.
    pub if_none_match: Option<String>,
    /// `x-amz-request-payer`: whether the role pays for the request.
    pub requester_pays: bool,
    /// How the engine makes the copy where one CopyObject does not.
    pub transfer: Transfer,
    /// Lock of the new object: S3 never copies the source's.
    pub lock: ObjectLock,
}

impl CopyObject {
    /// A copy of `source` to `key` in `bucket`, with S3's defaults for all else.
    pub fn new(source: ObjectId, bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            source,
            bucket: bucket.into(),
            key: key.into(),
            metadata_directive: None,
            content: ContentHeaders::default(),
            user_metadata: BTreeMap::new(),
            tagging_directive: None,
            annotation_directive: None,
            tags: Vec::new(),
            acl: AclHeaders::default(),
            storage_class: None,
            encryption: Encryption::default(),
            copy_source_if_match: None,
            copy_source_if_none_match: None,
            copy_source_if_modified_since: None,
            copy_source_if_unmodified_since: None,
            checksum_algorithm: None,
            website_redirect_location: None,
            if_none_match: None,
            requester_pays: false,
            transfer: Transfer::default(),
            lock: ObjectLock::default(),
        }
    }
}

/// GetObjectTagging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetObjectTagging {
    /// Which object.
    pub object: ObjectId,
    /// `x-amz-request-payer`: whether the role pays for the request.
    pub requester_pays: bool,
}

impl GetObjectTagging {
    /// The tags of `object`.
    pub fn new(object: ObjectId) -> Self {
        Self { object, requester_pays: false }
    }
}

/// PutObjectTagging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutObjectTagging {
    /// Which object.
    pub object: ObjectId,
    /// The whole new tag set.
    pub tags: Vec<Tag>,
}

/// DeleteObjectTagging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteObjectTagging {
    /// Which object.
    pub object: ObjectId,
}

/// GetObjectAcl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetObjectAcl {
    /// Which object.
    pub object: ObjectId,
}

/// PutObjectAcl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutObjectAcl {
    /// Which object.
    pub object: ObjectId,
    /// The new ACL.
    pub acl: AclHeaders,
    /// Canonical user ID of the object's owner. With it the grants are sent as an `AccessControlPolicy` document;
    /// without, as `x-amz-grant-*` headers. Policies see grants in headers only, as on AWS.
    pub owner: Option<String>,
}

impl PutObjectAcl {
    /// Replaces the ACL of `object`; `acl` as headers.
    pub fn new(object: ObjectId, acl: AclHeaders) -> Self {
        Self { object, acl, owner: None }
    }
}

/// RestoreObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreObject {
    /// Which object.
    pub object: ObjectId,
    /// Days that the restored copy stays, from 1; `None` for Intelligent-Tiering's archive tiers.
    pub days: Option<u32>,
    /// Retrieval tier: `Standard`, `Bulk` or `Expedited`.
    pub tier: Option<String>,
}

/// DeleteObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteObject {
    /// Which object.
    pub object: ObjectId,
    /// Only if the present object has this ETag, else 412.
    pub if_match: Option<String>,
    /// `x-amz-bypass-governance-retention`: also a version that a `GOVERNANCE` retention protects.
    pub bypass_governance: bool,
}

impl DeleteObject {
    /// Deletes `object`, unconditionally.
    pub fn new(object: ObjectId) -> Self {
        Self { object, if_match: None, bypass_governance: false }
    }
}

/// UpdateObjectEncryption: another key, in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateObjectEncryption {
    /// Which object.
    pub object: ObjectId,
    /// ARN of the KMS key.
    pub kms_key_arn: String,
    /// Whether to use an S3 Bucket Key.
    pub bucket_key_enabled: Option<bool>,
}

/// HeadBucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadBucket {
    /// Which bucket.
    pub bucket: String,
}

/// ListObjectsV2: one page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListObjectsV2 {
    /// Which bucket.
    pub bucket: String,
    /// Only keys that begin so.
    pub prefix: Option<String>,
    /// Keys with this text after the prefix are rolled up.
    pub delimiter: Option<String>,
    /// Only keys after this one.
    pub start_after: Option<String>,
    /// Where the last page ended.
    pub continuation_token: Option<String>,
    /// Most keys in a page: 1–1000.
    pub max_keys: Option<u32>,
    /// Account that must own the bucket, 12 digits, else 403.
    pub expected_bucket_owner: Option<String>,
}

/// ListObjectVersions: one page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListObjectVersions {
    /// Which bucket.
    pub bucket: String,
    /// Only keys that begin so.
    pub prefix: Option<String>,
    /// Only what comes after this key or, with a version, after that version of it.
    pub key_marker: Option<String>,
    /// Only what comes after this version of `key_marker`.
    pub version_id_marker: Option<String>,
    /// Most versions and delete markers in a page: 1–1000.
    pub max_keys: Option<u32>,
    /// Account that must own the bucket, 12 digits, else 403.
    pub expected_bucket_owner: Option<String>,
}

/// A call of an endpoint that the operator named. It works on no object of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeEndpoint {
    /// Name of the endpoint.
    pub endpoint: String,
    /// What it is sent: JSON.
    pub body: Bytes,
}
