//! The checksum of a manifest, computed while it is read.

use std::io::{self, Read};

use ::md5::{Digest, Md5};

/// Passes a manifest's bytes on and computes their MD5: the ETag that S3 gives an object which was uploaded in one
/// part and is not encrypted with a KMS or customer key (Amazon S3 API Reference, "Object").
pub struct Md5Reader<R> {
    inner: R,
    md5: Md5,
}

impl<R: Read> Md5Reader<R> {
    /// Starts at the current position of `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, md5: Md5::new() }
    }

    /// The MD5 of all bytes that were read, in lower-case hex. Read to the end first.
    pub fn finish(self) -> String {
        hex::encode(self.md5.finalize())
    }
}

impl<R: Read> Read for Md5Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.md5.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
