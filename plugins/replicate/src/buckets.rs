//! What buckets are set to: asked once for as long as an instance lives.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use longshore_sdk::{Failure, Object, StoreError, lock};

use crate::codes::{self, failure};
use crate::configuration::Configuration;
use crate::destination::Destination;

/// Buckets that are remembered (count): a job has a few, and a manifest could name any number. Beyond it all are asked anew.
const MAX_BUCKETS: usize = 64;

/// Answers about buckets.
#[derive(Debug)]
struct Known<T>(RefCell<BTreeMap<String, T>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Known<T> {
    fn get(&self, bucket: String, ask: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        if let Some(known) = self.0.borrow().get(&bucket) {
            return Ok(known.clone());
        }
        let answer = ask()?;
        let mut known = self.0.borrow_mut();
        if known.len() >= MAX_BUCKETS {
            known.clear();
        }
        known.insert(bucket, answer.clone());
        Ok(answer)
    }
}

/// What is known of buckets.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    configurations: Known<Rc<Configuration>>,
    /// Whether objects can be locked.
    lockable: Known<bool>,
    /// Whether versions are kept; `None` if the store does not tell.
    versioned: Known<Option<bool>>,
}

impl Buckets {
    /// The replication configuration of the object's bucket.
    pub(crate) fn configuration(&self, object: &Object) -> Result<Rc<Configuration>, Failure> {
        self.configurations.get(object.bucket(), || {
            let answer = object.get_replication().send();
            let answer =
                answer.map_err(|error| codes::of_source(error, "InitiateReplicationNotPermitted"))?;
            let json = answer.replication_configuration().unwrap_or_else(|| "{}".to_owned());
            let invalid =
                |why| Failure::new("InvalidResponse", format!("the replication configuration: {why}"));
            Configuration::parse(&json).map(Rc::new).map_err(invalid)
        })
    }

    /// Whether the objects of a source's bucket can have locks.
    pub(crate) fn locks_source(&self, object: &Object) -> Result<bool, Failure> {
        self.lockable.get(object.bucket(), || {
            let enabled = lock::is_enabled(object.get_lock_configuration().send());
            enabled.map_err(|error| codes::of_source(error, "SrcGetRetentionNotPermitted"))
        })
    }

    /// Whether a destination takes replicas: it keeps versions and, for objects with locks, has Object Lock.
    pub(crate) fn check_destination(
        &self,
        destination: &Destination<'_>,
        source: &Object,
        locked: bool,
    ) -> Result<(), Failure> {
        let (bucket, store) = (destination.rule.bucket(), destination.store);
        let target = source.open(bucket, &source.key(), None);
        let place = format!("{bucket}@{}", store.unwrap_or_default());
        let versioned =
            self.versioned.get(place.clone(), || match target.get_versioning().store(store).send() {
                Ok(answer) => Ok(Some(answer.versioning().as_deref() == Some("Enabled"))),
                // Not every store has the call, or an answer that can be read: that is not held against the bucket.
                Err(error) if lacks(&error) || error.code == "InvalidResponse" => Ok(None),
                Err(error) => Err(codes::of_destination(error)),
            })?;
        if versioned == Some(false) {
            return Err(failure(
                "DstBucketUnversioned",
                "the bucket keeps no versions: enable its versioning",
            ));
        }
        let lockable = || {
            let enabled = lock::is_enabled(target.get_lock_configuration().store(store).send());
            enabled.map_err(codes::of_destination)
        };
        if locked && !self.lockable.get(place, lockable)? {
            let why = "the object is locked, and its replica cannot be: the bucket has no Object Lock";
            return Err(failure("DstBucketObjectLockConfigMissing", why));
        }
        Ok(())
    }
}

/// Whether a store does not know a call.
fn lacks(error: &StoreError) -> bool {
    matches!(error.http_status, Some(405 | 501))
}
