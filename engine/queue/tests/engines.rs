//! Several processes on one data directory, and processes that end without a word.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use std::fs;
use std::path::Path;

use common::{Fixture, at, batch, block_on, failed, new_job, succeeded};
use longshore_job::{JobState, Outcome};
use longshore_queue::{Access, Queue, QueueError, ReportMarks};
use proptest::prelude::*;

/// The message, with what differs between runs taken out.
fn message(error: &QueueError, directory: &Path) -> String {
    let text = error.to_string().replace(&directory.display().to_string(), "DATA");
    text.replace(&format!("process {}", std::process::id()), "process PID")
}

fn open(path: &Path, access: Access) -> Result<Queue, QueueError> {
    Queue::open(path, access)
}

#[test]
fn a_second_engine_is_refused_until_the_first_ends() {
    let fixture = Fixture::engine();
    let error = open(fixture.path(), Access::Engine).unwrap_err();
    assert!(matches!(error, QueueError::Busy { pid: Some(pid), .. } if pid == std::process::id()));
    insta::assert_snapshot!(message(&error, fixture.path()));
    let clone = fixture.queue.clone();
    let Fixture { queue, directory } = fixture;
    drop(queue);
    assert!(matches!(open(directory.path(), Access::Engine), Err(QueueError::Busy { .. })));
    drop(clone);
    open(directory.path(), Access::Engine).unwrap();
}

#[test]
fn an_engine_that_lost_its_lock_cannot_write() {
    let stale = Fixture::engine();
    stale.active("job-1", &[2]);
    stale.record(batch("job-1", 0, [(0, succeeded())])).unwrap();
    fs::remove_file(stale.path().join("engine.lock")).unwrap();
    let engine = open(stale.path(), Access::Engine).unwrap();
    let refusals = [
        stale.record(batch("job-1", 0, [(1, succeeded())])).unwrap_err(),
        stale.queue.submit(&new_job("job-2")).unwrap_err(),
        stale.queue.close_chunks("job-1", &[0], &ReportMarks::default()).unwrap_err(),
    ];
    assert!(refusals.iter().all(|refusal| matches!(refusal, QueueError::Fenced { .. })), "{refusals:?}");
    insta::assert_snapshot!(message(&refusals[0], stale.path()));
    block_on(engine.record(batch("job-1", 0, [(1, failed("NoSuchKey"))]))).unwrap();
    let record = stale.queue.job("job-1").unwrap();
    assert_eq!((record.succeeded, record.failed), (1, 1), "it may still read");
}

#[test]
fn clients_submit_and_cancel_while_the_engine_writes() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[1000, 1000]);
    let client = fixture.client();
    let clients = std::thread::spawn(move || {
        for number in 0..20 {
            client.submit(&new_job(&format!("more-{number}"))).unwrap();
        }
        client.request_cancel("job-1", "enough", at(3)).unwrap()
    });
    for index in 0..20 {
        for chunk in 0..2 {
            let outcome = if index % 2 == 0 { succeeded() } else { failed("NoSuchKey") };
            fixture.record(batch("job-1", chunk, [(index, outcome)])).unwrap();
        }
    }
    assert_eq!(clients.join().unwrap(), JobState::Cancelling);
    let done = fixture.queue.transition("job-1", JobState::Active, JobState::Completing, "", "engine", at(4));
    assert!(matches!(done, Err(QueueError::State { found: JobState::Cancelling, .. })));
    let record = fixture.queue.job("job-1").unwrap();
    assert_eq!((record.succeeded, record.failed), (20, 20));
    assert_eq!(fixture.queue.jobs().unwrap().len(), 21);
}

/// All of them find the directory empty and want to make the database. Several rounds, because a round in which they
/// come one after another shows nothing.
#[test]
fn many_processes_may_make_the_queue_at_once() {
    const PROCESSES: usize = 8;
    for _ in 0..25 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        let start = std::sync::Barrier::new(PROCESSES);
        std::thread::scope(|scope| {
            for number in 0..PROCESSES {
                let (path, start) = (&path, &start);
                scope.spawn(move || {
                    start.wait();
                    let access = if number == 0 { Access::Engine } else { Access::Client };
                    open(path, access).unwrap().submit(&new_job(&format!("job-{number}"))).unwrap();
                });
            }
        });
        assert_eq!(open(&path, Access::Client).unwrap().jobs().unwrap().len(), PROCESSES);
        let mut left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["engine.lock", "queue.db"], "nothing of the others' attempts is left");
    }
}

#[cfg(unix)]
#[test]
fn the_data_directory_is_for_its_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    open(&path, Access::Client).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_cannot_be_opened_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let said = |path: &Path| message(&open(path, Access::Engine).unwrap_err(), directory.path());
    let mut report = Vec::new();

    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    report.push(said(&file.join("data")));

    let taken = directory.path().join("taken");
    fs::create_dir_all(taken.join("queue.db")).unwrap();
    report.push(said(&taken));

    let foreign = directory.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    let sql = rusqlite::Connection::open(foreign.join("queue.db")).unwrap();
    sql.execute_batch("CREATE TABLE job_records (id)").unwrap();
    report.push(said(&foreign));

    let newer = directory.path().join("newer");
    drop(open(&newer, Access::Client).unwrap());
    let sql = rusqlite::Connection::open(newer.join("queue.db")).unwrap();
    sql.pragma_update(None, "user_version", 2).unwrap();
    report.push(said(&newer));

    let garbage = directory.path().join("garbage");
    fs::create_dir(&garbage).unwrap();
    fs::write(garbage.join("queue.db"), "bucket,key\n".repeat(100)).unwrap();
    report.push(said(&garbage));

    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn a_value_that_longshore_did_not_write_is_named() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[9]);
    fixture.sql().execute("UPDATE chunks SET done = x'ffff'", []).unwrap();
    insta::assert_snapshot!(message(
        &fixture.queue.open_chunks("job-1", None, 9).unwrap_err(),
        fixture.path()
    ));
    fixture.sql().execute("UPDATE job_records SET created_at = 'yesterday'", []).unwrap();
    insta::assert_snapshot!(message(&fixture.queue.jobs().unwrap_err(), fixture.path()));
}

#[test]
fn the_database_refuses_what_cannot_be() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[9]);
    for sql in [
        "UPDATE job_records SET state = 'Resting'",
        "UPDATE job_records SET state = 'Complete'",
        "UPDATE job_records SET succeeded = 10",
        "UPDATE job_records SET failure_code = 'X'",
        "UPDATE job_records SET total_tasks = 'many'",
        "UPDATE chunks SET done = x'ff'",
        "INSERT INTO engine VALUES (2, 0, 0)",
    ] {
        assert!(fixture.sql().execute(sql, []).is_err(), "{sql}");
    }
}

/// Copies the database as a killed process would leave it: without a last checkpoint, with the write-ahead log as long
/// as it had come to be on the disk.
fn crash(from: &Path, to: &Path, wal_bytes: impl Fn(u64) -> u64) {
    fs::copy(from.join("queue.db"), to.join("queue.db")).unwrap();
    let wal = fs::read(from.join("queue.db-wal")).unwrap();
    let bytes = usize::try_from(wal_bytes(wal.len() as u64)).unwrap();
    fs::write(to.join("queue.db-wal"), &wal[..bytes]).unwrap();
}

#[test]
fn what_was_acknowledged_survives_a_crash() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[100, 100]);
    for index in 0..5 {
        let outcomes = [(index, succeeded()), (50 + index, failed("NoSuchKey"))];
        fixture.record(batch("job-1", 0, outcomes)).unwrap();
        let copy = tempfile::tempdir().unwrap();
        crash(fixture.path(), copy.path(), |bytes| bytes);
        let queue = open(copy.path(), Access::Engine).unwrap();
        assert_eq!(queue.job("job-1").unwrap(), fixture.queue.job("job-1").unwrap());
        assert_eq!(
            queue.chunk_outcomes("job-1", 0).unwrap(),
            fixture.queue.chunk_outcomes("job-1", 0).unwrap()
        );
        assert_eq!(queue.failures("job-1", None, 999).unwrap().len(), 1 + index as usize);
    }
}

/// The counters, the bitmaps and the failures of every job say the same.
fn assert_consistent(queue: &Queue) -> u64 {
    let mut finished = 0;
    for job in queue.jobs().unwrap() {
        let chunks = queue.open_chunks(&job.id, None, usize::MAX).unwrap();
        let done: u64 = chunks.iter().map(|chunk| u64::from(chunk.done.count())).sum();
        assert_eq!(done, job.succeeded + job.failed);
        assert_eq!(queue.failures(&job.id, None, usize::MAX).unwrap().len() as u64, job.failed);
        let codes: u64 = queue.failure_codes(&job.id).unwrap().iter().map(|(_, count)| count).sum();
        assert_eq!(codes, job.failed);
        finished += done;
    }
    finished
}

#[test]
fn a_crash_in_the_middle_of_a_write_leaves_a_whole_queue() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[100, 100]);
    for index in 0..10 {
        let message = Outcome::Succeeded(Some("said".into()));
        let outcomes = [(index, message), (50 + index, failed("NoSuchKey"))];
        fixture.record(batch("job-1", index % 2, outcomes)).unwrap();
    }
    let config = ProptestConfig::with_cases(40);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&(0.0..1.0), |part: f64| {
            let copy = tempfile::tempdir().unwrap();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            crash(fixture.path(), copy.path(), |bytes| (bytes as f64 * part) as u64);
            match open(copy.path(), Access::Engine) {
                Ok(queue) => prop_assert!(assert_consistent(&queue) <= 20),
                Err(error) => prop_assert!(false, "{error}"),
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(assert_consistent(&fixture.queue), 20);
}

#[test]
fn what_is_handed_in_before_the_end_is_recorded() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[100]);
    // Asked once and then forgotten: the batch is with the writer, nobody waits for it.
    let mut recording = Box::pin(fixture.queue.record(batch("job-1", 0, [(7, succeeded())])));
    let waker = std::task::Waker::noop();
    let first = recording.as_mut().poll(&mut std::task::Context::from_waker(waker));
    assert!(first.is_pending() || matches!(first, std::task::Poll::Ready(Ok(()))));
    drop(recording);
    let fixture = fixture.reopen();
    assert!(fixture.queue.chunk_outcomes("job-1", 0).unwrap().done.contains(7));
}
