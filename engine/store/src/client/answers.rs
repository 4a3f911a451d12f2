//! The SDK's answers in our terms.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_sdk_s3::operation::copy_object::CopyObjectOutput;
use aws_sdk_s3::operation::delete_object::DeleteObjectOutput;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::operation::get_bucket_versioning::GetBucketVersioningOutput;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::get_object_acl::GetObjectAclOutput;
use aws_sdk_s3::operation::get_object_legal_hold::GetObjectLegalHoldOutput;
use aws_sdk_s3::operation::get_object_lock_configuration::GetObjectLockConfigurationOutput;
use aws_sdk_s3::operation::get_object_retention::GetObjectRetentionOutput;
use aws_sdk_s3::operation::get_object_tagging::GetObjectTaggingOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types;
use aws_smithy_types::DateTime;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::date_time::Format;
use percent_encoding::percent_decode_str;

use super::errors::refused_one;
use super::values;
use crate::error::StoreError;
use crate::request::{
    ContentHeaders, Encryption, EventHold, Grant, Grantee, HoldDuration, ObjectLock, Permission, Retention,
    Tag,
};
use crate::response::{
    Acl, ListPage, ListedObject, ListedUpload, ListedVersion, Response, Restore, UploadPage, VersionPage,
};

/// How S3 calls the version of an object that was written without versioning.
const NULL_VERSION: &str = "null";

/// The status of the answer to a deletion.
const NO_CONTENT: u16 = 204;

/// What an SDK call gave, and with which HTTP status.
pub(super) struct Answered<T> {
    pub(super) output: T,
    pub(super) status: u16,
}

/// An answer that says nothing else.
pub(super) fn of_version(http_status: u16, version_id: Option<String>) -> Response {
    Response { http_status, version_id, ..Response::default() }
}

/// The checksums of an answer: algorithm and value.
macro_rules! checksums {
    ($out:expr) => {
        [
            ("CRC32", $out.checksum_crc32),
            ("CRC32C", $out.checksum_crc32_c),
            ("CRC64NVME", $out.checksum_crc64_nvme),
            ("MD5", $out.checksum_md5),
            ("SHA1", $out.checksum_sha1),
            ("SHA256", $out.checksum_sha256),
            ("SHA512", $out.checksum_sha512),
            ("XXHASH64", $out.checksum_xxhash64),
            ("XXHASH3", $out.checksum_xxhash3),
            ("XXHASH128", $out.checksum_xxhash128),
        ]
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)))
        .collect()
    };
}
pub(super) use checksums;

/// What HeadObject and GetObject answer alike.
macro_rules! described {
    ($out:expr, $status:expr) => {
        Response {
            http_status: $status,
            etag: $out.e_tag,
            version_id: $out.version_id,
            size: $out.content_length.and_then(|length| u64::try_from(length).ok()),
            last_modified: $out.last_modified.as_ref().and_then(values::time),
            storage_class: $out.storage_class.map(|class| class.as_str().to_owned()),
            restore: $out.restore.as_deref().map(restore),
            content: ContentHeaders {
                cache_control: $out.cache_control,
                content_disposition: $out.content_disposition,
                content_encoding: $out.content_encoding,
                content_language: $out.content_language,
                content_type: $out.content_type,
                expires: $out.expires_string.as_deref().and_then(http_date),
            },
            user_metadata: $out.metadata.into_iter().flatten().collect(),
            encryption: Encryption {
                algorithm: $out.server_side_encryption.map(|algorithm| algorithm.as_str().to_owned()),
                kms_key_id: $out.ssekms_key_id,
                bucket_key_enabled: $out.bucket_key_enabled,
            },
            replication_status: $out.replication_status.map(|status| status.as_str().to_owned()),
            lock: ObjectLock {
                retention: locked(
                    $out.object_lock_mode.as_ref().map(|mode| mode.as_str()),
                    $out.object_lock_retain_until_date.as_ref(),
                ),
                legal_hold: $out.object_lock_legal_hold_status.as_ref().map(is_on),
                event_hold: event_hold(
                    $out.object_lock_event_hold.as_ref(),
                    $out.object_lock_mode.as_ref(),
                    $out.object_lock_event_hold_duration_days,
                    $out.object_lock_event_hold_duration_years,
                ),
            },
            tag_count: $out.tag_count.and_then(|count| u32::try_from(count).ok()),
            parts_count: $out.parts_count.and_then(|count| u32::try_from(count).ok()),
            website_redirect_location: $out.website_redirect_location,
            checksum_type: $out.checksum_type.map(|kind| kind.as_str().to_owned()),
            checksums: checksums!($out),
            ..Response::default()
        }
    };
}

pub(super) fn head(answer: Answered<HeadObjectOutput>) -> Response {
    let mut output = answer.output;
    let archive_status = output.archive_status.take().map(|status| status.as_str().to_owned());
    Response { archive_status, ..described!(output, answer.status) }
}

pub(super) fn get(answer: Answered<GetObjectOutput>) -> (Response, ByteStream) {
    let mut output = answer.output;
    let body = std::mem::take(&mut output.body);
    (described!(output, answer.status), body)
}

/// The size of the object of which an answer has a range: `bytes 0-9/100` (RFC 9110 section 14.4).
pub(super) fn whole_size(content_range: Option<&str>) -> Option<u64> {
    content_range?.rsplit_once('/')?.1.parse().ok()
}

/// `None` if the answer does not say that a copy was made.
pub(super) fn copy(answer: Answered<CopyObjectOutput>) -> Option<Response> {
    let Answered { output, status } = answer;
    let result = output.copy_object_result?;
    Some(Response {
        etag: Some(result.e_tag?),
        last_modified: result.last_modified.as_ref().and_then(values::time),
        ..of_version(status, output.version_id)
    })
}

pub(super) fn tagging(answer: Answered<GetObjectTaggingOutput>) -> Response {
    let Answered { output, status } = answer;
    let tags = output.tag_set.into_iter().map(|tag| Tag { key: tag.key, value: tag.value }).collect();
    Response { tags, ..of_version(status, output.version_id) }
}

pub(super) fn acl(answer: Answered<GetObjectAclOutput>) -> Response {
    let Answered { output, status } = answer;
    let acl = Acl {
        owner: output.owner.and_then(|owner| owner.id),
        grants: output.grants.into_iter().flatten().filter_map(grant).collect(),
    };
    Response { acl: Some(acl), ..of_version(status, None) }
}

/// A grant in our terms; `None` for kinds of grants that S3 did not have when this was written.
fn grant(grant: types::Grant) -> Option<Grant> {
    let permission = Permission::from_name(grant.permission?.as_str())?;
    let types::Grantee { id, uri, email_address, .. } = grant.grantee?;
    let grantee =
        id.map(Grantee::Id).or(uri.map(Grantee::Uri)).or(email_address.map(Grantee::EmailAddress))?;
    Some(Grant { grantee, permission })
}

pub(super) fn list(answer: Answered<ListObjectsV2Output>) -> Response {
    let Answered { output, status } = answer;
    // A store that does not know the parameter sends keys as they are and does not repeat it.
    let encoded = output.encoding_type == Some(types::EncodingType::Url);
    let decode = |text: String| if encoded { decode_key(&text) } else { text };
    let objects = output.contents.into_iter().flatten().filter_map(|object| {
        Some(ListedObject {
            key: decode(object.key?),
            etag: object.e_tag,
            size: object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            storage_class: object.storage_class.map(|class| class.as_str().to_owned()),
            last_modified: object.last_modified.as_ref().and_then(values::time),
        })
    });
    let page = ListPage {
        objects: objects.collect(),
        common_prefixes: output
            .common_prefixes
            .into_iter()
            .flatten()
            .filter_map(|p| p.prefix)
            .map(decode)
            .collect(),
        next_continuation_token: output.next_continuation_token,
    };
    Response { list: Some(page), ..of_version(status, None) }
}

pub(super) fn versions(answer: Answered<ListObjectVersionsOutput>) -> Response {
    let Answered { output, status } = answer;
    let encoded = output.encoding_type == Some(types::EncodingType::Url);
    let decode = |text: String| if encoded { decode_key(&text) } else { text };
    let versions = output.versions.into_iter().flatten().filter_map(|version| {
        let object = ListedObject {
            key: decode(version.key?),
            etag: version.e_tag,
            size: version.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            storage_class: version.storage_class.map(|class| class.as_str().to_owned()),
            last_modified: version.last_modified.as_ref().and_then(values::time),
        };
        Some(ListedVersion {
            object,
            version_id: version.version_id.unwrap_or_else(|| NULL_VERSION.to_owned()),
            is_latest: version.is_latest.unwrap_or(false),
            is_delete_marker: false,
        })
    });
    let markers = output.delete_markers.into_iter().flatten().filter_map(|marker| {
        let last_modified = marker.last_modified.as_ref().and_then(values::time);
        let object = ListedObject {
            key: decode(marker.key?),
            etag: None,
            size: 0,
            storage_class: None,
            last_modified,
        };
        Some(ListedVersion {
            object,
            version_id: marker.version_id.unwrap_or_else(|| NULL_VERSION.to_owned()),
            is_latest: marker.is_latest.unwrap_or(false),
            is_delete_marker: true,
        })
    });
    let mut versions: Vec<ListedVersion> = versions.chain(markers).collect();
    // Stable: of each key the versions stay as the store orders them, the newest first.
    versions.sort_by(|a, b| a.object.key.cmp(&b.object.key));
    let next_key = output.next_key_marker.filter(|_| output.is_truncated == Some(true)).map(decode);
    let next = next_key.map(|key| (key, output.next_version_id_marker.filter(|version| !version.is_empty())));
    Response { versions: Some(VersionPage { versions, next }), ..of_version(status, None) }
}

/// Undoes `encoding-type=url`, which writes a space as `+`.
fn decode_key(text: &str) -> String {
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Reads `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"` (HeadObject, `x-amz-restore`).
fn restore(header: &str) -> Restore {
    let quoted = |name: &str| {
        let (_, rest) = header.split_once(name)?;
        let (value, _) = rest.strip_prefix("=\"")?.split_once('"')?;
        Some(value)
    };
    Restore {
        ongoing: quoted("ongoing-request") == Some("true"),
        expiry: quoted("expiry-date").map(str::to_owned),
    }
}

pub(super) fn deleted(answer: Answered<DeleteObjectOutput>) -> Response {
    let Answered { output, status } = answer;
    let delete_marker = output.delete_marker.unwrap_or(false);
    Response { delete_marker, ..of_version(status, output.version_id) }
}

/// What DeleteObjects says of each object, by key and version.
pub(super) fn deleted_together(
    output: DeleteObjectsOutput,
) -> BTreeMap<(String, Option<String>), Result<Response, StoreError>> {
    // Some stores have an empty element where there is no version.
    let version = |id: Option<String>| id.filter(|id| !id.is_empty());
    let deleted = output.deleted.unwrap_or_default().into_iter().filter_map(|object| {
        let version_id = object.delete_marker_version_id.or_else(|| object.version_id.clone());
        let delete_marker = object.delete_marker.unwrap_or(false);
        let response = Response { delete_marker, ..of_version(NO_CONTENT, version_id) };
        Some(((object.key?, version(object.version_id)), Ok(response)))
    });
    let refused = output.errors.unwrap_or_default().into_iter().filter_map(|error| {
        let refusal = refused_one(error.code.as_deref(), error.message.as_deref());
        Some(((error.key?, version(error.version_id)), Err(refusal)))
    });
    deleted.chain(refused).collect()
}

pub(super) fn legal_hold(answer: Answered<GetObjectLegalHoldOutput>) -> Response {
    let Answered { output, status } = answer;
    let legal_hold = output.legal_hold.and_then(|hold| hold.status).as_ref().map(is_on);
    Response { lock: ObjectLock { legal_hold, ..ObjectLock::default() }, ..of_version(status, None) }
}

pub(super) fn retention(answer: Answered<GetObjectRetentionOutput>) -> Response {
    let Answered { output, status } = answer;
    let found = output.retention.as_ref();
    let retention = found.and_then(|retention| {
        locked(retention.mode.as_ref().map(|mode| mode.as_str()), retention.retain_until_date.as_ref())
    });
    let duration = found.and_then(|retention| retention.event_hold_duration.as_ref());
    let event_hold = event_hold(
        found.and_then(|retention| retention.event_hold.as_ref()),
        found.and_then(|retention| retention.mode.as_ref()),
        duration.and_then(|duration| duration.days),
        duration.and_then(|duration| duration.years),
    );
    Response { lock: ObjectLock { retention, event_hold, legal_hold: None }, ..of_version(status, None) }
}

pub(super) fn lock_configuration(answer: Answered<GetObjectLockConfigurationOutput>) -> Response {
    let Answered { output, status } = answer;
    let enabled = output.object_lock_configuration.and_then(|it| it.object_lock_enabled);
    let lock_enabled = enabled == Some(types::ObjectLockEnabled::Enabled);
    Response { lock_enabled, ..of_version(status, None) }
}

pub(super) fn versioning(answer: Answered<GetBucketVersioningOutput>) -> Response {
    let Answered { output, status } = answer;
    let versioning = output.status.map(|status| status.as_str().to_owned());
    Response { versioning, ..of_version(status, None) }
}

/// A retention with all that it needs.
fn locked(mode: Option<&str>, until: Option<&DateTime>) -> Option<Retention> {
    Some(Retention { mode: mode?.to_owned(), retain_until: values::time(until?)? })
}

fn event_hold<M: AsRef<str>>(
    hold: Option<&types::ObjectLockEventHold>,
    mode: Option<&M>,
    days: Option<i32>,
    years: Option<i32>,
) -> Option<EventHold> {
    let count = |number: i32| u32::try_from(number).ok();
    let days = days.and_then(count).map(HoldDuration::Days);
    let duration = days.or_else(|| years.and_then(count).map(HoldDuration::Years));
    let mode = mode.map(|mode| mode.as_ref().to_owned());
    hold.map(|hold| EventHold { on: *hold == types::ObjectLockEventHold::On, mode, duration })
}

fn is_on(status: &types::ObjectLockLegalHoldStatus) -> bool {
    *status == types::ObjectLockLegalHoldStatus::On
}

pub(super) fn uploads(answer: Answered<ListMultipartUploadsOutput>) -> Response {
    let Answered { output, status } = answer;
    let encoded = output.encoding_type == Some(types::EncodingType::Url);
    let decode = |text: String| if encoded { decode_key(&text) } else { text };
    let uploads = output.uploads.into_iter().flatten().filter_map(|upload| {
        Some(ListedUpload {
            key: decode(upload.key?),
            upload_id: upload.upload_id?,
            initiated: upload.initiated.as_ref().and_then(values::time),
        })
    });
    let uploads = uploads.collect();
    let next_key = output.next_key_marker.filter(|_| output.is_truncated == Some(true)).map(decode);
    let next = next_key.map(|key| (key, output.next_upload_id_marker.filter(|id| !id.is_empty())));
    Response { uploads: Some(UploadPage { uploads, next }), ..of_version(status, None) }
}

fn http_date(text: &str) -> Option<jiff::Timestamp> {
    values::time(&DateTime::from_str(text, Format::HttpDate).ok()?)
}

#[cfg(test)]
mod tests;
