//! Objects as streams: read and written in steps of a fixed size, however large they are.
//!
//! [`ObjectReader`] is a [`Read`](std::io::Read), a [`BufRead`](std::io::BufRead) and a [`Seek`](std::io::Seek), and [`ObjectWriter`] a
//! [`Write`](std::io::Write), so that decoders, parsers and `std::io::copy` work with objects as with files. This makes a copy in capitals:
//!
//! ```
//! use std::io::{BufRead as _, Write as _};
//!
//! use longshore_sdk::testing::{FakeStore, Fixture};
//! use longshore_sdk::{Failure, Object};
//!
//! fn shout(object: &Object) -> Result<(), Failure> {
//!     let target = object.open(&object.bucket(), &format!("loud/{}", object.key()), None);
//!     let mut loud = target.writer_with(|put| put.content_type("text/plain"));
//!     for line in object.reader().lines() {
//!         writeln!(loud, "{}", line?.to_uppercase())?;
//!     }
//!     loud.finish()?;
//!     Ok(())
//! }
//!
//! let store = FakeStore::new();
//! store.insert("b", "notes.txt", Fixture::of("one\ntwo\n"));
//! shout(&store.object("b", "notes.txt")).unwrap();
//! assert_eq!(store.fixture("b", "loud/notes.txt").unwrap().body, b"ONE\nTWO\n");
//! ```
//!
//! What the store refuses travels through [`io::Error`] and becomes the task's failure, with its own code, where `?` turns it
//! into a [`Failure`]. Another error of a stream, such as a broken gzip file, has the name of its
//! [`io::ErrorKind`] for a code: `InvalidData`, `UnexpectedEof`, ….

mod reader;
mod writer;

use std::{fmt, io};

pub use reader::ObjectReader;
pub use writer::ObjectWriter;

use crate::{Failure, StoreError};

/// Bytes that a reader asks for at once, and of each part that a writer sends: 8 MiB. Both together, and a copy of either on its
/// way, are half of the memory that an operation has unless its operator says otherwise, and a task's thousand requests
/// carry gigabytes.
pub const DEFAULT_STEP: usize = 8 << 20;

/// A store's error on its way through `std::io`.
#[derive(Debug)]
struct InStream(StoreError);

impl fmt::Display for InStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl std::error::Error for InStream {}

fn broken(error: StoreError) -> io::Error {
    let kind = match error.http_status {
        Some(403) => io::ErrorKind::PermissionDenied,
        Some(404) => io::ErrorKind::NotFound,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, InStream(error))
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<InStream>()) {
            Some(InStream(error)) => error.clone().into(),
            None => Self::new(format!("{:?}", error.kind()), error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
