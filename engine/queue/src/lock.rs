//! One engine per data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use crate::error::QueueError;

/// The file in the data directory that the engine keeps locked.
const LOCK_FILE: &str = "engine.lock";

/// Longest process ID in the lock file, in bytes.
const MAX_PID_BYTES: u64 = 20;

/// Held for as long as the engine runs. The operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct EngineLock {
    _file: File,
}

impl EngineLock {
    /// Takes the lock and leaves this process's ID in the file.
    pub(crate) fn take(data_dir: &Path) -> Result<Self, QueueError> {
        let path = data_dir.join(LOCK_FILE);
        let failed = |source: io::Error| QueueError::DataDir { path: path.clone(), source: Arc::new(source) };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(QueueError::Busy { path: data_dir.to_owned(), pid: read_pid(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        write_pid(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// The process ID that the holder wrote; it may not have come to that yet.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    Read::take(file, MAX_PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
