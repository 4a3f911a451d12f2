//! The calls about Object Lock: legal holds and retention (Amazon S3 User Guide, "Locking objects with Object Lock").

use std::fmt;

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

/// Protection that lasts until it is released and, from then on, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHold {
    /// Whether it is on.
    pub on: bool,
    /// `GOVERNANCE` or `COMPLIANCE`; `None` where nothing is said, or a [`Retention`] says it.
    pub mode: Option<String>,
    /// How long the object is retained once the hold is released.
    pub duration: Option<HoldDuration>,
}

impl HoldDuration {
    /// The days, if it is in days.
    pub fn days(self) -> Option<u32> {
        match self {
            Self::Days(days) => Some(days),
            Self::Years(_) => None,
        }
    }

    /// The years, if it is in years.
    pub fn years(self) -> Option<u32> {
        match self {
            Self::Years(years) => Some(years),
            Self::Days(_) => None,
        }
    }
}

impl fmt::Display for EventHold {
    /// `ON`, `ON:30d`, `OFF:1y`, `ON:GOVERNANCE:30d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.on { "ON" } else { "OFF" })?;
        if let Some(mode) = &self.mode {
            write!(f, ":{mode}")?;
        }
        match self.duration {
            Some(HoldDuration::Days(days)) => write!(f, ":{days}d"),
            Some(HoldDuration::Years(years)) => write!(f, ":{years}y"),
            None => Ok(()),
        }
    }
}

/// Time after the release of an event hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldDuration {
    /// 1 to 36,500.
    Days(u32),
    /// 1 to 100.
    Years(u32),
}

/// The lock of an object: what it has, or gets along with a write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectLock {
    /// Its retention.
    pub retention: Option<Retention>,
    /// Whether there is a legal hold; `None` if nothing is said.
    pub legal_hold: Option<bool>,
    /// Its event hold; `None` if nothing is said.
    pub event_hold: Option<EventHold>,
}

impl ObjectLock {
    /// `GOVERNANCE` or `COMPLIANCE`, of the retention or the event hold.
    pub fn mode(&self) -> Option<&str> {
        mode_of(self.retention.as_ref(), self.event_hold.as_ref())
    }
}

fn mode_of<'l>(retention: Option<&'l Retention>, hold: Option<&'l EventHold>) -> Option<&'l str> {
    retention.map(|retention| retention.mode.as_str()).or_else(|| hold?.mode.as_deref())
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
    /// The new retention; `None` removes it, unless there is an event hold.
    pub retention: Option<Retention>,
    /// The event hold; `None` if nothing is said.
    pub event_hold: Option<EventHold>,
    /// `x-amz-bypass-governance-retention`: a `GOVERNANCE` retention may be shortened or removed.
    pub bypass_governance: bool,
}

impl PutObjectRetention {
    /// `GOVERNANCE` or `COMPLIANCE`, of the retention or the event hold.
    pub fn mode(&self) -> Option<&str> {
        mode_of(self.retention.as_ref(), self.event_hold.as_ref())
    }
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
