//! Bytes that are read while they are sent.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;

use crate::error::StoreError;

/// Chunks of a body, or why it could not be read on.
pub(crate) type Chunks = BoxStream<'static, Result<Bytes, StoreError>>;

/// The bytes of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartBody {
    /// At hand.
    Whole(Bytes),
    /// Read while they are sent, anew for each attempt.
    Streamed(PartStream),
}

impl PartBody {
    /// How many bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Whole(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Streamed(stream) => stream.size(),
        }
    }
}

impl<B: Into<Bytes>> From<B> for PartBody {
    fn from(bytes: B) -> Self {
        Self::Whole(bytes.into())
    }
}

/// Bytes that are read while they are sent. Cloning shares the place that they are read from.
#[derive(Clone)]
pub struct PartStream {
    size: u64,
    open: Arc<dyn Fn() -> Chunks + Send + Sync>,
    failure: Arc<Mutex<Option<StoreError>>>,
}

impl PartStream {
    /// So many bytes, which each call of `open` reads from the first on.
    pub(crate) fn new(size: u64, open: impl Fn() -> Chunks + Send + Sync + 'static) -> Self {
        Self { size, open: Arc::new(open), failure: Arc::default() }
    }

    /// How many bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Begins to read.
    pub(crate) fn open(&self) -> Chunks {
        self.set_failure(None);
        let stream = self.clone();
        let chunks = (self.open)();
        chunks
            .inspect(move |chunk| {
                if let Err(error) = chunk {
                    stream.set_failure(Some(error.clone()));
                }
            })
            .boxed()
    }

    /// Why the last attempt could not be read to its end: whoever sends the bytes knows only that they ended.
    pub(crate) fn failure(&self) -> Option<StoreError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_failure(&self, failure: Option<StoreError>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

impl fmt::Debug for PartStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartStream").field("size", &self.size).finish_non_exhaustive()
    }
}

impl PartialEq for PartStream {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && Arc::ptr_eq(&self.open, &other.open)
    }
}

impl Eq for PartStream {}
