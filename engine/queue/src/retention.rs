//! How long jobs are kept: those that nobody confirms fail, those that ended are deleted.

use jiff::Timestamp;
use longshore_job::JobState;
use rusqlite::{Connection, params};

use crate::error::{QueueError, Step};
use crate::jobs::{self, row_limit, time_text};
use crate::queue::Queue;
use crate::timing::fail;

/// The failure code of a job that waited too long for its confirmation.
pub const NOT_CONFIRMED: &str = "NotConfirmed";

/// Rows that one transaction deletes (count): some 10 ms, in which no result is recorded.
const ROWS_PER_DELETE: usize = 10_000;

impl Queue {
    /// Fails the jobs that have waited for a confirmation since `before` or longer: they move to Failing. The answer is
    /// their IDs.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`].
    pub fn fail_unconfirmed(&self, before: Timestamp, now: Timestamp) -> Result<Vec<String>, QueueError> {
        self.write_as_engine("fail the jobs that nobody confirmed", move |connection| {
            let sql =
                "SELECT number, id, state FROM job_records WHERE state = 'Suspended' AND suspended_at <= ?1";
            let mut statement = connection.prepare(sql)?;
            let found = statement.query_map([time_text(before)], jobs::job_key)?;
            let found = found.collect::<Result<Vec<_>, _>>()?;
            for job in &found {
                let reason = "nobody confirmed the job in the time that retention.suspended gives";
                fail(connection, job, NOT_CONFIRMED, reason, now)?;
            }
            Ok(found.into_iter().map(|job| job.id).collect())
        })
    }

    /// The jobs that ended at `before` or earlier: their IDs, the oldest first.
    pub fn finished_before(&self, before: Timestamp) -> Result<Vec<String>, QueueError> {
        self.read("list the jobs to delete", |connection| {
            let sql = "SELECT id FROM job_records WHERE finished_at <= ?1 ORDER BY finished_at, number";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([time_text(before)], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Deletes a job that has ended, with all that the queue knows of it, in several transactions: results of other jobs
    /// get between them. Interrupted, it leaves a job that can be deleted again.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if it has not ended; [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn delete(&self, id: &str) -> Result<(), QueueError> {
        while self.delete_some(id)? {}
        let id = id.to_owned();
        self.write_as_engine("delete the job", move |connection| {
            let job = ended(connection, &id)?;
            let sql = "DELETE FROM outbox WHERE event IN (SELECT number FROM event_records WHERE job = ?1)";
            connection.execute(sql, [job])?;
            for (table, column) in references(connection)? {
                let sql = match table.as_str() {
                    "job_records" => format!("UPDATE job_records SET {column} = NULL WHERE {column} = ?1"),
                    table => format!("DELETE FROM {table} WHERE {column} = ?1"),
                };
                connection.execute(&sql, [job])?;
            }
            connection.execute("DELETE FROM job_records WHERE number = ?1", [job])?;
            Ok(())
        })
    }

    /// Deletes some of the rows of which a job can have many; false if there are none left.
    fn delete_some(&self, id: &str) -> Result<bool, QueueError> {
        let id = id.to_owned();
        self.write_as_engine("delete the job", move |connection| {
            let job = ended(connection, &id)?;
            let mut deleted = 0;
            for (table, key) in
                [("failures", "row"), ("messages", "row"), ("retry_rows", "row"), ("chunks", "number")]
            {
                let sql = format!(
                    "DELETE FROM {table} WHERE job = ?1
                     AND {key} IN (SELECT {key} FROM {table} WHERE job = ?1 ORDER BY {key} LIMIT ?2)"
                );
                deleted += connection.execute(&sql, params![job, row_limit(ROWS_PER_DELETE)])?;
            }
            Ok(deleted > 0)
        })
    }
}

fn ended(connection: &Connection, id: &str) -> Step<i64> {
    let job = jobs::find(connection, id)?;
    let ends: Vec<_> = JobState::ALL.into_iter().filter(|state| state.is_terminal()).collect();
    job.require(&ends, "be deleted")?;
    Ok(job.number)
}

/// The columns that name a job, whatever tables there are.
fn references(connection: &Connection) -> Step<Vec<(String, String)>> {
    let sql = "SELECT name, key.\"from\" FROM sqlite_schema, pragma_foreign_key_list(name) AS key
               WHERE type = 'table' AND key.\"table\" = 'job_records'";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
