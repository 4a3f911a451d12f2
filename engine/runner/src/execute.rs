//! The Active stage: lanes run tasks, the collector commits their results.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use longshore_job::{Failure, JobState, KeyEncoding, ObjectId, Outcome, Row};
use longshore_plugin::{Columns, Execution, Lane};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::collect::{Collector, Message};
use crate::error::{RunnerError, blocking};
use crate::feed::{Assignment, Feed, OpenChunk};
use crate::job::Job;
use crate::outage::Outage;
use crate::state_watch::StateWatch;

/// Results that may be finished but not yet durable, beside those of the running tasks (count; bounds what a crash
/// repeats). Enough for 100,000 results/s at one commit every 20 ms.
const COMMIT_WINDOW: usize = 4096;

/// Chunks in memory at once, beside those that `concurrency` needs (count; bounds memory while tasks wait to run again).
const SPARE_CHUNKS: usize = 8;

/// Rows of a chunk, to size the number of open chunks (see `longshore_manifest::CHUNK_ROWS`).
const LANES_PER_CHUNK: usize = 250;

/// How often one task may answer "again after" (count; ends loops of a plugin that never finishes).
const MAX_ATTEMPTS: u32 = 1000;

/// How long running tasks may go on once the engine is asked to stop. What is not done by then has no result, and the next
/// start runs it again, as after a crash.
const DRAIN: Duration = Duration::from_secs(30);

/// Why the Active stage ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    /// Every task has a result.
    AllDone,
    /// Too many tasks failed; says how many.
    Threshold(String),
    /// A user cancelled or paused the job: its state is no longer Active.
    Moved,
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

    let outage = Arc::new(Outage::new(Arc::clone(&job.resolved.store)));
    let mut tasks = JoinSet::new();
    let open_chunks = SPARE_CHUNKS + concurrency.div_ceil(LANES_PER_CHUNK);
    let loading = load_chunks(job.clone(), Arc::new(Semaphore::new(open_chunks)), chunks, messages.clone());
    tasks.spawn(until_halted(halt.clone(), loading));
    let columns: Arc<[String]> = job.spec.manifest.columns().into();
    for _ in 0..concurrency {
        let runner = LaneRunner {
            job: job.clone(),
            feed: Arc::clone(&feed),
            window: Arc::clone(&window),
            messages: messages.clone(),
            outage: Arc::clone(&outage),
            halt: halt.clone(),
            stop: stop.clone(),
            columns: Arc::clone(&columns),
        };
        tasks.spawn(or_halt(halt.clone(), runner.run()));
    }
    drop(messages);

    let watch = StateWatch::start(job, JobState::Active, &halt);
    let collected = Collector::new(job, Arc::clone(&window), halt.clone())?.run(inbox).await;
    halt.cancel();
    let lanes = join_all(tasks).await;
    let moved = watch.end().await?;
    lanes?;
    let collected = collected?;
    Ok(match collected.threshold {
        Some(reason) => Ending::Threshold(reason),
        None if moved => Ending::Moved,
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
    let spool = job.spool.clone();
    let spool = Arc::new(blocking(move || spool.open()).await??);
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

/// One slot of concurrency.
struct LaneRunner {
    job: Job,
    feed: Arc<Feed>,
    window: Arc<Semaphore>,
    messages: mpsc::Sender<Message>,
    outage: Arc<Outage>,
    /// No further task begins.
    halt: CancellationToken,
    /// The engine stops, and does not wait for running tasks for long.
    stop: CancellationToken,
    /// Names of the columns that the manifest has for the operation.
    columns: Arc<[String]>,
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
            let executed = tokio::select! {
                executed = self.execute(&mut lane, &assignment) => executed?,
                () = drained(&self.stop) => return Ok(()),
            };
            let outcome = match executed {
                Execution::Done(outcome) => outcome,
                Execution::AgainAfter { note, .. } if assignment.attempt >= MAX_ATTEMPTS => {
                    too_many_attempts(&note)
                }
                Execution::AgainAfter { seconds, .. } => {
                    self.feed.again_after(assignment, Duration::from_secs(u64::from(seconds)));
                    continue;
                }
            };
            if Outage::may_explain(&outcome) {
                self.check_store().await?;
            }
            permit.forget(); // given back by the collector once the result is durable
            if self.messages.send(Message::Finished(assignment, outcome)).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Fails if the store is gone: then the task has no result, and runs again once the store is back.
    async fn check_store(&self) -> Result<(), RunnerError> {
        let answer = self.outage.check().await;
        answer.map_err(|failure| RunnerError::Obstacle { job: self.job.id.clone(), failure })
    }

    async fn lane(&self) -> Result<Lane, RunnerError> {
        let parameters = &self.job.spec.operation.parameters;
        Ok(self.job.resolved.plugin.lane(parameters, self.job.resolved.isolation, &self.job.id).await?)
    }

    /// Runs one task. A panic in the host costs that task and its lane's instance, no more.
    async fn execute(&self, lane: &mut Lane, assignment: &Assignment) -> Result<Execution, RunnerError> {
        let failed = |failure| Ok(Execution::Done(Outcome::Failed(failure)));
        let Some(row) = row_of(assignment) else {
            return failed(invalid_request("the chunk has no such row"));
        };
        let object = match row_object(row, self.job.spec.manifest.keys()) {
            Ok(object) => object,
            Err(failure) => return failed(failure),
        };
        if !self.columns.is_empty() {
            lane.set_columns(columns_of(row, &self.columns));
        }
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

/// Ends some time after the engine was asked to stop.
async fn drained(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(DRAIN).await;
}

fn row_of(assignment: &Assignment) -> Option<&Row> {
    assignment.chunk.rows.get(usize::try_from(assignment.index).ok()?)
}

/// What the row has for the operation, in the columns `names`.
pub(crate) fn columns_of(row: &Row, names: &Arc<[String]>) -> Columns {
    Columns { names: Arc::clone(names), values: row.columns.clone() }
}

/// The object that a row names, or why its task fails before anything is asked.
pub(crate) fn row_object(row: &Row, keys: KeyEncoding) -> Result<ObjectId, Failure> {
    if let Some(problem) = &row.problem {
        return Err(Failure {
            code: "InvalidManifestContent".into(),
            status: Some(400),
            message: problem.clone(),
        });
    }
    if row.version_id.as_deref() == Some("") {
        return Err(invalid_request("Task failed due to missing VersionId"));
    }
    row.object(keys).map_err(|error| invalid_request(&error.to_string()))
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
