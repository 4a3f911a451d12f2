//! What the store keeps of what copies ask for.

use longshore_sdk::testing::{FakeStore, operation};
use longshore_sdk::{Operation, Outcome};

use super::{A, with_etag};
use crate::Copy;

const ASKING: [(&str, &str, &str); 6] = [
    (
        r#""lock": {"mode": "GOVERNANCE", "retain-until": "2030-01-31T00:00:00Z"}"#,
        "GetObjectRetention",
        "x-amz-object-lock-mode",
    ),
    (r#""legal-hold": true"#, "GetObjectLegalHold", "x-amz-object-lock-legal-hold"),
    (r#""canned-acl": "public-read""#, "GetObjectAcl", "x-amz-acl"),
    (r#""grants": [{"type": "id", "grantee": "x", "permission": "READ"}]"#, "GetObjectAcl", "x-amz-grant-*"),
    (r#""checksum-algorithm": "SHA256""#, "HeadObject", "x-amz-checksum-algorithm"),
    (r#""redirect-location": "/there""#, "HeadObject", "x-amz-website-redirect-location"),
];

#[test]
fn a_store_is_asked_until_it_kept_what_a_copy_was_to_have() {
    for (asked, call, _) in ASKING {
        let store = FakeStore::new();
        store.insert("src", "k", with_etag(A));
        let operation = operation::<Copy>(&format!(r#"{{"target-bucket": "dst", {asked}}}"#)).unwrap();
        for _ in 0..2 {
            assert_eq!(operation.run(&store.object("src", "k"), &store.task()), Ok(Outcome::done()));
        }
        let calls: Vec<_> = store.requests().iter().map(|sent| sent.call).collect();
        assert_eq!(calls, ["CopyObject", call, "CopyObject"], "{asked}");
    }
}

#[test]
fn what_a_store_ignores_is_no_success() {
    for (asked, _, header) in ASKING {
        let store = FakeStore::new();
        store.insert("dst", "k", with_etag(A));
        let operation = operation::<Copy>(&format!(r#"{{"target-bucket": "dst", {asked}}}"#)).unwrap();
        for _ in 0..2 {
            let failure = operation.confirm(&store.object("src", "k"), "k", None).unwrap_err();
            assert_eq!(failure.code, "NotImplemented");
            assert!(failure.message.starts_with(&format!("the store does not support {header} on copies")));
        }
    }
}

#[test]
fn what_a_store_does_not_tell_is_said_once() {
    for (asked, call, header) in ASKING {
        let store = FakeStore::new();
        store.insert("src", "k", with_etag(A));
        store.fail(call, "AccessDenied", 403);
        let operation = operation::<Copy>(&format!(r#"{{"target-bucket": "dst", {asked}}}"#)).unwrap();
        let said = operation.run(&store.object("src", "k"), &store.task()).unwrap();
        let begin = format!("whether the store kept {header} is not known: AccessDenied");
        assert!(matches!(&said, Outcome::Done(Some(said)) if said.starts_with(&begin)), "{said:?}");
        assert_eq!(operation.run(&store.object("src", "k"), &store.task()), Ok(Outcome::done()));
    }
}
