//! The handle to a queue: opening it, and the way of reads and writes to the database.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use rusqlite::Connection;

use crate::error::{QueueError, Step};
use crate::group::WriterThread;
use crate::lock::EngineLock;
use crate::record::ResultBatch;
use crate::schema;
use crate::tenure::Tenure;
use crate::writer::Writer;

/// The database file in the data directory.
const DATABASE_FILE: &str = "queue.db";

/// Idle reading connections that are kept (count); each costs some 2 MB of page cache.
const IDLE_READERS: usize = 4;

/// As whom a process opens the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The one process that works on the jobs.
    Engine,
    /// Reads, submits and cancels, beside an engine or without one.
    Client,
}

/// A handle to the queue of one data directory. Clones share it; the last one to go waits for what was handed in.
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

/// Dropped in this order: the lock goes last.
struct Shared {
    path: PathBuf,
    writing: Writing,
    readers: Mutex<Vec<Connection>>,
    _lock: Option<EngineLock>,
}

enum Writing {
    Engine(WriterThread, Tenure),
    Client(Mutex<Writer>),
}

impl Queue {
    /// Opens the queue in `data_dir`. Makes the directory (for this user only) and the database where they are absent.
    ///
    /// # Errors
    ///
    /// [`QueueError::Busy`] if another engine has it; [`QueueError::DataDir`] if the directory cannot be made or
    /// written; [`QueueError::SchemaNewer`], [`QueueError::Foreign`] or [`QueueError::Corrupt`] if the database is
    /// not one to work with.
    pub fn open(data_dir: &Path, access: Access) -> Result<Self, QueueError> {
        let unusable =
            |source: io::Error| QueueError::DataDir { path: data_dir.to_owned(), source: Arc::new(source) };
        make_directory(data_dir).map_err(unusable)?;
        let path = data_dir.join(DATABASE_FILE);
        let (writing, lock) = match access {
            Access::Client => (Writing::Client(Mutex::new(Writer::client(&path)?)), None),
            Access::Engine => {
                let lock = EngineLock::take(data_dir)?;
                let (writer, epoch) = Writer::engine(&path)?;
                let thread = WriterThread::start(writer).map_err(unusable)?;
                (Writing::Engine(thread, Tenure::new(epoch)), Some(lock))
            }
        };
        let readers = Mutex::new(Vec::new());
        Ok(Self { shared: Arc::new(Shared { path, writing, readers, _lock: lock }) })
    }

    /// Records results of tasks, together with what others record in the same 20 ms. When this returns `Ok`,
    /// they are durable. Of several results for one task the first counts; results for a closed chunk do not.
    /// If the future is dropped, the results may be recorded all the same.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if the job runs no tasks; [`QueueError::NoChunk`]; [`QueueError::Invalid`] if an index is
    /// beyond the chunk or a failed result has no row. The batch then counts for nothing.
    pub async fn record(&self, batch: ResultBatch) -> Result<(), QueueError> {
        match &self.shared.writing {
            Writing::Engine(thread, _) => thread.record(batch).await,
            Writing::Client(_) => Err(QueueError::NotEngine { doing: "record results" }),
        }
    }

    /// The database file.
    pub(crate) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Reads in one snapshot of the database.
    pub(crate) fn read<T>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Connection) -> Step<T>,
    ) -> Result<T, QueueError> {
        let pooled = lock(&self.shared.readers).pop();
        let connection = match pooled {
            Some(connection) => connection,
            None => schema::open(&self.shared.path)?,
        };
        let result = snapshot(&connection, read).map_err(|fault| fault.explain(&self.shared.path, doing));
        let mut readers = lock(&self.shared.readers);
        if connection.is_autocommit() && readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        result
    }

    /// Writes in one transaction, as whoever opened the queue.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Step<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        match &self.shared.writing {
            Writing::Engine(thread, _) => thread.write(doing, move |writer| writer.transact(doing, work)),
            Writing::Client(writer) => lock(writer).transact(doing, work),
        }
    }

    /// Writes in one transaction, as the engine only.
    pub(crate) fn write_as_engine<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Step<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.require_engine(doing)?;
        self.write(doing, work)
    }

    /// The engine's claim, if this is the engine's handle.
    pub(crate) fn tenure(&self) -> Option<&Tenure> {
        match &self.shared.writing {
            Writing::Engine(_, tenure) => Some(tenure),
            Writing::Client(_) => None,
        }
    }

    pub(crate) fn require_engine(&self, doing: &'static str) -> Result<(), QueueError> {
        match self.shared.writing {
            Writing::Engine(..) => Ok(()),
            Writing::Client(_) => Err(QueueError::NotEngine { doing }),
        }
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

fn snapshot<T>(connection: &Connection, read: impl FnOnce(&Connection) -> Step<T>) -> Step<T> {
    let transaction = connection.unchecked_transaction()?;
    read(&transaction)
}

/// A panic while the lock was held left nothing half-done: transactions roll back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let is_new = !path.is_dir();
    builder.create(path)?;
    match path.parent().filter(|parent| is_new && !parent.as_os_str().is_empty()) {
        Some(parent) => schema::sync_directory(parent),
        None => Ok(()),
    }
}
