//! The ledger of multipart uploads: what a job has begun and not ended is in the queue, and ends with the job.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use longshore_job::ObjectId;
use longshore_queue::{BegunUploadRecord, Queue};
use longshore_store::{AbortMultipartUpload, BegunUpload, UploadLedger};

use crate::error::{RunnerError, blocking};
use crate::job::Job;

/// The uploads of one job.
pub(crate) struct Ledger {
    queue: Queue,
    job: String,
    /// What this process has begun or gone on with: not for others to take, whose row may name the same key.
    taken: Mutex<HashSet<String>>,
}

impl Ledger {
    pub(crate) fn new(queue: Queue, job: &str) -> Self {
        Self { queue, job: job.to_owned(), taken: Mutex::default() }
    }

    /// Whether the upload is now the caller's.
    fn take(&self, upload_id: &str) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(upload_id.to_owned())
    }

    async fn with_queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Queue, &str) -> Result<T, longshore_queue::QueueError> + Send + 'static,
    ) -> Result<T, String> {
        let (queue, job) = (self.queue.clone(), self.job.clone());
        let done = blocking(move || work(&queue, &job)).await.map_err(|error| error.to_string())?;
        done.map_err(|error| error.to_string())
    }
}

#[async_trait::async_trait]
impl UploadLedger for Ledger {
    async fn left(
        &self,
        store: Option<&str>,
        bucket: &str,
        key: &str,
    ) -> Result<Option<BegunUpload>, String> {
        let place = (store.unwrap_or_default().to_owned(), bucket.to_owned(), key.to_owned());
        let found =
            self.with_queue(move |queue, job| queue.uploads_for(job, &place.0, &place.1, &place.2)).await?;
        Ok(found.into_iter().find(|upload| self.take(&upload.upload_id)).map(begun))
    }

    async fn begin(&self, upload: &BegunUpload) -> Result<(), String> {
        self.take(&upload.upload_id);
        let record = record(upload);
        self.with_queue(move |queue, job| queue.begin_upload(job, &record)).await
    }

    async fn end(&self, upload: &BegunUpload) -> Result<(), String> {
        let record = record(upload);
        self.with_queue(move |queue, job| queue.end_upload(job, &record)).await?;
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&upload.upload_id);
        Ok(())
    }
}

fn record(upload: &BegunUpload) -> BegunUploadRecord {
    let BegunUpload { store, bucket, key, upload_id, source_etag, size, part_size } = upload.clone();
    let store = store.unwrap_or_default();
    BegunUploadRecord { store, bucket, key, upload_id, source_etag, size, part_size }
}

fn begun(record: BegunUploadRecord) -> BegunUpload {
    let BegunUploadRecord { store, bucket, key, upload_id, source_etag, size, part_size } = record;
    let store = (!store.is_empty()).then_some(store);
    BegunUpload { store, bucket, key, upload_id, source_etag, size, part_size }
}

/// Aborts what tasks of a job that ends have begun and not ended. What cannot be aborted is logged and stays in the queue.
pub(crate) async fn abort_left(job: &Job) -> Result<(), RunnerError> {
    let mut last = None;
    loop {
        let (queue, id, after) = (job.queue.clone(), job.id.clone(), last);
        let Some(left) = blocking(move || queue.next_upload(&id, after.as_ref())).await?? else {
            return Ok(());
        };
        abort(job, &left).await?;
        last = Some(left);
    }
}

async fn abort(job: &Job, left: &BegunUploadRecord) -> Result<(), RunnerError> {
    let BegunUploadRecord { store, bucket, key, upload_id, .. } = left.clone();
    let object = ObjectId::new(&bucket, &key);
    let gate =
        if store.is_empty() { Some(&job.resolved.gate) } else { job.resolved.reach.stores.get(&store) };
    let Some(gate) = gate else { return Ok(()) };
    let request = AbortMultipartUpload { bucket, key, upload_id };
    match gate.task(object).send(request).await {
        Err(error) if error.code != "NoSuchUpload" => {
            tracing::warn!(key = left.key, upload = left.upload_id, %error, "an upload was not aborted");
            Ok(())
        }
        _ => {
            let (queue, id, left) = (job.queue.clone(), job.id.clone(), left.clone());
            Ok(blocking(move || queue.end_upload(&id, &left)).await??)
        }
    }
}
