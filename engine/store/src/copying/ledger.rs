//! Which uploads were begun and have no end yet.

/// An upload that was begun for a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunUpload {
    /// Store of the new object, by its name in the configuration; `None` is the job's own.
    pub store: Option<String>,
    /// Bucket of the new object.
    pub bucket: String,
    /// Its key, decoded.
    pub key: String,
    /// ID of the upload.
    pub upload_id: String,
    /// ETag of the source, without quotes: parts of another source are of no use.
    pub source_etag: String,
    /// Size of the source in bytes.
    pub size: u64,
    /// Bytes of each part but the last.
    pub part_size: u64,
}

/// Remembers which uploads were begun, so that whoever comes after a crash goes on with them or aborts them.
#[async_trait::async_trait]
pub trait UploadLedger: Send + Sync {
    /// The upload that was begun by a process before this one for this key, if it has no end.
    ///
    /// # Errors
    /// A sentence that says why that cannot be told.
    async fn left(&self, store: Option<&str>, bucket: &str, key: &str)
    -> Result<Option<BegunUpload>, String>;

    /// Remembers an upload. Durable when this returns: nothing is uploaded before.
    ///
    /// # Errors
    /// A sentence that says why it cannot be kept.
    async fn begin(&self, upload: &BegunUpload) -> Result<(), String>;

    /// Forgets an upload that was completed or aborted.
    ///
    /// # Errors
    /// A sentence that says why that cannot be kept.
    async fn end(&self, upload: &BegunUpload) -> Result<(), String>;
}

/// No ledger: for gates that belong to no job.
#[derive(Debug)]
pub(crate) struct Unrecorded;

#[async_trait::async_trait]
impl UploadLedger for Unrecorded {
    async fn left(&self, _: Option<&str>, _: &str, _: &str) -> Result<Option<BegunUpload>, String> {
        Ok(None)
    }

    async fn begin(&self, _: &BegunUpload) -> Result<(), String> {
        Ok(())
    }

    async fn end(&self, _: &BegunUpload) -> Result<(), String> {
        Ok(())
    }
}
