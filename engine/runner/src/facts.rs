//! What the store tells about one object, as filters ask for it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use longshore_job::ObjectId;
use longshore_job::filter::{Encryption, FactSource, ObjectFacts, ReplicationStatus};
use longshore_store::{GetObjectTagging, HeadObject, Request, Response};

/// What was asked about one object so far.
#[derive(Default)]
pub(crate) struct Details {
    head: Option<Head>,
    tags: Option<BTreeMap<String, String>>,
}

struct Head {
    size: Option<u64>,
    last_modified: Option<Timestamp>,
    etag: Option<String>,
    storage_class: Option<String>,
    encryption: Option<Encryption>,
    kms_key: String,
    replication_status: Option<ReplicationStatus>,
    metadata: BTreeMap<String, String>,
}

impl Details {
    /// The request that `source` is, about `object`; `None` for a listing.
    pub(crate) fn request(source: FactSource, object: ObjectId) -> Option<Request> {
        match source {
            FactSource::Listing => None,
            FactSource::HeadObject => Some(HeadObject::new(object).into()),
            FactSource::GetObjectTagging => Some(GetObjectTagging::new(object).into()),
        }
    }

    /// Whether that was asked already.
    pub(crate) fn have(&self, source: FactSource) -> bool {
        match source {
            FactSource::Listing => true,
            FactSource::HeadObject => self.head.is_some(),
            FactSource::GetObjectTagging => self.tags.is_some(),
        }
    }

    /// Takes in the answer to the request of `source`.
    pub(crate) fn learn(&mut self, source: FactSource, answer: Response) {
        match source {
            FactSource::Listing => {}
            FactSource::HeadObject => self.head = Some(Head::from(answer)),
            FactSource::GetObjectTagging => {
                self.tags = Some(answer.tags.into_iter().map(|tag| (tag.key, tag.value)).collect());
            }
        }
    }

    /// `facts`, and what was asked beside them.
    pub(crate) fn beside<'a>(&'a self, facts: ObjectFacts<'a>) -> ObjectFacts<'a> {
        let facts = ObjectFacts { tags: facts.tags.or(self.tags.as_ref()), ..facts };
        let Some(head) = &self.head else { return facts };
        ObjectFacts {
            size: facts.size.or(head.size),
            last_modified: facts.last_modified.or(head.last_modified),
            etag: facts.etag.or(head.etag.as_deref()),
            // Stores leave out the usual one.
            storage_class: facts
                .storage_class
                .or_else(|| Some(head.storage_class.as_deref().unwrap_or("STANDARD"))),
            encryption: facts.encryption.or(head.encryption),
            kms_key: Some(&head.kms_key),
            replication_status: facts.replication_status.or(head.replication_status),
            metadata: Some(&head.metadata),
            ..facts
        }
    }
}

impl From<Response> for Head {
    fn from(answer: Response) -> Self {
        Self {
            size: answer.size,
            last_modified: answer.last_modified,
            etag: answer.etag,
            storage_class: answer.storage_class,
            encryption: Encryption::from_header(answer.encryption.algorithm.as_deref()),
            kms_key: answer.encryption.kms_key_id.unwrap_or_default(),
            replication_status: ReplicationStatus::from_name(answer.replication_status.as_deref()),
            metadata: answer.user_metadata,
        }
    }
}
