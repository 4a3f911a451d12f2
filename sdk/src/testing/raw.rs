//! The contract's interface `s3`, natively: requests are written down and answered from fixtures.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

pub(crate) use super::values::{Grant, Sent, StoreError, Tag, Upload, Version};
use super::{Answering, FakeStore, Fixture, Place, State, answers};

pub struct Object {
    store: FakeStore,
    bucket: String,
    key: String,
    version_id: Option<String>,
}

impl Object {
    pub(crate) fn new(store: &FakeStore, bucket: &str, key: &str, version_id: Option<&str>) -> Self {
        let version_id = version_id.map(ToOwned::to_owned);
        Self { store: store.clone(), bucket: bucket.to_owned(), key: key.to_owned(), version_id }
    }

    fn request(&self, call: &'static str) -> Request {
        let sent = Sent {
            call,
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            version_id: self.version_id.clone(),
            provisional: false,
            settings: Vec::new(),
        };
        Request { store: Rc::clone(&self.store.0), body: Vec::new(), target: None, sent: RefCell::new(sent) }
    }

    pub(crate) fn open_beside(&self, bucket: &str, key: &str, version_id: Option<&str>) -> Self {
        Self::new(&self.store, bucket, key, version_id)
    }

    pub(crate) fn bucket(&self) -> String {
        self.bucket.clone()
    }

    pub(crate) fn key(&self) -> String {
        self.key.clone()
    }

    pub(crate) fn version_id(&self) -> Option<String> {
        self.version_id.clone()
    }

    pub(crate) fn head(&self) -> Request {
        self.request("HeadObject")
    }

    pub(crate) fn get(&self) -> Request {
        self.request("GetObject")
    }

    pub(crate) fn put(&self, body: &[u8]) -> Request {
        let request = self.request("PutObject");
        request.set("bytes", body.len());
        Request { body: body.to_vec(), ..request }
    }

    pub(crate) fn copy_to(&self, bucket: &str, key: &str) -> Request {
        let request = self.request("CopyObject");
        request.set("to", format_args!("s3://{bucket}/{key}"));
        Request { target: Some((bucket.to_owned(), key.to_owned())), ..request }
    }

    pub(crate) fn delete(&self) -> Request {
        self.request("DeleteObject")
    }

    pub(crate) fn get_tags(&self) -> Request {
        self.request("GetObjectTagging")
    }

    pub(crate) fn put_tags(&self, tags: &[Tag]) -> Request {
        let request = self.request("PutObjectTagging");
        tags.iter().for_each(|tag| request.add_tag(tag));
        request
    }

    pub(crate) fn delete_tags(&self) -> Request {
        self.request("DeleteObjectTagging")
    }

    pub(crate) fn get_acl(&self) -> Request {
        self.request("GetObjectAcl")
    }

    pub(crate) fn put_acl(&self) -> Request {
        self.request("PutObjectAcl")
    }

    pub(crate) fn restore(&self) -> Request {
        self.request("RestoreObject")
    }

    pub(crate) fn put_legal_hold(&self, on: bool) -> Request {
        let request = self.request("PutObjectLegalHold");
        request.set_legal_hold(on);
        request
    }

    pub(crate) fn get_legal_hold(&self) -> Request {
        self.request("GetObjectLegalHold")
    }

    pub(crate) fn put_retention(&self) -> Request {
        self.request("PutObjectRetention")
    }

    pub(crate) fn get_retention(&self) -> Request {
        self.request("GetObjectRetention")
    }

    pub(crate) fn get_lock_configuration(&self) -> Request {
        self.request("GetObjectLockConfiguration")
    }

    pub(crate) fn get_replication(&self) -> Request {
        self.request("GetBucketReplication")
    }

    pub(crate) fn get_versioning(&self) -> Request {
        self.request("GetBucketVersioning")
    }

    pub(crate) fn list_versions(&self, after: Option<&str>) -> Request {
        let request = self.request("ListObjectVersions");
        after.iter().for_each(|after| request.set("after", after));
        request
    }

    pub(crate) fn list_uploads(&self, after: Option<&str>) -> Request {
        let request = self.request("ListMultipartUploads");
        after.iter().for_each(|after| request.set("after", after));
        request
    }

    pub(crate) fn abort_upload(&self, upload_id: &str) -> Request {
        let request = self.request("AbortMultipartUpload");
        request.set("upload-id", upload_id);
        request
    }

    pub(crate) fn create_upload(&self) -> Request {
        self.request("CreateMultipartUpload")
    }

    pub(crate) fn upload_part(&self, upload_id: &str, number: u32, body: &[u8]) -> Request {
        let request = self.request("UploadPart");
        request.set("upload-id", upload_id);
        request.set("part-number", number);
        request.set("bytes", body.len());
        Request { body: body.to_vec(), ..request }
    }

    pub(crate) fn complete_upload(&self, upload_id: &str) -> Request {
        let request = self.request("CompleteMultipartUpload");
        request.set("upload-id", upload_id);
        request
    }

    pub(crate) fn checksum(&self, algorithm: &str) -> Request {
        let request = self.request("GetObject");
        request.set("checksum", algorithm);
        request
    }

    pub(crate) fn update_encryption(&self, kms_key_arn: &str) -> Request {
        let request = self.request("UpdateObjectEncryption");
        request.set_kms_key_id(kms_key_arn);
        request
    }

    pub(crate) fn invoke_beside(&self, endpoint: &str, body: &[u8]) -> Request {
        let request = self.request("InvokeEndpoint");
        request.set("endpoint", endpoint);
        request.set("body", String::from_utf8_lossy(body));
        Request { body: body.to_vec(), ..request }
    }
}

pub struct Request {
    store: Rc<RefCell<State>>,
    body: Vec<u8>,
    target: Option<Place>,
    sent: RefCell<Sent>,
}

/// Setters that write down a text under the name of the setting.
macro_rules! text_setters {
    ($($setter:ident = $name:literal;)*) => {
        impl Request {$(
            pub(crate) fn $setter(&self, value: &str) {
                self.set($name, value);
            }
        )*}
    };
}

text_setters! {
    set_if_match = "if-match";
    set_if_none_match = "if-none-match";
    set_source_if_match = "source-if-match";
    set_storage_class = "storage-class";
    set_metadata_directive = "metadata-directive";
    set_content_type = "content-type";
    set_cache_control = "cache-control";
    set_content_disposition = "content-disposition";
    set_content_encoding = "content-encoding";
    set_content_language = "content-language";
    set_expires = "expires";
    set_tagging_directive = "tagging-directive";
    set_canned_acl = "canned-acl";
    set_owner = "owner";
    set_sse = "sse";
    set_kms_key_id = "kms-key-id";
    set_restore_tier = "tier";
    set_source_if_modified_since = "source-if-modified-since";
    set_source_if_unmodified_since = "source-if-unmodified-since";
    set_store = "store";
    set_checksum_algorithm = "checksum-algorithm";
    set_website_redirect = "website-redirect";
    set_annotation_directive = "annotation-directive";
}

impl Request {
    fn set(&self, name: &'static str, value: impl fmt::Display) {
        self.sent.borrow_mut().settings.push((name, value.to_string()));
    }

    pub(crate) fn line(&self) -> String {
        self.sent.borrow().to_string()
    }

    pub(crate) fn provisional(&self) {
        self.sent.borrow_mut().provisional = true;
    }

    pub(crate) fn set_range(&self, first: u64, last: Option<u64>) {
        self.set("range", format_args!("{first}-{}", last.map(|last| last.to_string()).unwrap_or_default()));
    }

    pub(crate) fn add_user_metadata(&self, name: &str, value: &str) {
        self.set("metadata", format_args!("{name}={value}"));
    }

    pub(crate) fn add_tag(&self, tag: &Tag) {
        self.set("tag", format_args!("{}={}", tag.key, tag.value));
    }

    pub(crate) fn add_grant(&self, grant: &Grant) {
        self.set("grant", format_args!("{}:{}={}", grant.grantee_type, grant.grantee, grant.permission));
    }

    pub(crate) fn set_bucket_key(&self, enabled: bool) {
        self.set("bucket-key", enabled);
    }

    pub(crate) fn set_requester_pays(&self) {
        self.set("requester-pays", true);
    }

    pub(crate) fn set_multipart_threshold(&self, bytes: u64) {
        self.set("multipart-threshold", bytes);
    }

    pub(crate) fn set_part_size(&self, bytes: u64) {
        self.set("part-size", bytes);
    }

    pub(crate) fn set_restore_days(&self, days: u32) {
        self.set("days", days);
    }

    pub(crate) fn set_lock(&self, mode: &str, retain_until: &str) {
        self.set("lock", format_args!("{mode}:{retain_until}"));
    }

    pub(crate) fn set_legal_hold(&self, on: bool) {
        self.set("legal-hold", if on { "ON" } else { "OFF" });
    }

    pub(crate) fn set_event_hold(&self, on: bool, mode: Option<&str>, days: Option<u32>, years: Option<u32>) {
        let state = if on { "ON" } else { "OFF" };
        let mode = mode.map(|mode| format!(":{mode}")).unwrap_or_default();
        let time = days.map(|days| format!(":{days}d")).or_else(|| years.map(|years| format!(":{years}y")));
        self.set("event-hold", format_args!("{state}{mode}{}", time.unwrap_or_default()));
    }

    pub(crate) fn set_bypass_governance(&self) {
        self.set("bypass-governance", true);
    }

    pub(crate) fn set_checksums(&self) {
        self.set("checksums", true);
    }

    pub(crate) fn set_composite(&self, part_size: u64) {
        self.set("composite", part_size);
    }

    pub(crate) fn set_part_number(&self, number: u32) {
        self.set("part-number", number);
    }
}

pub(crate) fn send(request: Request) -> Result<Response, StoreError> {
    let sent = request.sent.into_inner();
    let mut state = request.store.borrow_mut();
    state.sent.push(sent.clone());
    if let Some(position) = state.failures.iter().position(|(call, _)| call == sent.call)
        && let Some((_, error)) = state.failures.remove(position)
    {
        return Err(error);
    }
    if sent.call == "InvokeEndpoint" {
        let answering = answering(&state, &sent)?;
        drop(state);
        let body = answering(&request.body)?;
        return Ok(Response {
            http_status: 200,
            fixture: Fixture { body, ..Fixture::default() },
            ..Response::default()
        });
    }
    answers::answer(&mut state, &sent, request.target, request.body)
}

fn answering(state: &State, sent: &Sent) -> Result<Rc<Answering>, StoreError> {
    let name = sent.settings.iter().find(|(name, _)| *name == "endpoint").map(|(_, value)| value.as_str());
    let found = name.and_then(|name| state.endpoints.get(name));
    found.cloned().ok_or_else(|| StoreError {
        code: "InvalidRequest".to_owned(),
        message: format!("there is no endpoint {name:?}"),
        http_status: None,
        retryable: false,
    })
}

pub(crate) fn tags_of(sent: &Sent) -> Vec<Tag> {
    let tags = sent.settings.iter().filter(|(name, _)| *name == "tag");
    tags.filter_map(|(_, tag)| tag.split_once('='))
        .map(|(key, value)| Tag { key: key.to_owned(), value: value.to_owned() })
        .collect()
}

#[derive(Default)]
pub(crate) struct Response {
    pub(crate) http_status: u16,
    /// The object that was read or written, as it is after the request.
    pub(crate) fixture: Fixture,
    pub(crate) version_id: Option<String>,
    pub(crate) delete_marker: bool,
    pub(crate) lock_enabled: bool,
    pub(crate) replication_configuration: Option<String>,
    pub(crate) versioning: Option<String>,
    pub(crate) next_version: Option<String>,
    pub(crate) upload_id: Option<String>,
}

/// Getters that copy a part of the fixture.
macro_rules! fixture_getters {
    ($($name:ident: $type:ty;)*) => {
        impl Response {$(
            pub(crate) fn $name(&self) -> $type {
                self.fixture.$name.clone()
            }
        )*}
    };
}

fixture_getters! {
    etag: Option<String>;
    storage_class: Option<String>;
    restore_ongoing: Option<bool>;
    restore_expiry: Option<String>;
    content_type: Option<String>;
    cache_control: Option<String>;
    content_disposition: Option<String>;
    content_encoding: Option<String>;
    content_language: Option<String>;
    expires: Option<String>;
    user_metadata: Vec<(String, String)>;
    tags: Vec<Tag>;
    grants: Vec<Grant>;
    owner: Option<String>;
    body: Vec<u8>;
    retain_until: Option<String>;
    legal_hold: Option<bool>;
    last_modified: Option<String>;
    sse: Option<String>;
    kms_key_id: Option<String>;
    bucket_key: Option<bool>;
    replication_status: Option<String>;
    website_redirect: Option<String>;
    parts_count: Option<u32>;
    checksums: Vec<(String, String)>;
    checksum_type: Option<String>;
    archive_status: Option<String>;
    versions: Vec<Version>;
    uploads: Vec<Upload>;
}

/// Getters that copy a part of the answer.
macro_rules! answer_getters {
    ($($name:ident: $type:ty;)*) => {
        impl Response {$(
            pub(crate) fn $name(&self) -> $type {
                self.$name.clone()
            }
        )*}
    };
}

impl Response {
    pub(crate) fn lock_mode(&self) -> Option<String> {
        let held = self.fixture.event_hold.as_ref().and_then(|hold| hold.mode.clone());
        self.fixture.lock_mode.clone().or(held)
    }

    pub(crate) fn event_hold(&self) -> Option<bool> {
        self.fixture.event_hold.as_ref().map(|hold| hold.on)
    }

    pub(crate) fn event_hold_days(&self) -> Option<u32> {
        self.fixture.event_hold.as_ref().and_then(|hold| hold.days)
    }

    pub(crate) fn event_hold_years(&self) -> Option<u32> {
        self.fixture.event_hold.as_ref().and_then(|hold| hold.years)
    }
}

answer_getters! {
    http_status: u16;
    version_id: Option<String>;
    delete_marker: bool;
    lock_enabled: bool;
    replication_configuration: Option<String>;
    versioning: Option<String>;
    next_version: Option<String>;
    upload_id: Option<String>;
}

impl Response {
    pub(crate) fn size(&self) -> Option<u64> {
        Some(self.fixture.size)
    }

    pub(crate) fn tag_count(&self) -> Option<u32> {
        u32::try_from(self.fixture.tags.len()).ok()
    }

    /// All uploads of a fixture are on one page.
    pub(crate) fn next_upload(&self) -> Option<String> {
        None
    }
}
