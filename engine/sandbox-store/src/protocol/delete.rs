//! DeleteObject and DeleteObjects.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::lookup::{check_owner, modified_now, wire_time};
use super::{Answer, Protocol};
use crate::conditions;
use crate::error::SandboxError;
use crate::model;
use crate::storage::versions::{self, Deleted};
use crate::storage::{Writer, buckets};

/// Objects of one DeleteObjects request; S3's limit.
const MAX_OBJECTS: usize = 1000;

/// What to delete, and on which conditions.
struct Target<'a> {
    key: &'a str,
    version: Option<&'a str>,
    if_match: Option<&'a ETagCondition>,
    if_modified: Option<&'a Timestamp>,
    if_size: Option<i64>,
    /// Whether a retention in governance mode is to be bypassed.
    bypass: bool,
}

pub(super) async fn one(
    protocol: &Protocol,
    request: S3Request<DeleteObjectInput>,
) -> Answer<DeleteObjectOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let deleted = protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        let target = Target {
            key: &input.key,
            version: input.version_id.as_deref(),
            if_match: input.if_match.as_ref(),
            if_modified: input.if_match_last_modified_time.as_ref(),
            if_size: input.if_match_size,
            bypass: input.bypass_governance_retention.unwrap_or(false),
        };
        delete(writer, &bucket, &target)
    })?;
    Ok(S3Response::new(DeleteObjectOutput {
        delete_marker: deleted.delete_marker.then_some(true),
        version_id: deleted.version,
        ..Default::default()
    }))
}

pub(super) async fn many(
    protocol: &Protocol,
    request: S3Request<DeleteObjectsInput>,
) -> Answer<DeleteObjectsOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > MAX_OBJECTS {
        return Err(s3_error!(
            MalformedXML,
            "A Delete has from 1 to {MAX_OBJECTS} objects, not {}",
            objects.len()
        ));
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let bypass = input.bypass_governance_retention.unwrap_or(false);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        for object in objects {
            match delete_listed(writer, &bucket, &object, bypass) {
                Ok(_) if quiet => {}
                Ok(result) => deleted.push(shown(object, result)),
                Err(SandboxError::Refused(error)) => errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key),
                    message: error.message().map(str::to_owned),
                    version_id: object.version_id,
                }),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    })?;
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: Some(deleted),
        errors: Some(errors),
        ..Default::default()
    }))
}

fn delete_listed(
    writer: &mut Writer<'_>,
    bucket: &model::Bucket,
    object: &ObjectIdentifier,
    bypass: bool,
) -> Result<Deleted, SandboxError> {
    let if_match = object.e_tag.clone().map(ETagCondition::ETag);
    let target = Target {
        key: &object.key,
        version: object.version_id.as_deref(),
        if_match: if_match.as_ref(),
        if_modified: object.last_modified_time.as_ref(),
        if_size: object.size,
        bypass,
    };
    delete(writer, bucket, &target)
}

fn delete(
    writer: &mut Writer<'_>,
    bucket: &model::Bucket,
    target: &Target<'_>,
) -> Result<Deleted, SandboxError> {
    if target.if_match.is_some() || target.if_modified.is_some() || target.if_size.is_some() {
        let found = versions::find(writer, bucket, target.key, target.version)?;
        check(target, found.filter(|found| !found.delete_marker).as_ref())?;
    }
    match target.version {
        None => writer.delete_current(bucket, target.key, modified_now()),
        Some("") => Err(s3_error!(InvalidArgument, "Version id cannot be the empty string").into()),
        Some(version) => {
            if bucket.settings.lock.is_some()
                && let Some(found) = versions::find(writer, bucket, target.key, target.version)?
            {
                found.lock.check_delete(target.bypass, jiff::Timestamp::now())?;
            }
            writer.delete_version(bucket, target.key, version)
        }
    }
}

fn check(target: &Target<'_>, found: Option<&model::ObjectVersion>) -> S3Result<()> {
    conditions::check_write(target.if_match, None, found.map(|found| found.etag.as_str()))?;
    let same = found.is_none_or(|found| {
        target.if_modified.is_none_or(|time| *time == wire_time(found.modified))
            && target.if_size.is_none_or(|size| u64::try_from(size) == Ok(found.size))
    });
    if !same {
        return Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ));
    }
    Ok(())
}

/// A deletion as DeleteObjects shows it: of a delete marker that was made, its version stands apart from the version
/// that was asked for.
fn shown(object: ObjectIdentifier, deleted: Deleted) -> DeletedObject {
    DeletedObject {
        delete_marker: deleted.delete_marker.then_some(true),
        delete_marker_version_id: deleted.version.filter(|_| deleted.delete_marker),
        key: Some(object.key),
        version_id: object.version_id,
    }
}
