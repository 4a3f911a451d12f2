//! S3 requests as values.
//!
//! Names, defaults and meanings are those of the Amazon S3 API Reference, one struct per API call. A field that is
//! `None` (or empty) is a header or parameter that is not sent.

mod allowance;
mod buckets;
mod calls;
mod lock;
mod multipart;
mod parts;
mod shown;
mod stream;
mod uploads;

use longshore_job::ObjectId;

pub use self::buckets::*;
pub use self::calls::*;
pub use self::lock::*;
pub use self::multipart::*;
pub use self::parts::*;
pub(crate) use self::stream::Chunks;
pub use self::stream::{PartBody, PartStream};
pub use self::uploads::*;

/// One S3 API call.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Metadata of an object.
    HeadObject(HeadObject),
    /// An object's bytes.
    GetObject(GetObject),
    /// Creates or replaces an object.
    PutObject(Box<PutObject>),
    /// Creates or replaces an object from another one, within the store.
    CopyObject(Box<CopyObject>),
    /// An object's tags.
    GetObjectTagging(GetObjectTagging),
    /// Replaces an object's whole tag set.
    PutObjectTagging(PutObjectTagging),
    /// Removes an object's whole tag set.
    DeleteObjectTagging(DeleteObjectTagging),
    /// An object's access control list.
    GetObjectAcl(GetObjectAcl),
    /// Replaces an object's access control list.
    PutObjectAcl(PutObjectAcl),
    /// Starts the restore of an archived object, or moves the expiry of a restored one.
    RestoreObject(RestoreObject),
    /// Removes an object, or one version of it.
    DeleteObject(DeleteObject),
    /// Whether a bucket is there and may be used.
    HeadBucket(HeadBucket),
    /// One page of a bucket's listing.
    ListObjectsV2(ListObjectsV2),
    /// One page of the versions and delete markers of a bucket.
    ListObjectVersions(ListObjectVersions),
    /// Sets or releases the legal hold of an object.
    PutObjectLegalHold(PutObjectLegalHold),
    /// Whether an object has a legal hold.
    GetObjectLegalHold(GetObjectLegalHold),
    /// Sets or removes the retention of an object.
    PutObjectRetention(PutObjectRetention),
    /// The retention of an object.
    GetObjectRetention(GetObjectRetention),
    /// Whether objects of a bucket can be locked.
    GetObjectLockConfiguration(GetObjectLockConfiguration),
    /// Where to and how the objects of a bucket are replicated.
    GetBucketReplication(GetBucketReplication),
    /// Whether a bucket keeps the versions of its objects.
    GetBucketVersioning(GetBucketVersioning),
    /// One page of the multipart uploads of a bucket that are neither complete nor aborted.
    ListMultipartUploads(ListMultipartUploads),
    /// Ends a multipart upload and frees its parts.
    AbortMultipartUpload(AbortMultipartUpload),
    /// Encrypts an object with another key, without moving its data.
    UpdateObjectEncryption(UpdateObjectEncryption),
    /// Begins a multipart upload.
    CreateMultipartUpload(Box<CreateMultipartUpload>),
    /// Uploads a part.
    UploadPart(UploadPart),
    /// Makes a part of another object's bytes, within the store.
    UploadPartCopy(UploadPartCopy),
    /// Makes an object of the parts.
    CompleteMultipartUpload(CompleteMultipartUpload),
    /// One page of the parts that are there.
    ListParts(ListParts),
    /// Calls an endpoint beside the store.
    InvokeEndpoint(InvokeEndpoint),
    /// The checksum of an object's bytes.
    DigestObject(DigestObject),
}

impl Request {
    /// The name of the API call: `PutObjectTagging`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::HeadObject(_) => "HeadObject",
            Self::GetObject(_) | Self::DigestObject(_) => "GetObject",
            Self::PutObject(_) => "PutObject",
            Self::CopyObject(_) => "CopyObject",
            Self::GetObjectTagging(_) => "GetObjectTagging",
            Self::PutObjectTagging(_) => "PutObjectTagging",
            Self::DeleteObjectTagging(_) => "DeleteObjectTagging",
            Self::GetObjectAcl(_) => "GetObjectAcl",
            Self::PutObjectAcl(_) => "PutObjectAcl",
            Self::RestoreObject(_) => "RestoreObject",
            Self::DeleteObject(_) => "DeleteObject",
            Self::HeadBucket(_) => "HeadBucket",
            Self::ListObjectsV2(_) => "ListObjectsV2",
            Self::ListObjectVersions(_) => "ListObjectVersions",
            Self::PutObjectLegalHold(_) => "PutObjectLegalHold",
            Self::GetObjectLegalHold(_) => "GetObjectLegalHold",
            Self::PutObjectRetention(_) => "PutObjectRetention",
            Self::GetObjectRetention(_) => "GetObjectRetention",
            Self::GetObjectLockConfiguration(_) => "GetObjectLockConfiguration",
            Self::GetBucketReplication(_) => "GetBucketReplication",
            Self::GetBucketVersioning(_) => "GetBucketVersioning",
            Self::ListMultipartUploads(_) => "ListMultipartUploads",
            Self::AbortMultipartUpload(_) => "AbortMultipartUpload",
            Self::UpdateObjectEncryption(_) => "UpdateObjectEncryption",
            Self::CreateMultipartUpload(_) => "CreateMultipartUpload",
            Self::UploadPart(_) => "UploadPart",
            Self::UploadPartCopy(_) => "UploadPartCopy",
            Self::CompleteMultipartUpload(_) => "CompleteMultipartUpload",
            Self::ListParts(_) => "ListParts",
            Self::InvokeEndpoint(_) => "InvokeEndpoint",
        }
    }

    /// The object that the call works on: the target of a copy. `None` for calls on a bucket.
    pub fn object(&self) -> Option<ObjectId> {
        let (bucket, key) = self.names();
        let (key, version_id) = key?;
        Some(ObjectId {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id: version_id.map(str::to_owned),
        })
    }

    /// The bucket that the call works on: the target of a copy. `None` for calls on none.
    pub(crate) fn bucket(&self) -> Option<&str> {
        (!matches!(self, Self::InvokeEndpoint(_))).then(|| self.names().0)
    }

    /// Every bucket that the call names.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = &str> {
        self.bucket().into_iter().chain(self.source().map(|source| source.bucket.as_str()))
    }

    /// Every key that the call names.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let (_, key) = self.names();
        key.map(|(key, _)| key).into_iter().chain(self.source().map(|source| source.key.as_str()))
    }

    /// The bucket that the call works on; key and version ID of the object, if it works on one.
    fn names(&self) -> (&str, Option<(&str, Option<&str>)>) {
        match self {
            Self::InvokeEndpoint(_) => ("", None),
            Self::PutObject(put) => (&put.bucket, Some((&put.key, None))),
            Self::CopyObject(copy) => (&copy.bucket, Some((&copy.key, None))),
            Self::CreateMultipartUpload(create) => (&create.bucket, Some((&create.key, None))),
            Self::UploadPart(UploadPart { upload, .. })
            | Self::UploadPartCopy(UploadPartCopy { upload, .. })
            | Self::CompleteMultipartUpload(CompleteMultipartUpload { upload, .. })
            | Self::ListParts(ListParts { upload, .. }) => {
                (&upload.object.bucket, Some((&upload.object.key, None)))
            }
            Self::HeadBucket(HeadBucket { bucket })
            | Self::ListObjectsV2(ListObjectsV2 { bucket, .. })
            | Self::ListObjectVersions(ListObjectVersions { bucket, .. })
            | Self::GetObjectLockConfiguration(GetObjectLockConfiguration { bucket })
            | Self::GetBucketReplication(GetBucketReplication { source: ObjectId { bucket, .. } })
            | Self::GetBucketVersioning(GetBucketVersioning { bucket })
            | Self::ListMultipartUploads(ListMultipartUploads { bucket, .. }) => (bucket, None),
            Self::AbortMultipartUpload(AbortMultipartUpload { bucket, key, .. }) => {
                (bucket, Some((key, None)))
            }
            Self::HeadObject(HeadObject { object, .. })
            | Self::GetObject(GetObject { object, .. })
            | Self::GetObjectTagging(GetObjectTagging { object, .. })
            | Self::PutObjectTagging(PutObjectTagging { object, .. })
            | Self::DeleteObjectTagging(DeleteObjectTagging { object })
            | Self::GetObjectAcl(GetObjectAcl { object })
            | Self::PutObjectAcl(PutObjectAcl { object, .. })
            | Self::RestoreObject(RestoreObject { object, .. })
            | Self::DeleteObject(DeleteObject { object, .. })
            | Self::PutObjectLegalHold(PutObjectLegalHold { object, .. })
            | Self::GetObjectLegalHold(GetObjectLegalHold { object })
            | Self::PutObjectRetention(PutObjectRetention { object, .. })
            | Self::GetObjectRetention(GetObjectRetention { object })
            | Self::UpdateObjectEncryption(UpdateObjectEncryption { object, .. })
            | Self::DigestObject(DigestObject { object, .. }) => {
                (&object.bucket, Some((&object.key, object.version_id.as_deref())))
            }
        }
    }

    /// How many bytes travel with it, but for those of its documents, and for those that are read while they are sent: these are
    /// paced where they are read.
    pub(crate) fn body_bytes(&self) -> u64 {
        let count = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self {
            Self::PutObject(put) => count(&put.body),
            Self::UploadPart(UploadPart { body: PartBody::Whole(body), .. }) => count(body),
            Self::InvokeEndpoint(call) => count(&call.body),
            _ => 0,
        }
    }

    /// Whether an object may have other tags after it.
    pub(crate) fn may_change_tags(&self) -> bool {
        matches!(
            self,
            Self::PutObject(_)
                | Self::CopyObject(_)
                | Self::CompleteMultipartUpload(_)
                | Self::PutObjectTagging(_)
                | Self::DeleteObjectTagging(_)
                | Self::DeleteObject(_)
        )
    }

    /// The source of a copy.
    pub fn source(&self) -> Option<&ObjectId> {
        match self {
            Self::CopyObject(copy) => Some(&copy.source),
            Self::UploadPartCopy(part) => Some(&part.source),
            _ => None,
        }
    }
}

/// Lets a request struct be sent without naming its variant.
macro_rules! into_request {
    ($($plain:ident)* ; $($boxed:ident)*) => {
        $(impl From<$plain> for Request {
            fn from(call: $plain) -> Self { Self::$plain(call) }
        })*
        $(impl From<$boxed> for Request {
            fn from(call: $boxed) -> Self { Self::$boxed(Box::new(call)) }
        })*
    };
}

into_request!(
    HeadObject GetObject GetObjectTagging PutObjectTagging DeleteObjectTagging GetObjectAcl PutObjectAcl
    RestoreObject DeleteObject HeadBucket ListObjectsV2 ListObjectVersions
    PutObjectLegalHold GetObjectLegalHold PutObjectRetention GetObjectRetention GetObjectLockConfiguration
    GetBucketReplication GetBucketVersioning
    ListMultipartUploads AbortMultipartUpload UpdateObjectEncryption DigestObject InvokeEndpoint
    UploadPart UploadPartCopy CompleteMultipartUpload ListParts;
    PutObject CopyObject CreateMultipartUpload
);
