//! Times in which nothing is sent: the store asked for them, or even one request at a time is too many.

use std::time::Duration;

use tokio::time::Instant;

/// Bound of the first pause of a store for which one request at a time is too many; each further one is twice the last.
const FIRST: Duration = Duration::from_millis(100);

/// Bound of those pauses: what a store that has recovered waits for at most.
const LONGEST: Duration = Duration::from_secs(5);

/// Longest time that a store may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Until when nothing is sent.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    until: Option<Instant>,
    /// Refusals at the lowest limit since the last success.
    refusals: u32,
}

impl Pause {
    /// The store asked for so much time.
    pub(crate) fn asked(&mut self, now: Instant, time: Duration) {
        self.extend(now + time.min(LONGEST_ASKED));
    }

    /// A request was refused although it was the only one. `random` (0 up to 1) spreads the engines of one store.
    pub(crate) fn refused(&mut self, now: Instant, random: f64) {
        let bound = FIRST.saturating_mul(1 << self.refusals.min(16)).min(LONGEST);
        self.refusals = self.refusals.saturating_add(1);
        self.extend(now + bound.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0));
    }

    /// A request was answered without complaint.
    pub(crate) fn succeeded(&mut self) {
        self.refusals = 0;
    }

    /// The moment until which nothing is sent, if it lies ahead.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }

    fn extend(&mut self, until: Instant) {
        self.until = Some(self.until.map_or(until, |before| before.max(until)));
    }
}
