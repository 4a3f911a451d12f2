//! The checksum of a manifest, computed while it is read.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::md5::{Digest, Md5};

/// Passes a manifest's bytes on and counts them. Where it is asked to, it computes their MD5: the ETag that S3 gives an object
/// which was uploaded in one part and is not encrypted with a KMS or customer key (Amazon S3 API Reference, "Object").
pub struct Md5Reader<R> {
    inner: R,
    md5: Md5Sum,
}

/// What an [`Md5Reader`] has read, for who gave the reader away.
#[derive(Clone)]
pub struct Md5Sum(Arc<Mutex<State>>);

struct State {
    /// None where nobody wants to know: it takes a third of the time of a list.
    md5: Option<Md5>,
    bytes: u64,
}

impl<R: Read> Md5Reader<R> {
    /// Starts at the current position of `inner`.
    pub fn new(inner: R) -> Self {
        Self::start(inner, Some(Md5::default()))
    }

    /// Counts bytes only.
    pub fn counting(inner: R) -> Self {
        Self::start(inner, None)
    }

    fn start(inner: R, md5: Option<Md5>) -> Self {
        Self { inner, md5: Md5Sum(Arc::new(Mutex::new(State { md5, bytes: 0 }))) }
    }

    /// The sum, which goes on as the reader does.
    pub fn sum(&self) -> Md5Sum {
        self.md5.clone()
    }
}

impl Md5Sum {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The MD5 of all bytes that were read so far, in lower-case hex; none if they are only counted.
    pub fn hex(&self) -> Option<String> {
        Some(hex::encode(self.state().md5.clone()?.finalize()))
    }

    /// How many bytes were read so far.
    pub fn bytes(&self) -> u64 {
        self.state().bytes
    }
}

impl<R: Read> Read for Md5Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut state = self.md5.state();
        if let Some(md5) = &mut state.md5 {
            md5.update(buffer.get(..read).unwrap_or_default());
        }
        state.bytes += read as u64;
        Ok(read)
    }
}
