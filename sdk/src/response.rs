//! What the store answered.

use crate::{Grant, Tag, raw};

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
    /// How the object is encrypted (HeadObject, GetObject): `AES256`, `aws:kms`, ….
    sse: Option<String>;
}

impl Response {
    /// The bytes (GetObject).
    pub fn into_body(self) -> Vec<u8> {
        self.0.body()
    }
}
