//! PutObject, GetObject, HeadObject.

use http::{HeaderMap, HeaderValue};
use s3s::dto::{self, *};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::headers::write_headers;
use super::lookup::{check_owner, modified_now, object, wire_etag, wire_time};
use super::object_lock::hold_status;
use super::selection::Selected;
use super::transfer::{self, MAX_SINGLE_BODY};
use super::{Answer, Protocol};
use super::{customer_key, event_hold};
use crate::checksum;
use crate::conditions::{self, Conditions, Verdict};
use crate::lock::Lock;
use crate::model::{Attributes, Bucket, NewVersion, ObjectVersion, STANDARD};
use crate::restore;
use crate::storage::{buckets, versions};

pub(super) async fn put(
    protocol: &Protocol,
    mut request: S3Request<PutObjectInput>,
) -> Answer<PutObjectOutput> {
    let customer_key = customer_key::of(&request.headers)?;
    let body = request.input.body.take();
    let input = &mut request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    check_size(input)?;
    let headers = write_headers!(input, &request.headers);
    let (acl, tags, storage_class) = (headers.acl()?, headers.tags()?, headers.storage_class()?);
    // Before the body is received, so that a client learns of a missing bucket without sending it all.
    let bucket = protocol.storage.read(|connection| buckets::get(connection, &input.bucket))?;
    let asked = headers.lock(jiff::Timestamp::now())?;
    check_lock(&asked, &bucket, &request.headers)?;
    let mut attributes = Attributes {
        metadata: headers.metadata()?,
        website_redirect: headers.website_redirect()?,
        encryption: headers.encryption(&bucket, customer_key)?,
        checksum: None,
        parts: Vec::new(),
    };
    let received = transfer::receive(&protocol.storage, &request, body, None).await?;
    attributes.checksum = Some(received.checksum);
    let input = request.input;
    let version = protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        if input.if_match.is_some() || input.if_none_match.is_some() {
            let current = versions::current_etag(writer, &bucket, &input.key)?;
            conditions::check_write(
                input.if_match.as_ref(),
                input.if_none_match.as_ref(),
                current.as_deref(),
            )?;
        }
        let content = writer.add_body(received.body)?;
        let new = NewVersion {
            key: &input.key,
            size: received.size,
            etag: &received.etag,
            modified: modified_now(),
            storage_class: &storage_class,
            attributes: &attributes,
            tags: &tags,
            acl: &acl,
            lock: &Lock::of_new(&asked, bucket.settings.lock.as_ref(), jiff::Timestamp::now())?,
            content: &content,
        };
        let version = writer.put_version(&bucket, &new)?;
        Ok(bucket.shown_version(&version))
    })?;
    put_answer(attributes, &received.etag, version)
}

fn check_size(input: &PutObjectInput) -> S3Result<()> {
    if input.write_offset_bytes.is_some() {
        return Err(s3_error!(NotImplemented, "appending to objects is for directory buckets"));
    }
    if input
        .content_length
        .is_some_and(|length| u64::try_from(length).is_ok_and(|length| length > MAX_SINGLE_BODY))
    {
        return Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed object size"
        ));
    }
    Ok(())
}

fn put_answer(attributes: Attributes, etag: &str, version_id: Option<String>) -> Answer<PutObjectOutput> {
    let mut response = S3Response::new(PutObjectOutput {
        bucket_key_enabled: attributes.encryption.bucket_key,
        e_tag: Some(wire_etag(etag)),
        server_side_encryption: attributes.encryption.shown_algorithm().map(ServerSideEncryption::from),
        ssekms_key_id: attributes.encryption.kms_key_id.clone(),
        version_id,
        ..Default::default()
    });
    customer_key::add_headers(&mut response.headers, &attributes.encryption);
    if let Some(checksum) = &attributes.checksum {
        checksum::add_headers(&mut response.headers, checksum)?;
    }
    Ok(response)
}

/// What S3 asks of uploads to be locked: a bucket with object lock, and a checksum, since what came in broken stays.
///
/// # Errors
/// `InvalidRequest`.
pub(super) fn check_lock(asked: &Lock, bucket: &Bucket, headers: &HeaderMap) -> S3Result<()> {
    let lock = Lock::of_new(asked, bucket.settings.lock.as_ref(), jiff::Timestamp::now())?;
    let has_checksum = headers.contains_key("content-md5") || checksum::is_declared(headers);
    if lock == Lock::default() || has_checksum {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
    ))
}

pub(super) async fn get(protocol: &Protocol, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
    let customer_key = customer_key::of(&request.headers)?;
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let now = jiff::Timestamp::now();
    let conditions = Conditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    let (bucket, version, selected, pieces) = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        let version = object(connection, &bucket, &input.key, input.version_id.as_deref())?;
        customer_key::check(&version.attributes.encryption, customer_key.as_deref())?;
        restore::check_readable(bucket.place_of(&version, now), version.restore.as_ref(), now)?;
        check_conditions(&conditions, &version)?;
        let selected = Selected::of(input.range, input.part_number, &version)?;
        let content = version.content.as_ref().map(|content| content.slice(&selected.range));
        let pieces = protocol.storage.open_content(connection, &content.unwrap_or_default())?;
        Ok((bucket, version, selected, pieces))
    })?;
    let mut headers = selected.checksum_headers(&version, input.checksum_mode.is_some())?;
    customer_key::add_headers(&mut headers, &version.attributes.encryption);
    event_hold::add_headers(&mut headers, version.lock.event_hold.as_ref());
    let parts_count = selected.parts_count(&version);
    let shown = Shown::new(&bucket, version, now);
    let output = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        body: Some(transfer::send(pieces)),
        bucket_key_enabled: shown.bucket_key,
        cache_control: shown.metadata.cache_control,
        content_disposition: shown.metadata.content_disposition,
        content_encoding: shown.metadata.content_encoding,
        content_language: shown.metadata.content_language,
        content_length: i64::try_from(selected.range.end - selected.range.start).ok(),
        content_range: selected.content_range,
        content_type: shown.metadata.content_type,
        e_tag: Some(shown.etag),
        expires: shown.expires,
        last_modified: Some(shown.modified),
        metadata: Some(shown.metadata.user.into_iter().collect()),
        object_lock_legal_hold_status: shown.legal_hold,
        object_lock_mode: shown.lock_mode,
        object_lock_retain_until_date: shown.lock_until,
        parts_count,
        restore: shown.restore,
        server_side_encryption: shown.sse,
        ssekms_key_id: shown.sse_key,
        storage_class: shown.storage_class,
        tag_count: shown.tag_count,
        version_id: shown.version,
        website_redirect_location: shown.website_redirect,
        ..Default::default()
    };
    Ok(S3Response::with_headers(output, headers))
}

pub(super) async fn head(
    protocol: &Protocol,
    request: S3Request<HeadObjectInput>,
) -> Answer<HeadObjectOutput> {
    let customer_key = customer_key::of(&request.headers)?;
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let (bucket, version) = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        let version = object(connection, &bucket, &input.key, input.version_id.as_deref())?;
        customer_key::check(&version.attributes.encryption, customer_key.as_deref())?;
        Ok((bucket, version))
    })?;
    let conditions = Conditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    check_conditions(&conditions, &version)?;
    let selected = Selected::of(input.range, input.part_number, &version)?;
    let mut headers = selected.checksum_headers(&version, input.checksum_mode.is_some())?;
    customer_key::add_headers(&mut headers, &version.attributes.encryption);
    event_hold::add_headers(&mut headers, version.lock.event_hold.as_ref());
    let parts_count = selected.parts_count(&version);
    let shown = Shown::new(&bucket, version, jiff::Timestamp::now());
    if let Some(count) = shown.tag_count {
        headers.insert(s3s::header::X_AMZ_TAGGING_COUNT, HeaderValue::from(count));
    }
    let output = HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        archive_status: shown.archive_status,
        bucket_key_enabled: shown.bucket_key,
        cache_control: shown.metadata.cache_control,
        content_disposition: shown.metadata.content_disposition,
        content_encoding: shown.metadata.content_encoding,
        content_language: shown.metadata.content_language,
        content_length: i64::try_from(selected.range.end - selected.range.start).ok(),
        content_range: selected.content_range,
        content_type: shown.metadata.content_type,
        e_tag: Some(shown.etag),
        expires: shown.expires,
        last_modified: Some(shown.modified),
        metadata: Some(shown.metadata.user.into_iter().collect()),
        object_lock_legal_hold_status: shown.legal_hold,
        object_lock_mode: shown.lock_mode,
        object_lock_retain_until_date: shown.lock_until,
        parts_count,
        restore: shown.restore,
        server_side_encryption: shown.sse,
        ssekms_key_id: shown.sse_key,
        storage_class: shown.storage_class,
        version_id: shown.version,
        website_redirect_location: shown.website_redirect,
        ..Default::default()
    };
    Ok(S3Response::with_headers(output, headers))
}

/// A version in the form of the answers of GetObject and HeadObject.
struct Shown {
    archive_status: Option<ArchiveStatus>,
    bucket_key: Option<bool>,
    etag: dto::ETag,
    legal_hold: Option<ObjectLockLegalHoldStatus>,
    lock_mode: Option<ObjectLockMode>,
    lock_until: Option<dto::Timestamp>,
    expires: Option<dto::Timestamp>,
    metadata: crate::model::Metadata,
    modified: dto::Timestamp,
    restore: Option<String>,
    sse: Option<ServerSideEncryption>,
    sse_key: Option<String>,
    storage_class: Option<StorageClass>,
    tag_count: Option<i32>,
    version: Option<String>,
    website_redirect: Option<String>,
}

impl Shown {
    fn new(bucket: &Bucket, version: ObjectVersion, now: jiff::Timestamp) -> Self {
        let place = bucket.place_of(&version, now);
        let archive = restore::TIERS.iter().find(|tier| **tier == place);
        let archive_status = archive.map(|tier| ArchiveStatus::from_static(tier));
        let restore = restore::header(place, version.restore.as_ref(), now);
        let ObjectVersion { attributes, .. } = version;
        let retention = version.lock.retention.as_ref();
        let expires = attributes.metadata.expires.as_deref();
        Self {
            archive_status,
            bucket_key: attributes.encryption.bucket_key,
            etag: wire_etag(&version.etag),
            legal_hold: version.lock.legal_hold.map(hold_status),
            lock_mode: version.lock.mode(now).map(|mode| ObjectLockMode::from_static(mode.as_str())),
            lock_until: retention.map(|retention| wire_time(retention.until)),
            expires: expires.and_then(|date| dto::Timestamp::parse(TimestampFormat::HttpDate, date).ok()),
            metadata: attributes.metadata,
            modified: wire_time(version.modified),
            restore,
            sse: attributes.encryption.shown_algorithm().map(ServerSideEncryption::from),
            sse_key: attributes.encryption.kms_key_id,
            // S3 leaves the header out for STANDARD.
            storage_class: Some(version.storage_class)
                .filter(|class| class != STANDARD)
                .map(StorageClass::from),
            tag_count: i32::try_from(version.tags.len()).ok().filter(|count| *count > 0),
            version: bucket.shown_version(&version.version),
            website_redirect: attributes.website_redirect,
        }
    }
}

fn check_conditions(conditions: &Conditions, version: &ObjectVersion) -> S3Result<()> {
    match conditions::judge(conditions, &version.etag, &wire_time(version.modified)) {
        Verdict::Proceed => Ok(()),
        Verdict::NotModified => {
            let mut error = s3_error!(NotModified, "Not Modified");
            let mut headers = HeaderMap::new();
            if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", version.etag)) {
                headers.insert(http::header::ETAG, etag);
            }
            error.set_headers(headers);
            Err(error)
        }
        Verdict::Failed => Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        )),
    }
}
