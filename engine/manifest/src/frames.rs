//! Where the frames of a chunk spool are kept: a file here, or whatever else its user has.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::spool::{SPOOL_MAGIC, SpoolError, spool_io};

/// Keeps the frames of a spool while it is written.
pub trait FrameWriter: Send {
    /// Keeps the next frame, whole, and says at which offset it can be read.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`], [`SpoolError::Unavailable`].
    fn write(&mut self, frame: &[u8]) -> Result<u64, SpoolError>;

    /// Makes every frame durable.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`], [`SpoolError::Unavailable`]; no frame may then be relied on.
    fn finish(self: Box<Self>) -> Result<(), SpoolError>;
}

/// Finds the frames of a finished spool again, from any thread.
pub trait FrameReader: Debug + Send + Sync {
    /// The bytes from `offset` on, `bytes` of them or as many as there are.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Io`], [`SpoolError::Unavailable`].
    fn read(&self, offset: u64, bytes: u32) -> Result<Vec<u8>, SpoolError>;

    /// What messages call the place of `offset`: a file or object, and the byte in it.
    fn place(&self, offset: u64) -> (String, u64);
}

/// A spool file that is written.
pub(crate) struct FileWriter {
    path: PathBuf,
    file: BufWriter<File>,
    offset: u64,
}

impl FileWriter {
    pub(crate) fn create(path: &Path) -> Result<Self, SpoolError> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(spool_io("replace", path)(error));
            }
            _ => {}
        }
        let file = File::create_new(path).map_err(spool_io("create", path))?;
        let mut file = BufWriter::new(file);
        file.write_all(SPOOL_MAGIC).map_err(spool_io("write", path))?;
        Ok(Self { path: path.to_owned(), file, offset: SPOOL_MAGIC.len() as u64 })
    }
}

impl FrameWriter for FileWriter {
    fn write(&mut self, frame: &[u8]) -> Result<u64, SpoolError> {
        self.file.write_all(frame).map_err(spool_io("write", &self.path))?;
        let offset = self.offset;
        self.offset += frame.len() as u64;
        Ok(offset)
    }

    fn finish(self: Box<Self>) -> Result<(), SpoolError> {
        let failed = spool_io("save", &self.path);
        let file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(&failed)?;
        sync_name(&self.path).map_err(&failed)
    }
}

/// A finished spool file.
#[derive(Debug)]
pub(crate) struct FileReader {
    path: PathBuf,
    /// Its position is meaningless between two calls; the lock keeps seek and read together.
    file: Mutex<File>,
}

impl FileReader {
    pub(crate) fn open(path: &Path) -> Result<Self, SpoolError> {
        let file = File::open(path).map_err(spool_io("open", path))?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    fn bytes(&self, offset: u64, bytes: u32) -> io::Result<Vec<u8>> {
        // A panic of another thread cannot leave the file in a bad state: each reader seeks first.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        let mut found = Vec::new();
        Read::take(&mut *file, u64::from(bytes)).read_to_end(&mut found)?;
        Ok(found)
    }
}

impl FrameReader for FileReader {
    fn read(&self, offset: u64, bytes: u32) -> Result<Vec<u8>, SpoolError> {
        self.bytes(offset, bytes).map_err(spool_io("read", &self.path))
    }

    fn place(&self, offset: u64) -> (String, u64) {
        (self.path.display().to_string(), offset)
    }
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
