//! Event holds of Object Lock.

use std::fmt;

/// Protection that lasts until it is released and, from then on, for a time: so many days or so many years (Amazon S3 API
/// Reference, "ObjectLockRetention").
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventHold {
    /// Whether it is on.
    pub on: bool,
    /// `GOVERNANCE` or `COMPLIANCE`; `None` where a retention says it.
    pub mode: Option<String>,
    /// Days that the object is retained once the hold is released: 1 to 36,500.
    pub days: Option<u32>,
    /// The same in years: 1 to 100.
    pub years: Option<u32>,
}

impl fmt::Display for EventHold {
    /// `on, then 30 days`; `off`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.on { "on" } else { "off" })?;
        match (self.days, self.years) {
            (Some(1), _) => f.write_str(", then 1 day"),
            (Some(days), _) => write!(f, ", then {days} days"),
            (None, Some(1)) => f.write_str(", then 1 year"),
            (None, Some(years)) => write!(f, ", then {years} years"),
            (None, None) => Ok(()),
        }
    }
}
