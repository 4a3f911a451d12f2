//! Bodies: small ones (and all of a store in memory) inside the database, large ones in files named by a random id.

use std::fs::File;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{Result, Writer};
use crate::error::SandboxError;

/// Bytes up to which a body is kept inside the database: about where SQLite stops being faster than a file.
const MAX_INLINE: usize = 16 * 1024;
/// Bytes up to which a store in memory takes a body; SQLite's own limit is 10^9.
const MAX_IN_MEMORY: usize = 512 * 1024 * 1024;

/// A body that was received and not yet entered in the database.
#[derive(Debug)]
pub(crate) enum NewBody {
    /// Inside the database.
    Inline(Vec<u8>),
    /// In a file.
    File(PendingFile),
}

/// A body file that is removed again unless the transaction that refers to it commits.
#[derive(Debug)]
pub(crate) struct PendingFile {
    path: PathBuf,
    name: String,
    kept: bool,
}

impl PendingFile {
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "an unfinished body file could not be removed");
        }
    }
}

/// Takes a body piece by piece.
#[derive(Debug)]
pub(crate) struct BodyWriter {
    directory: Option<PathBuf>,
    buffer: Vec<u8>,
    file: Option<(tokio::fs::File, PendingFile)>,
}

impl BodyWriter {
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Self { directory, buffer: Vec::new(), file: None }
    }

    /// Adds bytes; once there are too many for the database, everything goes to a file.
    ///
    /// # Errors
    /// The file cannot be written, or a store in memory is asked to keep too much.
    pub(crate) async fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some((file, _)) = &mut self.file {
            file.write_all(bytes).await?;
            return Ok(());
        }
        self.buffer.extend_from_slice(bytes);
        match &self.directory {
            Some(directory) if self.buffer.len() > MAX_INLINE => {
                let name = Uuid::new_v4().simple().to_string();
                let path = directory.join(&name);
                let mut file = tokio::fs::File::create_new(&path).await?;
                let pending = PendingFile { path, name, kept: false };
                file.write_all(&self.buffer).await?;
                self.buffer = Vec::new();
                self.file = Some((file, pending));
            }
            None if self.buffer.len() > MAX_IN_MEMORY => {
                return Err(s3s::s3_error!(
                    EntityTooLarge,
                    "a sandbox in memory takes bodies up to {MAX_IN_MEMORY} bytes; give it a data directory for larger ones"
                )
                .into());
            }
            _ => {}
        }
        Ok(())
    }

    /// The whole body.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) async fn finish(self) -> Result<NewBody> {
        match self.file {
            Some((mut file, pending)) => {
                file.flush().await?;
                Ok(NewBody::File(pending))
            }
            None => Ok(NewBody::Inline(self.buffer)),
        }
    }
}

/// A body ready to be read.
#[derive(Debug)]
pub(crate) enum OpenBody {
    /// All of it.
    Inline(Bytes),
    /// The file, open, so that it can be read to its end even if it is removed meanwhile.
    File(File),
}

pub(super) fn open(connection: &Connection, directory: Option<&Path>, body: i64) -> Result<OpenBody> {
    let (data, file): (Option<Vec<u8>>, Option<String>) = connection
        .prepare_cached("SELECT data, file FROM bodies WHERE id = ?1")?
        .query_row([body], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match (data, directory, file) {
        (Some(data), _, _) => Ok(OpenBody::Inline(data.into())),
        (None, Some(directory), Some(file)) => Ok(OpenBody::File(File::open(directory.join(file))?)),
        _ => Err(SandboxError::Body(std::io::ErrorKind::NotFound.into())),
    }
}

impl Writer<'_> {
    /// Enters a body with one reference and returns its row id.
    pub(crate) fn add_body(&mut self, body: NewBody) -> Result<i64> {
        let (data, file) = match body {
            NewBody::Inline(data) => (Some(data), None),
            NewBody::File(pending) => {
                let name = pending.name.clone();
                self.added.push(pending);
                (None, Some(name))
            }
        };
        self.prepare_cached("INSERT INTO bodies (refs, data, file) VALUES (1, ?1, ?2)")?
            .execute((data, file))?;
        Ok(self.last_insert_rowid())
    }

    /// Adds a reference.
    pub(crate) fn share_body(&mut self, body: i64) -> Result<()> {
        self.prepare_cached("UPDATE bodies SET refs = refs + 1 WHERE id = ?1")?.execute([body])?;
        Ok(())
    }

    /// Drops a reference, and the body with the last one.
    pub(crate) fn release_body(&mut self, body: i64) -> Result<()> {
        let last: Option<Option<String>> = self
            .prepare_cached("DELETE FROM bodies WHERE id = ?1 AND refs = 1 RETURNING file")?
            .query_row([body], |row| row.get(0))
            .optional()?;
        match last {
            Some(file) => self.freed.extend(file),
            None => {
                self.prepare_cached("UPDATE bodies SET refs = refs - 1 WHERE id = ?1")?.execute([body])?;
            }
        }
        Ok(())
    }
}

/// Removes body files that no row refers to: what a killed server left behind.
pub(super) fn remove_orphans(connection: &Connection, directory: &Path) -> Result<()> {
    let mut known = connection.prepare("SELECT 1 FROM bodies WHERE file = ?1")?;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if !known.exists([entry.file_name().to_string_lossy()])? {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
