//! The calls about Object Lock: legal holds and retention (Amazon S3 User Guide, "Locking objects with Object Lock").

use jiff::Timestamp;
use longshore_job::ObjectId;

/// For how long a version may be neither deleted nor overwritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// Until when.
    pub retain_until: Timestamp,
}

/// The lock of an object: what it has, or gets along with a write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectLock {
    /// Its retention.
    pub retention: Option<Retention>,
    /// Whether there is a legal hold; `None` if nothing is said.
    pub legal_hold: Option<bool>,
}

/// PutObjectLegalHold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutObjectLegalHold {
    /// Which object.
    pub object: ObjectId,
    /// `ON` or `OFF`.
    pub on: bool,
}

/// GetObjectLegalHold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetObjectLegalHold {
    /// Which object.
    pub object: ObjectId,
}

/// PutObjectRetention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutObjectRetention {
    /// Which object.
    pub object: ObjectId,
    /// The new retention; `None` removes it.
    pub retention: Option<Retention>,
    /// `x-amz-bypass-governance-retention`: a `GOVERNANCE` retention may be shortened or removed.
    pub bypass_governance: bool,
}

/// GetObjectRetention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetObjectRetention {
    /// Which object.
    pub object: ObjectId,
}

/// GetObjectLockConfiguration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetObjectLockConfiguration {
    /// Which bucket.
    pub bucket: String,
}
