//! The failed tasks of an earlier job as a manifest.

use serde::{Deserialize, Serialize};

use super::Field;
use crate::row::KeyEncoding;

/// Tasks that failed in a job that has ended. Their rows are copied when the new job is submitted, so that it does not need
/// the earlier one any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedTasks {
    /// The full ID of the earlier job.
    pub job: String,
    /// Only tasks that failed with one of these codes or `statuses`; with both empty, all of them.
    pub codes: Vec<String>,
    /// Only tasks that failed with one of these HTTP statuses or `codes`.
    pub statuses: Vec<u16>,
    /// How the rows of the earlier job write keys.
    pub keys: KeyEncoding,
    /// The columns that its rows carry for the operation.
    pub columns: Vec<Field>,
}

impl FailedTasks {
    /// Whether all failed tasks are wanted.
    pub fn wants_all(&self) -> bool {
        self.codes.is_empty() && self.statuses.is_empty()
    }
}

impl std::fmt::Display for FailedTasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "failed tasks of job {}", self.job)?;
        if self.wants_all() {
            return Ok(());
        }
        let statuses = self.statuses.iter().map(ToString::to_string);
        let wanted: Vec<String> = self.codes.iter().cloned().chain(statuses).collect();
        write!(f, " ({})", wanted.join(", "))
    }
}
