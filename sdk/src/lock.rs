//! What operations on locks share, and what keeps the locks of an object with its copies.

use std::cell::RefCell;

use crate::time::Timestamp;
use crate::{EventHold, Failure, Object, Response, StoreError};

/// The code of an object that has no retention, or never had a legal hold.
pub const NO_LOCK: &str = "NoSuchObjectLockConfiguration";

/// The code of a bucket without Object Lock.
pub const NO_LOCKS: &str = "ObjectLockConfigurationNotFoundError";

/// What stores answer about an object without a lock: S3's code, and two of SeaweedFS.
const NONE: [&str; 3] = [NO_LOCK, "NoSuchObjectLegalHold", NO_LOCKS];

/// Asks whether the objects of a bucket can be locked: once, for as long as the bucket stays the same.
#[derive(Debug, Default)]
pub struct LockableBucket(RefCell<Option<(String, bool)>>);

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
        if self.known(&bucket) == Some(true) {
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
        self.0.replace(Some((bucket, true)));
        Ok(())
    }

    /// Whether the bucket of `object` has Object Lock. One of a store that does not know it has none.
    ///
    /// # Errors
    /// If the store could not be asked.
    pub fn has_locks(&self, object: &Object) -> Result<bool, StoreError> {
        let bucket = object.bucket();
        if let Some(known) = self.known(&bucket) {
            return Ok(known);
        }
        let enabled = is_enabled(object.get_lock_configuration().send())?;
        self.0.replace(Some((bucket, enabled)));
        Ok(enabled)
    }

    fn known(&self, bucket: &str) -> Option<bool> {
        self.0.borrow().as_ref().filter(|(known, _)| known == bucket).map(|(_, enabled)| *enabled)
    }
}

/// Whether objects can be locked, by what GetObjectLockConfiguration answered. A store without that call has no locks.
///
/// # Errors
/// Every other error of the store.
pub fn is_enabled(answer: Result<Response, StoreError>) -> Result<bool, StoreError> {
    match answer {
        Ok(answer) => Ok(answer.lock_enabled()),
        Err(error) if error.code == "NoSuchBucket" => Err(error),
        Err(error) if matches!(error.http_status, Some(404 | 405 | 501)) => Ok(false),
        Err(error) => Err(error),
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

/// What protects a version: mode and end (RFC 3339) of its retention, an event hold, and a legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locks {
    /// Mode and end of the retention.
    pub retention: Option<(String, String)>,
    /// An event hold that is on.
    pub event_hold: Option<EventHold>,
    /// Whether there is a legal hold.
    pub legal_hold: bool,
}

impl Locks {
    /// What HeadObject says. It leaves out what the credentials may not read: where there may be locks, ask for them.
    pub fn of_head(head: &Response) -> Self {
        Self {
            retention: head.lock_mode().zip(head.retain_until()),
            event_hold: hold_in(head),
            legal_hold: head.legal_hold().unwrap_or(false),
        }
    }

    /// Asks for the locks of an object whose bucket has Object Lock.
    ///
    /// # Errors
    /// The store's.
    pub fn read(object: &Object) -> Result<Self, StoreError> {
        let (retention, event_hold) = retained(object, None)?;
        Ok(Self { retention, event_hold, legal_hold: legal_hold(object, None)? })
    }

    /// Those that bind at a moment: no store takes a retention that is over.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.retention.take_if(|(_, until)| until.parse::<Timestamp>().is_ok_and(|until| until <= now));
        self
    }

    /// Mode and end of the retention, as requests take them.
    pub fn lock(&self) -> Option<(&str, &str)> {
        self.retention.as_ref().map(|(mode, until)| (mode.as_str(), until.as_str()))
    }

    /// Whether there is any.
    pub fn is_locked(&self) -> bool {
        self.retention.is_some() || self.event_hold.is_some() || self.legal_hold
    }

    /// Makes sure that a new version has the locks that it was written with: some stores ignore the headers for them on a
    /// copy. What is missing is set, unless the version is in another store (`store`), where that cannot be asked for.
    ///
    /// # Errors
    /// `NotImplemented` where a lock is missing and is not set; the store's, where it does not tell.
    pub fn ensure(&self, version: &Object, store: Option<&str>) -> Result<(), Failure> {
        if let Some((header, lock)) = self.not_retained(version, store).map_err(unseen)? {
            let put =
                || version.put_retention().lock(self.lock()).event_hold(self.event_hold.as_ref()).send();
            mended(store.is_none().then(put), version, header, lock)?;
        }
        if self.legal_hold && !legal_hold(version, store).map_err(unseen)? {
            let set = store.is_none().then(|| version.put_legal_hold(true).send());
            mended(set, version, "x-amz-object-lock-legal-hold", "legal hold")?;
        }
        Ok(())
    }

    /// The header for the retention or the event hold that a new version has not, and what that is.
    ///
    /// # Errors
    /// The store's.
    pub fn not_retained(
        &self,
        version: &Object,
        store: Option<&str>,
    ) -> Result<Option<(&'static str, &'static str)>, StoreError> {
        if self.retention.is_none() && self.event_hold.is_none() {
            return Ok(None);
        }
        let (found, hold) = retained(version, store)?;
        // A header has no fractions of a second.
        let seconds = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_second);
        let lasts = |(mode, until): (&str, &str)| {
            found.as_ref().is_some_and(|(other, end)| other == mode && seconds(end) >= seconds(until))
        };
        if !self.lock().is_none_or(lasts) {
            return Ok(Some(("x-amz-object-lock-mode", "retention")));
        }
        let lost = self.event_hold.as_ref().is_some_and(|wanted| {
            hold.is_none_or(|hold| (hold.days, hold.years) != (wanted.days, wanted.years))
        });
        Ok(lost.then_some(("x-amz-object-lock-event-hold", "event hold")))
    }
}

/// Mode and end of a retention, and an event hold that is on.
pub type Retained = (Option<(String, String)>, Option<EventHold>);

/// The retention and the event hold of an object whose bucket has Object Lock, in the job's store or another one.
///
/// # Errors
/// The store's.
pub fn retained(object: &Object, store: Option<&str>) -> Result<Retained, StoreError> {
    let Some(answer) = found(object.get_retention().store(store).send())? else { return Ok((None, None)) };
    Ok((answer.lock_mode().zip(answer.retain_until()), hold_in(&answer)))
}

fn hold_in(answer: &Response) -> Option<EventHold> {
    answer.event_hold_found().filter(|hold| hold.on)
}

/// Whether an object, whose bucket has Object Lock, has a legal hold.
///
/// # Errors
/// The store's.
pub fn legal_hold(object: &Object, store: Option<&str>) -> Result<bool, StoreError> {
    let answer = found(object.get_legal_hold().store(store).send())?;
    Ok(answer.and_then(|answer| answer.legal_hold()).unwrap_or(false))
}

fn unseen(error: StoreError) -> Failure {
    let mut failure = Failure::from(error);
    failure.message =
        format!("the new version is there, and whether it is locked cannot be seen: {}", failure.message);
    failure
}

/// A lock that the store ignored is mended if it could be set afterwards.
fn mended(
    set: Option<Result<Response, StoreError>>,
    version: &Object,
    header: &str,
    lock: &str,
) -> Result<(), Failure> {
    let why = match set {
        Some(Ok(_)) => return Ok(()),
        Some(Err(error)) => format!(", and it cannot be set: {}: {}", error.code, error.message),
        None => String::new(),
    };
    let name = version.version_id().map(|id| format!("new version {id}"));
    let name = name.unwrap_or_else(|| "the new object".to_owned());
    let message = format!(
        "the store ignored {header}: {name} is there without the {lock}{why}; lock it by other means, or delete it"
    );
    Err(Failure::new("NotImplemented", message).with_status(501))
}
