//! Recording results: idempotent for each task, cheap for each result.
//!
//! Within one transaction the bitmap of each chunk is read once and written once. A success without a message costs
//! one bit; failures and messages cost a row each.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use longshore_job::{Failure, Outcome, Row};
use rusqlite::{Connection, params};

use crate::chunks::{Chunk, RUNNING};
use crate::error::{Fault, QueueError, Step};
use crate::jobs::{self, JobKey};
use crate::record::ResultBatch;
use crate::{retry, waiting};

const DOING: &str = "record results";

/// Fuel is counted up to here: twice as much is still an integer of SQLite.
const MOST_FUEL: u64 = 1 << 61;

/// Records batches, each as a whole or not at all. An `Err` inside refuses one batch; an outer one fails them all.
pub(crate) fn record(connection: &Connection, batches: &[ResultBatch]) -> Step<Vec<Result<(), QueueError>>> {
    let mut group = Group { connection, jobs: BTreeMap::new(), chunks: BTreeMap::new() };
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        match group.add(batch) {
            Ok(()) => answers.push(Ok(())),
            Err(Fault::Refused(error)) => answers.push(Err(error)),
            Err(fault) => return Err(fault),
        }
    }
    group.write()?;
    Ok(answers)
}

struct Group<'c, 'b> {
    connection: &'c Connection,
    jobs: BTreeMap<&'b str, OpenJob<'b>>,
    chunks: BTreeMap<(i64, u32), Chunk>,
}

struct OpenJob<'b> {
    key: JobKey,
    succeeded: u64,
    failed: u64,
    fuel: u64,
    codes: BTreeMap<&'b str, u64>,
    /// Whether any of its tasks waits to run again.
    waits: bool,
}

impl<'b> Group<'_, 'b> {
    /// Takes up one batch. Everything is checked before anything is changed.
    fn add(&mut self, batch: &'b ResultBatch) -> Step<()> {
        let connection = self.connection;
        let job = match self.jobs.entry(&batch.job) {
            Entry::Occupied(job) => job.into_mut(),
            Entry::Vacant(place) => {
                place.insert(OpenJob::new(connection, jobs::find(connection, &batch.job)?)?)
            }
        };
        job.key.require(&RUNNING, "have results recorded")?;
        let number = job.key.number;
        let chunk = match self.chunks.entry((number, batch.chunk)) {
            Entry::Occupied(chunk) => chunk.into_mut(),
            Entry::Vacant(place) => place.insert(Chunk::read(connection, &job.key, batch.chunk)?),
        };
        if chunk.closed {
            return Ok(()); // its report is written: the results that count are there
        }
        check(batch, chunk.done.len())?;
        job.fuel = job.fuel.saturating_add(batch.fuel).min(MOST_FUEL);
        for result in &batch.results {
            if !chunk.done.insert(result.index) {
                continue;
            }
            let row = chunk.first_row + u64::from(result.index);
            if job.waits {
                waiting::forget(connection, number, row)?;
            }
            match &result.outcome {
                Outcome::Failed(failure) => {
                    let Some(object) = batch.failed_rows.get(&result.index) else { continue };
                    job.failed += 1;
                    *job.codes.entry(&failure.code).or_default() += 1;
                    insert_failure(connection, number, row, object, failure)?;
                }
                outcome => {
                    job.succeeded += 1;
                    insert_message(connection, number, row, outcome)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what was gathered: each bitmap, each counter once.
    fn write(self) -> Step<()> {
        let mut bitmap = self
            .connection
            .prepare_cached("UPDATE chunks SET done = ?3 WHERE job = ?1 AND number = ?2 AND closed = 0")?;
        for ((job, number), chunk) in &self.chunks {
            bitmap.execute(params![job, number, chunk.done.as_bytes()])?;
        }
        let mut tally = self.connection.prepare_cached(
            "UPDATE job_records SET succeeded = succeeded + ?2, failed = failed + ?3, fuel = min(fuel + ?4, ?5) WHERE number = ?1",
        )?;
        let mut count = self.connection.prepare_cached(
            "INSERT INTO failure_codes (job, code, count) VALUES (?1, ?2, ?3)
             ON CONFLICT (job, code) DO UPDATE SET count = count + excluded.count",
        )?;
        for job in self.jobs.values() {
            tally.execute(params![job.key.number, job.succeeded, job.failed, job.fuel, MOST_FUEL])?;
            for (code, failures) in &job.codes {
                count.execute(params![job.key.number, code, failures])?;
            }
        }
        Ok(())
    }
}

impl OpenJob<'_> {
    fn new(connection: &Connection, key: JobKey) -> Step<Self> {
        let waits = waiting::any(connection, key.number)?;
        Ok(Self { key, succeeded: 0, failed: 0, fuel: 0, codes: BTreeMap::new(), waits })
    }
}

fn check(batch: &ResultBatch, rows: u32) -> Result<(), QueueError> {
    let invalid = |detail| QueueError::Invalid { doing: DOING, detail };
    let place = |index| format!("chunk {} of job {}, task {index}", batch.chunk, batch.job);
    for result in &batch.results {
        if result.index >= rows {
            return Err(invalid(format!("{}: the chunk has {rows} tasks", place(result.index))));
        }
        if matches!(result.outcome, Outcome::Failed(_)) && !batch.failed_rows.contains_key(&result.index) {
            return Err(invalid(format!("{}: failed, but its row is missing", place(result.index))));
        }
    }
    Ok(())
}

fn insert_failure(connection: &Connection, job: i64, row: u64, object: &Row, failure: &Failure) -> Step<()> {
    let sql = "INSERT INTO failures (job, row, bucket, key, version_id, columns, bad, code, status, message)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    connection.prepare_cached(sql)?.execute(params![
        job,
        row,
        object.bucket,
        object.key,
        object.version_id,
        retry::columns_text(object)?,
        object.problem.is_some(),
        failure.code,
        failure.status,
        failure.message
    ])?;
    Ok(())
}

fn insert_message(connection: &Connection, job: i64, row: u64, outcome: &Outcome) -> Step<()> {
    let (skipped, message) = match outcome {
        Outcome::Succeeded(Some(message)) => (false, message),
        Outcome::Skipped(reason) => (true, reason),
        Outcome::Succeeded(None) | Outcome::Failed(_) => return Ok(()),
    };
    let sql = "INSERT INTO messages (job, row, skipped, message) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![job, row, skipped, message])?;
    Ok(())
}
