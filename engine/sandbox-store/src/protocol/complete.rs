//! CompleteMultipartUpload: parts become an object that shares their bytes.

use http::HeaderValue;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::copy;
use super::lookup::{check_owner, modified_now, wire_etag};
use super::{Answer, Protocol};
use crate::checksum::{self, Algorithm, COMPOSITE, Declared};
use crate::conditions;
use crate::lock::Lock;
use crate::model::{self, Attributes, NewVersion, StoredChecksum};
use crate::storage::content::Content;
use crate::storage::uploads::{self, Plan};
use crate::storage::{buckets, versions};

/// Bytes of each part but the last; S3's limit.
const MIN_PART: u64 = 5 * 1024 * 1024;

pub(super) async fn complete(
    protocol: &Protocol,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Answer<CompleteMultipartUploadOutput> {
    let mut input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let asked = input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();
    let (plan, kept) = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        let plan = uploads::plan(connection, &bucket, &input.key, &input.upload_id)?;
        Ok((plan, uploads::parts(connection, &input.upload_id, 0)?))
    })?;
    let parts = choose_parts(&asked, &kept)?;
    check_size(&input, &parts)?;
    let sums = Sums::of(&plan, &parts)?;
    let declared = Declared::of_headers(&request.headers, Algorithm::parse(&plan.checksum_algorithm)?)?;
    declared.verify(&sums.checksum.value, None)?;
    let content = Content::join(parts.iter().map(|part| &part.content));
    let attributes =
        Attributes { checksum: Some(sums.checksum.clone()), parts: object_parts(&parts), ..plan.attributes };
    let version = protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        // Completed, aborted or changed since its parts were chosen?
        uploads::plan(writer, &bucket, &input.key, &input.upload_id)?;
        let kept = uploads::parts(writer, &input.upload_id, 0)?;
        if choose_parts(&asked, &kept)?.iter().map(|part| &part.content).ne(parts.iter().map(|p| &p.content))
        {
            return Err(copy::source_changes().into());
        }
        let current = versions::current_etag(writer, &bucket, &input.key)?;
        conditions::check_write(input.if_match.as_ref(), input.if_none_match.as_ref(), current.as_deref())?;
        writer.share(&content)?;
        let new = NewVersion {
            key: &input.key,
            size: parts.iter().map(|part| part.size).sum(),
            etag: &sums.etag,
            modified: modified_now(),
            storage_class: &plan.storage_class,
            attributes: &attributes,
            tags: &plan.tags,
            acl: &plan.acl,
            lock: &Lock::of_new(&plan.lock, bucket.settings.lock.as_ref(), jiff::Timestamp::now())?,
            content: &content,
        };
        let version = writer.put_version(&bucket, &new)?;
        writer.remove_upload(&input.upload_id)?;
        Ok(bucket.shown_version(&version))
    })?;
    let checksum = checksum::to_wire(&sums.checksum);
    let mut response = S3Response::new(CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        bucket_key_enabled: attributes.encryption.bucket_key,
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        checksum_type: checksum.checksum_type,
        e_tag: Some(wire_etag(&sums.etag)),
        key: Some(input.key),
        server_side_encryption: attributes.encryption.shown_algorithm().map(ServerSideEncryption::from),
        ssekms_key_id: attributes.encryption.kms_key_id,
        ..Default::default()
    });
    if let Some(version) = version.and_then(|version| HeaderValue::try_from(version).ok()) {
        response.headers.insert(s3s::header::X_AMZ_VERSION_ID, version);
    }
    Ok(response)
}

/// Compares the size that the client expects.
fn check_size(input: &CompleteMultipartUploadInput, parts: &[uploads::Part]) -> S3Result<()> {
    let size: u64 = parts.iter().map(|part| part.size).sum();
    match input.mpu_object_size {
        Some(expected) if u64::try_from(expected) != Ok(size) => Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {size}"
        )),
        _ => Ok(()),
    }
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
        if part.e_tag.as_ref().is_none_or(|etag| etag.value() != found.etag)
            || !names_checksum_of(part, &found.sums.shown)
        {
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

/// Whether the checksum that a completion gives for a part, if it gives one, is the part's.
fn names_checksum_of(asked: &CompletedPart, kept: &StoredChecksum) -> bool {
    let kept = checksum::to_wire(kept);
    let same = |asked: &Option<String>, kept: &Option<String>| asked.is_none() || asked == kept;
    same(&asked.checksum_crc32, &kept.checksum_crc32)
        && same(&asked.checksum_crc32c, &kept.checksum_crc32c)
        && same(&asked.checksum_crc64nvme, &kept.checksum_crc64nvme)
        && same(&asked.checksum_sha1, &kept.checksum_sha1)
        && same(&asked.checksum_sha256, &kept.checksum_sha256)
}

/// What an object shows of its parts.
fn object_parts(parts: &[uploads::Part]) -> Vec<model::ObjectPart> {
    let shown = |part: &uploads::Part| model::ObjectPart {
        number: part.number,
        size: part.size,
        checksum: part.sums.planned.clone(),
    };
    parts.iter().map(shown).collect()
}

/// Entity tag and checksum of the object that parts make.
struct Sums {
    etag: String,
    checksum: StoredChecksum,
}

impl Sums {
    /// Made of the parts' own sums: no byte is read again.
    fn of(plan: &Plan, parts: &[uploads::Part]) -> S3Result<Self> {
        let mut etags = Md5::new();
        for part in parts {
            etags.update(&hex::decode(&part.etag).map_err(s3s::S3Error::internal_error)?);
        }
        let algorithm = Algorithm::parse(&plan.checksum_algorithm)?;
        let checksum = if plan.checksum_kind == COMPOSITE {
            checksum::composite(algorithm, &parts.iter().map(|part| &part.sums.planned).collect::<Vec<_>>())?
        } else {
            let sized: Vec<_> = parts.iter().map(|part| (&part.sums.planned, part.size)).collect();
            checksum::full_object(algorithm, &sized)?
        };
        Ok(Self { etag: format!("{}-{}", hex::encode(etags.finalize()), parts.len()), checksum })
    }
}
