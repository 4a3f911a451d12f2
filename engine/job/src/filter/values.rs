//! Sizes, moments and ages as filters write them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::form::Size;

/// Units of sizes, in bytes.
const UNITS: [(&str, u64); 10] = [
    ("B", 1),
    ("", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];
const TEBIBYTE: u64 = 1 << 40;

/// What is wrong, and how to write it.
pub(super) type Unreadable = (String, String);

/// A size in bytes.
pub(super) fn bytes(size: &Size) -> Result<u64, Unreadable> {
    let text = match size {
        Size::Bytes(bytes) => return Ok(*bytes),
        Size::Text(text) => text,
    };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let factor = match unit {
        "TiB" => Some(TEBIBYTE),
        unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor),
    };
    let number = digits.trim().parse::<u64>().ok();
    number.zip(factor).and_then(|(number, factor)| number.checked_mul(factor)).ok_or_else(|| {
        let help = "write bytes as a number, or a whole number with a unit: \"10 MiB\" (1024-based) or \"10 MB\" (1000-based)";
        (format!("{text:?} is no size"), help.to_owned())
    })
}

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
