//! The parts of multipart uploads: upload, copy, list.

use jiff::Timestamp;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::copy::{self, MAX_ATTEMPTS, find_source};
use super::customer_key;
use super::lookup::{check_owner, modified_now, owner, wire_etag, wire_time};
use super::transfer::{self, MAX_SINGLE_BODY};
use super::{Answer, Protocol};
use crate::checksum::{self, Algorithm, COMPOSITE};
use crate::conditions::Conditions;
use crate::error::SandboxError;
use crate::model::{self, OWNER_ID, OWNER_NAME, ObjectVersion, StoredChecksum};
use crate::storage::bodies::{NewBody, Piece};
use crate::storage::content::Content;
use crate::storage::uploads::{self, Plan};
use crate::storage::{Writer, buckets};

/// Part numbers go from 1 to this; S3's limit.
const MAX_PART_NUMBER: i32 = 10_000;
/// Parts on one page of ListParts; S3's limit.
const MAX_LISTED: i32 = 1000;

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
    sums: uploads::PartSums,
    bytes: NewBytes,
}

/// Where the bytes of a part come from.
enum NewBytes {
    Received(NewBody),
    /// Those of an object that is there.
    Shared(Content),
}

fn keep(
    writer: &mut Writer<'_>,
    bucket: &model::Bucket,
    key: &str,
    upload: &str,
    new: NewPart,
) -> Result<uploads::Part, SandboxError> {
    // Completed or aborted while the body came in?
    uploads::plan(writer, bucket, key, upload)?;
    let content = match new.bytes {
        NewBytes::Received(body) => writer.add_body(body)?,
        NewBytes::Shared(content) => {
            writer.share(&content)?;
            content
        }
    };
    let part = uploads::Part {
        number: new.number,
        size: new.size,
        etag: new.etag,
        modified: new.modified,
        sums: new.sums,
        content,
    };
    writer.put_part(upload, &part)?;
    Ok(part)
}

pub(super) async fn upload(
    protocol: &Protocol,
    mut request: S3Request<UploadPartInput>,
) -> Answer<UploadPartOutput> {
    let customer_key = customer_key::of(&request.headers)?;
    let body = request.input.body.take();
    let input = &request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    check_part_number(input.part_number)?;
    let plan = plan_of(protocol, &input.bucket, &input.key, &input.upload_id)?;
    customer_key::check(&plan.attributes.encryption, customer_key.as_deref())?;
    let algorithm = Algorithm::parse(&plan.checksum_algorithm)?;
    let received = transfer::receive(&protocol.storage, &request, body, Some(algorithm)).await?;
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
        sums: uploads::PartSums {
            planned: received.second.unwrap_or_else(|| received.checksum.clone()),
            shown: received.checksum,
        },
        bytes: NewBytes::Received(received.body),
    };
    let part = protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        keep(writer, &bucket, &input.key, &input.upload_id, new)
    })?;
    let mut response = S3Response::new(UploadPartOutput {
        e_tag: Some(wire_etag(&part.etag)),
        bucket_key_enabled: plan.attributes.encryption.bucket_key,
        server_side_encryption: plan.attributes.encryption.shown_algorithm().map(ServerSideEncryption::from),
        ssekms_key_id: plan.attributes.encryption.kms_key_id.clone(),
        ..Default::default()
    });
    customer_key::add_headers(&mut response.headers, &plan.attributes.encryption);
    checksum::add_headers(&mut response.headers, &part.sums.shown)?;
    // Parts have a checksum and no type of it.
    response.headers.remove(s3s::header::X_AMZ_CHECKSUM_TYPE);
    Ok(response)
}

pub(super) async fn copy(
    protocol: &Protocol,
    mut request: S3Request<UploadPartCopyInput>,
) -> Answer<UploadPartCopyOutput> {
    let (customer_key, source_key) =
        (customer_key::of(&request.headers)?, customer_key::of_source(&request.headers)?);
    let input = &mut request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    check_owner(input.expected_source_bucket_owner.as_deref())?;
    check_part_number(input.part_number)?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since.take(),
        if_unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    let plan = plan_of(protocol, &input.bucket, &input.key, &input.upload_id)?;
    customer_key::check(&plan.attributes.encryption, customer_key.as_deref())?;
    let algorithm = Algorithm::parse(&plan.checksum_algorithm)?;
    let copying = Copying { protocol, input, conditions, source_key, algorithm };
    let (part, source_version) = copying.run().await?;
    let sums = checksum::to_wire(&part.sums.shown);
    let encryption = plan.attributes.encryption;
    Ok(S3Response::new(UploadPartCopyOutput {
        bucket_key_enabled: encryption.bucket_key,
        copy_part_result: Some(CopyPartResult {
            checksum_crc32: sums.checksum_crc32,
            checksum_crc32c: sums.checksum_crc32c,
            checksum_crc64nvme: sums.checksum_crc64nvme,
            checksum_sha1: sums.checksum_sha1,
            checksum_sha256: sums.checksum_sha256,
            e_tag: Some(wire_etag(&part.etag)),
            last_modified: Some(wire_time(part.modified)),
        }),
        copy_source_version_id: source_version,
        server_side_encryption: encryption.shown_algorithm().map(ServerSideEncryption::from),
        ssekms_key_id: encryption.kms_key_id,
        ..Default::default()
    }))
}

/// A part that is being copied.
struct Copying<'a> {
    protocol: &'a Protocol,
    input: &'a UploadPartCopyInput,
    conditions: Conditions,
    source_key: Option<String>,
    algorithm: Algorithm,
}

/// The bytes of a source that become a part.
struct Chosen {
    /// Row id of the source.
    row: i64,
    /// The version id to show.
    version: Option<String>,
    size: u64,
    content: Content,
}

impl Copying<'_> {
    /// Reads the bytes for their sums, which is done outside of a transaction and once more for a source that was replaced
    /// meanwhile, and keeps the part.
    async fn run(&self) -> S3Result<(uploads::Part, Option<String>)> {
        for _ in 0..MAX_ATTEMPTS {
            let (chosen, pieces) = self.choose()?;
            let (md5, checksum) =
                transfer::sums(self.protocol, &chosen.content, pieces, self.algorithm).await?;
            if let Some(part) = self.keep(&chosen, md5, checksum)? {
                return Ok((part, chosen.version));
            }
        }
        Err(copy::source_changes())
    }

    fn choose(&self) -> S3Result<(Chosen, Vec<Piece>)> {
        let storage = &self.protocol.storage;
        Ok(storage.read(|connection| {
            let source = find_source(
                connection,
                &self.input.copy_source,
                &self.conditions,
                self.source_key.as_deref(),
            )?;
            let range = self.range(&source.version)?;
            let content = source.version.content.as_ref().map(|content| content.slice(&range));
            let content = content.unwrap_or_default();
            let pieces = storage.open_content(connection, &content)?;
            let version = source.bucket.shown_version(&source.version.version);
            let size = range.end - range.start;
            Ok((Chosen { row: source.version.id, version, size, content }, pieces))
        })?)
    }

    /// The bytes asked for: all, or those that the range names, which must all be there.
    fn range(&self, source: &ObjectVersion) -> S3Result<std::ops::Range<u64>> {
        let size = source.size;
        let range = match self.input.copy_source_range.as_deref() {
            None => 0..size,
            Some(text) => {
                let (first, last) = bounds(text).ok_or_else(|| {
                    s3_error!(
                        InvalidArgument,
                        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"
                    )
                })?;
                if last >= size {
                    return Err(s3_error!(
                        InvalidArgument,
                        "Range specified is not valid for source object of size: {size}"
                    ));
                }
                first..last + 1
            }
        };
        if range.end - range.start > MAX_SINGLE_BODY {
            return Err(s3_error!(
                InvalidRequest,
                "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_SINGLE_BODY}"
            ));
        }
        Ok(range)
    }

    /// Keeps the part, unless the source is no longer the one whose bytes were read.
    fn keep(
        &self,
        chosen: &Chosen,
        md5: [u8; 16],
        checksum: StoredChecksum,
    ) -> Result<Option<uploads::Part>, SandboxError> {
        self.protocol.storage.write(|writer| {
            let source =
                find_source(writer, &self.input.copy_source, &self.conditions, self.source_key.as_deref())?;
            if source.version.id != chosen.row {
                return Ok(None);
            }
            let new = NewPart {
                number: self.input.part_number,
                size: chosen.size,
                etag: hex::encode(md5),
                modified: modified_now(),
                sums: uploads::PartSums { shown: checksum.clone(), planned: checksum },
                bytes: NewBytes::Shared(chosen.content.clone()),
            };
            let bucket = buckets::get(writer, &self.input.bucket)?;
            keep(writer, &bucket, &self.input.key, &self.input.upload_id, new).map(Some)
        })
    }
}

/// The first and the last byte of `bytes=first-last`; a copy knows no other form.
fn bounds(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
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
    // S3 says where to go on also when there is nothing behind.
    let next = parts.last().map_or(marker, |part| part.number);
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        checksum_algorithm: Some(ChecksumAlgorithm::from(plan.checksum_algorithm)),
        checksum_type: Some(ChecksumType::from(plan.checksum_kind)),
        initiator: Some(Initiator {
            display_name: Some(OWNER_NAME.to_owned()),
            id: Some(OWNER_ID.to_owned()),
        }),
        is_truncated: Some(truncated),
        key: Some(input.key),
        max_parts: Some(max_parts),
        next_part_number_marker: Some(next),
        owner: Some(owner()),
        part_number_marker: Some(marker),
        parts: Some(parts.into_iter().map(wire_part).collect()),
        storage_class: Some(StorageClass::from(plan.storage_class)),
        upload_id: Some(input.upload_id),
        ..Default::default()
    }))
}

fn wire_part(part: uploads::Part) -> Part {
    let sums = checksum::to_wire(&part.sums.shown);
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
