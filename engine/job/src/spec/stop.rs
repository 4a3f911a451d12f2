//! Rules by which single error codes end a job.

use serde::{Deserialize, Serialize};

/// The job fails as soon as `count` of its tasks have failed with one of `codes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRule {
    /// Error codes, as they are in the completion report; `*` stands for any characters.
    pub codes: Vec<String>,
    /// Failed tasks, at least 1.
    pub count: u64,
}

impl StopRule {
    /// Whether a failure with this code counts.
    pub fn matches(&self, code: &str) -> bool {
        self.codes.iter().any(|pattern| matches(pattern, code))
    }
}

/// Whether `code` is what `pattern` stands for, in which `*` stands for any characters. Upper and lower case differ.
pub(crate) fn matches(pattern: &str, code: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == code };
    let Some(mut left) = code.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        // The first place is the best one: it leaves most for what follows.
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(tail)
}
