//! A window on a source: the bytes that are being looked at, whole rows of them.

use std::io::{self, Read};

/// How many bytes are in memory at once. More than the longest row, so that one fits whole.
const WINDOW_BYTES: usize = 256 * 1024;

/// The bytes of `source` from some place on, as many as a row needs.
pub(crate) struct Window<R> {
    source: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Nothing follows what is in memory.
    pub(crate) ended: bool,
    /// Where the first byte in the window stands in the source.
    pub(crate) offset: u64,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, bytes: vec![0; WINDOW_BYTES], start: 0, end: 0, ended: false, offset: 0 }
    }

    /// What is in memory.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Moves on.
    pub(crate) fn pass(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
        self.offset = self.offset.saturating_add(bytes as u64);
    }

    /// Reads on behind what is in memory. Does nothing at the end of the source, or if the window is full.
    pub(crate) fn more(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let Some(free) = self.bytes.get_mut(self.end..).filter(|free| !free.is_empty()) else {
            return Ok(());
        };
        loop {
            match self.source.read(free) {
                Ok(read) => {
                    self.end += read;
                    self.ended = read == 0;
                    return Ok(());
                }
                // A signal that interrupts the call is no error.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What is in memory, once that is `bytes` or all that there is.
    pub(crate) fn at_least(&mut self, bytes: usize) -> io::Result<&[u8]> {
        while self.bytes().len() < bytes.min(WINDOW_BYTES) && !self.ended {
            self.more()?;
        }
        Ok(self.bytes())
    }

    /// The next byte; none at the end.
    pub(crate) fn peek(&mut self) -> io::Result<Option<u8>> {
        while self.start == self.end && !self.ended {
            self.more()?;
        }
        Ok(self.bytes().first().copied())
    }
}
