use super::*;
use crate::lock::{Lock, RetentionChange};

const LATE: &str = "2030-01-01T00:00:00Z";

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn on(mode: Option<Mode>, days: Option<i32>) -> EventHold {
    EventHold::new(true, mode, days, None).unwrap()
}

fn off() -> EventHold {
    EventHold::new(false, None, None, None).unwrap()
}

fn held(hold: EventHold) -> Lock {
    Lock { event_hold: Some(hold), ..Lock::default() }
}

fn kept(mode: Mode, until: &str) -> Retention {
    Retention { mode, until: until.parse().unwrap() }
}

fn change(lock: &Lock, retention: Option<Retention>, event_hold: Option<EventHold>) -> S3Result<Lock> {
    lock.clone().changed(RetentionChange { retention, event_hold, bypass: false }, now())
}

fn code<T: std::fmt::Debug>(result: S3Result<T>) -> String {
    result.unwrap_err().code().as_str().to_owned()
}

#[test]
fn durations_have_limits() {
    let new = |days, years| EventHold::new(true, None, days, years);
    for (days, years) in
        [(Some(1), None), (Some(36_500), None), (None, Some(1)), (None, Some(100)), (None, None)]
    {
        assert!(new(days, years).is_ok());
    }
    for (days, years) in [(Some(0), None), (Some(36_501), None), (None, Some(-1)), (None, Some(101))] {
        assert_eq!(code(new(days, years)), "InvalidArgument");
    }
    assert_eq!(code(new(Some(1), Some(1))), "InvalidRequest");
    assert_eq!(code(EventHold::new(false, None, Some(1), None)), "InvalidRequest");
}

#[test]
fn who_may_delete_what_is_held() {
    let both = |lock: &Lock| {
        let allowed = |bypass| lock.check_delete(bypass, now()).is_ok();
        (allowed(false), allowed(true))
    };
    assert_eq!(both(&held(on(Some(Mode::Governance), Some(1)))), (false, true));
    assert_eq!(both(&held(on(Some(Mode::Compliance), Some(1)))), (false, false));
    assert_eq!(both(&held(on(None, None))), (false, false));
    assert_eq!(both(&held(off())), (true, true));
    let retained =
        Lock { retention: Some(kept(Mode::Compliance, LATE)), ..held(on(Some(Mode::Governance), None)) };
    assert_eq!(both(&retained), (false, false));
}

#[test]
fn what_a_hold_says_nothing_of_stays() {
    let lock = held(on(Some(Mode::Governance), Some(30)));
    assert_eq!(change(&lock, None, Some(on(None, None))).unwrap(), lock);
    let longer = change(&lock, None, Some(on(None, Some(40)))).unwrap();
    assert_eq!(longer, held(on(Some(Mode::Governance), Some(40))));
    let released = change(&lock, None, Some(off())).unwrap();
    let again = change(&released, None, Some(on(None, None))).unwrap();
    assert_eq!(
        again.event_hold,
        Some(on(Some(Mode::Governance), None)),
        "of the retention that the release began"
    );

    let retained = Lock { retention: Some(kept(Mode::Governance, LATE)), ..Lock::default() };
    let both = change(&retained, None, Some(on(None, Some(1)))).unwrap();
    assert_eq!(both, Lock { event_hold: Some(on(Some(Mode::Governance), Some(1))), ..retained });
    let removed =
        both.clone().changed(RetentionChange { retention: None, event_hold: None, bypass: true }, now());
    assert_eq!(removed.unwrap(), Lock { retention: None, ..both });
}

#[test]
fn compliance_is_not_loosened() {
    let lock = held(on(Some(Mode::Compliance), Some(30)));
    for weaker in [on(Some(Mode::Governance), None), on(None, Some(29))] {
        assert_eq!(code(change(&lock, None, Some(weaker))), "AccessDenied");
    }
    assert_eq!(
        change(&lock, None, Some(on(None, Some(31)))).unwrap(),
        held(on(Some(Mode::Compliance), Some(31)))
    );
    let governed = held(on(Some(Mode::Governance), Some(30)));
    assert!(change(&governed, None, Some(on(Some(Mode::Compliance), Some(1)))).is_ok());
}

#[test]
fn a_release_begins_a_retention() {
    use Mode::{Compliance, Governance};
    let release = |hold: EventHold, retention: Option<Retention>| {
        let released = change(&Lock { retention, ..held(hold) }, None, Some(off())).unwrap();
        assert_eq!(released.event_hold, Some(off()));
        released.retention
    };
    let end = "2026-04-09T12:00:00Z";
    assert_eq!(release(on(None, Some(30)), None), Some(kept(Governance, end)));
    assert_eq!(release(on(Some(Compliance), Some(30)), None), Some(kept(Compliance, end)));
    assert_eq!(release(on(Some(Governance), None), None), None);
    let years = EventHold::new(true, None, None, Some(1)).unwrap();
    assert_eq!(release(years, None), Some(kept(Governance, "2027-03-10T12:00:00Z")));

    let late = kept(Governance, LATE);
    assert_eq!(release(on(Some(Compliance), Some(30)), Some(late.clone())), Some(late.clone()));
    let soon = |mode| Some(kept(mode, "2026-03-11T00:00:00Z"));
    assert_eq!(release(on(Some(Governance), Some(30)), soon(Compliance)), Some(kept(Compliance, end)));
    let past = Some(kept(Compliance, "2026-01-01T00:00:00Z"));
    assert_eq!(release(on(Some(Governance), Some(30)), past), Some(kept(Governance, end)));

    assert_eq!(change(&Lock::default(), None, Some(off())).unwrap(), held(off()));
    assert_eq!(release(off(), Some(late.clone())), Some(late.clone()));
    assert_eq!(code(change(&held(on(None, None)), Some(late), Some(off()))), "InvalidRequest");
}

#[test]
fn the_mode_to_show_is_the_one_that_holds() {
    let mode = |until| {
        let lock = held(on(Some(Mode::Compliance), None));
        Lock { retention: Some(kept(Mode::Governance, until)), ..lock }.mode(now())
    };
    assert_eq!(mode(LATE), Some(Mode::Governance));
    assert_eq!(mode("2026-01-01T00:00:00Z"), Some(Mode::Compliance));
    assert_eq!(held(on(None, Some(1))).mode(now()), None);
    assert_eq!(held(on(Some(Mode::Compliance), None)).mode(now()), Some(Mode::Compliance));
}
