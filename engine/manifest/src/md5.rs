//! The checksum of a manifest, computed while it is read.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use ::md5::{Digest, Md5};

/// Passes a manifest's bytes on and computes their MD5: the ETag that S3 gives an object which was uploaded in one
/// part and is not encrypted with a KMS or customer key (Amazon S3 API Reference, "Object").
pub struct Md5Reader<R> {
    inner: R,
    md5: Md5Sum,
}

/// The MD5 of what an [`Md5Reader`] has read, for who gave the reader away.
#[derive(Clone, Default)]
pub struct Md5Sum(Arc<Mutex<Md5>>);

impl<R: Read> Md5Reader<R> {
    /// Starts at the current position of `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, md5: Md5Sum::default() }
    }

    /// The sum, which goes on as the reader does.
    pub fn sum(&self) -> Md5Sum {
        self.md5.clone()
    }
}

impl Md5Sum {
    /// The MD5 of all bytes that were read so far, in lower-case hex.
    pub fn hex(&self) -> String {
        hex::encode(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize())
    }
}

impl<R: Read> Read for Md5Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut md5 = self.md5.0.lock().unwrap_or_else(PoisonError::into_inner);
        md5.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
