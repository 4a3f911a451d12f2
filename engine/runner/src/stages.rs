//! One stage for each state of a job. A stage does the state's work and moves the job to the next state; what it did
//! before a crash, it finds done.

use jiff::Timestamp;
use longshore_job::JobState::{
    Active, Cancelled, Cancelling, Complete, Completing, Failed, Failing, New, Paused, Pausing, Preparing,
    Ready, Suspended,
};
use longshore_job::{JobState, Stop};
use longshore_queue::{JobRecord, Queue, QueueError};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::close::{close_started_chunks, in_a_cause};
use crate::disk::is_full;
use crate::error::{Halt, JobFailure, RunnerError, blocking};
use crate::event::Event;
use crate::execute::{Ending, execute};
use crate::job::{Job, clean_up, progress_of};
use crate::state_watch::StateWatch;
use crate::{lock_check, prepare, report, uploads};

/// Who moved a job, in its events.
const ACTOR: &str = "engine";

/// Why a job that was pausing is paused.
pub(crate) const PAUSED: &str = "no task runs any more";

/// Does the work of the job's present state. False if the engine was asked to stop before it was done. What is logged
/// meanwhile names the job.
pub(crate) async fn advance(
    job: &Job,
    record: &JobRecord,
    stop: &CancellationToken,
) -> Result<bool, RunnerError> {
    // Whoever logs only errors wants to know of which job, too.
    let span = tracing::error_span!("job", job = job.id);
    work_on(job, record, stop).instrument(span).await
}

async fn work_on(job: &Job, record: &JobRecord, stop: &CancellationToken) -> Result<bool, RunnerError> {
    job.queue.confirm_tenure()?;
    let done = match record.state {
        New => step(job, New, Preparing, "the engine took it up").map(|()| true).map_err(Halt::from),
        Preparing => read_manifest(job, stop).await,
        Ready => step(job, Ready, Active, "scheduled").map(|()| true).map_err(Halt::from),
        Active => run_tasks(job, record, stop).await,
        Pausing => step(job, Pausing, Paused, PAUSED).map(|()| true).map_err(Halt::from),
        Completing => write_report(job).await.map(|()| true),
        Cancelling => {
            end_early(job, Cancelling, Cancelled, "cancelled").await.map(|()| true).map_err(Halt::from)
        }
        Failing => end_early(job, Failing, Failed, "failed").await.map(|()| true).map_err(Halt::from),
        // A user is next.
        Suspended | Paused => Ok(false),
        Complete | Cancelled | Failed => Ok(true),
    };
    match done.map_err(|halt| halt.of_job(&job.id)) {
        Ok(done) => Ok(done),
        Err(Halt::Job(failure)) => fail(job, record.state, &failure).map(|()| true),
        // A user moved the job while the stage was at its end: the next round finds the new state.
        Err(Halt::Engine(RunnerError::Queue(QueueError::State { .. }))) => Ok(true),
        Err(Halt::Engine(error)) => Err(error),
    }
}

/// Fails a job whose stage could not do its work.
fn fail(job: &Job, from: JobState, failure: &JobFailure) -> Result<(), RunnerError> {
    fail_in_queue(&job.queue, &job.id, from, failure)?;
    observe_state(job, Failing, &failure.reason);
    Ok(())
}

/// Moves a job to Failing with its reason.
pub(crate) fn fail_in_queue(
    queue: &Queue,
    id: &str,
    from: JobState,
    failure: &JobFailure,
) -> Result<(), RunnerError> {
    unless_moved(queue.fail(id, from, Failing, &failure.code, &failure.reason, ACTOR, Timestamp::now()))
}

/// Moves a job to its next state, unless a user has moved it meanwhile.
pub(crate) fn step_in_queue(
    queue: &Queue,
    id: &str,
    from: JobState,
    to: JobState,
    cause: &str,
) -> Result<(), RunnerError> {
    unless_moved(queue.transition(id, from, to, cause, ACTOR, Timestamp::now()))
}

/// A job that is in another state than expected was moved from outside: the next round finds it there.
fn unless_moved(result: Result<(), QueueError>) -> Result<(), RunnerError> {
    match result {
        Err(QueueError::State { .. }) => Ok(()),
        other => Ok(other?),
    }
}

fn step(job: &Job, from: JobState, to: JobState, cause: &str) -> Result<(), RunnerError> {
    job.queue.transition(&job.id, from, to, cause, ACTOR, Timestamp::now())?;
    observe_state(job, to, cause);
    Ok(())
}

fn observe_state(job: &Job, state: JobState, cause: &str) {
    job.observe(&Event::State { job: job.id.clone(), state, cause: cause.to_owned() });
}

async fn read_manifest(job: &Job, stop: &CancellationToken) -> Result<bool, Halt> {
    report::check(job).await?;
    let halt = stop.child_token();
    let watch = StateWatch::start(job, Preparing, &halt);
    let prepared = prepare::prepare(job, &halt).await;
    let moved = watch.end().await?;
    let Some(prepared) = prepared? else { return Ok(moved) };
    if let Some(first) = &prepared.first {
        lock_check::check(job, first).await?;
    }
    let (queue, id) = (job.queue.clone(), job.id.clone());
    let total = prepared.total;
    let state =
        blocking(move || queue.put_chunks(&id, &prepared.chunks, prepared.total, Timestamp::now())).await??;
    prepare::forget_lists(job)?;
    job.observe(&Event::Reading { job: job.id.clone(), rows: total });
    observe_state(job, state, "the manifest was read and checked");
    Ok(true)
}

async fn run_tasks(job: &Job, record: &JobRecord, stop: &CancellationToken) -> Result<bool, Halt> {
    job.observe_progress(progress_of(record));
    match execute(job, stop).await? {
        Ending::AllDone => {
            step(job, Active, Completing, "every task has a result")?;
            Ok(true)
        }
        Ending::GivenUp(stop) => Err(given_up(job, &stop).await?.into()),
        Ending::Waits(until) => Err(RunnerError::Waits { job: job.id.clone(), until }.into()),
        Ending::Moved => Ok(true),
        Ending::Stopped => Ok(false),
    }
}

/// Why the job gives up: the rule and, where it is about certain codes, the first object that failed with one.
async fn given_up(job: &Job, stop: &Stop) -> Result<JobFailure, RunnerError> {
    let Stop::Codes { rule, .. } = stop else {
        return Ok(JobFailure::new("FailureThresholdExceeded", stop.to_string()));
    };
    let (queue, id, rule) = (job.queue.clone(), job.id.clone(), rule.clone());
    let first = blocking(move || queue.first_failure(&id, |code| rule.matches(code))).await??;
    let reason = match first {
        Some(first) => format!(
            "{stop}; the first in the manifest is {}/{} (row {}): {}: {}",
            first.bucket,
            first.key,
            first.row.saturating_add(1),
            first.code,
            first.message
        ),
        None => stop.to_string(),
    };
    Ok(JobFailure::new("StopRuleMet", reason))
}

async fn write_report(job: &Job) -> Result<(), Halt> {
    uploads::abort_left(job).await?;
    if let Some(location) = report::write(job, Timestamp::now()).await? {
        job.queue.set_report(&job.id, &location)?;
    }
    step(job, Completing, Complete, "the report is written")?;
    let record = job.queue.job(&job.id)?;
    Ok(clean_up(&job.spool, &record).await.map(drop)?)
}

/// Ends a job before all its tasks ran. The report lists those that did; if it cannot be written, the job ends all the same
/// and the rows stay in its folder.
async fn end_early(job: &Job, from: JobState, to: JobState, cause: &str) -> Result<(), RunnerError> {
    let lost = close_started_chunks(job).await?;
    uploads::abort_left(job).await?;
    let cause = format!("{cause}{}", in_a_cause(lost));
    let cause = match report::write(job, Timestamp::now()).await {
        Ok(Some(location)) => {
            job.queue.set_report(&job.id, &location)?;
            cause
        }
        Ok(None) => cause,
        Err(Halt::Job(failure)) => format!("{cause}; {failure}"),
        Err(Halt::Engine(error)) if is_full(&error) => format!("{cause}; without a report: {error}"),
        Err(Halt::Engine(error)) => return Err(error),
    };
    step(job, from, to, &cause)?;
    clean_up(&job.spool, &job.queue.job(&job.id)?).await.map(drop)
}
