use proptest::prelude::*;

use super::*;

const DELAY: Duration = Duration::from_secs(10);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn code(result: S3Result<Accepted>) -> String {
    result.unwrap_err().code().as_str().to_owned()
}

#[test]
fn a_restore_goes_on_then_is_readable_then_expires() {
    let start = at("2026-03-10T12:00:00Z");
    let accepted = request("GLACIER", None, 2, Tier::Standard, start, DELAY).unwrap();
    assert!(!accepted.already_restored);
    let restore = Some(&accepted.restore);
    assert_eq!(state("GLACIER", restore, start), State::Ongoing);
    assert_eq!(header("GLACIER", restore, start).unwrap(), "ongoing-request=\"true\"");
    assert!(check_readable("GLACIER", restore, start).is_err());

    let ready = at("2026-03-10T12:00:10Z");
    assert_eq!(
        header("GLACIER", restore, ready).unwrap(),
        "ongoing-request=\"false\", expiry-date=\"Fri, 13 Mar 2026 00:00:00 GMT\""
    );
    assert!(check_readable("GLACIER", restore, ready).is_ok());

    let expired = at("2026-03-13T00:00:00Z");
    assert_eq!(state("GLACIER", restore, expired), State::Archived);
    assert_eq!(header("GLACIER", restore, expired), None);
    assert!(check_readable("GLACIER", restore, expired).is_err());
}

#[test]
fn without_a_delay_it_is_readable_at_once() {
    let now = at("2026-03-10T12:00:00Z");
    let accepted = request("DEEP_ARCHIVE", None, 1, Tier::Bulk, now, Duration::ZERO).unwrap();
    assert!(!accepted.already_restored);
    assert!(check_readable("DEEP_ARCHIVE", Some(&accepted.restore), now).is_ok());
}

#[test]
fn an_ongoing_restore_can_only_be_sped_up() {
    let now = at("2026-03-10T12:00:00Z");
    let ongoing = request("GLACIER", None, 5, Tier::Standard, now, DELAY).unwrap().restore;
    let again = |days, tier| request("GLACIER", Some(&ongoing), days, tier, now, DELAY);
    assert_eq!(code(again(5, Tier::Standard)), "RestoreAlreadyInProgress");
    assert_eq!(code(again(5, Tier::Bulk)), "RestoreAlreadyInProgress");
    assert_eq!(code(again(6, Tier::Expedited)), "RestoreAlreadyInProgress");
    let upgraded = again(5, Tier::Expedited).unwrap();
    assert!(!upgraded.already_restored);
    assert_eq!(upgraded.restore, Restore { tier: Tier::Expedited, ..ongoing.clone() });
}

#[test]
fn a_restored_object_gets_a_new_expiry() {
    let restored =
        request("GLACIER", None, 1, Tier::Standard, at("2026-03-10T12:00:00Z"), DELAY).unwrap().restore;
    let later = at("2026-03-11T08:00:00Z");
    let accepted = request("GLACIER", Some(&restored), 10, Tier::Bulk, later, DELAY).unwrap();
    assert!(accepted.already_restored);
    assert_eq!(state("GLACIER", Some(&accepted.restore), later), State::Restored(at("2026-03-22T00:00:00Z")));
}

#[test]
fn what_is_not_archived_cannot_be_restored() {
    let now = at("2026-03-10T12:00:00Z");
    for class in ["STANDARD", "GLACIER_IR", "INTELLIGENT_TIERING"] {
        assert_eq!(code(request(class, None, 1, Tier::Standard, now, DELAY)), "InvalidObjectState");
        assert!(check_readable(class, None, now).is_ok());
    }
    assert_eq!(code(request("DEEP_ARCHIVE", None, 1, Tier::Expedited, now, DELAY)), "InvalidArgument");
    assert_eq!(code(request("GLACIER", None, 0, Tier::Standard, now, DELAY)), "InvalidArgument");
    assert_eq!(code(request("GLACIER", None, i32::MAX, Tier::Standard, now, DELAY)), "InvalidArgument");
}

fn tiers() -> impl Strategy<Value = Tier> {
    prop_oneof![Just(Tier::Bulk), Just(Tier::Standard), Just(Tier::Expedited)]
}

proptest! {
    /// Whatever is asked, whenever: an accepted request never takes readability away, and never gives it early.
    #[test]
    fn requests_keep_what_was_promised(steps in prop::collection::vec((0_i64..400_000, 1_i32..5, tiers()), 1..20)) {
        let mut now = at("2026-01-01T00:00:00Z");
        let mut restore: Option<Restore> = None;
        for (wait, days, tier) in steps {
            now += Duration::from_secs(wait.unsigned_abs());
            let before = state("GLACIER", restore.as_ref(), now);
            if let Ok(accepted) = request("GLACIER", restore.as_ref(), days, tier, now, DELAY) {
                let after = state("GLACIER", Some(&accepted.restore), now);
                prop_assert_eq!(accepted.already_restored, matches!(before, State::Restored(_)));
                prop_assert_eq!(matches!(after, State::Restored(_)), matches!(before, State::Restored(_)));
                prop_assert!(accepted.restore.ready <= accepted.restore.expiry);
                if before == State::Ongoing {
                    prop_assert_eq!(accepted.restore.ready, restore.map(|r| r.ready).unwrap());
                }
                restore = Some(accepted.restore);
            } else {
                prop_assert_eq!(before, State::Ongoing);
            }
        }
    }
}

#[test]
fn a_tier_is_left_for_good() {
    let now = at("2026-03-10T12:00:00Z");
    for tier in TIERS {
        assert!(check_readable(tier, None, now).is_err());
        assert_eq!(code(request(tier, None, 1, Tier::Standard, now, DELAY)), "InvalidArgument");
        let restore = request(tier, None, None, Tier::Bulk, now, DELAY).unwrap().restore;
        assert_eq!(state(tier, Some(&restore), now), State::Ongoing);
        assert_eq!(restore.ready, restore.expiry, "there is no copy that expires");
    }
    assert_eq!(
        code(request(DEEP_ARCHIVE_ACCESS, None, None, Tier::Expedited, now, DELAY)),
        "InvalidArgument"
    );
    assert_eq!(code(request("GLACIER", None, None, Tier::Standard, now, DELAY)), "MalformedXML");
}
