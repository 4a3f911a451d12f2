//! Tasks that asked to run again later. They are in the database and nowhere else: a million of them cost no memory, and
//! when each is due survives a restart.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::chunks::{Chunk, RUNNING, chunk_record};
use crate::error::{QueueError, Step};
use crate::jobs::{JobKey, json, resolve, time, time_text};
use crate::queue::Queue;
use crate::record::{ChunkRecord, WaitingTask, WaitingTasks};

const DOING: &str = "put off tasks";

impl Queue {
    /// Keeps that tasks of a chunk are to run again, and when. The last word about a task counts; a task that has a result
    /// keeps it and does not wait.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if the job runs no tasks; [`QueueError::NoChunk`]; [`QueueError::Invalid`] if an index is
    /// beyond the chunk; [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn put_off(&self, id: &str, chunk: u32, tasks: Vec<WaitingTask>) -> Result<(), QueueError> {
        let id = id.to_owned();
        self.write_as_engine(DOING, move |connection| {
            let job = resolve(connection, &id)?;
            job.require(&RUNNING, "have tasks put off")?;
            let chunk = Chunk::read(connection, &job, chunk)?;
            put_off(connection, &job, &chunk, &tasks)
        })
    }

    /// The chunk of the task that is due first, and when that is; chunks in `except` do not count.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`].
    pub fn next_waiting(&self, id: &str, except: &[u32]) -> Result<Option<(u32, Timestamp)>, QueueError> {
        let except = except.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        self.read("read the waiting tasks", |connection| {
            let job = resolve(connection, id)?.number;
            let sql = "SELECT chunk, due_at FROM waiting
                       WHERE job = ?1 AND chunk NOT IN (SELECT value FROM json_each('[' || ?2 || ']'))
                       ORDER BY due_at LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let found =
                statement.query_row(params![job, except], |row| Ok((row.get(0)?, time(row, "due_at")?)));
            Ok(found.optional()?)
        })
    }

    /// A chunk and those of its tasks that wait; `None` if it is closed.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`].
    pub fn open_chunk(
        &self,
        id: &str,
        number: u32,
    ) -> Result<Option<(ChunkRecord, Vec<WaitingTask>)>, QueueError> {
        self.read("read a chunk", |connection| {
            let job = resolve(connection, id)?.number;
            let sql = "SELECT number, first_row, offset, bytes, rows, crc32, done FROM chunks
                       WHERE job = ?1 AND number = ?2 AND closed = 0";
            let found =
                connection.prepare_cached(sql)?.query_row(params![job, number], chunk_record).optional()?;
            let Some(chunk) = found else { return Ok(None) };
            let sql = "SELECT row, due_at, progress, attempt, note FROM waiting
                       WHERE job = ?1 AND row >= ?2 AND row < ?3 ORDER BY row";
            let end = chunk.first_row + u64::from(chunk.rows);
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement
                .query_map(params![job, chunk.first_row, end], |row| waiting_task(row, chunk.first_row))?;
            let waiting = rows.collect::<Result<_, _>>()?;
            Ok(Some((chunk, waiting)))
        })
    }

    /// How many tasks of a job wait to run again, and until when; `None` if none does.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn waiting(&self, id: &str) -> Result<Option<WaitingTasks>, QueueError> {
        self.read("count the waiting tasks", |connection| {
            let job = resolve(connection, id)?.number;
            let sql = "SELECT count(*) AS tasks, min(due_at) AS next_at, max(due_at) AS last_at
                       FROM waiting WHERE job = ?1 HAVING count(*) > 0";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_row([job], |row| {
                let (next_at, last_at) = (time(row, "next_at")?, time(row, "last_at")?);
                Ok(WaitingTasks { tasks: row.get("tasks")?, next_at, last_at })
            });
            Ok(found.optional()?)
        })
    }
}

fn put_off(connection: &Connection, job: &JobKey, chunk: &Chunk, tasks: &[WaitingTask]) -> Step<()> {
    let sql = "INSERT INTO waiting (job, row, chunk, due_at, progress, attempt, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (job, row) DO UPDATE
               SET due_at = excluded.due_at, progress = excluded.progress, attempt = excluded.attempt,
                   note = excluded.note";
    let mut insert = connection.prepare_cached(sql)?;
    for task in tasks {
        let rows = chunk.done.len();
        if task.index >= rows {
            let detail = format!(
                "chunk {} of job {}, task {}: the chunk has {rows} tasks",
                chunk.number, job.id, task.index
            );
            return Err(QueueError::Invalid { doing: DOING, detail }.into());
        }
        if chunk.closed || chunk.done.contains(task.index) {
            continue;
        }
        let row = chunk.first_row + u64::from(task.index);
        let due_at = time_text(task.due_at);
        let progress = serde_json::json!(task.progress).to_string();
        insert.execute(params![job.number, row, chunk.number, due_at, progress, task.attempt, task.note])?;
    }
    Ok(())
}

/// Whether a job has tasks that wait.
pub(crate) fn any(connection: &Connection, job: i64) -> Step<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM waiting WHERE job = ?1)";
    Ok(connection.prepare_cached(sql)?.query_row([job], |row| row.get(0))?)
}

/// A task has a result: it waits no more.
pub(crate) fn forget(connection: &Connection, job: i64, row: u64) -> Step<()> {
    connection
        .prepare_cached("DELETE FROM waiting WHERE job = ?1 AND row = ?2")?
        .execute(params![job, row])?;
    Ok(())
}

/// A job has ended: none of its tasks waits any more.
pub(crate) fn forget_all(connection: &Connection, job: i64) -> Step<()> {
    connection.prepare_cached("DELETE FROM waiting WHERE job = ?1")?.execute([job])?;
    Ok(())
}

fn waiting_task(row: &Row<'_>, first_row: u64) -> rusqlite::Result<WaitingTask> {
    let index = row.get::<_, u64>("row")?.saturating_sub(first_row);
    Ok(WaitingTask {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        due_at: time(row, "due_at")?,
        progress: json(row, "progress")?,
        attempt: row.get("attempt")?,
        note: row.get("note")?,
    })
}
