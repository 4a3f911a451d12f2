use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome, Upload};

use super::AbortUploads;

fn store(uploads: &[(&str, Option<&str>)]) -> FakeStore {
    let store = FakeStore::new();
    let upload = |(id, initiated): &(&str, Option<&str>)| Upload {
        upload_id: (*id).to_owned(),
        initiated: initiated.map(str::to_owned),
    };
    let uploads = uploads.iter().map(upload).collect();
    store.insert("b", "k", Fixture { uploads, ..Fixture::default() });
    store
}

fn run(store: &FakeStore) -> Result<Outcome, Failure> {
    let operation = operation::<AbortUploads>(r#"{"older-than": "7d"}"#).unwrap();
    operation.run(&store.object("b", "k"), &store.task())
}

#[test]
fn old_uploads_are_aborted_and_young_ones_go_on() {
    // It is 2026-01-15T12:00:00Z.
    let store = store(&[
        ("old", Some("2026-01-08T11:59:59Z")),
        ("young", Some("2026-01-08T12:00:00Z")),
        ("unknown", None),
    ]);
    assert_eq!(run(&store), Ok(Outcome::done_with("1 upload aborted")));
    let left = store.fixture("b", "k").unwrap().uploads;
    assert_eq!(left.iter().map(|upload| upload.upload_id.as_str()).collect::<Vec<_>>(), ["young", "unknown"]);
    assert_eq!(run(&store), Ok(Outcome::Skipped("there is no upload to abort".to_owned())));
}

#[test]
fn an_upload_that_somebody_else_ended_is_no_failure() {
    let old = Some("2025-01-01T00:00:00Z");
    let store = store(&[("a", old), ("b", old), ("c", old)]);
    store.fail("AbortMultipartUpload", "NoSuchUpload", 404);
    assert_eq!(run(&store), Ok(Outcome::done_with("2 uploads aborted")));
    store.fail("AbortMultipartUpload", "AccessDenied", 403);
    assert_eq!(run(&store).unwrap_err().code, "AccessDenied");
}

#[test]
fn the_plan_has_every_request() {
    let store = store(&[]);
    let operation = operation::<AbortUploads>(r#"{"older-than": "7d"}"#).unwrap();
    assert_eq!(
        lines(&operation.plan(&store.object("b", "k"), &store.task())),
        ["ListMultipartUploads s3://b/k", "AbortMultipartUpload s3://b/k upload-id=unknown"]
    );
    assert!(
        super::tests::operation::<AbortUploads>("{}").unwrap_err().contains("missing field `older-than`")
    );
}
