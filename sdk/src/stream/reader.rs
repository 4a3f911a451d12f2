//! An object's bytes as a stream.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::{DEFAULT_STEP, broken};
use crate::{Object, StoreError};

/// Most bytes that one GetObject brings.
const MAX_STEP: usize = 16 << 20;

/// An object's bytes, fetched in steps as they are read. Made by [`Object::reader`].
///
/// Nothing is sent before the first read. All steps are of one version of the object: one that is written meanwhile fails with
/// `PreconditionFailed`.
pub struct ObjectReader<'o> {
    object: &'o Object<'o>,
    step: usize,
    requester_pays: bool,
    /// Where the next byte that is read stands in the object.
    position: u64,
    /// Bytes from `start` on.
    buffer: Vec<u8>,
    start: u64,
    known: Option<Known>,
}

/// What the first answer said.
struct Known {
    size: u64,
    etag: Option<String>,
}

impl<'o> ObjectReader<'o> {
    pub(crate) fn new(object: &'o Object<'o>) -> Self {
        let (buffer, known) = (Vec::new(), None);
        Self { object, step: DEFAULT_STEP, requester_pays: false, position: 0, buffer, start: 0, known }
    }

    /// So many bytes at once: 1 to 16 MiB (what is more, is 16 MiB). [`DEFAULT_STEP`] unless this is called.
    #[must_use]
    pub fn step(self, bytes: usize) -> Self {
        Self { step: bytes.clamp(1, MAX_STEP), ..self }
    }

    /// Whether the requester pays for the requests (Requester Pays buckets).
    #[must_use]
    pub fn requester_pays(self, pays: bool) -> Self {
        Self { requester_pays: pays, ..self }
    }

    /// The object's size in bytes. Reads the first step if nothing was read before.
    ///
    /// # Errors
    /// The store's error.
    pub fn size(&mut self) -> Result<u64, StoreError> {
        if let Some(known) = &self.known {
            return Ok(known.size);
        }
        self.fetch()?;
        Ok(self.known.as_ref().map_or(0, |known| known.size))
    }

    /// The ETag of what is read, as the store writes it. `None` before the first read, of an empty object, and if the store says none.
    pub fn etag(&self) -> Option<&str> {
        self.known.as_ref()?.etag.as_deref()
    }

    /// What is in memory from `position` on.
    fn ahead(&self) -> &[u8] {
        let passed = self.position.checked_sub(self.start).and_then(|passed| usize::try_from(passed).ok());
        passed.and_then(|passed| self.buffer.get(passed..)).unwrap_or_default()
    }

    /// Reads the step at `position`.
    fn fetch(&mut self) -> Result<(), StoreError> {
        let last = self.position.saturating_add(self.step as u64).saturating_sub(1);
        let etag = self.known.as_ref().and_then(|known| known.etag.as_deref());
        let get =
            self.object.get().range(self.position, last).if_match(etag).requester_pays(self.requester_pays);
        let answer = match get.send() {
            // There is no first byte: the object is empty, or ends before.
            Err(error) if error.http_status == Some(416) => return self.fetched_nothing(error),
            answer => answer?,
        };
        let (size, etag) = (answer.size(), answer.etag());
        self.buffer = answer.into_body();
        self.start = self.position;
        let read = self.start.saturating_add(self.buffer.len() as u64);
        let known = self.known.get_or_insert(Known { size: size.unwrap_or(read), etag: etag.clone() });
        if known.etag != etag {
            // Not every store honours conditions.
            return Err(error("PreconditionFailed", "the object was written while it was read", Some(412)));
        }
        if self.buffer.is_empty() && self.position < known.size {
            return Err(error(
                "InvalidResponse",
                "the store sent none of the bytes that were asked for",
                None,
            ));
        }
        Ok(())
    }

    fn fetched_nothing(&mut self, refused: StoreError) -> Result<(), StoreError> {
        match &self.known {
            None if self.position == 0 => {
                self.known = Some(Known { size: 0, etag: None });
                Ok(())
            }
            // Only the size says whether this is the end or an error, and a step that is there says the size.
            None => {
                let position = std::mem::take(&mut self.position);
                let fetched = self.fetch();
                self.position = position;
                fetched
            }
            Some(_) => Err(refused),
        }
    }
}

fn error(code: &str, message: &str, http_status: Option<u16>) -> StoreError {
    StoreError { code: code.to_owned(), message: message.to_owned(), http_status, retryable: false }
}

impl BufRead for ObjectReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let is_end = self.known.as_ref().is_some_and(|known| self.position >= known.size);
        if self.ahead().is_empty() && !is_end {
            self.fetch().map_err(broken)?;
        }
        Ok(self.ahead())
    }

    fn consume(&mut self, amount: usize) {
        self.position = self.position.saturating_add(amount as u64);
    }
}

impl Read for ObjectReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl Seek for ObjectReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.size().map_err(broken)?.checked_add_signed(by),
        };
        self.position = target.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the position would be before the object's first byte",
            )
        })?;
        Ok(self.position)
    }
}
