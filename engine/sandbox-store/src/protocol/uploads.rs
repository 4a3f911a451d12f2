//! Multipart uploads: create, list, abort. Their parts are in `parts`, their completion in `complete`.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::customer_key;
use super::headers::write_headers;
use super::listing::Encoding;
use super::lookup::{check_owner, modified_now, owner, wire_time};
use super::{Answer, Protocol};
use crate::checksum::{Algorithm, COMPOSITE, FULL_OBJECT};
use crate::listing::Query;
use crate::lock::Lock;
use crate::model::{Attributes, OWNER_ID, OWNER_NAME};
use crate::storage::buckets;
use crate::storage::uploads::{self, ListedUpload, Plan};

/// Uploads on one page of ListMultipartUploads; S3's limit.
const MAX_UPLOADS: i32 = 1000;

pub(super) async fn create(
    protocol: &Protocol,
    mut request: S3Request<CreateMultipartUploadInput>,
) -> Answer<CreateMultipartUploadOutput> {
    let customer_key = customer_key::of(&request.headers)?;
    let input = &mut request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let algorithm =
        input.checksum_algorithm.as_ref().map(|name| Algorithm::parse(name.as_str())).transpose()?;
    let kind = checksum_kind(algorithm, input.checksum_type.as_ref().map(ChecksumType::as_str))?;
    let headers = write_headers!(input, &request.headers);
    let bucket = protocol.storage.read(|connection| buckets::get(connection, &input.bucket))?;
    let lock = headers.lock(jiff::Timestamp::now())?;
    Lock::of_new(&lock, bucket.settings.lock.as_ref(), jiff::Timestamp::now())?;
    let plan = Plan {
        storage_class: headers.storage_class()?,
        attributes: Attributes {
            metadata: headers.metadata()?,
            website_redirect: headers.website_redirect()?,
            encryption: headers.encryption(&bucket, customer_key)?,
            checksum: None,
            parts: Vec::new(),
        },
        tags: headers.tags()?,
        acl: headers.acl()?,
        lock,
        checksum_algorithm: algorithm.unwrap_or(Algorithm::Crc64Nvme).name().to_owned(),
        checksum_kind: kind.to_owned(),
    };
    let input = request.input;
    let upload_id = protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        writer.create_upload(&bucket, &input.key, &plan, modified_now())
    })?;
    let encryption = plan.attributes.encryption;
    let mut response = S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        bucket_key_enabled: encryption.bucket_key,
        checksum_algorithm: algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: algorithm.map(|_| ChecksumType::from_static(kind)),
        key: Some(input.key),
        server_side_encryption: encryption.shown_algorithm().map(ServerSideEncryption::from),
        ssekms_key_id: encryption.kms_key_id.clone(),
        upload_id: Some(upload_id),
        ..Default::default()
    });
    customer_key::add_headers(&mut response.headers, &encryption);
    Ok(response)
}

/// Whether the completed object gets a checksum of all its bytes or one of the parts' checksums.
fn checksum_kind(algorithm: Option<Algorithm>, asked: Option<&str>) -> S3Result<&'static str> {
    let algorithm = algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let whole_only = algorithm == Algorithm::Crc64Nvme;
    match asked {
        None if whole_only => Ok(FULL_OBJECT),
        Some(FULL_OBJECT) if algorithm.is_crc() => Ok(FULL_OBJECT),
        None | Some(COMPOSITE) if !whole_only => Ok(COMPOSITE),
        asked => Err(s3_error!(
            InvalidRequest,
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            asked.unwrap_or_default(),
            algorithm.name()
        )),
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

pub(super) async fn list(
    protocol: &Protocol,
    request: S3Request<ListMultipartUploadsInput>,
) -> Answer<ListMultipartUploadsOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max_uploads = input.max_uploads.unwrap_or(MAX_UPLOADS);
    if max_uploads < 0 {
        return Err(s3_error!(
            InvalidArgument,
            "Argument max-uploads must be an integer between 0 and 2147483647"
        ));
    }
    let max_uploads = max_uploads.min(MAX_UPLOADS);
    let key_marker = input.key_marker.as_deref().filter(|marker| !marker.is_empty());
    // S3 ignores an upload id marker without a key marker.
    let resume = key_marker.zip(input.upload_id_marker.as_deref().filter(|marker| !marker.is_empty()));
    let query = Query {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
        // With an upload id marker the key of the marker has uploads left to show; without one it is done.
        after: key_marker.filter(|_| resume.is_none()).map(str::to_owned),
        max_keys: usize::try_from(max_uploads).unwrap_or_default(),
    };
    let page = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        uploads::list(connection, &bucket, &query, resume)
    })?;
    let next_key = page.last.as_deref().filter(|_| page.truncated);
    let last = page.items.last().filter(|upload| Some(upload.key.as_str()) == next_key);
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: Some(encoding.prefixes(&page.prefixes)),
        delimiter: query.delimiter.as_deref().map(|delimiter| encoding.write(delimiter)),
        encoding_type: input.encoding_type,
        is_truncated: Some(page.truncated),
        key_marker: Some(encoding.write(input.key_marker.as_deref().unwrap_or_default())),
        max_uploads: Some(max_uploads),
        next_key_marker: next_key.map(|key| encoding.write(key)),
        next_upload_id_marker: last.map(|upload| upload.id.clone()),
        prefix: Some(encoding.write(&query.prefix)),
        upload_id_marker: input.upload_id_marker,
        uploads: Some(page.items.iter().map(|upload| entry(encoding, upload)).collect()),
        ..Default::default()
    }))
}

fn entry(encoding: Encoding, upload: &ListedUpload) -> MultipartUpload {
    MultipartUpload {
        checksum_algorithm: Some(ChecksumAlgorithm::from(upload.plan.checksum_algorithm.clone())),
        checksum_type: Some(ChecksumType::from(upload.plan.checksum_kind.clone())),
        initiated: Some(wire_time(upload.initiated)),
        initiator: Some(Initiator {
            display_name: Some(OWNER_NAME.to_owned()),
            id: Some(OWNER_ID.to_owned()),
        }),
        key: Some(encoding.write(&upload.key)),
        owner: Some(owner()),
        storage_class: Some(StorageClass::from(upload.plan.storage_class.clone())),
        upload_id: Some(upload.id.clone()),
    }
}
