//! The chunk spool: the rows of one job, in manifest order, in chunks that can be read one by one.
//!
//! A spool file is eight bytes of magic and version, then one zstd frame per chunk. Inside a frame the rows are
//! front-coded against each other (only what differs from the row before). Where a
//! chunk lies and what its checksum is is said by its [`ChunkExtent`], which the caller keeps (in the queue): the file
//! has no directory of its own. Frames may be kept elsewhere than in a file: [`FrameWriter`], [`FrameReader`].

use std::io;
use std::path::{Path, PathBuf};

use longshore_job::{ChunkExtent, Row};

use crate::encode::{ChunkBuilder, decode};
use crate::frames::{FileReader, FileWriter, FrameReader, FrameWriter};

/// Rows of a full chunk. A chunk is leased, checkpointed and reported as one: large enough that a billion objects
/// are a million chunks, small enough that a chunk is little to hold in memory.
pub const CHUNK_ROWS: usize = 1000;

/// Most bytes of one chunk before compression, so that a damaged file cannot ask for any amount of memory. Rows of
/// a manifest that passed its checks need less than 5 KB each.
pub const MAX_CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// First bytes of a spool file; the last one is the version of the format.
pub const SPOOL_MAGIC: &[u8; 8] = b"LNGSPOL\x02";

/// zstd's own default level.
const ZSTD_LEVEL: i32 = 3;

/// Why rows cannot be kept, or read back. The engine is at fault or its disk, not the manifest.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The operating system refused something on the spool file.
    #[error("cannot {action} the chunk spool {}: {source}; check that its disk has room and is writable", .file.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The spool file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The spool file does not hold what was written to it.
    #[error(
        "the chunk spool {place} is damaged at byte {offset}: {problem}; \
         tasks of this chunk cannot run: submit the job again"
    )]
    Damaged {
        /// The spool file, or the part of the spool.
        place: String,
        /// Where the chunk starts, in bytes.
        offset: u64,
        /// What is wrong there.
        problem: SpoolProblem,
    },
    /// What keeps the spool elsewhere does not answer, or refuses: the spool may be whole.
    #[error("cannot {action} the chunk spool {place}: {reason}")]
    Unavailable {
        /// What was attempted.
        action: &'static str,
        /// The part of the spool.
        place: String,
        /// What was answered.
        reason: String,
    },
    /// Rows that do not fit into one chunk; the caller must make smaller ones.
    #[error("a chunk holds at most {max} {unit}, these rows have {found}; append fewer rows at once")]
    ChunkTooLarge {
        /// `rows` or `bytes`.
        unit: &'static str,
        /// The bound.
        max: usize,
        /// What was given.
        found: usize,
    },
}

impl SpoolError {
    /// Whether rows are gone for good.
    pub fn is_loss(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Unavailable { .. } | Self::ChunkTooLarge { .. } => false,
        }
    }
}

/// What is wrong with a chunk in the spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolProblem {
    /// The file is no spool, or one of another version.
    #[error("the file does not start like a chunk spool of this version")]
    NotASpool,
    /// The file ends before the chunk does, or is not there.
    #[error("{bytes} bytes were written there, {present} are left")]
    Missing {
        /// Bytes of the chunk.
        bytes: u32,
        /// Bytes that are there from its start on.
        present: u64,
    },
    /// The bytes are not those that were written.
    #[error("the checksum of the chunk is {found:08x}, {expected:08x} was written")]
    Checksum {
        /// CRC-32 of the bytes as written.
        expected: u32,
        /// CRC-32 of the bytes as they are.
        found: u32,
    },
    /// The checksum is right and yet the bytes are no rows: written by a faulty or foreign program.
    #[error("the chunk cannot be decoded: {0}")]
    Decode(String),
}

/// Writes a spool, row by row.
pub struct SpoolWriter {
    frames: Box<dyn FrameWriter>,
    chunk: ChunkBuilder,
    raw: Vec<u8>,
    packer: zstd::bulk::Compressor<'static>,
}

impl SpoolWriter {
    /// Starts a spool file in place of what an interrupted preparation left there. It is another file, not the old one from
    /// its start: an engine that was replaced and does not know it yet may still be writing to that.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`].
    pub fn create(path: &Path) -> Result<Self, SpoolError> {
        Self::keep_in(Box::new(FileWriter::create(path)?))
    }

    /// Starts a spool whose frames are kept in `frames`.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`].
    pub fn keep_in(frames: Box<dyn FrameWriter>) -> Result<Self, SpoolError> {
        let packer = zstd::bulk::Compressor::new(ZSTD_LEVEL);
        let packer = packer.map_err(spool_io("compress rows for", Path::new("manifest.spool")))?;
        Ok(Self { frames, chunk: ChunkBuilder::default(), raw: Vec::new(), packer })
    }

    /// Adds a row. When that makes a chunk full, the chunk is written and returned; it can be read once
    /// [`finish`](Self::finish) returned.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`], [`SpoolError::Unavailable`].
    pub fn push(&mut self, row: &Row) -> Result<Option<ChunkExtent>, SpoolError> {
        self.chunk.push(row);
        // Rows with long columns make chunks of fewer rows.
        if self.chunk.rows() == CHUNK_ROWS || self.chunk.bytes() >= MAX_CHUNK_BYTES / 2 {
            return self.flush();
        }
        Ok(None)
    }

    /// Writes the rows that make no full chunk as one; `None` if there are none.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`], [`SpoolError::Unavailable`].
    pub fn flush(&mut self) -> Result<Option<ChunkExtent>, SpoolError> {
        let rows = self.chunk.rows();
        if rows == 0 {
            return Ok(None);
        }
        self.chunk.finish(&mut self.raw);
        let frame = self.packer.compress(&self.raw);
        let frame = frame.map_err(spool_io("compress rows for", Path::new("manifest.spool")))?;
        Ok(Some(ChunkExtent {
            offset: self.frames.write(&frame)?,
            bytes: narrow("bytes", frame.len())?,
            rows: narrow("rows", rows)?,
            crc32: crc32fast::hash(&frame),
        }))
    }

    /// Makes every chunk durable: the file's bytes and its name.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`], [`SpoolError::Unavailable`]; no chunk may then be relied on.
    pub fn finish(self) -> Result<(), SpoolError> {
        self.frames.finish()
    }
}

/// Reads chunks of a finished spool, in any order and from any thread.
#[derive(Debug)]
pub struct SpoolReader {
    frames: Box<dyn FrameReader>,
}

impl SpoolReader {
    /// Opens a spool file.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`]; [`SpoolError::Damaged`] if it is none, or one of another version.
    pub fn open(path: &Path) -> Result<Self, SpoolError> {
        let reader = Self::of(Box::new(FileReader::open(path)?));
        let magic = reader.frames.read(0, SPOOL_MAGIC.len() as u32)?;
        if magic == SPOOL_MAGIC { Ok(reader) } else { Err(reader.damaged(0, SpoolProblem::NotASpool)) }
    }

    /// The spool whose frames are in `frames`. Nothing is looked at before the first chunk is read.
    pub fn of(frames: Box<dyn FrameReader>) -> Self {
        Self { frames }
    }

    /// The rows of one chunk, in manifest order.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Damaged`] with place and offset if bytes are missing or are not those that were written;
    /// [`SpoolError::Io`], [`SpoolError::Unavailable`].
    pub fn read(&self, extent: &ChunkExtent) -> Result<Vec<Row>, SpoolError> {
        let damaged = |problem| self.damaged(extent.offset, problem);
        let frame = self.frames.read(extent.offset, extent.bytes)?;
        if frame.len() as u64 != u64::from(extent.bytes) {
            let present = frame.len() as u64;
            return Err(damaged(SpoolProblem::Missing { bytes: extent.bytes, present }));
        }
        let found = crc32fast::hash(&frame);
        if found != extent.crc32 {
            return Err(damaged(SpoolProblem::Checksum { expected: extent.crc32, found }));
        }
        let undecodable = |why| damaged(SpoolProblem::Decode(why));
        let raw = zstd::bulk::decompress(&frame, MAX_CHUNK_BYTES)
            .map_err(|error| undecodable(format!("zstd: {error}")))?;
        let rows = decode(&raw, CHUNK_ROWS).map_err(undecodable)?;
        if rows.len() as u64 != u64::from(extent.rows) {
            return Err(undecodable(format!("it has {} rows, {} were written", rows.len(), extent.rows)));
        }
        Ok(rows)
    }

    fn damaged(&self, offset: u64, problem: SpoolProblem) -> SpoolError {
        let (place, offset) = self.frames.place(offset);
        SpoolError::Damaged { place, offset, problem }
    }
}

pub(crate) fn spool_io(action: &'static str, file: &Path) -> impl Fn(io::Error) -> SpoolError + use<> {
    let file = file.to_owned();
    move |source| SpoolError::Io { action, file: file.clone(), source }
}

fn narrow(unit: &'static str, found: usize) -> Result<u32, SpoolError> {
    let max = u32::MAX as usize;
    u32::try_from(found).map_err(|_| SpoolError::ChunkTooLarge { unit, max, found })
}
