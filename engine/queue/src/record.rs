//! What goes into the queue and what comes out of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use longshore_job::{ChunkExtent, Failure, JobSpec, JobState, Outcome, Row, TaskProgress, TaskResult};
use serde::Serialize;

use crate::bitmap::Bitmap;

/// A job to be put into the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its ID, 1–64 characters, never used before.
    pub id: String,
    /// What it is to do.
    pub spec: JobSpec,
    /// SHA-256 of the component of each step's operation, lower-case hex.
    pub plugin_digests: Vec<String>,
    /// Now.
    pub created_at: Timestamp,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Submission {
    /// The job's ID: the new one's, or that of the job which has the same client token.
    pub id: String,
    /// Whether a job was added.
    pub created: bool,
}

/// A list that was generated from a bucket for a job and saved as an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedList {
    /// Which source of the job's manifest it is, from 0.
    pub source: u32,
    /// Where its `manifest.json` is.
    pub location: String,
    /// ETag of its `manifest.json`, without quotes; for a local file its MD5.
    pub etag: String,
}

/// A multipart upload that a task has begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunUploadRecord {
    /// Store of the new object; empty for that of the job.
    pub store: String,
    /// Its bucket.
    pub bucket: String,
    /// Its key, decoded.
    pub key: String,
    /// ID of the upload.
    pub upload_id: String,
    /// ETag of the source, without quotes.
    pub source_etag: String,
    /// Size of the source in bytes.
    pub size: u64,
    /// Bytes of each part but the last.
    pub part_size: u64,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobRecord {
    /// Its ID.
    pub id: String,
    /// What it is to do.
    pub spec: JobSpec,
    /// 0–2147483647, higher first; that of the specification until a user changes it.
    pub priority: u32,
    /// Where it is in its life.
    pub state: JobState,
    /// SHA-256 of the component of each step's operation, lower-case hex.
    pub plugin_digests: Vec<String>,
    /// SHA-256 of the policies that the job runs under, as they were when it was last taken up, lower-case hex.
    pub policy_digest: Option<String>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When its deadline is; that of a job with a time from its start is known once it was Active.
    pub deadline_at: Option<Timestamp>,
    /// When it was Suspended.
    pub suspended_at: Option<Timestamp>,
    /// When it was first Active.
    pub started_at: Option<Timestamp>,
    /// When it reached a terminal state.
    pub finished_at: Option<Timestamp>,
    /// Rows of its manifest; known once that was read.
    pub total_tasks: Option<u64>,
    /// Tasks that succeeded or had nothing to do.
    pub succeeded: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Instructions that its tasks executed, as far as they were counted.
    pub fuel: u64,
    /// Why the job as a whole failed: the code.
    pub failure_code: Option<String>,
    /// Why the job as a whole failed: the text.
    pub failure_reason: Option<String>,
    /// What the user gave as the reason for cancelling it.
    pub status_reason: Option<String>,
    /// What keeps the engine from going on with it for now: its store, its role, its operation.
    pub obstacle: Option<String>,
    /// Where the `manifest.json` of its completion report is.
    pub report: Option<String>,
    /// The job whose failed tasks it runs again.
    pub retry_of: Option<String>,
}

/// Failed tasks that may run again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Retryable {
    /// How many there are.
    pub tasks: u64,
    /// How many more failed because their rows name no object: those never can.
    pub bad_rows: u64,
}

/// A job that the engine has something to do for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its ID.
    pub id: String,
    /// Where it is in its life.
    pub state: JobState,
    /// 0–2147483647, higher first.
    pub priority: u32,
}

/// A template whose next occurrence is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Occasion {
    /// ID of the template.
    pub template: String,
    /// What it is to do, and when.
    pub spec: JobSpec,
    /// The moment that was due first.
    pub due: Timestamp,
}

/// An occurrence of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// ID of the template.
    pub template: String,
    /// Its moment.
    pub at: Timestamp,
    /// ID of its job; `None` if it was left out, because the one before had not ended.
    pub job: Option<String>,
}

/// A failed task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureRecord {
    /// Its row in the manifest, from 0.
    pub row: u64,
    /// Bucket name.
    pub bucket: String,
    /// The key as the manifest writes it.
    pub key: String,
    /// Version ID, if the manifest has such a column.
    pub version_id: Option<String>,
    /// S3's error code, or one of the engine's own.
    pub code: String,
    /// HTTP status, where there is one.
    pub status: Option<u16>,
    /// What happened.
    pub message: String,
}

/// One transition of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventRecord {
    /// When.
    pub at: Timestamp,
    /// From which state; none when the job was submitted.
    pub from: Option<JobState>,
    /// To which state.
    pub to: JobState,
    /// Why.
    pub cause: String,
    /// Who moved it: `engine`, or who asked.
    pub actor: String,
}

/// The policies that a job ran under from one moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicySnapshotRecord {
    /// When the engine loaded them.
    pub at: Timestamp,
    /// SHA-256 of `documents`, lower-case hex.
    pub digest: String,
    /// All documents in a canonical text: one JSON value on a line.
    pub documents: String,
}

/// A chunk of a manifest that was just read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewChunk {
    /// Its number, from 0, without gaps.
    pub number: u32,
    /// Its first row in the manifest, from 0.
    pub first_row: u64,
    /// Where its rows are in the job's chunk spool.
    pub extent: ChunkExtent,
}

/// A chunk with tasks to run or a report to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRecord {
    /// Its number in the job, from 0.
    pub number: u32,
    /// Its first row in the manifest, from 0.
    pub first_row: u64,
    /// Where it starts in the chunk spool, in bytes.
    pub offset: u64,
    /// Its length in the chunk spool, in bytes.
    pub bytes: u32,
    /// How many rows it has.
    pub rows: u32,
    /// CRC-32 of its bytes in the chunk spool.
    pub crc32: u32,
    /// Which of its tasks have a durable result.
    pub done: Bitmap,
}

impl ChunkRecord {
    /// Where its rows are in the job's chunk spool.
    pub fn extent(&self) -> ChunkExtent {
        ChunkExtent { offset: self.offset, bytes: self.bytes, rows: self.rows, crc32: self.crc32 }
    }
}

/// Results of tasks of one chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultBatch {
    /// The job's full ID.
    pub job: String,
    /// The chunk's number.
    pub chunk: u32,
    /// The results. Of several for one task the first counts, also over several batches.
    pub results: Vec<TaskResult>,
    /// The manifest row of every failed result, by its index in the chunk.
    pub failed_rows: BTreeMap<u32, Row>,
    /// Instructions that were executed for these results, and for tasks that are put off, as far as they were counted.
    pub fuel: u64,
}

/// A task that asked to run again later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingTask {
    /// Its position in the chunk.
    pub index: u32,
    /// When it is to run again, at the earliest.
    pub due_at: Timestamp,
    /// What became of its steps so far; the next one is the one that waits.
    pub progress: TaskProgress,
    /// The attempt at that step which this will be; the first was 1.
    pub attempt: u32,
    /// Why, in the operation's words.
    pub note: String,
}

/// The tasks of a job that wait to run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WaitingTasks {
    /// How many.
    pub tasks: u64,
    /// When the first of them is due.
    pub next_at: Timestamp,
    /// When the last of them is due.
    pub last_at: Timestamp,
}

/// What is durable about the tasks of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkOutcomes {
    /// Which tasks have a result. Those in neither map succeeded and had nothing to say.
    pub done: Bitmap,
    /// The failed tasks, by index in the chunk.
    pub failures: BTreeMap<u32, Failure>,
    /// The outcomes of other tasks that carry a message, by index in the chunk. Empty once the chunk is closed.
    pub messages: BTreeMap<u32, Outcome>,
}

/// How far the report's spool files are valid: what lies beyond was written by a process that did not come to close
/// its chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportMarks {
    /// The rows of succeeded tasks.
    pub succeeded: FileMark,
    /// The rows of failed tasks.
    pub failed: FileMark,
}

/// A position in a file of several parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileMark {
    /// The part, from 0. Earlier parts are complete.
    pub part: u32,
    /// Valid bytes in it.
    pub bytes: u64,
}
