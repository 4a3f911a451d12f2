//! Chunks: where the rows of a job are, which of its tasks are finished, what goes into its report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use longshore_job::{Failure, JobState, Outcome};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::bitmap::Bitmap;
use crate::error::{QueueError, Step};
use crate::jobs::{JobKey, resolve, row_limit};
use crate::queue::Queue;
use crate::record::{ChunkOutcomes, ChunkRecord, FileMark, NewChunk, ReportMarks};
use crate::transitions::{Transition, move_job};

/// The states in which tasks run, or have run and are being reported.
pub(crate) const RUNNING: [JobState; 5] =
    [JobState::Active, JobState::Pausing, JobState::Completing, JobState::Cancelling, JobState::Failing];

/// The states of a job that ends before all of its tasks ran.
const ENDING_EARLY: [JobState; 2] = [JobState::Cancelling, JobState::Failing];

const PUT: &str = "store the chunks";
const CLOSE: &str = "close the chunks";

impl Queue {
    /// Stores the chunks of a manifest that was read to its end, and moves the job from Preparing to Ready, or to
    /// Suspended if it wants a confirmation. The answer is that state. All in one
    /// transaction: an interrupted preparation leaves nothing that counts.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if the job is not Preparing (a user may have cancelled it); [`QueueError::Invalid`] if
    /// the chunks have gaps or do not add up to `total_tasks`; [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn put_chunks(
        &self,
        id: &str,
        chunks: &[NewChunk],
        total_tasks: u64,
        now: Timestamp,
    ) -> Result<JobState, QueueError> {
        check_chunks(chunks, total_tasks)?;
        let (id, chunks) = (id.to_owned(), chunks.to_vec());
        self.write_as_engine(PUT, move |connection| put(connection, &id, &chunks, total_tasks, now))
    }

    /// The chunks of a job that are not closed, by number: at most `limit`, after the number `after`, from the first
    /// without.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`].
    pub fn open_chunks(
        &self,
        id: &str,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Vec<ChunkRecord>, QueueError> {
        self.read("read the chunks", |connection| {
            let job = resolve(connection, id)?.number;
            let from = after.map_or(0, |number| u64::from(number) + 1);
            let sql = "SELECT number, first_row, offset, bytes, rows, crc32, done FROM chunks
                       WHERE job = ?1 AND number >= ?2 AND closed = 0 ORDER BY number LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![job, from, row_limit(limit)], chunk_record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What is durable about the tasks of a chunk, for its report rows.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::NoChunk`].
    pub fn chunk_outcomes(&self, id: &str, chunk: u32) -> Result<ChunkOutcomes, QueueError> {
        self.read("read the outcomes", |connection| {
            let job = resolve(connection, id)?;
            let chunk = Chunk::read(connection, &job, chunk)?;
            let failures = chunk.collect(connection, &job, FAILURES, failure)?;
            let messages = chunk.collect(connection, &job, MESSAGES, message)?;
            Ok(ChunkOutcomes { done: chunk.done, failures, messages })
        })
    }

    /// Closes chunks whose report rows are durable, and keeps how far the report's files are valid: in one
    /// transaction, so that each row is in the report once. The messages of the chunks are dropped; the failures stay.
    ///
    /// # Errors
    ///
    /// [`QueueError::Unfinished`] if a task has no result, unless the job is Cancelling or Failing;
    /// [`QueueError::State`] if no tasks of the job run; [`QueueError::Invalid`] if a chunk is closed already;
    /// [`QueueError::NoChunk`]; [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn close_chunks(&self, id: &str, chunks: &[u32], marks: &ReportMarks) -> Result<(), QueueError> {
        let (id, chunks, marks) = (id.to_owned(), chunks.to_vec(), marks.clone());
        self.write_as_engine(CLOSE, move |connection| {
            let job = resolve(connection, &id)?;
            job.require(&RUNNING, "have chunks closed")?;
            for number in chunks {
                Chunk::read(connection, &job, number)?.close(connection, &job)?;
            }
            set_marks(connection, &job, &marks)
        })
    }

    /// How far the report's files are valid.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`].
    pub fn report_marks(&self, id: &str) -> Result<ReportMarks, QueueError> {
        self.read("read the report's marks", |connection| {
            let job = resolve(connection, id)?.number;
            let sql = "SELECT succeeded_part, succeeded_bytes, failed_part, failed_bytes
                       FROM job_records WHERE number = ?1";
            Ok(connection.query_row(sql, [job], |row| {
                Ok(ReportMarks {
                    succeeded: FileMark { part: row.get(0)?, bytes: row.get(1)? },
                    failed: FileMark { part: row.get(2)?, bytes: row.get(3)? },
                })
            })?)
        })
    }
}

/// Chunks are numbered and follow each other without gaps, and together they are the manifest.
fn check_chunks(chunks: &[NewChunk], total_tasks: u64) -> Result<(), QueueError> {
    let invalid = |detail| Err(QueueError::Invalid { doing: PUT, detail });
    let mut next_row = 0;
    for (index, chunk) in (0_u32..).zip(chunks) {
        if chunk.number != index || chunk.first_row != next_row || chunk.extent.rows == 0 {
            return invalid(format!("chunk {index} is not what follows row {next_row}: {chunk:?}"));
        }
        next_row += u64::from(chunk.extent.rows);
    }
    if next_row != total_tasks {
        return invalid(format!("the chunks have {next_row} rows, the manifest has {total_tasks}"));
    }
    Ok(())
}

fn put(
    connection: &Connection,
    id: &str,
    chunks: &[NewChunk],
    total_tasks: u64,
    now: Timestamp,
) -> Step<JobState> {
    let job = resolve(connection, id)?;
    job.require(&[JobState::Preparing], "be given its chunks")?;
    connection.execute("DELETE FROM chunks WHERE job = ?1", [job.number])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO chunks (job, number, first_row, offset, bytes, rows, crc32)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for NewChunk { number, first_row, extent } in chunks {
        let (offset, bytes) = (extent.offset, extent.bytes);
        insert.execute(params![job.number, number, first_row, offset, bytes, extent.rows, extent.crc32])?;
    }
    connection.execute(
        "UPDATE job_records SET total_tasks = ?2 WHERE number = ?1",
        params![job.number, total_tasks],
    )?;
    let cause = format!("the manifest is read: {total_tasks} tasks");
    let confirm: bool = connection.query_row(
        "SELECT coalesce(spec ->> '$.confirm', 0) FROM job_records WHERE number = ?1",
        [job.number],
        |row| row.get(0),
    )?;
    let to = if confirm { JobState::Suspended } else { JobState::Ready };
    move_job(connection, &job, &Transition { to, cause, actor: "engine".to_owned(), at: now })?;
    Ok(to)
}

/// A chunk as far as its results go.
pub(crate) struct Chunk {
    pub(crate) number: u32,
    pub(crate) first_row: u64,
    pub(crate) closed: bool,
    pub(crate) done: Bitmap,
}

const FAILURES: &str =
    "SELECT row, code, status, message FROM failures WHERE job = ?1 AND row >= ?2 AND row < ?3";
const MESSAGES: &str = "SELECT row, skipped, message FROM messages WHERE job = ?1 AND row >= ?2 AND row < ?3";

impl Chunk {
    pub(crate) fn read(connection: &Connection, job: &JobKey, number: u32) -> Step<Self> {
        let chunk = connection
            .prepare_cached(
                "SELECT first_row, closed, rows, done FROM chunks WHERE job = ?1 AND number = ?2",
            )?
            .query_row(params![job.number, number], |row| {
                let done = bitmap(row, 2, 3)?;
                Ok(Self { number, first_row: row.get(0)?, closed: row.get(1)?, done })
            })
            .optional()?;
        Ok(chunk.ok_or_else(|| QueueError::NoChunk { id: job.id.clone(), chunk: number })?)
    }

    /// The manifest row after its last one.
    fn end(&self) -> u64 {
        self.first_row + u64::from(self.done.len())
    }

    /// What `sql` finds for its tasks, by index.
    fn collect<T>(
        &self,
        connection: &Connection,
        job: &JobKey,
        sql: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Step<BTreeMap<u32, T>> {
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![job.number, self.first_row, self.end()], |row| {
            let index = row.get::<_, u64>(0)?.saturating_sub(self.first_row);
            Ok((u32::try_from(index).unwrap_or(u32::MAX), read(row)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn close(&self, connection: &Connection, job: &JobKey) -> Step<()> {
        if self.closed {
            let detail = format!("chunk {} of job {} is closed already", self.number, job.id);
            return Err(QueueError::Invalid { doing: CLOSE, detail }.into());
        }
        let missing = self.done.len() - self.done.count();
        if missing > 0 && !ENDING_EARLY.contains(&job.state) {
            return Err(QueueError::Unfinished { id: job.id.clone(), chunk: self.number, missing }.into());
        }
        connection
            .prepare_cached("UPDATE chunks SET closed = 1 WHERE job = ?1 AND number = ?2")?
            .execute(params![job.number, self.number])?;
        connection
            .prepare_cached("DELETE FROM messages WHERE job = ?1 AND row >= ?2 AND row < ?3")?
            .execute(params![job.number, self.first_row, self.end()])?;
        Ok(())
    }
}

fn set_marks(connection: &Connection, job: &JobKey, marks: &ReportMarks) -> Step<()> {
    let sql = "UPDATE job_records SET succeeded_part = ?2, succeeded_bytes = ?3, failed_part = ?4, failed_bytes = ?5
               WHERE number = ?1";
    let ReportMarks { succeeded, failed } = marks;
    connection.prepare_cached(sql)?.execute(params![
        job.number,
        succeeded.part,
        succeeded.bytes,
        failed.part,
        failed.bytes
    ])?;
    Ok(())
}

pub(crate) fn chunk_record(row: &Row<'_>) -> rusqlite::Result<ChunkRecord> {
    Ok(ChunkRecord {
        number: row.get(0)?,
        first_row: row.get(1)?,
        offset: row.get(2)?,
        bytes: row.get(3)?,
        rows: row.get(4)?,
        crc32: row.get(5)?,
        done: bitmap(row, 4, 6)?,
    })
}

/// The bitmap in column `done` of a chunk with as many rows as column `rows` says; absent before the first result.
fn bitmap(row: &Row<'_>, rows: usize, done: usize) -> rusqlite::Result<Bitmap> {
    let len = row.get(rows)?;
    let Some(bytes) = row.get(done)? else { return Ok(Bitmap::new(len)) };
    Bitmap::from_bytes(len, bytes).ok_or_else(|| {
        let detail = format!("the bitmap of a chunk of {len} tasks has another length");
        rusqlite::Error::FromSqlConversionFailure(done, Type::Blob, detail.into())
    })
}

fn failure(row: &Row<'_>) -> rusqlite::Result<Failure> {
    Ok(Failure { code: row.get(1)?, status: row.get(2)?, message: row.get(3)? })
}

fn message(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    let (skipped, message) = (row.get(1)?, row.get(2)?);
    Ok(if skipped { Outcome::Skipped(message) } else { Outcome::Succeeded(Some(message)) })
}
