//! When jobs begin and when they are too late: start times, deadlines, jobs that come after others.

use jiff::Timestamp;
use longshore_job::JobState;
use longshore_job::spec::{Deadline, JobSpec, Timing};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::{Fault, QueueError, Step};
use crate::jobs::{self, JobKey, time_text};
use crate::queue::Queue;
use crate::transitions::{Transition, move_job};

/// The failure code of a job whose deadline has passed.
pub const DEADLINE_EXCEEDED: &str = "DeadlineExceeded";

/// The failure code of a job that comes after one which did not complete.
pub const DEPENDENCY_FAILED: &str = "DependencyFailed";

impl Queue {
    /// Fails the jobs whose deadline has passed and which have tasks left, and those that come after a job which did not
    /// complete: they move to Failing. The answer is their IDs.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`].
    pub fn fail_late(&self, now: Timestamp) -> Result<Vec<String>, QueueError> {
        let doing = "fail the jobs that are too late";
        self.require_engine(doing)?;
        // A write transaction costs a sync; most of the time there is none of these.
        if self.read(doing, |connection| late(connection, now))?.is_empty() {
            return Ok(Vec::new());
        }
        self.write_as_engine(doing, move |connection| {
            let late = late(connection, now)?;
            for Late { job, code, reason } in &late {
                fail(connection, job, code, reason, now)?;
            }
            Ok(late.into_iter().map(|late| late.job.id).collect())
        })
    }

    /// How many jobs wait for their time or for others.
    pub fn jobs_waiting(&self, now: Timestamp) -> Result<u64, QueueError> {
        self.read("count the jobs that wait", |connection| {
            let sql = "SELECT count(*) FROM job_records WHERE state = 'New' AND (coalesce(start_at > ?1, 0)
                           OR EXISTS (SELECT 1 FROM schedules WHERE job = job_records.number) OR EXISTS (
                           SELECT 1 FROM dependencies JOIN job_records AS other ON other.number = on_job
                           WHERE job = job_records.number AND other.state NOT IN ('Complete', 'Cancelled', 'Failed')))";
            Ok(connection.query_row(sql, [time_text(now)], |row| row.get(0))?)
        })
    }

    /// The jobs that a job comes after and that have not ended: IDs, the oldest first.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn waits_for(&self, id: &str) -> Result<Vec<String>, QueueError> {
        self.read("read what the job waits for", |connection| {
            let job = jobs::resolve(connection, id)?.number;
            let sql = "SELECT id FROM dependencies JOIN job_records ON number = on_job
                       WHERE job = ?1 AND state NOT IN ('Complete', 'Cancelled', 'Failed') ORDER BY created_at, id";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([job], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// A job that fails, and why.
struct Late {
    job: JobKey,
    code: &'static str,
    reason: String,
}

fn late(connection: &Connection, now: Timestamp) -> Step<Vec<Late>> {
    let sql = "SELECT number, id, state, deadline_at, total_tasks, succeeded + failed AS ran FROM job_records
               WHERE deadline_at IS NOT NULL AND deadline_at <= ?1
                 AND state IN ('New', 'Preparing', 'Suspended', 'Ready', 'Active', 'Paused')";
    let mut statement = connection.prepare_cached(sql)?;
    let overdue = statement.query_map([time_text(now)], overdue)?;
    let mut late = overdue.collect::<Result<Vec<_>, _>>()?;
    let sql =
        "SELECT job_records.number, job_records.id, job_records.state, other.id AS other, other.state AS ended, other.failure_code
               FROM job_records JOIN dependencies ON job = job_records.number JOIN job_records AS other ON other.number = on_job
               WHERE job_records.state = 'New' AND must_complete AND other.state IN ('Failed', 'Cancelled')
               GROUP BY job_records.number";
    let mut statement = connection.prepare_cached(sql)?;
    let orphans = statement.query_map([], orphan)?;
    for orphan in orphans {
        let orphan = orphan?;
        if !late.iter().any(|other| other.job.number == orphan.job.number) {
            late.push(orphan);
        }
    }
    Ok(late)
}

fn overdue(row: &Row<'_>) -> rusqlite::Result<Late> {
    let total: Option<u64> = row.get("total_tasks")?;
    let (deadline, ran) = (jobs::time(row, "deadline_at")?, row.get::<_, u64>("ran")?);
    let tasks = total.map_or_else(
        || "its manifest was not read yet".to_owned(),
        |total| format!("{ran} of its {total} tasks had run"),
    );
    let reason = format!("the deadline of the job was {deadline:.0}, and {tasks}");
    Ok(Late { job: jobs::job_key(row)?, code: DEADLINE_EXCEEDED, reason })
}

fn orphan(row: &Row<'_>) -> rusqlite::Result<Late> {
    let (other, ended): (String, String) = (row.get("other")?, row.get("ended")?);
    let code: Option<String> = row.get("failure_code")?;
    let why = code.map(|code| format!(" ({code})")).unwrap_or_default();
    let reason = format!("the job was to run after job {other}, which is {ended}{why}");
    Ok(Late { job: jobs::job_key(row)?, code: DEPENDENCY_FAILED, reason })
}

/// Moves a job to Failing, with the reason.
pub(crate) fn fail(
    connection: &Connection,
    job: &JobKey,
    code: &str,
    reason: &str,
    now: Timestamp,
) -> Step<()> {
    let step = Transition {
        to: JobState::Failing,
        cause: format!("{code}: {reason}"),
        actor: "engine".to_owned(),
        at: now,
    };
    move_job(connection, job, &step)?;
    let sql = "UPDATE job_records SET failure_code = ?2, failure_reason = ?3 WHERE number = ?1";
    connection.execute(sql, params![job.number, code, reason])?;
    Ok(())
}

/// The deadline that is known before the job starts.
pub(crate) fn fixed_deadline(spec: &JobSpec) -> Option<Timestamp> {
    match spec.timing.deadline {
        Some(Deadline::At(moment)) => Some(moment),
        Some(Deadline::Seconds(_)) | None => None,
    }
}

/// Fixes the deadline of a job that is Active since `now`, unless it is fixed.
pub(crate) fn set_deadline(connection: &Connection, job: i64, now: Timestamp) -> Step<()> {
    let sql = "SELECT spec ->> '$.timing.deadline.seconds' FROM job_records WHERE number = ?1 AND deadline_at IS NULL";
    let seconds = connection.query_row(sql, [job], |row| row.get::<_, Option<i64>>(0)).optional()?.flatten();
    if let Some(seconds) = seconds {
        let moment = Deadline::Seconds(seconds).moment(now);
        let sql = "UPDATE job_records SET deadline_at = ?2 WHERE number = ?1";
        connection.execute(sql, params![job, time_text(moment)])?;
    }
    Ok(())
}

/// Keeps which jobs a new job comes after.
pub(crate) fn depend(connection: &Connection, job: i64, timing: &Timing) -> Step<()> {
    let complete = timing.after.iter().map(|name| (name, true));
    let ended = timing.after_ended.iter().map(|name| (name, false));
    for (name, must_complete) in complete.chain(ended) {
        let on = named(connection, name)?;
        if on == job {
            return Err(QueueError::UnknownDependency { name: name.clone() }.into());
        }
        let sql = "INSERT INTO dependencies (job, on_job, must_complete) VALUES (?1, ?2, ?3)
                   ON CONFLICT (job, on_job) DO UPDATE SET must_complete = max(must_complete, excluded.must_complete)";
        connection.execute(sql, params![job, on, must_complete])?;
    }
    Ok(())
}

/// Forgets which jobs a job came after, and its schedule: it waits no longer.
pub(crate) fn begin(connection: &Connection, job: i64) -> Step<()> {
    connection.prepare_cached("DELETE FROM dependencies WHERE job = ?1")?.execute([job])?;
    connection.prepare_cached("DELETE FROM schedules WHERE job = ?1")?.execute([job])?;
    Ok(())
}

/// The job with this client token, this ID or the start of one.
fn named(connection: &Connection, name: &str) -> Step<i64> {
    let sql = "SELECT number FROM job_records WHERE client_token = ?1";
    if let Some(number) = connection.query_row(sql, [name], |row| row.get(0)).optional()? {
        return Ok(number);
    }
    match jobs::resolve(connection, name) {
        Ok(job) => Ok(job.number),
        Err(Fault::Refused(QueueError::NotFound { .. })) => {
            Err(QueueError::UnknownDependency { name: name.to_owned() }.into())
        }
        Err(fault) => Err(fault),
    }
}
