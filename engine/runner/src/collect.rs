//! Takes results from the lanes, has them committed in batches, counts them, and passes finished chunks on.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use longshore_job::{Outcome, Row, Stop, Stopping, Tally, TaskResult};
use longshore_queue::{Queue, ResultBatch, WaitingTask};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::close::Closer;
use crate::error::{RunnerError, blocking};
use crate::event::Progress;
use crate::feed::{Assignment, OpenChunk};
use crate::job::{Job, progress_of};

/// Results taken from the channel at once (count): all that one commit window holds.
const TAKE: usize = 4096;

/// Commits in flight (count); more would only wait behind the same writer.
const MAX_COMMITS: usize = 4;

/// What a lane or the loader tells the collector.
pub(crate) enum Message {
    /// A task has a result; so much fuel it took.
    Finished(Assignment, Outcome, u64),
    /// A task is to run again later; so much fuel it took.
    PutOff(Arc<OpenChunk>, WaitingTask, u64),
    /// Every result of this chunk was durable already when it was loaded; it only has to be closed.
    AllDurable(Arc<OpenChunk>),
}

/// How the collection ended.
pub(crate) struct Collected {
    /// Every task of the job has a durable result and every chunk is closed.
    pub all_done: bool,
    /// The rule by which the job gives up, if one was met.
    pub stop: Option<Stop>,
}

pub(crate) struct Collector {
    job: Job,
    stopping: Stopping,
    total: u64,
    window: Arc<Semaphore>,
    halt: CancellationToken,
    closer: Closer,
}

/// What is committed together of one chunk.
struct Batch {
    chunk: Arc<OpenChunk>,
    results: Vec<TaskResult>,
    put_off: Vec<WaitingTask>,
    fuel: u64,
}

impl Batch {
    fn of(chunk: Arc<OpenChunk>) -> Self {
        Self { chunk, results: Vec::new(), put_off: Vec::new(), fuel: 0 }
    }
}

impl Collector {
    pub(crate) fn new(
        job: &Job,
        window: Arc<Semaphore>,
        halt: CancellationToken,
    ) -> Result<Self, RunnerError> {
        let progress = progress_of(&job.queue.job(&job.id)?);
        let tally = Tally { succeeded: progress.succeeded, failed: progress.failed };
        let codes = job.queue.failure_codes(&job.id)?;
        let stopping = Stopping::new(&job.spec.limits, tally, &codes);
        if stopping.reached().is_some() {
            halt.cancel(); // the engine ended before it could say so
        }
        Ok(Self {
            job: job.clone(),
            stopping,
            total: progress.total,
            window,
            halt,
            closer: Closer::start(job)?,
        })
    }

    /// Works until every lane has hung up and everything is durable.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Message>) -> Result<Collected, RunnerError> {
        let mut commits = FuturesUnordered::new();
        let mut taken = Vec::with_capacity(TAKE);
        let mut open = true;
        while open || !commits.is_empty() {
            tokio::select! {
                count = inbox.recv_many(&mut taken, TAKE), if open && commits.len() < MAX_COMMITS => {
                    open = count > 0;
                    for batch in self.batches(taken.drain(..)).await? {
                        commits.push(commit(self.job.queue.clone(), self.job.id.clone(), batch));
                    }
                }
                Some(committed) = commits.next() => self.committed(committed?).await?,
            }
        }
        self.closer.finish().await?;
        let all_done = self.stopping.tally().finished() == self.total;
        Ok(Collected { all_done, stop: self.stopping.reached().cloned() })
    }

    /// Groups messages by chunk.
    async fn batches(&mut self, messages: impl Iterator<Item = Message>) -> Result<Vec<Batch>, RunnerError> {
        let mut by_chunk: BTreeMap<u32, Batch> = BTreeMap::new();
        let mut durable = Vec::new();
        for message in messages {
            match message {
                Message::AllDurable(chunk) => durable.push(chunk),
                Message::Finished(Assignment { chunk, task }, outcome, fuel) => {
                    let batch = by_chunk.entry(chunk.number).or_insert_with(|| Batch::of(chunk));
                    batch.fuel = batch.fuel.saturating_add(fuel);
                    batch.results.push(TaskResult { index: task.index, outcome });
                }
                Message::PutOff(chunk, task, fuel) => {
                    let batch = by_chunk.entry(chunk.number).or_insert_with(|| Batch::of(chunk));
                    batch.fuel = batch.fuel.saturating_add(fuel);
                    batch.put_off.push(task);
                }
            }
        }
        for chunk in durable {
            self.closer.close(chunk).await?;
        }
        Ok(by_chunk.into_values().collect())
    }

    /// Counts a batch that is durable now.
    async fn committed(&mut self, batch: Batch) -> Result<(), RunnerError> {
        let (results, put_off) = (batch.results.len(), batch.put_off.len());
        self.window.add_permits(results + put_off);
        let before = self.stopping.tally();
        for result in &batch.results {
            self.stopping.count(&result.outcome);
        }
        let after = self.stopping.tally();
        longshore_measure::tasks_finished(after.succeeded - before.succeeded, after.failed - before.failed);
        if batch.chunk.settled(results, put_off) {
            self.closer.close(batch.chunk).await?;
        }
        let Tally { succeeded, failed } = self.stopping.tally();
        self.job.observe_progress(Progress { total: self.total, succeeded, failed });
        if self.stopping.reached().is_some() {
            self.halt.cancel();
        }
        Ok(())
    }
}

async fn commit(queue: Queue, job: String, batch: Batch) -> Result<Batch, RunnerError> {
    if !batch.put_off.is_empty() {
        let (queue, job, number) = (queue.clone(), job.clone(), batch.chunk.number);
        let tasks = batch.put_off.clone();
        blocking(move || queue.put_off(&job, number, tasks)).await??;
    }
    if batch.results.is_empty() && batch.fuel == 0 {
        return Ok(batch);
    }
    let failed_rows = batch
        .results
        .iter()
        .filter(|result| matches!(result.outcome, Outcome::Failed(_)))
        .filter_map(|result| row_of(&batch.chunk, result.index))
        .collect();
    let (results, fuel) = (batch.results.clone(), batch.fuel);
    queue.record(ResultBatch { job, chunk: batch.chunk.number, results, failed_rows, fuel }).await?;
    Ok(batch)
}

fn row_of(chunk: &OpenChunk, index: u32) -> Option<(u32, Row)> {
    let row = chunk.rows.get(usize::try_from(index).ok()?)?;
    Some((index, row.clone()))
}
