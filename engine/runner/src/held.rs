//! Jobs that met an obstacle: when each is tried again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_job::JobState;
use longshore_queue::JobRecord;

use crate::error::{RunnerError, SPOOL_NOT_REACHABLE};

/// Time from the first obstacle to the next try; each further one is twice the last.
const FIRST_DELAY: Duration = Duration::from_secs(2);

/// Longest time between two tries: what a mended store waits for at most.
const MAX_DELAY: Duration = Duration::from_secs(120);

impl Entry {
    fn is_about_rows(&self) -> bool {
        matches!(&self.obstacle, RunnerError::Obstacle { failure, .. } if failure.code == SPOOL_NOT_REACHABLE)
    }
}

/// The jobs that are held back, in memory: a new engine tries them all.
#[derive(Default)]
pub(crate) struct Held(BTreeMap<String, Entry>);

struct Entry {
    obstacle: RunnerError,
    delay: Duration,
    due: Instant,
}

impl Held {
    /// Whether the job may be tried at `now`: a cancelled one at once, because it ends whatever is missing but the rows that
    /// its report wants.
    pub(crate) fn is_due(&self, record: &JobRecord, now: Instant) -> bool {
        let ends = |entry: &Entry| record.state == JobState::Cancelling && !entry.is_about_rows();
        self.0.get(&record.id).is_none_or(|entry| entry.due <= now || ends(entry))
    }

    /// Holds the job back. Says so in the log when it is news.
    pub(crate) fn hold(&mut self, id: &str, obstacle: RunnerError, now: Instant) {
        let before = self.0.get(id);
        let text = obstacle.to_string();
        if before.is_none_or(|entry| entry.obstacle.to_string() != text) {
            tracing::warn!("{text}");
        }
        let delay = before.map_or(FIRST_DELAY, |entry| entry.delay.saturating_mul(2).min(MAX_DELAY));
        let entry = Entry { obstacle, delay, due: now + delay };
        self.0.insert(id.to_owned(), entry);
    }

    /// The job met no obstacle any more.
    pub(crate) fn release(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// The obstacle of the first of these jobs.
    pub(crate) fn first_of(mut self, records: &[JobRecord]) -> Result<(), RunnerError> {
        match records.iter().find_map(|record| self.0.remove(&record.id)) {
            Some(entry) => Err(entry.obstacle),
            None => Ok(()),
        }
    }
}
