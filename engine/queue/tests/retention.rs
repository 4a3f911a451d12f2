//! How long jobs are kept, by a clock that the tests move.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use common::{Fixture, at, batch, failed, new_chunks, new_job};
use longshore_job::JobState::{Active, Complete, Completing, Failing, New, Preparing, Suspended};
use longshore_queue::QueueError;

#[test]
fn a_job_that_nobody_confirms_fails() {
    let fixture = Fixture::engine();
    for id in ["early", "late"] {
        let mut job = new_job(id);
        job.spec.confirm = true;
        fixture.queue.submit(&job).unwrap();
        fixture.advance(id, New, Preparing);
        let second = if id == "early" { 10 } else { 20 };
        assert_eq!(fixture.queue.put_chunks(id, &new_chunks(&[2]), 2, at(second)).unwrap(), Suspended);
    }
    assert_eq!(fixture.queue.fail_unconfirmed(at(9), at(30)).unwrap(), Vec::<String>::new());
    assert_eq!(fixture.queue.fail_unconfirmed(at(10), at(30)).unwrap(), ["early"]);
    let record = fixture.queue.job("early").unwrap();
    assert_eq!((record.state, record.failure_code.as_deref()), (Failing, Some("NotConfirmed")));
    assert_eq!(fixture.queue.job("late").unwrap().state, Suspended);
}

#[test]
fn a_job_that_ended_goes_with_all_its_rows_and_others_stay() {
    let fixture = Fixture::engine();
    for (id, second) in [("old", 10), ("new", 20)] {
        fixture.active(id, &[3, 2]);
        fixture.record(batch(id, 0, (0..3).map(|index| (index, failed("NoSuchKey"))))).unwrap();
        fixture.queue.set_policies(id, "d1", "{}", at(3)).unwrap();
        fixture.advance(id, Active, Completing);
        fixture.queue.transition(id, Completing, Complete, "test", "engine", at(second)).unwrap();
    }
    fixture.active("running", &[1]);
    let mut after = new_job("after");
    after.spec.timing.after = vec!["old".into()];
    fixture.queue.submit(&after).unwrap();
    let other = fixture.queue.job("new").unwrap();

    assert_eq!(fixture.queue.finished_before(at(9)).unwrap(), Vec::<String>::new());
    assert_eq!(fixture.queue.finished_before(at(20)).unwrap(), ["old", "new"]);
    fixture.queue.delete("old").unwrap();
    assert!(matches!(fixture.queue.job("old"), Err(QueueError::NotFound { .. })));
    assert_eq!(fixture.queue.job("new").unwrap(), other);
    assert_eq!(fixture.queue.failures("new", None, 9).unwrap().len(), 3);
    assert_eq!(fixture.queue.events("new").unwrap().len(), 6);
    assert!(fixture.queue.runnable(at(9)).unwrap().iter().any(|job| job.id == "after"));
    let count = |sql: &str| fixture.sql().query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    for table in ["failures", "failure_codes", "chunks", "policy_snapshots"] {
        let jobs = count(&format!("SELECT count(DISTINCT job) FROM {table}"));
        assert_eq!(jobs, if table == "chunks" { 2 } else { 1 }, "{table}");
    }
    insta::assert_snapshot!(fixture.queue.delete("running").unwrap_err());
    assert!(matches!(fixture.client().delete("new"), Err(QueueError::NotEngine { .. })));
}
