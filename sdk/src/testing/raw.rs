//! The contract's interface `s3`, natively: requests are written down and answered from fixtures.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::{Answering, FakeStore, Fixture, Place, State};

/// An object tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// 1–128 characters.
    pub key: String,
    /// 0–256 characters.
    pub value: String,
}

/// One grant of an access control list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `id` (canonical user ID), `emailAddress` or `uri` (a predefined group).
    pub grantee_type: String,
    /// The ID, address or URI.
    pub grantee: String,
    /// `FULL_CONTROL`, `READ`, `WRITE`, `READ_ACP` or `WRITE_ACP`.
    pub permission: String,
}

/// Why a request did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// The store's error code (`NoSuchKey`, …), `AccessDenied` also for a refusal by the role's policies.
    pub code: String,
    /// What happened, in a sentence.
    pub message: String,
    /// HTTP status; none if there was no answer.
    pub http_status: Option<u16>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

/// A request as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The S3 call: `PutObjectTagging`.
    pub call: &'static str,
    /// Bucket of the object it was made from.
    pub bucket: String,
    /// Key of that object.
    pub key: String,
    /// Version of that object.
    pub version_id: Option<String>,
    /// Whether it was planned as provisional.
    pub provisional: bool,
    /// What was set, in order: name and value.
    pub settings: Vec<(&'static str, String)>,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s3://{}/{}", self.call, self.bucket, self.key)?;
        if let Some(version_id) = &self.version_id {
            write!(f, "?versionId={version_id}")?;
        }
        for (name, value) in &self.settings {
            write!(f, " {name}={value}")?;
        }
        if self.provisional { write!(f, " (provisional)") } else { Ok(()) }
    }
}

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

    pub(crate) fn set_restore_days(&self, days: u32) {
        self.set("days", days);
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
        return Ok(Response { http_status: 200, fixture: Fixture { body, ..Fixture::default() } });
    }
    answer(&mut state, &sent, request.target, request.body)
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

fn answer(
    state: &mut State,
    sent: &Sent,
    target: Option<Place>,
    body: Vec<u8>,
) -> Result<Response, StoreError> {
    let place = (sent.bucket.clone(), sent.key.clone());
    if sent.call == "PutObject" {
        let fixture = Fixture { size: body.len() as u64, body, tags: tags_of(sent), ..Fixture::default() };
        state.objects.insert(place, fixture.clone());
        return Ok(Response { http_status: 200, fixture });
    }
    let fixture = state.objects.get_mut(&place).ok_or_else(|| no_such_key(&place))?;
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
        _ => {}
    }
    let fixture = fixture.clone();
    if let Some(target) = target {
        state.objects.insert(target, fixture.clone());
    }
    if sent.call == "DeleteObject" {
        state.objects.remove(&place);
        http_status = 204;
    }
    Ok(Response { http_status, fixture })
}

fn no_such_key((bucket, key): &Place) -> StoreError {
    StoreError {
        code: "NoSuchKey".to_owned(),
        message: format!("there is no fixture s3://{bucket}/{key}"),
        http_status: Some(404),
        retryable: false,
    }
}

fn tags_of(sent: &Sent) -> Vec<Tag> {
    let tags = sent.settings.iter().filter(|(name, _)| *name == "tag");
    tags.filter_map(|(_, tag)| tag.split_once('='))
        .map(|(key, value)| Tag { key: key.to_owned(), value: value.to_owned() })
        .collect()
}

pub(crate) struct Response {
    http_status: u16,
    fixture: Fixture,
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
    content_type: Option<String>;
    user_metadata: Vec<(String, String)>;
    tags: Vec<Tag>;
    grants: Vec<Grant>;
    owner: Option<String>;
    body: Vec<u8>;
}

/// Getters of what fixtures do not have.
macro_rules! absent {
    ($($name:ident)*) => {
        impl Response {$(
            pub(crate) fn $name(&self) -> Option<String> {
                None
            }
        )*}
    };
}

absent!(version_id restore_expiry cache_control content_disposition content_encoding content_language);

impl Response {
    pub(crate) fn http_status(&self) -> u16 {
        self.http_status
    }

    pub(crate) fn size(&self) -> Option<u64> {
        Some(self.fixture.size)
    }
}
