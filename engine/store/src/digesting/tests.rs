use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use longshore_job::ObjectId;
use longshore_policy::{Document, PolicyKind, PolicySet};

use super::*;
use crate::digest::{DigestSoFar, Digester};
use crate::request::Request;
use crate::testing::{FakeStore, Fault, Faulty};
use crate::{ChecksumAlgorithm, Gate, GateConfig, RateLimits, RetryPolicy, Retrying, Store};

const BODY: &[u8] = b"123456789";

/// A store that sends four bytes of the object at most, and tells these ETags one after the other.
fn store(etags: [Option<&'static str>; 3]) -> FakeStore {
    let asked = AtomicUsize::new(0);
    FakeStore::answering(move |request| {
        let Request::DigestObject(call) = request else { panic!("{request}") };
        let first = usize::try_from(call.first()).unwrap();
        let mut digester = match &call.after {
            Some(read) => read.digester(),
            None => Digester::new(call.algorithm, call.part_size),
        };
        let end = BODY.len().min(first + 4);
        digester.update(&BODY[first..end]);
        let etag = etags[asked.fetch_add(1, Ordering::Relaxed).min(2)].map(str::to_owned);
        let answer = Response { http_status: 200, size: Some(9), etag, ..Response::default() };
        Ok(if end < BODY.len() {
            let digest_so_far = Some(DigestSoFar::new(u64::try_from(end).unwrap(), digester));
            Response { digest_so_far, ..answer }
        } else {
            let hex: String = digester.finish().iter().map(|byte| format!("{byte:02x}")).collect();
            Response { checksums: vec![(call.algorithm.name(), hex)], ..answer }
        })
    })
}

fn task(store: Arc<dyn Store>) -> TaskGate {
    let policy = r#"{"Version": "2012-10-17", "Statement":
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}}"#;
    let document = Document::load("reader.json", policy, PolicyKind::Identity).unwrap().document;
    let config = GateConfig {
        role: "reader".to_owned(),
        account: "111122223333".to_owned(),
        session: "job-1".to_owned(),
        bucket_owner: None,
        policies: Arc::new(PolicySet::new().with_identity(document)),
        region: "eu-west-1".to_owned(),
        secure_transport: true,
        endpoints: Default::default(),
        clock: Arc::new(|| Timestamp::from_second(1_800_000_000).unwrap()),
    };
    Gate::new(store, config).task(ObjectId::new("b", "k"))
}

fn call() -> DigestObject {
    DigestObject::new(ObjectId::new("b", "k"), ChecksumAlgorithm::Crc32)
}

/// What each request had read before, and which ETag it wanted.
fn asked(store: &FakeStore) -> Vec<(u64, Option<String>)> {
    let asked = |request: Request| match request {
        Request::DigestObject(call) => (call.first(), call.if_match),
        other => panic!("{other}"),
    };
    store.requests().into_iter().map(asked).collect()
}

#[tokio::test]
async fn each_range_is_progress_and_pinned_to_the_first() {
    let store = Arc::new(store([Some("\"e\""); 3]));
    let task = task(Arc::clone(&store) as Arc<dyn Store>);
    let answer = task.send(call()).await.unwrap();
    // The check value of CRC-32 (ISO 3309).
    assert_eq!(answer.checksums, [("CRC32", "cbf43926".to_owned())]);
    let pinned = || Some("\"e\"".to_owned());
    assert_eq!(asked(&store), [(0, None), (4, pinned()), (8, pinned())]);
    assert_eq!(task.progress().steps(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_range_that_fails_is_read_again_alone() {
    let faulty = Faulty::new(store([Some("\"e\""); 3]), |number, _| {
        // The answer to the second range is lost on its way, and comes again.
        (number == 1).then(|| Fault::LoseAnswer(StoreError::new(code::TIMEOUT, "late").retry()))
    });
    let retrying = Arc::new(Retrying::new(faulty, RetryPolicy::default(), RateLimits::default()));
    let answer = task(Arc::clone(&retrying) as Arc<dyn Store>).send(call()).await.unwrap();
    assert_eq!(answer.checksums, [("CRC32", "cbf43926".to_owned())]);
    let ranges: Vec<u64> = asked(retrying.inner().inner()).into_iter().map(|(first, _)| first).collect();
    assert_eq!(ranges, [0, 4, 4, 8]);
}

#[tokio::test]
async fn what_is_written_meanwhile_is_not_mixed() {
    let task = task(Arc::new(store([Some("\"e\""), Some("\"f\""), Some("\"f\"")])));
    let error = task.send(call()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("PreconditionFailed", Some(412)));
    assert_eq!(error.message, "the object was written while it was read");
}

#[tokio::test]
async fn without_an_etag_only_one_range_is_read() {
    let error = task(Arc::new(store([None; 3]))).send(call()).await.unwrap_err();
    assert!(error.message.starts_with("the store does not tell the object's ETag"), "{error}");
}

#[tokio::test]
async fn a_store_that_sends_nothing_is_not_asked_for_ever() {
    let store = FakeStore::answering(|_| {
        let read = DigestSoFar::new(4, Digester::new(ChecksumAlgorithm::Crc32, None));
        let etag = Some("\"e\"".to_owned());
        Ok(Response { digest_so_far: Some(read), etag, ..Response::default() })
    });
    let error = task(Arc::new(store)).send(call()).await.unwrap_err();
    assert_eq!(error.message, "the store sent none of the object's bytes");
}
