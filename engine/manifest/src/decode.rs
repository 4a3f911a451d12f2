//! Compression, recognised by the first bytes.

use std::io::{self, BufReader, Cursor, Read};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;

/// Largest window of a zstd list, as a power of two: 32 MiB, which every level up to 21 fits in. Bounds memory.
const ZSTD_WINDOW_LOG: u32 = 25;

/// How much of the compressed list is read at once, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// How a list is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (RFC 1952), also of several members.
    Gzip,
    /// Zstandard (RFC 8878), also of several frames.
    Zstd,
    /// bzip2, also of several streams.
    Bzip2,
}

impl Compression {
    /// What these first bytes say. Six are enough.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Self::Bzip2,
            _ => Self::None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        }
    }
}

/// A list whose compressed bytes are broken, as an [`io::Error`] carries it.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(crate) struct BrokenCompression {
    pub(crate) compression: Compression,
    pub(crate) why: io::Error,
}

/// Unpacks what is compressed; everything else passes through.
///
/// # Errors
/// The first bytes cannot be read.
pub fn decompressed<'r>(
    mut source: impl Read + Send + 'r,
) -> io::Result<(Box<dyn Read + Send + 'r>, Compression)> {
    let mut start = Vec::with_capacity(6);
    source.by_ref().take(6).read_to_end(&mut start)?;
    let compression = Compression::of(&start);
    let whole = Cursor::new(start).chain(Source(source));
    let unpacked: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(Unpacked {
            inner: MultiGzDecoder::new(BufReader::with_capacity(READ_BYTES, whole)),
            compression,
        }),
        Compression::Zstd => {
            let mut inner = zstd::Decoder::new(whole)?;
            inner.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(Unpacked { inner, compression })
        }
        Compression::Bzip2 => Box::new(Unpacked {
            inner: MultiBzDecoder::new(BufReader::with_capacity(READ_BYTES, whole)),
            compression,
        }),
    };
    Ok((unpacked, compression))
}

/// Marks the errors of the source, so that they are not taken for those of the decoder.
struct Source<R>(R);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SourceFailed(io::Error);

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, SourceFailed(error)),
        })
    }
}

/// Marks the errors of the decoder.
struct Unpacked<R> {
    inner: R,
    compression: Compression,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|why| {
            let of_source = why.get_ref().is_some_and(|inner| inner.is::<SourceFailed>());
            if of_source || why.kind() == io::ErrorKind::Interrupted {
                return why;
            }
            io::Error::new(why.kind(), BrokenCompression { compression: self.compression, why })
        })
    }
}

/// The error that a source gave, without the mark.
pub(crate) fn unmarked(error: io::Error) -> io::Error {
    match error.downcast::<SourceFailed>() {
        Ok(SourceFailed(error)) => error,
        Err(error) => error,
    }
}
