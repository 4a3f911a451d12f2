//! Write transactions: fenced, durable, and with a known outcome.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use crate::error::{Fault, QueueError, Step};
use crate::schema;

/// The connection that one process writes through.
pub(crate) struct Writer {
    path: PathBuf,
    /// Absent after a commit of unknown outcome, until it can be opened again.
    connection: Option<Connection>,
    /// The engine's claim on the database; clients write without.
    claim: Option<Claim>,
    commit: Commit,
}

/// How a transaction is committed. A value, so that tests can have it fail.
pub(crate) type Commit = fn(&Connection) -> rusqlite::Result<()>;

/// Which engine this is, and how many transactions it has committed as far as it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    epoch: i64,
    commits: i64,
}

impl Writer {
    /// A writer beside an engine.
    pub(crate) fn client(path: &Path) -> Result<Self, QueueError> {
        let connection = Some(schema::open(path)?);
        Ok(Self { path: path.to_owned(), connection, claim: None, commit })
    }

    /// The engine's writer, and its epoch. Claims the database: an engine that had it before cannot write any more.
    pub(crate) fn engine(path: &Path) -> Result<(Self, i64), QueueError> {
        let mut writer = Self::client(path)?;
        let claim = writer.transact("claim the queue", |connection| {
            let sql = "UPDATE engine SET epoch = epoch + 1 RETURNING epoch, commits";
            Ok(connection.query_row(sql, [], |row| Ok(Claim { epoch: row.get(0)?, commits: row.get(1)? }))?)
        })?;
        writer.claim = Some(claim);
        Ok((writer, claim.epoch))
    }

    /// Does `work` in one transaction. When this returns `Ok`, it is durable; when it returns an error, nothing of it
    /// is there, save with [`QueueError::CommitUnknown`].
    pub(crate) fn transact<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Step<T>,
    ) -> Result<T, QueueError> {
        let begin = Instant::now();
        match self.begin(doing).and_then(|()| self.attempt(doing, work)) {
            Ok(value) => {
                self.finish(doing)?;
                longshore_measure::committed(begin);
                Ok(value)
            }
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn begin(&mut self, doing: &'static str) -> Result<(), QueueError> {
        if self.connection.is_none() {
            self.reconnect()?;
        }
        let claim = self.claim;
        self.attempt(doing, |connection| begin(connection, claim))
    }

    fn attempt<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Step<T>,
    ) -> Result<T, QueueError> {
        let Some(connection) = &self.connection else { return Err(QueueError::Stopped { doing }) };
        work(connection).map_err(|fault| fault.explain(&self.path, doing))
    }

    fn finish(&mut self, doing: &'static str) -> Result<(), QueueError> {
        let Some(connection) = &self.connection else { return Err(QueueError::Stopped { doing }) };
        match (self.commit)(connection) {
            Ok(()) => {
                if let Some(claim) = &mut self.claim {
                    claim.commits += 1;
                }
                Ok(())
            }
            Err(error) => self.settle(doing, error),
        }
    }

    /// Finds out what became of a commit that failed. SQLite may report an error after the transaction became
    /// durable, and what the connection believes is then worth nothing: close it, and read from a new one.
    fn settle(&mut self, doing: &'static str, error: rusqlite::Error) -> Result<(), QueueError> {
        tracing::warn!(%error, doing, "commit failed; reading back what is in the queue");
        self.connection = None;
        // A page of the log could not be written, and the one that commits comes last.
        let is_lost = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        let before = self.claim;
        let reread = self.reconnect();
        match (before, self.claim, reread) {
            (_, _, Err(fenced @ QueueError::Fenced { .. })) => Err(fenced),
            (Some(before), Some(now), Ok(())) if now.commits == before.commits + 1 && self.save() => Ok(()),
            (Some(before), Some(now), Ok(()))
                if now.commits == before.commits && (is_lost || self.overwrite()) =>
            {
                Err(Fault::Sql(error).explain(&self.path, doing))
            }
            (None, ..) if is_lost => Err(Fault::Sql(error).explain(&self.path, doing)),
            _ => Err(QueueError::CommitUnknown { path: self.path.clone(), doing, source: Arc::new(error) }),
        }
    }

    /// Makes durable what is in the write-ahead log. After a failed sync a second one may succeed although the system has
    /// given the pages up: so they are written again, to the database itself.
    fn save(&self) -> bool {
        let Some(connection) = &self.connection else { return false };
        let busy = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, i64>(0));
        busy.is_ok_and(|busy| busy == 0)
    }

    /// Commits nothing, in the place of what a failed commit left in the write-ahead log: else a later start may find it
    /// there whole, and bring back what was said to have failed.
    fn overwrite(&mut self) -> bool {
        let begun = self.begin("settle a commit");
        let written = begun.is_ok() && self.connection.as_ref().is_some_and(|at| commit(at).is_ok());
        match &mut self.claim {
            Some(claim) if written => claim.commits += 1,
            _ => self.roll_back(),
        }
        written
    }

    /// Opens a new connection and reads how many transactions are there.
    fn reconnect(&mut self) -> Result<(), QueueError> {
        let connection = schema::open(&self.path)?;
        if let Some(claim) = &mut self.claim {
            claim.commits = commits(&connection, claim.epoch)
                .map_err(|error| Fault::from(error).explain(&self.path, "read the queue"))?
                .ok_or_else(|| QueueError::Fenced { path: self.path.clone() })?;
        }
        self.connection = Some(connection);
        Ok(())
    }

    fn roll_back(&mut self) {
        let failed = self
            .connection
            .as_ref()
            .filter(|connection| !connection.is_autocommit())
            .and_then(|connection| connection.execute_batch("ROLLBACK").err());
        if let Some(error) = failed {
            // Closing the connection rolls back as well.
            tracing::warn!(%error, "rollback failed; opening the queue anew");
            self.connection = None;
        }
    }
}

fn begin(connection: &Connection, claim: Option<Claim>) -> Step<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let Some(claim) = claim else { return Ok(()) };
    let sql = "UPDATE engine SET commits = commits + 1 WHERE epoch = ?1";
    if connection.prepare_cached(sql)?.execute([claim.epoch])? == 1 {
        return Ok(());
    }
    Err(fenced(connection))
}

fn fenced(connection: &Connection) -> Fault {
    QueueError::Fenced { path: connection.path().unwrap_or_default().into() }.into()
}

fn commit(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("COMMIT")
}

fn commits(connection: &Connection, epoch: i64) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT commits FROM engine WHERE epoch = ?1";
    connection.query_row(sql, [epoch], |row| row.get(0)).optional()
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
