//! The calls about what a bucket is set to.

use longshore_job::ObjectId;

/// GetBucketReplication, in order to replicate an object of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetBucketReplication {
    /// What is to be replicated. The store is asked about its bucket; the policies are asked about the object as well.
    pub source: ObjectId,
}

/// GetBucketVersioning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetBucketVersioning {
    /// Which bucket.
    pub bucket: String,
}
