//! The outbox: every transition is told, whoever made it, and what is told is kept until it was delivered.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use common::{Fixture, at};
use longshore_job::JobState;
use longshore_queue::{NewNotification, QueueError, Told};

fn notification(told: &Told, target: &str) -> NewNotification {
    NewNotification {
        id: format!("{}-{}", told.job.id, told.event),
        target: target.into(),
        job: told.job.id.clone(),
        status: told.record.to.name().into(),
        at: told.record.at,
        body: "{}".into(),
    }
}

/// Tells `target` of everything in the outbox.
fn route(fixture: &Fixture, target: &str) -> usize {
    let outbox = fixture.queue.outbox(100).unwrap();
    let notifications = outbox.iter().map(|told| notification(told, target)).collect();
    fixture.queue.notify(outbox.iter().map(|told| told.event).collect(), notifications, at(10)).unwrap();
    outbox.len()
}

#[test]
fn transitions_of_the_engine_and_of_users_are_told_once_each() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[1]);
    let client = fixture.client();
    client.set_priority("job-1", 7, at(3)).unwrap();
    client.request_cancel("job-1", "enough", at(3)).unwrap();
    let states: Vec<_> = fixture.queue.outbox(100).unwrap().iter().map(|told| told.record.to).collect();
    let events: Vec<_> = fixture.queue.events("job-1").unwrap();
    let moved = events.iter().filter(|event| event.from != Some(event.to)).map(|event| event.to);
    assert_eq!(states, moved.collect::<Vec<_>>());
    assert_eq!(states.last(), Some(&JobState::Cancelling));
    assert_eq!(fixture.queue.outbox(2).unwrap().len(), 2, "bounded");

    // What was refused is not told: the transaction left nothing.
    let refused =
        fixture.queue.transition("job-1", JobState::Active, JobState::Completing, "", "engine", at(4));
    assert!(matches!(refused, Err(QueueError::State { .. })));
    assert_eq!(route(&fixture, "hook"), states.len());
    let fixture = fixture.reopen();
    assert_eq!(route(&fixture, "hook"), 0);
    assert_eq!(fixture.queue.notifications().unwrap().len(), states.len());
}

#[test]
fn a_notification_goes_once_it_is_delivered_and_stays_when_it_is_given_up() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[1]);
    route(&fixture, "hook");
    let due = |now| fixture.queue.due_notifications("hook", at(now), 100).unwrap();
    assert!(due(9).is_empty() && fixture.queue.due_notifications("other", at(10), 100).unwrap().is_empty());
    let all = due(10);
    assert_eq!(due(10).len(), 4);
    fixture.queue.notification_delivered(all[0].number).unwrap();
    fixture.queue.notification_failed(all[1].number, "later", Some(at(20))).unwrap();
    fixture.queue.notification_failed(all[2].number, "never", None).unwrap();
    assert_eq!(due(19).iter().map(|told| told.number).collect::<Vec<_>>(), [all[3].number]);
    assert_eq!(due(20).len(), 2);
    let left = fixture.queue.notifications().unwrap();
    let stands: Vec<_> =
        left.iter().map(|told| (told.attempts, told.last_error.as_deref(), told.next_at)).collect();
    assert_eq!(stands, [(1, Some("later"), Some(at(20))), (1, Some("never"), None), (0, None, Some(at(10)))]);

    // A user may have all of it tried again, beside an engine; only the engine says what became of it.
    let client = fixture.client();
    assert_eq!(client.retry_notifications(at(30)).unwrap(), 3);
    assert_eq!((due(29).len(), due(30).len()), (0, 3));
    assert!(matches!(client.notification_delivered(all[3].number), Err(QueueError::NotEngine { .. })));
}
