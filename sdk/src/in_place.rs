//! Copies of an object onto itself, by which S3 changes what it has no call for: storage class, encryption, metadata.
//! Whatever is not to change survives: content headers, user metadata, tags, ACL, lock, checksum algorithm, redirect.

use std::collections::BTreeMap;

use crate::{CopyObject, Failure, Grant, Object, Request, Response};

/// What an operation that copies in place may need.
pub const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectTagging",
    "s3:PutObject",
    "s3:PutObjectAcl",
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

    fn set(&self, copy: CopyObject) -> CopyObject {
        copy.metadata_directive("REPLACE")
            .content_type(self.content_type.as_deref())
            .cache_control(self.cache_control.as_deref())
            .content_disposition(self.content_disposition.as_deref())
            .content_encoding(self.content_encoding.as_deref())
            .content_language(self.content_language.as_deref())
            .expires(self.expires.as_deref())
            .user_metadata(self.user.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
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
}

impl Original {
    /// Reads what a copy in place has to carry over.
    ///
    /// # Errors
    /// The store's; `InvalidRequest` if the row names a version that is not the current one, which a copy would bring back.
    pub fn read(object: &Object) -> Result<Self, Failure> {
        let head = current(object).head().checksums().send()?;
        if let Some(row) = object.version_id()
            && head.version_id().as_deref().unwrap_or("null") != row
        {
            let message =
                format!("version {row} is not the current one: a copy in place would bring it back");
            return Err(Failure::new("InvalidRequest", message).with_status(400));
        }
        Ok(Self { head, grants: grants(object)? })
    }

    /// What HeadObject says.
    pub fn head(&self) -> &Response {
        &self.head
    }

    /// Sends the copy, under the condition that the object still has the bytes that were read about.
    ///
    /// # Errors
    /// The store's.
    pub fn copy(
        &self,
        object: &Object,
        now: crate::time::Timestamp,
        change: Change<'_>,
    ) -> Result<Response, Failure> {
        let head = &self.head;
        let class = head.storage_class();
        let encryption = change.encryption.cloned().unwrap_or_else(|| Encryption::of(head));
        let until = head.retain_until().filter(|until| until.parse().is_ok_and(|until| now < until));
        let mode = head.lock_mode();
        let checksum = head.checksums().into_iter().next().map(|(algorithm, _)| algorithm);
        let copy = current(object)
            .copy_to(&object.bucket(), &object.key())
            .source_if_match(head.etag().as_deref())
            .storage_class(change.storage_class.or(class.as_deref()))
            .sse(encryption.algorithm.as_deref())
            .kms_key_id(encryption.kms_key_id.as_deref())
            .bucket_key(encryption.bucket_key)
            .checksum_algorithm(checksum.as_deref())
            .website_redirect(head.website_redirect().as_deref())
            .lock(mode.as_deref().zip(until.as_deref()))
            .legal_hold(head.legal_hold().filter(|&held| held))
            .grants(&self.grants);
        let copy = match change.metadata {
            Some(metadata) => metadata.set(copy),
            None => copy,
        };
        Ok(copy.send()?)
    }
}

/// The requests of a copy in place, for a plan.
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
        current(object).get_acl().planned(),
        copy.provisional(),
    ]
}

/// The current version, whatever the row names.
fn current(object: &Object) -> Object<'static> {
    object.open(&object.bucket(), &object.key(), None)
}

/// The grants that a copy must be given: none where the owner alone has rights, as after every write.
fn grants(object: &Object) -> Result<Vec<Grant>, Failure> {
    let acl = match current(object).get_acl().send() {
        Ok(acl) => acl,
        // A store without ACLs.
        Err(error) if matches!(error.http_status, Some(405 | 501)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
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
