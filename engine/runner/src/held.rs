//! Jobs that are left alone for now, because they met an obstacle or their tasks wait: when each is taken up again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use longshore_job::JobState;
use longshore_queue::Candidate;

use crate::error::{RunnerError, SPOOL_NOT_REACHABLE};

/// Time from the first obstacle to the next try; each further one is twice the last.
const FIRST_DELAY: Duration = Duration::from_secs(2);

/// Longest time between two tries: what a mended store waits for at most.
const MAX_DELAY: Duration = Duration::from_secs(120);

fn is_about_rows(obstacle: &RunnerError) -> bool {
    matches!(obstacle, RunnerError::Obstacle { failure, .. } if failure.code == SPOOL_NOT_REACHABLE)
}

/// The jobs that are left alone, in memory: a new engine tries them all.
#[derive(Default)]
pub(crate) struct Held(BTreeMap<String, Entry>);

enum Entry {
    Obstacle {
        obstacle: RunnerError,
        delay: Duration,
        due: Instant,
    },
    /// Its tasks run again from this moment on.
    Waits(Timestamp),
}

impl Held {
    /// Whether the job may be tried now. One that a user asks to be paused is at once, and one that is cancelled too, because it
    /// ends whatever is missing but the rows that its report wants.
    pub(crate) fn is_due(&self, job: &Candidate, now: Instant, wall: Timestamp) -> bool {
        match self.0.get(&job.id) {
            None => true,
            Some(Entry::Obstacle { due, obstacle, .. }) => {
                *due <= now || (job.state == JobState::Cancelling && !is_about_rows(obstacle))
            }
            Some(Entry::Waits(until)) => *until <= wall || job.state != JobState::Active,
        }
    }

    /// Holds the job back. Says so in the log when it is news.
    pub(crate) fn hold(&mut self, id: &str, obstacle: RunnerError, now: Instant) {
        let text = obstacle.to_string();
        let delay = match self.0.get(id) {
            Some(Entry::Obstacle { obstacle, delay, .. }) => {
                if obstacle.to_string() != text {
                    tracing::warn!("{text}");
                }
                delay.saturating_mul(2).min(MAX_DELAY)
            }
            _ => {
                tracing::warn!("{text}");
                FIRST_DELAY
            }
        };
        self.0.insert(id.to_owned(), Entry::Obstacle { obstacle, delay, due: now + delay });
    }

    /// The job's tasks wait.
    pub(crate) fn wait(&mut self, id: &str, until: Timestamp) {
        self.0.insert(id.to_owned(), Entry::Waits(until));
    }

    /// The job met no obstacle any more.
    pub(crate) fn release(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Whether one of these jobs goes on by itself.
    pub(crate) fn waits(&self, jobs: &[Candidate]) -> bool {
        jobs.iter().any(|job| matches!(self.0.get(&job.id), Some(Entry::Waits(_))))
    }

    /// The obstacle of the first of these jobs.
    pub(crate) fn first_of(mut self, jobs: &[Candidate]) -> Result<(), RunnerError> {
        let found = jobs.iter().find_map(|job| match self.0.remove(&job.id) {
            Some(Entry::Obstacle { obstacle, .. }) => Some(obstacle),
            _ => None,
        });
        found.map_or(Ok(()), Err)
    }
}
