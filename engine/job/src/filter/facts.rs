//! What is known about an object when a filter is asked about it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known about one object, or one version of it. `None` means that it is not known, never that the object has no such thing:
/// a filter that needs it says so instead of guessing.
#[derive(Debug, Clone, Copy, Default)]
pub struct ObjectFacts<'a> {
    /// Key, decoded.
    pub key: &'a str,
    /// Size in bytes.
    pub size: Option<u64>,
    /// When it was last written.
    pub last_modified: Option<Timestamp>,
    /// ETag, with or without quotes.
    pub etag: Option<&'a str>,
    /// Storage class; `STANDARD` where a store leaves it out.
    pub storage_class: Option<&'a str>,
    /// Whether it is the current version.
    pub is_latest: Option<bool>,
    /// How it is encrypted.
    pub encryption: Option<Encryption>,
    /// The KMS key; empty if it is encrypted without one.
    pub kms_key: Option<&'a str>,
    /// Where its replication stands.
    pub replication_status: Option<ReplicationStatus>,
    /// Its tags.
    pub tags: Option<&'a BTreeMap<String, String>>,
    /// Its user metadata: names without `x-amz-meta-`, in lower case.
    pub metadata: Option<&'a BTreeMap<String, String>>,
}

impl<'a> ObjectFacts<'a> {
    /// What the columns of an inventory tell ([`Fact::inventory_column`]). An empty cell tells nothing, but of replication, of
    /// which there is none then.
    pub fn of_inventory(key: &'a str, cell: &dyn Fn(Fact) -> Option<&'a str>) -> Self {
        let told = |fact| cell(fact).filter(|text| !text.is_empty());
        Self {
            key,
            size: told(Fact::Size).and_then(|text| text.parse().ok()),
            last_modified: told(Fact::LastModified).and_then(|text| text.parse().ok()),
            etag: told(Fact::ETag),
            storage_class: told(Fact::StorageClass),
            is_latest: told(Fact::IsLatest).and_then(|text| text.to_ascii_lowercase().parse().ok()),
            encryption: told(Fact::Encryption).and_then(Encryption::from_name),
            replication_status: cell(Fact::ReplicationStatus)
                .and_then(|text| ReplicationStatus::from_name(Some(text))),
            ..Self::default()
        }
    }
}

/// Something about an object that a filter may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Size in bytes.
    Size,
    /// When it was last written.
    LastModified,
    /// ETag.
    ETag,
    /// Storage class.
    StorageClass,
    /// Whether it is the current version.
    IsLatest,
    /// How it is encrypted.
    Encryption,
    /// Which KMS key it is encrypted with.
    KmsKey,
    /// Where its replication stands.
    ReplicationStatus,
    /// User metadata.
    Metadata,
    /// Tags.
    Tags,
}

/// The cheapest request that tells a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactSource {
    /// The listing of the bucket, which is there anyway.
    Listing,
    /// One HeadObject for the object.
    HeadObject,
    /// One GetObjectTagging for the object.
    GetObjectTagging,
}

impl Fact {
    /// The cheapest request that tells it.
    pub fn source(self) -> FactSource {
        match self {
            Self::Size | Self::LastModified | Self::ETag | Self::StorageClass | Self::IsLatest => {
                FactSource::Listing
            }
            Self::Encryption | Self::KmsKey | Self::ReplicationStatus | Self::Metadata => {
                FactSource::HeadObject
            }
            Self::Tags => FactSource::GetObjectTagging,
        }
    }

    /// The request about a single object that tells it; none if no such request does.
    pub fn object_request(self) -> Option<FactSource> {
        match self {
            Self::IsLatest => None,
            Self::Tags => Some(FactSource::GetObjectTagging),
            _ => Some(FactSource::HeadObject),
        }
    }

    /// The column of an inventory that tells it (Amazon S3 User Guide, "Amazon S3 Inventory list"); none if no column does.
    pub fn inventory_column(self) -> Option<&'static str> {
        match self {
            Self::Size => Some("Size"),
            Self::LastModified => Some("LastModifiedDate"),
            Self::ETag => Some("ETag"),
            Self::StorageClass => Some("StorageClass"),
            Self::IsLatest => Some("IsLatest"),
            Self::Encryption => Some("EncryptionStatus"),
            Self::ReplicationStatus => Some("ReplicationStatus"),
            Self::KmsKey | Self::Metadata | Self::Tags => None,
        }
    }

    /// Whether a delete marker has it.
    pub fn of_delete_markers(self) -> bool {
        matches!(self, Self::LastModified | Self::IsLatest)
    }
}

impl std::fmt::Display for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Size => "the size",
            Self::LastModified => "the time of the last write",
            Self::ETag => "the ETag",
            Self::StorageClass => "the storage class",
            Self::IsLatest => "whether it is the current version",
            Self::Encryption => "the encryption",
            Self::KmsKey => "the KMS key",
            Self::ReplicationStatus => "the replication status",
            Self::Metadata => "the user metadata",
            Self::Tags => "the tags",
        })
    }
}

impl FactSource {
    /// The name of the request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::HeadObject => "HeadObject",
            Self::GetObjectTagging => "GetObjectTagging",
        }
    }
}

/// How an object is encrypted at rest (S3 Control API, `ObjectEncryptionFilter`; S3 Inventory, `EncryptionStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encryption {
    /// Not by the store.
    #[serde(rename = "NOT-SSE")]
    NotSse,
    /// With keys of the store.
    #[serde(rename = "SSE-S3")]
    SseS3,
    /// With a key of AWS KMS.
    #[serde(rename = "SSE-KMS")]
    SseKms,
    /// Twice, with a key of AWS KMS.
    #[serde(rename = "DSSE-KMS")]
    DsseKms,
    /// With a key that the client brings. An inventory tells it; HeadObject fails for such objects.
    #[serde(rename = "SSE-C")]
    SseC,
}

impl Encryption {
    /// Every way.
    pub const ALL: [Self; 5] = [Self::NotSse, Self::SseS3, Self::SseKms, Self::DsseKms, Self::SseC];

    /// The name as an inventory writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotSse => "NOT-SSE",
            Self::SseS3 => "SSE-S3",
            Self::SseKms => "SSE-KMS",
            Self::DsseKms => "DSSE-KMS",
            Self::SseC => "SSE-C",
        }
    }

    /// The way that an inventory names so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }

    /// The way that the header `x-amz-server-side-encryption` names; without the header there is none.
    pub fn from_header(algorithm: Option<&str>) -> Option<Self> {
        match algorithm {
            None | Some("") => Some(Self::NotSse),
            Some("AES256") => Some(Self::SseS3),
            Some("aws:kms") => Some(Self::SseKms),
            Some("aws:kms:dsse") => Some(Self::DsseKms),
            Some(_) => None,
        }
    }
}

/// Where the replication of an object stands (S3 Control API, `ReplicationStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReplicationStatus {
    /// Every replica is there.
    Completed,
    /// It failed.
    Failed,
    /// The object is itself a replica.
    Replica,
    /// It is under way.
    Pending,
    /// It was never tried.
    None,
}

impl ReplicationStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Completed, Self::Failed, Self::Replica, Self::Pending, Self::None];

    /// The name in filters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Replica => "REPLICA",
            Self::Pending => "PENDING",
            Self::None => "NONE",
        }
    }

    /// The status of that name: of the header `x-amz-replication-status` or of an inventory's column; empty or absent means
    /// [`ReplicationStatus::None`]. S3 writes `COMPLETE` as well as `COMPLETED`.
    pub fn from_name(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("") => Some(Self::None),
            Some("COMPLETE") => Some(Self::Completed),
            Some(name) => Self::ALL.into_iter().find(|status| status.name() == name),
        }
    }
}
