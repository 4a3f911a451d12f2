//! Start times, deadlines and jobs that come after others, by a clock that the tests move.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use common::{Fixture, at, batch, new_chunks, new_job, succeeded, total};
use longshore_job::JobState::{
    self, Active, Cancelled, Cancelling, Complete, Completing, Failed, Failing, New, Preparing, Ready,
};
use longshore_job::spec::{Deadline, Timing};
use longshore_queue::{NewJob, QueueError};

fn timed(id: &str, timing: Timing) -> NewJob {
    let mut job = new_job(id);
    job.spec.timing = timing;
    job
}

fn after(id: &str, others: &[&str]) -> NewJob {
    timed(id, Timing { after: others.iter().map(|name| (*name).to_owned()).collect(), ..Timing::default() })
}

impl Fixture {
    fn runnable(&self, second: i64) -> Vec<String> {
        self.queue.runnable(at(second)).unwrap().into_iter().map(|job| job.id).collect()
    }

    /// Takes a new job to its end.
    fn end(&self, id: &str, end: JobState) {
        self.advance(id, New, Preparing);
        let chunks = new_chunks(&[1]);
        self.queue.put_chunks(id, &chunks, total(&chunks), at(2)).unwrap();
        if end == Cancelled {
            self.queue.request_cancel(id, "", at(2)).unwrap();
            return self.advance(id, Cancelling, Cancelled);
        }
        self.advance(id, Ready, Active);
        let (next, end) = if end == Failed { (Failing, Failed) } else { (Completing, Complete) };
        self.advance(id, Active, next);
        self.advance(id, next, end);
    }
}

#[test]
fn a_job_begins_at_its_time_and_not_before() {
    let fixture = Fixture::engine();
    let timing = Timing { start_at: Some(at(10)), ..Timing::default() };
    fixture.queue.submit(&timed("job-1", timing)).unwrap();
    assert_eq!((fixture.runnable(9), fixture.queue.jobs_waiting(at(9)).unwrap()), (vec![], 1));
    assert_eq!(
        (fixture.runnable(10), fixture.queue.jobs_waiting(at(10)).unwrap()),
        (vec!["job-1".to_owned()], 0)
    );
}

#[test]
fn a_job_waits_until_all_others_are_complete() {
    let fixture = Fixture::engine();
    let mut first = new_job("first-job");
    first.spec.client_token = Some("monday".into());
    fixture.queue.submit(&first).unwrap();
    fixture.submit("second-job");
    fixture.queue.submit(&after("last", &["monday", "seco"])).unwrap();
    assert_eq!(fixture.runnable(5), ["first-job", "second-job"]);
    assert_eq!(fixture.queue.waits_for("last").unwrap(), ["first-job", "second-job"]);
    fixture.end("first-job", Complete);
    assert_eq!(fixture.queue.waits_for("last").unwrap(), ["second-job"]);
    fixture.end("second-job", Complete);
    assert_eq!(fixture.runnable(5), ["last"]);
    assert_eq!(fixture.queue.fail_late(at(5)).unwrap(), Vec::<String>::new());
}

#[test]
fn a_job_fails_with_what_it_comes_after_unless_any_end_will_do() {
    for end in [Failed, Cancelled] {
        let fixture = Fixture::engine();
        fixture.submit("other");
        fixture.queue.submit(&after("needs", &["other"])).unwrap();
        let timing = Timing { after_ended: vec!["other".into()], ..Timing::default() };
        fixture.queue.submit(&timed("takes-any", timing)).unwrap();
        fixture.queue.submit(&after("further", &["needs"])).unwrap();
        fixture.end("other", end);
        assert_eq!(fixture.queue.fail_late(at(5)).unwrap(), ["needs"]);
        let record = fixture.queue.job("needs").unwrap();
        assert_eq!((record.state, record.failure_code.as_deref()), (Failing, Some("DependencyFailed")));
        assert_eq!(
            record.failure_reason.unwrap(),
            format!("the job was to run after job other, which is {end}")
        );
        assert_eq!(fixture.runnable(5), ["needs", "takes-any"]);
        // What comes after the one that failed now, fails as well.
        fixture.advance("needs", Failing, Failed);
        assert_eq!(fixture.queue.fail_late(at(6)).unwrap(), ["further"]);
        assert!(
            fixture
                .queue
                .job("further")
                .unwrap()
                .failure_reason
                .unwrap()
                .ends_with("is Failed (DependencyFailed)")
        );
    }
}

#[test]
fn a_job_that_comes_after_none_there_is_is_refused() {
    let fixture = Fixture::engine();
    let mut own = after("job-1", &["own-token"]);
    own.spec.client_token = Some("own-token".into());
    for job in [after("job-1", &["nobody"]), after("job-1", &["job-1"]), own] {
        let refused = fixture.queue.submit(&job).unwrap_err();
        assert!(matches!(refused, QueueError::UnknownDependency { .. }), "{refused}");
    }
    insta::assert_snapshot!(fixture.queue.submit(&after("job-1", &["nobody"])).unwrap_err());
    assert_eq!(fixture.queue.jobs().unwrap(), []);
}

#[test]
fn a_job_fails_at_its_deadline_wherever_it_waits() {
    let fixture = Fixture::engine();
    let timing = Timing { deadline: Some(Deadline::At(at(10))), ..Timing::default() };
    fixture.queue.submit(&timed("new-one", timing.clone())).unwrap();
    fixture.queue.submit(&timed("done", timing.clone())).unwrap();
    fixture.end("done", Complete);
    assert_eq!(fixture.queue.fail_late(at(9)).unwrap(), Vec::<String>::new());
    assert_eq!(fixture.queue.fail_late(at(10)).unwrap(), ["new-one"]);
    assert_eq!(fixture.queue.fail_late(at(11)).unwrap(), Vec::<String>::new());
    let record = fixture.queue.job("new-one").unwrap();
    assert_eq!((record.state, record.failure_code.as_deref()), (Failing, Some("DeadlineExceeded")));
    insta::assert_snapshot!(record.failure_reason.unwrap());
}

#[test]
fn a_deadline_counted_from_the_start_stays_that_after_a_pause() {
    let fixture = Fixture::engine();
    let timing = Timing { deadline: Some(Deadline::Seconds(60)), ..Timing::default() };
    fixture.queue.submit(&timed("job-1", timing)).unwrap();
    fixture.advance("job-1", New, Preparing);
    let chunks = new_chunks(&[2]);
    fixture.queue.put_chunks("job-1", &chunks, total(&chunks), at(2)).unwrap();
    assert_eq!(fixture.queue.job("job-1").unwrap().deadline_at, None);
    fixture.queue.transition("job-1", Ready, Active, "", "engine", at(100)).unwrap();
    assert_eq!(fixture.queue.job("job-1").unwrap().deadline_at, Some(at(160)));
    fixture.record(batch("job-1", 0, [(0, succeeded())])).unwrap();
    fixture.queue.transition("job-1", Active, Ready, "", "engine", at(130)).unwrap();
    fixture.queue.transition("job-1", Ready, Active, "", "engine", at(150)).unwrap();
    assert_eq!(fixture.queue.fail_late(at(159)).unwrap(), Vec::<String>::new());
    assert_eq!(fixture.queue.fail_late(at(160)).unwrap(), ["job-1"]);
    assert!(
        fixture.queue.job("job-1").unwrap().failure_reason.unwrap().ends_with("1 of its 2 tasks had run")
    );
    // Results of tasks that were running count.
    fixture.record(batch("job-1", 0, [(1, succeeded())])).unwrap();
    assert_eq!(fixture.queue.job("job-1").unwrap().succeeded, 2);
}
