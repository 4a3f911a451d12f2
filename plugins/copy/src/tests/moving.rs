//! Moves.

use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::{A, B, run_on, with_etag};
use crate::Copy;
use crate::compare::Content;

const MOVE: &str = r#"{"target-bucket": "dst", "mode": "move"}"#;

#[test]
fn a_move_copies_verifies_and_deletes() {
    let store = FakeStore::new();
    store.insert("src", "k", with_etag(A));
    let outcome = run_on("k", MOVE, &store).unwrap();
    assert_eq!(outcome, Outcome::done_with(format!("moved; verified: 3 bytes, ETag {A}")));
    assert_eq!((store.fixture("src", "k"), store.fixture("dst", "k")), (None, Some(with_etag(A))));
    let calls: Vec<_> = store.requests().iter().map(|sent| sent.call).collect();
    assert_eq!(calls, ["HeadObject", "HeadObject", "CopyObject", "HeadObject", "HeadObject", "DeleteObject"]);
}

#[test]
fn a_move_that_is_not_verified_deletes_nothing() {
    for (call, code, status) in [("CopyObject", "InternalError", 500), ("DeleteObject", "AccessDenied", 403)]
    {
        let store = FakeStore::new();
        store.insert("src", "k", with_etag(A));
        store.fail(call, code, status);
        assert_eq!(run_on("k", MOVE, &store).unwrap_err().code, code);
        assert_eq!(store.fixture("src", "k"), Some(with_etag(A)));
    }
    // In place: the copy is the source.
    let store = FakeStore::new();
    store.insert("src", "k", with_etag(A));
    let failure =
        run_on("k", r#"{"target-bucket": "src", "mode": "move", "storage-class": "GLACIER"}"#, &store);
    assert_eq!(failure.unwrap_err().code, "InvalidRequest");
    assert!(store.sent().is_empty());
}

#[test]
fn a_move_made_twice_is_skipped_where_the_row_knows_the_etag() {
    let store = FakeStore::new();
    store.insert("src", "k", with_etag(A));
    let operation = operation::<Copy>(MOVE).unwrap();
    let run = |etag: &str| operation.run(&store.object("src", "k"), &store.task_with([("ETag", etag)]));
    assert!(matches!(run(A), Ok(Outcome::Done(_))));
    assert!(matches!(run(A), Ok(Outcome::Skipped(_))));
    assert_eq!(run(B).unwrap_err().code, "NoSuchKey");
    assert_eq!(run_on("k", MOVE, &store).unwrap_err().code, "NoSuchKey");
}

/// What nothing tells from what is there may be it, under another name of the store.
#[test]
fn a_move_onto_what_may_be_its_source_deletes_nothing() {
    let written =
        |second| Fixture { last_modified: Some(format!("2026-01-01T00:00:0{second}Z")), ..with_etag(A) };
    for parameters in [
        r#"{"target-bucket": "src", "target-store": "alias", "mode": "move"}"#,
        r#"{"target-bucket": "src", "target-store": "alias", "mode": "move", "overwrite": false}"#,
        r#"{"target-bucket": "src", "target-store": "alias", "mode": "move", "skip-identical": true}"#,
    ] {
        let store = FakeStore::new();
        store.insert("src", "k", written(1));
        let failure = run_on("k", parameters, &store).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidRequest", Some(400)));
        assert!(failure.message.contains("the two may be one object"), "{failure:?}");
        assert_eq!(store.fixture("src", "k"), Some(written(1)));
        let calls: Vec<_> = store.requests().iter().map(|sent| sent.call).collect();
        assert_eq!(calls, ["HeadObject", "HeadObject"]);
    }
}

fn later(fixture: Fixture) -> Fixture {
    Fixture { last_modified: Some("2026-01-02T00:00:00Z".to_owned()), ..fixture }
}

/// What is at the target, what a move with these parameters ends with, and whether its source is gone.
#[test]
fn a_move_deletes_only_what_is_there_as_it_was_asked_for() {
    let described = Fixture { user_metadata: vec![("a".to_owned(), "b".to_owned())], ..with_etag(A) };
    let other = "PreconditionFailed";
    for (there, more, column, failure) in [
        (later(with_etag(A)), "", A, None),
        (later(with_etag(B)), "", A, Some(other)),
        (later(described), "", A, Some(other)),
        (later(with_etag(A)), r#", "if-match": "column""#, B, Some(other)),
        (later(with_etag(A)), r#", "modified-since": "2030-01-01T00:00:00Z""#, A, Some(other)),
        (later(with_etag(A)), r#", "legal-hold": true"#, A, Some(other)),
        (later(Fixture { legal_hold: Some(true), ..with_etag(A) }), r#", "legal-hold": true"#, A, None),
    ] {
        let store = FakeStore::new();
        let written = Some("2026-01-01T00:00:00Z".to_owned());
        store.insert("src", "k", Fixture { last_modified: written, ..with_etag(A) });
        store.insert("dst", "k", there.clone());
        let operation =
            operation::<Copy>(&format!(r#"{{"target-bucket": "dst", "mode": "move"{more}}}"#)).unwrap();
        let result = operation.run(&store.object("src", "k"), &store.task_with([("ETag", column)]));
        assert_eq!(result.as_ref().err().map(|failure| failure.code.as_str()), failure, "{more} {there:?}");
        assert_eq!(store.fixture("src", "k").is_none(), failure.is_none(), "{more} {there:?}");
        assert_eq!(store.fixture("dst", "k"), Some(there));
    }
}

#[test]
fn a_source_that_was_written_again_stays() {
    for change in [
        Fixture { last_modified: Some("2026-01-01T00:00:02Z".to_owned()), ..with_etag(A) },
        with_etag(B),
        Fixture { size: 4, ..with_etag(A) },
    ] {
        let store = FakeStore::new();
        let first = Fixture { last_modified: Some("2026-01-01T00:00:01Z".to_owned()), ..with_etag(A) };
        store.insert("src", "k", first);
        let operation = operation::<Copy>(MOVE).unwrap();
        let object = store.object("src", "k");
        let source = Content::from(&object.head().send().unwrap());
        store.insert("src", "k", change.clone());
        let failure = operation.delete(&object, &source, "").unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), ("PreconditionFailed", Some(412)));
        assert_eq!(store.fixture("src", "k"), Some(change));
    }
}

#[test]
fn a_version_is_moved_only_to_where_its_copy_stays() {
    let run = |parameters: &str, versioned: bool| {
        let store = FakeStore::new();
        store.insert("src", "k", with_etag(A));
        if versioned {
            store.versioned("dst");
        }
        let operation = operation::<Copy>(parameters).unwrap();
        let result = operation.run(&store.version("src", "k", Some("v")), &store.task());
        (result, store.requests().iter().any(|sent| sent.call == "DeleteObject"))
    };
    let replacing = r#"{"target-bucket": "dst", "mode": "move", "overwrite": true}"#;
    let (result, deleted) = run(replacing, false);
    assert!(result.unwrap_err().message.contains("the source stays"));
    assert!(!deleted);
    assert!(matches!(run(replacing, true), (Ok(Outcome::Done(_)), true)));
    assert!(matches!(run(MOVE, false), (Ok(Outcome::Done(_)), true)));
}

/// The answer to the first attempt was lost, and the second was refused because of what the first had made.
#[test]
fn a_move_goes_on_after_a_copy_whose_answer_was_lost() {
    let store = FakeStore::new();
    store.insert("src", "k", with_etag(A));
    store.fail("CopyObject", "PreconditionFailed", 412);
    let operation =
        operation::<Copy>(r#"{"target-bucket": "dst", "mode": "move", "overwrite": false}"#).unwrap();
    let object = store.object("src", "k");
    let source = Content::from(&object.head().send().unwrap());
    store.insert("dst", "k", later(with_etag(A)));
    let failure = Failure::new("PreconditionFailed", "");
    let outcome = operation.refused(&object, &store.task(), "k", Some(&source), failure).unwrap();
    assert_eq!(outcome, Outcome::done_with("moved; the copy was there already"));
    assert_eq!(store.fixture("src", "k"), None);
}

#[test]
fn to_another_store() {
    let store = FakeStore::new();
    store.insert("src", "k", with_etag(A));
    let parameters = r#"{"target-bucket": "dst", "target-store": "cold", "mode": "move"}"#;
    let operation = operation::<Copy>(parameters).unwrap();
    let plan = lines(&operation.plan(&store.object("src", "k"), &store.task()));
    assert_eq!(
        plan,
        [
            "HeadObject s3://src/k checksums=true",
            "HeadObject s3://dst/k store=cold checksums=true",
            "CopyObject s3://src/k to=s3://dst/k store=cold if-none-match=*",
            "DeleteObject s3://src/k"
        ]
    );
    operation.run(&store.object("src", "k"), &store.task()).unwrap();
    assert_eq!(store.sent()[3], "HeadObject s3://dst/k store=cold checksums=true");
    assert_eq!(store.fixture("src", "k"), None);
}
