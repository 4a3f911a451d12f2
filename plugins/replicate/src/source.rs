//! What is replicated: one version of an object with all that it carries, or a delete marker.

use longshore_sdk::in_place::{self, Encryption, Metadata};
use longshore_sdk::lock::{self, Locks};
use longshore_sdk::time::Timestamp;
use longshore_sdk::{Failure, Grant, Object, Response, StoreError};

use crate::codes::{self, failure};

/// A version of an object, as HeadObject tells of it.
pub(crate) struct Source {
    pub(crate) object: Object<'static>,
    pub(crate) content: Content,
    pub(crate) encryption: Encryption,
    pub(crate) head: Response,
    pub(crate) current: Current,
}

/// Which version of a key is the current one.
pub(crate) enum Current {
    /// The one at hand.
    This,
    /// A newer one.
    Newer(Box<Content>),
    /// A delete marker.
    DeleteMarker,
}

/// What tells whether two versions are the same.
pub(crate) struct Content {
    pub(crate) version_id: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) metadata: Metadata,
}

impl Content {
    pub(crate) fn of(head: &Response) -> Self {
        let etag = head.etag().map(|etag| etag.trim_matches('"').to_owned());
        Self { version_id: head.version_id(), etag, size: head.size(), metadata: Metadata::of(head) }
    }
}

/// What a row names.
pub(crate) enum Named {
    Object(Box<Source>),
    DeleteMarker,
}

/// Looks at what the row names: the version with its ID, or else the current one.
///
/// # Errors
/// With a code of replication, where it is not there or not to be read.
pub(crate) fn look(object: &Object, noncurrent_too: bool) -> Result<Named, Failure> {
    let head = match object.head().checksums().send() {
        Ok(head) => head,
        Err(error) if is_delete_marker(&error) && object.version_id().is_some() => {
            return current_marker(object).map(|()| Named::DeleteMarker);
        }
        Err(error) => return Err(unseen(error)),
    };
    let content = Content::of(&head);
    let current = current(object)?;
    if !matches!(current, Current::This) && !noncurrent_too {
        return Err(not_eligible(
            "it is not the current version of its key, and its replica would become the current one; \
             noncurrent-versions = true replicates it all the same",
        ));
    }
    refuse_archived(&head)?;
    let encryption = Encryption::of(&head);
    // The version that was looked at, whatever is written meanwhile.
    let version = content.version_id.clone().or_else(|| object.version_id());
    let object = object.open(&object.bucket(), &object.key(), version.as_deref());
    Ok(Named::Object(Box::new(Source { object, content, encryption, head, current })))
}

fn not_eligible(why: &str) -> Failure {
    failure("SrcObjectNotEligible", why)
}

/// S3 answers HeadObject of a delete marker, if its version is named, with 405.
fn is_delete_marker(error: &StoreError) -> bool {
    error.http_status == Some(405)
}

fn unseen(error: StoreError) -> Failure {
    // Without a body there is no code: S3 asks for the key of an object that is encrypted with the customer's own.
    if error.http_status == Some(400) {
        let why = "it cannot be read without the customer's key that it is encrypted with (SSE-C)";
        return not_eligible(&format!("{why}: {}: {}", error.code, error.message));
    }
    codes::of_source(error, "SrcHeadObjectNotPermitted")
}

/// Which version is the current one, if a row names any.
fn current(object: &Object) -> Result<Current, Failure> {
    let Some(named) = object.version_id() else { return Ok(Current::This) };
    let latest = object.open(&object.bucket(), &object.key(), None);
    match latest.head().send() {
        Ok(head) if head.version_id().as_deref().unwrap_or("null") == named => Ok(Current::This),
        Ok(head) => Ok(Current::Newer(Box::new(Content::of(&head)))),
        Err(error) if error.http_status == Some(404) => Ok(Current::DeleteMarker),
        Err(error) => Err(codes::of_source(error, "SrcHeadObjectNotPermitted")),
    }
}

/// A delete marker that is not the current one would hide what was written after it.
fn current_marker(object: &Object) -> Result<(), Failure> {
    let page = object.list_versions(None).send();
    let page = page.map_err(|error| codes::of_source(error, "SrcHeadObjectNotPermitted"))?;
    let named = object.version_id();
    // The current one is on the first page, whether it is a version or a delete marker.
    match page.versions().into_iter().find(|version| Some(&version.version_id) == named.as_ref()) {
        Some(version) if version.is_latest && version.is_delete_marker => Ok(()),
        _ => Err(not_eligible(
            "it is a delete marker and not the current version of its key: its replica would hide newer ones",
        )),
    }
}

fn refuse_archived(head: &Response) -> Result<(), Failure> {
    let class = head.storage_class().unwrap_or_default();
    let archive = match class.as_str() {
        "GLACIER" | "DEEP_ARCHIVE" => Some(class),
        _ => head.archive_status(),
    };
    match archive.filter(|_| head.restore_ongoing() != Some(false)) {
        Some(archive) => Err(not_eligible(&format!("it is archived ({archive}): restore it first"))),
        None => Ok(()),
    }
}

impl Source {
    /// The locks of an object whose bucket has Object Lock. HeadObject leaves them out where they may not be read, and a
    /// replica would lose them.
    pub(crate) fn locks(&self, now: Timestamp) -> Result<Locks, Failure> {
        let (retention, event_hold) = lock::retained(&self.object, None)
            .map_err(|error| codes::of_source(error, "SrcGetRetentionNotPermitted"))?;
        let legal_hold = lock::legal_hold(&self.object, None)
            .map_err(|error| codes::of_source(error, "SrcGetLegalHoldNotPermitted"))?;
        Ok(Locks { retention, event_hold, legal_hold }.at(now))
    }

    /// The grants that a replica must be given, for all but its owner.
    pub(crate) fn grants(&self) -> Result<Vec<Grant>, Failure> {
        in_place::grants(&self.object).map_err(|error| codes::of_source(error, "SrcGetAclNotPermitted"))
    }
}
