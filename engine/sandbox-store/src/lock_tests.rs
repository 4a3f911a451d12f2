use super::*;

const NOW: &str = "2026-03-10T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn kept(mode: Mode, until: &str) -> Retention {
    Retention { mode, until: until.parse().unwrap() }
}

fn lock(retention: Retention) -> Lock {
    Lock { retention: Some(retention), ..Lock::default() }
}

fn code<T: std::fmt::Debug>(result: S3Result<T>) -> String {
    result.unwrap_err().code().as_str().to_owned()
}

#[test]
fn who_may_delete() {
    let soon = "2026-03-11T00:00:00Z";
    let past = "2026-03-10T12:00:00Z";
    let allowed = |lock: Lock, bypass| lock.check_delete(bypass, now()).is_ok();
    let both = |lock: Lock| (allowed(lock.clone(), false), allowed(lock, true));
    assert_eq!(both(Lock::default()), (true, true));
    assert_eq!(both(lock(kept(Mode::Governance, soon))), (false, true));
    assert_eq!(both(lock(kept(Mode::Compliance, soon))), (false, false));
    assert_eq!(both(lock(kept(Mode::Compliance, past))), (true, true));
    assert_eq!(both(Lock { legal_hold: Some(true), ..Lock::default() }), (false, false));
    assert_eq!(both(Lock { legal_hold: Some(false), ..Lock::default() }), (true, true));
    let held = Lock { legal_hold: Some(true), ..lock(kept(Mode::Governance, soon)) };
    assert_eq!(both(held), (false, false));
}

#[test]
fn a_retention_is_only_made_longer_and_stronger() {
    let (soon, late) = ("2026-03-11T00:00:00Z", "2026-03-12T00:00:00Z");
    let may = |current: Retention, new: Option<Retention>, bypass| {
        lock(current).check_retention(new.as_ref(), bypass, now()).is_ok()
    };
    use Mode::{Compliance, Governance};
    for mode in [Governance, Compliance] {
        let bypassed = mode == Governance;
        for (new, without) in [
            (Some(kept(mode, late)), true),
            (Some(kept(mode, soon)), true),
            (Some(kept(mode, NOW)), false),
            (Some(kept(Compliance, soon)), true),
            (None, false),
        ] {
            assert_eq!(may(kept(mode, soon), new.clone(), false), without, "{mode:?} {new:?}");
            assert_eq!(may(kept(mode, soon), new.clone(), true), without || bypassed, "{mode:?} {new:?}");
        }
    }
    assert!(!may(kept(Compliance, soon), Some(kept(Governance, late)), true));
    assert!(may(kept(Compliance, NOW), None, false));
}

#[test]
fn a_default_retention_is_for_what_names_none() {
    let default = DefaultRetention::new(Some("GOVERNANCE"), Some(2), None).unwrap();
    let bucket = BucketLock { default: Some(default) };
    let written = Lock::of_new(&Lock::default(), Some(&bucket), now()).unwrap();
    assert_eq!(written, lock(kept(Mode::Governance, "2026-03-12T12:00:00Z")));
    let asked = lock(kept(Mode::Compliance, "2027-01-01T00:00:00Z"));
    assert_eq!(Lock::of_new(&asked, Some(&bucket), now()).unwrap(), asked);
    assert_eq!(Lock::of_new(&Lock::default(), None, now()).unwrap(), Lock::default());
    assert_eq!(code(Lock::of_new(&asked, None, now())), "InvalidRequest");
    let years = DefaultRetention::new(Some("COMPLIANCE"), None, Some(1)).unwrap();
    assert_eq!(years.from(now()).unwrap(), kept(Mode::Compliance, "2027-03-10T12:00:00Z"));
}

#[test]
fn default_retentions_have_limits() {
    let new = |mode, days, years| code(DefaultRetention::new(mode, days, years));
    assert_eq!(new(Some("GOVERNANCE"), Some(0), None), "InvalidArgument");
    assert_eq!(new(Some("GOVERNANCE"), Some(36_501), None), "InvalidArgument");
    assert_eq!(new(Some("GOVERNANCE"), None, Some(-1)), "InvalidArgument");
    assert_eq!(new(Some("GOVERNANCE"), None, Some(101)), "InvalidArgument");
    assert_eq!(new(Some("GOVERNANCE"), Some(1), Some(1)), "MalformedXML");
    assert_eq!(new(Some("GOVERNANCE"), None, None), "MalformedXML");
    assert_eq!(new(Some("governance"), Some(1), None), "MalformedXML");
    assert_eq!(new(None, Some(1), None), "MalformedXML");
    assert_eq!(code(Retention::new(Mode::Governance, now(), now())), "InvalidArgument");
}
