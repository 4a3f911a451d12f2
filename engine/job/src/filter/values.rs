//! Moments and ages as filters write them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::declare::Unreadable;

/// A date, which begins at midnight UTC, or an RFC 3339 time.
pub(crate) fn moment(text: &str) -> Result<Timestamp, Unreadable> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp());
    // A date and time without an offset would parse as a date.
    let dated = (text.len() == "2025-01-01".len()).then(day).flatten();
    dated.or_else(|| text.parse().ok()).ok_or_else(|| {
        let help =
            "write a date, \"2025-01-01\", or a time with its offset from UTC, \"2025-01-01T12:00:00Z\"";
        (format!("{text:?} is no date or time"), help.to_owned())
    })
}

/// The moment that was `age` before `now`. Days have 24 hours; months and years are those of the calendar, in UTC.
pub(super) fn ago(age: &str, now: Timestamp) -> Result<Timestamp, Unreadable> {
    let unreadable = || {
        let help = "write numbers and units: \"90d\", \"12h\", \"1y 6mo\"";
        (format!("{age:?} is no age"), help.to_owned())
    };
    let span: Span = age.parse().map_err(|_| unreadable())?;
    if span.is_negative() || span.is_zero() {
        return Err(unreadable());
    }
    let then = now.to_zoned(TimeZone::UTC).checked_sub(span).map_err(|_| unreadable())?;
    Ok(then.timestamp())
}
