//! What operations on locks share.

use std::cell::RefCell;

use crate::{Failure, Object, StoreError};

/// The code of an object that has no retention, or never had a legal hold.
pub const NO_LOCK: &str = "NoSuchObjectLockConfiguration";

/// The code of a bucket without Object Lock.
pub const NO_LOCKS: &str = "ObjectLockConfigurationNotFoundError";

/// What stores answer about an object without a lock: S3's code, and two of SeaweedFS.
const NONE: [&str; 3] = [NO_LOCK, "NoSuchObjectLegalHold", NO_LOCKS];

/// Asks whether the objects of a bucket can be locked: once, for as long as the bucket stays the same.
#[derive(Debug, Default)]
pub struct LockableBucket(RefCell<Option<String>>);

impl LockableBucket {
    /// Nothing asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks the bucket of `object`, by GetObjectLockConfiguration.
    ///
    /// # Errors
    /// If the bucket has no Object Lock, or the store could not be asked.
    pub fn check(&self, object: &Object) -> Result<(), Failure> {
        let bucket = object.bucket();
        if self.0.borrow().as_ref() == Some(&bucket) {
            return Ok(());
        }
        let enabled = match object.get_lock_configuration().send() {
            Ok(answer) => answer.lock_enabled(),
            Err(error) if error.code == NO_LOCKS => false,
            Err(error) => return Err(lacking(error)),
        };
        if !enabled {
            let message = format!(
                "bucket {bucket} has no Object Lock, so that nothing in it can be locked: switch it on first"
            );
            return Err(Failure::new(NO_LOCKS, message).with_status(404));
        }
        self.0.replace(Some(bucket));
        Ok(())
    }
}

/// The failure of a store that may not know Object Lock at all.
fn lacking(error: StoreError) -> Failure {
    let mut failure = Failure::from(error);
    if matches!(failure.code.as_str(), "NotImplemented" | "MethodNotAllowed") {
        failure.message = format!("the store has no Object Lock: {}", failure.message);
    }
    failure
}

/// What the object has of a lock: `None` where the store says that there is none.
///
/// # Errors
/// Every other error of the store.
pub fn found<T>(answer: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if NONE.contains(&error.code.as_str()) => Ok(None),
        Err(error) => Err(error),
    }
}
