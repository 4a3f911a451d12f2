//! The object lock of buckets, and the legal hold of objects; their retention is in `retention`.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::lookup::{check_owner, object};
use super::{Answer, Protocol};
use crate::error::SandboxError;
use crate::lock::{self, BucketLock, Lock, Period};
use crate::model::{self, Versioning};
use crate::storage::{Writer, buckets};

/// The answer to a document that S3 does not take.
pub(super) fn malformed() -> s3s::S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
}

pub(super) async fn put_configuration(
    protocol: &Protocol,
    request: S3Request<PutObjectLockConfigurationInput>,
) -> Answer<PutObjectLockConfigurationOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let configuration = input.object_lock_configuration.ok_or_else(malformed)?;
    let enabled = configuration.object_lock_enabled.as_ref().map(ObjectLockEnabled::as_str);
    if enabled != Some(ObjectLockEnabled::ENABLED) {
        return Err(malformed());
    }
    let default = match configuration.rule {
        None => None,
        Some(rule) => {
            let default = rule.default_retention.ok_or_else(malformed)?;
            let mode = default.mode.as_ref().map(ObjectLockRetentionMode::as_str);
            Some(lock::DefaultRetention::new(mode, default.days, default.years)?)
        }
    };
    protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        if bucket.versioning != Versioning::Enabled {
            let message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
            return Err(lock::invalid_state(message).into());
        }
        let lock = Some(BucketLock { default });
        writer.set_settings(&bucket, &model::BucketSettings { lock, ..bucket.settings.clone() })
    })?;
    Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
}

pub(super) async fn configuration(
    protocol: &Protocol,
    request: S3Request<GetObjectLockConfigurationInput>,
) -> Answer<GetObjectLockConfigurationOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let bucket = protocol.storage.read(|connection| buckets::get(connection, &input.bucket))?;
    let lock = bucket.settings.lock.ok_or_else(|| {
        s3_error!(
            ObjectLockConfigurationNotFoundError,
            "Object Lock configuration does not exist for this bucket"
        )
    })?;
    let rule = lock.default.map(|default| {
        let (days, years) = match default.period {
            Period::Days(days) => (Some(days), None),
            Period::Years(years) => (None, Some(years)),
        };
        let mode = Some(ObjectLockRetentionMode::from_static(default.mode.as_str()));
        ObjectLockRule { default_retention: Some(DefaultRetention { days, mode, years }) }
    });
    let object_lock_enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
    Ok(S3Response::new(GetObjectLockConfigurationOutput {
        object_lock_configuration: Some(ObjectLockConfiguration { object_lock_enabled, rule }),
    }))
}

/// The lock of a version in a bucket that has object lock.
pub(super) fn lock_of(
    connection: &rusqlite::Connection,
    bucket: &str,
    key: &str,
    version: Option<&str>,
) -> Result<(i64, Lock), SandboxError> {
    let bucket = buckets::get(connection, bucket)?;
    if bucket.settings.lock.is_none() {
        return Err(lock::no_lock().into());
    }
    let version = object(connection, &bucket, key, version)?;
    Ok((version.id, version.lock))
}

/// Changes that lock.
pub(super) fn change(
    writer: &mut Writer<'_>,
    (bucket, key, version): (&str, &str, Option<&str>),
    change: impl FnOnce(Lock) -> S3Result<Lock>,
) -> Result<(), SandboxError> {
    let (id, lock) = lock_of(writer, bucket, key, version)?;
    writer.set_lock(id, &change(lock)?)
}

/// A version without the retention or the hold that was asked for.
pub(super) fn none_of_object() -> s3s::S3Error {
    s3_error!(NoSuchObjectLockConfiguration, "The specified object does not have a ObjectLock configuration")
}

pub(super) async fn put_legal_hold(
    protocol: &Protocol,
    request: S3Request<PutObjectLegalHoldInput>,
) -> Answer<PutObjectLegalHoldOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let status = input.legal_hold.and_then(|hold| hold.status).ok_or_else(malformed)?;
    let hold = hold_of(status.as_str()).ok_or_else(malformed)?;
    let target = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
    protocol
        .storage
        .write(|writer| change(writer, target, |lock| Ok(Lock { legal_hold: Some(hold), ..lock })))?;
    Ok(S3Response::new(PutObjectLegalHoldOutput::default()))
}

pub(super) async fn legal_hold(
    protocol: &Protocol,
    request: S3Request<GetObjectLegalHoldInput>,
) -> Answer<GetObjectLegalHoldOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let version = input.version_id.as_deref();
    let (_, lock) =
        protocol.storage.read(|connection| lock_of(connection, &input.bucket, &input.key, version))?;
    let hold = lock.legal_hold.ok_or_else(none_of_object)?;
    Ok(S3Response::new(GetObjectLegalHoldOutput {
        legal_hold: Some(ObjectLockLegalHold { status: Some(hold_status(hold)) }),
    }))
}

/// Reads the status of a hold.
pub(super) fn hold_of(status: &str) -> Option<bool> {
    match status {
        ObjectLockLegalHoldStatus::ON => Some(true),
        ObjectLockLegalHoldStatus::OFF => Some(false),
        _ => None,
    }
}

/// The status of a legal hold.
pub(super) fn hold_status(hold: bool) -> ObjectLockLegalHoldStatus {
    ObjectLockLegalHoldStatus::from_static(if hold {
        ObjectLockLegalHoldStatus::ON
    } else {
        ObjectLockLegalHoldStatus::OFF
    })
}
