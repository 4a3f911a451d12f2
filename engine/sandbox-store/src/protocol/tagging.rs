//! GetObjectTagging, PutObjectTagging, DeleteObjectTagging.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use super::lookup::{check_owner, object};
use super::{Answer, Protocol};
use crate::error::SandboxError;
use crate::model;
use crate::storage::buckets;
use crate::tags;

pub(super) async fn get(
    protocol: &Protocol,
    request: S3Request<GetObjectTaggingInput>,
) -> Answer<GetObjectTaggingOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let (bucket, version) = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        let version = object(connection, &bucket, &input.key, input.version_id.as_deref())?;
        Ok((bucket, version))
    })?;
    Ok(S3Response::new(GetObjectTaggingOutput {
        tag_set: tags::to_wire(&version.tags),
        version_id: bucket.shown_version(&version.version),
    }))
}

pub(super) async fn put(
    protocol: &Protocol,
    request: S3Request<PutObjectTaggingInput>,
) -> Answer<PutObjectTaggingOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let tags = tags::of_wire(input.tagging.tag_set)?;
    let version_id = replace(protocol, &input.bucket, &input.key, input.version_id.as_deref(), &tags)?;
    Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
}

pub(super) async fn delete(
    protocol: &Protocol,
    request: S3Request<DeleteObjectTaggingInput>,
) -> Answer<DeleteObjectTaggingOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let version_id = replace(protocol, &input.bucket, &input.key, input.version_id.as_deref(), &[])?;
    Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
}

fn replace(
    protocol: &Protocol,
    bucket: &str,
    key: &str,
    version: Option<&str>,
    tags: &[model::Tag],
) -> Result<Option<String>, SandboxError> {
    protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, bucket)?;
        let version = object(writer, &bucket, key, version)?;
        writer.set_tags(version.id, tags)?;
        Ok(bucket.shown_version(&version.version))
    })
}
