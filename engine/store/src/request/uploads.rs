//! The calls about multipart uploads that somebody left behind.

/// ListMultipartUploads: one page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListMultipartUploads {
    /// Which bucket.
    pub bucket: String,
    /// Only keys that begin so.
    pub prefix: Option<String>,
    /// Only what comes after this key or, with an upload ID, after that upload of it.
    pub key_marker: Option<String>,
    /// Only what comes after this upload of `key_marker`.
    pub upload_id_marker: Option<String>,
}

/// AbortMultipartUpload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbortMultipartUpload {
    /// Bucket of the object that the upload would have become.
    pub bucket: String,
    /// Its key, decoded.
    pub key: String,
    /// Which upload.
    pub upload_id: String,
}
