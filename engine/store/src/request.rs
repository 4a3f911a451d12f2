//! S3 requests as values.
//!
//! Names, defaults and meanings are those of the Amazon S3 API Reference, one struct per API call. A field that is
//! `None` (or empty) is a header or parameter that is not sent.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use longshore_job::ObjectId;

/// One S3 API call.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Metadata of an object.
    HeadObject(HeadObject),
    /// An object's bytes.
    GetObject(GetObject),
    /// Creates or replaces an object.
    PutObject(Box<PutObject>),
    /// Creates or replaces an object from another one, within the store.
    CopyObject(Box<CopyObject>),
    /// An object's tags.
    GetObjectTagging(GetObjectTagging),
    /// Replaces an object's whole tag set.
    PutObjectTagging(PutObjectTagging),
    /// Removes an object's whole tag set.
    DeleteObjectTagging(DeleteObjectTagging),
    /// An object's access control list.
    GetObjectAcl(GetObjectAcl),
    /// Replaces an object's access control list.
    PutObjectAcl(PutObjectAcl),
    /// Starts the restore of an archived object, or moves the expiry of a restored one.
    RestoreObject(RestoreObject),
    /// Removes an object, or one version of it.
    DeleteObject(DeleteObject),
    /// Whether a bucket is there and may be used.
    HeadBucket(HeadBucket),
    /// One page of a bucket's listing.
    ListObjectsV2(ListObjectsV2),
}

impl Request {
    /// The name of the API call: `PutObjectTagging`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::HeadObject(_) => "HeadObject",
            Self::GetObject(_) => "GetObject",
            Self::PutObject(_) => "PutObject",
            Self::CopyObject(_) => "CopyObject",
            Self::GetObjectTagging(_) => "GetObjectTagging",
            Self::PutObjectTagging(_) => "PutObjectTagging",
            Self::DeleteObjectTagging(_) => "DeleteObjectTagging",
            Self::GetObjectAcl(_) => "GetObjectAcl",
            Self::PutObjectAcl(_) => "PutObjectAcl",
            Self::RestoreObject(_) => "RestoreObject",
            Self::DeleteObject(_) => "DeleteObject",
            Self::HeadBucket(_) => "HeadBucket",
            Self::ListObjectsV2(_) => "ListObjectsV2",
        }
    }

    /// The object that the call works on: the target of a copy. `None` for calls on a bucket.
    pub fn object(&self) -> Option<ObjectId> {
        match self {
            Self::PutObject(put) => Some(ObjectId::new(put.bucket.as_str(), put.key.as_str())),
            Self::CopyObject(copy) => Some(ObjectId::new(copy.bucket.as_str(), copy.key.as_str())),
            Self::HeadObject(HeadObject { object, .. })
            | Self::GetObject(GetObject { object, .. })
            | Self::GetObjectTagging(GetObjectTagging { object })
            | Self::PutObjectTagging(PutObjectTagging { object, .. })
            | Self::DeleteObjectTagging(DeleteObjectTagging { object })
            | Self::GetObjectAcl(GetObjectAcl { object })
            | Self::PutObjectAcl(PutObjectAcl { object, .. })
            | Self::RestoreObject(RestoreObject { object, .. })
            | Self::DeleteObject(DeleteObject { object }) => Some(object.clone()),
            Self::HeadBucket(_) | Self::ListObjectsV2(_) => None,
        }
    }

    /// The source of a copy.
    pub fn source(&self) -> Option<&ObjectId> {
        match self {
            Self::CopyObject(copy) => Some(&copy.source),
            _ => None,
        }
    }

    /// The bucket that the call works on: the target's of a copy.
    pub fn bucket(&self) -> &str {
        match self {
            Self::PutObject(put) => &put.bucket,
            Self::CopyObject(copy) => &copy.bucket,
            Self::HeadBucket(HeadBucket { bucket }) | Self::ListObjectsV2(ListObjectsV2 { bucket, .. }) => {
                bucket
            }
            Self::HeadObject(HeadObject { object, .. })
            | Self::GetObject(GetObject { object, .. })
            | Self::GetObjectTagging(GetObjectTagging { object })
            | Self::PutObjectTagging(PutObjectTagging { object, .. })
            | Self::DeleteObjectTagging(DeleteObjectTagging { object })
            | Self::GetObjectAcl(GetObjectAcl { object })
            | Self::PutObjectAcl(PutObjectAcl { object, .. })
            | Self::RestoreObject(RestoreObject { object, .. })
            | Self::DeleteObject(DeleteObject { object }) => &object.bucket,
        }
    }
}

/// Lets a request struct be sent without naming its variant.
macro_rules! into_request {
    ($($plain:ident)* ; $($boxed:ident)*) => {
        $(impl From<$plain> for Request {
            fn from(call: $plain) -> Self { Self::$plain(call) }
        })*
        $(impl From<$boxed> for Request {
            fn from(call: $boxed) -> Self { Self::$boxed(Box::new(call)) }
        })*
    };
}

into_request!(
    HeadObject GetObject GetObjectTagging PutObjectTagging DeleteObjectTagging GetObjectAcl PutObjectAcl
    RestoreObject DeleteObject HeadBucket ListObjectsV2;
    PutObject CopyObject
);

/// HeadObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadObject {
    /// Which object.
    pub object: ObjectId,
    /// Only if the object has this ETag, else 412.
    pub if_match: Option<String>,
    /// Only if the object does not have this ETag, else 304.
    pub if_none_match: Option<String>,
}

impl HeadObject {
    /// Metadata of `object`, unconditionally.
    pub fn new(object: ObjectId) -> Self {
        Self { object, if_match: None, if_none_match: None }
    }
}

/// A range of bytes, both ends included (RFC 9110 section 14.1.2). Displays as the `Range` header's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte, from 0.
    pub first: u64,
    /// Last byte; `None` means up to the end.
    pub last: Option<u64>,
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            Some(last) => write!(f, "bytes={}-{last}", self.first),
            None => write!(f, "bytes={}-", self.first),
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
}

impl GetObject {
    /// All of `object`, unconditionally.
    pub fn new(object: ObjectId) -> Self {
        Self { object, range: None, if_match: None, if_none_match: None }
    }
}

/// The headers that describe an object's content and are stored with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentHeaders {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Expires`.
    pub expires: Option<Timestamp>,
}

/// An object tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    /// 1–128 characters, unique within an object, case-sensitive.
    pub key: String,
    /// 0–256 characters.
    pub value: String,
}

impl Tag {
    /// `key` = `value`.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// One grant of an access control list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// To whom.
    pub grantee: Grantee,
    /// What.
    pub permission: Permission,
}

/// Who a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Grantee {
    /// Canonical user ID.
    Id(String),
    /// E-mail address of an account.
    EmailAddress(String),
    /// URI of a predefined group.
    Uri(String),
}

impl Grantee {
    /// A grantee by the type names that S3 uses in headers: `id`, `emailAddress`, `uri`.
    pub fn of_type(name: &str, value: impl Into<String>) -> Option<Self> {
        match name {
            "id" => Some(Self::Id(value.into())),
            "emailAddress" => Some(Self::EmailAddress(value.into())),
            "uri" => Some(Self::Uri(value.into())),
            _ => None,
        }
    }

    /// `id`, `emailAddress` or `uri`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::EmailAddress(_) => "emailAddress",
            Self::Uri(_) => "uri",
        }
    }

    /// The ID, address or URI.
    pub fn value(&self) -> &str {
        let (Self::Id(value) | Self::EmailAddress(value) | Self::Uri(value)) = self;
        value
    }
}

/// What a grant allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// `FULL_CONTROL`.
    FullControl,
    /// `READ`.
    Read,
    /// `WRITE`.
    Write,
    /// `READ_ACP`.
    ReadAcp,
    /// `WRITE_ACP`.
    WriteAcp,
}

impl Permission {
    /// Every permission, in the order of S3's grant headers.
    pub const ALL: [Self; 5] = [Self::FullControl, Self::Read, Self::Write, Self::ReadAcp, Self::WriteAcp];

    /// A permission by S3's name: `READ_ACP`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == name)
    }

    /// S3's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FullControl => "FULL_CONTROL",
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::ReadAcp => "READ_ACP",
            Self::WriteAcp => "WRITE_ACP",
        }
    }
}

/// An object's new access control list, as headers: a canned ACL, or grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AclHeaders {
    /// `x-amz-acl`: `private`, `public-read`, ….
    pub canned: Option<String>,
    /// `x-amz-grant-*`. S3 refuses a request that has both.
    pub grants: Vec<Grant>,
}

impl AclHeaders {
    /// Whether no ACL is asked for.
    pub fn is_empty(&self) -> bool {
        self.canned.is_none() && self.grants.is_empty()
    }

    /// Value of the `x-amz-grant-…` header for `permission`: `id=…, uri=…`; `None` if nobody is granted it.
    pub(crate) fn grant_header(&self, permission: Permission) -> Option<String> {
        let mut header = String::new();
        for grant in self.grants.iter().filter(|grant| grant.permission == permission) {
            if !header.is_empty() {
                header.push_str(", ");
            }
            header.push_str(grant.grantee.type_name());
            header.push('=');
            header.push_str(grant.grantee.value());
        }
        (!header.is_empty()).then_some(header)
    }
}

/// Server-side encryption asked for in a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encryption {
    /// `x-amz-server-side-encryption`: `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: Option<String>,
    /// `x-amz-server-side-encryption-aws-kms-key-id`: key ID, ARN or alias.
    pub kms_key_id: Option<String>,
    /// `x-amz-server-side-encryption-bucket-key-enabled`.
    pub bucket_key_enabled: Option<bool>,
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
}

impl PutObject {
    /// An object that holds `body`, with S3's defaults for all else.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>, body: Bytes) -> Self {
        Self { bucket: bucket.into(), key: key.into(), body, ..Self::default() }
    }
}

/// Whether a copy takes something from its source or has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Directive {
    /// `COPY`, S3's default.
    Copy,
    /// `REPLACE`.
    Replace,
}

impl Directive {
    /// A directive by S3's name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "COPY" => Some(Self::Copy),
            "REPLACE" => Some(Self::Replace),
            _ => None,
        }
    }

    /// S3's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Copy => "COPY",
            Self::Replace => "REPLACE",
        }
    }
}

/// CopyObject: one call, at most 5 GB.
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
        }
    }
}

/// GetObjectTagging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetObjectTagging {
    /// Which object.
    pub object: ObjectId,
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
}
