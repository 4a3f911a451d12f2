//! Object names.

use serde::{Deserialize, Serialize};

/// The longest object key, in bytes of UTF-8 (Amazon S3 User Guide, "Naming Amazon S3 objects").
pub const MAX_KEY_BYTES: usize = 1024;

/// One object, or one version of it, exactly as the store knows it: the key is raw UTF-8, never URL-encoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectId {
    /// Bucket name.
    pub bucket: String,
    /// Object key, decoded.
    pub key: String,
    /// Version ID; `null` names the null version; `None` means the current version at the time of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

impl ObjectId {
    /// The current version of `key` in `bucket`.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), key: key.into(), version_id: None }
    }

    /// The object's ARN, with the key unescaped: `arn:aws:s3:::bucket/key`.
    pub fn arn(&self) -> String {
        object_arn(&self.bucket, &self.key)
    }
}

/// Longest bucket name, in bytes: those of before 2018 in us-east-1 had up to 255 (Amazon S3 User Guide, "Bucket
/// naming rules").
pub const MAX_BUCKET_BYTES: usize = 255;

/// Why `name` cannot be a bucket on any store; `None` if it may be one. S3's own naming rules are stricter. What is
/// refused here could make a request act on another bucket than the one that a policy was asked about.
pub fn bad_bucket_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > MAX_BUCKET_BYTES {
        Some("it is longer than 255 bytes")
    } else if name.contains(|c: char| c == '/' || c.is_control() || c.is_whitespace()) {
        Some("it contains a slash, a space or a control character")
    } else if name.contains(['?', '#', '%', '\\']) {
        Some("it contains a character that has a meaning in URLs")
    } else if name == "." || name == ".." {
        Some("it is a path")
    } else {
        None
    }
}

/// `arn:aws:s3:::bucket/key`, the key unescaped, as IAM policies match it.
pub fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

/// `arn:aws:s3:::bucket`.
pub fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}
