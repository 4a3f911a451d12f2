//! What the store answered.

use crate::{EventHold, Grant, Tag, Upload, Version, raw};

/// What the store answered. A part that this answer does not carry is `None` or empty.
pub struct Response(pub(crate) raw::Response);

/// Declares getters that pass through.
macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        impl Response {$(
            $(#[$doc])*
            pub fn $name(&self) -> $type {
                self.0.$name()
            }
        )*}
    };
}

getters! {
    /// HTTP status, 2xx.
    http_status: u16;
    /// ETag, with its quotes if the store sends them.
    etag: Option<String>;
    /// Version ID of the object read or written.
    version_id: Option<String>;
    /// Size of the object in bytes.
    size: Option<u64>;
    /// Storage class; `None` means STANDARD.
    storage_class: Option<String>;
    /// Whether a restore is in progress; `None` if the object was never restored.
    restore_ongoing: Option<bool>;
    /// When the restored copy goes away, as the store writes it.
    restore_expiry: Option<String>;
    /// `Content-Type`.
    content_type: Option<String>;
    /// `Cache-Control`.
    cache_control: Option<String>;
    /// `Content-Disposition`.
    content_disposition: Option<String>;
    /// `Content-Encoding`.
    content_encoding: Option<String>;
    /// `Content-Language`.
    content_language: Option<String>;
    /// User metadata: names without `x-amz-meta-`, in lower case.
    user_metadata: Vec<(String, String)>;
    /// The tag set (GetObjectTagging).
    tags: Vec<Tag>;
    /// The grants (GetObjectAcl).
    grants: Vec<Grant>;
    /// Canonical user ID of the owner (GetObjectAcl).
    owner: Option<String>;
    /// Whether a delete marker was made or, of a version, removed (DeleteObject).
    delete_marker: bool;
    /// `GOVERNANCE` or `COMPLIANCE` (HeadObject, GetObject, GetObjectRetention).
    lock_mode: Option<String>;
    /// Until when the object is retained, RFC 3339 (HeadObject, GetObject, GetObjectRetention).
    retain_until: Option<String>;
    /// Whether there is a legal hold (HeadObject, GetObject, GetObjectLegalHold).
    legal_hold: Option<bool>;
    /// Whether there is an event hold (HeadObject, GetObject, GetObjectRetention): see [`Response::event_hold_found`].
    event_hold: Option<bool>;
    /// For how many days the object is retained once its event hold is released.
    event_hold_days: Option<u32>;
    /// The same in years, where it was given in years.
    event_hold_years: Option<u32>;
    /// Whether objects of the bucket can be locked (GetObjectLockConfiguration).
    lock_enabled: bool;
    /// When the object was last written, RFC 3339.
    last_modified: Option<String>;
    /// `Expires`, RFC 3339.
    expires: Option<String>;
    /// `AES256`, `aws:kms`, ….
    sse: Option<String>;
    /// The KMS key.
    kms_key_id: Option<String>;
    /// Whether an S3 Bucket Key is used.
    bucket_key: Option<bool>;
    /// Replication status.
    replication_status: Option<String>;
    /// Where a website's visitors are sent on to.
    website_redirect: Option<String>;
    /// How many tags the object has, if the store says it.
    tag_count: Option<u32>;
    /// How many parts the object was uploaded in (HeadObject of a part).
    parts_count: Option<u32>;
    /// Checksums that the store keeps: algorithm and value in base64 (HeadObject with checksums).
    checksums: Vec<(String, String)>;
    /// `FULL_OBJECT` or `COMPOSITE` (HeadObject with checksums).
    checksum_type: Option<String>;
    /// Archive tier of INTELLIGENT_TIERING that the object is in (HeadObject).
    archive_status: Option<String>;
    /// The configuration in JSON, in the names of the S3 API: `{"Rules":[{"Status":"Enabled",…}]}` (GetBucketReplication).
    replication_configuration: Option<String>;
    /// `Enabled` or `Suspended`; `None` if the bucket never was versioned (GetBucketVersioning).
    versioning: Option<String>;
    /// Versions of this key and no other, the newest first; then its delete markers, the newest first
    /// (ListObjectVersions).
    versions: Vec<Version>;
    /// The version that the next page begins after; `None` on the last page (ListObjectVersions).
    next_version: Option<String>;
    /// Uploads of this key and no other (ListMultipartUploads).
    uploads: Vec<Upload>;
    /// The upload that the next page begins after; `None` on the last page (ListMultipartUploads).
    next_upload: Option<String>;
    /// ID of a multipart upload that was begun.
    upload_id: Option<String>;
}

impl Response {
    /// The event hold with its time (HeadObject, GetObject, GetObjectRetention).
    pub fn event_hold_found(&self) -> Option<EventHold> {
        let (mode, days, years) = (self.lock_mode(), self.event_hold_days(), self.event_hold_years());
        self.event_hold().map(|on| EventHold { on, mode, days, years })
    }

    /// The bytes (GetObject).
    pub fn into_body(self) -> Vec<u8> {
        self.0.body()
    }
}
