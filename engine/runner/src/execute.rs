//! The Active stage: lanes run tasks, the collector commits their results.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use longshore_job::{Failure, JobState, KeyEncoding, ObjectId, Outcome, Row, Stop, TaskProgress};
use longshore_plugin::Execution;
use longshore_queue::WaitingTask;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::collect::{Collector, Message};
use crate::error::{RunnerError, blocking};
use crate::feed::{Assignment, Feed, Pending};
use crate::job::Job;
use crate::outage::Outage;
use crate::schedule::slots::Turn;
use crate::state_watch::StateWatch;
use crate::steps::{StepLanes, Subject};
use crate::supply::Supply;
use crate::suspects::{Running, Suspects};

/// Results that may be finished but not yet durable, beside those of the running tasks, over all jobs (count; bounds what a
/// crash repeats). Enough for 100,000 results/s at one commit every 20 ms.
pub(crate) const COMMIT_WINDOW: usize = 4096;

/// Chunks of a job in memory at once, beside those that `concurrency` needs (count; bounds memory while stragglers run).
const SPARE_CHUNKS: usize = 8;

/// Rows of a chunk, to size the number of open chunks (see `longshore_manifest::CHUNK_ROWS`).
const LANES_PER_CHUNK: usize = 250;

/// How often one step of a task may run (count; ends loops of a plugin that never finishes). A look every minute for a week.
const MAX_ATTEMPTS: u32 = 10_000;

/// Why the Active stage ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    /// Every task has a result.
    AllDone,
    /// The job gives up by one of its rules.
    GivenUp(Stop),
    /// A user cancelled or paused the job: its state is no longer Active.
    Moved,
    /// Every task that has no result asked to run again later: the first at this moment. The job stays Active.
    Waits(Timestamp),
    /// The engine was asked to stop; the job stays Active.
    Stopped,
}

/// Runs the tasks that have no result yet.
pub(crate) async fn execute(job: &Job, stop: &CancellationToken) -> Result<Ending, RunnerError> {
    let concurrency = usize::try_from(job.spec.limits.concurrency).unwrap_or(usize::MAX);
    let concurrency = concurrency.clamp(1, job.seat.slots());
    let halt = job.displaced.child_token();
    let _halt_on_return = halt.clone().drop_guard();
    let window = job.seat.window();
    let (messages, inbox) = mpsc::channel(COMMIT_WINDOW);
    let (chunks, chunk_inbox) = mpsc::channel(1);
    let feed = Feed::new(chunk_inbox, halt.clone());
    let collector = Collector::new(job, Arc::clone(&window), halt.clone())?;

    let outage = Arc::new(Outage::new(job.resolved.stores()));
    let mut tasks = JoinSet::new();
    let open_chunks = SPARE_CHUNKS + concurrency.div_ceil(LANES_PER_CHUNK);
    let supply = Supply::new(job.clone(), open_chunks, chunks, messages.clone()).await?;
    tasks.spawn(until_halted(halt.clone(), supply.run()));
    let books = job.books.clone();
    let suspects = blocking(move || Suspects::mark(&books)).await??;
    for number in 0..concurrency {
        let runner = LaneRunner {
            number,
            suspects: suspects.clone(),
            job: job.clone(),
            feed: Arc::clone(&feed),
            window: Arc::clone(&window),
            messages: messages.clone(),
            outage: Arc::clone(&outage),
            halt: halt.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(or_halt(halt.clone(), runner.run()).in_current_span());
    }
    drop(messages);

    let watch = StateWatch::start(job, JobState::Active, &halt);
    let collected = collector.run(inbox).await;
    halt.cancel();
    let lanes = join_all(tasks).await;
    // An engine that was replaced leaves the other one's mark alone.
    if job.queue.confirm_tenure().is_ok() {
        Suspects::clear(job)?;
    }
    let moved = watch.end().await?;
    lanes?;
    let collected = collected?;
    Ok(match collected.stop {
        Some(stop) => Ending::GivenUp(stop),
        None if moved => Ending::Moved,
        None if collected.all_done => Ending::AllDone,
        None if job.displaced.is_cancelled() => Ending::Stopped,
        None => waits(job).await?,
    })
}

/// What became of a job whose lanes ended although nobody asked them to: its tasks wait.
async fn waits(job: &Job) -> Result<Ending, RunnerError> {
    let (queue, id) = (job.queue.clone(), job.id.clone());
    let next = blocking(move || queue.next_waiting(&id, &[])).await??;
    Ok(next.map_or(Ending::Stopped, |(_, due)| Ending::Waits(due)))
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

/// One slot of concurrency.
struct LaneRunner {
    job: Job,
    /// Which of the job's lanes it is, from 0.
    number: usize,
    /// Tasks that may have killed an engine, if one died.
    suspects: Option<Arc<Suspects>>,
    feed: Arc<Feed>,
    window: Arc<Semaphore>,
    messages: mpsc::Sender<Message>,
    outage: Arc<Outage>,
    /// No further task begins.
    halt: CancellationToken,
    /// The engine stops, and does not wait for running tasks for long.
    stop: CancellationToken,
}

impl LaneRunner {
    async fn run(self) -> Result<(), RunnerError> {
        let mut turn = self.job.seat.turn();
        loop {
            let Some(assignment) = turn.while_idle(self.feed.next()).await else { return Ok(()) };
            let Some(permit) = self.halt.run_until_cancelled(self.slot(&mut turn)).await else {
                return Ok(());
            };
            let permit = permit?;
            let lanes = match turn.tool() {
                Some(lanes) => lanes,
                none => none.insert(self.lanes().await?),
            };
            self.job.queue.confirm_tenure()?;
            let message = tokio::select! {
                message = self.execute(lanes, assignment) => message?,
                () = drained(&self.stop, self.job.drain) => return Ok(()),
            };
            permit.forget(); // given back by the collector once it is durable
            if self.messages.send(message).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Waits for the lane's turn, and for room for one more result.
    async fn slot(&self, turn: &mut Turn<StepLanes>) -> Result<SemaphorePermit<'_>, RunnerError> {
        turn.begin().await;
        self.window.acquire().await.map_err(|error| RunnerError::Internal(error.to_string()))
    }

    /// Fails if the store is gone: then the task has no result, and runs again once the store is back.
    async fn check_store(&self, outcome: &Outcome, begin: Instant) -> Result<(), RunnerError> {
        let answer = self.outage.check(outcome, begin).await;
        answer.map_err(|failure| RunnerError::Obstacle { job: self.job.id.clone(), failure })
    }

    async fn lanes(&self) -> Result<StepLanes, RunnerError> {
        let job = &self.job;
        let mut lanes =
            StepLanes::new(Arc::clone(&job.spec), job.resolved.clone(), &job.id, job.seat.slots());
        lanes.start().await?;
        Ok(lanes)
    }

    /// Runs one task: the steps that are left.
    async fn execute(&self, lanes: &mut StepLanes, assignment: Assignment) -> Result<Message, RunnerError> {
        let failed = |assignment, failure| Ok(Message::Finished(assignment, Outcome::Failed(failure), 0));
        let Some(row) = row_of(&assignment) else {
            return failed(assignment, invalid_request("the chunk has no such row"));
        };
        let object = match row_object(row, self.job.spec.manifest.keys()) {
            Ok(object) => object,
            Err(failure) => return failed(assignment, failure),
        };
        let running = match self.begin(&assignment).await {
            Ok(running) => running,
            Err(failure) => return failed(assignment, failure),
        };
        let _counted = longshore_measure::Running::begin();
        // Below info: a span for each of 100,000 tasks a second would cost more than the tasks.
        let span = tracing::debug_span!("task", bucket = object.bucket, key = object.key);
        let subject = lanes.subject(
            object,
            row,
            assignment.task.attempt > 1 || assignment.task.progress != TaskProgress::default(),
        );
        let message = self.steps(lanes, assignment, subject).instrument(span).await;
        drop(running);
        message
    }

    async fn steps(
        &self,
        lanes: &mut StepLanes,
        Assignment { chunk, mut task }: Assignment,
        mut subject: Subject,
    ) -> Result<Message, RunnerError> {
        let steps = &self.job.spec.steps;
        while let Some(number) = task.progress.next(steps) {
            let begin = Instant::now();
            let outcome = match self.step(lanes, number, task.attempt, &mut subject).await? {
                Execution::AgainAfter { seconds, note } if task.attempt < MAX_ATTEMPTS => {
                    return Ok(Message::PutOff(chunk, put_off(task, seconds, note), lanes.take_fuel()));
                }
                Execution::AgainAfter { note, .. } => too_many_attempts(&note),
                Execution::Done(outcome) => outcome,
            };
            self.check_store(&outcome, begin).await?;
            task.progress.add(outcome);
            task.attempt = 1;
        }
        let outcome = std::mem::take(&mut task.progress).outcome(steps);
        Ok(Message::Finished(Assignment { chunk, task }, outcome, lanes.take_fuel()))
    }

    /// Runs one step. A panic in the host costs that step and its lane's instances, no more.
    async fn step(
        &self,
        lanes: &mut StepLanes,
        number: usize,
        attempt: u32,
        subject: &mut Subject,
    ) -> Result<Execution, RunnerError> {
        let executed = AssertUnwindSafe(lanes.execute(number, attempt, subject)).catch_unwind().await;
        let Ok(executed) = executed else {
            lanes.reset();
            let message = "the engine panicked while it ran this task; this is a bug, please report it";
            let code = "InternalError".to_owned();
            let failure = Failure { code, status: None, message: message.to_owned() };
            return Ok(Execution::Done(Outcome::Failed(failure)));
        };
        Ok(executed?)
    }
}

impl LaneRunner {
    /// Waits until the task may run; fails it if it has killed the engine too often.
    async fn begin(&self, assignment: &Assignment) -> Result<Running, Failure> {
        match &self.suspects {
            Some(suspects) => {
                suspects.begin(self.number, (assignment.chunk.number, assignment.task.index)).await
            }
            None => Ok(Running::unnoted()),
        }
    }
}

/// Ends `drain` after the engine was asked to stop. What a lane is at then has no result: the next start runs it again, as
/// after a crash.
async fn drained(stop: &CancellationToken, drain: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(drain).await;
}

fn row_of(assignment: &Assignment) -> Option<&Row> {
    assignment.chunk.rows.get(usize::try_from(assignment.task.index).ok()?)
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

/// The next run of a task whose next step asked for it.
fn put_off(Pending { index, progress, attempt }: Pending, seconds: u32, note: String) -> WaitingTask {
    let due_at = Timestamp::now().saturating_add(SignedDuration::from_secs(i64::from(seconds)));
    WaitingTask {
        index,
        due_at: due_at.unwrap_or(Timestamp::MAX),
        progress,
        attempt: attempt.saturating_add(1),
        note,
    }
}

fn too_many_attempts(note: &str) -> Outcome {
    Outcome::Failed(Failure {
        code: "TooManyAttempts".into(),
        status: None,
        message: format!("the operation asked to run again {MAX_ATTEMPTS} times; its last note: {note}"),
    })
}
