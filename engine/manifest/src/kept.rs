//! Rows on disk until it is known how many there are, or which of them count.

use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use longshore_job::{ChunkExtent, Row};

use crate::spool::{SpoolError, SpoolReader, SpoolWriter};

/// Takes rows one by one and gives them back in the same order. Memory does not depend on how many there are, but for 24 bytes
/// a chunk.
pub struct Keep {
    path: PathBuf,
    spool: SpoolWriter,
    chunks: Vec<ChunkExtent>,
}

impl Keep {
    /// Keeps rows in a file at `path`, which whoever gives it removes.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> Result<Self, SpoolError> {
        Ok(Self { path: path.to_owned(), spool: SpoolWriter::create(path)?, chunks: Vec::new() })
    }

    /// Takes the next row; true if that ended a chunk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn push(&mut self, row: &Row) -> Result<bool, SpoolError> {
        let chunk = self.spool.push(row)?;
        self.chunks.extend(chunk);
        Ok(chunk.is_some())
    }

    /// All rows that were taken.
    ///
    /// # Errors
    /// The file cannot be written or read.
    pub fn finish(mut self) -> Result<KeptRows, SpoolError> {
        self.chunks.extend(self.spool.flush()?);
        self.spool.finish()?;
        let count = self.chunks.iter().map(|chunk| u64::from(chunk.rows)).sum();
        let (spool, chunks) = (SpoolReader::open(&self.path)?, self.chunks.into_iter());
        Ok(KeptRows { spool, chunks, rows: Vec::new().into_iter(), count })
    }
}

/// The rows that a [`Keep`] took.
pub struct KeptRows {
    spool: SpoolReader,
    chunks: IntoIter<ChunkExtent>,
    rows: IntoIter<Row>,
    count: u64,
}

impl KeptRows {
    /// How many rows were taken.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The next row; none after the last.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_row(&mut self) -> Result<Option<Row>, SpoolError> {
        loop {
            if let Some(row) = self.rows.next() {
                return Ok(Some(row));
            }
            let Some(chunk) = self.chunks.next() else { return Ok(None) };
            self.rows = self.spool.read(&chunk)?.into_iter();
        }
    }
}
