use proptest::prelude::*;

use super::*;

fn rule(text: &str) -> FaultRule {
    text.parse().unwrap()
}

fn reason(text: &str) -> String {
    text.parse::<FaultRule>().unwrap_err().to_string()
}

fn put(key: &str) -> Request<'_> {
    Request { method: &Method::PUT, bucket: Some("logs"), key: Some(key) }
}

#[test]
fn a_rule_is_its_words() {
    let rule =
        rule("status=503,code=SlowDown,rate=0.3,method=PUT,key=logs/*,count=100,delay=2s,seed=7,bucket=b?");
    assert_eq!(
        rule,
        FaultRule {
            effect: Effect::Fail {
                status: StatusCode::SERVICE_UNAVAILABLE,
                code: "SlowDown".into(),
                retry_after: None
            },
            delay: Duration::from_secs(2),
            at_once: None,
            per_second: None,
            rate: 0.3,
            seed: 7,
            count: Some(100),
            method: Some(Method::PUT),
            bucket: Some("b?".into()),
            key: Some("logs/*".into()),
        }
    );
}

#[test]
fn a_status_has_its_usual_code() {
    let code = |text: &str| match rule(text).effect {
        Effect::Fail { code, .. } => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code("status=500"), "InternalError");
    assert_eq!(code("status=503"), "SlowDown");
    assert_eq!(code("status=403"), "AccessDenied");
}

#[test]
fn what_is_wrong_with_a_rule_is_said() {
    let cases = [
        ("status=200", "`status` is a number from 400 to 599, not `200`"),
        (
            "status=503,prefix=x",
            "unknown word `prefix`; the words are status, code, retry-after, delay, reset",
        ),
        ("", "unknown word ``"),
        ("status", "`status` needs a value"),
        ("delay=5", "`delay` is a number with `ms` or `s`, at most 600s"),
        ("delay=601s", "at most 600s"),
        ("reset=1", "`reset` takes no value"),
        ("reset,status=500", "`status` and `reset` exclude each other"),
        ("code=SlowDown,reset", "`code` needs a `status`"),
        ("rate=0.5", "it does nothing: give `status`, `reset` or `delay`"),
        ("delay=1s,retry-after=1", "`retry-after` needs a `status`"),
        ("reset,at-once=few", "`at-once` is a whole number"),
        ("reset,rate=1.5", "`rate` is a number from 0 to 1"),
        ("reset,count=-1", "`count` is a whole number"),
        ("reset,method=put", "`method` is GET, HEAD, PUT, POST or DELETE, not `put`"),
        ("reset,rate=1,rate=1", "`rate` is given twice"),
    ];
    for (text, expected) in cases {
        let reason = reason(text);
        assert!(reason.contains(expected), "{text}: {reason}");
        assert!(reason.starts_with(&format!("fault rule `{text}`: ")), "{reason}");
    }
}

#[test]
fn a_rule_strikes_what_it_names_and_as_often_as_it_says() {
    let faults = Faults::new(vec![rule("status=503,method=PUT,key=a/*,bucket=l?gs,count=2")]);
    let get = Request { method: &Method::GET, ..put("a/1") };
    let other_bucket = Request { bucket: Some("other"), ..put("a/1") };
    let no_key = Request { key: None, ..put("") };
    for request in [get, other_bucket, no_key, put("b/1")] {
        assert_eq!(faults.judge(&request).effect, Effect::Handle, "{request:?}");
    }
    let struck = (0..5).filter(|_| faults.judge(&put("a/1")).effect != Effect::Handle).count();
    assert_eq!(struck, 2);
}

#[test]
fn delays_add_up_and_the_first_end_wins() {
    let rules = ["delay=1s", "delay=2s,status=500", "reset,delay=4s"].map(rule).to_vec();
    let verdict = Faults::new(rules).judge(&put("k"));
    assert_eq!(verdict.delay, Duration::from_secs(3));
    assert_eq!(
        verdict.effect,
        Effect::Fail {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalError".into(),
            retry_after: None
        }
    );
}

#[test]
fn a_store_takes_so_many_requests_at_once() {
    let faults = Faults::new(vec![rule("status=503,at-once=2,method=PUT,retry-after=7")]);
    let (first, second) = (faults.judge(&put("a")), faults.judge(&put("b")));
    assert_eq!((&first.effect, &second.effect), (&Effect::Handle, &Effect::Handle));
    let slow = Effect::Fail {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "SlowDown".into(),
        retry_after: Some(7),
    };
    assert_eq!(faults.judge(&put("c")).effect, slow);
    assert_eq!(faults.judge(&Request { method: &Method::GET, ..put("c") }).effect, Effect::Handle);
    drop(second);
    let third = faults.judge(&put("c"));
    assert_eq!(third.effect, Effect::Handle);
    assert_eq!(faults.judge(&put("d")).effect, slow);
}

#[test]
fn a_store_takes_so_many_requests_in_a_second() {
    let begin = Instant::now();
    let mut second = Second { begin, requests: 0 };
    assert_eq!([0, 999, 1000, 1500].map(|ms| second.count(begin + Duration::from_millis(ms))), [0, 1, 0, 1]);
    let faults = Faults::new(vec![rule("status=503,per-second=0")]);
    assert_ne!(faults.judge(&put("a")).effect, Effect::Handle);
}

#[test]
fn chance_is_repeatable_and_near_its_rate() {
    let sequence = |text: &str| {
        let faults = Faults::new(vec![rule(text)]);
        (0..1000).map(|_| faults.judge(&put("k")).effect == Effect::Reset).collect::<Vec<_>>()
    };
    let struck = sequence("reset,rate=0.3");
    assert_eq!(struck, sequence("reset,rate=0.3"));
    assert_ne!(struck, sequence("reset,rate=0.3,seed=1"));
    // The sequence is fixed by its seed, so this cannot fail by chance.
    assert!((250..350).contains(&struck.iter().filter(|struck| **struck).count()));
    assert!(sequence("reset,rate=0").iter().all(|struck| !struck));
    assert!(sequence("reset,rate=1").iter().all(|struck| *struck));
}

/// The definition of a pattern, without thought for its cost.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => naive(rest, text) || (!text.is_empty() && naive(pattern, &text[1..])),
        (Some((p, rest)), Some((t, text))) => (*p == '?' || p == t) && naive(rest, text),
        _ => false,
    }
}

proptest! {
    #[test]
    fn patterns_match_by_definition(pattern in "[ab*?]{0,8}", text in "[abé]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(glob(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
    }

    #[test]
    fn any_text_is_a_rule_or_an_error_that_quotes_it(text in "\\PC{0,40}") {
        if let Err(error) = text.parse::<FaultRule>() {
            prop_assert!(error.to_string().contains(&text));
        }
    }
}
