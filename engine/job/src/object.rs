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
    } else if name.contains(['?', '#', '%', '\\', ':', '@']) {
        // A colon also makes an ARN: an SDK takes that for an access point, which leads to another host.
        Some("it contains a character that has a meaning in URLs")
    } else if name == "." || name == ".." {
        Some("it is a path")
    } else {
        None
    }
}

/// Why `key` cannot be an object's on any store; `None` if it may be one. What is refused here could make a request act on
/// a bucket, or on another one, instead of on an object.
pub fn bad_key(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        Some("it is empty")
    } else if key.len() > MAX_KEY_BYTES {
        Some("it is longer than 1,024 bytes")
    } else if key.contains('\0') {
        Some("it contains a NUL character")
    } else if cleaned_key(key).is_some_and(|cleaned| cleaned.is_empty()) {
        Some("it is a path that leads out of its bucket")
    } else {
        None
    }
}

/// What becomes of `key` where a store keeps objects as files and cleans paths: without empty segments, `.` and `..`. Empty
/// if it leads to the bucket or out of it; `None` if cleaning changes nothing.
pub fn cleaned_key(key: &str) -> Option<String> {
    let body = key.strip_suffix('/').unwrap_or(key);
    if body.split('/').all(|segment| !matches!(segment, "" | "." | "..")) {
        return None;
    }
    let mut kept = Vec::new();
    for segment in key.split('/') {
        match segment {
            "" | "." => {}
            ".." if kept.pop().is_none() => return Some(String::new()),
            ".." => {}
            segment => kept.push(segment),
        }
    }
    Some(kept.join("/"))
}

/// `arn:aws:s3:::bucket/key`, the key unescaped, as IAM policies match it.
pub fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

/// `arn:aws:s3:::bucket`.
pub fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_as_paths() {
        for plain in ["k", "a/b", "a/b/", "..a", "a/...", ".hidden", "a/b.."] {
            assert_eq!(cleaned_key(plain), None, "{plain}");
            assert_eq!(bad_key(plain), None, "{plain}");
        }
        for (key, cleaned) in [
            ("a//b", "a/b"),
            ("/a", "a"),
            ("a/./b", "a/b"),
            ("a/../b", "b"),
            ("a/b/../../c", "c"),
            ("./a", "a"),
        ] {
            assert_eq!(cleaned_key(key).as_deref(), Some(cleaned), "{key}");
            assert_eq!(bad_key(key), None, "{key}");
        }
        for out in
            ["", "..", "../b/k", "a/..", "a/../..", "a/../../b/k", "/", "//", ".", "a\0b", &"k".repeat(1025)]
        {
            assert!(bad_key(out).is_some(), "{out}");
        }
    }

    #[test]
    fn buckets_that_are_more_than_a_name() {
        assert_eq!(bad_bucket_name("My_old.bucket-1"), None);
        for name in
            ["", "a/b", "..", "a?x", "a b", "user@host", "host:80", "arn:aws:s3:eu-west-1:1:accesspoint:a"]
        {
            assert!(bad_bucket_name(name).is_some(), "{name}");
        }
    }
}
