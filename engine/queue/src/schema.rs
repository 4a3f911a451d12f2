//! The database file: its connections and its schema.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use crate::error::{Fault, QueueError, Step};

/// The version of the schema, kept in `PRAGMA user_version`.
pub(crate) const VERSION: i64 = 1;

/// Marks the file as a Longshore queue in `PRAGMA application_id`: "LONG" in ASCII.
const APPLICATION_ID: i64 = 0x4c4f_4e47;

/// How long a connection waits for another process's transaction. Ours take milliseconds; a preparation of a billion
/// rows writes a million chunks in one, which takes seconds.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest write-ahead log that is kept between checkpoints, in bytes.
const WAL_BYTES: i64 = 64 * 1024 * 1024;

/// Opens a connection to the database, which is made if it is absent.
pub(crate) fn open(path: &Path) -> Result<Connection, QueueError> {
    connect(path).map_err(|fault| fault.explain(path, "open the queue"))
}

fn connect(path: &Path) -> Step<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let made = check_version(&connection.transaction()?, path)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let detail = format!("SQLite cannot keep a write-ahead log beside it (journal mode {mode})");
        return Err(Fault::Refused(QueueError::Invalid { doing: "open the queue", detail }));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES, |_| Ok(()))?;
    if !made {
        create(&mut connection, path)?;
    }
    Ok(connection)
}

/// Makes the schema where there is none. Safe to run by several processes at once.
fn create(connection: &mut Connection, path: &Path) -> Step<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !check_version(&transaction, path)? {
        transaction.execute_batch(include_str!("schema.sql"))?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(transaction.commit()?)
}

/// Whether the schema is there; refuses what is none of ours before anything is changed. In a transaction, so that
/// another process that makes the schema is seen before or after, not half-way.
fn check_version(connection: &Transaction<'_>, path: &Path) -> Step<bool> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (version, application) = (pragma("user_version")?, pragma("application_id")?);
    match (version, application) {
        (VERSION, APPLICATION_ID) => Ok(true),
        (newer, APPLICATION_ID) if newer > VERSION => {
            Err(QueueError::SchemaNewer { path: path.to_owned(), found: newer }.into())
        }
        (0, 0) if is_blank(connection)? => Ok(false),
        _ => Err(QueueError::Foreign { path: path.to_owned() }.into()),
    }
}

fn is_blank(connection: &Connection) -> rusqlite::Result<bool> {
    let table = connection.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(())).optional()?;
    Ok(table.is_none())
}
