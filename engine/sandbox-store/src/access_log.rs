//! The access log: one JSON object a line for each request, whatever became of it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::error::SandboxError;

/// A request in the access log.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    /// RFC 3339 with microseconds: the head of the request was read.
    pub(crate) start: String,
    /// RFC 3339 with microseconds: the head of the answer was ready.
    pub(crate) end: String,
    /// The access key id the request claims; whether its signature holds shows in the status.
    pub(crate) access_key: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) bucket: Option<&'a str>,
    /// Decoded.
    pub(crate) key: Option<&'a str>,
    /// As sent.
    pub(crate) query: Option<&'a str>,
    /// None when the connection was closed without an answer.
    pub(crate) status: Option<u16>,
    /// Whether a fault rule answered instead of the store.
    pub(crate) fault: bool,
    /// Number of the connection, from 0.
    pub(crate) connection: u64,
}

/// A time in the form of the log.
pub(crate) fn format_time(time: Timestamp) -> String {
    format!("{time:.6}")
}

/// The open log file.
#[derive(Debug)]
pub(crate) struct AccessLog {
    file: Mutex<File>,
}

impl AccessLog {
    /// Opens the file, keeping what it holds.
    ///
    /// # Errors
    /// The file cannot be opened for appending.
    pub(crate) fn open(path: &Path) -> Result<Self, SandboxError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| SandboxError::AccessLog { path: path.to_owned(), source })?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Appends a line in one write without a buffer, so that a killed server leaves whole lines, and none is missing
    /// of a request whose answer was seen.
    pub(crate) fn append(&self, entry: &Entry<'_>) {
        let line = serde_json::to_vec(entry).map(|mut line| {
            line.push(b'\n');
            line
        });
        let written = line
            .map_err(std::io::Error::from)
            .and_then(|line| self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line));
        if let Err(error) = written {
            tracing::error!(%error, "a line of the access log could not be written");
        }
    }
}
