//! What the store keeps: buckets and versions of objects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::acl::Grant;
use crate::lock::{BucketLock, Lock};
use crate::restore::Restore;
use crate::storage::content::Content;

/// The version id of an object written while its bucket was not versioned, or while versioning was suspended.
pub(crate) const NULL_VERSION: &str = "null";
/// The storage class of an object that names none.
pub(crate) const STANDARD: &str = "STANDARD";
/// The storage class that has tiers.
pub(crate) const INTELLIGENT_TIERING: &str = "INTELLIGENT_TIERING";
/// Owner of all that is stored: all access keys of a sandbox belong to one account.
pub(crate) const OWNER_ID: &str = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a";
/// Display name of the owner.
pub(crate) const OWNER_NAME: &str = "sandbox";
/// The account that `x-amz-expected-bucket-owner` must name, if sent.
pub(crate) const ACCOUNT_ID: &str = "000000000000";

/// The versioning state of a bucket; once enabled it can only be suspended, never removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// Never enabled.
    Unversioned,
    /// Each write makes a new version.
    Enabled,
    /// Each write replaces the `null` version; older versions stay.
    Suspended,
}

impl Versioning {
    /// The value in the database and, but for `Unversioned`, on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unversioned => "",
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }

    /// Reads [`Versioning::as_str`] back.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Unversioned, Self::Enabled, Self::Suspended].into_iter().find(|state| state.as_str() == text)
    }
}

/// A bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) versioning: Versioning,
    /// The location constraint it was created with; none means us-east-1.
    pub(crate) location: Option<String>,
    pub(crate) settings: BucketSettings,
}

/// What a bucket is set to, and every write to it must know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lock: Option<BucketLock>,
    /// Of objects that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encryption: Option<Encryption>,
    /// Which objects of class INTELLIGENT_TIERING are in an archive tier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tiering: Vec<TieringRule>,
}

/// The archive tiers of INTELLIGENT_TIERING.
pub(crate) const ARCHIVE_ACCESS: &str = "ARCHIVE_ACCESS";
pub(crate) const DEEP_ARCHIVE_ACCESS: &str = "DEEP_ARCHIVE_ACCESS";

/// A configuration of Intelligent-Tiering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TieringRule {
    pub(crate) id: String,
    pub(crate) prefix: String,
    pub(crate) enabled: bool,
    /// Tiers, and after how many days without an access.
    pub(crate) tierings: Vec<(String, i32)>,
}

impl Bucket {
    /// Where a version is, for all that is about archives: its storage class, or the archive tier that it was moved to and
    /// has not been restored from.
    pub(crate) fn place_of<'v>(&'v self, version: &'v ObjectVersion, now: Timestamp) -> &'v str {
        let class = version.storage_class.as_str();
        let is_back = version.restore.as_ref().is_some_and(|restore| restore.ready <= now);
        if class != INTELLIGENT_TIERING || is_back {
            return class;
        }
        let rules = self.settings.tiering.iter();
        let rule = rules.filter(|rule| rule.enabled).find(|rule| version.key.starts_with(&rule.prefix));
        // The last to be reached.
        let tier = rule.and_then(|rule| rule.tierings.iter().max_by_key(|(_, days)| *days));
        tier.map_or(class, |(tier, _)| tier.as_str())
    }

    /// The version id to show for a version of this bucket: none while versioning was never enabled.
    pub(crate) fn shown_version(&self, version: &str) -> Option<String> {
        (self.versioning != Versioning::Unversioned).then(|| version.to_owned())
    }
}

/// An object tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// The content type of an object that names none, as S3.
pub(crate) const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// What `x-amz-metadata-directive` copies or replaces: content headers and user metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_type: Option<String>,
    /// An HTTP date.
    pub(crate) expires: Option<String>,
    pub(crate) user: BTreeMap<String, String>,
}

/// The encryption headers of an object. Nothing is encrypted: they are kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    pub(crate) algorithm: String,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) bucket_key: Option<bool>,
    /// MD5 of the customer's own key, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) customer_key_md5: Option<String>,
}

impl Encryption {
    /// What `x-amz-server-side-encryption` says: nothing of an object with a customer's key.
    pub(crate) fn shown_algorithm(&self) -> Option<String> {
        self.customer_key_md5.is_none().then(|| self.algorithm.clone())
    }

    /// Whether a key of the key management service encrypts.
    pub(crate) fn is_kms(&self) -> bool {
        self.algorithm.starts_with("aws:kms")
    }
}

impl Default for Encryption {
    /// What S3 does when a request names no encryption.
    fn default() -> Self {
        Self { algorithm: "AES256".to_owned(), kms_key_id: None, bucket_key: None, customer_key_md5: None }
    }
}

/// A checksum in the form of S3's headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredChecksum {
    /// Its name in the API: `CRC64NVME`.
    pub(crate) algorithm: String,
    /// Base64; of a composite checksum with `-<parts>` behind it.
    pub(crate) value: String,
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub(crate) kind: String,
}

/// A part of an object that was uploaded in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectPart {
    pub(crate) number: i32,
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) checksum: StoredChecksum,
}

/// What is written with an object and does not change afterwards, but for its encryption.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    pub(crate) metadata: Metadata,
    pub(crate) website_redirect: Option<String>,
    pub(crate) encryption: Encryption,
    pub(crate) checksum: Option<StoredChecksum>,
    /// In order of their numbers; none of an object that was written in one piece.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<ObjectPart>,
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(crate) struct ObjectVersion {
    /// Row id; among the versions of a key the newest has the greatest.
    pub(crate) id: i64,
    pub(crate) key: String,
    pub(crate) version: String,
    pub(crate) delete_marker: bool,
    /// Bytes.
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    /// Whole seconds, as S3 keeps it.
    pub(crate) modified: Timestamp,
    pub(crate) storage_class: String,
    pub(crate) attributes: Attributes,
    pub(crate) tags: Vec<Tag>,
    pub(crate) acl: Vec<Grant>,
    pub(crate) restore: Option<Restore>,
    pub(crate) lock: Lock,
    /// Its bytes; delete markers have none.
    pub(crate) content: Option<Content>,
}

/// The columns of a version that a listing shows.
#[derive(Debug, Clone)]
pub(crate) struct ListedVersion {
    pub(crate) key: String,
    pub(crate) version: String,
    pub(crate) is_latest: bool,
    pub(crate) delete_marker: bool,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    pub(crate) storage_class: String,
}

/// A version about to be written.
#[derive(Debug, Clone)]
pub(crate) struct NewVersion<'a> {
    pub(crate) key: &'a str,
    pub(crate) size: u64,
    pub(crate) etag: &'a str,
    pub(crate) modified: Timestamp,
    pub(crate) storage_class: &'a str,
    pub(crate) attributes: &'a Attributes,
    pub(crate) tags: &'a [Tag],
    pub(crate) acl: &'a [Grant],
    pub(crate) lock: &'a Lock,
    /// Its bytes, whose references already include this version.
    pub(crate) content: &'a Content,
}
