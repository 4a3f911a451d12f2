use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::Timestamp;
use longshore_job::ObjectId;
use longshore_policy::{Document, PolicyKind, PolicySet};

use super::upload::composite_etag;
use super::*;
use crate::gate::{Gate, GateConfig};
use crate::reach::Reach;
use crate::request::*;
use crate::response::PartPage;
use crate::testing::FakeStore;

const MIB: u64 = 1024 * 1024;
pub(crate) const ALLOW: &str = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;

pub(crate) fn config(statements: &str) -> GateConfig {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    let document = Document::load("role.json", &text, PolicyKind::Identity).unwrap().document;
    GateConfig {
        role: "copier".to_owned(),
        account: "111122223333".to_owned(),
        session: "job-1".to_owned(),
        bucket_owner: None,
        policies: Arc::new(PolicySet::new().with_identity(document)),
        region: "eu-west-1".to_owned(),
        secure_transport: true,
        endpoints: Default::default(),
        clock: Arc::new(|| Timestamp::from_second(1_800_000_000).unwrap()),
    }
}

/// A store with one source of this size. Requests of the names in `failing` fail with a code.
pub(crate) fn store(size: u64, failing: &'static [(&'static str, &'static str)]) -> Arc<FakeStore> {
    Arc::new(FakeStore::answering(move |request| {
        if let Some((_, code)) = failing.iter().find(|(name, _)| *name == request.name()) {
            return Err(StoreError::new(*code, "made to fail").with_status(400));
        }
        let etag = Some(format!("\"{:032x}\"", 7));
        let mut answer = Response { http_status: 200, etag, ..Response::default() };
        match request {
            Request::HeadObject(_) => {
                answer.size = Some(size);
                answer.last_modified = Some(Timestamp::from_second(1_000).unwrap());
                answer.content.content_type = Some("text/plain".to_owned());
                answer.user_metadata = BTreeMap::from([("color".to_owned(), "blue".to_owned())]);
                answer.checksums = vec![("CRC32", "AAAA".to_owned())];
            }
            Request::GetObjectTagging(_) => answer.tags = vec![Tag::new("a", "1")],
            Request::GetObject(get) => {
                let range = get.range.unwrap();
                let bytes = range.last.unwrap() - range.first + 1;
                answer.body = Bytes::from(vec![b'x'; usize::try_from(bytes).unwrap()]);
            }
            Request::CreateMultipartUpload(_) => answer.upload_id = Some("new".to_owned()),
            Request::ListParts(_) => {
                let part = |number, size| Part {
                    number,
                    etag: "\"old\"".to_owned(),
                    size: Some(size),
                    checksums: Vec::new(),
                };
                // One that is whole and one that is not.
                answer.parts = Some(PartPage { parts: vec![part(1, 5 * MIB), part(2, 7)], next: None });
            }
            _ => {}
        }
        Ok(answer)
    }))
}

/// Remembers in memory.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<Vec<BegunUpload>>);

#[async_trait::async_trait]
impl UploadLedger for Memory {
    async fn left(&self, _: Option<&str>, _: &str, key: &str) -> Result<Option<BegunUpload>, String> {
        Ok(self.0.lock().unwrap().iter().find(|upload| upload.key == key).cloned())
    }

    async fn begin(&self, upload: &BegunUpload) -> Result<(), String> {
        self.0.lock().unwrap().push(upload.clone());
        Ok(())
    }

    async fn end(&self, upload: &BegunUpload) -> Result<(), String> {
        self.0.lock().unwrap().retain(|known| known != upload);
        Ok(())
    }
}

pub(crate) fn names(store: &FakeStore) -> Vec<&'static str> {
    store.requests().iter().map(Request::name).collect()
}

fn copy_of(threshold: Option<u64>) -> CopyObject {
    let mut copy = CopyObject::new(ObjectId::new("src", "k"), "dst", "k");
    copy.storage_class = Some("STANDARD_IA".to_owned());
    copy.transfer = Transfer { multipart_threshold: threshold, part_size: Some(5 * MIB), target_store: None };
    copy
}

pub(crate) fn task(store: &Arc<FakeStore>, ledger: &Arc<Memory>) -> TaskGate {
    let uploads = Arc::clone(ledger) as Arc<dyn UploadLedger>;
    let gate = Gate::new(Arc::clone(store) as Arc<dyn crate::Store>, config(ALLOW));
    gate.with_reach(Reach { uploads, ..Reach::default() }).task(ObjectId::new("src", "k"))
}

#[tokio::test]
async fn small_objects_are_one_request() {
    let (store, ledger) = (store(7, &[]), Arc::default());
    task(&store, &ledger).send(copy_of(None)).await.unwrap();
    assert_eq!(names(&store), ["CopyObject"]);
    task(&store, &ledger).send(copy_of(Some(5 * MIB))).await.unwrap();
    assert_eq!(names(&store), ["CopyObject", "HeadObject", "CopyObject"]);
}

#[tokio::test]
async fn large_objects_are_copied_in_parts_with_all_that_is_theirs() {
    let (store, ledger) = (store(11 * MIB, &[]), Arc::default());
    task(&store, &ledger).send(copy_of(Some(5 * MIB))).await.unwrap();
    let sent = store.requests();
    let [
        Request::HeadObject(_),
        Request::GetObjectTagging(_),
        Request::CreateMultipartUpload(create),
        rest @ ..,
    ] = sent.as_slice()
    else {
        panic!("{sent:?}")
    };
    assert_eq!(create.content.content_type.as_deref(), Some("text/plain"));
    assert_eq!(create.user_metadata, BTreeMap::from([("color".to_owned(), "blue".to_owned())]));
    assert_eq!(create.tags, [Tag::new("a", "1")]);
    assert_eq!(create.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(create.checksum_algorithm.as_deref(), Some("CRC32"));
    let [one, two, three, Request::CompleteMultipartUpload(complete)] = rest else { panic!("{rest:?}") };
    let ranges = [one, two, three].map(|part| match part {
        Request::UploadPartCopy(part) => {
            assert_eq!(part.copy_source_if_match, Some(format!("\"{:032x}\"", 7)));
            part.range.to_string()
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(ranges, ["bytes=0-5242879", "bytes=5242880-10485759", "bytes=10485760-11534335"]);
    assert_eq!(complete.parts.iter().map(|part| part.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(ledger.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_the_store_refuses_as_too_large_is_copied_in_parts() {
    let (store, ledger) = (store(6 << 30, &[("CopyObject", "EntityTooLarge")]), Arc::default());
    let mut copy = copy_of(None);
    copy.transfer.part_size = None;
    task(&store, &ledger).send(copy).await.unwrap();
    let sent = names(&store);
    assert_eq!(sent.iter().filter(|name| **name == "UploadPartCopy").count(), 48);
    assert_eq!((sent[0], sent[sent.len() - 1]), ("CopyObject", "CompleteMultipartUpload"));
}

#[tokio::test]
async fn a_failed_upload_is_aborted() {
    for failing in [
        &[("UploadPartCopy", "PreconditionFailed")] as &[_],
        &[("CompleteMultipartUpload", "PreconditionFailed")],
        &[("CompleteMultipartUpload", "NoSuchUpload")],
    ] {
        let (store, ledger) = (store(11 * MIB, failing), Arc::default());
        let error = task(&store, &ledger).send(copy_of(Some(5 * MIB))).await.unwrap_err();
        assert_eq!(error.code, failing[0].1);
        assert_eq!(error.message, format!("{}: made to fail", failing[0].0));
        assert_eq!(names(&store).last(), Some(&"AbortMultipartUpload"));
        assert!(ledger.0.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_upload_that_cannot_be_aborted_is_remembered() {
    let failing = &[("UploadPartCopy", "InternalError"), ("AbortMultipartUpload", "InternalError")];
    let (store, ledger) = (store(11 * MIB, failing), Arc::default());
    task(&store, &ledger).send(copy_of(Some(5 * MIB))).await.unwrap_err();
    assert_eq!(ledger.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_may_not_be_aborted_is_not_begun() {
    let store = store(11 * MIB, &[]);
    let deny =
        format!(r#"{ALLOW}, {{"Effect": "Deny", "Action": "s3:AbortMultipartUpload", "Resource": "*"}}"#);
    let gate = Gate::new(Arc::clone(&store) as Arc<dyn crate::Store>, config(&deny));
    let error = gate.task(ObjectId::new("src", "k")).send(copy_of(Some(5 * MIB))).await.unwrap_err();
    assert_eq!(error.code, "AccessDenied");
    assert_eq!(names(&store), ["HeadObject", "GetObjectTagging"]);
}

fn left(source_etag: &str) -> Arc<Memory> {
    let upload = BegunUpload {
        store: None,
        bucket: "dst".to_owned(),
        key: "k".to_owned(),
        upload_id: "left".to_owned(),
        source_etag: source_etag.to_owned(),
        size: 11 * MIB,
        part_size: 5 * MIB,
    };
    Arc::new(Memory(Mutex::new(vec![upload])))
}

#[tokio::test]
async fn an_upload_that_was_left_goes_on() {
    let (store, ledger) = (store(11 * MIB, &[]), left(&format!("{:032x}", 7)));
    task(&store, &ledger).send(copy_of(Some(5 * MIB))).await.unwrap();
    let sent = store.requests();
    let parts: Vec<u32> = sent
        .iter()
        .filter_map(|request| match request {
            Request::UploadPartCopy(part) => Some(part.number),
            _ => None,
        })
        .collect();
    assert_eq!(parts, [2, 3], "the second part was not whole");
    let Some(Request::CompleteMultipartUpload(complete)) = sent.last() else { panic!("{sent:?}") };
    assert_eq!((complete.upload.id.as_str(), complete.parts.len()), ("left", 3));
    assert!(ledger.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_upload_of_another_source_is_aborted() {
    let (store, ledger) = (store(11 * MIB, &[]), left("other"));
    task(&store, &ledger).send(copy_of(Some(5 * MIB))).await.unwrap();
    let aborted = store
        .requests()
        .iter()
        .any(|request| matches!(request, Request::AbortMultipartUpload(abort) if abort.upload_id == "left"));
    assert!(aborted);
    assert!(ledger.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn conditions_on_time_hold_for_parts_too() {
    let (store, ledger) = (store(11 * MIB, &[]), Arc::default());
    for (since, unmodified) in [(Some(1_000), None), (None, Some(999))] {
        let mut copy = copy_of(Some(5 * MIB));
        copy.copy_source_if_modified_since = since.map(|time| Timestamp::from_second(time).unwrap());
        copy.copy_source_if_unmodified_since = unmodified.map(|time| Timestamp::from_second(time).unwrap());
        let error = task(&store, &ledger).send(copy).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.status), ("PreconditionFailed", Some(412)));
    }
}

/// A task whose copies go to the store `cold`.
fn between(source: &Arc<FakeStore>, cold: &Arc<FakeStore>, statements: &str) -> TaskGate {
    let gate =
        |store: &Arc<FakeStore>| Gate::new(Arc::clone(store) as Arc<dyn crate::Store>, config(statements));
    let stores = BTreeMap::from([("cold".to_owned(), gate(cold))]);
    gate(source).with_reach(Reach { stores, ..Reach::default() }).task(ObjectId::new("src", "k"))
}

fn to_cold(threshold: Option<u64>) -> CopyObject {
    let mut copy = copy_of(threshold);
    copy.transfer.target_store = Some("cold".to_owned());
    copy
}

#[tokio::test]
async fn between_stores_small_objects_are_read_and_written() {
    let (source, cold) = (store(3, &[]), store(0, &[]));
    let error = between(&source, &cold, ALLOW).send(to_cold(None)).await.unwrap_err();
    assert_eq!(error.code, "BadDigest", "the fixture's ETag is not the MD5 sum of its bytes");
    assert_eq!((names(&source), names(&cold)), (vec!["HeadObject", "GetObjectTagging", "GetObject"], vec![]));
    let (source, cold) = (store(0, &[]), store(0, &[]));
    between(&source, &cold, ALLOW).send(to_cold(None)).await.unwrap_err();
}

#[tokio::test]
async fn between_stores_large_objects_go_in_parts() {
    let (source, cold) = (store(11 * MIB, &[]), store(0, &[]));
    between(&source, &cold, ALLOW).send(to_cold(None)).await.unwrap();
    let read: Vec<_> = names(&source);
    assert_eq!(read, ["HeadObject", "GetObjectTagging", "GetObject", "GetObject", "GetObject"]);
    let sent = cold.requests();
    let bytes: Vec<u64> = sent
        .iter()
        .filter_map(|request| match request {
            Request::UploadPart(part) => Some(part.body.size()).filter(|_| part.content_md5.is_some()),
            _ => None,
        })
        .collect();
    assert_eq!(bytes.iter().sum::<u64>(), 11 * MIB);
    assert!(
        matches!(sent.first(), Some(Request::CreateMultipartUpload(create)) if create.tags == [Tag::new("a", "1")])
    );
    assert!(matches!(sent.last(), Some(Request::CompleteMultipartUpload(_))));
}

#[tokio::test]
async fn between_stores_the_policies_are_asked_about_both() {
    let (source, cold) = (store(3, &[]), store(0, &[]));
    for (action, denied) in [
        ("s3:GetObject", "s3:GetObject on arn:aws:s3:::src/k"),
        ("s3:GetObjectTagging", "s3:GetObjectTagging on arn:aws:s3:::src/k"),
        ("s3:PutObject", "s3:PutObject on arn:aws:s3:::dst/k"),
    ] {
        let deny = format!(r#"{ALLOW}, {{"Effect": "Deny", "Action": "{action}", "Resource": "*"}}"#);
        let task = between(&source, &cold, &deny);
        let error = task.check(&to_cold(None).into(), Certainty::Exact).await.unwrap_err();
        assert!(error.message.contains(denied), "{}", error.message);
    }
    let nowhere = between(&source, &cold, ALLOW);
    let mut copy = to_cold(None);
    copy.transfer.target_store = Some("other".to_owned());
    assert_eq!(nowhere.send(copy).await.unwrap_err().code, "InvalidRequest");
    assert!(names(&source).is_empty() && names(&cold).is_empty());
}

#[test]
fn etags_of_objects_in_parts() {
    let part = |etag: &str| Part { number: 1, etag: etag.to_owned(), size: None, checksums: Vec::new() };
    // MD5 of the 16 bytes of MD5("a"), as S3 makes it.
    let one = composite_etag(&[part("\"0cc175b9c0f1b6a831c399e269772661\"")]);
    assert_eq!(one.as_deref(), Some("b6ff9a06b7e20bcb2858c5b8ff744aea-1"));
    assert_eq!(composite_etag(&[part("\"not-a-sum\"")]), None);
}

/// A part that is too large for memory is sent as it is read: here by asking for a size, with bytes that nobody keeps.
#[tokio::test]
async fn between_stores_parts_too_large_for_memory_are_sent_as_they_are_read() {
    let (source, cold) = (store(150 * MIB, &[]), store(0, &[]));
    let mut copy = to_cold(None);
    copy.transfer.part_size = Some(70 * MIB);
    between(&source, &cold, ALLOW).send(copy).await.unwrap();
    let bodies: Vec<_> = cold
        .requests()
        .into_iter()
        .filter_map(|request| match request {
            Request::UploadPart(part) => Some((part.body.size(), matches!(part.body, PartBody::Streamed(_)))),
            _ => None,
        })
        .collect();
    assert_eq!(bodies, [(70 * MIB, true), (70 * MIB, true), (10 * MIB, false)]);
}
