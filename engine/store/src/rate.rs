//! How fast requests go to one endpoint: requests in flight for the store and for each bucket, requests per second, retries.
//!
//! The decisions are pure ([`aimd`], [`bucket`], [`pause`]: time is an argument); [`Pressure`] makes callers wait for them.

mod aimd;
mod bucket;
mod limiter;
mod pace;
mod pause;
mod pressure;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use limiter::Verdict;
pub use pace::Pace;
pub(crate) use pace::Paces;
pub(crate) use pressure::{Pressure, Sign};

/// How much of a rate may be used at once: 50 ms worth. Timers are good to a millisecond or so; without a burst every late
/// wake-up would lower the rate.
const RATE_BURST: Duration = Duration::from_millis(50);

/// Bounds on the requests to one endpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimits {
    /// Most requests in flight at once, and so most connections. The limit in force is at most this; it halves when
    /// the store asks for fewer requests and grows back by one per window of successes. Default 256.
    pub max_in_flight: u32,
    /// Most requests per second; `None` leaves it to `max_in_flight` and the store. Default none.
    pub requests_per_second: Option<u32>,
    /// Retries for each request that succeeds, once `retry_burst` is used up. A store in trouble must not get a multiple of
    /// its normal load in retries. Default 0.2.
    pub retries_per_success: f64,
    /// Further retries per second, so that there is a way out when nothing succeeds. Default 20.
    pub retries_per_second: f64,
    /// Retries that may be made at once, and most that are saved up. Default 100.
    pub retry_burst: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            max_in_flight: 256,
            requests_per_second: None,
            retries_per_success: 0.2,
            retries_per_second: 20.0,
            retry_burst: 100,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
