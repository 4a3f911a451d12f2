//! GetObjectAttributes.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::customer_key;
use super::lookup::{check_owner, object, wire_etag, wire_time};
use super::{Answer, Protocol};
use crate::checksum;
use crate::model;
use crate::storage::buckets;

/// Parts on one page; S3's limit.
const MAX_PARTS: i32 = 1000;

pub(super) async fn get(
    protocol: &Protocol,
    request: S3Request<GetObjectAttributesInput>,
) -> Answer<GetObjectAttributesOutput> {
    let customer_key = customer_key::of(&request.headers)?;
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let wanted = Wanted::of(&input.object_attributes)?;
    let (bucket, version) = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        let version = object(connection, &bucket, &input.key, input.version_id.as_deref())?;
        customer_key::check(&version.attributes.encryption, customer_key.as_deref())?;
        Ok((bucket, version))
    })?;
    let checksum = version.attributes.checksum.as_ref().filter(|_| wanted.has(ObjectAttributes::CHECKSUM));
    let parts = wanted.has(ObjectAttributes::OBJECT_PARTS) && !version.attributes.parts.is_empty();
    let parts = parts.then(|| page(&version.attributes, input.part_number_marker, input.max_parts));
    Ok(S3Response::new(GetObjectAttributesOutput {
        checksum: checksum.map(checksum::to_wire),
        e_tag: wanted.has(ObjectAttributes::ETAG).then(|| wire_etag(&version.etag)),
        last_modified: Some(wire_time(version.modified)),
        object_parts: parts,
        object_size: i64::try_from(version.size).ok().filter(|_| wanted.has(ObjectAttributes::OBJECT_SIZE)),
        storage_class: wanted
            .has(ObjectAttributes::STORAGE_CLASS)
            .then(|| StorageClass::from(version.storage_class.clone())),
        version_id: bucket.shown_version(&version.version),
        ..Default::default()
    }))
}

/// The attributes that a request names.
struct Wanted(Vec<String>);

impl Wanted {
    /// Reads the names, which may share a header.
    ///
    /// # Errors
    /// `InvalidArgument` for none or an unknown one.
    fn of(names: &[ObjectAttributes]) -> S3Result<Self> {
        const KNOWN: [&str; 5] = [
            ObjectAttributes::CHECKSUM,
            ObjectAttributes::ETAG,
            ObjectAttributes::OBJECT_PARTS,
            ObjectAttributes::OBJECT_SIZE,
            ObjectAttributes::STORAGE_CLASS,
        ];
        let names: Vec<String> = names
            .iter()
            .flat_map(|names| names.as_str().split(','))
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        if names.is_empty() || names.iter().any(|name| !KNOWN.contains(&name.as_str())) {
            return Err(s3_error!(InvalidArgument, "Invalid attribute name specified."));
        }
        Ok(Self(names))
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|wanted| wanted == name)
    }
}

fn page(attributes: &model::Attributes, marker: Option<i32>, max: Option<i32>) -> GetObjectAttributesParts {
    let (marker, max) = (marker.unwrap_or(0), max.unwrap_or(MAX_PARTS).clamp(0, MAX_PARTS));
    let limit = usize::try_from(max).unwrap_or_default();
    let behind: Vec<&model::ObjectPart> =
        attributes.parts.iter().filter(|part| part.number > marker).collect();
    let shown = behind.get(..limit).unwrap_or(&behind);
    // S3 shows the parts one by one only where each has a checksum of its own.
    let composite = attributes.checksum.as_ref().is_some_and(|sum| sum.kind == checksum::COMPOSITE);
    GetObjectAttributesParts {
        is_truncated: Some(shown.len() < behind.len()),
        max_parts: Some(max),
        next_part_number_marker: Some(shown.last().map_or(marker, |part| part.number)),
        part_number_marker: Some(marker),
        parts: composite.then(|| shown.iter().map(|part| wire_part(part)).collect()),
        total_parts_count: i32::try_from(attributes.parts.len()).ok(),
    }
}

fn wire_part(part: &model::ObjectPart) -> ObjectPart {
    let sums = checksum::to_wire(&part.checksum);
    ObjectPart {
        checksum_crc32: sums.checksum_crc32,
        checksum_crc32c: sums.checksum_crc32c,
        checksum_crc64nvme: sums.checksum_crc64nvme,
        checksum_sha1: sums.checksum_sha1,
        checksum_sha256: sums.checksum_sha256,
        part_number: Some(part.number),
        size: i64::try_from(part.size).ok(),
    }
}
