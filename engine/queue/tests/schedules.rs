//! Recurring jobs, by a clock that the tests move.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use common::{Fixture, new_job};
use jiff::Timestamp;
use longshore_job::JobState::{Cancelled, Cancelling, New};
use longshore_job::spec::{Deadline, Overlap, ScheduleSpec};
use longshore_queue::{NewJob, Occurrence};

fn on(text: &str) -> Timestamp {
    format!("2026-12-{text}Z").parse().unwrap()
}

fn template(overlap: Overlap) -> NewJob {
    let mut job = NewJob { created_at: on("01T12:00:00"), ..new_job("template") };
    let (cron, time_zone) = ("0 22 * * *".to_owned(), "UTC".to_owned());
    job.spec.timing.schedule = Some(ScheduleSpec { cron, time_zone, overlap });
    job.spec.timing.deadline = Some(Deadline::Seconds(60));
    job.spec.client_token = Some("nightly".into());
    job
}

/// A queue with the template, and its occurrences at each of these moments.
fn at_moments(overlap: Overlap, moments: &[&str]) -> (Fixture, Vec<Occurrence>) {
    let fixture = Fixture::engine();
    assert!(fixture.queue.submit(&template(overlap)).unwrap().created);
    let mut occurrences = Vec::new();
    for moment in moments {
        for occasion in fixture.queue.occasions(on(moment)).unwrap() {
            let id = format!("job-{moment}");
            occurrences.extend(fixture.queue.occur(&occasion, &id, on(moment)).unwrap());
            // Another call that saw the same changes nothing.
            assert_eq!(fixture.queue.occur(&occasion, "twice", on(moment)).unwrap(), None);
        }
    }
    (fixture, occurrences)
}

fn runnable(fixture: &Fixture) -> Vec<String> {
    fixture.queue.runnable(on("31T00:00:00")).unwrap().into_iter().map(|job| job.id).collect()
}

#[test]
fn each_moment_is_one_job_that_runs_once() {
    let (fixture, occurrences) = at_moments(Overlap::Allow, &["01T21:59:59", "01T22:00:00", "02T22:00:07"]);
    let moments: Vec<Timestamp> = occurrences.iter().map(|occurrence| occurrence.at).collect();
    assert_eq!(moments, [on("01T22:00:00"), on("02T22:00:00")]);
    assert_eq!(
        runnable(&fixture),
        ["job-01T22:00:00", "job-02T22:00:07"],
        "the template itself does not run"
    );
    assert_eq!(fixture.queue.next_occurrence("template").unwrap(), Some(on("03T22:00:00")));
    assert_eq!(fixture.queue.occurrences("template").unwrap(), occurrences);
    assert_eq!(fixture.queue.occurrences("job-02T22:00:07").unwrap(), occurrences[1..]);
    let job = fixture.queue.job("job-01T22:00:00").unwrap();
    assert_eq!((job.spec.timing.schedule, job.spec.client_token), (None, None));
    assert_eq!(job.spec.timing.deadline, Some(Deadline::Seconds(60)));
}

#[test]
fn what_was_missed_runs_once() {
    let (fixture, occurrences) = at_moments(Overlap::Allow, &["09T08:00:00"]);
    assert_eq!(occurrences.len(), 1);
    assert_eq!(occurrences[0].at, on("08T22:00:00"), "the last of the moments that were missed");
    assert_eq!(fixture.queue.next_occurrence("template").unwrap(), Some(on("09T22:00:00")));
    assert_eq!(
        fixture.queue.occasions(on("02T22:00:00")).unwrap(),
        [],
        "a clock that goes back repeats none"
    );
}

#[test]
fn an_occurrence_is_left_out_while_the_one_before_goes_on() {
    let (fixture, occurrences) = at_moments(Overlap::Skip, &["01T22:00:00", "02T22:00:00"]);
    assert_eq!(occurrences[1].job, None);
    assert_eq!(runnable(&fixture), ["job-01T22:00:00"]);
    let events = fixture.queue.events("template").unwrap();
    insta::assert_snapshot!(events.last().unwrap().cause);
}

#[test]
fn an_occurrence_waits_for_the_one_before() {
    let (fixture, occurrences) = at_moments(Overlap::Queue, &["01T22:00:00", "02T22:00:00"]);
    assert!(occurrences[1].job.is_some());
    assert_eq!(runnable(&fixture), ["job-01T22:00:00"]);
    fixture.queue.request_cancel("job-01T22:00:00", "", on("03T00:00:00")).unwrap();
    fixture.advance("job-01T22:00:00", Cancelling, Cancelled);
    assert_eq!(runnable(&fixture), ["job-02T22:00:00"]);
}

#[test]
fn a_schedule_ends_with_its_template() {
    let (fixture, _) = at_moments(Overlap::Allow, &["01T22:00:00"]);
    assert_eq!(fixture.queue.jobs_waiting(on("02T00:00:00")).unwrap(), 1);
    fixture.queue.request_cancel("template", "", on("02T00:00:00")).unwrap();
    assert_eq!(fixture.queue.occasions(on("05T00:00:00")).unwrap(), []);
    assert_eq!(fixture.queue.next_occurrence("template").unwrap(), None);
    assert!(runnable(&fixture).contains(&"template".to_owned()), "it is taken to its end");
    fixture.advance("template", Cancelling, Cancelled);
    fixture.queue.delete("template").unwrap();
    assert_eq!(fixture.queue.job("job-01T22:00:00").unwrap().state, New);
}

#[test]
fn a_schedule_begins_no_earlier_than_its_start() {
    let fixture = Fixture::engine();
    let mut job = template(Overlap::Skip);
    job.spec.timing.start_at = Some(on("05T22:00:00"));
    fixture.queue.submit(&job).unwrap();
    assert_eq!(fixture.queue.next_occurrence("template").unwrap(), Some(on("05T22:00:00")));
}
