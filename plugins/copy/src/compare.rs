//! Whether two objects are the same, as far as HeadObject tells.

use longshore_sdk::in_place::Metadata;
use longshore_sdk::{Failure, Response};

/// What HeadObject says of an object.
pub(crate) struct Content {
    pub(crate) size: Option<u64>,
    pub(crate) etag: Option<String>,
    sse: Option<String>,
    /// Of the whole object: algorithm and value.
    checksums: Vec<(String, String)>,
    /// RFC 3339.
    pub(crate) last_modified: Option<String>,
    /// `None` where the bucket keeps none.
    pub(crate) version_id: Option<String>,
    pub(crate) metadata: Metadata,
}

impl From<&Response> for Content {
    fn from(head: &Response) -> Self {
        let etag = head.etag().map(|etag| unquoted(&etag).to_owned()).filter(|etag| !etag.is_empty());
        // A composite one depends on the parts, of which a copy may have others. Not every store says which it is.
        let in_parts = etag.as_ref().is_some_and(|etag| etag.contains('-'));
        let whole = head.checksum_type().map_or(!in_parts, |kind| kind == "FULL_OBJECT");
        Self {
            size: head.size(),
            etag,
            sse: head.sse(),
            checksums: head.checksums().into_iter().filter(|_| whole).collect(),
            last_modified: head.last_modified(),
            version_id: head.version_id().filter(|version| version != "null"),
            metadata: Metadata::of(head),
        }
    }
}

pub(crate) fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}

impl Content {
    /// The same size and ETag. That may be denied of objects that are the same, and not said of others.
    pub(crate) fn is_identical(&self, other: &Self) -> bool {
        self.size.is_some() && self.size == other.size && self.etag.is_some() && self.etag == other.etag
    }

    /// Nothing tells one from the other: they may be one object under two names, looked at without a write in between.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        self.is_identical(other)
            && self.last_modified == other.last_modified
            && self.version_id == other.version_id
    }

    /// Whether the ETag is the MD5 sum of the bytes: not where they were uploaded in parts or are encrypted with keys of a
    /// KMS (Amazon S3 API Reference, "Object").
    fn has_md5(&self) -> bool {
        let is_md5 = |etag: &String| etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
        let kms = self.sse.as_deref().is_some_and(|sse| sse.starts_with("aws:kms"));
        self.etag.as_ref().is_some_and(is_md5) && !kms
    }

    /// The checksums of one algorithm that both have.
    fn checksums_beside<'c>(&'c self, other: &'c Self) -> Option<(&'c str, &'c str, &'c str)> {
        self.checksums.iter().find_map(|(algorithm, value)| {
            let (_, others) = other.checksums.iter().find(|(name, _)| name == algorithm)?;
            Some((algorithm.as_str(), value.as_str(), others.as_str()))
        })
    }

    /// Compares a copy with its source, and says what was compared.
    ///
    /// # Errors
    /// `VerificationFailed` with what differs.
    pub(crate) fn verify(&self, copy: &Self) -> Result<String, Failure> {
        let failed = |what: String| Err(Failure::new("VerificationFailed", what));
        let (Some(size), Some(copied)) = (self.size, copy.size) else {
            return failed("the store does not tell the size of source or copy".to_owned());
        };
        if size != copied {
            return failed(format!("the copy has {copied} bytes, the source {size}"));
        }
        if let Some((algorithm, value, copied)) = self.checksums_beside(copy) {
            return match value == copied {
                true => Ok(format!("verified: {size} bytes, {algorithm} {value}")),
                false => failed(format!("the copy has {algorithm} {copied}, the source {value}")),
            };
        }
        match (&self.etag, &copy.etag) {
            (Some(etag), Some(copied)) if etag == copied => {
                Ok(format!("verified: {size} bytes, ETag {etag}"))
            }
            (Some(etag), Some(copied)) if self.has_md5() && copy.has_md5() => {
                failed(format!("the copy has ETag {copied}, the source {etag}, with the same {size} bytes"))
            }
            _ => Ok(format!(
                "verified: {size} bytes; there is no checksum that both have, and the ETags are no MD5 sums"
            )),
        }
    }
}
