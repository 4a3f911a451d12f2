//! Finding what a request names, with S3's errors for what is not there; small conversions to the wire.

use std::time::SystemTime;

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use rusqlite::Connection;
use s3s::dto::TimestampFormat;
use s3s::{S3Error, S3ErrorCode, S3Result, dto, s3_error};

use crate::error::SandboxError;
use crate::model::{ACCOUNT_ID, Bucket, OWNER_ID, OWNER_NAME, ObjectVersion};
use crate::storage::versions;

/// The modification time of what is written now: S3 keeps whole seconds.
pub(super) fn modified_now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Refuses a request meant for another account's bucket.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn check_owner(expected: Option<&str>) -> S3Result<()> {
    match expected {
        Some(account) if account != ACCOUNT_ID => {
            Err(s3_error!(AccessDenied, "Access Denied: the bucket belongs to account {ACCOUNT_ID}"))
        }
        _ => Ok(()),
    }
}

/// The version that a request names: that with the id, or the current one.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`; for a delete marker `MethodNotAllowed` when it is named by its id and `NoSuchKey`
/// when it is current, both with the headers that say so.
pub(super) fn object(
    connection: &Connection,
    bucket: &Bucket,
    key: &str,
    version: Option<&str>,
) -> Result<ObjectVersion, SandboxError> {
    if version == Some("") {
        return Err(s3_error!(InvalidArgument, "Version id cannot be the empty string").into());
    }
    match versions::find(connection, bucket, key, version)? {
        Some(found) if found.delete_marker => Err(delete_marker(bucket, &found, version.is_some()).into()),
        Some(found) => Ok(found),
        None if version.is_some() => {
            Err(s3_error!(NoSuchVersion, "The specified version does not exist.").into())
        }
        None => Err(s3_error!(NoSuchKey, "The specified key does not exist.").into()),
    }
}

fn delete_marker(bucket: &Bucket, marker: &ObjectVersion, named: bool) -> S3Error {
    let mut error = if named {
        s3_error!(
            MethodNotAllowed,
            "The specified method is not allowed against this resource: a delete marker"
        )
    } else {
        S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
    };
    let mut headers = HeaderMap::new();
    // The protocol crate replaces all headers by these, so the type of the XML body is among them.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(s3s::header::X_AMZ_DELETE_MARKER, HeaderValue::from_static("true"));
    if let Some(version) = bucket.shown_version(&marker.version)
        && let Ok(version) = HeaderValue::from_str(&version)
    {
        headers.insert(s3s::header::X_AMZ_VERSION_ID, version);
    }
    if named {
        headers.insert(header::ALLOW, HeaderValue::from_static("DELETE"));
    }
    error.set_headers(headers);
    error
}

/// A timestamp in the form of the wire.
pub(super) fn wire_time(time: Timestamp) -> dto::Timestamp {
    dto::Timestamp::from(SystemTime::from(time))
}

/// A timestamp of the wire.
///
/// # Errors
/// `InvalidArgument` for one beyond the calendar.
pub(super) fn jiff_time(time: &dto::Timestamp) -> S3Result<Timestamp> {
    let mut text = Vec::new();
    time.format(TimestampFormat::DateTime, &mut text).map_err(S3Error::internal_error)?;
    let time = String::from_utf8(text).ok().and_then(|text| text.parse().ok());
    time.ok_or_else(|| s3_error!(InvalidArgument, "The time is out of range"))
}

/// The owner of everything.
pub(super) fn owner() -> dto::Owner {
    dto::Owner { display_name: Some(OWNER_NAME.to_owned()), id: Some(OWNER_ID.to_owned()) }
}

/// An entity tag in the form of the wire.
pub(super) fn wire_etag(etag: &str) -> dto::ETag {
    dto::ETag::Strong(etag.to_owned())
}
