//! How many tasks ended how, and when a job gives up.

#[cfg(test)]
mod tests;

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::spec::FailureThreshold;
use crate::task::Outcome;

/// Counters of finished tasks (the S3 Control API's `ProgressSummary`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Tasks that did their work or had nothing to do.
    pub succeeded: u64,
    /// Tasks that failed for good.
    pub failed: u64,
}

impl Tally {
    /// Counts one finished task.
    pub fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Succeeded(_) | Outcome::Skipped(_) => self.succeeded += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }

    /// Tasks that have run: succeeded and failed.
    pub fn finished(&self) -> u64 {
        self.succeeded.saturating_add(self.failed)
    }

    /// Whether the job gives up now: at least `minimum_tasks` have run and **more** than `percent` of them have failed, or
    /// `count` have failed.
    /// The denominator is the tasks run so far, not the manifest's rows (S3 User Guide, "Tracking job status and
    /// completion reports": above 50 % of at least 1,000 tasks).
    #[allow(clippy::cast_precision_loss)] // Exact below 2^46 tasks, which is beyond any manifest.
    pub fn exceeds(&self, threshold: &FailureThreshold) -> bool {
        threshold.count.is_some_and(|count| self.failed >= count.max(1))
            || self.finished() >= threshold.minimum_tasks.max(1)
                && self.failed as f64 * 100.0 > threshold.percent * self.finished() as f64
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.succeeded = self.succeeded.saturating_add(other.succeeded);
        self.failed = self.failed.saturating_add(other.failed);
    }
}
