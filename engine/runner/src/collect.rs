//! Takes results from the lanes, has them committed in batches, counts them, and passes finished chunks on.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use longshore_job::tally::Tally;
use longshore_job::{Outcome, Row, TaskResult};
use longshore_queue::{Queue, QueueError, ResultBatch};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::close::Closer;
use crate::error::RunnerError;
use crate::event::Progress;
use crate::feed::{Assignment, OpenChunk};
use crate::job::{Job, progress_of};

/// Results taken from the channel at once (count): all that one commit window holds.
const TAKE: usize = 4096;

/// Commits in flight (count); more would only wait behind the same writer.
const MAX_COMMITS: usize = 4;

/// What a lane or the loader tells the collector.
pub(crate) enum Message {
    /// A task has a result.
    Finished(Assignment, Outcome),
    /// Every result of this chunk was durable already when it was loaded; it only has to be closed.
    AllDurable(Arc<OpenChunk>),
}

/// How the collection ended.
pub(crate) struct Collected {
    /// Every task of the job has a durable result and every chunk is closed.
    pub all_done: bool,
    /// The failure threshold was exceeded; says how.
    pub threshold: Option<String>,
}

pub(crate) struct Collector {
    job: Job,
    tally: Tally,
    total: u64,
    threshold: Option<String>,
    window: Arc<Semaphore>,
    halt: CancellationToken,
    closer: Closer,
}

/// Results of one chunk that are committed together.
struct Batch {
    chunk: Arc<OpenChunk>,
    results: Vec<TaskResult>,
}

impl Collector {
    pub(crate) fn new(
        job: &Job,
        window: Arc<Semaphore>,
        halt: CancellationToken,
    ) -> Result<Self, RunnerError> {
        let progress = progress_of(&job.queue.job(&job.id)?);
        Ok(Self {
            job: job.clone(),
            tally: Tally { succeeded: progress.succeeded, failed: progress.failed },
            total: progress.total,
            threshold: None,
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
        Ok(Collected { all_done: self.tally.finished() == self.total, threshold: self.threshold })
    }

    /// Groups messages by chunk.
    async fn batches(&mut self, messages: impl Iterator<Item = Message>) -> Result<Vec<Batch>, RunnerError> {
        let mut by_chunk: BTreeMap<u32, Batch> = BTreeMap::new();
        let mut durable = Vec::new();
        for message in messages {
            match message {
                Message::AllDurable(chunk) => durable.push(chunk),
                Message::Finished(Assignment { chunk, index, .. }, outcome) => by_chunk
                    .entry(chunk.number)
                    .or_insert_with(|| Batch { chunk, results: Vec::new() })
                    .results
                    .push(TaskResult { index, outcome }),
            }
        }
        for chunk in durable {
            self.closer.close(chunk).await?;
        }
        Ok(by_chunk.into_values().collect())
    }

    /// Counts a batch that is durable now.
    async fn committed(&mut self, batch: Batch) -> Result<(), RunnerError> {
        self.window.add_permits(batch.results.len());
        let before = self.tally;
        for result in &batch.results {
            self.tally.count(&result.outcome);
        }
        longshore_measure::tasks_finished(
            self.tally.succeeded - before.succeeded,
            self.tally.failed - before.failed,
        );
        if batch.chunk.committed(&batch.results) {
            self.closer.close(batch.chunk).await?;
        }
        self.job.observe_progress(Progress {
            total: self.total,
            succeeded: self.tally.succeeded,
            failed: self.tally.failed,
        });
        if self.threshold.is_none() && self.tally.exceeds(&self.job.spec.limits.failure_threshold) {
            self.threshold = Some(self.threshold_reason());
            self.halt.cancel();
        }
        Ok(())
    }

    fn threshold_reason(&self) -> String {
        format!(
            "{} of {} tasks run so far failed, more than the {} % that limits.failure-threshold allows",
            self.tally.failed,
            self.tally.finished(),
            self.job.spec.limits.failure_threshold.percent
        )
    }
}

async fn commit(queue: Queue, job: String, batch: Batch) -> Result<Batch, QueueError> {
    let failed_rows = batch
        .results
        .iter()
        .filter(|result| matches!(result.outcome, Outcome::Failed(_)))
        .filter_map(|result| row_of(&batch.chunk, result.index))
        .collect();
    let results = batch.results.clone();
    queue.record(ResultBatch { job, chunk: batch.chunk.number, results, failed_rows }).await?;
    Ok(batch)
}

fn row_of(chunk: &OpenChunk, index: u32) -> Option<(u32, Row)> {
    let row = chunk.rows.get(usize::try_from(index).ok()?)?;
    Some((index, row.clone()))
}
