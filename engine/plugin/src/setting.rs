//! Which setting fits which request: pure changes to request values.
//!
//! Each function returns a sentence where the setting has no place in that kind of request, or the value none in S3.

use std::fmt::Display;
use std::str::FromStr;

use longshore_store::{
    AclHeaders, AnnotationDirective, ByteRange, ContentHeaders, CopyObject, Directive, Encryption, EventHold,
    Grant, Grantee, HoldDuration, ObjectLock, Permission, Request, Retention, Tag,
};

use crate::bindings::longshore::operation::s3;
use crate::text::quoted;

type Fit = Result<(), String>;

/// Puts `value` where `slot` says, or says that there is no such place.
fn put<T>(request: &mut Request, name: &str, value: T, slot: fn(&mut Request) -> Option<&mut T>) -> Fit {
    let call = request.name();
    *slot(request).ok_or_else(|| format!("{call} has no {name}"))? = value;
    Ok(())
}

fn content(request: &mut Request) -> Option<&mut ContentHeaders> {
    match request {
        Request::PutObject(put) => Some(&mut put.content),
        Request::CopyObject(copy) => Some(&mut copy.content),
        Request::CreateMultipartUpload(create) => Some(&mut create.content),
        _ => None,
    }
}

fn acl_headers(request: &mut Request) -> Option<&mut AclHeaders> {
    match request {
        Request::PutObject(put) => Some(&mut put.acl),
        Request::CopyObject(copy) => Some(&mut copy.acl),
        Request::CreateMultipartUpload(create) => Some(&mut create.acl),
        Request::PutObjectAcl(put) => Some(&mut put.acl),
        _ => None,
    }
}

fn encryption(request: &mut Request) -> Option<&mut Encryption> {
    match request {
        Request::PutObject(put) => Some(&mut put.encryption),
        Request::CopyObject(copy) => Some(&mut copy.encryption),
        Request::CreateMultipartUpload(create) => Some(&mut create.encryption),
        _ => None,
    }
}

fn copy_of(request: &mut Request) -> Option<&mut CopyObject> {
    match request {
        Request::CopyObject(copy) => Some(copy),
        _ => None,
    }
}

pub(crate) fn range(request: &mut Request, range: ByteRange) -> Fit {
    if range.last.is_some_and(|last| last < range.first) {
        return Err(format!("the range {range} ends before it begins"));
    }
    put(request, "range", Some(range), |request| match request {
        Request::GetObject(get) => Some(&mut get.range),
        _ => None,
    })
}

pub(crate) fn if_match(request: &mut Request, etag: String) -> Fit {
    put(request, "if-match", Some(etag), |request| match request {
        Request::HeadObject(head) => Some(&mut head.if_match),
        Request::GetObject(get) => Some(&mut get.if_match),
        Request::PutObject(put) => Some(&mut put.if_match),
        Request::DeleteObject(delete) => Some(&mut delete.if_match),
        Request::DigestObject(digest) => Some(&mut digest.if_match),
        Request::CompleteMultipartUpload(complete) => Some(&mut complete.if_match),
        _ => None,
    })
}

pub(crate) fn if_none_match(request: &mut Request, etag: String) -> Fit {
    put(request, "if-none-match", Some(etag), |request| match request {
        Request::HeadObject(head) => Some(&mut head.if_none_match),
        Request::GetObject(get) => Some(&mut get.if_none_match),
        Request::PutObject(put) => Some(&mut put.if_none_match),
        Request::CopyObject(copy) => Some(&mut copy.if_none_match),
        Request::CompleteMultipartUpload(complete) => Some(&mut complete.if_none_match),
        _ => None,
    })
}

pub(crate) fn source_if_match(request: &mut Request, etag: String) -> Fit {
    put(request, "source-if-match", Some(etag), |request| {
        copy_of(request).map(|copy| &mut copy.copy_source_if_match)
    })
}

pub(crate) fn storage_class(request: &mut Request, class: String) -> Fit {
    put(request, "storage-class", Some(class), |request| match request {
        Request::PutObject(put) => Some(&mut put.storage_class),
        Request::CopyObject(copy) => Some(&mut copy.storage_class),
        Request::CreateMultipartUpload(create) => Some(&mut create.storage_class),
        _ => None,
    })
}

fn directive(name: &str) -> Result<Directive, String> {
    Directive::from_name(name)
        .ok_or_else(|| format!("{} is no directive; COPY and REPLACE are", quoted(name)))
}

pub(crate) fn metadata_directive(request: &mut Request, name: &str) -> Fit {
    put(request, "metadata-directive", Some(directive(name)?), |request| {
        copy_of(request).map(|copy| &mut copy.metadata_directive)
    })
}

pub(crate) fn tagging_directive(request: &mut Request, name: &str) -> Fit {
    put(request, "tagging-directive", Some(directive(name)?), |request| {
        copy_of(request).map(|copy| &mut copy.tagging_directive)
    })
}

pub(crate) fn content_type(request: &mut Request, value: String) -> Fit {
    put(request, "content-type", Some(value), |request| content(request).map(|it| &mut it.content_type))
}

pub(crate) fn cache_control(request: &mut Request, value: String) -> Fit {
    put(request, "cache-control", Some(value), |request| content(request).map(|it| &mut it.cache_control))
}

pub(crate) fn content_disposition(request: &mut Request, value: String) -> Fit {
    put(request, "content-disposition", Some(value), |request| {
        content(request).map(|it| &mut it.content_disposition)
    })
}

pub(crate) fn content_encoding(request: &mut Request, value: String) -> Fit {
    put(request, "content-encoding", Some(value), |request| {
        content(request).map(|it| &mut it.content_encoding)
    })
}

pub(crate) fn content_language(request: &mut Request, value: String) -> Fit {
    put(request, "content-language", Some(value), |request| {
        content(request).map(|it| &mut it.content_language)
    })
}

/// A time of whichever type its place has.
fn time<T: FromStr<Err: Display>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|why| format!("{} is no time in RFC 3339: {why}", quoted(value)))
}

pub(crate) fn expires(request: &mut Request, value: &str) -> Fit {
    put(request, "expires", Some(time(value)?), |request| content(request).map(|it| &mut it.expires))
}

pub(crate) fn user_metadata(request: &mut Request, name: String, value: String) -> Fit {
    let metadata = match request {
        Request::PutObject(put) => &mut put.user_metadata,
        Request::CopyObject(copy) => &mut copy.user_metadata,
        Request::CreateMultipartUpload(create) => &mut create.user_metadata,
        other => return Err(format!("{} has no user metadata", other.name())),
    };
    metadata.insert(name, value);
    Ok(())
}

pub(crate) fn tag(request: &mut Request, tag: Tag) -> Fit {
    let tags = match request {
        Request::PutObject(put) => &mut put.tags,
        Request::CopyObject(copy) => &mut copy.tags,
        Request::CreateMultipartUpload(create) => &mut create.tags,
        Request::PutObjectTagging(put) => &mut put.tags,
        other => return Err(format!("{} has no tags", other.name())),
    };
    tags.push(tag);
    Ok(())
}

pub(crate) fn canned_acl(request: &mut Request, acl: String) -> Fit {
    put(request, "canned-acl", Some(acl), |request| acl_headers(request).map(|it| &mut it.canned))
}

pub(crate) fn grant(request: &mut Request, grant: s3::Grant) -> Fit {
    let s3::Grant { grantee_type, grantee, permission } = grant;
    let grantee = Grantee::of_type(&grantee_type, grantee).ok_or_else(|| {
        format!("{} is no type of grantee; id, emailAddress and uri are", quoted(&grantee_type))
    })?;
    let permission = Permission::from_name(&permission)
        .ok_or_else(|| format!("{} is no permission of an ACL", quoted(&permission)))?;
    let call = request.name();
    let acl = acl_headers(request).ok_or_else(|| format!("{call} has no grants"))?;
    acl.grants.push(Grant { grantee, permission });
    Ok(())
}

pub(crate) fn owner(request: &mut Request, id: String) -> Fit {
    put(request, "owner", Some(id), |request| match request {
        Request::PutObjectAcl(put) => Some(&mut put.owner),
        _ => None,
    })
}

pub(crate) fn sse(request: &mut Request, algorithm: String) -> Fit {
    put(request, "sse", Some(algorithm), |request| encryption(request).map(|it| &mut it.algorithm))
}

pub(crate) fn kms_key_id(request: &mut Request, id: String) -> Fit {
    put(request, "kms-key-id", Some(id), |request| encryption(request).map(|it| &mut it.kms_key_id))
}

pub(crate) fn bucket_key(request: &mut Request, enabled: bool) -> Fit {
    put(request, "bucket-key", Some(enabled), |request| match request {
        Request::UpdateObjectEncryption(update) => Some(&mut update.bucket_key_enabled),
        other => encryption(other).map(|it| &mut it.bucket_key_enabled),
    })
}

pub(crate) fn restore_days(request: &mut Request, days: u32) -> Fit {
    put(request, "restore-days", Some(days), |request| match request {
        Request::RestoreObject(restore) => Some(&mut restore.days),
        _ => None,
    })
}

pub(crate) fn restore_tier(request: &mut Request, tier: String) -> Fit {
    put(request, "restore-tier", Some(tier), |request| match request {
        Request::RestoreObject(restore) => Some(&mut restore.tier),
        _ => None,
    })
}

pub(crate) fn source_if_modified_since(request: &mut Request, value: &str) -> Fit {
    put(request, "source-if-modified-since", Some(time(value)?), |request| {
        copy_of(request).map(|copy| &mut copy.copy_source_if_modified_since)
    })
}

pub(crate) fn source_if_unmodified_since(request: &mut Request, value: &str) -> Fit {
    put(request, "source-if-unmodified-since", Some(time(value)?), |request| {
        copy_of(request).map(|copy| &mut copy.copy_source_if_unmodified_since)
    })
}

pub(crate) fn requester_pays(request: &mut Request) -> Fit {
    put(request, "requester-pays", true, |request| match request {
        Request::HeadObject(head) => Some(&mut head.requester_pays),
        Request::GetObject(get) => Some(&mut get.requester_pays),
        Request::GetObjectTagging(get) => Some(&mut get.requester_pays),
        Request::CopyObject(copy) => Some(&mut copy.requester_pays),
        _ => None,
    })
}

fn object_lock(request: &mut Request) -> Option<&mut ObjectLock> {
    match request {
        Request::PutObject(put) => Some(&mut put.lock),
        Request::CopyObject(copy) => Some(&mut copy.lock),
        Request::CreateMultipartUpload(create) => Some(&mut create.lock),
        _ => None,
    }
}

fn known_mode(mode: &str) -> Fit {
    match mode {
        "GOVERNANCE" | "COMPLIANCE" => Ok(()),
        other => Err(format!("{} is no mode of a lock; GOVERNANCE and COMPLIANCE are", quoted(other))),
    }
}

pub(crate) fn lock(request: &mut Request, mode: String, retain_until: &str) -> Fit {
    known_mode(&mode)?;
    let retain_until = retain_until
        .parse()
        .map_err(|why| format!("{} is no time in RFC 3339: {why}", quoted(retain_until)))?;
    put(request, "lock", Some(Retention { mode, retain_until }), |request| match request {
        Request::PutObjectRetention(put) => Some(&mut put.retention),
        other => object_lock(other).map(|lock| &mut lock.retention),
    })
}

pub(crate) fn legal_hold(request: &mut Request, on: bool) -> Fit {
    put(request, "legal-hold", Some(on), |request| object_lock(request).map(|lock| &mut lock.legal_hold))
}

pub(crate) fn event_hold(
    request: &mut Request,
    on: bool,
    mode: Option<String>,
    (days, years): (Option<u32>, Option<u32>),
) -> Fit {
    mode.as_deref().map_or(Ok(()), known_mode)?;
    if days.is_some() && years.is_some() {
        return Err("event-hold is for days or for years, not for both".to_owned());
    }
    let duration = days.map(HoldDuration::Days).or_else(|| years.map(HoldDuration::Years));
    put(request, "event-hold", Some(EventHold { on, mode, duration }), |request| match request {
        Request::PutObjectRetention(put) => Some(&mut put.event_hold),
        other => object_lock(other).map(|lock| &mut lock.event_hold),
    })
}

pub(crate) fn annotation_directive(request: &mut Request, name: &str) -> Fit {
    let directive = AnnotationDirective::from_name(name)
        .ok_or_else(|| format!("{} is no directive; COPY and EXCLUDE are", quoted(name)))?;
    put(request, "annotation-directive", Some(directive), |request| {
        copy_of(request).map(|copy| &mut copy.annotation_directive)
    })
}

pub(crate) fn bypass_governance(request: &mut Request) -> Fit {
    put(request, "bypass-governance", true, |request| match request {
        Request::PutObjectRetention(put) => Some(&mut put.bypass_governance),
        Request::DeleteObject(delete) => Some(&mut delete.bypass_governance),
        _ => None,
    })
}

pub(crate) fn target_store(request: &mut Request, name: String) -> Fit {
    put(request, "store", Some(name), |request| copy_of(request).map(|copy| &mut copy.transfer.target_store))
}

pub(crate) fn multipart_threshold(request: &mut Request, bytes: u64) -> Fit {
    put(request, "multipart-threshold", Some(bytes), |request| {
        copy_of(request).map(|copy| &mut copy.transfer.multipart_threshold)
    })
}

pub(crate) fn part_size(request: &mut Request, bytes: u64) -> Fit {
    put(request, "part-size", Some(bytes), |request| {
        copy_of(request).map(|copy| &mut copy.transfer.part_size)
    })
}

pub(crate) fn checksum_algorithm(request: &mut Request, algorithm: String) -> Fit {
    put(request, "checksum-algorithm", Some(algorithm), |request| match request {
        Request::PutObject(put) => Some(&mut put.checksum_algorithm),
        Request::CopyObject(copy) => Some(&mut copy.checksum_algorithm),
        Request::CreateMultipartUpload(create) => Some(&mut create.checksum_algorithm),
        _ => None,
    })
}

pub(crate) fn website_redirect(request: &mut Request, location: String) -> Fit {
    put(request, "website-redirect", Some(location), |request| match request {
        Request::PutObject(put) => Some(&mut put.website_redirect_location),
        Request::CopyObject(copy) => Some(&mut copy.website_redirect_location),
        Request::CreateMultipartUpload(create) => Some(&mut create.website_redirect_location),
        _ => None,
    })
}

pub(crate) fn checksums(request: &mut Request) -> Fit {
    put(request, "checksums", true, |request| match request {
        Request::HeadObject(head) => Some(&mut head.checksums),
        _ => None,
    })
}

pub(crate) fn composite(request: &mut Request, part_size: u64) -> Fit {
    if part_size == 0 {
        return Err("a part has at least one byte".to_owned());
    }
    put(request, "composite", Some(part_size), |request| match request {
        Request::DigestObject(digest) => Some(&mut digest.part_size),
        _ => None,
    })
}

pub(crate) fn part_number(request: &mut Request, number: u32) -> Fit {
    put(request, "part-number", Some(number), |request| match request {
        Request::HeadObject(head) => Some(&mut head.part_number),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
