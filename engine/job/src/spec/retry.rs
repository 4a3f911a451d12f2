//! When the failed requests of a job's tasks are sent again.

use serde::{Deserialize, Serialize};

use super::stop::matches;

/// When a request that failed is sent again. Which errors pass at all is the store's knowledge; a job may want fewer of
/// them tried again, or further codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrySpec {
    /// Attempts in all, the first one included.
    pub attempts: u32,
    /// Upper bound of the first delay, in milliseconds; each further bound is twice the last.
    pub base_delay_ms: u64,
    /// Upper bound of every delay that the store did not ask for, in milliseconds.
    pub max_delay_ms: u64,
    /// No attempt begins later than this after the first, in milliseconds.
    pub total_time_ms: u64,
    /// Which errors are tried again.
    pub errors: RetriedErrors,
}

/// Errors that are tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetriedErrors {
    /// Their classes.
    pub classes: Vec<RetryClass>,
    /// Further error codes; `*` stands for any characters.
    pub codes: Vec<String>,
}

/// A class of errors that may pass by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RetryClass {
    /// The store asks for fewer requests: `SlowDown` and its kind, 429, 503.
    Throttling,
    /// The store failed: 500, 502, 504, 408, `InternalError`, answers that are none.
    ServerError,
    /// No answer came: no connection, one that broke, a timeout.
    Connection,
}

impl RetryClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Throttling, Self::ServerError, Self::Connection];
}

impl Default for RetrySpec {
    /// With these delays 8 attempts take 6 seconds on average, 13 at most. Longer outages are not for single requests to
    /// sit out. Five minutes are the most that a lane is lost to one request.
    fn default() -> Self {
        Self {
            attempts: 8,
            base_delay_ms: 100,
            max_delay_ms: 20_000,
            total_time_ms: 300_000,
            errors: RetriedErrors::default(),
        }
    }
}

impl Default for RetriedErrors {
    /// Everything that may pass by itself.
    fn default() -> Self {
        Self { classes: RetryClass::ALL.to_vec(), codes: Vec::new() }
    }
}

impl RetrySpec {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl RetriedErrors {
    /// Whether an error is among them: one of `class` (`None` if such errors do not pass by themselves), with this code.
    pub fn include(&self, class: Option<RetryClass>, code: &str) -> bool {
        class.is_some_and(|class| self.classes.contains(&class))
            || self.codes.iter().any(|pattern| matches(pattern, code))
    }
}
