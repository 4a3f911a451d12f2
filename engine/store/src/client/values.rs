//! Our values in the SDK's terms, and in those of S3's headers.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use longshore_job::ObjectId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::request::{AclHeaders, EventHold, Grant, Grantee, Permission, Tag};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same, but for the `/` within paths.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// `x-amz-copy-source`: `bucket/key`, URL-encoded, and the version.
pub(super) fn copy_source(source: &ObjectId) -> String {
    let path = format!("{}/{}", source.bucket, utf8_percent_encode(&source.key, RESERVED_IN_PATH));
    match &source.version_id {
        None => path,
        Some(version) => format!("{path}?versionId={}", utf8_percent_encode(version, RESERVED)),
    }
}

/// `x-amz-tagging`: the tags as URL query parameters. `None` if there are none.
pub(super) fn tagging_header(tags: &[Tag]) -> Option<String> {
    let encode = |text| utf8_percent_encode(text, RESERVED);
    let pairs: Vec<String> =
        tags.iter().map(|tag| format!("{}={}", encode(&tag.key), encode(&tag.value))).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

pub(super) fn tags(tags: &[Tag]) -> Result<Vec<types::Tag>, BuildError> {
    tags.iter().map(|tag| types::Tag::builder().key(&tag.key).value(&tag.value).build()).collect()
}

pub(super) fn metadata(metadata: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!metadata.is_empty())
        .then(|| metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// An `x-amz-grant-…` header. The header is a list: a grantee that could be read as several is refused.
pub(super) fn grant_header(acl: &AclHeaders, permission: Permission) -> Result<Option<String>, String> {
    let ambiguous = |c: char| matches!(c, ',' | '"' | '\\') || c.is_whitespace() || c.is_control();
    match acl
        .grants
        .iter()
        .find(|grant| grant.grantee.value().contains(ambiguous) || grant.grantee.value().is_empty())
    {
        Some(grant) => Err(format!(
            "{:?} cannot be the {} of a grantee",
            grant.grantee.value(),
            grant.grantee.type_name()
        )),
        None => Ok(acl.grant_header(permission)),
    }
}

/// An `AccessControlPolicy` document.
pub(super) fn acl_document(owner: &str, grants: &[Grant]) -> Result<types::AccessControlPolicy, String> {
    let grants: Result<Vec<_>, _> = grants.iter().map(grant).collect();
    Ok(types::AccessControlPolicy::builder()
        .owner(types::Owner::builder().id(owner).build())
        .set_grants(Some(grants.map_err(|error| error.to_string())?))
        .build())
}

fn grant(grant: &Grant) -> Result<types::Grant, BuildError> {
    let grantee = types::Grantee::builder();
    let grantee = match &grant.grantee {
        Grantee::Id(id) => grantee.r#type(types::Type::CanonicalUser).id(id),
        Grantee::EmailAddress(address) => {
            grantee.r#type(types::Type::AmazonCustomerByEmail).email_address(address)
        }
        Grantee::Uri(uri) => grantee.r#type(types::Type::Group).uri(uri),
    };
    Ok(types::Grant::builder().grantee(grantee.build()?).permission(grant.permission.as_str().into()).build())
}

/// `x-amz-request-payer`.
pub(super) fn payer(requester_pays: bool) -> Option<types::RequestPayer> {
    requester_pays.then_some(types::RequestPayer::Requester)
}

pub(super) fn legal_hold(on: bool) -> types::ObjectLockLegalHoldStatus {
    if on { types::ObjectLockLegalHoldStatus::On } else { types::ObjectLockLegalHoldStatus::Off }
}

pub(super) fn event_hold(hold: &EventHold) -> types::ObjectLockEventHold {
    if hold.on { types::ObjectLockEventHold::On } else { types::ObjectLockEventHold::Off }
}

pub(super) fn hold_duration(hold: &EventHold) -> Option<types::EventHoldDuration> {
    hold.duration?;
    let duration = types::EventHoldDuration::builder();
    Some(duration.set_days(hold_days(hold)).set_years(hold_years(hold)).build())
}

pub(super) fn hold_days(hold: &EventHold) -> Option<i32> {
    i32::try_from(hold.duration?.days()?).ok()
}

pub(super) fn hold_years(hold: &EventHold) -> Option<i32> {
    i32::try_from(hold.duration?.years()?).ok()
}

pub(super) fn sdk_time(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.as_second())
}

/// A time of an answer. One that no calendar holds is as good as none.
pub(super) fn time(time: &DateTime) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanoseconds).ok()
}

#[cfg(test)]
mod tests;
