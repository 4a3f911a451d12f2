//! Dates and spans of time, as parameters write them.

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

pub use jiff::Timestamp;

/// A moment: a date, which begins at midnight UTC, or an RFC 3339 time.
///
/// ```
/// use longshore_sdk::time::Moment;
///
/// let new_year: Moment = "2030-01-01".parse()?;
/// assert_eq!(Ok(new_year), "2030-01-01T01:00:00+01:00".parse());
/// assert!("soon".parse::<Moment>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp());
        // A date and time without an offset would parse as a date.
        let dated = (text.len() == "2030-01-01".len()).then(day).flatten();
        dated.or_else(|| text.parse().ok()).map(Self).ok_or_else(|| {
            format!("{text:?} is no date or time; write \"2030-01-31\" or \"2030-01-31T12:00:00Z\"")
        })
    }
}

/// A span of time: numbers and units, `"30d"`, `"12h"`, `"1y 6mo"`. Days have 24 hours, months and years are those of the
/// calendar, in UTC.
///
/// ```
/// use longshore_sdk::time::{Age, Moment};
///
/// let month: Age = "1mo".parse()?;
/// let Moment(now) = "2026-03-31T12:00:00Z".parse()?;
/// assert_eq!(month.before(now).unwrap().to_string(), "2026-02-28T12:00:00Z");
/// assert_eq!(month.after(now).unwrap().to_string(), "2026-04-30T12:00:00Z");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Age(Span);

impl PartialEq for Age {
    fn eq(&self, other: &Self) -> bool {
        self.0.fieldwise() == other.0.fieldwise()
    }
}

impl Eq for Age {}

impl std::str::FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let span = text.parse::<Span>().ok().filter(|span| !span.is_negative() && !span.is_zero());
        span.map(Self).ok_or_else(|| {
            format!("{text:?} is no age; write numbers and units: \"30d\", \"12h\", \"1y 6mo\"")
        })
    }
}

impl Age {
    /// The moment that was so long before `now`; `None` if no calendar has it.
    pub fn before(&self, now: Timestamp) -> Option<Timestamp> {
        Some(now.to_zoned(TimeZone::UTC).checked_sub(self.0).ok()?.timestamp())
    }

    /// The moment that is so long after `now`; `None` if no calendar has it.
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        Some(now.to_zoned(TimeZone::UTC).checked_add(self.0).ok()?.timestamp())
    }
}

/// The first midnight UTC that is not before `moment`.
pub fn next_midnight(moment: Timestamp) -> Option<Timestamp> {
    let start = moment.to_zoned(TimeZone::UTC).start_of_day().ok()?;
    if start.timestamp() == moment {
        return Some(moment);
    }
    Some(start.checked_add(1.day()).ok()?.timestamp())
}

/// Declares a parameter that is written as a text of its own grammar.
macro_rules! text_parameter {
    ($type:ident, $example:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "minLength": 1, "examples": [$example] })
            }
        }
    };
}

text_parameter!(Moment, "2030-01-31");
text_parameter!(Age, "30d");
