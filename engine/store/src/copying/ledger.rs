//! Which uploads were begun and have no end yet.

use crate::error::{StoreError, code};
use crate::gate::TaskGate;
use crate::request::AbortMultipartUpload;

/// An upload that was begun, by a copy or by an operation.
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
    /// ETag of the source, without quotes: parts of another source are of no use. Empty for that of an operation, which no one
    /// else can go on with.
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

impl TaskGate {
    /// Records an upload that was begun. One that cannot be recorded is aborted.
    pub(crate) async fn record_begun(&self, upload: &BegunUpload) -> Result<(), StoreError> {
        match self.uploads().begin(upload).await {
            Ok(()) => Ok(()),
            Err(why) => {
                self.abort_begun(upload).await;
                Err(unrecorded(why))
            }
        }
    }

    /// Aborts an upload. One that cannot be aborted stays in the ledger, and is aborted when the job ends.
    pub(crate) async fn abort_begun(&self, upload: &BegunUpload) {
        let BegunUpload { bucket, key, upload_id, .. } = upload.clone();
        match self.send_one(AbortMultipartUpload { bucket, key, upload_id }.into()).await {
            Ok(_) => self.forget_begun(upload).await,
            Err(error) if error.code == "NoSuchUpload" => self.forget_begun(upload).await,
            Err(error) => {
                tracing::warn!(key = upload.key, upload = upload.upload_id, %error, "the upload was not aborted");
            }
        }
    }

    /// An entry too many does no harm: an upload that is gone cannot be aborted.
    pub(crate) async fn forget_begun(&self, upload: &BegunUpload) {
        if let Err(why) = self.uploads().end(upload).await {
            tracing::warn!(
                key = upload.key,
                upload = upload.upload_id,
                why,
                "the upload's end was not recorded"
            );
        }
    }
}

/// Retryable and without an answer: the disk may have room again, and the task then runs anew.
pub(crate) fn unrecorded(why: String) -> StoreError {
    StoreError::new(code::LOCAL_FILE_ERROR, format!("the upload cannot be recorded: {why}"))
}
