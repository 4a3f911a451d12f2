//! Jobs: submitting, finding, listing, and the way through their states.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use common::{Fixture, at, new_chunks, new_job};
use longshore_job::JobState::{
    Active, Cancelled, Cancelling, Complete, Completing, Failed, Failing, New, Paused, Pausing, Preparing,
    Ready, Suspended,
};
use longshore_queue::{NewJob, QueueError};

#[test]
fn what_is_submitted_is_found() {
    let fixture = Fixture::engine();
    fixture.submit("0f2c-1");
    let record = fixture.queue.job("0f2c-1").unwrap();
    assert_eq!(record.spec, common::spec());
    assert_eq!((record.state, record.created_at), (New, at(1)));
    assert_eq!((record.plugin_digests.join("+").as_str(), record.total_tasks), ("5e1f", None));
    assert_eq!(fixture.client().jobs().unwrap(), vec![record]);
    let events = fixture.queue.events("0f2c-1").unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].from, events[0].to, events[0].at), (None, New, at(1)));
}

#[test]
fn a_few_characters_stand_for_a_job_if_no_other_starts_so() {
    let fixture = Fixture::engine();
    for id in ["0f2c-aa", "0f2c-ab", "0f2c", "1234-a%_"] {
        fixture.submit(id);
    }
    let found = |id: &str| fixture.queue.job(id).map(|record| record.id);
    assert_eq!(found("0f2c-aa").unwrap(), "0f2c-aa");
    assert_eq!(found("0f2c").unwrap(), "0f2c", "a full ID is never ambiguous");
    assert_eq!(found("1234").unwrap(), "1234-a%_");
    insta::assert_snapshot!(found("0f2c-").unwrap_err());
    insta::assert_snapshot!(found("123").unwrap_err());
    for none in ["", "%", "123%", "____", "1234-b", "0f2c-aaa", "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}"] {
        assert!(matches!(found(none), Err(QueueError::NotFound { .. })), "{none:?}");
    }
}

#[test]
fn one_token_is_one_job() {
    let fixture = Fixture::engine();
    let mut job = new_job("first");
    job.spec.client_token = Some("monday".into());
    assert!(fixture.queue.submit(&job).unwrap().created);
    let again = NewJob { id: "second".into(), created_at: at(9), ..job.clone() };
    let answer = fixture.client().submit(&again).unwrap();
    assert_eq!((answer.id.as_str(), answer.created), ("first", false));
    let mut other = again;
    other.spec.priority += 1;
    insta::assert_snapshot!(fixture.queue.submit(&other).unwrap_err());
    assert_eq!(fixture.queue.jobs().unwrap().len(), 1);
}

#[test]
fn jobs_without_token_are_always_new_but_ids_are_used_once() {
    let fixture = Fixture::engine();
    fixture.submit("first");
    fixture.submit("second");
    insta::assert_snapshot!(fixture.queue.submit(&new_job("first")).unwrap_err());
}

#[test]
fn jobs_run_by_priority_then_age_and_are_listed_by_age() {
    let fixture = Fixture::engine();
    for (id, priority, second) in [("old", 1, 1), ("new", 1, 3), ("urgent", 2, 2), ("done", 9, 4)] {
        let mut job = new_job(id);
        job.spec.priority = priority;
        job.created_at = at(second);
        fixture.queue.submit(&job).unwrap();
    }
    fixture.queue.request_cancel("done", "", at(5)).unwrap();
    fixture.advance("done", Cancelling, Cancelled);
    let runnable = || -> Vec<String> {
        fixture.queue.runnable(at(9)).unwrap().into_iter().map(|candidate| candidate.id).collect()
    };
    assert_eq!(runnable(), ["urgent", "old", "new"]);
    let all: Vec<String> = fixture.queue.jobs().unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!(all, ["done", "new", "urgent", "old"]);
    fixture.client().set_priority("new", 3, at(6)).unwrap();
    fixture.client().set_priority("new", 3, at(7)).unwrap();
    assert_eq!(runnable(), ["new", "urgent", "old"]);
    let events = fixture.queue.events("new").unwrap();
    assert_eq!(
        events.last().map(|event| (event.from, event.to, event.cause.as_str())),
        Some((Some(New), New, "priority 3"))
    );
    assert_eq!(events.len(), 2);
    insta::assert_snapshot!(fixture.queue.set_priority("done", 1, at(8)).unwrap_err());
}

#[test]
fn what_users_hold_does_not_run_until_they_let_it() {
    let fixture = Fixture::engine();
    let mut job = new_job("job-1");
    job.spec.confirm = true;
    fixture.queue.submit(&job).unwrap();
    fixture.advance("job-1", New, Preparing);
    assert_eq!(fixture.queue.put_chunks("job-1", &new_chunks(&[2]), 2, at(2)).unwrap(), Suspended);
    let client = fixture.client();
    let runs = || !fixture.queue.runnable(at(9)).unwrap().is_empty();
    assert!(!runs());
    assert_eq!(fixture.queue.job("job-1").unwrap().suspended_at, Some(at(2)));
    insta::assert_snapshot!(client.request_pause("job-1", "", at(3)).unwrap_err());
    assert_eq!(client.confirm("job-1", at(3)).unwrap(), Ready);
    assert!(runs());
    assert_eq!(client.request_pause("job-1", "lunch", at(4)).unwrap(), Paused);
    assert!(!runs());
    insta::assert_snapshot!(client.confirm("job-1", at(4)).unwrap_err());
    assert_eq!(client.request_resume("job-1", at(5)).unwrap(), Ready);
    fixture.advance("job-1", Ready, Active);
    insta::assert_snapshot!(client.request_resume("job-1", at(6)).unwrap_err());
    assert_eq!(client.request_pause("job-1", "lunch", at(6)).unwrap(), Pausing);
    assert_eq!(client.request_pause("job-1", "again", at(6)).unwrap(), Pausing);
    // What runs until then, counts.
    fixture.record(common::batch("job-1", 0, [(0, common::succeeded())])).unwrap();
    fixture.advance("job-1", Pausing, Paused);
    assert!(!runs());
    assert_eq!(client.request_cancel("job-1", "enough", at(7)).unwrap(), Cancelling);
    assert!(runs());
}

#[test]
fn a_whole_life_is_in_the_events() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[1]);
    assert_eq!(fixture.queue.job("job-1").unwrap().started_at, Some(at(2)));
    fixture.record(common::batch("job-1", 0, [(0, common::succeeded())])).unwrap();
    fixture.queue.transition("job-1", Active, Completing, "all done", "engine", at(3)).unwrap();
    fixture.queue.set_report("job-1", "s3://reports/job-1/manifest.json").unwrap();
    fixture.queue.set_policies("job-1", "9a", "{}", at(3)).unwrap();
    fixture.queue.transition("job-1", Completing, Complete, "report written", "engine", at(4)).unwrap();
    let record = fixture.queue.job("job-1").unwrap();
    assert_eq!((record.started_at, record.finished_at), (Some(at(2)), Some(at(4))));
    assert_eq!(record.report.as_deref(), Some("s3://reports/job-1/manifest.json"));
    assert_eq!(record.policy_digest.as_deref(), Some("9a"));
    let events = fixture.queue.events("job-1").unwrap();
    let states: Vec<_> = events.iter().map(|event| event.to).collect();
    assert_eq!(states, [New, Preparing, Ready, Active, Completing, Complete]);
    assert!(events.windows(2).all(|pair| pair[1].from == Some(pair[0].to)));
    assert_eq!((events[5].cause.as_str(), events[5].actor.as_str()), ("report written", "engine"));
}

#[test]
fn a_move_that_no_job_may_make_or_that_this_one_cannot_is_refused() {
    let fixture = Fixture::engine();
    fixture.submit("job-1");
    let go = |from, to| fixture.queue.transition("job-1", from, to, "test", "engine", at(2)).unwrap_err();
    insta::assert_snapshot!(go(New, Active));
    insta::assert_snapshot!(go(Ready, Active));
    assert_eq!(fixture.queue.job("job-1").unwrap().state, New);
    assert_eq!(fixture.queue.events("job-1").unwrap().len(), 1);
}

#[test]
fn a_failed_job_says_why() {
    let fixture = Fixture::engine();
    fixture.submit("job-1");
    fixture.advance("job-1", New, Preparing);
    let (code, reason) = ("InvalidManifestContent", "Unexpected number of task fields");
    fixture.queue.fail("job-1", Preparing, Failing, code, reason, "engine", at(3)).unwrap();
    fixture.advance("job-1", Failing, Failed);
    let record = fixture.queue.job("job-1").unwrap();
    assert_eq!(
        (record.failure_code.as_deref(), record.failure_reason.as_deref()),
        (Some(code), Some(reason))
    );
    assert_eq!((record.state, record.finished_at), (Failed, Some(at(2))));
    let events = fixture.queue.events("job-1").unwrap();
    assert_eq!(events[2].cause, "InvalidManifestContent: Unexpected number of task fields");
}

#[test]
fn cancelling_is_asked_once_and_in_time() {
    let fixture = Fixture::engine();
    let client = fixture.client();
    fixture.active("job-1", &[1]);
    assert_eq!(client.request_cancel("job-1", "wrong bucket", at(3)).unwrap(), Cancelling);
    assert_eq!(client.request_cancel("job-1", "again", at(4)).unwrap(), Cancelling);
    assert_eq!(fixture.queue.job("job-1").unwrap().status_reason.as_deref(), Some("wrong bucket"));
    let late = fixture.queue.transition("job-1", Active, Completing, "all done", "engine", at(5));
    assert!(matches!(late, Err(QueueError::State { found: Cancelling, .. })));
    fixture.advance("job-1", Cancelling, Cancelled);
    insta::assert_snapshot!(client.request_cancel("job-1", "again", at(6)).unwrap_err());
    assert_eq!(fixture.queue.events("job-1").unwrap().len(), 6);
}

#[test]
fn a_job_that_was_cancelled_while_preparing_gets_no_chunks() {
    let fixture = Fixture::engine();
    fixture.submit("job-1");
    fixture.advance("job-1", New, Preparing);
    fixture.client().request_cancel("job-1", "", at(3)).unwrap();
    let refused = fixture.queue.put_chunks("job-1", &new_chunks(&[3]), 3, at(4));
    assert!(matches!(refused, Err(QueueError::State { found: Cancelling, .. })));
    assert!(fixture.queue.open_chunks("job-1", None, 10).unwrap().is_empty());
    assert_eq!(fixture.queue.job("job-1").unwrap().total_tasks, None);
}

#[test]
fn what_is_the_engines_is_refused_to_clients() {
    let fixture = Fixture::engine();
    fixture.submit("job-1");
    let client = fixture.client();
    let refusals = [
        client.runnable(at(9)).err(),
        client.transition("job-1", New, Preparing, "", "", at(2)).err(),
        client.fail("job-1", Preparing, Failing, "", "", "", at(2)).err(),
        client.set_policies("job-1", "", "", at(2)).err(),
        client.set_report("job-1", "").err(),
        client.put_chunks("job-1", &[], 0, at(2)).err(),
        client.close_chunks("job-1", &[], &Default::default()).err(),
        common::block_on(client.record(common::batch("job-1", 0, []))).err(),
    ];
    for refusal in &refusals {
        assert!(matches!(refusal, Some(QueueError::NotEngine { .. })), "{refusal:?}");
    }
    insta::assert_snapshot!(refusals[0].as_ref().unwrap());
}

#[test]
fn each_change_of_the_policies_is_kept() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[1]);
    for (second, digest) in [(3, "a"), (4, "a"), (5, "b"), (6, "a")] {
        fixture.queue.set_policies("job-1", digest, &format!("text of {digest}"), at(second)).unwrap();
    }
    let kept = fixture.client().policy_snapshots("job-1").unwrap();
    let kept: Vec<_> = kept.iter().map(|one| (one.at, one.digest.as_str(), one.documents.as_str())).collect();
    assert_eq!(kept, [(at(3), "a", "text of a"), (at(5), "b", "text of b"), (at(6), "a", "text of a")]);
    assert_eq!(fixture.queue.job("job-1").unwrap().policy_digest.as_deref(), Some("a"));
}

#[test]
fn a_job_as_json_has_its_fields() {
    let fixture = Fixture::engine();
    fixture.submit("job-1");
    let json = serde_json::to_value(fixture.queue.job("job-1").unwrap()).unwrap();
    assert_eq!(json["state"], "New");
    assert_eq!(json["spec"]["role"], "operator");
    assert_eq!(json["created_at"], at(1).to_string());
}
