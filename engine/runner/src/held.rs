//! Jobs that met an obstacle: when each is tried again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_job::JobState;
use longshore_queue::Candidate;

use crate::error::RunnerError;

/// Time from the first obstacle to the next try; each further one is twice the last.
const FIRST_DELAY: Duration = Duration::from_secs(2);

/// Longest time between two tries: what a mended store waits for at most.
const MAX_DELAY: Duration = Duration::from_secs(120);

/// The jobs that are held back, in memory: a new engine tries them all.
#[derive(Default)]
pub(crate) struct Held(BTreeMap<String, Entry>);

struct Entry {
    obstacle: RunnerError,
    delay: Duration,
    due: Instant,
}

impl Held {
    /// Whether the job may be tried at `now`: a cancelled one at once, because it ends whatever is missing.
    pub(crate) fn is_due(&self, job: &Candidate, now: Instant) -> bool {
        self.0.get(&job.id).is_none_or(|entry| entry.due <= now || job.state == JobState::Cancelling)
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
    pub(crate) fn first_of(mut self, jobs: &[Candidate]) -> Result<(), RunnerError> {
        match jobs.iter().find_map(|job| self.0.remove(&job.id)) {
            Some(entry) => Err(entry.obstacle),
            None => Ok(()),
        }
    }
}
