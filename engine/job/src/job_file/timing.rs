//! The keys of a job file that say when the job runs, and what they mean.

use jiff::{Span, SpanRelativeTo};

use super::file::JobFile;
use crate::declare::Declaration;
use crate::filter::moment;
use crate::spec::{Deadline, Timing};

/// Shortest and longest time from a job's start to its deadline, in seconds: a second; ten years.
const DEADLINE_SECONDS: (i64, i64) = (1, 10 * 365 * 86_400);

/// When the job runs.
pub(super) fn timing(file: &JobFile, declaration: &mut Declaration<'_>) -> Timing {
    let start_at = file.start_at.as_deref().and_then(|text| {
        let refused = |(message, help), declaration: &mut Declaration<'_>| {
            declaration.problem_at_value("/start-at", message, Some(help));
        };
        moment(text).map_err(|problem| refused(problem, declaration)).ok()
    });
    let deadline = file.deadline.as_deref().and_then(|text| deadline(text, declaration));
    if let (Some(start), Some(Deadline::At(end))) = (start_at, deadline)
        && end <= start
    {
        declaration.problem_at_value("/deadline", "\"deadline\" is not after \"start-at\"", None);
    }
    Timing { start_at, deadline, after: file.after.clone(), after_ended: file.after_ended.clone() }
}

fn deadline(text: &str, declaration: &mut Declaration<'_>) -> Option<Deadline> {
    if let Ok(moment) = moment(text) {
        return Some(Deadline::At(moment));
    }
    let span = text.parse::<Span>().ok();
    let time = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let (least, most) = DEADLINE_SECONDS;
    match time.map(|time| time.as_secs()) {
        Some(seconds) if (least..=most).contains(&seconds) => Some(Deadline::Seconds(seconds)),
        Some(_) => {
            let message = "\"deadline\" is out of range: 1s to 10 years after the start are allowed";
            declaration.problem_at_value("/deadline", message, None);
            None
        }
        None => {
            let help = "write a date, \"2026-12-31\", a time with its offset from UTC, \"2026-12-01T22:00:00Z\", or how long \
                        after its start: \"6h\", \"2d\"";
            let message = "\"deadline\" is no date, time or duration";
            declaration.problem_at_value("/deadline", message, Some(help.to_owned()));
            None
        }
    }
}
