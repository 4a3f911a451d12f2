//! A token bucket that hands out reservations: it says how long to wait, the caller waits.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket. Tokens come in at a steady rate, up to a burst; taking one may leave a debt, whose length in time is
/// how long the taker waits, so that takers are served in order and at the rate.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    updated: Instant,
}

impl TokenBucket {
    /// A full bucket of `burst` tokens, refilled with `per_second` of them each second.
    pub(crate) fn new(per_second: f64, burst: f64, now: Instant) -> Self {
        Self { per_second: per_second.max(f64::MIN_POSITIVE), burst, tokens: burst, updated: now }
    }

    /// Adds tokens, up to the burst.
    pub(crate) fn deposit(&mut self, tokens: f64) {
        self.tokens = (self.tokens + tokens).min(self.burst);
    }

    /// Takes one token if it can be had within `patience`, and says how long to wait before using it. Takes nothing
    /// otherwise.
    pub(crate) fn take(&mut self, now: Instant, patience: Duration) -> Option<Duration> {
        self.refill(now);
        let wait = self.time_to_pay(1.0 - self.tokens);
        if wait > patience {
            return None;
        }
        self.tokens -= 1.0;
        Some(wait)
    }

    /// Takes `tokens`, however many, and says how long to wait before using them: until earlier debts are paid.
    pub(crate) fn spend(&mut self, now: Instant, tokens: f64) -> Duration {
        self.refill(now);
        let wait = self.time_to_pay(-self.tokens);
        self.tokens -= tokens;
        wait
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.updated).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.burst);
        self.updated = self.updated.max(now);
    }

    fn time_to_pay(&self, debt: f64) -> Duration {
        if debt <= 0.0 { Duration::ZERO } else { seconds(debt / self.per_second) }
    }
}

/// A duration of `seconds`; the longest there is if they are too many to count.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
