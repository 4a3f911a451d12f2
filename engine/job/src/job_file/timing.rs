//! The keys of a job file that say when the job runs, and what they mean.

use jiff::{Span, SpanRelativeTo};
use schemars::JsonSchema;
use serde::Deserialize;

use super::file::JobFile;
use crate::declare::Declaration;
use crate::filter::moment;
use crate::schedule;
use crate::spec::{Deadline, Overlap, ScheduleSpec, Timing};

/// Shortest and longest time from a job's start to its deadline, in seconds: a second; ten years.
const DEADLINE_SECONDS: (i64, i64) = (1, 10 * 365 * 86_400);

/// When the jobs of a template begin.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ScheduleSection {
    /// A cron expression: minute, hour, day of the month, month, day of the week.
    #[schemars(required, length(min = 1), extend("examples" = ["0 22 * * MON-FRI", "@daily"]))]
    cron: Option<String>,
    /// Time zone by whose local time it goes, a name of the IANA database.
    #[serde(default = "utc")]
    #[schemars(length(min = 1), extend("examples" = ["Europe/Berlin"]))]
    time_zone: String,
    /// What becomes of an occurrence while the one before has not ended: it is left out, begins once that has ended, or at once.
    #[serde(default)]
    overlap: Overlap,
}

fn utc() -> String {
    "UTC".to_owned()
}

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
    let schedule = file.schedule.as_ref().and_then(|section| schedule(section, file, deadline, declaration));
    let (after, after_ended) = (file.after.clone(), file.after_ended.clone());
    Timing { start_at, deadline, after, after_ended, schedule }
}

fn schedule(
    section: &ScheduleSection,
    file: &JobFile,
    deadline: Option<Deadline>,
    declaration: &mut Declaration<'_>,
) -> Option<ScheduleSpec> {
    if let Some(Err(why)) = section.cron.as_deref().map(schedule::cron) {
        let help = "write minute, hour, day of the month, month and day of the week: \"0 22 * * MON-FRI\"";
        let message = format!("\"cron\" is no cron expression: {why}");
        declaration.problem_at_value("/schedule/cron", message, Some(help.to_owned()));
    }
    if let Err(why) = schedule::zone(&section.time_zone) {
        let help = "write a name of the IANA database: \"Europe/Berlin\", \"UTC\"";
        declaration.problem_at_value("/schedule/time-zone", why, Some(help.to_owned()));
    }
    if matches!(deadline, Some(Deadline::At(_))) {
        let message = "the \"deadline\" of a job with a schedule is a time from the start of each occurrence";
        declaration.problem_at_value("/deadline", message, Some("write how long: \"6h\"".to_owned()));
    }
    for (at, names) in [("/after", &file.after), ("/after-ended", &file.after_ended)] {
        if !names.is_empty() {
            let message = "a job with a schedule begins by it, and not after others";
            declaration.problem_at_key(at, message, None);
        }
    }
    let cron = section.cron.clone()?;
    Some(ScheduleSpec { cron, time_zone: section.time_zone.clone(), overlap: section.overlap })
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
