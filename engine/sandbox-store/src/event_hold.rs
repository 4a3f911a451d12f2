//! Event holds of S3 Object Lock as a pure set of rules: protection that lasts until it is released and, from then on, for a time.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ObjectLockRetention.html>, which leaves much open; what this store
//! does there is in `docs/sandbox.md`.

use jiff::Timestamp;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

use crate::lock::{self, Mode, Period, Retention};

/// What a version has, or a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventHold {
    /// Whether it is on. One that was released stays, and says so, as a legal hold does.
    pub(crate) on: bool,
    /// How strongly it holds, and what comes after it; none holds as `COMPLIANCE` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<Mode>,
    /// How long the version is retained once the hold is released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<Period>,
}

impl EventHold {
    /// Reads an event hold asked for.
    ///
    /// # Errors
    /// `InvalidRequest` for days along with years, and for a release with either; `InvalidArgument` for more or less of them than
    /// S3 allows.
    pub(crate) fn new(on: bool, mode: Option<Mode>, days: Option<i32>, years: Option<i32>) -> S3Result<Self> {
        let duration = match (days, years) {
            (None, None) => None,
            (Some(days), None) => Some(Period::Days(days)),
            (None, Some(years)) => Some(Period::Years(years)),
            (Some(_), Some(_)) => {
                return Err(s3_error!(
                    InvalidRequest,
                    "The event hold duration is in days or in years, not in both"
                ));
            }
        };
        if !on && duration.is_some() {
            return Err(s3_error!(
                InvalidRequest,
                "An event hold that is released takes no duration: it has one, or none, since it was set"
            ));
        }
        if let Some(duration) = duration.filter(|duration| !duration.is_allowed()) {
            return Err(s3_error!(
                InvalidArgument,
                "The event hold duration is from 1 to {}",
                duration.longest()
            ));
        }
        Ok(Self { on, mode, duration })
    }

    /// How strongly it holds now; not at all once it is released.
    pub(crate) fn strength(&self) -> Option<Mode> {
        self.on.then(|| self.mode.unwrap_or(Mode::Compliance))
    }

    /// This hold, set on a version that has `current` and a retention of mode `retained`. What it says nothing of stays.
    ///
    /// # Errors
    /// `AccessDenied` where it is weaker or shorter than one in mode `COMPLIANCE`.
    pub(crate) fn set(self, current: Option<Self>, retained: Option<Mode>, now: Timestamp) -> S3Result<Self> {
        let current = current.filter(|current| current.on);
        let new = Self {
            mode: self.mode.or(current.and_then(|current| current.mode)).or(retained),
            duration: self.duration.or(current.and_then(|current| current.duration)),
            ..self
        };
        if let Some(current) = current.filter(|current| current.mode == Some(Mode::Compliance))
            && (new.mode != current.mode || new.end(now)? < current.end(now)?)
        {
            return Err(lock::protected());
        }
        Ok(new)
    }

    /// The retention of a version with `retention` once this hold, which it has, is released.
    pub(crate) fn released(
        self,
        retention: Option<Retention>,
        mode: Option<Mode>,
        now: Timestamp,
    ) -> S3Result<Option<Retention>> {
        let Some(until) = self.end(now)?.filter(|_| self.on) else { return Ok(retention) };
        let mode = self.mode.or(mode).unwrap_or(Mode::Governance);
        Ok(Some(match retention {
            Some(retention) if retention.until >= until => retention,
            // Nothing is loosened: the stronger mode of the two goes on.
            Some(retention) if retention.until > now => Retention { mode: mode.max(retention.mode), until },
            _ => Retention { mode, until },
        }))
    }

    /// When its time ends if it is released now.
    fn end(&self, now: Timestamp) -> S3Result<Option<Timestamp>> {
        self.duration.map(|duration| duration.after(now)).transpose()
    }
}

#[cfg(test)]
#[path = "event_hold_tests.rs"]
mod tests;
