//! How the fake store answers.

use super::raw::{Response, tags_of};
use super::{Fixture, Place, Sent, State, uploads};
use crate::{EventHold, Grant, StoreError, Version};

pub(crate) fn answer(
    state: &mut State,
    sent: &Sent,
    target: Option<Place>,
    body: Vec<u8>,
) -> Result<Response, StoreError> {
    let place = (sent.bucket.clone(), sent.key.clone());
    if !matches!(sent.call, "CopyObject") {
        refuse_other(state.objects.get(&place), sent)?;
    }
    match sent.call {
        "PutObject" => {
            let fixture = written(body, sent);
            state.objects.insert(place, fixture.clone());
            Ok(found(200, fixture))
        }
        "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
            uploads::answer(state, sent, place, body)
        }
        "GetObjectLockConfiguration" => {
            let lock_enabled = state.lockable.contains(&sent.bucket);
            Ok(Response { lock_enabled, ..found(200, Fixture::default()) })
        }
        "GetBucketVersioning" => {
            let versioning = state.versioned.contains(&sent.bucket).then(|| "Enabled".to_owned());
            Ok(Response { versioning, ..found(200, Fixture::default()) })
        }
        "GetBucketReplication" => {
            let configuration = state.replication.get(&sent.bucket).cloned().ok_or_else(|| {
                let message = "The replication configuration was not found".to_owned();
                refused("ReplicationConfigurationNotFoundError", 404, message)
            })?;
            let replication_configuration = Some(configuration);
            Ok(Response { replication_configuration, ..found(200, Fixture::default()) })
        }
        "ListObjectVersions" | "ListMultipartUploads" => {
            let fixture = state.objects.get(&place).cloned().unwrap_or_default();
            Ok(page(fixture, sent.setting("after"), state.page))
        }
        "AbortMultipartUpload" => abort(state, sent, &place),
        "DeleteObject" => Ok(delete(state, sent, &place)),
        _ => on_object(state, sent, &place, target),
    }
}

pub(super) fn found(http_status: u16, fixture: Fixture) -> Response {
    Response { http_status, fixture, ..Response::default() }
}

fn page(mut fixture: Fixture, after: Option<&str>, length: Option<usize>) -> Response {
    if let Some(after) = after
        && let Some(place) = fixture.versions.iter().position(|version| version.version_id == after)
    {
        fixture.versions.drain(..=place);
    }
    let mut next_version = None;
    if let Some(length) = length.filter(|&length| length < fixture.versions.len()) {
        fixture.versions.truncate(length);
        next_version = fixture.versions.last().map(|version| version.version_id.clone());
    }
    Response { next_version, ..found(200, fixture) }
}

fn abort(state: &mut State, sent: &Sent, place: &Place) -> Result<Response, StoreError> {
    if sent.setting("upload-id").and_then(|id| state.begun.remove(id)).is_some() {
        return Ok(found(204, Fixture::default()));
    }
    let uploads = state.objects.get_mut(place).map(|fixture| &mut fixture.uploads);
    let position = |uploads: &Vec<crate::Upload>| {
        uploads.iter().position(|upload| Some(upload.upload_id.as_str()) == sent.setting("upload-id"))
    };
    match uploads.and_then(|uploads| Some((position(uploads)?, uploads))) {
        Some((place, uploads)) => {
            uploads.remove(place);
            Ok(found(204, Fixture::default()))
        }
        None => Err(refused("NoSuchUpload", 404, "there is no such upload".to_owned())),
    }
}

/// S3's own answer to the deletion of what is not there is that it is gone.
fn delete(state: &mut State, sent: &Sent, place: &Place) -> Response {
    let gone = |delete_marker| Response { delete_marker, ..found(204, Fixture::default()) };
    let Some(fixture) = state.objects.get_mut(place) else { return gone(false) };
    let Some(version) = &sent.version_id else {
        if fixture.versions.is_empty() {
            state.objects.remove(place);
            return gone(false);
        }
        fixture.versions.iter_mut().for_each(|version| version.is_latest = false);
        fixture.versions.push(made("made", true, 0));
        return Response { version_id: Some("made".to_owned()), ..gone(true) };
    };
    let known = fixture.versions.iter().position(|known| known.version_id == *version);
    let removed = known.map(|known| fixture.versions.remove(known));
    if removed.as_ref().is_some_and(|version| version.is_latest)
        && let Some(newest) = fixture.versions.iter_mut().max_by(|a, b| a.last_modified.cmp(&b.last_modified))
    {
        newest.is_latest = true;
    }
    Response {
        version_id: Some(version.clone()),
        ..gone(removed.is_some_and(|version| version.is_delete_marker))
    }
}

/// The current version that a request makes.
fn made(version_id: &str, is_delete_marker: bool, size: u64) -> Version {
    Version {
        version_id: version_id.to_owned(),
        is_latest: true,
        is_delete_marker,
        last_modified: Some(super::NOW.to_owned()),
        size,
    }
}

fn on_object(
    state: &mut State,
    sent: &Sent,
    place: &Place,
    target: Option<Place>,
) -> Result<Response, StoreError> {
    let (bucket, key) = place;
    let fixture = state
        .objects
        .get_mut(place)
        .ok_or_else(|| refused("NoSuchKey", 404, format!("there is no fixture s3://{bucket}/{key}")))?;
    there(fixture, sent)?;
    let latest = fixture.versions.iter().find(|version| version.is_latest);
    let mut version_id = sent.version_id.clone().or_else(|| latest.map(|version| version.version_id.clone()));
    let mut http_status = 200;
    match sent.call {
        "PutObjectTagging" => fixture.tags = tags_of(sent),
        "DeleteObjectTagging" => {
            fixture.tags.clear();
            http_status = 204;
        }
        "RestoreObject" if fixture.restore_ongoing.is_none() => {
            fixture.restore_ongoing = Some(true);
            http_status = 202;
        }
        "PutObjectLegalHold" => fixture.legal_hold = sent.setting("legal-hold").map(|hold| hold == "ON"),
        "PutObjectRetention" => {
            let lock = sent.setting("lock").and_then(|lock| lock.split_once(':'));
            fixture.lock_mode = lock.map(|(mode, _)| mode.to_owned());
            fixture.retain_until = lock.map(|(_, until)| until.to_owned());
            fixture.event_hold = sent.setting("event-hold").and_then(event_hold);
        }
        "GetObjectLegalHold" if fixture.legal_hold.is_none() => return Err(no_lock()),
        "GetObjectRetention" if fixture.lock_mode.is_none() && fixture.event_hold.is_none() => {
            return Err(no_lock());
        }
        "UpdateObjectEncryption" => {
            fixture.sse = Some("aws:kms".to_owned());
            fixture.kms_key_id = sent.setting("kms-key-id").map(str::to_owned);
        }
        _ => {}
    }
    let mut fixture = fixture.clone();
    if let Some(range) = sent.setting("range") {
        fixture.body = cut(&fixture.body, range)?;
        http_status = 206;
    }
    if let Some(target) = target {
        refuse_unmet(state, sent, &target, &fixture)?;
        let mut copy = copied(fixture.clone(), sent);
        version_id = state.versioned.contains(&target.0).then(|| "made".to_owned());
        copy.versions = version_id.iter().map(|id| made(id, false, copy.size)).collect();
        state.objects.insert(target, copy);
    }
    Ok(Response { version_id, ..found(http_status, fixture) })
}

/// Whether a fixture that lists versions has the one that is asked for.
fn there(fixture: &Fixture, sent: &Sent) -> Result<(), StoreError> {
    if fixture.versions.is_empty() {
        return Ok(());
    }
    let is_asked = |version: &&Version| match &sent.version_id {
        Some(asked) => version.version_id == *asked,
        None => version.is_latest,
    };
    match (fixture.versions.iter().find(is_asked), &sent.version_id) {
        (Some(version), _) if !version.is_delete_marker => Ok(()),
        (Some(_), Some(_)) => Err(refused("MethodNotAllowed", 405, "this is a delete marker".to_owned())),
        (None, Some(_)) => Err(refused("NoSuchVersion", 404, "there is no such version".to_owned())),
        (_, None) => Err(refused("NoSuchKey", 404, "a delete marker hides the object".to_owned())),
    }
}

/// The conditions that a copy has: the source's ETag, and no object in its place.
fn refuse_unmet(state: &State, sent: &Sent, target: &Place, source: &Fixture) -> Result<(), StoreError> {
    let other = sent.setting("source-if-match").is_some_and(|etag| source.etag.as_deref() != Some(etag));
    let taken = sent.setting("if-none-match").is_some() && state.objects.contains_key(target);
    if other || taken { Err(unmet()) } else { Ok(()) }
}

/// The conditions of other requests: the ETag of the object, or that there is none.
fn refuse_other(object: Option<&Fixture>, sent: &Sent) -> Result<(), StoreError> {
    let etag = object.and_then(|object| object.etag.as_deref());
    let other = sent.setting("if-match").is_some_and(|wanted| object.is_some() && etag != Some(wanted));
    let same = |refused: &str| object.is_some() && (refused == "*" || etag == Some(refused));
    if other || sent.setting("if-none-match").is_some_and(same) { Err(unmet()) } else { Ok(()) }
}

fn unmet() -> StoreError {
    refused("PreconditionFailed", 412, "a condition of the request is not met".to_owned())
}

/// The bytes of a range: `FIRST-` or `FIRST-LAST`.
fn cut(body: &[u8], range: &str) -> Result<Vec<u8>, StoreError> {
    let number = |text: &str| text.parse::<usize>().ok();
    let (first, last) = range.split_once('-').unwrap_or((range, ""));
    let end = number(last).map_or(body.len(), |last| last.saturating_add(1).min(body.len()));
    let bytes = number(first).and_then(|first| body.get(first..end)).filter(|bytes| !bytes.is_empty());
    bytes.map(<[u8]>::to_vec).ok_or_else(|| {
        refused("InvalidRange", 416, format!("an object of {} bytes has no range {range}", body.len()))
    })
}

/// What a put makes of bytes.
pub(super) fn written(body: Vec<u8>, sent: &Sent) -> Fixture {
    let text = |name| sent.setting(name).map(str::to_owned);
    let mut fixture = Fixture {
        storage_class: text("storage-class"),
        sse: text("sse"),
        kms_key_id: text("kms-key-id"),
        tags: tags_of(sent),
        ..Fixture::of(body)
    };
    describe(&mut fixture, sent);
    fixture
}

/// Gives a fixture the content headers and the user metadata of a request.
fn describe(fixture: &mut Fixture, sent: &Sent) {
    let text = |name| sent.setting(name).map(str::to_owned);
    fixture.content_type = text("content-type");
    fixture.cache_control = text("cache-control");
    fixture.content_disposition = text("content-disposition");
    fixture.content_encoding = text("content-encoding");
    fixture.content_language = text("content-language");
    fixture.expires = text("expires");
    let user = sent.settings.iter().filter(|(name, _)| *name == "metadata");
    let pairs = user.filter_map(|(_, entry)| entry.split_once('='));
    fixture.user_metadata = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
}

/// The grants that a request gives; of canned ACLs, that everyone may read.
fn grants_of(sent: &Sent) -> Vec<Grant> {
    let grant = |grantee_type: &str, grantee: &str, permission: &str| Grant {
        grantee_type: grantee_type.to_owned(),
        grantee: grantee.to_owned(),
        permission: permission.to_owned(),
    };
    let everyone = (sent.setting("canned-acl") == Some("public-read"))
        .then(|| grant("uri", "http://acs.amazonaws.com/groups/global/AllUsers", "READ"));
    let given = sent.settings.iter().filter(|(name, _)| *name == "grant").filter_map(|(_, text)| {
        let (grantee, permission) = text.rsplit_once('=')?;
        let (grantee_type, grantee) = grantee.split_once(':')?;
        Some(grant(grantee_type, grantee, permission))
    });
    given.chain(everyone).collect()
}

/// What a copy becomes: its source, with what the request sets. Class, encryption, lock and ACL are never the source's.
fn copied(source: Fixture, sent: &Sent) -> Fixture {
    let text = |name| sent.setting(name).map(str::to_owned);
    let lock = sent.setting("lock").and_then(|lock| lock.split_once(':'));
    let mut copy = Fixture {
        storage_class: text("storage-class"),
        sse: text("sse"),
        kms_key_id: text("kms-key-id"),
        bucket_key: sent.setting("bucket-key").map(|enabled| enabled == "true"),
        website_redirect: text("website-redirect"),
        lock_mode: lock.map(|(mode, _)| mode.to_owned()),
        retain_until: lock.map(|(_, until)| until.to_owned()),
        legal_hold: sent.setting("legal-hold").map(|hold| hold == "ON"),
        event_hold: sent.setting("event-hold").and_then(event_hold),
        restore_ongoing: None,
        restore_expiry: None,
        ..source
    };
    if let Some(algorithm) = text("checksum-algorithm") {
        copy.checksums = vec![(algorithm, "Y29tcHV0ZWQ=".to_owned())];
    }
    copy.grants = grants_of(sent);
    if sent.setting("metadata-directive") == Some("REPLACE") {
        describe(&mut copy, sent);
    }
    if sent.setting("tagging-directive") == Some("REPLACE") {
        copy.tags = tags_of(sent);
    }
    copy
}

/// `ON`, `ON:30d`, `OFF:1y`, `ON:GOVERNANCE:30d`.
fn event_hold(text: &str) -> Option<EventHold> {
    let mut words = text.split(':');
    let mut hold = EventHold { on: words.next() == Some("ON"), ..EventHold::default() };
    for word in words {
        let count = |unit| word.strip_suffix(unit).and_then(|count| count.parse().ok());
        match (count('d'), count('y')) {
            (None, None) => hold.mode = Some(word.to_owned()),
            (days, years) => (hold.days, hold.years) = (days, years),
        }
    }
    Some(hold)
}

fn no_lock() -> StoreError {
    let message = "the fixture has no such lock".to_owned();
    refused("NoSuchObjectLockConfiguration", 404, message)
}

pub(super) fn refused(code: &str, http_status: u16, message: String) -> StoreError {
    StoreError { code: code.to_owned(), message, http_status: Some(http_status), retryable: false }
}
