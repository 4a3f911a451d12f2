//! The object at hand, the task at hand.

use crate::call::{
    AbortMultipartUpload, Checksum, CopyObject, DeleteObject, DeleteObjectTagging, GetObject, GetObjectAcl,
    GetObjectLegalHold, GetObjectLockConfiguration, GetObjectRetention, GetObjectTagging, HeadObject,
    InvokeEndpoint, ListMultipartUploads, ListObjectVersions, PutObject, PutObjectAcl, PutObjectLegalHold,
    PutObjectRetention, PutObjectTagging, RestoreObject, UpdateObjectEncryption,
};
use crate::stream::{ObjectReader, ObjectWriter};
use crate::time::Timestamp;
use crate::{Tag, raw, raw_host};

/// A host resource: the engine's own, or one that the operation opened.
enum Handle<'a, T> {
    Lent(&'a T),
    Owned(T),
}

impl<T> Handle<'_, T> {
    fn get(&self) -> &T {
        match self {
            Self::Lent(resource) => resource,
            Self::Owned(resource) => resource,
        }
    }
}

/// An object, or one version of it. Each method makes a request about it; nothing is sent before `send`.
pub struct Object<'a>(Handle<'a, raw::Object>);

impl<'a> From<&'a raw::Object> for Object<'a> {
    fn from(object: &'a raw::Object) -> Self {
        Self(Handle::Lent(object))
    }
}

impl From<raw::Object> for Object<'_> {
    fn from(object: raw::Object) -> Self {
        Self(Handle::Owned(object))
    }
}

impl Object<'_> {
    pub(crate) fn raw(&self) -> &raw::Object {
        self.0.get()
    }

    /// Bucket name.
    pub fn bucket(&self) -> String {
        self.raw().bucket()
    }

    /// Key, decoded.
    pub fn key(&self) -> String {
        self.raw().key()
    }

    /// Version ID; `None` means the current version.
    pub fn version_id(&self) -> Option<String> {
        self.raw().version_id()
    }

    /// Another object of the same store.
    pub fn open(&self, bucket: &str, key: &str, version_id: Option<&str>) -> Object<'static> {
        Object(Handle::Owned(self.raw().open_beside(bucket, key, version_id)))
    }

    /// HeadObject.
    pub fn head(&self) -> HeadObject {
        HeadObject(self.raw().head())
    }

    /// GetObject. The body comes into the operation's memory: give a range where objects may be large, or use [`Object::reader`].
    pub fn get(&self) -> GetObject {
        GetObject(self.raw().get())
    }

    /// PutObject.
    pub fn put(&self, body: &[u8]) -> PutObject {
        PutObject(self.raw().put(body))
    }

    /// The object's bytes as a stream, fetched as they are read, however many they are.
    pub fn reader(&self) -> ObjectReader<'_> {
        ObjectReader::new(self)
    }

    /// A stream that becomes the object, however much is written.
    pub fn writer(&self) -> ObjectWriter<'_> {
        self.writer_with(|put| put)
    }

    /// A stream that becomes the object, with what else the object shall have: `object.writer_with(|put|
    /// put.content_type("text/csv"))`. Conditions are settings of the writer.
    pub fn writer_with<'o>(&'o self, settings: impl Fn(PutObject) -> PutObject + 'o) -> ObjectWriter<'o> {
        ObjectWriter::new(self, Box::new(settings))
    }

    /// CopyObject from this object to `key` in `bucket`. The bytes stay in the store.
    pub fn copy_to(&self, bucket: &str, key: &str) -> CopyObject {
        CopyObject(self.raw().copy_to(bucket, key))
    }

    /// DeleteObject.
    pub fn delete(&self) -> DeleteObject {
        DeleteObject(self.raw().delete())
    }

    /// GetObjectTagging.
    pub fn get_tags(&self) -> GetObjectTagging {
        GetObjectTagging(self.raw().get_tags())
    }

    /// PutObjectTagging: replaces the whole tag set.
    pub fn put_tags<K: Into<String>, V: Into<String>>(
        &self,
        tags: impl IntoIterator<Item = (K, V)>,
    ) -> PutObjectTagging {
        let tags: Vec<Tag> =
            tags.into_iter().map(|(key, value)| Tag { key: key.into(), value: value.into() }).collect();
        PutObjectTagging(self.raw().put_tags(&tags))
    }

    /// DeleteObjectTagging: removes the whole tag set.
    pub fn delete_tags(&self) -> DeleteObjectTagging {
        DeleteObjectTagging(self.raw().delete_tags())
    }

    /// GetObjectAcl.
    pub fn get_acl(&self) -> GetObjectAcl {
        GetObjectAcl(self.raw().get_acl())
    }

    /// PutObjectAcl: replaces the ACL. Needs a canned ACL or grants.
    pub fn put_acl(&self) -> PutObjectAcl {
        PutObjectAcl(self.raw().put_acl())
    }

    /// RestoreObject.
    pub fn restore(&self) -> RestoreObject {
        RestoreObject(self.raw().restore())
    }

    /// PutObjectLegalHold: `ON` or `OFF`.
    pub fn put_legal_hold(&self, on: bool) -> PutObjectLegalHold {
        PutObjectLegalHold(self.raw().put_legal_hold(on))
    }

    /// GetObjectLegalHold.
    pub fn get_legal_hold(&self) -> GetObjectLegalHold {
        GetObjectLegalHold(self.raw().get_legal_hold())
    }

    /// PutObjectRetention: removes the retention, unless `lock` gives one.
    pub fn put_retention(&self) -> PutObjectRetention {
        PutObjectRetention(self.raw().put_retention())
    }

    /// GetObjectRetention.
    pub fn get_retention(&self) -> GetObjectRetention {
        GetObjectRetention(self.raw().get_retention())
    }

    /// GetObjectLockConfiguration of the object's bucket.
    pub fn get_lock_configuration(&self) -> GetObjectLockConfiguration {
        GetObjectLockConfiguration(self.raw().get_lock_configuration())
    }

    /// ListObjectVersions of this key: one page, of what comes after the version `after`.
    pub fn list_versions(&self, after: Option<&str>) -> ListObjectVersions {
        ListObjectVersions(self.raw().list_versions(after))
    }

    /// ListMultipartUploads of this key: one page, of what comes after the upload `after`.
    pub fn list_uploads(&self, after: Option<&str>) -> ListMultipartUploads {
        ListMultipartUploads(self.raw().list_uploads(after))
    }

    /// AbortMultipartUpload.
    pub fn abort_upload(&self, upload_id: &str) -> AbortMultipartUpload {
        AbortMultipartUpload(self.raw().abort_upload(upload_id))
    }

    /// GetObject whose bytes the engine reads through a hasher, however many they are: `CRC32`, `CRC32C`, `CRC64NVME`, `MD5`,
    /// `SHA1`, `SHA256`, `SHA512`, `XXHASH64`, `XXHASH3` or `XXHASH128`. The answer has the checksum and no body.
    pub fn checksum(&self, algorithm: &str) -> Checksum {
        Checksum(self.raw().checksum(algorithm))
    }

    /// UpdateObjectEncryption: another KMS key, in place.
    pub fn update_encryption(&self, kms_key_arn: &str) -> UpdateObjectEncryption {
        UpdateObjectEncryption(self.raw().update_encryption(kms_key_arn))
    }

    /// A call, about this object, of an endpoint that the operator named in the engine's configuration. `body` is JSON. The
    /// answer has a status and a body; a status that is no success is an error. A parameter that names the endpoint has the
    /// JSON Schema `format` `longshore-endpoint`: then job files are checked for it.
    pub fn invoke(&self, endpoint: &str, body: &[u8]) -> InvokeEndpoint {
        InvokeEndpoint(self.raw().invoke_beside(endpoint, body))
    }
}

/// The task at hand.
pub struct Task<'a>(Handle<'a, raw_host::Task>);

impl<'a> From<&'a raw_host::Task> for Task<'a> {
    fn from(task: &'a raw_host::Task) -> Self {
        Self(Handle::Lent(task))
    }
}

impl From<raw_host::Task> for Task<'_> {
    fn from(task: raw_host::Task) -> Self {
        Self(Handle::Owned(task))
    }
}

impl Task<'_> {
    /// ID of the job.
    pub fn job_id(&self) -> String {
        self.0.get().job_id()
    }

    /// 1 for the first run of this task; one more each time it was answered with `AgainAfter`.
    pub fn attempt(&self) -> u32 {
        self.0.get().attempt()
    }

    /// The same task at its run of that number, for tests.
    #[cfg(not(target_arch = "wasm32"))]
    #[must_use]
    pub fn attempt_number(self, attempt: u32) -> Self {
        Self(Handle::Owned(raw_host::Task { attempt, ..self.0.get().clone() }))
    }

    /// What the manifest's row says in the column of this name (`fields = ["Bucket", "Key", { column = "owner" }]` in the
    /// job file); `None` if it has no such column or no value there.
    ///
    /// ```
    /// use longshore_sdk::testing::FakeStore;
    ///
    /// let task = FakeStore::new().task_with([("owner", "ann")]);
    /// assert_eq!(task.column("owner").as_deref(), Some("ann"));
    /// assert_eq!(task.column("size"), None);
    /// ```
    pub fn column(&self, name: &str) -> Option<String> {
        self.0.get().column(name)
    }

    /// The engine's time: an operation has no clock of its own.
    pub fn now(&self) -> Timestamp {
        // The engine writes valid times; with none at all, nothing would seem old.
        self.0.get().now().parse().unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(target_arch = "wasm32")]
impl raw::Object {
    /// The engine knows which store: opening is a function of the contract, not a method.
    fn open_beside(&self, bucket: &str, key: &str, version_id: Option<&str>) -> Self {
        raw::open(bucket, key, version_id)
    }

    /// An endpoint is beside the store: the object only says which task it is.
    fn invoke_beside(&self, endpoint: &str, body: &[u8]) -> raw::Request {
        crate::raw_endpoints::invoke(endpoint, body)
    }
}
