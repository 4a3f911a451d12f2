//! The engine's writer thread: many batches of results, one commit.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::QueueError;
use crate::record::ResultBatch;
use crate::results;
use crate::writer::Writer;

/// Shortest time between two commits of results, in which batches gather; one that comes after a pause does not wait.
/// What `kill -9` can cost, in tasks to repeat beyond those in flight, is the results of one such time.
const WINDOW: Duration = Duration::from_millis(20);

/// Results at which a group is committed before its window ends (count), so that one transaction stays short.
const GROUP_RESULTS: usize = 50_000;

/// Batches that may wait for the writer (count). Whoever brings more waits, so that memory stays bounded.
const WAITING_BATCHES: usize = 1024;

const RECORD: &str = "record results";

/// The handle to the writer thread. Dropping it waits until everything handed in is done.
pub(crate) struct WriterThread {
    /// Present until the drop.
    inbox: Option<Sender<Command>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

enum Command {
    Record(Pending),
    Write(Write),
}

/// Some other transaction, with its own way of answering.
type Write = Box<dyn FnOnce(&mut Writer) + Send>;

struct Pending {
    batch: ResultBatch,
    answer: oneshot::Sender<Result<(), QueueError>>,
    _room: OwnedSemaphorePermit,
}

impl WriterThread {
    pub(crate) fn start(writer: Writer) -> Result<Self, std::io::Error> {
        let (sender, inbox) = mpsc::channel();
        let thread =
            std::thread::Builder::new().name("queue-writer".into()).spawn(move || run(writer, &inbox))?;
        let room = Arc::new(Semaphore::new(WAITING_BATCHES));
        Ok(Self { inbox: Some(sender), room, thread: Some(thread) })
    }

    /// Hands in results; done once they are durable. If the caller goes away meanwhile, they are recorded all the same.
    pub(crate) async fn record(&self, batch: ResultBatch) -> Result<(), QueueError> {
        let stopped = || QueueError::Stopped { doing: RECORD };
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| stopped())?;
        let (answer, answered) = oneshot::channel();
        self.send(Command::Record(Pending { batch, answer, _room: room })).map_err(|()| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Runs `write` on the writer thread and waits for its answer.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        write: impl FnOnce(&mut Writer) -> Result<T, QueueError> + Send + 'static,
    ) -> Result<T, QueueError> {
        let (answer, answered) = mpsc::channel();
        let write: Write = Box::new(move |writer| {
            // A caller that is gone needs no answer.
            let _ = answer.send(write(writer));
        });
        self.send(Command::Write(write)).map_err(|()| QueueError::Stopped { doing })?;
        answered.recv().map_err(|_| QueueError::Stopped { doing })?
    }

    fn send(&self, command: Command) -> Result<(), ()> {
        self.inbox.as_ref().and_then(|inbox| inbox.send(command).ok()).ok_or(())
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.inbox = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the queue's writer thread panicked");
        }
    }
}

fn run(mut writer: Writer, inbox: &Receiver<Command>) {
    let mut next_commit = Instant::now();
    while let Ok(first) = inbox.recv() {
        let (group, write) = gather(first, inbox, next_commit);
        if !group.is_empty() {
            next_commit = Instant::now() + WINDOW;
            commit(&mut writer, group);
        }
        if let Some(write) = write {
            write(&mut writer);
        }
    }
}

/// The batches that are waiting and those that come before `deadline`. Another transaction ends the group at once and
/// comes after it, in its own commit.
fn gather(first: Command, inbox: &Receiver<Command>, deadline: Instant) -> (Vec<Pending>, Option<Write>) {
    let (mut group, mut results) = (Vec::new(), 0);
    let mut next = Some(first);
    while let Some(command) = next {
        match command {
            Command::Write(write) => return (group, Some(write)),
            Command::Record(pending) => {
                results += pending.batch.results.len();
                group.push(pending);
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        next = if results < GROUP_RESULTS { inbox.recv_timeout(left).ok() } else { None };
    }
    (group, None)
}

fn commit(writer: &mut Writer, group: Vec<Pending>) {
    let (batches, answers): (Vec<_>, Vec<_>) =
        group.into_iter().map(|pending| (pending.batch, (pending.answer, pending._room))).unzip();
    let committed = writer.transact(RECORD, |connection| results::record(connection, &batches));
    let outcomes = match committed {
        Ok(outcomes) => outcomes,
        Err(error) => vec![Err(error); batches.len()],
    };
    for ((answer, _room), outcome) in answers.into_iter().zip(outcomes) {
        // A caller that is gone needs no answer.
        let _ = answer.send(outcome);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use longshore_job::{Outcome, TaskResult};

    use super::*;

    fn batch(results: u32) -> (Command, oneshot::Receiver<Result<(), QueueError>>) {
        let result = |index| TaskResult { index, outcome: Outcome::Succeeded(None) };
        let results = (0..results).map(result).collect();
        let batch =
            ResultBatch { job: "job".into(), chunk: 0, results, failed_rows: BTreeMap::new(), fuel: 0 };
        let (answer, answered) = oneshot::channel();
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        (Command::Record(Pending { batch, answer, _room: room }), answered)
    }

    fn gathered(commands: Vec<Command>) -> (usize, bool, usize) {
        let (sender, inbox) = mpsc::channel();
        for command in commands {
            sender.send(command).ok().unwrap();
        }
        let (group, write) = gather(inbox.recv().unwrap(), &inbox, Instant::now());
        (group.len(), write.is_some(), inbox.try_iter().count())
    }

    #[test]
    fn what_is_waiting_goes_into_one_commit() {
        assert_eq!(gathered((0..100).map(|_| batch(10).0).collect()), (100, false, 0));
    }

    #[test]
    fn another_write_ends_the_group() {
        let write = || Command::Write(Box::new(|_| ()));
        assert_eq!(gathered(vec![batch(1).0, batch(1).0, write(), batch(1).0]), (2, true, 1));
        assert_eq!(gathered(vec![write(), batch(1).0]), (0, true, 1));
    }

    #[test]
    fn a_group_is_bounded() {
        let half = u32::try_from(GROUP_RESULTS / 2).unwrap();
        assert_eq!(gathered(vec![batch(half).0, batch(half).0, batch(1).0]), (2, false, 1));
    }
}
