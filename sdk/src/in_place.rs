//! Copies of an object onto itself, by which S3 changes what it has no call for: storage class, encryption, metadata.
//! Whatever is not to change survives: content headers, user metadata, tags, ACL, lock, checksum algorithm, redirect.
//!
//! [`Original::put_again`] does the same for an object that gets other bytes, and [`carry`] gives a new object what describes another.

use std::collections::BTreeMap;

use crate::lock::{LockableBucket, Locks};
use crate::time::Timestamp;
use crate::{CopyObject, Failure, Grant, Object, PutObject, Request, Response, StoreError};

/// What an operation that copies in place may need.
pub const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectTagging",
    "s3:GetObjectRetention",
    "s3:GetObjectLegalHold",
    "s3:GetBucketObjectLockConfiguration",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
    "s3:PutObjectTagging",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
];

/// Content headers and user metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// `Content-Type`.
    pub content_type: Option<String>,
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
    /// User metadata: names without `x-amz-meta-`.
    pub user: BTreeMap<String, String>,
}

impl Metadata {
    /// What HeadObject says.
    pub fn of(head: &Response) -> Self {
        Self {
            content_type: head.content_type(),
            cache_control: head.cache_control(),
            content_disposition: head.content_disposition(),
            content_encoding: head.content_encoding(),
            content_language: head.content_language(),
            expires: head.expires(),
            user: head.user_metadata().into_iter().collect(),
        }
    }

    /// Gives all of it to a copy, instead of the source's.
    pub fn set(&self, copy: CopyObject) -> CopyObject {
        copy_metadata(copy.metadata_directive("REPLACE"), self)
    }
}

/// Declares how calls that write an object are given what another has.
macro_rules! likeness {
    ($call:ident, $metadata:ident, $guards:ident) => {
        fn $metadata(call: $call, metadata: &Metadata) -> $call {
            call.content_type(metadata.content_type.as_deref())
                .cache_control(metadata.cache_control.as_deref())
                .content_disposition(metadata.content_disposition.as_deref())
                .content_encoding(metadata.content_encoding.as_deref())
                .content_language(metadata.content_language.as_deref())
                .expires(metadata.expires.as_deref())
                .user_metadata(metadata.user.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        }

        /// Checksum algorithm, redirect, lock and ACL.
        fn $guards(call: $call, original: &Original, now: Timestamp) -> $call {
            let head = &original.head;
            let locks = original.locks.clone().at(now);
            call.checksum_algorithm(checksum_algorithm(head).as_deref())
                .website_redirect(head.website_redirect().as_deref())
                .lock(locks.lock())
                .event_hold(locks.event_hold.as_ref())
                .legal_hold(locks.legal_hold.then_some(true))
                .grants(&original.grants)
        }
    };
}

likeness!(CopyObject, copy_metadata, copy_guards);
likeness!(PutObject, put_metadata, put_guards);

fn checksum_algorithm(head: &Response) -> Option<String> {
    head.checksums().into_iter().next().map(|(algorithm, _)| algorithm)
}

/// A new object that is described as the one of `head` is: storage class and encryption, and the content headers and user metadata
/// that are given. Whose it is and who may read it follows from where it is put; tags are for the caller to read and set.
pub fn carry(head: &Response, metadata: &Metadata, put: PutObject) -> PutObject {
    let encryption = Encryption::of(head);
    let put = put
        .storage_class(head.storage_class().as_deref())
        .sse(encryption.algorithm.as_deref())
        .kms_key_id(encryption.kms_key_id.as_deref())
        .bucket_key(encryption.bucket_key);
    put_metadata(put, metadata)
}

/// How the store encrypts an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encryption {
    /// `AES256`, `aws:kms`, ….
    pub algorithm: Option<String>,
    /// Key ID, ARN or alias.
    pub kms_key_id: Option<String>,
    /// Whether an S3 Bucket Key is used.
    pub bucket_key: Option<bool>,
}

impl Encryption {
    /// What HeadObject says.
    pub fn of(head: &Response) -> Self {
        Self { algorithm: head.sse(), kms_key_id: head.kms_key_id(), bucket_key: head.bucket_key() }
    }
}

/// What a copy in place changes; what is `None` stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'c> {
    /// Storage class.
    pub storage_class: Option<&'c str>,
    /// Encryption.
    pub encryption: Option<&'c Encryption>,
    /// Content headers and user metadata, all of them.
    pub metadata: Option<&'c Metadata>,
}

/// An object as a copy in place finds it.
pub struct Original {
    head: Response,
    grants: Vec<Grant>,
    locks: Locks,
}

impl Original {
    /// Reads what a copy in place has to carry over. `bucket` remembers whether there may be locks.
    ///
    /// # Errors
    /// The store's; `InvalidRequest` if the row names a version that is not the current one, which a copy would bring back.
    pub fn read(object: &Object, bucket: &LockableBucket) -> Result<Self, Failure> {
        let head = current(object).head().checksums().send()?;
        if let Some(row) = object.version_id()
            && head.version_id().as_deref().unwrap_or("null") != row
        {
            let message =
                format!("version {row} is not the current one: a copy in place would bring it back");
            return Err(Failure::new("InvalidRequest", message).with_status(400));
        }
        Self::of(object, head, bucket)
    }

    /// The same where HeadObject of the current version, with checksums, was answered already.
    ///
    /// # Errors
    /// The store's.
    pub fn of(object: &Object, head: Response, bucket: &LockableBucket) -> Result<Self, Failure> {
        let object = current(object);
        let locks = if bucket.has_locks(&object)? { Locks::read(&object)? } else { Locks::of_head(&head) };
        Ok(Self { grants: grants(&object)?, head, locks })
    }

    /// What HeadObject says.
    pub fn head(&self) -> &Response {
        &self.head
    }

    /// Sends the copy, under the condition that the object still has the bytes that were read about, and
    /// [completes](Self::complete) it.
    ///
    /// # Errors
    /// The store's, and those of completing it.
    pub fn copy(&self, object: &Object, now: Timestamp, change: Change<'_>) -> Result<Response, Failure> {
        let head = &self.head;
        let class = head.storage_class();
        let encryption = change.encryption.cloned().unwrap_or_else(|| Encryption::of(head));
        let copy = current(object)
            .copy_to(&object.bucket(), &object.key())
            .source_if_match(head.etag().as_deref())
            .storage_class(change.storage_class.or(class.as_deref()))
            .sse(encryption.algorithm.as_deref())
            .kms_key_id(encryption.kms_key_id.as_deref())
            .bucket_key(encryption.bucket_key);
        let copy = copy_guards(copy, self, now);
        let copy = match change.metadata {
            Some(metadata) => metadata.set(copy),
            None => copy,
        };
        let written = copy.send()?;
        self.complete(object, &written, now)?;
        Ok(written)
    }

    /// Gives the version that was written what its request could not, or what the store ignored: locks, and rights to write.
    ///
    /// # Errors
    /// The store's; `NotImplemented` where it takes no locks.
    pub fn complete(&self, object: &Object, written: &Response, now: Timestamp) -> Result<(), Failure> {
        let version = object.open(&object.bucket(), &object.key(), written.version_id().as_deref());
        self.locks.clone().at(now).ensure(&version, None)?;
        grant_writes(&version, &self.grants)
    }

    /// A put of other bytes under the same key, by which all else stays: storage class, encryption, checksum algorithm, redirect,
    /// lock and ACL, once it is [completed](Self::complete). Content headers and user metadata are those given; tags are for the caller
    /// to read and set. Its condition is for the caller to set too: `if_match` with the ETag of [`Original::head`].
    pub fn put_again(&self, metadata: &Metadata, now: Timestamp, put: PutObject) -> PutObject {
        put_guards(carry(&self.head, metadata, put), self, now)
    }
}

/// The requests of a copy in place, for a plan: those for every object. What one with a lock or with grants needs beside them is asked
/// for once it is found.
pub fn plan(object: &Object, change: Change<'_>) -> Vec<Request> {
    let encryption = change.encryption.cloned().unwrap_or_default();
    let copy = current(object)
        .copy_to(&object.bucket(), &object.key())
        .storage_class(change.storage_class)
        .sse(encryption.algorithm.as_deref())
        .kms_key_id(encryption.kms_key_id.as_deref())
        .bucket_key(encryption.bucket_key);
    let copy = if change.metadata.is_some() { copy.metadata_directive("REPLACE") } else { copy };
    vec![
        current(object).head().checksums().planned(),
        current(object).get_lock_configuration().planned(),
        current(object).get_acl().planned(),
        copy.provisional(),
    ]
}

/// The current version, whatever the row names.
fn current(object: &Object) -> Object<'static> {
    object.open(&object.bucket(), &object.key(), None)
}

/// The grants that a copy must be given: none where the owner alone has rights, as after every write.
///
/// # Errors
/// The store's, unless it has no ACLs.
pub fn grants(object: &Object) -> Result<Vec<Grant>, StoreError> {
    let acl = match object.get_acl().send() {
        Ok(acl) => acl,
        // A store without ACLs.
        Err(error) if matches!(error.http_status, Some(405 | 501)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let owner = acl.owner();
    let grants = acl.grants();
    let owners = |grant: &Grant| {
        grant.permission == "FULL_CONTROL" && owner.as_ref().is_none_or(|owner| grant.grantee == *owner)
    };
    if grants.len() == 1 && grants.iter().all(owners) {
        return Ok(Vec::new());
    }
    Ok(grants)
}

/// Gives a new object the whole ACL, if rights to write are part of it: no header of a write grants them.
///
/// # Errors
/// The store's.
pub fn grant_writes(version: &Object, grants: &[Grant]) -> Result<(), Failure> {
    if !grants.iter().any(|grant| grant.permission == "WRITE") {
        return Ok(());
    }
    version.put_acl().grants(grants).send().map(drop).map_err(|error| {
        let mut failure = Failure::from(error);
        failure.message = format!("the copy is there without the grants of WRITE: {}", failure.message);
        failure
    })
}
