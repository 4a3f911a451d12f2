//! Multipart uploads of operations: an operation says which upload and which part; what the upload was created with, which
//! parts it has, and that it has an end, is known here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::copying::{self, BegunUpload};
use crate::error::{StoreError, code};
use crate::gate::TaskGate;
use crate::request::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, Part, Request, Upload, UploadPart,
};
use crate::response::Response;

/// The uploads that a task has begun and not ended. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct BegunUploads(Arc<Mutex<BTreeMap<String, Begun>>>);

/// An upload under way.
#[derive(Debug, Clone)]
struct Begun {
    upload: Upload,
    record: BegunUpload,
    parts: BTreeMap<u32, Part>,
}

impl BegunUploads {
    /// Aborts what the task has not ended. What cannot be aborted is aborted when the job ends.
    pub async fn abort(&self, task: &TaskGate) {
        let left = std::mem::take(&mut *self.lock());
        for begun in left.into_values() {
            task.abort_begun(&begun.record).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The upload that a request names.
    fn find(&self, named: &Upload) -> Result<Begun, StoreError> {
        let found = self.lock().get(&named.id).cloned();
        let same = |begun: &Begun| {
            let (begun, named) = (&begun.upload.object, &named.object);
            (&begun.bucket, &begun.key) == (&named.bucket, &named.key)
        };
        found.filter(same).ok_or_else(|| {
            let message = format!("this run has begun no upload {:?} that becomes this object", named.id);
            StoreError::new(code::INVALID_REQUEST, message)
        })
    }
}

impl TaskGate {
    /// The uploads that its requests have begun and not ended: shared with whoever ends the task.
    pub fn begun_uploads(&self) -> BegunUploads {
        self.begun.clone()
    }
}

/// Whether a request belongs to an upload.
pub(crate) fn is_of_upload(request: &Request) -> bool {
    matches!(
        request,
        Request::CreateMultipartUpload(_)
            | Request::UploadPart(_)
            | Request::CompleteMultipartUpload(_)
            | Request::AbortMultipartUpload(_)
    )
}

/// Whether the policies let an upload be cleaned up after: what may not be, is not begun.
pub(crate) async fn check(task: &TaskGate, create: &CreateMultipartUpload) -> Result<(), StoreError> {
    let (bucket, key) = (create.bucket.clone(), create.key.clone());
    copying::check_abort(task, AbortMultipartUpload { bucket, key, upload_id: "any".to_owned() }).await
}

/// Sends a request that belongs to an upload.
pub(crate) async fn send(task: &TaskGate, request: Request) -> Result<Response, StoreError> {
    match request {
        Request::CreateMultipartUpload(create) => begin(task, *create).await,
        Request::UploadPart(part) => send_part(task, part).await,
        Request::CompleteMultipartUpload(completion) => complete(task, completion).await,
        Request::AbortMultipartUpload(abort) => end(task, abort).await,
        other => task.send_one(other).await,
    }
}

async fn begin(task: &TaskGate, create: CreateMultipartUpload) -> Result<Response, StoreError> {
    check(task, &create).await?;
    // That of a run before this one, which an engine's death has cut off.
    let left = task.uploads().left(None, &create.bucket, &create.key).await;
    if let Some(left) = left.map_err(copying::unrecorded)? {
        task.abort_begun(&left).await;
    }
    let answer = task.send_one(create.clone().into()).await?;
    let id = answer.upload_id.clone().unwrap_or_default();
    let record = BegunUpload {
        store: None,
        bucket: create.bucket.clone(),
        key: create.key.clone(),
        upload_id: id.clone(),
        source_etag: String::new(),
        size: 0,
        part_size: 0,
    };
    task.record_begun(&record).await?;
    let upload = Upload { object: Arc::new(create), id: id.clone() };
    task.begun.lock().insert(id, Begun { upload, record, parts: BTreeMap::new() });
    Ok(answer)
}

async fn send_part(task: &TaskGate, part: UploadPart) -> Result<Response, StoreError> {
    let uploads = &task.begun;
    let upload = uploads.find(&part.upload)?.upload;
    let (number, id) = (part.number, upload.id.clone());
    let size = Some(part.body.size());
    let answer = task.send_one(UploadPart { upload, ..part }.into()).await?;
    task.note_progress();
    let (etag, checksums) = (answer.etag.clone().unwrap_or_default(), answer.checksums.clone());
    if let Some(begun) = uploads.lock().get_mut(&id) {
        begun.parts.insert(number, Part { number, etag, size, checksums });
    }
    Ok(answer)
}

async fn complete(task: &TaskGate, completion: CompleteMultipartUpload) -> Result<Response, StoreError> {
    let uploads = &task.begun;
    let Begun { upload, record, parts } = uploads.find(&completion.upload)?;
    let size = parts.values().filter_map(|part| part.size).sum();
    let parts = parts.into_values().collect();
    let completion = CompleteMultipartUpload { upload, parts, ..completion };
    let answer = match task.send_one(completion.clone().into()).await {
        // The answer to an attempt before this one may have been lost.
        Err(error) if error.code == "NoSuchUpload" => {
            copying::completed(task, &completion, size).await.ok_or(error)
        }
        answer => answer,
    }?;
    uploads.lock().remove(&record.upload_id);
    task.forget_begun(&record).await;
    Ok(answer)
}

/// Aborts an upload, of this run or not.
async fn end(task: &TaskGate, abort: AbortMultipartUpload) -> Result<Response, StoreError> {
    let id = abort.upload_id.clone();
    let answer = task.send_one(abort.into()).await?;
    let begun = task.begun.lock().remove(&id);
    if let Some(begun) = begun {
        task.forget_begun(&begun.record).await;
    }
    Ok(answer)
}

#[cfg(test)]
mod tests;
