//! How many requests may be in flight: additive increase, multiplicative decrease.
//!
//! Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance" (1989); TCP's rule. With one
//! addition: the limit that the store refused last is approached quickly and tried again slowly, as TCP does since CUBIC
//! (RFC 9438). A store that takes two requests at once would else refuse every third.

/// Successes that the limit which was refused last is worth before it is tried again (count): at most some percent of the
/// requests are spent on finding out.
const PROBE: u32 = 100;

/// The concurrency limit of one endpoint.
#[derive(Debug)]
pub(crate) struct Aimd {
    limit: u32,
    max: u32,
    /// The limit at which the store last asked for fewer requests; the most if it never did.
    refused: u32,
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
        Self { limit: max, max, refused: max.saturating_add(1), successes: 0, generation: 0 }
    }

    /// Requests that may be in flight now; at least 1.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// What a request that begins now brings along to [`Aimd::throttled`].
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// A request was answered without complaint. A window of as many successes as the limit raises it by one; a longer one
    /// where that is the limit that was refused last.
    pub(crate) fn succeeded(&mut self) {
        self.successes = self.successes.saturating_add(1);
        let next = self.limit.saturating_add(1);
        let window = if next == self.refused { self.limit.max(PROBE) } else { self.limit };
        if self.successes >= window {
            self.successes = 0;
            self.limit = next.min(self.max);
        }
    }

    /// A request that began in `generation` was throttled. True if the limit was the lowest already: then fewer requests
    /// at once are no way out.
    pub(crate) fn throttled(&mut self, generation: u64) -> bool {
        if generation != self.generation {
            return false;
        }
        let lowest = self.limit == 1;
        self.generation = self.generation.wrapping_add(1);
        self.successes = 0;
        self.refused = self.limit.max(2);
        self.limit = (self.limit / 2).max(1);
        lowest
    }
}
