//! Where buckets, objects and bodies are kept: metadata and small bodies in SQLite, large bodies in files.
//!
//! There is one connection behind one lock; a request holds it for some tens of microseconds, which is less than
//! a hop to another thread would cost. Nothing is synced to disk: what a killed *process* acknowledged is kept,
//! what a killed *machine* acknowledged may be lost, which suits demos and tests.

pub(crate) mod bodies;
pub(crate) mod buckets;
pub(crate) mod content;
pub(crate) mod listings;
pub(crate) mod uploads;
pub(crate) mod versions;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::error::SandboxError;
use bodies::{BodyWriter, PendingFile, Piece};
use content::Content;

/// Prepared statements kept ready; more than the crate has.
const STATEMENT_CACHE: usize = 64;

type Result<T, E = SandboxError> = std::result::Result<T, E>;

/// The store behind the protocol.
#[derive(Debug)]
pub(crate) struct Storage {
    connection: Mutex<Connection>,
    /// Where large bodies are files; none keeps everything in memory.
    body_directory: Option<PathBuf>,
}

impl Storage {
    /// Opens the data directory, creating it if need be, or an empty store in memory.
    ///
    /// # Errors
    /// The directory cannot be used, or another process holds it.
    pub(crate) fn open(data: Option<&Path>) -> Result<Self> {
        let Some(data) = data else {
            let connection = prepare(Connection::open_in_memory()?)?;
            return Ok(Self { connection: Mutex::new(connection), body_directory: None });
        };
        let body_directory = data.join("bodies");
        std::fs::create_dir_all(&body_directory)
            .map_err(|source| SandboxError::DataDirectory { path: data.to_owned(), source })?;
        let connection = Connection::open(data.join("sandbox.sqlite"))
            .map_err(SandboxError::from)
            .and_then(prepare)
            .map_err(
                |error| if is_busy(&error) { SandboxError::InUse { path: data.to_owned() } } else { error },
            )?;
        bodies::remove_orphans(&connection, &body_directory)?;
        Ok(Self { connection: Mutex::new(connection), body_directory: Some(body_directory) })
    }

    /// Reads.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.lock())
    }

    /// Writes, all or nothing; body files no longer referenced are removed afterwards.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Writer<'_>) -> Result<T>) -> Result<T> {
        let (result, freed) = self.commit(work)?;
        if let Some(directory) = &self.body_directory {
            for name in freed {
                // A file that stays behind is removed at the next start.
                if let Err(error) = std::fs::remove_file(directory.join(&name)) {
                    tracing::warn!(%name, %error, "a body file could not be removed");
                }
            }
        }
        Ok(result)
    }

    fn commit<T>(&self, work: impl FnOnce(&mut Writer<'_>) -> Result<T>) -> Result<(T, Vec<String>)> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut writer = Writer { transaction, added: Vec::new(), freed: Vec::new() };
        let result = work(&mut writer)?;
        writer.transaction.commit()?;
        writer.added.into_iter().for_each(PendingFile::keep);
        Ok((result, writer.freed))
    }

    /// Starts a new body.
    pub(crate) fn body_writer(&self) -> BodyWriter {
        BodyWriter::new(self.body_directory.clone())
    }

    /// Opens a content for reading.
    pub(crate) fn open_content(&self, connection: &Connection, content: &Content) -> Result<Vec<Piece>> {
        bodies::open(connection, self.body_directory.as_deref(), content)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere rolled its transaction back, so the connection is sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write transaction, and the body files that stand or fall with it.
pub(crate) struct Writer<'c> {
    transaction: rusqlite::Transaction<'c>,
    added: Vec<PendingFile>,
    freed: Vec<String>,
}

impl Deref for Writer<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.transaction
    }
}

fn prepare(connection: Connection) -> Result<Connection> {
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // A second server would wait in vain.
    connection.busy_timeout(Duration::ZERO)?;
    // Exclusive locking is what keeps a second server out, and it spares the shared-memory index of the WAL.
    // Foreign keys document the schema; there is one home for each removal.
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = OFF;
         PRAGMA foreign_keys = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -65536;",
    )?;
    connection.execute_batch(include_str!("schema.sql"))?;
    Ok(connection)
}

fn is_busy(error: &SandboxError) -> bool {
    matches!(error, SandboxError::Database(error)
        if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)))
}

/// A timestamp from its column.
fn timestamp(seconds: i64) -> Result<jiff::Timestamp, rusqlite::Error> {
    jiff::Timestamp::from_second(seconds)
        .map_err(|error| unreadable(0, rusqlite::types::Type::Integer, error))
}

fn unreadable(
    column: usize,
    kind: rusqlite::types::Type,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

#[cfg(test)]
mod tests;
