//! When a job stops, and when its requests are sent again.

use insta::assert_snapshot;

use super::tests::{MINIMAL, parse, problems};
use crate::spec::RetryClass;

#[test]
fn rules_that_stop_a_job() {
    let job = parse(&format!("{MINIMAL}\n[[limits.stop]]\ncodes = ['AccessDenied', 'Slow*']")).unwrap();
    assert!(job.limits.stop[0].matches("SlowDown") && !job.limits.stop[0].matches("NoSuchKey"));
    assert_eq!(job.limits.stop[0].count, 1);
    assert_snapshot!(problems(&format!(
        "{MINIMAL}\n[limits]\nfailure-threshold = {{ count = 0 }}\n[[limits.stop]]\n[[limits.stop]]\ncodes = []\ncount = 0\n\
         [[limits.stop]]\ncodes = ['no code']\ncode = 'AccessDenied'"
    )));
}

#[test]
fn when_requests_are_sent_again() {
    let retry = parse(&format!("{MINIMAL}\nretry = {{ codes = ['Operation*'] }}")).unwrap().retry.errors;
    let class = Some(RetryClass::Throttling);
    assert!(retry.include(class, "SlowDown") && retry.include(None, "OperationAborted"));
    assert!(!retry.include(None, "NoSuchKey"));
    let none = parse(&format!("{MINIMAL}\nretry = {{ classes = [] }}")).unwrap().retry.errors;
    assert!(!none.include(class, "SlowDown"));
    assert_snapshot!(problems(&format!(
        "{MINIMAL}\n[retry]\nattempts = 0\nbase-delay = 'soon'\nmax-delay = '1h'\ntotal-time = '1ms'\n\
         classes = ['throtling', 'connection', 'connection']\ncodes = ['']\ncode = 'X'"
    )));
}
