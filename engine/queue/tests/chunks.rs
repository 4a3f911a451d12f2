//! Chunks and results: what is recorded counts once and is there for the report.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use std::collections::BTreeMap;

use common::{Fixture, at, batch, failed, new_chunks, row, succeeded};
use longshore_job::{JobState, Outcome};
use longshore_queue::{FileMark, QueueError, ReportMarks};

fn marks(bytes: u64) -> ReportMarks {
    ReportMarks { succeeded: FileMark { part: 1, bytes }, failed: FileMark { part: 0, bytes: bytes / 2 } }
}

fn counters(fixture: &Fixture, id: &str) -> (u64, u64) {
    let record = fixture.queue.job(id).unwrap();
    (record.succeeded, record.failed)
}

#[test]
fn chunks_are_stored_and_read_page_by_page() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[1000, 1000, 7]);
    let record = fixture.queue.job("job-1").unwrap();
    assert_eq!((record.total_tasks, record.state), (Some(2007), JobState::Active));
    let first = fixture.queue.open_chunks("job-1", None, 2).unwrap();
    let rest = fixture.queue.open_chunks("job-1", Some(first[1].number), usize::MAX).unwrap();
    let expected = new_chunks(&[1000, 1000, 7]);
    for (chunk, expected) in first.iter().chain(&rest).zip(&expected) {
        assert_eq!((chunk.number, chunk.first_row), (expected.number, expected.first_row));
        assert_eq!((chunk.extent(), chunk.done.count()), (expected.extent, 0));
    }
    assert_eq!((first.len(), rest.len(), rest[0].done.len()), (2, 1, 7));
}

#[test]
fn chunks_with_gaps_are_refused() {
    let fixture = Fixture::engine();
    fixture.submit("job-1");
    fixture.advance("job-1", JobState::New, JobState::Preparing);
    let chunks = new_chunks(&[3, 3]);
    let put = |chunks: &[_], total| fixture.queue.put_chunks("job-1", chunks, total, at(2));
    for refused in [put(&chunks, 7), put(&chunks[1..], 3), put(&new_chunks(&[0]), 0)] {
        assert!(matches!(refused, Err(QueueError::Invalid { .. })), "{refused:?}");
    }
    put(&chunks, 6).unwrap();
}

#[test]
fn the_first_result_of_a_task_counts() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[5]);
    let skipped = Outcome::Skipped("is there already".into());
    let said = Outcome::Succeeded(Some("restored".into()));
    fixture
        .record(batch("job-1", 0, [(0, succeeded()), (2, failed("NoSuchKey")), (3, said.clone())]))
        .unwrap();
    fixture
        .record(batch(
            "job-1",
            0,
            [(0, failed("SlowDown")), (2, succeeded()), (4, skipped.clone()), (4, failed("Late"))],
        ))
        .unwrap();
    assert_eq!(counters(&fixture, "job-1"), (3, 1));
    assert_eq!(fixture.queue.failure_codes("job-1").unwrap(), [("NoSuchKey".to_owned(), 1)]);
    let outcomes = fixture.queue.chunk_outcomes("job-1", 0).unwrap();
    assert_eq!((0..5).filter(|index| outcomes.done.contains(*index)).collect::<Vec<_>>(), [0, 2, 3, 4]);
    assert_eq!(outcomes.messages, BTreeMap::from([(3, said), (4, skipped)]));
    assert_eq!(outcomes.failures.len(), 1);
    assert_eq!(Outcome::Failed(outcomes.failures[&2].clone()), failed("NoSuchKey"));
}

#[test]
fn failures_are_listed_in_manifest_order() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[10, 10]);
    fixture.active("job-2", &[10]);
    fixture.record(batch("job-2", 0, [(0, failed("Other"))])).unwrap();
    fixture.record(batch("job-1", 1, [(9, failed("NoSuchKey")), (0, failed("AccessDenied"))])).unwrap();
    fixture.record(batch("job-1", 0, [(0, failed("NoSuchKey")), (9, failed("NoSuchKey"))])).unwrap();
    let page = fixture.queue.failures("job-1", None, 3).unwrap();
    let rest = fixture.queue.failures("job-1", Some(page[2].row), 3).unwrap();
    let rows: Vec<u64> = page.iter().chain(&rest).map(|failure| failure.row).collect();
    assert_eq!(rows, [0, 9, 10, 19]);
    assert_eq!((page[1].bucket.as_str(), &page[1].key), ("photos", &row(9).key));
    assert_eq!((page[1].code.as_str(), page[1].status), ("NoSuchKey", Some(404)));
    assert_eq!(
        fixture.queue.failure_codes("job-1").unwrap(),
        [("NoSuchKey".to_owned(), 3), ("AccessDenied".to_owned(), 1)]
    );
}

#[test]
fn a_batch_that_does_not_fit_counts_for_nothing() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[5]);
    let mut rowless = batch("job-1", 0, [(0, succeeded()), (1, failed("NoSuchKey"))]);
    rowless.failed_rows.clear();
    insta::assert_snapshot!(fixture.record(rowless).unwrap_err());
    insta::assert_snapshot!(
        fixture.record(batch("job-1", 0, [(0, succeeded()), (5, succeeded())])).unwrap_err()
    );
    insta::assert_snapshot!(fixture.record(batch("job-1", 1, [(0, succeeded())])).unwrap_err());
    assert!(matches!(fixture.record(batch("job", 0, [])), Err(QueueError::NotFound { .. })), "full IDs only");
    assert_eq!(counters(&fixture, "job-1"), (0, 0));
    assert!(fixture.queue.chunk_outcomes("job-1", 0).unwrap().done.is_empty());
}

#[test]
fn a_refused_batch_does_not_harm_those_it_is_committed_with() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[50]);
    let outcomes = common::block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..60 {
            let queue = fixture.queue.clone();
            tasks.spawn(async move { queue.record(batch("job-1", 0, [(index, succeeded())])).await.is_ok() });
        }
        tasks.join_all().await
    });
    assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 50);
    assert_eq!(counters(&fixture, "job-1"), (50, 0));
}

#[test]
fn results_are_taken_only_while_tasks_run() {
    let fixture = Fixture::engine();
    fixture.submit("job-1");
    fixture.advance("job-1", JobState::New, JobState::Preparing);
    fixture.queue.put_chunks("job-1", &new_chunks(&[2]), 2, at(2)).unwrap();
    insta::assert_snapshot!(fixture.record(batch("job-1", 0, [(0, succeeded())])).unwrap_err());
    fixture.advance("job-1", JobState::Ready, JobState::Active);
    fixture.record(batch("job-1", 0, [(0, succeeded())])).unwrap();
    fixture.queue.request_cancel("job-1", "", at(3)).unwrap();
    fixture.record(batch("job-1", 0, [(1, succeeded())])).unwrap();
    fixture.advance("job-1", JobState::Cancelling, JobState::Cancelled);
    let late = fixture.record(batch("job-1", 0, [(1, succeeded())]));
    assert!(matches!(late, Err(QueueError::State { found: JobState::Cancelled, .. })));
}

#[test]
fn a_chunk_is_closed_once_when_every_task_has_a_result() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[2, 2]);
    fixture.record(batch("job-1", 0, [(0, failed("NoSuchKey"))])).unwrap();
    assert_eq!(fixture.queue.report_marks("job-1").unwrap(), ReportMarks::default());
    insta::assert_snapshot!(fixture.queue.close_chunks("job-1", &[0], &marks(80)).unwrap_err());
    assert_eq!(fixture.queue.report_marks("job-1").unwrap(), ReportMarks::default());
    fixture.record(batch("job-1", 0, [(1, Outcome::Succeeded(Some("said".into())))])).unwrap();
    fixture.record(batch("job-1", 1, [(0, Outcome::Succeeded(Some("kept".into())))])).unwrap();
    fixture.queue.close_chunks("job-1", &[0], &marks(90)).unwrap();
    assert_eq!(fixture.queue.report_marks("job-1").unwrap(), marks(90));
    let closed = fixture.queue.chunk_outcomes("job-1", 0).unwrap();
    assert!(closed.done.is_full() && closed.messages.is_empty());
    assert_eq!(closed.failures.len(), 1);
    assert_eq!(fixture.queue.chunk_outcomes("job-1", 1).unwrap().messages.len(), 1);
    let open: Vec<u32> =
        fixture.queue.open_chunks("job-1", None, 9).unwrap().iter().map(|chunk| chunk.number).collect();
    assert_eq!(open, [1]);
    insta::assert_snapshot!(fixture.queue.close_chunks("job-1", &[0], &marks(99)).unwrap_err());
    insta::assert_snapshot!(fixture.queue.close_chunks("job-1", &[2], &marks(99)).unwrap_err());
    assert_eq!(fixture.queue.report_marks("job-1").unwrap(), marks(90));
}

#[test]
fn chunks_are_closed_together_or_not_at_all() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[1, 1, 1]);
    for chunk in [0, 2] {
        fixture.record(batch("job-1", chunk, [(0, succeeded())])).unwrap();
    }
    let refused = fixture.queue.close_chunks("job-1", &[0, 1, 2], &marks(9));
    assert!(matches!(refused, Err(QueueError::Unfinished { chunk: 1, missing: 1, .. })));
    assert_eq!(fixture.queue.open_chunks("job-1", None, 9).unwrap().len(), 3);
    fixture.queue.close_chunks("job-1", &[0, 2], &marks(9)).unwrap();
    assert_eq!(fixture.queue.open_chunks("job-1", None, 9).unwrap().len(), 1);
}

#[test]
fn a_cancelled_job_closes_what_it_has_and_later_results_do_not_count() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[3]);
    fixture.record(batch("job-1", 0, [(1, succeeded())])).unwrap();
    fixture.queue.request_cancel("job-1", "", at(3)).unwrap();
    fixture.queue.close_chunks("job-1", &[0], &marks(10)).unwrap();
    fixture.record(batch("job-1", 0, [(2, failed("NoSuchKey"))])).unwrap();
    assert_eq!(counters(&fixture, "job-1"), (1, 0));
    assert!(fixture.queue.failures("job-1", None, 9).unwrap().is_empty());
}

#[test]
fn the_views_say_what_the_api_says() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[8]);
    fixture.record(batch("job-1", 0, [(0, succeeded()), (7, failed("NoSuchKey"))])).unwrap();
    let sql = fixture.sql();
    let progress: (String, u64, u64, u64, u64, f64) = sql
        .query_row(
            "SELECT state, total_tasks, succeeded, failed, remaining, percent FROM job_progress",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)),
        )
        .unwrap();
    assert_eq!(progress, ("Active".into(), 8, 1, 1, 6, 25.0));
    let failure: (String, u64, String, String) = sql
        .query_row("SELECT job, row_number, key, code FROM task_failures", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    assert_eq!(failure, ("job-1".into(), 8, row(7).key, "NoSuchKey".into()));
}
