//! What was expected, beside what was found.

use crate::calls::{Call, Sent};
use crate::fixtures::{Ending, Expect};
use longshore_job::Outcome;
use longshore_plugin::Execution;

/// Everything in which an execution differs from what was expected of it.
pub(crate) fn of_execution(expect: &Expect, execution: &Execution) -> Vec<String> {
    let (ending, message) = told(execution);
    let mut found = Vec::new();
    let mut compare = |what: &str, expected: Option<String>, is: String| {
        if let Some(expected) = expected.filter(|expected| *expected != is) {
            found.push(differs(what, &expected, &is));
        }
    };
    compare("outcome", expect.outcome.map(name), name(ending));
    compare("message", expect.message.clone(), message.unwrap_or_default());
    let code = match execution {
        Execution::Done(Outcome::Failed(failure)) => failure.code.clone(),
        _ => String::new(),
    };
    compare("code", expect.code.clone(), code);
    let seconds = match execution {
        Execution::AgainAfter { seconds, .. } => seconds.to_string(),
        Execution::Done(_) => String::new(),
    };
    compare("seconds", expect.seconds.map(|seconds| seconds.to_string()), seconds);
    found
}

/// Two values, one above the other.
pub(crate) fn differs(what: &str, expected: &str, is: &str) -> String {
    format!("{what}\n  - {expected}\n  + {is}")
}

/// How an execution ended, and what it said.
pub(crate) fn told(execution: &Execution) -> (Ending, Option<String>) {
    match execution {
        Execution::Done(Outcome::Succeeded(message)) => (Ending::Done, message.clone()),
        Execution::Done(Outcome::Skipped(reason)) => (Ending::Skipped, Some(reason.clone())),
        Execution::Done(Outcome::Failed(failure)) => (Ending::Failed, Some(failure.message.clone())),
        Execution::AgainAfter { note, .. } => (Ending::AgainAfter, Some(note.clone())),
    }
}

pub(crate) fn name(ending: Ending) -> String {
    let name = match ending {
        Ending::Done => "done",
        Ending::Skipped => "skipped",
        Ending::Failed => "failed",
        Ending::AgainAfter => "again-after",
    };
    name.to_owned()
}

/// The difference between the calls that were expected and those that were made, if there is one: lines that begin with `-` were
/// expected only, with `+` made only.
pub(crate) fn of_calls(expected: &[String], calls: &[Call]) -> Option<String> {
    let sent: Vec<&Sent> = calls
        .iter()
        .filter_map(|call| match call {
            Call::Sent(sent) => Some(sent),
            Call::Logged { .. } => None,
        })
        .collect();
    let pairs = common(expected, &sent);
    if pairs.len() == expected.len() && pairs.len() == sent.len() {
        return None;
    }
    let mut lines = vec!["calls".to_owned()];
    let (mut next_expected, mut next_sent) = (0, 0);
    for (at_expected, at_sent) in pairs.into_iter().chain([(expected.len(), sent.len())]) {
        let only_expected = expected.get(next_expected..at_expected).unwrap_or_default();
        lines.extend(only_expected.iter().map(|line| format!("  - {line}")));
        let only_sent = sent.get(next_sent..at_sent).unwrap_or_default();
        lines.extend(only_sent.iter().map(|sent| format!("  + {}", sent.request)));
        lines.extend(sent.get(at_sent).map(|sent| format!("    {}", sent.request)));
        (next_expected, next_sent) = (at_expected + 1, at_sent + 1);
    }
    Some(lines.join("\n"))
}

/// The longest sequence of pairs that fit, by their places (the classic table of lengths).
fn common(expected: &[String], sent: &[&Sent]) -> Vec<(usize, usize)> {
    // Rows: what is left of `expected`; columns: of `sent`. At most 1,000 requests stand in a task.
    let mut lengths = vec![vec![0_usize; sent.len() + 1]; expected.len() + 1];
    let at = |lengths: &[Vec<usize>], row: usize, column: usize| {
        lengths.get(row).and_then(|row| row.get(column)).copied().unwrap_or_default()
    };
    for (row, line) in expected.iter().enumerate().rev() {
        for (column, call) in sent.iter().enumerate().rev() {
            let length = match fits(line, call) {
                true => at(&lengths, row + 1, column + 1) + 1,
                false => at(&lengths, row + 1, column).max(at(&lengths, row, column + 1)),
            };
            if let Some(place) = lengths.get_mut(row).and_then(|row| row.get_mut(column)) {
                *place = length;
            }
        }
    }
    let (mut row, mut column, mut pairs) = (0, 0, Vec::new());
    while let (Some(line), Some(call)) = (expected.get(row), sent.get(column)) {
        if fits(line, call) {
            pairs.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if at(&lengths, row + 1, column) >= at(&lengths, row, column + 1) {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}

/// Whether a request is the one that a line means: the same call, the same object if there is one, each setting that there is.
fn fits(line: &str, sent: &Sent) -> bool {
    let line = line.trim();
    let settings: String = sent.settings.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    let head = sent.request.strip_suffix(settings.as_str()).unwrap_or(&sent.request);
    let name = head.split(' ').next().unwrap_or_default();
    let rest = match line.strip_prefix(head) {
        Some(rest) => rest,
        None => match line.strip_prefix(name) {
            // Settings without the object.
            Some(rest) if !rest.starts_with(" s3://") => rest,
            _ => return false,
        },
    };
    // A value may have spaces, so that the line is not made of words: what is set is taken out of it, the longest first.
    let mut set: Vec<String> = sent.settings.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    set.sort_by_key(|setting| std::cmp::Reverse(setting.len()));
    let mut rest = rest.to_owned();
    for setting in set {
        let ends =
            |end: usize| rest.get(end..).is_some_and(|after| after.is_empty() || after.starts_with(' '));
        if let Some(place) = rest.find(&setting).filter(|place| ends(place + setting.len())) {
            rest.replace_range(place..place + setting.len(), "");
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sent(head: &str, settings: &[(&'static str, &str)]) -> Call {
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let words: String = settings.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let request = format!("{head}{words}");
        Call::Sent(Sent {
            request,
            settings,
            store: None,
            status: Some(200),
            error: None,
            took: Duration::ZERO,
        })
    }

    fn difference(expected: &[&str]) -> Option<String> {
        let calls = [
            sent("HeadObject s3://b/a key", &[]),
            Call::Logged { level: "info", message: "looks".to_owned() },
            sent("PutObject s3://b/k", &[("bytes", "4"), ("metadata", "a=b c"), ("tag", "x=1")]),
        ];
        let expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        of_calls(&expected, &calls)
    }

    #[test]
    fn a_line_may_leave_things_out() {
        assert_eq!(difference(&["HeadObject", "PutObject"]), None);
        assert_eq!(difference(&["HeadObject s3://b/a key", "PutObject s3://b/k metadata=a=b c"]), None);
        assert_eq!(difference(&["HeadObject", "PutObject tag=x=1 bytes=4"]), None);
    }

    #[test]
    fn differences_are_shown_line_by_line() {
        assert_eq!(
            difference(&["HeadObject s3://b/other", "PutObject s3://b/k tag=x=2"]).unwrap(),
            "calls\n  - HeadObject s3://b/other\n  - PutObject s3://b/k tag=x=2\n  + HeadObject s3://b/a key\n  \
             + PutObject s3://b/k bytes=4 metadata=a=b c tag=x=1"
        );
        assert_eq!(
            difference(&["GetObject", "HeadObject"]).unwrap(),
            "calls\n  - GetObject\n    HeadObject s3://b/a key\n  + PutObject s3://b/k bytes=4 metadata=a=b c tag=x=1"
        );
        assert!(difference(&["Head", "PutObject"]).is_some());
        assert!(difference(&["HeadObject s3://b/a", "PutObject"]).is_some());
    }
}
