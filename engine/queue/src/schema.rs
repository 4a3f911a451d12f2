//! The database file: its connections and its schema.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

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
    make_if_absent(path)?;
    connect(path).map_err(|fault| fault.explain(path, "open the queue"))
}

/// Makes the database under another name and then gives it its own, unless another process was faster. So nobody ever
/// sees one that is half made, and the change to a write-ahead log, during which SQLite answers others "busy" at once
/// instead of letting them wait, happens where nobody else looks.
fn make_if_absent(path: &Path) -> Result<(), QueueError> {
    let failed = |source: io::Error| QueueError::DataDir { path: path.to_owned(), source: Arc::new(source) };
    if path.try_exists().map_err(failed)? {
        return Ok(());
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let new =
        tempfile::Builder::new().prefix(".queue-").suffix(".db").tempfile_in(directory).map_err(failed)?;
    create(new.path()).map_err(|fault| fault.explain(path, "make the queue"))?;
    match new.persist_noclobber(path) {
        Ok(_) => sync_directory(directory).map_err(failed),
        Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(other) => Err(failed(other.error)),
    }
}

/// Without this the name of the file may be gone after a power loss.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// Puts the schema into an empty file. When this returns, all of it is in that one file.
fn create(path: &Path) -> Step<()> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    connection.execute_batch(concat!(
        "BEGIN;\n",
        include_str!("schema.sql"),
        include_str!("views.sql"),
        "\nCOMMIT;"
    ))?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.close().map_err(|(_, error)| error.into())
}

fn connect(path: &Path) -> Step<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    check_version(&connection, path)?;
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> Step<()> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let detail = format!("SQLite cannot keep a write-ahead log beside it (journal mode {mode})");
        return Err(Fault::Refused(QueueError::Invalid { doing: "open the queue", detail }));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES, |_| Ok(()))?)
}

/// Opens a connection to a database that is there, which can change nothing.
pub(crate) fn open_read_only(path: &Path) -> Result<Connection, QueueError> {
    let open = || -> Step<Connection> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        check_version(&connection, path)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|fault| fault.explain(path, "open the queue"))
}

/// Refuses what is none of ours before anything is changed.
fn check_version(connection: &Connection, path: &Path) -> Step<()> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    match (pragma("user_version")?, pragma("application_id")?) {
        (VERSION, APPLICATION_ID) => Ok(()),
        (newer, APPLICATION_ID) if newer > VERSION => {
            Err(QueueError::SchemaNewer { path: path.to_owned(), found: newer }.into())
        }
        _ => Err(QueueError::Foreign { path: path.to_owned() }.into()),
    }
}
