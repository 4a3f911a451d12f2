//! A queue in a directory of its own, and jobs to put into it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use longshore_job::ChunkExtent;
use longshore_job::filter::Filter;
use longshore_job::row::KeyEncoding;
use longshore_job::spec::{
    FailureThreshold, Field, JobSpec, Limits, ListFormat, ListSpec, Location, ManifestSpec, OnBadRow,
    OnFailure, OperationSource, OperationSpec, Origin, RateSpec, RetrySpec, SourceSpec, StepSpec, Timing,
};
use longshore_job::{Failure, JobState, Outcome, Row, TaskResult};
use longshore_queue::{Access, NewChunk, NewJob, Queue, QueueError, ResultBatch};

/// A queue, and the directory that goes away with it.
pub struct Fixture {
    pub queue: Queue,
    pub directory: tempfile::TempDir,
}

impl Fixture {
    /// An engine's queue.
    pub fn engine() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { queue: Queue::open(directory.path(), Access::Engine).unwrap(), directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A client beside the engine.
    pub fn client(&self) -> Queue {
        Queue::open(self.path(), Access::Client).unwrap()
    }

    /// Closes the queue and opens it again.
    pub fn reopen(self) -> Self {
        let Self { queue, directory } = self;
        drop(queue);
        Self { queue: Queue::open(directory.path(), Access::Engine).unwrap(), directory }
    }

    /// The database as other programs see it.
    pub fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join("queue.db")).unwrap()
    }

    pub fn submit(&self, id: &str) {
        assert!(self.queue.submit(&new_job(id)).unwrap().created);
    }

    pub fn advance(&self, id: &str, from: JobState, to: JobState) {
        self.queue.transition(id, from, to, "test", "engine", at(2)).unwrap();
    }

    /// A job that is Active, with chunks of these many rows.
    pub fn active(&self, id: &str, chunks: &[u32]) {
        self.submit(id);
        self.advance(id, JobState::New, JobState::Preparing);
        let chunks = new_chunks(chunks);
        self.queue.put_chunks(id, &chunks, total(&chunks), at(2)).unwrap();
        self.advance(id, JobState::Ready, JobState::Active);
    }

    pub fn record(&self, batch: ResultBatch) -> Result<(), QueueError> {
        block_on(self.queue.record(batch))
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Some second.
pub fn at(second: i64) -> Timestamp {
    Timestamp::new(1_800_000_000 + second, 123_456_789).unwrap()
}

pub fn spec() -> JobSpec {
    JobSpec {
        description: Some("archive".into()),
        priority: 10,
        confirm: false,
        timing: Timing::default(),
        role: "operator".into(),
        store: "main".into(),
        tags: BTreeMap::new(),
        client_token: None,
        policy: None,
        steps: vec![StepSpec {
            operation: OperationSpec {
                source: OperationSource::Builtin("copy".into()),
                parameters: serde_json::json!({ "target": "backup" }),
            },
            label: None,
            when: Filter::default(),
            on_failure: OnFailure::Stop,
        }],
        manifest: ManifestSpec {
            sources: vec![SourceSpec::List(ListSpec {
                location: Origin::At(Location::Local("/manifest.csv".into())),
                format: ListFormat::Csv { header: false, delimiter: ',' },
                fields: vec![Field::BUCKET, Field::KEY],
                keys: KeyEncoding::Url,
                bucket: None,
                etag: None,
                version_id: None,
            })],
            on_bad_row: OnBadRow::Fail,
            sample: None,
            unique: false,
            limit: None,
        },
        report: None,
        limits: Limits {
            concurrency: 64,
            rate: RateSpec::default(),
            failure_threshold: FailureThreshold { percent: 50.0, minimum_tasks: 1000, count: None },
            stop: Vec::new(),
        },
        retry: RetrySpec::default(),
    }
}

pub fn new_job(id: &str) -> NewJob {
    NewJob { id: id.into(), spec: spec(), plugin_digests: vec!["5e1f".into()], created_at: at(1) }
}

pub fn new_chunks(rows: &[u32]) -> Vec<NewChunk> {
    let mut first_row = 0;
    let mut chunks = Vec::new();
    for (number, rows) in (0_u32..).zip(rows) {
        let extent = ChunkExtent { offset: first_row * 10, bytes: rows * 10, rows: *rows, crc32: u32::MAX };
        chunks.push(NewChunk { number, first_row, extent });
        first_row += u64::from(*rows);
    }
    chunks
}

pub fn total(chunks: &[NewChunk]) -> u64 {
    chunks.iter().map(|chunk| u64::from(chunk.extent.rows)).sum()
}

pub fn succeeded() -> Outcome {
    Outcome::Succeeded(None)
}

pub fn failed(code: &str) -> Outcome {
    Outcome::Failed(Failure { code: code.into(), status: Some(404), message: format!("{code}: not there") })
}

pub fn row(index: u32) -> Row {
    Row { bucket: "photos".into(), key: format!("a%20{index}.jpg"), version_id: None, ..Row::default() }
}

/// A batch with the rows of its failures.
pub fn batch(job: &str, chunk: u32, outcomes: impl IntoIterator<Item = (u32, Outcome)>) -> ResultBatch {
    let results: Vec<_> =
        outcomes.into_iter().map(|(index, outcome)| TaskResult { index, outcome }).collect();
    let failed_rows = results
        .iter()
        .filter(|result| matches!(result.outcome, Outcome::Failed(_)))
        .map(|result| (result.index, row(result.index)))
        .collect();
    ResultBatch { job: job.into(), chunk, results, failed_rows, fuel: 0 }
}
