//! What a call says.

use longshore_sdk::{Object, Task};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Parameters, Schema};

/// What is encoded in `s3Key`. A space becomes `%20` and a plus `%2B`: functions that take a plus for a space and those that do
/// not read both the same.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Bytes of an ID.
const ID_BYTES: usize = 16;

/// A call's body, and the IDs that its answer repeats.
pub(crate) struct Message {
    pub(crate) text: String,
    /// Of this run of the task: what is sent again has the same.
    pub(crate) invocation_id: String,
    /// Of the row: the same in every run of the task.
    pub(crate) task_id: String,
}

impl Message {
    pub(crate) fn new(parameters: &Parameters, object: &Object, task: &Task) -> Self {
        let (job_id, bucket, key, version) =
            (task.job_id(), object.bucket(), object.key(), object.version_id());
        let task_id = id(&[&job_id, &bucket, &key, version.as_deref().unwrap_or_default()]);
        let invocation_id = id(&[&task_id, &task.attempt().to_string()]);
        let mut job = Map::from_iter([("id".to_owned(), Value::from(job_id))]);
        let mut of_task = Map::from_iter([
            ("taskId".to_owned(), Value::from(task_id.clone())),
            ("s3Key".to_owned(), utf8_percent_encode(&key, ENCODED).to_string().into()),
            ("s3VersionId".to_owned(), version.into()),
        ]);
        match parameters.schema {
            Schema::V1 => of_task.insert("s3BucketArn".to_owned(), format!("arn:aws:s3:::{bucket}").into()),
            Schema::V2 => of_task.insert("s3Bucket".to_owned(), bucket.into()),
        };
        if let Some(arguments) = &parameters.user_arguments {
            job.insert("userArguments".to_owned(), json!(arguments));
        }
        let text = json!({
            "invocationSchemaVersion": parameters.schema.name(),
            "invocationId": invocation_id,
            "job": job,
            "tasks": [of_task],
        });
        Self { text: text.to_string(), invocation_id, task_id }
    }
}

/// An opaque ID that is always the same for the same parts.
fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize().get(..ID_BYTES).unwrap_or_default())
}
