//! The list of what a bucket's listing found, on disk while it grows.
//!
//! A list file is eight bytes of magic and version, then one frame for each page of the listing: length, CRC-32, what part of the key
//! space the page covers, and its rows, compressed. A frame is there whole or counts for nothing, so the file needs no
//! directory and no order on disk: whatever its frames cover has been listed, the rest has not. A torn end is cut off.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ListedRow, Position, Space};
use crate::spool::{SpoolError, SpoolProblem, spool_io};

/// First bytes of a list file; the last one is the version of the format.
const MAGIC: &[u8; 8] = b"LNGLIST\x01";

/// Bytes before the payload of a frame: its length and its CRC-32.
const FRAME_HEADER: u64 = 8;

/// Most bytes of a frame, so that a damaged length cannot ask for any amount of memory. A page has 1,000 rows of at most some 2 KB.
const MAX_FRAME_BYTES: usize = 8 * 1024 * 1024;

/// zstd's level: pages are written while a listing waits, and are read once.
const ZSTD_LEVEL: i32 = 1;

/// A page of a listing: what it covers, and the rows in it that belong to the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Index of the prefix that was listed.
    pub prefix: usize,
    /// Where the page begins.
    pub from: Position,
    /// Where it ends; `None` at the end of the prefix.
    pub to: Option<Position>,
    /// Entries that the store listed in it.
    pub listed: u32,
    /// The rows, in the order of the listing.
    pub rows: Vec<ListedRow>,
}

/// What a frame says before its rows.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    prefix: u32,
    from: Position,
    to: Option<Position>,
    listed: u32,
    rows: u32,
}

/// A page as it stands in the file.
#[derive(Debug)]
pub struct Frame {
    head: Head,
    bytes: Vec<u8>,
}

/// Pages that follow each other without a gap.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) prefix: usize,
    pub(super) from: Position,
    pub(super) to: Option<Position>,
    /// Where their frames begin, in bytes.
    offsets: Vec<u64>,
}

/// An open list file.
#[derive(Debug)]
pub struct ListFile {
    path: PathBuf,
    file: File,
    end: u64,
    chains: Vec<Chain>,
    /// The chain that ends at a position.
    open: HashMap<(usize, Position), usize>,
    listed: u64,
    rows: u64,
}

impl Page {
    /// The page as a frame. Compression takes time: this is apart from [`ListFile::append`], which has to wait its turn.
    ///
    /// # Errors
    /// [`SpoolError::ChunkTooLarge`]; [`SpoolError::Io`] if the rows cannot be written down.
    pub fn encode(&self) -> Result<Frame, SpoolError> {
        let failed = |error: postcard::Error| {
            spool_io("encode a page for", Path::new("generated.list"))(io::Error::other(error))
        };
        let head = Head {
            prefix: u32::try_from(self.prefix).unwrap_or(u32::MAX),
            from: self.from.clone(),
            to: self.to.clone(),
            listed: self.listed,
            rows: u32::try_from(self.rows.len()).unwrap_or(u32::MAX),
        };
        let mut payload = postcard::to_stdvec(&head).map_err(failed)?;
        let rows = postcard::to_stdvec(&self.rows).map_err(failed)?;
        let compressed = zstd::bulk::compress(&rows, ZSTD_LEVEL)
            .map_err(spool_io("compress a page for", Path::new("generated.list")))?;
        payload.extend_from_slice(&compressed);
        let found = payload.len().max(rows.len());
        if found > MAX_FRAME_BYTES {
            return Err(SpoolError::ChunkTooLarge { unit: "bytes", max: MAX_FRAME_BYTES, found });
        }
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(payload.len() + 8);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        bytes.extend_from_slice(&payload);
        Ok(Frame { head, bytes })
    }
}

impl ListFile {
    /// Opens the list at `path`, or begins it. What a crash left unfinished at its end is cut off.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn open(path: &Path) -> Result<Self, SpoolError> {
        let failed = spool_io("open", path);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(&failed)?;
        let mut list = Self {
            path: path.to_owned(),
            file,
            end: MAGIC.len() as u64,
            chains: Vec::new(),
            open: HashMap::new(),
            listed: 0,
            rows: 0,
        };
        list.recover().map_err(&failed)?;
        Ok(list)
    }

    /// Finds the frames that are whole and cuts off the rest.
    fn recover(&mut self) -> io::Result<()> {
        let mut reader = BufReader::with_capacity(1 << 20, self.file.try_clone()?);
        let mut magic = [0; MAGIC.len()];
        if reader.read_exact(&mut magic).is_err() || &magic != MAGIC {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            return self.file.write_all(MAGIC);
        }
        while let Ok(payload) = read_payload(&mut reader) {
            let Ok((head, _)) = postcard::take_from_bytes::<Head>(&payload) else { break };
            self.note(&head);
            self.end += FRAME_HEADER + payload.len() as u64;
        }
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end)).map(drop)
    }

    /// What is left to list below `prefixes` prefixes.
    pub fn space(&mut self, prefixes: usize) -> Space {
        self.sort();
        Space::without(prefixes, &self.chains)
    }

    /// Entries that the store listed so far.
    pub fn listed(&self) -> u64 {
        self.listed
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends a page.
    ///
    /// # Errors
    /// [`SpoolError::Io`].
    pub fn append(&mut self, frame: &Frame) -> Result<(), SpoolError> {
        self.file.write_all(&frame.bytes).map_err(spool_io("write", &self.path))?;
        self.note(&frame.head);
        self.end += frame.bytes.len() as u64;
        Ok(())
    }

    /// Takes note of a frame that begins at the present end.
    fn note(&mut self, head: &Head) {
        let prefix = usize::try_from(head.prefix).unwrap_or(usize::MAX);
        let continued = self.open.remove(&(prefix, head.from.clone()));
        let index = continued.unwrap_or(self.chains.len());
        match self.chains.get_mut(index) {
            Some(chain) => {
                chain.to.clone_from(&head.to);
                chain.offsets.push(self.end);
            }
            None => self.chains.push(Chain {
                prefix,
                from: head.from.clone(),
                to: head.to.clone(),
                offsets: vec![self.end],
            }),
        }
        if let Some(to) = &head.to {
            self.open.insert((prefix, to.clone()), index);
        }
        self.listed += u64::from(head.listed);
        self.rows += u64::from(head.rows);
    }

    /// Puts the chains in the order of their keys.
    fn sort(&mut self) {
        self.chains.sort_by(|a, b| (a.prefix, &a.from.key).cmp(&(b.prefix, &b.from.key)));
        let ends = self.chains.iter().enumerate();
        self.open =
            ends.filter_map(|(index, chain)| Some(((chain.prefix, chain.to.clone()?), index))).collect();
    }

    /// The rows of every page, in the order of their keys.
    pub fn into_pages(mut self) -> PageReader {
        self.sort();
        let offsets: Vec<u64> = self.chains.into_iter().flat_map(|chain| chain.offsets).collect();
        PageReader { path: self.path, file: self.file, offsets: offsets.into_iter() }
    }
}

/// Reads the pages of a list.
#[derive(Debug)]
pub struct PageReader {
    path: PathBuf,
    file: File,
    /// Where the frames begin: eight bytes for each page.
    offsets: std::vec::IntoIter<u64>,
}

impl Iterator for PageReader {
    type Item = Result<Vec<ListedRow>, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.offsets.next().map(|offset| read_rows(&self.file, &self.path, offset))
    }
}

fn read_rows(file: &File, path: &Path, offset: u64) -> Result<Vec<ListedRow>, SpoolError> {
    let damaged = |problem| SpoolError::Damaged { place: path.display().to_string(), offset, problem };
    let undecodable = |why: String| damaged(SpoolProblem::Decode(why));
    let mut reader = file;
    reader.seek(SeekFrom::Start(offset)).map_err(spool_io("read", path))?;
    let payload = read_payload(&mut reader).map_err(|error| undecodable(error.to_string()))?;
    let (_, compressed) =
        postcard::take_from_bytes::<Head>(&payload).map_err(|error| undecodable(error.to_string()))?;
    let rows = zstd::bulk::decompress(compressed, MAX_FRAME_BYTES)
        .map_err(|error| undecodable(format!("zstd: {error}")))?;
    postcard::from_bytes(&rows).map_err(|error| undecodable(error.to_string()))
}

/// The next frame's payload, if the frame is whole.
fn read_payload(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut length, mut checksum) = ([0; 4], [0; 4]);
    reader.read_exact(&mut length)?;
    reader.read_exact(&mut checksum)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::other("the frame's length is none"));
    }
    let mut payload = vec![0; length];
    reader.read_exact(&mut payload)?;
    if crc32fast::hash(&payload) != u32::from_le_bytes(checksum) {
        return Err(io::Error::other("the frame's checksum is wrong"));
    }
    Ok(payload)
}

#[cfg(test)]
#[path = "list_file_tests.rs"]
mod tests;
