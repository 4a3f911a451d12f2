//! How long an engine takes to take hold of a full queue, and how many bytes a finished task costs in it.
//!
//! `cargo run --release -p longshore-queue --example restart_time -- [JOBS] [CHUNKS] [DATA_DIRECTORY]`
//!
//! Every job has that many chunks of 1,000 rows, all of them Active; one in ten has all of its results. By default 1,000 jobs
//! of 100,000 rows: 100 million rows.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::cast_precision_loss, reason = "a measuring tool")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::time::Instant;

use common::{batch, block_on, new_chunks, succeeded};
use longshore_job::JobState;
use longshore_queue::{Access, Queue};

const CHUNK_ROWS: u32 = 1000;

/// One job in this many has all of its results.
const FINISHED: u32 = 10;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (jobs, chunks) = (number(1_000), number(100));
    let temporary = tempfile::tempdir().unwrap();
    let directory = arguments.next().map_or(temporary.path().to_owned(), Into::into);
    let queue = Queue::open(&directory, Access::Engine).unwrap();
    for job in 0..jobs {
        prepare(&queue, &format!("job-{job:06}"), chunks);
    }
    drop(queue);
    let before = size(&directory);

    let queue = Queue::open(&directory, Access::Engine).unwrap();
    let results = finish(&queue, jobs, chunks);
    drop(queue);
    let grown = size(&directory) as f64 - before as f64;

    let start = Instant::now();
    let queue = Queue::open(&directory, Access::Engine).unwrap();
    let runnable = queue.runnable(common::at(0)).unwrap();
    let next = queue.open_chunks(&runnable.first().unwrap().id, None, 64).unwrap();
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    let rows = u64::from(jobs) * u64::from(chunks) * u64::from(CHUNK_ROWS);
    println!(
        "{} jobs, {rows} rows: open, list what is to run, and the first {} chunks in {milliseconds:.1} ms",
        runnable.len(),
        next.len()
    );
    println!(
        "queue.db: {:.3} bytes a row; {results} finished tasks cost {:.3} bytes each beyond that",
        before as f64 / rows as f64,
        grown / results as f64
    );
}

fn prepare(queue: &Queue, id: &str, chunks: u32) {
    let now = common::at(0);
    queue.submit(&common::new_job(id)).unwrap();
    queue.transition(id, JobState::New, JobState::Preparing, "", "", now).unwrap();
    let chunks = new_chunks(&vec![CHUNK_ROWS; chunks as usize]);
    queue.put_chunks(id, &chunks, common::total(&chunks), now).unwrap();
    queue.transition(id, JobState::Ready, JobState::Active, "", "", now).unwrap();
}

/// Records all results of some jobs; how many.
fn finish(queue: &Queue, jobs: u32, chunks: u32) -> u64 {
    let mut results = 0;
    for job in (0..jobs).step_by(FINISHED as usize) {
        let id = format!("job-{job:06}");
        block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for chunk in 0..chunks {
                let outcomes = (0..CHUNK_ROWS).map(|index| (index, succeeded()));
                let (queue, batch) = (queue.clone(), batch(&id, chunk, outcomes));
                tasks.spawn(async move { queue.record(batch).await.unwrap() });
            }
            tasks.join_all().await;
        });
        results += u64::from(chunks) * u64::from(CHUNK_ROWS);
    }
    results
}

fn size(directory: &Path) -> u64 {
    std::fs::metadata(directory.join("queue.db")).unwrap().len()
}
