//! The restore of archived objects as a pure state machine over the clock.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html>. Nothing runs in the background:
//! a restore is a record with two instants, and what state it is in depends only on the time of the question.

use std::time::Duration;

use jiff::Timestamp;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

use crate::model::{ARCHIVE_ACCESS, DEEP_ARCHIVE_ACCESS};

/// Storage classes and tiers whose objects must be restored before they can be read.
const ARCHIVED: [&str; 4] = ["GLACIER", DEEP_ARCHIVE, ARCHIVE_ACCESS, DEEP_ARCHIVE_ACCESS];
const DEEP_ARCHIVE: &str = "DEEP_ARCHIVE";
/// Tiers from which an object comes back for good, and not as a copy for some days.
pub(crate) const TIERS: [&str; 2] = [ARCHIVE_ACCESS, DEEP_ARCHIVE_ACCESS];
/// Days that a restored copy may be asked to stay; keeps the expiry date within what the calendar can hold.
const MAX_DAYS: i32 = 36_500;
const SECONDS_PER_DAY: i64 = 86_400;

/// How fast a restore is asked to be; greater is faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Tier {
    /// The slowest and cheapest.
    Bulk,
    /// What a request without a tier means.
    Standard,
    /// Minutes; not for `DEEP_ARCHIVE`.
    Expedited,
}

impl Tier {
    /// Reads the name on the wire.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "Bulk" => Some(Self::Bulk),
            "Standard" => Some(Self::Standard),
            "Expedited" => Some(Self::Expedited),
            _ => None,
        }
    }
}

/// A restore that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restore {
    /// Days asked for; 0 from a tier.
    pub(crate) days: i32,
    /// Tier asked for.
    pub(crate) tier: Tier,
    /// From here on the object can be read.
    pub(crate) ready: Timestamp,
    /// From here on it is archived again.
    pub(crate) expiry: Timestamp,
}

/// The state of an object at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Its class needs no restore.
    NotArchived,
    /// Archived: never restored, or the restored copy has expired.
    Archived,
    /// A restore was accepted and goes on.
    Ongoing,
    /// Readable until this instant.
    Restored(Timestamp),
}

/// The answer to a restore request that S3 accepts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The restore to keep.
    pub(crate) restore: Restore,
    /// Whether a readable copy was there already: answered with 200 instead of 202.
    pub(crate) already_restored: bool,
}

/// The state of an object of this storage class, or in this tier, with this last restore.
pub(crate) fn state(storage_class: &str, restore: Option<&Restore>, now: Timestamp) -> State {
    if !ARCHIVED.contains(&storage_class) {
        return State::NotArchived;
    }
    match restore {
        Some(restore) if now < restore.ready => State::Ongoing,
        Some(restore) if now < restore.expiry => State::Restored(restore.expiry),
        _ => State::Archived,
    }
}

/// Whether the body can be read or copied now.
///
/// # Errors
/// `InvalidObjectState` (403) while it is archived or its restore goes on.
pub(crate) fn check_readable(storage_class: &str, restore: Option<&Restore>, now: Timestamp) -> S3Result<()> {
    match state(storage_class, restore, now) {
        State::NotArchived | State::Restored(_) => Ok(()),
        State::Archived | State::Ongoing => {
            Err(s3_error!(InvalidObjectState, "The operation is not valid for the object's storage class"))
        }
    }
}

/// The value of the `x-amz-restore` header.
pub(crate) fn header(storage_class: &str, restore: Option<&Restore>, now: Timestamp) -> Option<String> {
    match state(storage_class, restore, now) {
        State::NotArchived | State::Archived => None,
        State::Ongoing => Some("ongoing-request=\"true\"".to_owned()),
        State::Restored(expiry) => {
            let expiry = expiry.strftime("%a, %d %b %Y %H:%M:%S GMT");
            Some(format!("ongoing-request=\"false\", expiry-date=\"{expiry}\""))
        }
    }
}

/// Decides a restore request.
///
/// # Errors
/// `InvalidObjectState` (403) when the object is not archived, `RestoreAlreadyInProgress` (409) when a restore goes on
/// that this request does not speed up, `InvalidArgument` for days or a tier that the class does not allow, `MalformedXML`
/// where days are missing.
pub(crate) fn request(
    storage_class: &str,
    current: Option<&Restore>,
    days: impl Into<Option<i32>>,
    tier: Tier,
    now: Timestamp,
    delay: Duration,
) -> S3Result<Accepted> {
    let days = checked_days(storage_class, days.into())?;
    if [DEEP_ARCHIVE, DEEP_ARCHIVE_ACCESS].contains(&storage_class) && tier == Tier::Expedited {
        return Err(s3_error!(InvalidArgument, "Retrieval option is not supported by this storage class"));
    }
    match (state(storage_class, current, now), current) {
        (State::NotArchived, _) => Err(s3_error!(
            InvalidObjectState,
            "Restore is not allowed for the object's current storage class"
        )),
        (State::Ongoing, Some(ongoing)) if ongoing.days == days && tier > ongoing.tier => {
            Ok(Accepted { restore: Restore { tier, ..ongoing.clone() }, already_restored: false })
        }
        (State::Ongoing, _) => {
            Err(s3_error!(RestoreAlreadyInProgress, "Object restore is already in progress"))
        }
        (State::Restored(_), Some(restored)) => {
            let restore = Restore { days, tier, ready: restored.ready, expiry: expiry(now, days)? };
            Ok(Accepted { restore, already_restored: true })
        }
        (State::Restored(_) | State::Archived, _) => {
            let ready = now.checked_add(delay).map_err(|error| {
                s3_error!(error, InvalidArgument, "the restore delay of this sandbox is too long")
            })?;
            let expiry = if TIERS.contains(&storage_class) { ready } else { expiry(ready, days)? };
            Ok(Accepted { restore: Restore { days, tier, ready, expiry }, already_restored: false })
        }
    }
}

/// The days of a request: needed, but for a tier, which takes none.
fn checked_days(storage_class: &str, days: Option<i32>) -> S3Result<i32> {
    match (days, TIERS.contains(&storage_class)) {
        (None, true) => Ok(0),
        (Some(_), true) => {
            Err(s3_error!(InvalidArgument, "Days must not be given for objects in an archive tier"))
        }
        (None, false) => Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema: Days is required for archived objects"
        )),
        (Some(days), false) if !(1..=MAX_DAYS).contains(&days) => {
            Err(s3_error!(InvalidArgument, "Days must be from 1 to {MAX_DAYS}, not {days}"))
        }
        (Some(days), false) => Ok(days),
    }
}

/// Midnight UTC after `days` days: S3 adds the days and rounds up to the next day.
fn expiry(from: Timestamp, days: i32) -> S3Result<Timestamp> {
    let day = from.as_second().div_euclid(SECONDS_PER_DAY) + i64::from(days) + 1;
    Timestamp::from_second(day * SECONDS_PER_DAY)
        .map_err(|error| s3_error!(error, InvalidArgument, "Days reaches past the end of the calendar"))
}

#[cfg(test)]
#[path = "restore_tests.rs"]
mod tests;
