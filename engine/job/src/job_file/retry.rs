//! The `[retry]` table of a job file.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::declare::{Declaration, duration, pointer};
use crate::spec::{RetriedErrors, RetryClass, RetrySpec};

/// Most of a delay and of the time for one request. A task may take 15 minutes in all.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// When a request that failed is sent again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RetrySection {
    /// Attempts in all for one request, the first one included.
    #[schemars(range(min = 1, max = 100), extend("examples" = [8]))]
    attempts: u32,
    /// Longest delay before the second attempt; the bound doubles with each further one.
    #[schemars(length(min = 1), extend("examples" = ["100ms"]))]
    base_delay: String,
    /// Longest delay before any attempt, unless the store asks for more.
    #[schemars(length(min = 1), extend("examples" = ["20s"]))]
    max_delay: String,
    /// No attempt begins later than this after the first.
    #[schemars(length(min = 1), extend("examples" = ["5m"]))]
    total_time: String,
    /// Classes of errors that are tried again.
    #[schemars(length(max = 3), extend("uniqueItems" = true, "examples" = [["throttling", "connection"]]))]
    classes: Vec<RetryClass>,
    /// Further error codes that are tried again; `*` stands for any characters.
    #[schemars(
        length(max = 100),
        inner(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9._*-]*$")),
        extend("examples" = [["OperationAborted"]])
    )]
    codes: Vec<String>,
}

impl Default for RetrySection {
    fn default() -> Self {
        let RetrySpec { attempts, errors: RetriedErrors { classes, codes }, .. } = RetrySpec::default();
        let (base_delay, max_delay, total_time) = ("100ms".to_owned(), "20s".to_owned(), "5m".to_owned());
        Self { attempts, base_delay, max_delay, total_time, classes, codes }
    }
}

/// Resolves the table; `None` if a time in it is none.
pub(super) fn retry(section: RetrySection, declaration: &mut Declaration<'_>) -> Option<RetrySpec> {
    let mut time = |key: &str, text: &str, least| {
        let time = duration::read(text, &pointer::join("/retry", key), (least, LONGEST), declaration)?;
        u64::try_from(time.as_millis()).ok()
    };
    let base_delay_ms = time("base-delay", &section.base_delay, Duration::from_millis(1));
    let max_delay_ms = time("max-delay", &section.max_delay, Duration::from_millis(1));
    let total_time_ms = time("total-time", &section.total_time, Duration::from_secs(1));
    Some(RetrySpec {
        attempts: section.attempts,
        base_delay_ms: base_delay_ms?,
        max_delay_ms: max_delay_ms?,
        total_time_ms: total_time_ms?,
        errors: RetriedErrors { classes: section.classes, codes: section.codes },
    })
}
