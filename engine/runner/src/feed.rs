//! Hands out tasks to the lanes: across chunk boundaries, so that no lane waits for the stragglers of a chunk, and
//! with the tasks that asked to run again later.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_job::{Row, TaskResult};
use longshore_queue::ChunkRecord;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

/// A chunk whose tasks are being run.
pub(crate) struct OpenChunk {
    /// Number of the chunk in the job, from 0.
    pub number: u32,
    /// Its rows, in manifest order.
    pub rows: Vec<Row>,
    /// Positions of the rows that have no result yet, as of loading.
    pub pending: Vec<u32>,
    uncommitted: AtomicU32,
    /// Counts against the bound on open chunks for as long as anyone holds the chunk.
    _slot: OwnedSemaphorePermit,
}

impl OpenChunk {
    pub(crate) fn new(record: &ChunkRecord, rows: Vec<Row>, slot: OwnedSemaphorePermit) -> Self {
        let pending: Vec<u32> = (0..record.rows).filter(|index| !record.done.contains(*index)).collect();
        let uncommitted = AtomicU32::new(u32::try_from(pending.len()).unwrap_or(u32::MAX));
        Self { number: record.number, rows, pending, uncommitted, _slot: slot }
    }

    /// Counts `results` as durable; true once that was the last.
    pub(crate) fn committed(&self, results: &[TaskResult]) -> bool {
        let count = u32::try_from(results.len()).unwrap_or(u32::MAX);
        self.uncommitted.fetch_sub(count, Ordering::AcqRel) == count
    }
}

/// One task for a lane.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub chunk: Arc<OpenChunk>,
    /// Position of the row in the chunk.
    pub index: u32,
    /// 1 for the first try.
    pub attempt: u32,
}

/// The tasks still to be handed out.
pub(crate) struct Feed {
    ready: Mutex<Ready>,
    chunks: tokio::sync::Mutex<mpsc::Receiver<Arc<OpenChunk>>>,
    changed: Notify,
    halt: CancellationToken,
}

#[derive(Default)]
struct Ready {
    current: Option<(Arc<OpenChunk>, usize)>,
    again: VecDeque<Assignment>,
    waiting: usize,
}

impl Ready {
    /// Whether nothing is left once no more chunks come. Tasks to run again are waiting or due, never neither.
    fn is_used_up(&self) -> bool {
        self.waiting == 0 && self.again.is_empty()
    }

    fn take(&mut self) -> Option<Assignment> {
        if let Some(assignment) = self.again.pop_front() {
            return Some(assignment);
        }
        let (chunk, position) = self.current.as_mut()?;
        let next = chunk.pending.get(*position).copied();
        *position += 1;
        match next {
            Some(index) => Some(Assignment { chunk: Arc::clone(chunk), index, attempt: 1 }),
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
        Arc::new(Self {
            ready: Mutex::default(),
            chunks: tokio::sync::Mutex::new(chunks),
            changed: Notify::new(),
            halt,
        })
    }

    /// The next task; `None` when there are no more or the job is halted.
    pub(crate) async fn next(&self) -> Option<Assignment> {
        loop {
            if self.halt.is_cancelled() {
                return None;
            }
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(assignment) = self.lock().take() {
                return Some(assignment);
            }
            let exhausted = tokio::select! {
                biased;
                () = self.halt.cancelled() => return None,
                () = changed.as_mut() => continue,
                more = self.refill() => !more,
            };
            if exhausted {
                if self.lock().is_used_up() {
                    return None;
                }
                tokio::select! {
                    () = self.halt.cancelled() => return None,
                    () = changed => {}
                }
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

    /// Hands `assignment` out again after `delay`, without holding a lane.
    pub(crate) fn again_after(self: &Arc<Self>, mut assignment: Assignment, delay: Duration) {
        assignment.attempt = assignment.attempt.saturating_add(1);
        self.lock().waiting += 1;
        let feed = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = feed.halt.cancelled() => return,
                () = tokio::time::sleep(delay) => {}
            }
            {
                let mut ready = feed.lock();
                ready.waiting -= 1;
                ready.again.push_back(assignment);
            }
            feed.changed.notify_waiters();
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
