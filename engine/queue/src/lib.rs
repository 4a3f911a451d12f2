//! The queue: every job, how far it has come, what failed and why, in one SQLite database, `queue.db` in the data
//! directory. The schema is described in `docs/queue-schema.md`; users may read it with plain SQL.
//!
//! - One engine per data directory ([`Access::Engine`]): an operating-system lock keeps a second one out, and an epoch
//!   in the database keeps out one that lost its lock without noticing. Any number of clients ([`Access::Client`]) read,
//!   submit and cancel beside it.
//! - The engine writes through one thread. Results of tasks are committed in groups, at most every 20 ms, with
//!   `synchronous=FULL`: what [`Queue::record`] acknowledged survives `kill -9` and power loss.
//! - A task that succeeded costs one bit (the chunk's bitmap), a failed one a row. Recording is idempotent for each
//!   task: the first result counts.
//! - A commit that fails has an unknown outcome. The writer then opens the database anew and reads whether the
//!   transaction is there before it answers.
//!
//! No clock and no randomness: times and IDs are arguments.

pub mod bitmap;
pub mod error;
pub mod queue;
pub mod record;
pub mod retention;
pub mod timing;

mod chunks;
mod failures;
mod group;
mod jobs;
mod lists;
mod lock;
mod notifications;
mod requests;
mod results;
mod retry;
mod schedules;
mod schema;
mod sql;
mod tenure;
mod transitions;
mod uploads;
mod waiting;
mod writer;

pub use bitmap::Bitmap;
pub use error::QueueError;
pub use notifications::{NewNotification, Notification, Told};
pub use queue::{Access, Queue};
pub use record::{
    BegunUploadRecord, Candidate, ChunkOutcomes, ChunkRecord, EventRecord, FailureRecord, FileMark,
    JobRecord, NewChunk, NewJob, Occasion, Occurrence, PolicySnapshotRecord, ReportMarks, ResultBatch,
    Retryable, SavedList, Submission, WaitingTask, WaitingTasks,
};
pub use sql::{SqlAnswer, SqlBounds, SqlValue};
