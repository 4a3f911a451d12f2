//! Jobs: submitting, finding and listing them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use longshore_job::{JobSpec, JobState};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use serde::de::DeserializeOwned;

use crate::error::{Fault, MIN_PREFIX, QueueError, Step};
use crate::queue::Queue;
use crate::record::{
    Candidate, EventRecord, FailureRecord, JobRecord, NewJob, PolicySnapshotRecord, Submission,
};
use crate::transitions::{self, Transition};
use crate::{retry, schedules, timing};

/// How many jobs an ambiguous prefix lists (count).
const CANDIDATES: u32 = 5;

impl Queue {
    /// Puts a job into the queue, in state New. With a client token that another job has already, that job is the
    /// answer, if it has the same specification.
    ///
    /// # Errors
    ///
    /// [`QueueError::TokenReused`]; [`QueueError::IdTaken`]; for failed tasks of an earlier job those of
    /// [`retryable`](Self::retryable).
    pub fn submit(&self, new: &NewJob) -> Result<Submission, QueueError> {
        self.submit_because(new, "submitted")
    }

    /// As [`submit`](Self::submit), and says in the job's first event why.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    pub fn submit_because(&self, new: &NewJob, cause: &str) -> Result<Submission, QueueError> {
        let (new, cause) = (new.clone(), cause.to_owned());
        self.write("submit the job", move |connection| submit(connection, &new, cause))
    }

    /// The job with this ID, or whose ID starts with these four or more characters.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn job(&self, id: &str) -> Result<JobRecord, QueueError> {
        self.read("read the job", |connection| {
            let number = resolve(connection, id)?.number;
            Ok(connection.query_row("SELECT * FROM job_records WHERE number = ?1", [number], job_record)?)
        })
    }

    /// Every job, newest first.
    pub fn jobs(&self) -> Result<Vec<JobRecord>, QueueError> {
        self.list("list the jobs", "SELECT * FROM job_records ORDER BY created_at DESC, number DESC")
    }

    /// How many jobs are in each state that any is in.
    pub fn jobs_by_state(&self) -> Result<BTreeMap<JobState, u64>, QueueError> {
        self.read("count the jobs", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT state, count(*) FROM job_records GROUP BY state")?;
            let rows = statement.query_map([], |row| Ok((job_state(row, "state")?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The jobs that have not ended, by priority, then age; and, whatever became of them, those that were submitted since
    /// an earlier call gave `mark`. With them the mark for the next call.
    pub fn unfinished(&self, mark: Option<i64>) -> Result<(Vec<JobRecord>, i64), QueueError> {
        self.read("list the jobs that have not ended", |connection| {
            let sql = "SELECT coalesce(max(number), 0) FROM job_records";
            let last: i64 = connection.query_row(sql, [], |row| row.get(0))?;
            let sql = "SELECT * FROM job_records WHERE state NOT IN ('Complete', 'Cancelled', 'Failed') OR number > ?1
                       ORDER BY priority DESC, created_at, id";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([mark.unwrap_or(last)], job_record)?;
            Ok((rows.collect::<Result<_, _>>()?, last))
        })
    }

    /// The jobs that the engine has something to do for at `now`, in the order in which they are to run: by priority, then
    /// age. Jobs that wait for their time or for others are not among them.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`]; [`QueueError::Fenced`] if another engine has taken the queue over.
    pub fn runnable(&self, now: Timestamp) -> Result<Vec<Candidate>, QueueError> {
        let doing = "list the jobs to run";
        self.require_engine(doing)?;
        self.confirm_tenure()?;
        self.read(doing, |connection| {
            let sql = "SELECT id, state, priority FROM job_records
                       WHERE state NOT IN ('Complete', 'Cancelled', 'Failed', 'Suspended', 'Paused')
                         AND NOT (state = 'New' AND (coalesce(start_at > ?1, 0)
                             OR EXISTS (SELECT 1 FROM schedules WHERE job = job_records.number) OR EXISTS (
                             SELECT 1 FROM dependencies JOIN job_records AS other ON other.number = on_job
                             WHERE job = job_records.number AND other.state NOT IN ('Complete', 'Cancelled', 'Failed'))))
                       ORDER BY priority DESC, created_at, id";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([time_text(now)], candidate)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The failed tasks of a job, in manifest order: at most `limit`, after the row `after`, from the first without.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn failures(
        &self,
        id: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<FailureRecord>, QueueError> {
        self.read("read the failures", |connection| {
            let job = resolve(connection, id)?.number;
            let from = after.map_or(0, |row| row.saturating_add(1));
            let sql = "SELECT * FROM failures WHERE job = ?1 AND row >= ?2 ORDER BY row LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![job, from, row_limit(limit)], failure_record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many tasks of a job failed with each code, the most frequent first.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn failure_codes(&self, id: &str) -> Result<Vec<(String, u64)>, QueueError> {
        self.read("read the failure codes", |connection| {
            let job = resolve(connection, id)?.number;
            let sql = "SELECT code, count FROM failure_codes WHERE job = ?1 ORDER BY count DESC, code";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([job], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Every transition of a job, in order.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn events(&self, id: &str) -> Result<Vec<EventRecord>, QueueError> {
        self.read("read the events", |connection| {
            let job = resolve(connection, id)?.number;
            let sql = "SELECT * FROM event_records WHERE job = ?1 ORDER BY number";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([job], event_record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The policies that a job ran under, in order.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn policy_snapshots(&self, id: &str) -> Result<Vec<PolicySnapshotRecord>, QueueError> {
        self.read("read the policies", |connection| {
            let job = resolve(connection, id)?.number;
            let sql = "SELECT * FROM policy_snapshots WHERE job = ?1 ORDER BY number";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([job], policy_snapshot)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn list(&self, doing: &'static str, sql: &str) -> Result<Vec<JobRecord>, QueueError> {
        self.read(doing, |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], job_record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// What names a job inside the database, and its state.
#[derive(Debug, Clone)]
pub(crate) struct JobKey {
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) state: JobState,
}

impl JobKey {
    /// Refuses a job that is in none of these states.
    pub(crate) fn require(&self, states: &[JobState], doing: &'static str) -> Result<(), QueueError> {
        if states.contains(&self.state) {
            return Ok(());
        }
        let open = JobState::ALL.into_iter().filter(|state| !state.is_terminal());
        let needed = if open.eq(states.iter().copied()) {
            "not at its end".to_owned()
        } else {
            states.iter().map(|state| state.name()).collect::<Vec<_>>().join(" or ")
        };
        Err(QueueError::State { id: self.id.clone(), found: self.state, needed, doing })
    }
}

/// The job with this full ID.
pub(crate) fn find(connection: &Connection, id: &str) -> Step<JobKey> {
    let sql = "SELECT number, id, state FROM job_records WHERE id = ?1";
    let key = connection.prepare_cached(sql)?.query_row([id], job_key).optional()?;
    Ok(key.ok_or_else(|| QueueError::NotFound { id: id.to_owned() })?)
}

/// The job with this ID, or with an ID that starts so.
pub(crate) fn resolve(connection: &Connection, id: &str) -> Step<JobKey> {
    match find(connection, id) {
        Err(Fault::Refused(QueueError::NotFound { .. })) if id.chars().count() >= MIN_PREFIX => {}
        found => return found,
    }
    let sql =
        "SELECT number, id, state FROM job_records WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![id, CANDIDATES], job_key)?;
    let mut keys = rows.collect::<Result<Vec<_>, _>>()?;
    match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => Ok(key),
        (None, _) => Err(QueueError::NotFound { id: id.to_owned() }.into()),
        (Some(last), false) => {
            let candidates = keys.into_iter().chain([last]).map(|key| key.id).collect();
            Err(QueueError::Ambiguous { prefix: id.to_owned(), candidates }.into())
        }
    }
}

pub(crate) fn submit(connection: &Connection, new: &NewJob, cause: String) -> Step<Submission> {
    let known = match &new.spec.client_token {
        Some(token) => same_token(connection, token, &new.spec)?,
        None => None,
    };
    if let Some(id) = known {
        return Ok(Submission { id, created: false });
    }
    match find(connection, &new.id) {
        Err(Fault::Refused(QueueError::NotFound { .. })) => {}
        Ok(_) => return Err(QueueError::IdTaken { id: new.id.clone() }.into()),
        Err(fault) => return Err(fault),
    }
    let spec = serde_json::to_string(&new.spec)
        .map_err(|error| QueueError::Invalid { doing: "submit the job", detail: error.to_string() })?;
    connection.execute(
        "INSERT INTO job_records (id, spec, priority, state, plugin_digests, created_at, start_at, deadline_at)
         VALUES (:id, :spec, :priority, :state, :plugin_digests, :created_at, :start_at, :deadline_at)",
        named_params! {
            ":id": new.id,
            ":spec": spec,
            ":priority": new.spec.priority,
            ":state": JobState::New.name(),
            ":plugin_digests": serde_json::json!(new.plugin_digests).to_string(),
            ":created_at": time_text(new.created_at),
            ":start_at": new.spec.timing.start_at.map(time_text),
            ":deadline_at": timing::fixed_deadline(&new.spec).map(time_text),
        },
    )?;
    let job = connection.last_insert_rowid();
    let cause = retry::copy_rows(connection, job, &new.spec)?.unwrap_or(cause);
    timing::depend(connection, job, &new.spec.timing)?;
    schedules::begin(connection, job, new)?;
    let actor = "user".to_owned();
    let step = Transition { to: JobState::New, cause, actor, at: new.created_at };
    transitions::note(connection, job, None, &step)?;
    Ok(Submission { id: new.id.clone(), created: true })
}

/// The job that has this client token, if its specification is the same.
fn same_token(connection: &Connection, token: &str, spec: &JobSpec) -> Step<Option<String>> {
    let sql = "SELECT id, spec FROM job_records WHERE client_token = ?1";
    let found = connection
        .query_row(sql, [token], |row| Ok((row.get::<_, String>(0)?, job_spec(row, "spec")?)))
        .optional()?;
    match found {
        Some((id, known)) if known != *spec => {
            Err(QueueError::TokenReused { token: token.to_owned(), id }.into())
        }
        found => Ok(found.map(|(id, _)| id)),
    }
}

pub(crate) fn job_key(row: &Row<'_>) -> rusqlite::Result<JobKey> {
    Ok(JobKey { number: row.get("number")?, id: row.get("id")?, state: job_state(row, "state")? })
}

pub(crate) fn job_record(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    Ok(JobRecord {
        id: row.get("id")?,
        spec: job_spec(row, "spec")?,
        priority: row.get("priority")?,
        state: job_state(row, "state")?,
        plugin_digests: json(row, "plugin_digests")?,
        policy_digest: row.get("policy_digest")?,
        created_at: time(row, "created_at")?,
        deadline_at: optional(row, "deadline_at", time)?,
        suspended_at: optional(row, "suspended_at", time)?,
        started_at: optional(row, "started_at", time)?,
        finished_at: optional(row, "finished_at", time)?,
        total_tasks: row.get("total_tasks")?,
        succeeded: row.get("succeeded")?,
        failed: row.get("failed")?,
        fuel: row.get("fuel")?,
        failure_code: row.get("failure_code")?,
        failure_reason: row.get("failure_reason")?,
        status_reason: row.get("status_reason")?,
        obstacle: row.get("obstacle")?,
        report: row.get("report")?,
        retry_of: row.get("retry_of")?,
    })
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate { id: row.get("id")?, state: job_state(row, "state")?, priority: row.get("priority")? })
}

pub(crate) fn failure_record(row: &Row<'_>) -> rusqlite::Result<FailureRecord> {
    Ok(FailureRecord {
        row: row.get("row")?,
        bucket: row.get("bucket")?,
        key: row.get("key")?,
        version_id: row.get("version_id")?,
        code: row.get("code")?,
        status: row.get("status")?,
        message: row.get("message")?,
    })
}

fn policy_snapshot(row: &Row<'_>) -> rusqlite::Result<PolicySnapshotRecord> {
    Ok(PolicySnapshotRecord {
        at: time(row, "at")?,
        digest: row.get("digest")?,
        documents: row.get("documents")?,
    })
}

pub(crate) fn event_record(row: &Row<'_>) -> rusqlite::Result<EventRecord> {
    Ok(EventRecord {
        at: time(row, "at")?,
        from: optional(row, "from_state", job_state)?,
        to: job_state(row, "to_state")?,
        cause: row.get("cause")?,
        actor: row.get("actor")?,
    })
}

/// A `LIMIT` for SQLite, whose integers are signed.
pub(crate) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A time as it is stored: of fixed length, so that times sort as text.
pub(crate) fn time_text(time: Timestamp) -> String {
    format!("{time:.9}")
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get::<_, String>(column)?.parse().map_err(|error| unreadable(row, column, error))
}

fn job_state(row: &Row<'_>, column: &str) -> rusqlite::Result<JobState> {
    let name: String = row.get(column)?;
    JobState::from_name(&name)
        .ok_or_else(|| unreadable(row, column, format!("{name:?} is no state of a job")))
}

pub(crate) fn job_spec(row: &Row<'_>, column: &str) -> rusqlite::Result<JobSpec> {
    json(row, column)
}

/// A value that is stored as JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(|error| unreadable(row, column, error))
}

pub(crate) fn optional<T>(
    row: &Row<'_>,
    column: &str,
    read: impl FnOnce(&Row<'_>, &str) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)?.data_type() {
        Type::Null => Ok(None),
        _ => read(row, column).map(Some),
    }
}

fn unreadable(
    row: &Row<'_>,
    column: &str,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into())
}
