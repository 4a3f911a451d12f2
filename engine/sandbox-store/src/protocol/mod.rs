//! The S3 API over the storage: one module per family of calls; this one only hands each call to its module, and `routes` those
//! that the protocol crate does not read.

mod acl;
mod attributes;
mod buckets;
mod complete;
mod copy;
mod customer_key;
mod delete;
mod encryption;
mod event_hold;
mod headers;
mod listing;
mod lookup;
mod object_lock;
mod objects;
mod parts;
mod raw;
mod restore;
mod retention;
mod routes;
mod selection;
mod settings;
mod tagging;
mod tiering;
mod transfer;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use crate::storage::Storage;
pub(crate) use routes::Routes;
use transfer::ZeroSums;

/// The status that an answer must have instead of the one that the protocol crate gives it, as an extension of the
/// response: the crate always answers RestoreObject with 200, S3 with 202 unless the copy is there already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StatusOverride(pub(crate) http::StatusCode);

/// The S3 API of one sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Protocol {
    pub(crate) storage: Arc<Storage>,
    /// How long a restore goes on.
    pub(crate) restore_delay: Duration,
    /// What need not be computed again.
    zeros: Arc<ZeroSums>,
}

impl Protocol {
    /// The API over a store whose restores go on for `restore_delay`.
    pub(crate) fn new(storage: Arc<Storage>, restore_delay: Duration) -> Self {
        Self { storage, restore_delay, zeros: Arc::default() }
    }
}

type Answer<T> = S3Result<S3Response<T>>;

/// Hands calls to the function of the same family.
macro_rules! calls {
    ($($name:ident: $input:ty => $output:ty = $function:path;)*) => {
        #[async_trait::async_trait]
        impl S3 for Protocol {
            $(async fn $name(&self, request: S3Request<$input>) -> Answer<$output> {
                $function(self, request).await
            })*
        }
    };
}

calls! {
    create_bucket: CreateBucketInput => CreateBucketOutput = buckets::create;
    delete_bucket: DeleteBucketInput => DeleteBucketOutput = buckets::delete;
    head_bucket: HeadBucketInput => HeadBucketOutput = buckets::head;
    list_buckets: ListBucketsInput => ListBucketsOutput = buckets::list;
    get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput = buckets::location;
    get_bucket_versioning: GetBucketVersioningInput => GetBucketVersioningOutput = buckets::versioning;
    put_bucket_versioning: PutBucketVersioningInput => PutBucketVersioningOutput = buckets::set_versioning;
    get_bucket_encryption: GetBucketEncryptionInput => GetBucketEncryptionOutput = settings::encryption;
    put_bucket_encryption: PutBucketEncryptionInput => PutBucketEncryptionOutput = settings::put_encryption;
    delete_bucket_encryption: DeleteBucketEncryptionInput => DeleteBucketEncryptionOutput = settings::delete_encryption;
    get_bucket_replication: GetBucketReplicationInput => GetBucketReplicationOutput = settings::replication;
    put_bucket_replication: PutBucketReplicationInput => PutBucketReplicationOutput = settings::put_replication;
    delete_bucket_replication: DeleteBucketReplicationInput => DeleteBucketReplicationOutput = settings::delete_replication;
    put_bucket_intelligent_tiering_configuration: PutBucketIntelligentTieringConfigurationInput => PutBucketIntelligentTieringConfigurationOutput = tiering::put;
    get_bucket_intelligent_tiering_configuration: GetBucketIntelligentTieringConfigurationInput => GetBucketIntelligentTieringConfigurationOutput = tiering::get;
    delete_bucket_intelligent_tiering_configuration: DeleteBucketIntelligentTieringConfigurationInput => DeleteBucketIntelligentTieringConfigurationOutput = tiering::delete;
    get_object_lock_configuration: GetObjectLockConfigurationInput => GetObjectLockConfigurationOutput = object_lock::configuration;
    put_object_lock_configuration: PutObjectLockConfigurationInput => PutObjectLockConfigurationOutput = object_lock::put_configuration;
    get_object_legal_hold: GetObjectLegalHoldInput => GetObjectLegalHoldOutput = object_lock::legal_hold;
    put_object_legal_hold: PutObjectLegalHoldInput => PutObjectLegalHoldOutput = object_lock::put_legal_hold;
    put_object: PutObjectInput => PutObjectOutput = objects::put;
    get_object: GetObjectInput => GetObjectOutput = objects::get;
    head_object: HeadObjectInput => HeadObjectOutput = objects::head;
    get_object_attributes: GetObjectAttributesInput => GetObjectAttributesOutput = attributes::get;
    copy_object: CopyObjectInput => CopyObjectOutput = copy::copy;
    delete_object: DeleteObjectInput => DeleteObjectOutput = delete::one;
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput = delete::many;
    get_object_tagging: GetObjectTaggingInput => GetObjectTaggingOutput = tagging::get;
    put_object_tagging: PutObjectTaggingInput => PutObjectTaggingOutput = tagging::put;
    delete_object_tagging: DeleteObjectTaggingInput => DeleteObjectTaggingOutput = tagging::delete;
    get_object_acl: GetObjectAclInput => GetObjectAclOutput = acl::get;
    put_object_acl: PutObjectAclInput => PutObjectAclOutput = acl::put;
    restore_object: RestoreObjectInput => RestoreObjectOutput = restore::restore;
    list_objects: ListObjectsInput => ListObjectsOutput = listing::v1;
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output = listing::v2;
    list_object_versions: ListObjectVersionsInput => ListObjectVersionsOutput = listing::versions;
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput = uploads::create;
    upload_part: UploadPartInput => UploadPartOutput = parts::upload;
    upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput = parts::copy;
    list_parts: ListPartsInput => ListPartsOutput = parts::list;
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput = uploads::abort;
    list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput = uploads::list;
}
