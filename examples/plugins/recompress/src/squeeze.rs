//! From bytes, plain or gzip, to Zstandard, and the proof that it is the same.

use std::io::{self, BufRead, Read, Write};

use flate2::bufread::MultiGzDecoder;
use longshore_sdk::Failure;
use sha2::{Digest, Sha256};
use structured_zstd::encoding::{CompressionLevel, StreamingEncoder};

/// Bytes of plain content on their way.
const CHUNK: usize = 64 << 10;
/// How a gzip file begins.
const GZIP: &[u8] = b"\x1f\x8b";
/// How a Zstandard file begins.
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// How the bytes of an object are written, by how they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As they are.
    Plain,
    /// gzip.
    Gzip,
    /// Zstandard already.
    Zstd,
}

impl Coding {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match bytes {
            _ if bytes.starts_with(GZIP) => Self::Gzip,
            _ if bytes.starts_with(ZSTD) => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Content, without what it was compressed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
}

/// Compresses content and says what it was.
pub(crate) fn compress(
    from: impl BufRead,
    coding: Coding,
    to: impl Write,
    level: u8,
) -> Result<Content, Failure> {
    let mut encoder = StreamingEncoder::new(to, CompressionLevel::from_level(level.into()));
    encoder.set_content_checksum(true)?;
    let content = pass(from, coding, &mut encoder)?;
    encoder.finish()?;
    Ok(content)
}

/// What a file holds.
pub(crate) fn content_of(from: impl BufRead, coding: Coding) -> Result<Content, Failure> {
    pass(from, coding, io::sink())
}

fn pass(from: impl BufRead, coding: Coding, to: impl Write) -> Result<Content, Failure> {
    let content = match coding {
        Coding::Plain => copy(from, to),
        Coding::Gzip => copy(MultiGzDecoder::new(from), to),
        Coding::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(from);
            copy(decoder.map_err(|why| Failure::new("InvalidData", why.to_string()))?, to)
        }
    };
    Ok(content?)
}

fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<Content> {
    let (mut bytes, mut hash) = (0_u64, Sha256::new());
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => return Ok(Content { bytes, sha256: hash.finalize().into() }),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let read = chunk.get(..read).unwrap_or_default();
        bytes = bytes.saturating_add(read.len() as u64);
        hash.update(read);
        to.write_all(read)?;
    }
}

/// A writer that counts.
pub(crate) struct Counting<W> {
    pub(crate) inner: W,
    pub(crate) bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes = self.bytes.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
