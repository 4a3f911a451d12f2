//! How many requests may be in flight: additive increase, multiplicative decrease.
//!
//! Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance" (1989); TCP's rule.

/// The concurrency limit of one endpoint.
#[derive(Debug)]
pub(crate) struct Aimd {
    limit: u32,
    max: u32,
    /// Successes since the limit last changed.
    successes: u32,
    /// Counts the halvings. A throttle of a request that began before the last halving says nothing about the limit
    /// that is in force now, so one burst of throttles halves once.
    generation: u64,
}

impl Aimd {
    /// Starts at the most: the first throttle brings it down.
    pub(crate) fn new(max: u32) -> Self {
        let max = max.max(1);
        Self { limit: max, max, successes: 0, generation: 0 }
    }

    /// Requests that may be in flight now; at least 1.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// What a request that begins now brings along to [`Aimd::throttled`].
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// A request was answered without complaint. A window of as many successes as the limit raises it by one.
    pub(crate) fn succeeded(&mut self) {
        self.successes = self.successes.saturating_add(1);
        if self.successes >= self.limit {
            self.successes = 0;
            self.limit = self.limit.saturating_add(1).min(self.max);
        }
    }

    /// A request that began in `generation` was throttled.
    pub(crate) fn throttled(&mut self, generation: u64) {
        if generation == self.generation {
            self.generation = self.generation.wrapping_add(1);
            self.successes = 0;
            self.limit = (self.limit / 2).max(1);
        }
    }
}
