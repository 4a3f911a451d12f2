//! The requests of a guest's multipart upload. What an upload was created with and which parts it has, the gate knows.

use std::sync::Arc;

use longshore_job::ObjectId;
use longshore_store::{CompleteMultipartUpload, CreateMultipartUpload, Request, Upload, UploadPart};

fn creation(object: ObjectId) -> CreateMultipartUpload {
    let ObjectId { bucket, key, .. } = object;
    CreateMultipartUpload { bucket, key, ..CreateMultipartUpload::default() }
}

fn upload(object: ObjectId, id: String) -> Upload {
    Upload { object: Arc::new(creation(object)), id }
}

pub(crate) fn create(object: ObjectId) -> Request {
    creation(object).into()
}

pub(crate) fn part(object: ObjectId, upload_id: String, number: u32, body: Vec<u8>) -> Request {
    UploadPart { upload: upload(object, upload_id), number, body: body.into(), content_md5: None }.into()
}

pub(crate) fn complete(object: ObjectId, upload_id: String) -> Request {
    let (parts, if_match, if_none_match) = (Vec::new(), None, None);
    CompleteMultipartUpload { upload: upload(object, upload_id), parts, if_match, if_none_match }.into()
}

/// Whether a request belongs to an upload of this run, which the job's own store has.
pub(crate) fn is_of_upload(request: &Request) -> bool {
    matches!(
        request,
        Request::CreateMultipartUpload(_) | Request::UploadPart(_) | Request::CompleteMultipartUpload(_)
    )
}
