//! Multipart uploads: create, upload and copy parts, list parts, complete, abort.

use http::HeaderValue;
use jiff::Timestamp;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::copy::find_source;
use super::headers::{refuse_unsupported, write_headers};
use super::lookup::{check_owner, modified_now, owner, wire_etag, wire_time};
use super::transfer::{self, MAX_SINGLE_BODY};
use super::{Answer, Protocol};
use crate::checksum::{self, Algorithm, COMPOSITE, Declared, Digest, FULL_OBJECT};
use crate::conditions::{self, Conditions};
use crate::error::SandboxError;
use crate::model::{Attributes, NewVersion, StoredChecksum};
use crate::storage::bodies::NewBody;
use crate::storage::uploads::{self, Plan};
use crate::storage::{buckets, versions};

/// Bytes of each part but the last; S3's limit.
const MIN_PART: u64 = 5 * 1024 * 1024;
/// Part numbers go from 1 to this; S3's limit.
const MAX_PART_NUMBER: i32 = 10_000;
/// Parts on one page of ListParts; S3's limit.
const MAX_LISTED: i32 = 1000;

pub(super) async fn create(
    protocol: &Protocol,
    mut request: S3Request<CreateMultipartUploadInput>,
) -> Answer<CreateMultipartUploadOutput> {
    refuse_unsupported(&request.headers)?;
    let input = &mut request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let algorithm =
        input.checksum_algorithm.as_ref().map(|name| Algorithm::parse(name.as_str())).transpose()?;
    let kind = checksum_kind(algorithm, input.checksum_type.as_ref().map(ChecksumType::as_str))?;
    let headers = write_headers!(input);
    let plan = Plan {
        storage_class: headers.storage_class()?,
        attributes: Attributes {
            metadata: headers.metadata()?,
            website_redirect: headers.website_redirect()?,
            encryption: headers.encryption()?,
            checksum: None,
        },
        tags: headers.tags()?,
        acl: headers.acl()?,
        checksum_algorithm: algorithm.unwrap_or(Algorithm::Crc64Nvme).name().to_owned(),
        checksum_kind: kind.to_owned(),
    };
    let input = request.input;
    let upload_id = protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        writer.create_upload(&bucket, &input.key, &plan, modified_now())
    })?;
    let encryption = plan.attributes.encryption;
    Ok(S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        bucket_key_enabled: encryption.bucket_key,
        checksum_algorithm: algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: algorithm.map(|_| ChecksumType::from_static(kind)),
        key: Some(input.key),
        server_side_encryption: Some(ServerSideEncryption::from(encryption.algorithm)),
        ssekms_key_id: encryption.kms_key_id,
        upload_id: Some(upload_id),
        ..Default::default()
    }))
}

/// Whether the completed object gets a checksum of all its bytes or one of the parts' checksums.
fn checksum_kind(algorithm: Option<Algorithm>, asked: Option<&str>) -> S3Result<&'static str> {
    use Algorithm::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
    match (algorithm.unwrap_or(Crc64Nvme), asked) {
        (Crc64Nvme, None | Some(FULL_OBJECT)) | (Crc32 | Crc32c, Some(FULL_OBJECT)) => Ok(FULL_OBJECT),
        (Crc32 | Crc32c | Sha1 | Sha256, None | Some(COMPOSITE)) => Ok(COMPOSITE),
        (algorithm, asked) => Err(s3_error!(
            InvalidRequest,
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            asked.unwrap_or_default(),
            algorithm.name()
        )),
    }
}

fn check_part_number(number: i32) -> S3Result<()> {
    if !(1..=MAX_PART_NUMBER).contains(&number) {
        return Err(s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive"
        ));
    }
    Ok(())
}

fn plan_of(protocol: &Protocol, bucket: &str, key: &str, upload: &str) -> Result<Plan, SandboxError> {
    protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, bucket)?;
        uploads::plan(connection, &bucket, key, upload)
    })
}

/// A part about to be kept.
struct NewPart {
    number: i32,
    size: u64,
    etag: String,
    modified: Timestamp,
    checksum: StoredChecksum,
    body: NewBody,
}

fn keep(
    protocol: &Protocol,
    bucket: &str,
    key: &str,
    upload: &str,
    new: NewPart,
) -> Result<uploads::Part, SandboxError> {
    protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, bucket)?;
        // Completed or aborted while the body came in?
        uploads::plan(writer, &bucket, key, upload)?;
        let part = uploads::Part {
            number: new.number,
            size: new.size,
            etag: new.etag,
            modified: new.modified,
            checksum: new.checksum,
            body: writer.add_body(new.body)?,
        };
        writer.put_part(upload, &part)?;
        Ok(part)
    })
}

pub(super) async fn upload(
    protocol: &Protocol,
    mut request: S3Request<UploadPartInput>,
) -> Answer<UploadPartOutput> {
    refuse_unsupported(&request.headers)?;
    let body = request.input.body.take();
    let input = &request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    check_part_number(input.part_number)?;
    let plan = plan_of(protocol, &input.bucket, &input.key, &input.upload_id)?;
    let algorithm = Algorithm::parse(&plan.checksum_algorithm)?;
    let received = transfer::receive(&protocol.storage, &request, body, algorithm).await?;
    if plan.checksum_kind == COMPOSITE && received.checksum.algorithm != plan.checksum_algorithm {
        return Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            plan.checksum_algorithm,
            received.checksum.algorithm
        ));
    }
    let new = NewPart {
        number: input.part_number,
        size: received.size,
        etag: received.etag,
        modified: modified_now(),
        checksum: received.checksum,
        body: received.body,
    };
    let part = keep(protocol, &input.bucket, &input.key, &input.upload_id, new)?;
    let mut response = S3Response::new(UploadPartOutput {
        e_tag: Some(wire_etag(&part.etag)),
        server_side_encryption: Some(ServerSideEncryption::from(plan.attributes.encryption.algorithm)),
        ..Default::default()
    });
    checksum::add_headers(&mut response.headers, &part.checksum)?;
    // Parts have a checksum and no type of it.
    response.headers.remove(s3s::header::X_AMZ_CHECKSUM_TYPE);
    Ok(response)
}

pub(super) async fn copy(
    protocol: &Protocol,
    request: S3Request<UploadPartCopyInput>,
) -> Answer<UploadPartCopyOutput> {
    refuse_unsupported(&request.headers)?;
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    check_owner(input.expected_source_bucket_owner.as_deref())?;
    check_part_number(input.part_number)?;
    let plan = plan_of(protocol, &input.bucket, &input.key, &input.upload_id)?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match,
        if_none_match: input.copy_source_if_none_match,
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let (source, body) = protocol.storage.read(|connection| {
        let source = find_source(connection, &input.copy_source, &conditions)?;
        let body =
            source.version.body.map(|body| protocol.storage.open_body(connection, body)).transpose()?;
        Ok((source, body))
    })?;
    let range = match input.copy_source_range.as_deref() {
        None => 0..source.version.size,
        Some(text) => {
            let bad = || {
                s3_error!(
                    InvalidArgument,
                    "The x-amz-copy-source-range value must be of the form bytes=first-last"
                )
            };
            Range::parse(text).map_err(|_| bad())?.check(source.version.size).map_err(|_| bad())?
        }
    };
    let size = range.end - range.start;
    if size > MAX_SINGLE_BODY {
        return Err(s3_error!(InvalidRequest, "A part has at most {MAX_SINGLE_BODY} bytes"));
    }
    let mut digest = Digest::new(Algorithm::parse(&plan.checksum_algorithm)?);
    let mut writer = protocol.storage.body_writer();
    if let Some(body) = body {
        transfer::reread(body, range, &mut digest, Some(&mut writer)).await?;
    }
    let (md5, checksum) = digest.finish();
    let new = NewPart {
        number: input.part_number,
        size,
        etag: hex::encode(md5),
        modified: modified_now(),
        checksum,
        body: writer.finish().await?,
    };
    let part = keep(protocol, &input.bucket, &input.key, &input.upload_id, new)?;
    let sums = checksum::to_wire(&part.checksum);
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(CopyPartResult {
            checksum_crc32: sums.checksum_crc32,
            checksum_crc32c: sums.checksum_crc32c,
            checksum_crc64nvme: sums.checksum_crc64nvme,
            checksum_sha1: sums.checksum_sha1,
            checksum_sha256: sums.checksum_sha256,
            e_tag: Some(wire_etag(&part.etag)),
            last_modified: Some(wire_time(part.modified)),
        }),
        copy_source_version_id: source.bucket.shown_version(&source.version.version),
        ..Default::default()
    }))
}

pub(super) async fn list(protocol: &Protocol, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let marker = input.part_number_marker.unwrap_or(0);
    let max_parts = input.max_parts.unwrap_or(MAX_LISTED).clamp(0, MAX_LISTED);
    let (plan, mut parts) = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        let plan = uploads::plan(connection, &bucket, &input.key, &input.upload_id)?;
        Ok((plan, uploads::parts(connection, &input.upload_id, marker)?))
    })?;
    let limit = usize::try_from(max_parts).unwrap_or_default();
    let truncated = parts.len() > limit;
    parts.truncate(limit);
    let next = parts.last().map(|part| part.number);
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        is_truncated: Some(truncated),
        key: Some(input.key),
        max_parts: Some(max_parts),
        next_part_number_marker: next,
        owner: Some(owner()),
        part_number_marker: Some(marker),
        parts: Some(parts.into_iter().map(wire_part).collect()),
        storage_class: Some(StorageClass::from(plan.storage_class)),
        upload_id: Some(input.upload_id),
        ..Default::default()
    }))
}

fn wire_part(part: uploads::Part) -> Part {
    let sums = checksum::to_wire(&part.checksum);
    Part {
        checksum_crc32: sums.checksum_crc32,
        checksum_crc32c: sums.checksum_crc32c,
        checksum_crc64nvme: sums.checksum_crc64nvme,
        checksum_sha1: sums.checksum_sha1,
        checksum_sha256: sums.checksum_sha256,
        e_tag: Some(wire_etag(&part.etag)),
        last_modified: Some(wire_time(part.modified)),
        part_number: Some(part.number),
        size: i64::try_from(part.size).ok(),
    }
}

pub(super) async fn abort(
    protocol: &Protocol,
    request: S3Request<AbortMultipartUploadInput>,
) -> Answer<AbortMultipartUploadOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        uploads::plan(writer, &bucket, &input.key, &input.upload_id)?;
        writer.remove_upload(&input.upload_id)
    })?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

pub(super) async fn complete(
    protocol: &Protocol,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Answer<CompleteMultipartUploadOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let asked = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    let (plan, kept) = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        let plan = uploads::plan(connection, &bucket, &input.key, &input.upload_id)?;
        Ok((plan, uploads::parts(connection, &input.upload_id, 0)?))
    })?;
    let parts = choose_parts(&asked, &kept)?;
    let joined = join(protocol, &plan, &parts).await?;
    let declared = Declared::of_headers(&request.headers, Algorithm::parse(&plan.checksum_algorithm)?)?;
    declared.verify(&joined.checksum.value, None)?;
    let attributes = Attributes { checksum: Some(joined.checksum.clone()), ..plan.attributes };
    let version = protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        // Completed or aborted while the parts were joined?
        uploads::plan(writer, &bucket, &input.key, &input.upload_id)?;
        let current = versions::current_etag(writer, &bucket, &input.key)?;
        conditions::check_write(input.if_match.as_ref(), input.if_none_match.as_ref(), current.as_deref())?;
        let new = NewVersion {
            key: &input.key,
            size: joined.size,
            etag: &joined.etag,
            modified: modified_now(),
            storage_class: &plan.storage_class,
            attributes: &attributes,
            tags: &plan.tags,
            acl: &plan.acl,
            body: writer.add_body(joined.body)?,
        };
        let version = writer.put_version(&bucket, &new)?;
        writer.remove_upload(&input.upload_id)?;
        Ok(bucket.shown_version(&version))
    })?;
    let sums = checksum::to_wire(&joined.checksum);
    let mut response = S3Response::new(CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        checksum_crc32: sums.checksum_crc32,
        checksum_crc32c: sums.checksum_crc32c,
        checksum_crc64nvme: sums.checksum_crc64nvme,
        checksum_sha1: sums.checksum_sha1,
        checksum_sha256: sums.checksum_sha256,
        checksum_type: sums.checksum_type,
        e_tag: Some(wire_etag(&joined.etag)),
        key: Some(input.key),
        server_side_encryption: Some(ServerSideEncryption::from(attributes.encryption.algorithm)),
        ssekms_key_id: attributes.encryption.kms_key_id,
        ..Default::default()
    });
    if let Some(version) = version.and_then(|version| HeaderValue::try_from(version).ok()) {
        response.headers.insert(s3s::header::X_AMZ_VERSION_ID, version);
    }
    Ok(response)
}

/// The parts that a completion names, in order.
///
/// # Errors
/// `MalformedXML` for none, `InvalidPartOrder`, `InvalidPart` for one that is missing or has another entity tag,
/// `EntityTooSmall`.
fn choose_parts(asked: &[CompletedPart], kept: &[uploads::Part]) -> S3Result<Vec<uploads::Part>> {
    let mut chosen: Vec<uploads::Part> = Vec::with_capacity(asked.len());
    for part in asked {
        let missing = || s3_error!(InvalidPart, "One or more of the specified parts could not be found.");
        let number = part.part_number.ok_or_else(missing)?;
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
        }
        let found = kept.iter().find(|kept| kept.number == number).ok_or_else(missing)?;
        if part.e_tag.as_ref().is_none_or(|etag| etag.value() != found.etag) {
            return Err(missing());
        }
        if chosen.last().is_some_and(|last| last.size < MIN_PART) {
            return Err(s3_error!(
                EntityTooSmall,
                "Your proposed upload is smaller than the minimum allowed size"
            ));
        }
        chosen.push(found.clone());
    }
    if chosen.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    Ok(chosen)
}

/// The object that the parts make.
struct Joined {
    body: NewBody,
    size: u64,
    etag: String,
    checksum: StoredChecksum,
}

async fn join(protocol: &Protocol, plan: &Plan, parts: &[uploads::Part]) -> S3Result<Joined> {
    let algorithm = Algorithm::parse(&plan.checksum_algorithm)?;
    let mut digest = Digest::new(algorithm);
    let mut writer = protocol.storage.body_writer();
    let mut etags = Md5::new();
    for part in parts {
        let body = protocol.storage.read(|connection| protocol.storage.open_body(connection, part.body))?;
        transfer::reread(body, 0..part.size, &mut digest, Some(&mut writer)).await?;
        etags.update(&hex::decode(&part.etag).map_err(s3s::S3Error::internal_error)?);
    }
    let (_, full) = digest.finish();
    let checksum = if plan.checksum_kind == COMPOSITE {
        checksum::composite(algorithm, &parts.iter().map(|part| &part.checksum).collect::<Vec<_>>())?
    } else {
        full
    };
    Ok(Joined {
        body: writer.finish().await?,
        size: parts.iter().map(|part| part.size).sum(),
        etag: format!("{}-{}", hex::encode(etags.finalize()), parts.len()),
        checksum,
    })
}
