//! When a job runs: not before, not beyond, after which others.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// When a job may begin, and by when it must be done. A job that must wait does so in state New: its manifest may be what
/// others make.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// The job does not begin before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Timestamp>,
    /// The job fails if tasks are left to run then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    /// The jobs that must be Complete before this one begins: IDs, their first characters, or client tokens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// The jobs that must have ended, in whatever state, before this one begins; named as those of `after`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after_ended: Vec<String>,
    /// The job is the template of jobs that begin by a schedule, and does not run itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleSpec>,
}

/// When the jobs of a template begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// A cron expression of five fields.
    pub cron: String,
    /// Time zone of the IANA database by whose local time it goes.
    pub time_zone: String,
    /// What becomes of an occurrence while the one before has not ended.
    pub overlap: Overlap,
}

/// What becomes of an occurrence while the one before has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// It is left out.
    #[default]
    Skip,
    /// It begins once that has ended.
    Queue,
    /// It begins all the same.
    Allow,
}

impl Timing {
    /// Whether the job runs as soon as it is its turn.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// By when a job must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deadline {
    /// By this moment.
    At(Timestamp),
    /// So many seconds after its first task may run.
    Seconds(i64),
}

impl Deadline {
    /// The moment, for a job that is first Active at `started`. The end of time if it lies beyond.
    pub fn moment(self, started: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Seconds(seconds) => {
                started.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

impl std::fmt::Display for Deadline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(moment) => write!(f, "{moment:.0}"),
            Self::Seconds(seconds) => write!(f, "{:#} after its start", SignedDuration::from_secs(*seconds)),
        }
    }
}
