//! The headers of event holds, which the protocol crate does not know.

use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::{S3Result, s3_error};

use super::object_lock::hold_of;
use crate::event_hold::EventHold;
use crate::lock::Period;

const STATUS: HeaderName = HeaderName::from_static("x-amz-object-lock-event-hold");
const DAYS: HeaderName = HeaderName::from_static("x-amz-object-lock-event-hold-duration-days");
const YEARS: HeaderName = HeaderName::from_static("x-amz-object-lock-event-hold-duration-years");

/// The event hold of a request that writes an object, without its mode, which is in the headers of the retention.
///
/// # Errors
/// `InvalidArgument`, `InvalidRequest`.
pub(super) fn of_headers(headers: &HeaderMap) -> S3Result<Option<EventHold>> {
    let (days, years) = (number(headers, &DAYS)?, number(headers, &YEARS)?);
    let Some(status) = headers.get(STATUS) else {
        return match days.or(years) {
            None => Ok(None),
            Some(_) => Err(s3_error!(InvalidRequest, "An event hold duration needs {STATUS}: ON")),
        };
    };
    let on = status.to_str().ok().and_then(hold_of);
    let on = on.ok_or_else(|| s3_error!(InvalidArgument, "Event Hold must be either of 'ON' or 'OFF'"))?;
    EventHold::new(on, None, days, years).map(Some)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> S3Result<Option<i32>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| s3_error!(InvalidArgument, "{name} is no number"))
}

/// The headers of an answer about a version that has, or had, an event hold.
pub(super) fn add_headers(headers: &mut HeaderMap, hold: Option<&EventHold>) {
    let Some(hold) = hold else { return };
    headers.insert(STATUS, HeaderValue::from_static(status(hold)));
    match hold.duration {
        None => {}
        Some(Period::Days(days)) => _ = headers.insert(DAYS, HeaderValue::from(days)),
        Some(Period::Years(years)) => _ = headers.insert(YEARS, HeaderValue::from(years)),
    }
}

/// The status on the wire.
pub(super) fn status(hold: &EventHold) -> &'static str {
    if hold.on { "ON" } else { "OFF" }
}
