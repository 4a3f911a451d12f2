use std::sync::Arc;

use bytes::Bytes;
use longshore_job::ObjectId;

use super::*;
use crate::copying::UploadLedger;
use crate::copying::tests::{ALLOW, Memory, config, names, store, task};
use crate::gate::{Certainty, Gate};
use crate::reach::Reach;
use crate::request::Tag;
use crate::testing::FakeStore;

fn create(key: &str) -> CreateMultipartUpload {
    CreateMultipartUpload {
        bucket: "dst".to_owned(),
        key: key.to_owned(),
        tags: vec![Tag::new("team", "a")],
        ..CreateMultipartUpload::default()
    }
}

/// An upload as an operation names it: without what it was created with.
fn named(key: &str, id: &str) -> Upload {
    let (bucket, key) = ("dst".to_owned(), key.to_owned());
    let object = Arc::new(CreateMultipartUpload { bucket, key, ..CreateMultipartUpload::default() });
    Upload { object, id: id.to_owned() }
}

fn part(key: &str, id: &str, number: u32) -> UploadPart {
    UploadPart { upload: named(key, id), number, body: Bytes::from_static(b"x").into(), content_md5: None }
}

fn completion(key: &str, id: &str) -> CompleteMultipartUpload {
    CompleteMultipartUpload { upload: named(key, id), parts: Vec::new(), if_match: None, if_none_match: None }
}

fn on(store: &Arc<FakeStore>, ledger: &Arc<Memory>, statements: &str) -> TaskGate {
    let uploads = Arc::clone(ledger) as Arc<dyn UploadLedger>;
    let gate = Gate::new(Arc::clone(store) as Arc<dyn crate::Store>, config(statements));
    gate.with_reach(Reach { uploads, ..Reach::default() }).task(ObjectId::new("src", "k"))
}

#[tokio::test]
async fn parts_become_an_object_with_what_the_upload_was_created_with() {
    let (store, ledger) = (store(7, &[]), Arc::default());
    let task = task(&store, &ledger);
    task.send(create("k")).await.unwrap();
    assert_eq!(ledger.0.lock().unwrap().len(), 1);
    for number in [2, 1, 2] {
        task.send(part("k", "new", number)).await.unwrap();
    }
    task.send(completion("k", "new")).await.unwrap();
    let sent = store.requests();
    let Some(Request::CompleteMultipartUpload(complete)) = sent.last() else { panic!("{sent:?}") };
    assert_eq!(complete.parts.iter().map(|part| part.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(*complete.upload.object, create("k"));
    assert!(ledger.0.lock().unwrap().is_empty());
    // It has had its end.
    assert_eq!(task.send(part("k", "new", 3)).await.unwrap_err().code, code::INVALID_REQUEST);
    task.begun_uploads().abort(&task).await;
    assert_eq!(store.requests().len(), sent.len());
}

#[tokio::test]
async fn what_a_run_leaves_open_is_aborted() {
    let (store, ledger) = (store(7, &[]), Arc::default());
    let task = task(&store, &ledger);
    task.send(create("k")).await.unwrap();
    task.send(part("k", "new", 1)).await.unwrap();
    task.begun_uploads().abort(&task).await;
    assert_eq!(names(&store), ["CreateMultipartUpload", "UploadPart", "AbortMultipartUpload"]);
    assert!(ledger.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_aborted_stays_in_the_ledger_for_the_next_run() {
    let (store, ledger) = (store(7, &[("AbortMultipartUpload", "InternalError")]), Arc::default());
    let first = task(&store, &ledger);
    first.send(create("k")).await.unwrap();
    first.begun_uploads().abort(&first).await;
    assert_eq!(ledger.0.lock().unwrap().len(), 1);
    task(&store, &ledger).send(create("k")).await.unwrap();
    let expected =
        ["CreateMultipartUpload", "AbortMultipartUpload", "AbortMultipartUpload", "CreateMultipartUpload"];
    assert_eq!(names(&store), expected);
}

#[tokio::test]
async fn uploads_of_others_are_out_of_reach() {
    let (store, ledger) = (store(7, &[]), Arc::default());
    let task = task(&store, &ledger);
    task.send(create("k")).await.unwrap();
    for refused in [part("k", "other", 1), part("elsewhere", "new", 1)] {
        let error = task.send(refused).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.status), (code::INVALID_REQUEST, None));
    }
    assert!(task.send(completion("k", "other")).await.is_err());
    assert_eq!(names(&store), ["CreateMultipartUpload"]);
}

#[tokio::test]
async fn what_may_not_be_aborted_is_not_begun() {
    let deny = r#"{"Effect": "Deny", "Action": "s3:AbortMultipartUpload", "Resource": "*"}"#;
    let (store, ledger) = (store(7, &[]), Arc::default());
    let task = on(&store, &ledger, &format!("{ALLOW}, {deny}"));
    let planned = task.check(&create("k").into(), Certainty::Provisional).await.unwrap_err();
    let sent = task.send(create("k")).await.unwrap_err();
    assert_eq!((planned.code.as_str(), sent.code.as_str()), (code::ACCESS_DENIED, code::ACCESS_DENIED));
    assert!(store.requests().is_empty());
}

#[tokio::test]
async fn policies_of_a_part_see_what_the_upload_was_created_with() {
    let deny = r#"{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*",
        "Condition": {"StringEquals": {"s3:RequestObjectTag/team": "a", "s3:ObjectCreationOperation": "true"}}}"#;
    let (store, ledger) = (store(7, &[]), Arc::default());
    let task = on(&store, &ledger, &format!("{ALLOW}, {deny}"));
    task.send(create("k")).await.unwrap();
    task.send(part("k", "new", 1)).await.unwrap();
    assert_eq!(task.send(completion("k", "new")).await.unwrap_err().code, code::ACCESS_DENIED);
}
