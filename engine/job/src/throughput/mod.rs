//! Rate and remaining time of a running job. Time is an argument: seconds on any clock that does not run backwards.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// Time over which the rate is smoothed: long enough to even out group commits and back-off, short enough to follow a
/// store that slows down.
pub const SMOOTHING: Duration = Duration::from_secs(10);

/// Longest remaining time that is shown; a longer one says more about a stalled store than about the job.
pub const MAX_REMAINING: Duration = Duration::from_secs(366 * 24 * 3600);

/// Smoothed throughput of a job, from readings of its counter of finished tasks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Throughput {
    last: Option<Reading>,
    /// Exponentially weighted tasks and seconds: their quotient is the rate.
    tasks: f64,
    seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Reading {
    at: Duration,
    finished: u64,
}

impl Throughput {
    /// No readings yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a reading: `finished` tasks in all at time `at` (since any fixed moment). The first one sets the start; one
    /// that goes back in time or in tasks starts afresh.
    #[allow(clippy::cast_precision_loss)] // A rate for people; exact below 2^53 tasks.
    pub fn observe(&mut self, at: Duration, finished: u64) {
        if let Some(last) = self.last {
            let (Some(elapsed), Some(tasks)) = (at.checked_sub(last.at), finished.checked_sub(last.finished))
            else {
                *self = Self { last: Some(Reading { at, finished }), ..Self::default() };
                return;
            };
            let fade = (-elapsed.as_secs_f64() / SMOOTHING.as_secs_f64()).exp();
            self.tasks = self.tasks * fade + tasks as f64;
            self.seconds = self.seconds * fade + elapsed.as_secs_f64();
        }
        self.last = Some(Reading { at, finished });
    }

    /// Tasks per second; `None` before two readings at different times.
    pub fn per_second(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.tasks / self.seconds)
    }

    /// How long `left` more tasks take at this rate; `None` while the rate is unknown or zero, or beyond [`MAX_REMAINING`].
    #[allow(clippy::cast_precision_loss)] // An estimate for people.
    pub fn remaining(&self, left: u64) -> Option<Duration> {
        let rate = self.per_second().filter(|rate| *rate > 0.0)?;
        Duration::try_from_secs_f64(left as f64 / rate).ok().filter(|time| *time <= MAX_REMAINING)
    }
}
