//! Values that conditions compare: decimals, instants, booleans, bytes, addresses; and case folding.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use icu_casemap::CaseMapper;
use ipnet::IpNet;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Digits that a decimal may have, before and after the point together (IAM Numeric conditions are decimals;
/// 38 digits fit 128 bits).
const MAX_DIGITS: usize = 38;

/// A decimal number, exact: `[+-]?digits[.digits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    whole: u128,
    /// In units of 10^-38.
    fraction: u128,
}

impl Decimal {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let length = whole.len() + fraction.map_or(0, str::len);
        if !all_digits(whole) || !fraction.is_none_or(all_digits) || length > MAX_DIGITS {
            return None;
        }
        let whole: u128 = whole.parse().ok()?;
        let fraction: u128 =
            format!("{:0<width$}", fraction.unwrap_or(""), width = MAX_DIGITS).parse().ok()?;
        // Minus zero is zero.
        Some(Self { negative: negative && (whole, fraction) != (0, 0), whole, fraction })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitude = (self.whole, self.fraction).cmp(&(other.whole, other.fraction));
        match (self.negative, other.negative) {
            (false, false) => magnitude,
            (true, true) => magnitude.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An instant: a date of the W3C profile of ISO 8601 (a time needs its offset, a date means midnight UTC), or Unix
/// seconds. A bare four-digit year is refused, because it reads as Unix seconds too.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return if unsigned.len() == 4 && !unsigned.contains('.') { None } else { unix_seconds(text) };
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let date = civil_date(date, time.is_none())?;
    let Some(time) = time else {
        return Offset::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok();
    };
    let (time, offset) = split_offset(time)?;
    offset.to_timestamp(DateTime::from_parts(date, civil_time(time)?)).ok()
}

fn unix_seconds(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let magnitude = SignedDuration::new(
        number(seconds.strip_prefix('-').unwrap_or(seconds), 1, 12)?,
        i32::try_from(nanoseconds(fraction)?).ok()?,
    );
    let duration = if text.starts_with('-') { -magnitude } else { magnitude };
    Timestamp::from_duration(duration).ok()
}

/// `YYYY-MM-DD`, or `YYYY-MM` where no time follows.
fn civil_date(text: &str, month_alone: bool) -> Option<Date> {
    let mut fields = text.split('-');
    let year = i16::try_from(number(fields.next()?, 4, 4)?).ok()?;
    let month = i8::try_from(number(fields.next()?, 2, 2)?).ok()?;
    let day = match fields.next() {
        Some(day) => i8::try_from(number(day, 2, 2)?).ok()?,
        None if month_alone => 1,
        None => return None,
    };
    if fields.next().is_some() { None } else { Date::new(year, month, day).ok() }
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.s`; a leap second is refused.
fn civil_time(text: &str) -> Option<Time> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, Some(nanoseconds(fraction)?)),
        None => (text, None),
    };
    let mut fields = clock.split(':');
    let hour = i8::try_from(number(fields.next()?, 2, 2)?).ok()?;
    let minute = i8::try_from(number(fields.next()?, 2, 2)?).ok()?;
    let second = match fields.next() {
        Some(second) => i8::try_from(number(second, 2, 2)?).ok()?,
        None if fraction.is_none() => 0,
        None => return None,
    };
    if fields.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, i32::try_from(fraction.unwrap_or(0)).ok()?).ok()
}

/// Splits `Z` or `±hh:mm` off a time.
fn split_offset(text: &str) -> Option<(&str, Offset)> {
    if let Some(time) = text.strip_suffix('Z') {
        return Some((time, Offset::UTC));
    }
    let (time, offset) = text.split_at_checked(text.len().checked_sub("+hh:mm".len())?)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (number(hours, 2, 2)?, number(minutes, 2, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    let seconds = match offset.get(..1)? {
        "+" => seconds,
        "-" => -seconds,
        _ => return None,
    };
    Some((time, Offset::from_seconds(seconds).ok()?))
}

/// A fraction of a second, to the nanosecond; finer ones are refused rather than rounded.
fn nanoseconds(fraction: &str) -> Option<i64> {
    number(fraction, 1, 9)?;
    number(&format!("{fraction:0<9}"), 9, 9)
}

/// A run of `least` to `most` ASCII digits.
fn number(text: &str, least: usize, most: usize) -> Option<i64> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// `true` or `false` in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// An address.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// A CIDR block, whose host bits do not count; a bare address is the block of that one host.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| address(text).map(IpNet::from))
}

/// Unicode simple case folding (Unicode Standard, `CaseFolding.txt`, statuses C and S).
pub(crate) fn fold(c: char) -> char {
    CaseMapper::new().simple_fold(c)
}

/// The name of a condition key, ready to be compared.
pub(crate) fn fold_key(key: &str) -> String {
    if key.is_ascii() { key.to_ascii_lowercase() } else { key.chars().map(fold).collect() }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
