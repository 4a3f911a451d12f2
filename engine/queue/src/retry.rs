//! Failed tasks that run again: their rows are copied to the new job when it is submitted, in the same transaction and
//! without coming into memory. They go away once they are in the new job's chunk spool.

use longshore_job::spec::{FailedTasks, SourceSpec};
use longshore_job::{JobSpec, JobState, Row};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{QueueError, Step};
use crate::jobs::{JobKey, resolve, row_limit};
use crate::queue::Queue;
use crate::record::Retryable;

const ENDED: [JobState; 3] = [JobState::Complete, JobState::Cancelled, JobState::Failed];

/// Which failures a retry wants: ?2 and ?3 are JSON arrays of codes and statuses, ?4 is true for all of them.
const WANTED: &str = "job = ?1 AND (?4 OR code IN (SELECT value FROM json_each(?2))
                                       OR status IN (SELECT value FROM json_each(?3)))";

impl Queue {
    /// How many failed tasks of a job a retry would run again.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if the job has not ended; [`QueueError::NothingFailed`]; [`QueueError::UnknownCode`] if no
    /// task failed so; [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn retryable(&self, retry: &FailedTasks) -> Result<Retryable, QueueError> {
        self.read("count the failed tasks", |connection| {
            let job = check(connection, retry)?;
            let sql = format!(
                "SELECT count(*) FILTER (WHERE bad = 0), count(*) FILTER (WHERE bad = 1)
                               FROM failures WHERE {WANTED}"
            );
            let (codes, statuses) = wanted(retry);
            let parameters = params![job.number, codes, statuses, retry.wants_all()];
            let counted = connection.query_row(&sql, parameters, |row| {
                Ok(Retryable { tasks: row.get(0)?, bad_rows: row.get(1)? })
            })?;
            if counted.tasks == 0 {
                return Err(QueueError::OnlyBadRows { id: job.id }.into());
            }
            Ok(counted)
        })
    }

    /// The rows of a job that runs failed tasks again, in order: at most `limit`, after the row `after`, from the first
    /// without. With each its number in the manifest of the earlier job. None once they are spooled.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn retry_rows(
        &self,
        id: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Row)>, QueueError> {
        self.read("read the rows to retry", |connection| {
            let job = resolve(connection, id)?.number;
            let from = after.map_or(0, |row| row.saturating_add(1));
            let sql = "SELECT row, bucket, key, version_id, columns FROM retry_rows
                       WHERE job = ?1 AND row >= ?2 ORDER BY row LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![job, from, row_limit(limit)], retry_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Copies the rows of a new job that runs failed tasks of another again. The answer is what its first event says; none if
/// it is no such job.
pub(crate) fn copy_rows(connection: &Connection, new: i64, spec: &JobSpec) -> Step<Option<String>> {
    let [SourceSpec::Retry(retry)] = spec.manifest.sources.as_slice() else { return Ok(None) };
    let job = check(connection, retry)?;
    let sql = format!(
        "INSERT INTO retry_rows (job, row, bucket, key, version_id, columns)
         SELECT ?5, row, bucket, key, version_id, columns FROM failures WHERE {WANTED} AND bad = 0 ORDER BY row"
    );
    let (codes, statuses) = wanted(retry);
    let copied = connection.execute(&sql, params![job.number, codes, statuses, retry.wants_all(), new])?;
    if copied == 0 {
        return Err(QueueError::OnlyBadRows { id: job.id }.into());
    }
    Ok(Some(format!("submitted: again {copied} {retry}")))
}

/// Drops the rows of a job that has them in its spool or never will.
pub(crate) fn forget_rows(connection: &Connection, job: &JobKey) -> Step<()> {
    connection.prepare_cached("DELETE FROM retry_rows WHERE job = ?1")?.execute([job.number])?;
    Ok(())
}

/// What a row has for the operation, as it is stored.
pub(crate) fn columns_text(row: &Row) -> Step<Option<String>> {
    if row.columns.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(&row.columns)
        .map_err(|error| QueueError::Invalid { doing: "record results", detail: error.to_string() })?;
    Ok(Some(text))
}

/// The earlier job, if it has ended and has such failures.
fn check(connection: &Connection, retry: &FailedTasks) -> Step<JobKey> {
    let job = resolve(connection, &retry.job)?;
    job.require(&ENDED, "be retried")?;
    let sql =
        "SELECT failed, coalesce(total_tasks - succeeded - failed, 0) FROM job_records WHERE number = ?1";
    let (failed, not_run): (u64, u64) =
        connection.query_row(sql, [job.number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if failed == 0 {
        return Err(QueueError::NothingFailed { id: job.id, not_run }.into());
    }
    let mut unknown = Vec::new();
    for code in &retry.codes {
        let sql = "SELECT 1 FROM failure_codes WHERE job = ?1 AND code = ?2";
        if connection.query_row(sql, params![job.number, code], |_| Ok(())).optional()?.is_none() {
            unknown.push(code.clone());
        }
    }
    for status in &retry.statuses {
        let sql = "SELECT 1 FROM failures WHERE job = ?1 AND status = ?2 LIMIT 1";
        if connection.query_row(sql, params![job.number, status], |_| Ok(())).optional()?.is_none() {
            unknown.push(status.to_string());
        }
    }
    if !unknown.is_empty() {
        return Err(QueueError::UnknownCode { known: known(connection, &job)?, id: job.id, unknown }.into());
    }
    Ok(job)
}

/// The codes and statuses with which tasks failed, the most frequent first.
fn known(connection: &Connection, job: &JobKey) -> Step<Vec<(String, u64)>> {
    let sql = "SELECT code || coalesce(' ' || status, ''), count(*) AS tasks FROM failures WHERE job = ?1
               GROUP BY 1 ORDER BY 2 DESC, 1";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([job.number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn wanted(retry: &FailedTasks) -> (String, String) {
    (serde_json::json!(retry.codes).to_string(), serde_json::json!(retry.statuses).to_string())
}

fn retry_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(u64, Row)> {
    let columns = match row.get::<_, Option<String>>(4)? {
        Some(text) => serde_json::from_str(&text)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, error.into()))?,
        None => Vec::new(),
    };
    let (bucket, key, version_id) = (row.get(1)?, row.get(2)?, row.get(3)?);
    Ok((row.get(0)?, Row { bucket, key, version_id, columns, problem: None }))
}
