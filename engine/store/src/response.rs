//! What a store answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use crate::digest::DigestSoFar;
use crate::request::{ContentHeaders, Encryption, Grant, ObjectLock, Part, Tag};

/// Largest body that GetObject brings into memory: 16 MiB. Each lane may hold one, so this times the concurrency is
/// what bodies can cost; larger objects are read in ranges or moved by the store itself.
pub const MAX_BODY_BYTES: u64 = 16 * 1024 * 1024;

/// The answer to a request that succeeded. Each call fills the parts that its API has; the rest is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// HTTP status, 2xx.
    pub http_status: u16,
    /// ETag as the store writes it, with its quotes. Of the new object for PutObject and CopyObject.
    pub etag: Option<String>,
    /// Version of the object that was read or written.
    pub version_id: Option<String>,
    /// Size of the object in bytes (HeadObject, GetObject also of a range).
    pub size: Option<u64>,
    /// When the object was last written.
    pub last_modified: Option<Timestamp>,
    /// Storage class; `None` means STANDARD.
    pub storage_class: Option<String>,
    /// Restore state, if the object was ever restored.
    pub restore: Option<Restore>,
    /// Content headers.
    pub content: ContentHeaders,
    /// User metadata: names without `x-amz-meta-`, in lower case.
    pub user_metadata: BTreeMap<String, String>,
    /// How the object is encrypted at rest (HeadObject, GetObject).
    pub encryption: Encryption,
    /// Replication status, if the store says any (HeadObject, GetObject).
    pub replication_status: Option<String>,
    /// GetObjectTagging: the tags.
    pub tags: Vec<Tag>,
    /// GetObjectAcl: the ACL.
    pub acl: Option<Acl>,
    /// GetObject: the bytes.
    pub body: Bytes,
    /// ListObjectsV2: the page.
    pub list: Option<ListPage>,
    /// ListObjectVersions: the page.
    pub versions: Option<VersionPage>,
    /// DeleteObject: whether a delete marker was made or, of a version, removed.
    pub delete_marker: bool,
    /// The object's lock (HeadObject, GetObject, GetObjectLegalHold, GetObjectRetention), as far as the store says it.
    pub lock: ObjectLock,
    /// GetObjectLockConfiguration: whether objects of the bucket can be locked.
    pub lock_enabled: bool,
    /// How many tags the object has, if the store says it (HeadObject, GetObject).
    pub tag_count: Option<u32>,
    /// How many parts the object was uploaded in (HeadObject and GetObject of a part).
    pub parts_count: Option<u32>,
    /// `x-amz-website-redirect-location` (HeadObject, GetObject).
    pub website_redirect_location: Option<String>,
    /// Checksums that the store keeps: algorithm as in `x-amz-checksum-algorithm`, value in base64 (HeadObject with
    /// checksums).
    pub checksums: Vec<(&'static str, String)>,
    /// DigestObject: how far the object is read, if not to its end; then there is no checksum yet.
    pub digest_so_far: Option<DigestSoFar>,
    /// Whether the checksums are of the whole object or of its parts: `FULL_OBJECT` or `COMPOSITE`.
    pub checksum_type: Option<String>,
    /// Archive tier of INTELLIGENT_TIERING that the object is in (HeadObject): `ARCHIVE_ACCESS` or
    /// `DEEP_ARCHIVE_ACCESS`.
    pub archive_status: Option<String>,
    /// GetBucketReplication: the configuration in JSON, in the names of the S3 API: `{"Rules":[{"Status":"Enabled",…}]}`.
    pub replication: Option<String>,
    /// GetBucketVersioning: `Enabled` or `Suspended`; `None` if the bucket never was versioned.
    pub versioning: Option<String>,
    /// ListMultipartUploads: the page.
    pub uploads: Option<UploadPage>,
    /// CreateMultipartUpload: ID of the upload.
    pub upload_id: Option<String>,
    /// ListParts: the page.
    pub parts: Option<PartPage>,
}

/// The `x-amz-restore` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// Whether a restore is in progress.
    pub ongoing: bool,
    /// When the restored copy goes away, as the store writes it (an HTTP date).
    pub expiry: Option<String>,
}

/// An access control list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acl {
    /// Canonical user ID of the owner.
    pub owner: Option<String>,
    /// The grants.
    pub grants: Vec<Grant>,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPage {
    /// The objects, in the store's order.
    pub objects: Vec<ListedObject>,
    /// Prefixes that were rolled up at the delimiter.
    pub common_prefixes: Vec<String>,
    /// Where the next page begins; `None` on the last page.
    pub next_continuation_token: Option<String>,
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Key, decoded.
    pub key: String,
    /// ETag as the store writes it.
    pub etag: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// Storage class.
    pub storage_class: Option<String>,
    /// When it was last written.
    pub last_modified: Option<Timestamp>,
}

/// A page of a listing of versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionPage {
    /// Versions and delete markers: by key, and of each key the newest first among the versions and among the markers.
    pub versions: Vec<ListedVersion>,
    /// Where the next page begins: key, and version if the page ended inside the key. `None` on the last page.
    pub next: Option<(String, Option<String>)>,
}

/// A version or delete marker in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// Key, size and so on. A delete marker has no size, ETag and storage class.
    pub object: ListedObject,
    /// Version ID; `null` for the null version.
    pub version_id: String,
    /// Whether it is the current version of its key.
    pub is_latest: bool,
    /// Whether it is a delete marker.
    pub is_delete_marker: bool,
}

/// A page of a listing of multipart uploads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UploadPage {
    /// The uploads: by key, and of each key the oldest first.
    pub uploads: Vec<ListedUpload>,
    /// Where the next page begins: key, and upload ID if the store says one. `None` on the last page.
    pub next: Option<(String, Option<String>)>,
}

/// A multipart upload that is neither complete nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUpload {
    /// Key of the object that it would become, decoded.
    pub key: String,
    /// Upload ID.
    pub upload_id: String,
    /// When it began.
    pub initiated: Option<Timestamp>,
}

/// A page of the parts of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartPage {
    /// The parts, by number.
    pub parts: Vec<Part>,
    /// After which part the next page begins; `None` on the last page.
    pub next: Option<u32>,
}
