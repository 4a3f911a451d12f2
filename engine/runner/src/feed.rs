//! Hands out tasks to the lanes: across chunk boundaries, so that no lane waits for the stragglers of a chunk.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use longshore_job::{Row, TaskProgress};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use crate::supply::Place;

/// A chunk whose tasks are being run.
pub(crate) struct OpenChunk {
    /// Number of the chunk in the job, from 0.
    pub number: u32,
    /// Its rows, in manifest order.
    pub rows: Vec<Row>,
    /// The tasks to run now.
    pub pending: Vec<Pending>,
    /// Tasks of `pending` of which nothing is durable yet.
    unsettled: AtomicUsize,
    /// Tasks that are to run again later.
    waiting: AtomicUsize,
    /// Counts against the bound on open chunks, and keeps the chunk from being loaded twice, for as long as anyone holds it.
    _held: (OwnedSemaphorePermit, Place),
}

impl OpenChunk {
    /// A chunk of which `pending` is to run now and `waiting` tasks later.
    pub(crate) fn new(
        number: u32,
        rows: Vec<Row>,
        pending: Vec<Pending>,
        waiting: usize,
        held: (OwnedSemaphorePermit, Place),
    ) -> Self {
        let unsettled = AtomicUsize::new(pending.len());
        Self { number, rows, pending, unsettled, waiting: AtomicUsize::new(waiting), _held: held }
    }

    /// Counts tasks whose result is durable, and tasks of which it is durable that they run again later. True if every task
    /// of the chunk has a result now; it then has to be closed.
    pub(crate) fn settled(&self, results: usize, put_off: usize) -> bool {
        let waiting = self.waiting.fetch_add(put_off, Ordering::AcqRel) + put_off;
        let settled = results + put_off;
        self.unsettled.fetch_sub(settled, Ordering::AcqRel) == settled && waiting == 0
    }
}

/// A task that is to run now.
#[derive(Clone)]
pub(crate) struct Pending {
    /// Position of the row in the chunk.
    pub index: u32,
    /// What became of its steps so far.
    pub progress: TaskProgress,
    /// 1 for the first try of the next step.
    pub attempt: u32,
}

/// One task for a lane.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub chunk: Arc<OpenChunk>,
    pub task: Pending,
}

/// The tasks still to be handed out.
pub(crate) struct Feed {
    ready: Mutex<Ready>,
    chunks: tokio::sync::Mutex<mpsc::Receiver<Arc<OpenChunk>>>,
    halt: CancellationToken,
}

#[derive(Default)]
struct Ready {
    current: Option<(Arc<OpenChunk>, usize)>,
}

impl Ready {
    fn take(&mut self) -> Option<Assignment> {
        let (chunk, position) = self.current.as_mut()?;
        let next = chunk.pending.get(*position).cloned();
        *position += 1;
        match next {
            Some(task) => Some(Assignment { chunk: Arc::clone(chunk), task }),
            None => {
                self.current = None;
                None
            }
        }
    }
}

impl Feed {
    /// A feed over the chunks that come through `chunks`, until `halt`.
    pub(crate) fn new(chunks: mpsc::Receiver<Arc<OpenChunk>>, halt: CancellationToken) -> Arc<Self> {
        Arc::new(Self { ready: Mutex::default(), chunks: tokio::sync::Mutex::new(chunks), halt })
    }

    /// The next task; `None` when there are no more or the job is halted.
    pub(crate) async fn next(&self) -> Option<Assignment> {
        loop {
            if self.halt.is_cancelled() {
                return None;
            }
            if let Some(assignment) = self.lock().take() {
                return Some(assignment);
            }
            let more = self.halt.run_until_cancelled(self.refill()).await?;
            if !more {
                return None;
            }
        }
    }

    /// Waits for the next chunk; false when there are no more.
    async fn refill(&self) -> bool {
        let mut chunks = self.chunks.lock().await;
        if self.lock().current.is_some() {
            return true; // another lane was faster
        }
        match chunks.recv().await {
            Some(chunk) => {
                self.lock().current = Some((chunk, 0));
                true
            }
            None => false,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
