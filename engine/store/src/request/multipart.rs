//! The calls of a multipart upload (Amazon S3 User Guide, "Uploading and copying objects using multipart upload").

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_job::ObjectId;

use super::lock::ObjectLock;
use super::parts::{AclHeaders, ByteRange, ContentHeaders, Encryption, Tag};
use super::stream::PartBody;

/// CreateMultipartUpload: everything about the new object but its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreateMultipartUpload {
    /// Bucket of the new object.
    pub bucket: String,
    /// Key of the new object, decoded.
    pub key: String,
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
    /// `x-amz-checksum-algorithm`: `CRC32`, `SHA256`, ….
    pub checksum_algorithm: Option<String>,
    /// Its lock.
    pub lock: ObjectLock,
}

/// An upload that was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// What becomes of it. The policies of a part see what it was created with, as on AWS.
    pub object: Arc<CreateMultipartUpload>,
    /// Its ID.
    pub id: String,
}

/// UploadPart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPart {
    /// Which upload.
    pub upload: Upload,
    /// Which part: 1–10,000.
    pub number: u32,
    /// Its bytes.
    pub body: PartBody,
    /// `Content-MD5`: MD5 of the bytes in base64, which the store checks.
    pub content_md5: Option<String>,
}

/// UploadPartCopy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPartCopy {
    /// Which upload.
    pub upload: Upload,
    /// Which part: 1–10,000.
    pub number: u32,
    /// What is copied.
    pub source: ObjectId,
    /// Which bytes of it.
    pub range: ByteRange,
    /// Only if the source has this ETag, else 412.
    pub copy_source_if_match: Option<String>,
    /// `x-amz-request-payer`: whether the role pays for the request.
    pub requester_pays: bool,
}

/// A part that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number.
    pub number: u32,
    /// Its ETag, as the store writes it.
    pub etag: String,
    /// Size in bytes, where the store says it (ListParts).
    pub size: Option<u64>,
    /// Checksum by algorithm, where the upload has one.
    pub checksums: Vec<(&'static str, String)>,
}

/// CompleteMultipartUpload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteMultipartUpload {
    /// Which upload.
    pub upload: Upload,
    /// All its parts, by number.
    pub parts: Vec<Part>,
    /// Only if the object that is there has this ETag, else 412.
    pub if_match: Option<String>,
    /// `*`: only if there is no object with this key, else 412.
    pub if_none_match: Option<String>,
}

/// ListParts: one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListParts {
    /// Which upload.
    pub upload: Upload,
    /// Only parts after this one.
    pub part_number_marker: Option<u32>,
}
