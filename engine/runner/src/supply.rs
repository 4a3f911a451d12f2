//! Brings chunks into memory for the lanes: those with tasks that have not run yet, in order, and those with tasks that
//! asked to run again, once they are due.
//!
//! A task that waits is in the queue's database only. Its chunk stays open, but out of memory, until the task is due: so a
//! million tasks may wait for hours. A chunk is in memory once at a time; tasks that become due meanwhile run when it has
//! left and comes back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use longshore_job::TaskProgress;
use longshore_manifest::SpoolReader;
use longshore_queue::WaitingTask;
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::collect::Message;
use crate::error::{RunnerError, blocking};
use crate::feed::{OpenChunk, Pending};
use crate::job::Job;

/// Numbers of chunks that are read from the queue at once (count).
const NUMBERS_PER_QUERY: usize = 64;

/// Longest time without a look at the clock, which may be set.
const LOOK: Duration = Duration::from_secs(30);

/// A job none of whose tasks is due for longer than this leaves its lanes: others may have them.
const WORTH_LEAVING: Duration = Duration::from_secs(5);

/// The chunks that are in memory.
#[derive(Default)]
pub(crate) struct Loaded {
    numbers: Mutex<BTreeSet<u32>>,
    changed: Notify,
}

/// One chunk in memory. It has left once this is dropped.
pub(crate) struct Place {
    loaded: Arc<Loaded>,
    number: u32,
}

impl Loaded {
    /// A place for the chunk, unless it has one.
    fn enter(self: &Arc<Self>, number: u32) -> Option<Place> {
        let entered = self.numbers.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
        entered.then(|| Place { loaded: Arc::clone(self), number })
    }

    fn numbers(&self) -> Vec<u32> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.loaded.numbers.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        self.loaded.changed.notify_one();
    }
}

/// Loads chunks until there are no more to come.
pub(crate) struct Supply {
    job: Job,
    spool: Arc<SpoolReader>,
    slots: Arc<Semaphore>,
    loaded: Arc<Loaded>,
    chunks: mpsc::Sender<Arc<OpenChunk>>,
    messages: mpsc::Sender<Message>,
    /// Numbers of chunks whose turn has not come.
    fresh: VecDeque<u32>,
    after: Option<u32>,
    all_seen: bool,
}

/// What is next.
enum Next {
    /// This chunk has tasks to run, or may be closed.
    Chunk(u32),
    /// Nothing before this moment, unless a chunk leaves.
    Later(Duration),
    /// Nothing any more, or not for long.
    Nothing,
}

impl Supply {
    /// At most `open_chunks` chunks are in memory at once.
    pub(crate) async fn new(
        job: Job,
        open_chunks: usize,
        chunks: mpsc::Sender<Arc<OpenChunk>>,
        messages: mpsc::Sender<Message>,
    ) -> Result<Self, RunnerError> {
        let spool = job.spool.clone();
        let spool = Arc::new(blocking(move || spool.open()).await??);
        Ok(Self {
            job,
            spool,
            slots: Arc::new(Semaphore::new(open_chunks)),
            loaded: Arc::default(),
            chunks,
            messages,
            fresh: VecDeque::new(),
            after: None,
            all_seen: false,
        })
    }

    /// Ends when every task has run or waits for long.
    pub(crate) async fn run(mut self) -> Result<(), RunnerError> {
        loop {
            match self.next().await? {
                Next::Chunk(number) => {
                    if !self.load(number).await? {
                        return Ok(()); // nobody takes chunks any more
                    }
                }
                Next::Later(time) => {
                    let loaded = Arc::clone(&self.loaded);
                    tokio::select! {
                        () = loaded.changed.notified() => {}
                        () = tokio::time::sleep(time.min(LOOK)) => {}
                    }
                }
                Next::Nothing => return Ok(()),
            }
        }
    }

    async fn next(&mut self) -> Result<Next, RunnerError> {
        let loaded = self.loaded.numbers();
        let idle = loaded.is_empty();
        let (queue, id) = (self.job.queue.clone(), self.job.id.clone());
        let waiting = blocking(move || queue.next_waiting(&id, &loaded)).await??;
        let now = Timestamp::now();
        if let Some((chunk, _)) = waiting.filter(|(_, due)| *due <= now) {
            return Ok(Next::Chunk(chunk));
        }
        if let Some(number) = self.fresh().await? {
            return Ok(Next::Chunk(number));
        }
        let left = waiting.map(|(_, due)| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        Ok(match left {
            Some(left) if !idle || left <= WORTH_LEAVING => Next::Later(left),
            None if !idle => Next::Later(LOOK),
            _ => Next::Nothing,
        })
    }

    /// The next chunk in order.
    async fn fresh(&mut self) -> Result<Option<u32>, RunnerError> {
        if self.fresh.is_empty() && !self.all_seen {
            let (queue, id, after) = (self.job.queue.clone(), self.job.id.clone(), self.after);
            let records = blocking(move || queue.open_chunks(&id, after, NUMBERS_PER_QUERY)).await??;
            self.fresh.extend(records.iter().map(|record| record.number));
            self.after = self.fresh.back().copied().or(self.after);
            self.all_seen = records.is_empty();
        }
        Ok(self.fresh.pop_front())
    }

    /// Loads a chunk and hands it on, if it has anything to do now. False if nobody takes it.
    async fn load(&mut self, number: u32) -> Result<bool, RunnerError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.map_err(|error| RunnerError::Internal(error.to_string()))?;
        // One that is in memory has all its tasks that could run when it was loaded.
        let Some(place) = self.loaded.enter(number) else { return Ok(true) };
        let (queue, id, spool) = (self.job.queue.clone(), self.job.id.clone(), Arc::clone(&self.spool));
        let chunk = blocking(move || {
            let Some((record, waiting)) = queue.open_chunk(&id, number)? else { return Ok(None) };
            let now = Timestamp::now();
            let mut waiting: BTreeMap<_, _> = waiting.into_iter().map(|task| (task.index, task)).collect();
            let later = waiting.values().filter(|task| task.due_at > now).count();
            let undone = (0..record.rows).filter(|index| !record.done.contains(*index));
            let pending: Vec<_> = undone
                .filter_map(|index| match waiting.remove(&index) {
                    Some(task) if task.due_at > now => None,
                    Some(WaitingTask { progress, attempt, .. }) => Some(Pending { index, progress, attempt }),
                    None => Some(Pending { index, progress: TaskProgress::default(), attempt: 1 }),
                })
                .collect();
            if pending.is_empty() && later > 0 {
                return Ok(None);
            }
            let rows = spool.read(&record.extent())?;
            Ok::<_, RunnerError>(Some(Arc::new(OpenChunk::new(number, rows, pending, later, (slot, place)))))
        })
        .await??;
        let Some(chunk) = chunk else { return Ok(true) };
        Ok(if chunk.pending.is_empty() {
            self.messages.send(Message::AllDurable(chunk)).await.is_ok()
        } else {
            self.chunks.send(chunk).await.is_ok()
        })
    }
}
