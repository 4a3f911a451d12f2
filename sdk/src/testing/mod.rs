//! A store of fixtures for unit tests of operations: no network, no engine.
//!
//! Put objects in, run the operation, look at what was sent. Writes of objects, tags and ACLs change the fixtures, so
//! that a later read sees them, and so do those of locks, versions and uploads; [`FakeStore::fail`] makes a call fail. It is
//! no S3: versions are what a fixture lists, and beside conditions on ETags nothing is checked that a store would check.

mod answers;
pub(crate) mod raw;
pub(crate) mod raw_host;
mod uploads;
pub(crate) mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

pub use values::Sent;

use crate::{EventHold, Grant, Object, Operation, Request, StoreError, Tag, Task, Upload, Version};

/// One object of a [`FakeStore`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fixture {
    /// Size in bytes, as HeadObject tells it; need not be that of `body`.
    pub size: u64,
    /// The bytes.
    pub body: Vec<u8>,
    /// ETag.
    pub etag: Option<String>,
    /// Storage class; `None` is STANDARD.
    pub storage_class: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// User metadata.
    pub user_metadata: Vec<(String, String)>,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Grants of the ACL.
    pub grants: Vec<Grant>,
    /// Canonical user ID of the owner.
    pub owner: Option<String>,
    /// Whether a restore is in progress; `None`: never restored.
    pub restore_ongoing: Option<bool>,
    /// When the restored copy goes away.
    pub restore_expiry: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`, RFC 3339.
    pub expires: Option<String>,
    /// When it was last written, RFC 3339.
    pub last_modified: Option<String>,
    /// Mode of its retention.
    pub lock_mode: Option<String>,
    /// End of its retention, RFC 3339.
    pub retain_until: Option<String>,
    /// Whether there is a legal hold; `None`: never was.
    pub legal_hold: Option<bool>,
    /// Its event hold.
    pub event_hold: Option<EventHold>,
    /// Server-side encryption.
    pub sse: Option<String>,
    /// KMS key.
    pub kms_key_id: Option<String>,
    /// Whether an S3 Bucket Key is used.
    pub bucket_key: Option<bool>,
    /// Replication status.
    pub replication_status: Option<String>,
    /// Where a website's visitors are sent on to.
    pub website_redirect: Option<String>,
    /// How many parts it was uploaded in.
    pub parts_count: Option<u32>,
    /// Checksums: algorithm and value in base64.
    pub checksums: Vec<(String, String)>,
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub checksum_type: Option<String>,
    /// Archive tier of INTELLIGENT_TIERING.
    pub archive_status: Option<String>,
    /// What ListObjectVersions says: versions the newest first, then delete markers the newest first.
    pub versions: Vec<Version>,
    /// What ListMultipartUploads says.
    pub uploads: Vec<Upload>,
}

impl Fixture {
    /// An object with these bytes, of that size, and an ETag.
    pub fn of(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let etag = Some(values::etag(&body));
        Self { size: body.len() as u64, body, etag, ..Self::default() }
    }

    /// An object with these tags.
    pub fn tagged<'t>(tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let tags = tags
            .into_iter()
            .map(|(key, value)| Tag { key: key.to_owned(), value: value.to_owned() })
            .collect();
        Self { tags, ..Self::default() }
    }
}

/// What tasks of a [`FakeStore`] take for the time.
pub const NOW: &str = "2026-01-15T12:00:00Z";

/// Where an object is: bucket and key.
pub(crate) type Place = (String, String);

/// What an endpoint does with the body of a call: the body of its answer, or its error.
pub(crate) type Answering = dyn Fn(&[u8]) -> Result<Vec<u8>, StoreError>;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) objects: BTreeMap<Place, Fixture>,
    pub(crate) endpoints: BTreeMap<String, Rc<Answering>>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) failures: VecDeque<(String, StoreError)>,
    /// Buckets whose objects can be locked.
    pub(crate) lockable: BTreeSet<String>,
    /// Buckets that keep versions.
    pub(crate) versioned: BTreeSet<String>,
    /// Replication configurations, by bucket.
    pub(crate) replication: BTreeMap<String, String>,
    /// Versions on one page of a listing; `None`: all of them.
    pub(crate) page: Option<usize>,
    /// Multipart uploads that operations have begun, by ID.
    pub(crate) begun: BTreeMap<String, uploads::Begun>,
}

/// A store of fixtures. Clones share it.
#[derive(Clone, Default)]
pub struct FakeStore(pub(crate) Rc<RefCell<State>>);

impl FakeStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an object into the store.
    pub fn insert(&self, bucket: &str, key: &str, fixture: Fixture) {
        self.0.borrow_mut().objects.insert((bucket.to_owned(), key.to_owned()), fixture);
    }

    /// What the store holds there.
    pub fn fixture(&self, bucket: &str, key: &str) -> Option<Fixture> {
        self.0.borrow().objects.get(&(bucket.to_owned(), key.to_owned())).cloned()
    }

    /// Makes the next call of that name (`PutObjectTagging`) fail; several wait in line.
    pub fn fail(&self, call: &str, code: &str, http_status: u16) {
        let error = StoreError {
            code: code.to_owned(),
            message: format!("{call} was made to fail"),
            http_status: Some(http_status),
            retryable: false,
        };
        self.fail_with(call, error);
    }

    /// Makes the next call of that name fail with an error of one's own.
    pub fn fail_with(&self, call: &str, error: StoreError) {
        self.0.borrow_mut().failures.push_back((call.to_owned(), error));
    }

    /// Lets objects of a bucket be locked.
    pub fn lockable(&self, bucket: &str) {
        self.0.borrow_mut().lockable.insert(bucket.to_owned());
    }

    /// Makes a bucket keep versions.
    pub fn versioned(&self, bucket: &str) {
        self.0.borrow_mut().versioned.insert(bucket.to_owned());
    }

    /// Gives a bucket a replication configuration: JSON in the names of the S3 API.
    pub fn replicated(&self, bucket: &str, configuration: &str) {
        self.0.borrow_mut().replication.insert(bucket.to_owned(), configuration.to_owned());
    }

    /// Lists so many versions at once.
    pub fn page(&self, versions: usize) {
        self.0.borrow_mut().page = Some(versions);
    }

    /// Makes an endpoint: `answer` gets the body of each call and answers with one, or with an error.
    pub fn endpoint(&self, name: &str, answer: impl Fn(&[u8]) -> Result<Vec<u8>, StoreError> + 'static) {
        self.0.borrow_mut().endpoints.insert(name.to_owned(), Rc::new(answer));
    }

    /// The current version of an object, whether it is there or not.
    pub fn object(&self, bucket: &str, key: &str) -> Object<'static> {
        self.version(bucket, key, None)
    }

    /// One version of an object.
    pub fn version(&self, bucket: &str, key: &str, version_id: Option<&str>) -> Object<'static> {
        raw::Object::new(self, bucket, key, version_id).into()
    }

    /// The first run of a task.
    pub fn task(&self) -> Task<'static> {
        self.task_with([])
    }

    /// The first run of a task whose manifest row has these columns: names and values.
    pub fn task_with<'t>(&self, columns: impl IntoIterator<Item = (&'t str, &'t str)>) -> Task<'static> {
        let columns = columns.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        raw_host::Task { attempt: 1, columns, now: NOW.to_owned() }.into()
    }

    /// A further run of a task that was answered with `AgainAfter`.
    pub fn task_again(&self, attempt: u32) -> Task<'static> {
        raw_host::Task { attempt, columns: Vec::new(), now: NOW.to_owned() }.into()
    }

    /// How many multipart uploads operations have begun and neither completed nor aborted.
    pub fn open_uploads(&self) -> usize {
        self.0.borrow().begun.len()
    }

    /// Every request sent so far, one line each: call, object, settings.
    pub fn sent(&self) -> Vec<String> {
        self.0.borrow().sent.iter().map(ToString::to_string).collect()
    }

    /// Every request sent so far.
    pub fn requests(&self) -> Vec<Sent> {
        self.0.borrow().sent.clone()
    }
}

/// The operation with parameters in JSON, made as the engine makes it.
///
/// # Errors
/// What the job file's author would read.
pub fn operation<T: Operation>(parameters: &str) -> Result<T, String> {
    crate::glue::configure(parameters)
}

/// The requests of a plan, one line each, in the form of [`FakeStore::sent`].
pub fn lines(plan: &[Request]) -> Vec<String> {
    plan.iter().map(|request| request.0.line()).collect()
}
