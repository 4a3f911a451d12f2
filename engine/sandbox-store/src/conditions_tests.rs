use std::time::{Duration, SystemTime};

use super::*;

fn time(seconds: u64) -> Timestamp {
    Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn etag(value: &str) -> Option<ETagCondition> {
    Some(ETagCondition::ETag(ETag::Strong(value.to_owned())))
}

/// Judges an object with entity tag `a`, modified at 100.
fn judged(conditions: &Conditions) -> Verdict {
    judge(conditions, "a", &time(100))
}

#[test]
fn each_condition_alone() {
    let none = Conditions::default;
    let cases = [
        (none(), Verdict::Proceed),
        (Conditions { if_match: etag("a"), ..none() }, Verdict::Proceed),
        (Conditions { if_match: Some(ETagCondition::Any), ..none() }, Verdict::Proceed),
        (Conditions { if_match: etag("b"), ..none() }, Verdict::Failed),
        (Conditions { if_none_match: etag("a"), ..none() }, Verdict::NotModified),
        (Conditions { if_none_match: Some(ETagCondition::Any), ..none() }, Verdict::NotModified),
        (Conditions { if_none_match: etag("b"), ..none() }, Verdict::Proceed),
        (Conditions { if_modified_since: Some(time(99)), ..none() }, Verdict::Proceed),
        (Conditions { if_modified_since: Some(time(100)), ..none() }, Verdict::NotModified),
        (Conditions { if_unmodified_since: Some(time(100)), ..none() }, Verdict::Proceed),
        (Conditions { if_unmodified_since: Some(time(99)), ..none() }, Verdict::Failed),
    ];
    for (conditions, verdict) in cases {
        assert_eq!(judged(&conditions), verdict, "{conditions:?}");
    }
}

#[test]
fn entity_tags_win_over_dates() {
    let matching =
        Conditions { if_match: etag("a"), if_unmodified_since: Some(time(1)), ..Conditions::default() };
    assert_eq!(judged(&matching), Verdict::Proceed);
    let same =
        Conditions { if_none_match: etag("a"), if_modified_since: Some(time(1)), ..Conditions::default() };
    assert_eq!(judged(&same), Verdict::NotModified);
}

#[test]
fn writes_are_conditional_on_the_current_object() {
    let code = |result: S3Result<()>| result.unwrap_err().code().as_str().to_owned();
    let any = Some(ETagCondition::Any);
    assert!(check_write(None, None, Some("a")).is_ok());
    assert!(check_write(None, any.as_ref(), None).is_ok());
    assert_eq!(code(check_write(None, any.as_ref(), Some("a"))), "PreconditionFailed");
    assert_eq!(code(check_write(None, etag("a").as_ref(), None)), "NotImplemented");
    assert!(check_write(etag("a").as_ref(), None, Some("a")).is_ok());
    assert_eq!(code(check_write(etag("b").as_ref(), None, Some("a"))), "PreconditionFailed");
    assert_eq!(code(check_write(etag("a").as_ref(), None, None)), "NoSuchKey");
}
