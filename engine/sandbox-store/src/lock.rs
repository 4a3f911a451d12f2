//! S3 Object Lock as a pure set of rules: what may be deleted or changed, when, by whom.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>.

use jiff::{Span, Timestamp, tz::TimeZone};
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use crate::event_hold::EventHold;

/// The longest default retention, and the longest time after an event hold; S3's limit.
const MAX_DAYS: i32 = 36_500;
/// The same in years.
const MAX_YEARS: i32 = 100;

/// How strongly a retention holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Mode {
    /// Who may bypass it, and says so, may delete, shorten and remove.
    Governance,
    /// Nobody may; it can only be made longer.
    Compliance,
}

impl Mode {
    /// Reads the name on the wire.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Governance, Self::Compliance].into_iter().find(|mode| mode.as_str() == name)
    }

    /// The name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }
}

/// Until when a version is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retention {
    pub(crate) mode: Mode,
    pub(crate) until: Timestamp,
}

/// What protects a version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lock {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retention: Option<Retention>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Whether it is on; none for a version that never had any.
    pub(crate) legal_hold: Option<bool>,
    /// None for a version that never had any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_hold: Option<EventHold>,
}

/// What PutObjectRetention asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetentionChange {
    /// The new retention; none removes it, unless something is said of an event hold.
    pub(crate) retention: Option<Retention>,
    pub(crate) event_hold: Option<EventHold>,
    /// Whether a retention in governance mode may be shortened or removed.
    pub(crate) bypass: bool,
}

/// How long the default retention of a bucket lasts, or that after an event hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Period {
    Days(i32),
    Years(i32),
}

/// The retention of versions that are written without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DefaultRetention {
    pub(crate) mode: Mode,
    pub(crate) period: Period,
}

/// The object lock of a bucket that has it; once it has, it cannot be taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketLock {
    pub(crate) default: Option<DefaultRetention>,
}

impl Period {
    /// The longest that S3 allows.
    pub(crate) fn longest(self) -> i32 {
        match self {
            Self::Days(_) => MAX_DAYS,
            Self::Years(_) => MAX_YEARS,
        }
    }

    /// Whether S3 allows it.
    pub(crate) fn is_allowed(self) -> bool {
        let (Self::Days(length) | Self::Years(length)) = self;
        (1..=self.longest()).contains(&length)
    }

    /// When it ends that begins now.
    ///
    /// # Errors
    /// `InvalidArgument` for an end beyond the calendar.
    pub(crate) fn after(self, now: Timestamp) -> S3Result<Timestamp> {
        let span = match self {
            Self::Days(days) => Span::new().try_days(days),
            Self::Years(years) => Span::new().try_years(years),
        };
        let until = span.and_then(|span| now.to_zoned(TimeZone::UTC).checked_add(span));
        let until =
            until.map_err(|error| s3_error!(error, InvalidArgument, "The retention ends too late"))?;
        Ok(until.timestamp())
    }
}

impl DefaultRetention {
    /// Reads a default retention.
    ///
    /// # Errors
    /// `MalformedXML` for an unknown mode or not exactly one of days and years, `InvalidArgument` for a period that S3
    /// does not allow.
    pub(crate) fn new(mode: Option<&str>, days: Option<i32>, years: Option<i32>) -> S3Result<Self> {
        let malformed = || {
            s3_error!(
                MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema"
            )
        };
        let mode = mode.and_then(Mode::parse).ok_or_else(malformed)?;
        let (period, length, most) = match (days, years) {
            (Some(days), None) => (Period::Days(days), days, MAX_DAYS),
            (None, Some(years)) => (Period::Years(years), years, MAX_YEARS),
            _ => return Err(malformed()),
        };
        match length {
            ..=0 => {
                Err(s3_error!(InvalidArgument, "Default retention period must be a positive integer value."))
            }
            length if length > most => {
                Err(s3_error!(InvalidArgument, "Default retention period is too large: at most {most}"))
            }
            _ => Ok(Self { mode, period }),
        }
    }

    /// The retention of a version written now.
    fn from(&self, now: Timestamp) -> S3Result<Retention> {
        Ok(Retention { mode: self.mode, until: self.period.after(now)? })
    }
}

impl Retention {
    /// Reads a retention asked for.
    ///
    /// # Errors
    /// `InvalidArgument` for a time that has passed.
    pub(crate) fn new(mode: Mode, until: Timestamp, now: Timestamp) -> S3Result<Self> {
        if until <= now {
            return Err(s3_error!(InvalidArgument, "The retain until date must be in the future!"));
        }
        Ok(Self { mode, until })
    }
}

impl Lock {
    /// The lock of a version written now: what was asked for, or else the default retention of the bucket.
    ///
    /// # Errors
    /// `InvalidRequest` for a lock in a bucket that has no object lock.
    pub(crate) fn of_new(asked: &Self, bucket: Option<&BucketLock>, now: Timestamp) -> S3Result<Self> {
        let Some(bucket) = bucket else {
            return if *asked == Self::default() { Ok(asked.clone()) } else { Err(no_lock()) };
        };
        let default = || bucket.default.as_ref().map(|default| default.from(now)).transpose();
        let retention = match &asked.retention {
            Some(retention) => Some(retention.clone()),
            None => default()?,
        };
        Ok(Self { retention, ..asked.clone() })
    }

    /// Whether the version may be deleted for good.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(crate) fn check_delete(&self, bypass: bool, now: Timestamp) -> S3Result<()> {
        let event_hold = self.event_hold.and_then(|hold| hold.strength());
        let held = match self.running(now).max(event_hold) {
            None => false,
            Some(Mode::Governance) => !bypass,
            Some(Mode::Compliance) => true,
        };
        if held || self.legal_hold == Some(true) { Err(protected()) } else { Ok(()) }
    }

    /// The lock after PutObjectRetention.
    ///
    /// # Errors
    /// `AccessDenied`; `InvalidRequest` for an event hold that is released along with a new retention.
    pub(crate) fn changed(self, change: RetentionChange, now: Timestamp) -> S3Result<Self> {
        let RetentionChange { retention, event_hold, bypass } = change;
        if retention.is_some() || event_hold.is_none() {
            self.check_retention(retention.as_ref(), bypass, now)?;
        }
        match event_hold {
            None => Ok(Self { retention, ..self }),
            Some(hold) if hold.on => {
                let retention = retention.or(self.retention);
                let new = Self { retention, ..self };
                let hold = hold.set(self.event_hold, new.running(now), now)?;
                Ok(Self { event_hold: Some(hold), ..new })
            }
            Some(_) if retention.is_some() => Err(s3_error!(
                InvalidRequest,
                "An event hold is released without a retain until date: its duration sets the date"
            )),
            Some(off) => {
                let retention = match self.event_hold {
                    Some(hold) => hold.released(self.retention, off.mode, now)?,
                    None => self.retention,
                };
                Ok(Self { retention, event_hold: Some(EventHold { mode: None, ..off }), ..self })
            }
        }
    }

    /// The mode to show: that of the retention, or of the event hold where there is none or it has ended.
    pub(crate) fn mode(&self, now: Timestamp) -> Option<Mode> {
        let hold = self.event_hold.filter(|hold| hold.on).and_then(|hold| hold.mode);
        self.running(now).or(hold).or(self.retention.as_ref().map(|retention| retention.mode))
    }

    /// Whether the retention may be replaced by `new`: it may always be made longer and stronger.
    ///
    /// # Errors
    /// `AccessDenied`.
    fn check_retention(&self, new: Option<&Retention>, bypass: bool, now: Timestamp) -> S3Result<()> {
        let (Some(mode), Some(current)) = (self.running(now), &self.retention) else { return Ok(()) };
        let keeps = new.is_some_and(|new| {
            new.until >= current.until && (new.mode == mode || new.mode == Mode::Compliance)
        });
        if keeps || (mode == Mode::Governance && bypass) { Ok(()) } else { Err(protected()) }
    }

    /// The mode of a retention that has not ended.
    fn running(&self, now: Timestamp) -> Option<Mode> {
        self.retention.as_ref().filter(|retention| retention.until > now).map(|retention| retention.mode)
    }
}

/// The answer to what would loosen a lock.
pub(crate) fn protected() -> S3Error {
    s3_error!(AccessDenied, "Access Denied because object protected by object lock.")
}

/// The answer to what needs object lock in a bucket that has none.
pub(crate) fn no_lock() -> S3Error {
    s3_error!(InvalidRequest, "Bucket is missing Object Lock Configuration")
}

/// The answer to what object lock and the versioning of its bucket do not allow.
pub(crate) fn invalid_state(message: &str) -> S3Error {
    s3_error!(InvalidBucketState, "{message}")
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
