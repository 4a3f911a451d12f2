//! The chunk spool: the rows of one job on disk, in manifest order, in chunks that can be read one by one.
//!
//! A spool file is eight bytes of magic and version, then one zstd frame per chunk. Inside a frame the rows are
//! front-coded against each other (only what differs from the row before). Where a
//! chunk lies and what its checksum is is said by its [`ChunkExtent`], which the caller keeps (in the queue): the file
//! has no directory of its own.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use longshore_job::{ChunkExtent, Row};

use crate::encode::{ChunkBuilder, decode};

/// Rows of a full chunk. A chunk is leased, checkpointed and reported as one: large enough that a billion objects
/// are a million chunks, small enough that a chunk is little to hold in memory.
pub const CHUNK_ROWS: usize = 1000;

/// Most bytes of one chunk before compression, so that a damaged file cannot ask for any amount of memory. Rows of
/// a manifest that passed its checks need less than 5 KB each.
pub const MAX_CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// First bytes of a spool file; the last one is the version of the format.
const MAGIC: &[u8; 8] = b"LNGSPOL\x02";

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
        "the chunk spool {} is damaged at byte {offset}: {problem}; \
         tasks of this chunk cannot run: cancel the job and submit it again",
        .file.display()
    )]
    Damaged {
        /// The spool file.
        file: PathBuf,
        /// Where the chunk starts, in bytes.
        offset: u64,
        /// What is wrong there.
        problem: SpoolProblem,
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

/// What is wrong with a chunk in the spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolProblem {
    /// The file is no spool, or one of another version.
    #[error("the file does not start like a chunk spool of this version")]
    NotASpool,
    /// The file ends before the chunk does.
    #[error("{bytes} bytes were written there, the file has {present}")]
    Missing {
        /// Bytes of the chunk.
        bytes: u32,
        /// Bytes that the file has from its start on.
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

/// Writes a spool file, row by row.
pub struct SpoolWriter {
    path: PathBuf,
    file: BufWriter<File>,
    offset: u64,
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
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(spool_io("replace", path)(error));
            }
            _ => {}
        }
        let file = File::create_new(path).map_err(spool_io("create", path))?;
        let mut file = BufWriter::new(file);
        file.write_all(MAGIC).map_err(spool_io("write", path))?;
        let packer = zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(spool_io("write", path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            offset: MAGIC.len() as u64,
            chunk: ChunkBuilder::default(),
            raw: Vec::new(),
            packer,
        })
    }

    /// Adds a row. When that makes a chunk full, the chunk is written and returned; it can be read once
    /// [`finish`](Self::finish) returned.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`].
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
    /// [`SpoolError::Io`].
    pub fn flush(&mut self) -> Result<Option<ChunkExtent>, SpoolError> {
        let rows = self.chunk.rows();
        if rows == 0 {
            return Ok(None);
        }
        self.chunk.finish(&mut self.raw);
        let failed = spool_io("write", &self.path);
        let frame = self.packer.compress(&self.raw).map_err(&failed)?;
        self.file.write_all(&frame).map_err(&failed)?;
        let extent = ChunkExtent {
            offset: self.offset,
            bytes: narrow("bytes", frame.len())?,
            rows: narrow("rows", rows)?,
            crc32: crc32fast::hash(&frame),
        };
        self.offset += u64::from(extent.bytes);
        Ok(Some(extent))
    }

    /// Makes every chunk durable: the file's bytes and its name.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`]; no chunk may then be relied on.
    pub fn finish(self) -> Result<(), SpoolError> {
        let failed = spool_io("save", &self.path);
        let file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(&failed)?;
        sync_name(&self.path).map_err(&failed)
    }
}

/// Reads chunks of a finished spool file, in any order and from any thread.
#[derive(Debug)]
pub struct SpoolReader {
    path: PathBuf,
    /// Its position is meaningless between two calls; the lock keeps seek and read together.
    file: Mutex<File>,
}

impl SpoolReader {
    /// Opens a spool file.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`]; [`SpoolError::Damaged`] if it is none, or one of another version.
    pub fn open(path: &Path) -> Result<Self, SpoolError> {
        let failed = spool_io("open", path);
        let mut file = File::open(path).map_err(&failed)?;
        let mut magic = Vec::with_capacity(MAGIC.len());
        Read::take(&mut file, MAGIC.len() as u64).read_to_end(&mut magic).map_err(&failed)?;
        let reader = Self { path: path.to_owned(), file: Mutex::new(file) };
        if magic == MAGIC { Ok(reader) } else { Err(reader.damaged(0, SpoolProblem::NotASpool)) }
    }

    /// The rows of one chunk, in manifest order.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Damaged`] with file and offset if bytes are missing or are not those that were written;
    /// [`SpoolError::Io`].
    pub fn read(&self, extent: &ChunkExtent) -> Result<Vec<Row>, SpoolError> {
        let damaged = |problem| self.damaged(extent.offset, problem);
        let frame = self.frame(extent).map_err(spool_io("read", &self.path))?;
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

    /// The bytes of a chunk, or as many of them as the file has.
    fn frame(&self, extent: &ChunkExtent) -> io::Result<Vec<u8>> {
        // A panic of another thread cannot leave the file in a bad state: each reader seeks first.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(extent.offset))?;
        let mut frame = Vec::new();
        Read::take(&mut *file, u64::from(extent.bytes)).read_to_end(&mut frame)?;
        Ok(frame)
    }

    fn damaged(&self, offset: u64, problem: SpoolProblem) -> SpoolError {
        SpoolError::Damaged { file: self.path.clone(), offset, problem }
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

/// Makes the name of a new file or directory durable: without this it may be gone after a loss of power, though its content
/// was synced. Windows cannot open directories, and needs no such call; some network file systems know none.
///
/// # Errors
///
/// Those of opening and syncing the directory that holds it.
pub fn sync_name(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(directory)?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}
