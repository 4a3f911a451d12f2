//! How many results a second the queue makes durable.
//!
//! `cargo run --release -p longshore-queue --example results_rate -- [RESULTS] [DATA_DIRECTORY]`
//!
//! 32 chunks of 1,000 tasks are worked on at a time; their results come in batches of 250, one in a hundred of them
//! failed, and each batch is waited for before the next of its chunk. The data directory should be on the disk that
//! matters; without one, a temporary one is used.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::cast_precision_loss, reason = "a measuring tool")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use common::{batch, failed, new_chunks, succeeded};
use longshore_job::JobState;
use longshore_queue::{Access, Queue};

const CHUNK_ROWS: u32 = 1000;
const BATCH: u32 = 250;
const OPEN_CHUNKS: usize = 32;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let results: u32 = arguments.next().map_or(1_000_000, |text| text.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let directory = arguments.next().map_or(temporary.path().to_owned(), Into::into);
    let queue = Queue::open(&directory, Access::Engine).unwrap();
    let chunks = results.div_ceil(CHUNK_ROWS);
    prepare(&queue, chunks);
    let before = commits(&directory);
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(run(queue.clone(), chunks));
    let seconds = start.elapsed().as_secs_f64();
    let record = queue.job("rate").unwrap();
    let (done, commits) = (record.succeeded + record.failed, commits(&directory) - before);
    assert_eq!(done, u64::from(chunks * CHUNK_ROWS));
    println!(
        "{done} results ({} failed) durable in {seconds:.2} s: {:.0} results/s, {:.1} commits/s, {:.0} results per commit",
        record.failed,
        done as f64 / seconds,
        commits as f64 / seconds,
        done as f64 / commits as f64
    );
}

fn prepare(queue: &Queue, chunks: u32) {
    let now = common::at(0);
    queue.submit(&common::new_job("rate")).unwrap();
    queue.transition("rate", JobState::New, JobState::Preparing, "", "", now).unwrap();
    let chunks = new_chunks(&vec![CHUNK_ROWS; chunks as usize]);
    queue.put_chunks("rate", &chunks, common::total(&chunks), now).unwrap();
    queue.transition("rate", JobState::Ready, JobState::Active, "", "", now).unwrap();
}

async fn run(queue: Queue, chunks: u32) {
    let next = Arc::new(AtomicU32::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..OPEN_CHUNKS {
        let (queue, next) = (queue.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let chunk = next.fetch_add(1, Ordering::Relaxed);
                if chunk >= chunks {
                    return;
                }
                for first in (0..CHUNK_ROWS).step_by(BATCH as usize) {
                    let outcome = |index| if index % 100 == 0 { failed("NoSuchKey") } else { succeeded() };
                    let outcomes = (first..first + BATCH).map(|index| (index, outcome(index)));
                    queue.record(batch("rate", chunk, outcomes)).await.unwrap();
                }
            }
        });
    }
    tasks.join_all().await;
}

fn commits(directory: &std::path::Path) -> i64 {
    let sql = rusqlite::Connection::open(directory.join("queue.db")).unwrap();
    sql.query_row("SELECT commits FROM engine", [], |row| row.get(0)).unwrap()
}
