//! Failed tasks that run again: which rows a new job gets, and how long it has them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use std::collections::BTreeMap;

use common::{Fixture, at, batch, failed, new_job, succeeded};
use longshore_job::JobState::{Active, Complete, Completing, New, Preparing};
use longshore_job::row::KeyEncoding;
use longshore_job::spec::{FailedTasks, Field, SourceSpec};
use longshore_job::{Failure, Outcome, Row, TaskResult};
use longshore_queue::{NewJob, QueueError, ResultBatch};
use proptest::collection::vec;
use proptest::prelude::*;

/// Rows of a page, so that several are read.
const PAGE: usize = 3;

fn retry(job: &str, codes: &[&str], statuses: &[u16]) -> FailedTasks {
    let codes = codes.iter().map(ToString::to_string).collect();
    let columns = vec![Field::extra("owner")];
    FailedTasks { job: job.into(), codes, statuses: statuses.to_vec(), keys: KeyEncoding::Url, columns }
}

fn retrying(id: &str, retry: FailedTasks) -> NewJob {
    let mut new = new_job(id);
    new.spec.manifest.sources = vec![SourceSpec::Retry(retry)];
    new
}

/// A job whose tasks ended so; those that failed with `BadRow` have rows that name no object.
fn ended(fixture: &Fixture, id: &str, outcomes: &[Option<(&str, Option<u16>)>]) {
    let rows = u32::try_from(outcomes.len()).unwrap();
    fixture.active(id, &[rows]);
    let (mut results, mut failed_rows) = (Vec::new(), BTreeMap::new());
    for (index, outcome) in (0..).zip(outcomes) {
        let outcome = match outcome {
            None => succeeded(),
            Some((code, status)) => {
                failed_rows.insert(index, row(index, code));
                Outcome::Failed(Failure { code: (*code).into(), status: *status, message: "so".into() })
            }
        };
        results.push(TaskResult { index, outcome });
    }
    fixture.record(ResultBatch { job: id.into(), chunk: 0, results, failed_rows, fuel: 0 }).unwrap();
    fixture.advance(id, Active, Completing);
    fixture.advance(id, Completing, Complete);
}

fn row(index: u32, code: &str) -> Row {
    let problem = (code == "BadRow").then(|| "no key".to_owned());
    let columns = vec![index.is_multiple_of(2).then(|| format!("\"{index}\""))];
    Row { columns, version_id: index.is_multiple_of(3).then(|| "v".into()), problem, ..common::row(index) }
}

fn all_rows(fixture: &Fixture, id: &str) -> Vec<(u64, Row)> {
    let mut rows: Vec<(u64, Row)> = Vec::new();
    loop {
        let page = fixture.queue.retry_rows(id, rows.last().map(|last| last.0), PAGE).unwrap();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

#[test]
fn rows_stay_until_they_are_in_the_chunk_spool() {
    let fixture = Fixture::engine();
    ended(&fixture, "first", &[Some(("SlowDown", Some(503))), None, Some(("NoSuchKey", Some(404)))]);
    let new = retrying("second", retry("first", &[], &[]));
    assert!(fixture.client().submit(&new).unwrap().created);
    fixture.sql().execute("DELETE FROM failures", ()).unwrap();
    let rows = vec![(0, row(0, "")), (2, row(2, ""))];
    assert_eq!(all_rows(&fixture, "second"), rows);
    fixture.advance("second", New, Preparing);
    assert_eq!(all_rows(&fixture, "second"), rows, "an engine that dies now reads them again");
    let chunks = common::new_chunks(&[2]);
    fixture.queue.put_chunks("second", &chunks, 2, at(3)).unwrap();
    assert_eq!(all_rows(&fixture, "second"), []);
    assert_eq!(fixture.queue.job("second").unwrap().retry_of.unwrap(), "first");
    let event = fixture.queue.events("second").unwrap().remove(0);
    insta::assert_snapshot!(event.cause, @"submitted: again 2 failed tasks of job first");
}

#[test]
fn a_job_that_is_cancelled_before_leaves_no_rows() {
    let fixture = Fixture::engine();
    ended(&fixture, "first", &[Some(("SlowDown", None))]);
    fixture.queue.submit(&retrying("second", retry("first", &["SlowDown"], &[]))).unwrap();
    fixture.queue.request_cancel("second", "no", at(3)).unwrap();
    assert_eq!(all_rows(&fixture, "second"), []);
}

#[test]
fn refusals_add_nothing() {
    let fixture = Fixture::engine();
    fixture.active("running", &[1]);
    fixture.record(batch("running", 0, [(0, failed("SlowDown"))])).unwrap();
    ended(&fixture, "good", &[None]);
    ended(&fixture, "bad", &[Some(("BadRow", None)), Some(("SlowDown", Some(503))), Some(("BadRow", None))]);
    let refusal = |retry: FailedTasks| {
        let error = fixture.queue.submit(&retrying("second", retry.clone())).unwrap_err();
        assert_eq!(fixture.queue.retryable(&retry).unwrap_err().to_string(), error.to_string());
        assert!(matches!(fixture.queue.job("second"), Err(QueueError::NotFound { .. })));
        error
    };
    insta::assert_snapshot!(refusal(retry("running", &[], &[])),
        @"job running is Active; only a job that is Complete or Cancelled or Failed may be retried");
    insta::assert_snapshot!(refusal(retry("good", &[], &[])),
        @"no task of job good failed: there is nothing to retry");
    insta::assert_snapshot!(refusal(retry("bad", &["BadRow"], &[])),
        @"the failed tasks of job bad that are asked for have rows that name no object: running them again cannot help; correct the manifest and submit the job again");
    insta::assert_snapshot!(refusal(retry("bad", &["NoSuchKey", "SlowDown"], &[503, 500])),
        @"no task of job bad failed with NoSuchKey or 500; its tasks failed with BadRow (2), SlowDown 503 (1)");
}

fn outcome() -> impl Strategy<Value = Option<(&'static str, Option<u16>)>> {
    let code = prop::sample::select(vec!["SlowDown", "NoSuchKey", "500", "O'Brien", "BadRow"]);
    prop::option::of((code, prop::option::of(prop::sample::select(vec![403, 404, 500]))))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The new job has exactly the failed rows that are asked for, in their order, with all that they carry.
    #[test]
    fn what_is_asked_for_and_nothing_else(
        outcomes in vec(outcome(), 1..12),
        codes in vec(prop::sample::select(vec!["SlowDown", "500", "O'Brien"]), 0..3),
        statuses in vec(prop::sample::select(vec![404u16, 500]), 0..2),
    ) {
        let fixture = Fixture::engine();
        ended(&fixture, "first", &outcomes);
        let wanted = |code: &str, status: Option<u16>| {
            (codes.is_empty() && statuses.is_empty())
                || codes.contains(&code)
                || status.is_some_and(|status| statuses.contains(&status))
        };
        let failures: Vec<_> = (0_u32..).zip(&outcomes).filter_map(|(index, found)| Some((index, (*found)?))).collect();
        let chosen: Vec<_> = failures.iter().filter(|(_, (code, status))| wanted(code, *status)).collect();
        let expected: Vec<(u64, Row)> = chosen.iter().filter(|(_, (code, _))| *code != "BadRow")
            .map(|(index, (code, _))| (u64::from(*index), row(*index, code))).collect();
        let known = codes.iter().all(|code| failures.iter().any(|(_, found)| found.0 == *code))
            && statuses.iter().all(|status| failures.iter().any(|(_, found)| found.1 == Some(*status)));

        let asked = retry("first", &codes, &statuses);
        let counted = fixture.queue.retryable(&asked);
        let submitted = fixture.queue.submit(&retrying("second", asked));
        if known && !expected.is_empty() {
            let counted = counted.unwrap();
            prop_assert_eq!(counted.tasks, expected.len() as u64);
            prop_assert_eq!(counted.bad_rows, (chosen.len() - expected.len()) as u64);
            prop_assert!(submitted.unwrap().created);
            prop_assert_eq!(all_rows(&fixture, "second"), expected);
        } else {
            prop_assert!(counted.is_err() && submitted.is_err());
        }
    }
}
