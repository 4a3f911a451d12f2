//! Whole objects to and from files.

use std::path::Path;

use longshore_job::ObjectId;

use crate::client::S3Store;
use crate::error::{StoreError, code};

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// ETag as the store writes it.
    pub etag: Option<String>,
    /// Version that was read.
    pub version_id: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
}

/// Streams an object to the file at `path`, whole or not at all.
///
/// # Errors
/// If the store refuses, if the object's ETag is not `expected_etag`, if the object changes meanwhile, or if the file
/// cannot be written.
pub async fn download(
    _store: &S3Store,
    _object: &ObjectId,
    _expected_etag: Option<&str>,
    _path: &Path,
) -> Result<Downloaded, StoreError> {
    Err(StoreError::new(code::INVALID_REQUEST, "downloads are not built yet"))
}
