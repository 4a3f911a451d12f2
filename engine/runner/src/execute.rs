//! The Active stage: lanes run tasks, the collector commits their results.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use longshore_job::{Failure, JobState, ObjectId, Outcome};
use longshore_manifest::SpoolReader;
use longshore_plugin::{Execution, Lane};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::collect::{Collector, Message};
use crate::error::{RunnerError, blocking};
use crate::feed::{Assignment, Feed, OpenChunk};
use crate::job::Job;

/// Results that may be finished but not yet durable, beside those of the running tasks (count; bounds what a crash
/// repeats). Enough for 100,000 results/s at one commit every 20 ms.
const COMMIT_WINDOW: usize = 4096;

/// Chunks in memory at once, beside those that `concurrency` needs (count; bounds memory while tasks wait to run again).
const SPARE_CHUNKS: usize = 8;

/// Rows of a chunk, to size the number of open chunks (see `longshore_manifest::CHUNK_ROWS`).
const LANES_PER_CHUNK: usize = 250;

/// How often one task may answer "again after" (count; ends loops of a plugin that never finishes).
const MAX_ATTEMPTS: u32 = 1000;

/// How often a running job looks whether it was cancelled from another process.
const CANCEL_POLL: Duration = Duration::from_millis(250);

/// Why the Active stage ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    /// Every task has a result.
    AllDone,
    /// Too many tasks failed; says how many.
    Threshold(String),
    /// A user cancelled the job: its state is no longer Active.
    Cancelled,
    /// The engine was asked to stop; the job stays Active.
    Stopped,
}

/// Runs the tasks that have no result yet.
pub(crate) async fn execute(job: &Job, stop: &CancellationToken) -> Result<Ending, RunnerError> {
    let concurrency = usize::try_from(job.spec.limits.concurrency).unwrap_or(usize::MAX).max(1);
    let halt = stop.child_token();
    let _halt_on_return = halt.clone().drop_guard();
    let window = Arc::new(Semaphore::new(concurrency + COMMIT_WINDOW));
    let (messages, inbox) = mpsc::channel(COMMIT_WINDOW);
    let (chunks, chunk_inbox) = mpsc::channel(1);
    let feed = Feed::new(chunk_inbox, halt.clone());

    let mut tasks = JoinSet::new();
    let open_chunks = SPARE_CHUNKS + concurrency.div_ceil(LANES_PER_CHUNK);
    let loading = load_chunks(job.clone(), Arc::new(Semaphore::new(open_chunks)), chunks, messages.clone());
    tasks.spawn(until_halted(halt.clone(), loading));
    for _ in 0..concurrency {
        let runner = LaneRunner {
            job: job.clone(),
            feed: Arc::clone(&feed),
            window: Arc::clone(&window),
            messages: messages.clone(),
            halt: halt.clone(),
        };
        tasks.spawn(or_halt(halt.clone(), runner.run()));
    }
    drop(messages);

    let watcher = tokio::spawn(watch_for_cancel(job.clone(), halt.clone()));
    let collected = Collector::new(job, Arc::clone(&window), halt.clone())?.run(inbox).await;
    halt.cancel();
    let lanes = join_all(tasks).await;
    let cancelled = watcher.await.map_err(|error| RunnerError::Internal(error.to_string()))??;
    lanes?;
    let collected = collected?;
    Ok(match collected.threshold {
        Some(reason) => Ending::Threshold(reason),
        None if cancelled => Ending::Cancelled,
        None if collected.all_done => Ending::AllDone,
        None => Ending::Stopped,
    })
}

/// Runs a part of the stage; its failure halts the others.
async fn or_halt(
    halt: CancellationToken,
    part: impl Future<Output = Result<(), RunnerError>>,
) -> Result<(), RunnerError> {
    let result = part.await;
    if result.is_err() {
        halt.cancel();
    }
    result
}

/// As [`or_halt`], and drops the part where it waits once the stage is halted.
async fn until_halted(
    halt: CancellationToken,
    part: impl Future<Output = Result<(), RunnerError>>,
) -> Result<(), RunnerError> {
    let part = or_halt(halt.clone(), part);
    halt.run_until_cancelled(part).await.unwrap_or(Ok(()))
}

async fn join_all(mut tasks: JoinSet<Result<(), RunnerError>>) -> Result<(), RunnerError> {
    let mut first = Ok(());
    while let Some(joined) = tasks.join_next().await {
        let result = joined.unwrap_or_else(|error| Err(RunnerError::Internal(error.to_string())));
        if first.is_ok() {
            first = result;
        }
    }
    first
}

/// Brings the job's open chunks into memory, in order, a bounded number at a time.
async fn load_chunks(
    job: Job,
    slots: Arc<Semaphore>,
    chunks: mpsc::Sender<Arc<OpenChunk>>,
    messages: mpsc::Sender<Message>,
) -> Result<(), RunnerError> {
    const RECORDS_PER_QUERY: usize = 64;
    let path = job.spool_path();
    let spool = Arc::new(blocking(move || SpoolReader::open(&path)).await??);
    let mut after = None;
    loop {
        let (queue, id) = (job.queue.clone(), job.id.clone());
        let records = blocking(move || queue.open_chunks(&id, after, RECORDS_PER_QUERY)).await??;
        if records.is_empty() {
            return Ok(());
        }
        for record in records {
            after = Some(record.number);
            let slot = Arc::clone(&slots).acquire_owned().await;
            let slot = slot.map_err(|error| RunnerError::Internal(error.to_string()))?;
            let spool = Arc::clone(&spool);
            let chunk = blocking(move || {
                let rows = spool.read(&record.extent())?;
                Ok::<_, RunnerError>(Arc::new(OpenChunk::new(&record, rows, slot)))
            })
            .await??;
            let closed = if chunk.pending.is_empty() {
                messages.send(Message::AllDurable(chunk)).await.is_err()
            } else {
                chunks.send(chunk).await.is_err()
            };
            if closed {
                return Ok(());
            }
        }
    }
}

/// Halts the tasks once the job is no longer Active in the queue; true if so.
async fn watch_for_cancel(job: Job, halt: CancellationToken) -> Result<bool, RunnerError> {
    loop {
        let ended = halt.is_cancelled();
        let (queue, id) = (job.queue.clone(), job.id.clone());
        let state = blocking(move || queue.job(&id)).await??.state;
        if state != JobState::Active {
            halt.cancel();
            return Ok(true);
        }
        if ended {
            return Ok(false);
        }
        tokio::select! {
            () = halt.cancelled() => {}
            () = tokio::time::sleep(CANCEL_POLL) => {}
        }
    }
}

/// One slot of concurrency.
struct LaneRunner {
    job: Job,
    feed: Arc<Feed>,
    window: Arc<Semaphore>,
    messages: mpsc::Sender<Message>,
    halt: CancellationToken,
}

impl LaneRunner {
    async fn run(self) -> Result<(), RunnerError> {
        let mut lane = self.lane().await?;
        loop {
            let Some(permit) = self.halt.run_until_cancelled(self.window.acquire()).await else {
                return Ok(());
            };
            let permit = permit.map_err(|error| RunnerError::Internal(error.to_string()))?;
            let Some(assignment) = self.feed.next().await else { return Ok(()) };
            let outcome = match self.execute(&mut lane, &assignment).await? {
                Execution::Done(outcome) => outcome,
                Execution::AgainAfter { note, .. } if assignment.attempt >= MAX_ATTEMPTS => {
                    too_many_attempts(&note)
                }
                Execution::AgainAfter { seconds, .. } => {
                    self.feed.again_after(assignment, Duration::from_secs(u64::from(seconds)));
                    continue;
                }
            };
            permit.forget(); // given back by the collector once the result is durable
            if self.messages.send(Message::Finished(assignment, outcome)).await.is_err() {
                return Ok(());
            }
        }
    }

    async fn lane(&self) -> Result<Lane, RunnerError> {
        let parameters = &self.job.spec.operation.parameters;
        Ok(self.job.resolved.plugin.lane(parameters, self.job.resolved.isolation, &self.job.id).await?)
    }

    /// Runs one task. A panic in the host costs that task and its lane's instance, no more.
    async fn execute(&self, lane: &mut Lane, assignment: &Assignment) -> Result<Execution, RunnerError> {
        let object = match object_of(&self.job, assignment) {
            Ok(object) => object,
            Err(failure) => return Ok(Execution::Done(Outcome::Failed(failure))),
        };
        let running = lane.execute(&object, assignment.attempt, &self.job.resolved.gate);
        match AssertUnwindSafe(running).catch_unwind().await {
            Ok(execution) => Ok(execution),
            Err(_) => {
                *lane = self.lane().await?;
                Ok(Execution::Done(Outcome::Failed(Failure {
                    code: "InternalError".into(),
                    status: None,
                    message: "the engine panicked while it ran this task; this is a bug, please report it"
                        .into(),
                })))
            }
        }
    }
}

/// The object of a task, or why the row names none.
fn object_of(job: &Job, assignment: &Assignment) -> Result<ObjectId, Failure> {
    let index = usize::try_from(assignment.index).unwrap_or(usize::MAX);
    let Some(row) = assignment.chunk.rows.get(index) else {
        return Err(invalid_request("the chunk has no such row"));
    };
    if row.version_id.as_deref() == Some("") {
        return Err(invalid_request("Task failed due to missing VersionId"));
    }
    row.object(job.spec.manifest.keys()).map_err(|error| invalid_request(&error.to_string()))
}

fn invalid_request(message: &str) -> Failure {
    Failure { code: "InvalidRequest".into(), status: Some(400), message: message.into() }
}

fn too_many_attempts(note: &str) -> Outcome {
    Outcome::Failed(Failure {
        code: "TooManyAttempts".into(),
        status: None,
        message: format!("the operation asked to run again {MAX_ATTEMPTS} times; its last note: {note}"),
    })
}
