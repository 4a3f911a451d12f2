//! Closes chunks: the report rows of a finished chunk are appended and synced, then the chunk is closed in the queue.
//! One thread of its own, because all of it is file work.

use std::sync::Arc;

use longshore_job::{Outcome, Row};
use longshore_manifest::{SpoolError, SpoolReader};
use longshore_queue::{ChunkOutcomes, ChunkRecord};
use tokio::sync::mpsc;

use crate::error::{RunnerError, blocking};
use crate::feed::OpenChunk;
use crate::job::Books;
use crate::spool::ReportSpool;

/// Finished chunks that may wait to be closed (count; each holds its rows in memory).
const WAITING: usize = 8;

/// Hands finished chunks to the closing thread.
pub(crate) struct Closer {
    chunks: mpsc::Sender<Arc<OpenChunk>>,
    thread: tokio::task::JoinHandle<Result<(), RunnerError>>,
}

impl Closer {
    pub(crate) fn start(job: &Books) -> Result<Self, RunnerError> {
        let mut closing = ChunkCloser::open(job)?;
        let (chunks, mut inbox) = mpsc::channel::<Arc<OpenChunk>>(WAITING);
        let thread = tokio::task::spawn_blocking(move || {
            let mut taken = Vec::with_capacity(WAITING);
            while inbox.blocking_recv_many(&mut taken, WAITING) > 0 {
                closing.close(taken.drain(..))?;
            }
            Ok(())
        });
        Ok(Self { chunks, thread })
    }

    /// Queues a chunk whose results are all durable. Fails if the closing thread did.
    pub(crate) async fn close(&mut self, chunk: Arc<OpenChunk>) -> Result<(), RunnerError> {
        if self.chunks.send(chunk).await.is_ok() {
            return Ok(());
        }
        Err(match (&mut self.thread).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) => RunnerError::Internal("the closing thread hung up".into()),
            Err(panic) => RunnerError::Internal(panic.to_string()),
        })
    }

    /// Waits until every queued chunk is closed.
    pub(crate) async fn finish(self) -> Result<(), RunnerError> {
        drop(self.chunks);
        self.thread.await.map_err(|panic| RunnerError::Internal(panic.to_string()))?
    }
}

struct ChunkCloser {
    job: Books,
    spool: Option<ReportSpool>,
}

impl ChunkCloser {
    fn open(job: &Books) -> Result<Self, RunnerError> {
        let marks = job.queue.report_marks(&job.id)?;
        let spool = match &job.spec.report {
            Some(report) => Some(ReportSpool::open(&job.report_directory(), report.scope, &marks)?),
            None => None,
        };
        Ok(Self { job: job.clone(), spool })
    }

    /// Closes chunks with one sync for all of them.
    fn close(&mut self, chunks: impl Iterator<Item = Arc<OpenChunk>>) -> Result<(), RunnerError> {
        self.job.queue.confirm_tenure()?;
        let mut numbers = Vec::new();
        for chunk in chunks {
            self.append(chunk.number, &chunk.rows)?;
            numbers.push(chunk.number);
        }
        self.seal(&numbers)
    }

    fn append(&mut self, number: u32, rows: &[Row]) -> Result<(), RunnerError> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        let mut outcomes = self.job.queue.chunk_outcomes(&self.job.id, number)?;
        spool.append((0u32..).zip(rows).filter_map(|(index, row)| Some((row, take(&mut outcomes, index)?))))
    }

    fn seal(&mut self, numbers: &[u32]) -> Result<(), RunnerError> {
        let marks = match &mut self.spool {
            Some(spool) => spool.sync()?,
            None => self.job.queue.report_marks(&self.job.id)?,
        };
        self.job.queue.close_chunks(&self.job.id, numbers, &marks)?;
        Ok(())
    }
}

/// The outcome of the task at `index`, if it has run.
fn take(outcomes: &mut ChunkOutcomes, index: u32) -> Option<Outcome> {
    if !outcomes.done.contains(index) {
        return None;
    }
    if let Some(failure) = outcomes.failures.remove(&index) {
        return Some(Outcome::Failed(failure));
    }
    Some(outcomes.messages.remove(&index).unwrap_or(Outcome::Succeeded(None)))
}

/// Closes the chunks of a job that ends early: their finished tasks go to the report, the others never run. What is lost in the
/// spool keeps no job from its end: those chunks stay open, and the first loss is the answer.
pub(crate) async fn close_started_chunks(job: &Books) -> Result<Option<SpoolError>, RunnerError> {
    let (job, id) = (job.clone(), job.id.clone());
    let closed = blocking(move || {
        const RECORDS_PER_QUERY: usize = 64;
        let mut closing = None;
        let mut rows = StartedRows { job: &job, spool: None };
        let mut lost = None;
        let mut after = None;
        loop {
            let records = job.queue.open_chunks(&job.id, after, RECORDS_PER_QUERY)?;
            let Some(last) = records.last() else { return Ok(lost) };
            after = Some(last.number);
            for record in records.iter().filter(|record| !record.done.is_empty()) {
                match rows.of(record) {
                    Ok(rows) => {
                        let closing = match &mut closing {
                            Some(closing) => closing,
                            none => none.insert(ChunkCloser::open(&job)?),
                        };
                        closing.append(record.number, &rows)?;
                        closing.seal(&[record.number])?;
                    }
                    Err(RunnerError::Spool(error)) if error.is_loss() => lost = lost.or(Some(error)),
                    Err(error) => return Err(error),
                }
            }
        }
    });
    closed.await?.map_err(|error: RunnerError| error.of_job(&id))
}

/// How the cause of a job's end goes on where results were lost.
pub(crate) fn in_a_cause(lost: Option<SpoolError>) -> String {
    lost.map(|lost| format!("; results are missing in the report: {lost}")).unwrap_or_default()
}

/// The rows of a job that ends early, as far as its report wants them.
struct StartedRows<'a> {
    job: &'a Books,
    spool: Option<SpoolReader>,
}

impl StartedRows<'_> {
    fn of(&mut self, chunk: &ChunkRecord) -> Result<Vec<Row>, RunnerError> {
        if self.job.spec.report.is_none() {
            return Ok(Vec::new());
        }
        let spool = match self.spool.take() {
            Some(spool) => spool,
            None => self.job.spool.open()?,
        };
        Ok(self.spool.insert(spool).read(&chunk.extent())?)
    }
}
