//! Where replicas go, and how it is known which are there.

use std::collections::BTreeMap;

use longshore_sdk::in_place::{self, Metadata};
use longshore_sdk::lock::Locks;
use longshore_sdk::{CopyObject, Failure, Grant, Object};

use crate::Replicate;
use crate::codes::{self, failure};
use crate::configuration::Rule;
use crate::source::{Content, Current, Source};

/// User metadata of a replica: which version of the source it is. `x-amz-replication-status` is the store's own, and not every
/// store keeps ETags.
pub(crate) const MARK: &str = "longshore-replica-of";

/// Versions of one key at the destination that are looked at, at most (count): half of a task's requests.
const MAX_LOOKS: usize = 500;

/// Version ID and ETag, which together no other version has.
fn mark_of(content: &Content) -> String {
    let version = content.version_id.as_deref().unwrap_or("null");
    format!("{version}/{}", content.etag.as_deref().unwrap_or_default())
}

impl Content {
    fn mark(&self) -> Option<&str> {
        self.metadata.user.get(MARK).map(String::as_str)
    }

    /// Whether this is a replica of `source`: it says so, or nothing tells them apart.
    pub(crate) fn replicates(&self, source: &Self) -> bool {
        match self.mark() {
            Some(mark) if mark == mark_of(source) => true,
            _ => {
                let same = self.size == source.size && self.etag.is_some() && self.etag == source.etag;
                same && unmarked(&self.metadata) == unmarked(&source.metadata)
            }
        }
    }
}

fn unmarked(metadata: &Metadata) -> Metadata {
    let mut metadata = metadata.clone();
    metadata.user.remove(MARK);
    metadata
}

/// A bucket of replicas, and the store that it is in if not the job's own.
pub(crate) struct Destination<'r> {
    pub(crate) rule: &'r Rule,
    pub(crate) store: Option<&'r str>,
}

impl<'r> Destination<'r> {
    pub(crate) fn of(rule: &'r Rule, stores: &'r BTreeMap<String, String>) -> Self {
        Self { rule, store: stores.get(rule.bucket()).map(String::as_str) }
    }

    /// `bucket`, or `bucket (store "cold")`.
    pub(crate) fn name(&self) -> String {
        match self.store {
            Some(store) => format!("{} (store {store:?})", self.rule.bucket()),
            None => self.rule.bucket().to_owned(),
        }
    }

    /// The failure, saying where it happened.
    pub(crate) fn failure(&self, mut failure: Failure) -> Failure {
        failure.message = format!("to bucket {}: {}", self.name(), failure.message);
        failure
    }

    /// Whether replicas have the ACL of their source.
    pub(crate) fn carries_acl(&self) -> bool {
        self.store.is_none() && !self.rule.changes_owner()
    }

    fn target(&self, source: &Object) -> Object<'static> {
        source.open(self.rule.bucket(), &source.key(), None)
    }

    fn present(&self, target: &Object) -> Result<Option<Content>, Failure> {
        match target.head().store(self.store).send() {
            Ok(head) => Ok(Some(Content::of(&head))),
            Err(error) if matches!(error.http_status, Some(404 | 405)) => Ok(None),
            Err(error) => Err(codes::of_destination(error)),
        }
    }

    /// Replicates a version. False if its replica is there already.
    pub(crate) fn replicate(
        &self,
        settings: &Replicate,
        source: &Source,
        locks: &Locks,
        grants: &[Grant],
    ) -> Result<bool, Failure> {
        if let Some(replica) = self.find(source)? {
            // The run before this one may have ended before it had seen to the locks.
            locks.ensure(&replica, self.store)?;
            return Ok(false);
        }
        let copy = self.copy(source, locks, settings.parameters.mark);
        // Another store has other users.
        let grants = if self.carries_acl() { grants } else { &[] };
        let copy = match self.rule.changes_owner() {
            true => copy.canned_acl("bucket-owner-full-control"),
            false => copy.grants(grants),
        };
        let made = copy.send();
        let made = made.map_err(|error| codes::of_copy(error, source.encryption.kms_key_id.as_deref()))?;
        let replica =
            source.object.open(self.rule.bucket(), &source.object.key(), made.version_id().as_deref());
        locks.ensure(&replica, self.store)?;
        in_place::grant_writes(&replica, grants)?;
        Ok(true)
    }

    /// The replica, if it is there already.
    fn find(&self, source: &Source) -> Result<Option<Object<'static>>, Failure> {
        let target = self.target(&source.object);
        let Some(there) = self.present(&target)? else { return Ok(None) };
        if there.replicates(&source.content) {
            return Ok(Some(target));
        }
        if matches!(source.current, Current::This) {
            return Ok(None);
        }
        if let Some(older) = self.find_among_older(&target, source)? {
            return Ok(Some(older));
        }
        match &source.current {
            Current::Newer(newer) if there.replicates(newer) => Err(failure(
                "SrcObjectNotEligible",
                "a newer version is replicated already, and this one would take its place: \
                 replicate the versions that are not current in a job before",
            )),
            _ => Ok(None),
        }
    }

    /// The one of the older versions at the destination that is a replica of the source.
    fn find_among_older(&self, target: &Object, source: &Source) -> Result<Option<Object<'static>>, Failure> {
        let page = target.list_versions(None).store(self.store).send().map_err(codes::of_destination)?;
        let alike = page.versions().into_iter().filter(|version| {
            !version.is_delete_marker && !version.is_latest && Some(version.size) == source.content.size
        });
        for version in alike.take(MAX_LOOKS) {
            let older = target.open(&target.bucket(), &target.key(), Some(&version.version_id));
            if self.present(&older)?.is_some_and(|there| there.replicates(&source.content)) {
                return Ok(Some(older));
            }
        }
        Ok(None)
    }

    /// A copy with everything that the source carries, but for its ACL.
    fn copy(&self, source: &Source, locks: &Locks, mark: bool) -> CopyObject {
        let Source { object, content, encryption, head, .. } = source;
        let class = head.storage_class();
        let checksum = head.checksums().into_iter().next().map(|(algorithm, _)| algorithm);
        let copy = object
            .copy_to(self.rule.bucket(), &object.key())
            .target_store(self.store)
            .source_if_match(head.etag().as_deref())
            .storage_class(self.rule.storage_class().or(class.as_deref()))
            .website_redirect(head.website_redirect().as_deref())
            .lock(locks.lock())
            .event_hold(locks.event_hold.as_ref())
            .legal_hold(locks.legal_hold.then_some(true));
        // Which checksums another store knows is not known.
        let copy = if self.store.is_none() { copy.checksum_algorithm(checksum.as_deref()) } else { copy };
        let copy = match is_kms(source) {
            // The key of another store is not known there.
            true => copy
                .sse(encryption.algorithm.as_deref())
                .kms_key_id(
                    self.rule.kms_key().or(encryption.kms_key_id.as_deref().filter(|_| self.store.is_none())),
                )
                .bucket_key(encryption.bucket_key),
            false => copy,
        };
        if !mark {
            return copy;
        }
        let mut metadata = content.metadata.clone();
        metadata.user.insert(MARK.to_owned(), mark_of(content));
        metadata.set(copy)
    }

    /// Replicates a delete marker. False if there is nothing that it would hide.
    pub(crate) fn delete(&self, object: &Object) -> Result<bool, Failure> {
        let target = self.target(object);
        if self.present(&target)?.is_none() {
            return Ok(false);
        }
        target.delete().store(self.store).send().map_err(codes::of_deletion)?;
        Ok(true)
    }
}

/// Whether a key of a KMS encrypts the source.
pub(crate) fn is_kms(source: &Source) -> bool {
    source.encryption.algorithm.as_deref().is_some_and(|name| name.starts_with("aws:kms"))
}
