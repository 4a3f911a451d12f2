//! Retention and event hold of objects: GetObjectRetention and PutObjectRetention, of whose documents the protocol crate drops the
//! event hold.

use s3s::dto::{self, TimestampFormat};
use s3s::xml::{DeError, DeResult, Deserialize, Deserializer, SerResult, Serialize, Serializer};
use s3s::{Body, S3Response, S3Result};

use super::Protocol;
use super::event_hold::status;
use super::lookup::{check_owner, jiff_time, wire_time};
use super::object_lock::{change, hold_of, lock_of, malformed, none_of_object};
use super::raw::{self, NAMESPACE, Raw};
use crate::event_hold::EventHold;
use crate::lock::{Lock, Mode, Period, Retention, RetentionChange};

pub(super) async fn put(protocol: &Protocol, request: &Raw) -> S3Result<S3Response<Body>> {
    check_owner(request.header("x-amz-expected-bucket-owner"))?;
    let now = jiff::Timestamp::now();
    let bypass = request
        .header("x-amz-bypass-governance-retention")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let asked = request.document::<Asked>()?.change(bypass, now)?;
    let version = request.parameter("versionId");
    protocol.storage.write(|writer| {
        let target = (request.bucket.as_str(), request.key.as_str(), version.as_deref());
        change(writer, target, |lock| lock.changed(asked, now))
    })?;
    Ok(S3Response::new(Body::empty()))
}

pub(super) async fn get(protocol: &Protocol, request: &Raw) -> S3Result<S3Response<Body>> {
    check_owner(request.header("x-amz-expected-bucket-owner"))?;
    let version = request.parameter("versionId");
    let (_, lock) = protocol
        .storage
        .read(|connection| lock_of(connection, &request.bucket, &request.key, version.as_deref()))?;
    if lock.retention.is_none() && lock.event_hold.is_none() {
        return Err(none_of_object());
    }
    raw::answer(&Shown { mode: lock.mode(jiff::Timestamp::now()), lock })
}

/// What an answer tells.
struct Shown {
    mode: Option<Mode>,
    lock: Lock,
}

impl Serialize for Shown {
    fn serialize<W: std::io::Write>(&self, writer: &mut Serializer<W>) -> SerResult {
        let Self { mode, lock } = self;
        writer.element_with_ns("Retention", NAMESPACE, |writer| {
            if let Some(mode) = mode {
                writer.content("Mode", mode.as_str())?;
            }
            if let Some(retention) = &lock.retention {
                let until = wire_time(retention.until);
                writer.timestamp("RetainUntilDate", &until, TimestampFormat::DateTime)?;
            }
            let Some(hold) = &lock.event_hold else { return Ok(()) };
            writer.content("EventHold", status(hold))?;
            let Some(duration) = hold.duration else { return Ok(()) };
            writer.element("EventHoldDuration", |writer| match duration {
                Period::Days(days) => writer.content("Days", &days),
                Period::Years(years) => writer.content("Years", &years),
            })
        })
    }
}

/// What a request asks for.
#[derive(Debug, Default)]
struct Asked {
    mode: Option<String>,
    until: Option<dto::Timestamp>,
    hold: Option<String>,
    days: Option<i32>,
    years: Option<i32>,
}

impl<'xml> Deserialize<'xml> for Asked {
    fn deserialize(reader: &mut Deserializer<'xml>) -> DeResult<Self> {
        let mut asked = Self::default();
        reader.named_element("Retention", |reader| {
            reader.for_each_element(|reader, name| {
                match name {
                    b"Mode" => asked.mode = Some(reader.content()?),
                    b"RetainUntilDate" => asked.until = Some(reader.timestamp(TimestampFormat::DateTime)?),
                    b"EventHold" => asked.hold = Some(reader.content()?),
                    b"EventHoldDuration" => asked.read_duration(reader)?,
                    _ => return Err(DeError::UnexpectedTagName),
                }
                Ok(())
            })
        })?;
        Ok(asked)
    }
}

impl Asked {
    fn read_duration(&mut self, reader: &mut Deserializer<'_>) -> DeResult {
        reader.for_each_element(|reader, name| {
            let field = match name {
                b"Days" => &mut self.days,
                b"Years" => &mut self.years,
                _ => return Err(DeError::UnexpectedTagName),
            };
            *field = Some(reader.content()?);
            Ok(())
        })
    }

    /// The change asked for.
    ///
    /// # Errors
    /// `MalformedXML` for what does not fit together, and what [`Retention::new`] and [`EventHold::new`] say.
    fn change(self, bypass: bool, now: jiff::Timestamp) -> S3Result<RetentionChange> {
        let mode = self.mode.map(|mode| Mode::parse(&mode).ok_or_else(malformed)).transpose()?;
        let on = self.hold.map(|status| hold_of(&status).ok_or_else(malformed)).transpose()?;
        if on.is_none() && (self.days.is_some() || self.years.is_some()) {
            return Err(malformed());
        }
        let retention = match (mode, self.until) {
            (None, None) => None,
            // The mode of the event hold.
            (Some(_), None) if on.is_some() => None,
            (Some(mode), Some(until)) => Some(Retention::new(mode, jiff_time(&until)?, now)?),
            _ => return Err(malformed()),
        };
        let event_hold = on.map(|on| EventHold::new(on, mode, self.days, self.years)).transpose()?;
        Ok(RetentionChange { retention, event_hold, bypass })
    }
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
