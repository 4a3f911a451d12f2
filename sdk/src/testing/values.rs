//! The contract's records, natively, and a request that was sent.

use std::fmt;

/// An object tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// 1–128 characters.
    pub key: String,
    /// 0–256 characters.
    pub value: String,
}

/// One grant of an access control list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `id` (canonical user ID), `emailAddress` or `uri` (a predefined group).
    pub grantee_type: String,
    /// The ID, address or URI.
    pub grantee: String,
    /// `FULL_CONTROL`, `READ`, `WRITE`, `READ_ACP` or `WRITE_ACP`.
    pub permission: String,
}

/// What a listing says of one version or delete marker of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Version ID; `null` for what was written without versioning.
    pub version_id: String,
    /// Whether it is the current version.
    pub is_latest: bool,
    /// Whether it is a delete marker.
    pub is_delete_marker: bool,
    /// When it was written, RFC 3339.
    pub last_modified: Option<String>,
    /// Size in bytes; 0 for a delete marker.
    pub size: u64,
}

/// What a listing says of a multipart upload that is neither complete nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Upload ID.
    pub upload_id: String,
    /// When it began, RFC 3339.
    pub initiated: Option<String>,
}

/// Why a request did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// The store's error code (`NoSuchKey`, …), `AccessDenied` also for a refusal by the role's policies.
    pub code: String,
    /// What happened, in a sentence.
    pub message: String,
    /// HTTP status; none if there was no answer.
    pub http_status: Option<u16>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

/// A request as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The S3 call: `PutObjectTagging`.
    pub call: &'static str,
    /// Bucket of the object it was made from.
    pub bucket: String,
    /// Key of that object.
    pub key: String,
    /// Version of that object.
    pub version_id: Option<String>,
    /// Whether it was planned as provisional.
    pub provisional: bool,
    /// What was set, in order: name and value.
    pub settings: Vec<(&'static str, String)>,
}

impl Sent {
    /// The value of the setting of that name; the last one, if there are several.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s3://{}/{}", self.call, self.bucket, self.key)?;
        if let Some(version_id) = &self.version_id {
            write!(f, "?versionId={version_id}")?;
        }
        for (name, value) in &self.settings {
            write!(f, " {name}={value}")?;
        }
        if self.provisional { write!(f, " (provisional)") } else { Ok(()) }
    }
}

/// An ETag that differs where bytes differ (FNV-1a, 64 bits).
pub(crate) fn etag(body: &[u8]) -> String {
    let mix = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("\"{:016x}\"", body.iter().fold(0xcbf2_9ce4_8422_2325, mix))
}
