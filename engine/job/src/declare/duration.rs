//! Spans of time in declarations: `"30s"`, `"1m 30s"`.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Declaration, pointer};

/// Reads the span at `at`, which must lie within `bounds`. Reports what is wrong with it.
pub(crate) fn read(
    text: &str,
    at: &str,
    bounds: (Duration, Duration),
    declaration: &mut Declaration<'_>,
) -> Option<Duration> {
    let name = pointer::name(at);
    let Some(time) = text.parse::<SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok())
    else {
        let help = "write a number and a unit: \"30s\", \"2m\"".to_owned();
        declaration.problem_at_value(at, format!("{name} is not a duration"), Some(help));
        return None;
    };
    let (least, most) = bounds;
    if !(least..=most).contains(&time) {
        let message = format!("{name} is out of range: {} to {} are allowed", shown(least), shown(most));
        declaration.problem_at_value(at, message, None);
        return None;
    }
    Some(time)
}

/// As users write it.
fn shown(time: Duration) -> String {
    SignedDuration::try_from(time).map_or_else(|_| format!("{time:?}"), |time| format!("{time:#}"))
}
