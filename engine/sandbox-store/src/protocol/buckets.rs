//! Buckets: CreateBucket, DeleteBucket, HeadBucket, ListBuckets, GetBucketLocation and versioning.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::*;
use s3s::{S3Request, S3Response, s3_error};

use super::lookup::{check_owner, modified_now, owner, wire_time};
use super::{Answer, Protocol};
use crate::model::{BucketSettings, Versioning};
use crate::storage::buckets;

/// Buckets on one page of ListBuckets; S3's limit.
const MAX_BUCKETS: i32 = 10_000;
/// The region of a bucket without a location constraint.
const DEFAULT_REGION: &str = "us-east-1";

pub(super) async fn create(
    protocol: &Protocol,
    request: S3Request<CreateBucketInput>,
) -> Answer<CreateBucketOutput> {
    let input = request.input;
    let location = input
        .create_bucket_configuration
        .and_then(|configuration| configuration.location_constraint)
        .map(|location| location.as_str().to_owned())
        .filter(|location| !location.is_empty() && location != DEFAULT_REGION);
    let locked = input.object_lock_enabled_for_bucket.unwrap_or(false);
    protocol.storage.write(|writer| {
        writer.create_bucket(&input.bucket, location.as_deref(), modified_now())?;
        if locked {
            writer.set_versioning(&input.bucket, Versioning::Enabled)?;
            let bucket = buckets::get(writer, &input.bucket)?;
            let lock = Some(bucket.settings.lock.clone().unwrap_or_default());
            writer.set_settings(&bucket, &BucketSettings { lock, ..bucket.settings.clone() })?;
        }
        Ok(())
    })?;
    Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) }))
}

pub(super) async fn delete(
    protocol: &Protocol,
    request: S3Request<DeleteBucketInput>,
) -> Answer<DeleteBucketOutput> {
    check_owner(request.input.expected_bucket_owner.as_deref())?;
    protocol.storage.write(|writer| writer.delete_bucket(&request.input.bucket))?;
    Ok(S3Response::new(DeleteBucketOutput {}))
}

pub(super) async fn head(
    protocol: &Protocol,
    request: S3Request<HeadBucketInput>,
) -> Answer<HeadBucketOutput> {
    check_owner(request.input.expected_bucket_owner.as_deref())?;
    let bucket = protocol.storage.read(|connection| buckets::get(connection, &request.input.bucket))?;
    let region = bucket.location.unwrap_or_else(|| DEFAULT_REGION.to_owned());
    Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(region), ..Default::default() }))
}

pub(super) async fn list(
    protocol: &Protocol,
    request: S3Request<ListBucketsInput>,
) -> Answer<ListBucketsOutput> {
    let input = request.input;
    let bad_token = || s3_error!(InvalidArgument, "The continuation token provided is incorrect");
    let after = match input.continuation_token {
        None => String::new(),
        Some(token) => {
            let name = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad_token())?;
            String::from_utf8(name).map_err(|_| bad_token())?
        }
    };
    let limit = input.max_buckets.unwrap_or(MAX_BUCKETS);
    if !(1..=MAX_BUCKETS).contains(&limit) {
        return Err(s3_error!(InvalidArgument, "Argument max-buckets must be from 1 to {MAX_BUCKETS}"));
    }
    let limit = usize::try_from(limit).unwrap_or_default();
    let prefix = input.prefix.clone().unwrap_or_default();
    let mut found =
        protocol.storage.read(|connection| buckets::list(connection, &prefix, &after, limit + 1))?;
    let more = found.len() > limit;
    found.truncate(limit);
    let continuation_token = found.last().filter(|_| more).map(|bucket| URL_SAFE_NO_PAD.encode(&bucket.name));
    let buckets = found
        .into_iter()
        .map(|bucket| Bucket {
            bucket_region: Some(bucket.location.unwrap_or_else(|| DEFAULT_REGION.to_owned())),
            creation_date: Some(wire_time(bucket.created)),
            name: Some(bucket.name),
        })
        .collect();
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(buckets),
        continuation_token,
        owner: Some(owner()),
        prefix: input.prefix,
    }))
}

pub(super) async fn location(
    protocol: &Protocol,
    request: S3Request<GetBucketLocationInput>,
) -> Answer<GetBucketLocationOutput> {
    check_owner(request.input.expected_bucket_owner.as_deref())?;
    let bucket = protocol.storage.read(|connection| buckets::get(connection, &request.input.bucket))?;
    let location_constraint = bucket.location.map(BucketLocationConstraint::from);
    Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
}

pub(super) async fn versioning(
    protocol: &Protocol,
    request: S3Request<GetBucketVersioningInput>,
) -> Answer<GetBucketVersioningOutput> {
    check_owner(request.input.expected_bucket_owner.as_deref())?;
    let bucket = protocol.storage.read(|connection| buckets::get(connection, &request.input.bucket))?;
    let status = (bucket.versioning != Versioning::Unversioned)
        .then(|| BucketVersioningStatus::from_static(bucket.versioning.as_str()));
    Ok(S3Response::new(GetBucketVersioningOutput { status, ..Default::default() }))
}

pub(super) async fn set_versioning(
    protocol: &Protocol,
    request: S3Request<PutBucketVersioningInput>,
) -> Answer<PutBucketVersioningOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let status = input.versioning_configuration.status;
    let versioning = match status.as_ref().and_then(|status| Versioning::parse(status.as_str())) {
        Some(state @ (Versioning::Enabled | Versioning::Suspended)) => state,
        _ => {
            return Err(s3_error!(
                MalformedXML,
                "The Status of a VersioningConfiguration is Enabled or Suspended"
            ));
        }
    };
    protocol.storage.write(|writer| writer.set_versioning(&input.bucket, versioning))?;
    Ok(S3Response::new(PutBucketVersioningOutput {}))
}
