//! Bodies: small ones (and all of a store in memory) inside the database, large ones in files named by a random id.
//! Zeros at the start of a body are only counted.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::content::{Content, Extent};
use super::{Result, Writer};
use crate::error::SandboxError;

/// Bytes up to which a body is kept inside the database: about where SQLite stops being faster than a file.
const MAX_INLINE: usize = 16 * 1024;
/// Bytes up to which a store in memory takes a body; SQLite's own limit is 10^9.
const MAX_IN_MEMORY: usize = 512 * 1024 * 1024;
/// Zeros at the start of a body from which on they are counted, not kept: fewer are not worth an extent.
const MIN_ZEROS: u64 = 64 * 1024;
/// Body files that a reader holds open from the start, so that it reads them to their end even if they are removed
/// meanwhile. An object of more parts than this opens the others as it comes to them; it breaks off, and says so, if it
/// was deleted by then.
const MAX_OPEN: usize = 64;

/// A body that was received and not yet entered in the database: so many zeros, and what follows.
#[derive(Debug)]
pub(crate) struct NewBody {
    zeros: u64,
    rest: NewBytes,
}

impl NewBody {
    /// A small body.
    pub(crate) fn inline(bytes: Vec<u8>) -> Self {
        Self { zeros: 0, rest: NewBytes::Inline(bytes) }
    }
}

/// Bytes to keep.
#[derive(Debug)]
enum NewBytes {
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
    /// Bytes.
    length: u64,
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
    /// Zeros before anything else.
    zeros: u64,
    buffer: Vec<u8>,
    file: Option<(tokio::fs::File, PendingFile)>,
}

impl BodyWriter {
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Self { directory, zeros: 0, buffer: Vec::new(), file: None }
    }

    /// Adds bytes; once there are too many for the database, everything goes to a file.
    ///
    /// # Errors
    /// The file cannot be written, or a store in memory is asked to keep too much.
    pub(crate) async fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some((file, pending)) = &mut self.file {
            file.write_all(bytes).await?;
            pending.length += bytes.len() as u64;
            return Ok(());
        }
        if self.buffer.is_empty() && bytes.iter().all(|byte| *byte == 0) {
            self.zeros += bytes.len() as u64;
            return Ok(());
        }
        if self.buffer.is_empty() {
            self.keep_few_zeros();
        }
        self.buffer.extend_from_slice(bytes);
        match &self.directory {
            Some(directory) if self.buffer.len() > MAX_INLINE => {
                let name = Uuid::new_v4().simple().to_string();
                let path = directory.join(&name);
                let mut file = tokio::fs::File::create_new(&path).await?;
                let pending = PendingFile { path, name, length: self.buffer.len() as u64, kept: false };
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

    /// Takes zeros that are too few to be an extent of their own as the first bytes.
    fn keep_few_zeros(&mut self) {
        if self.zeros < MIN_ZEROS {
            self.buffer.resize(usize::try_from(self.zeros).unwrap_or_default(), 0);
            self.zeros = 0;
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) async fn finish(mut self) -> Result<NewBody> {
        let rest = match self.file.take() {
            Some((mut file, pending)) => {
                file.flush().await?;
                NewBytes::File(pending)
            }
            None => {
                if self.buffer.is_empty() {
                    self.keep_few_zeros();
                }
                NewBytes::Inline(self.buffer)
            }
        };
        Ok(NewBody { zeros: self.zeros, rest })
    }
}

/// Bytes ready to be read.
#[derive(Debug)]
pub(crate) enum Piece {
    /// So many zeros.
    Zeros(u64),
    /// All of them.
    Inline(Bytes),
    /// A part of a file that is open.
    File {
        /// The file; others may read it, too.
        file: Arc<File>,
        /// Offset of the first byte.
        start: u64,
        /// Bytes.
        length: u64,
    },
    /// A part of a file that is opened when it is its turn.
    Path {
        /// Where the file is.
        path: PathBuf,
        /// Offset of the first byte.
        start: u64,
        /// Bytes.
        length: u64,
    },
}

/// What the bytes of extents come from.
enum Source {
    Inline(Bytes),
    File(Arc<File>),
    Path(PathBuf),
}

/// Opens a content for reading, piece by piece.
pub(super) fn open(
    connection: &Connection,
    directory: Option<&Path>,
    content: &Content,
) -> Result<Vec<Piece>> {
    let mut sources: HashMap<i64, Source> = HashMap::new();
    for body in content.bodies() {
        let source = open_body(connection, directory, body, sources.len() < MAX_OPEN)?;
        sources.insert(body, source);
    }
    content.extents().iter().map(|extent| piece(extent, &sources)).collect()
}

fn open_body(
    connection: &Connection,
    directory: Option<&Path>,
    body: i64,
    may_stay_open: bool,
) -> Result<Source> {
    let (data, file): (Option<Vec<u8>>, Option<String>) = connection
        .prepare_cached("SELECT data, file FROM bodies WHERE id = ?1")?
        .query_row([body], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match (data, directory, file) {
        (Some(data), _, _) => Ok(Source::Inline(data.into())),
        (None, Some(directory), Some(file)) if may_stay_open => {
            Ok(Source::File(Arc::new(File::open(directory.join(file))?)))
        }
        (None, Some(directory), Some(file)) => Ok(Source::Path(directory.join(file))),
        _ => Err(missing()),
    }
}

fn piece(extent: &Extent, sources: &HashMap<i64, Source>) -> Result<Piece> {
    let (start, length) = (extent.start, extent.length);
    let Some(body) = extent.body else { return Ok(Piece::Zeros(length)) };
    match sources.get(&body) {
        Some(Source::Inline(bytes)) => {
            let end = usize::try_from(start + length).unwrap_or(usize::MAX).min(bytes.len());
            Ok(Piece::Inline(bytes.slice(usize::try_from(start).unwrap_or(end).min(end)..end)))
        }
        Some(Source::File(file)) => Ok(Piece::File { file: Arc::clone(file), start, length }),
        Some(Source::Path(path)) => Ok(Piece::Path { path: path.clone(), start, length }),
        None => Err(missing()),
    }
}

fn missing() -> SandboxError {
    SandboxError::Body(std::io::ErrorKind::NotFound.into())
}

impl Writer<'_> {
    /// Enters a body with one reference and returns what it holds.
    pub(crate) fn add_body(&mut self, body: NewBody) -> Result<Content> {
        let mut content = Content::default();
        content.push(Extent { body: None, start: 0, length: body.zeros });
        let (data, file, length) = match body.rest {
            NewBytes::Inline(data) if data.is_empty() => return Ok(content),
            NewBytes::Inline(data) => {
                let length = data.len() as u64;
                (Some(data), None, length)
            }
            NewBytes::File(pending) => {
                let (name, length) = (pending.name.clone(), pending.length);
                self.added.push(pending);
                (None, Some(name), length)
            }
        };
        self.prepare_cached("INSERT INTO bodies (refs, data, file) VALUES (1, ?1, ?2)")?
            .execute((data, file))?;
        content.push(Extent { body: Some(self.last_insert_rowid()), start: 0, length });
        Ok(content)
    }

    /// Adds a reference to each body of a content.
    pub(crate) fn share(&mut self, content: &Content) -> Result<()> {
        for body in content.bodies() {
            self.prepare_cached("UPDATE bodies SET refs = refs + 1 WHERE id = ?1")?.execute([body])?;
        }
        Ok(())
    }

    /// Drops a reference to each body of a content, and the body with the last one.
    pub(crate) fn release(&mut self, content: &Content) -> Result<()> {
        content.bodies().into_iter().try_for_each(|body| self.release_body(body))
    }

    fn release_body(&mut self, body: i64) -> Result<()> {
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
