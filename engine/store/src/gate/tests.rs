use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::ObjectId;
use longshore_policy::{Document, PolicyKind, PolicySet};

use super::*;
use crate::request::*;
use crate::testing::FakeStore;

const KEYS_ALLOWED: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/open/*"},
    {"Sid": "DenySecret", "Effect": "Deny", "Action": "s3:PutObjectTagging", "Resource": "arn:aws:s3:::b/open/secret"}
]}"#;

fn load(kind: PolicyKind, text: &str) -> Document {
    Document::load("policies/tagger.json", text, kind).unwrap().document
}

fn identity(text: &str) -> PolicySet {
    PolicySet::new().with_identity(load(PolicyKind::Identity, text))
}

/// An identity policy that allows everything under a condition.
fn if_condition(condition: &str) -> PolicySet {
    identity(&format!(
        r#"{{"Version": "2012-10-17", "Statement":
            {{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {condition}}}}}"#
    ))
}

fn config(policies: PolicySet) -> GateConfig {
    GateConfig {
        role: "tagger".to_owned(),
        account: "111122223333".to_owned(),
        session: "job-1".to_owned(),
        bucket_owner: None,
        policies: Arc::new(policies),
        region: "eu-west-1".to_owned(),
        secure_transport: true,
        endpoints: Default::default(),
        clock: Arc::new(|| Timestamp::from_second(1_800_000_000).unwrap()),
    }
}

fn gate(store: &Arc<FakeStore>, policies: PolicySet) -> TaskGate {
    let store = Arc::clone(store) as Arc<dyn Store>;
    Gate::new(store, config(policies)).task(ObjectId::new("b", "open/x"))
}

fn tag_request(key: &str) -> Request {
    PutObjectTagging { object: ObjectId::new("b", key), tags: vec![Tag::new("a", "1")] }.into()
}

/// A store where every object has these tags.
fn tagged(tags: &[(&str, &str)]) -> Arc<FakeStore> {
    let tags: Vec<Tag> = tags.iter().map(|(key, value)| Tag::new(*key, *value)).collect();
    Arc::new(FakeStore::answering(move |request| {
        let tags = if request.name() == "GetObjectTagging" { tags.clone() } else { Vec::new() };
        Ok(Response { http_status: 200, tags, ..Response::default() })
    }))
}

fn names(store: &FakeStore) -> Vec<&'static str> {
    store.requests().iter().map(Request::name).collect()
}

#[tokio::test]
async fn what_is_allowed_is_sent_as_it_is() {
    let store = tagged(&[]);
    let task = gate(&store, identity(KEYS_ALLOWED));
    assert!(task.send(tag_request("open/x")).await.is_ok());
    assert_eq!(store.requests(), [tag_request("open/x")]);
}

#[tokio::test]
async fn what_is_refused_is_not_sent_and_says_why() {
    let store = tagged(&[]);
    let task = gate(&store, identity(KEYS_ALLOWED));
    let denied = task.send(tag_request("open/secret")).await.unwrap_err();
    assert_eq!((denied.code.as_str(), denied.status, denied.retryable), ("AccessDenied", Some(403), false));
    let begin = "role \"tagger\" may not s3:PutObjectTagging on arn:aws:s3:::b/open/secret: ";
    assert!(denied.message.starts_with(begin), "{denied}");
    assert!(denied.message.contains("\"DenySecret\" of policies/tagger.json"), "{denied}");
    let not_allowed = task.send(tag_request("closed/x")).await.unwrap_err();
    assert!(not_allowed.message.contains("policies/tagger.json"), "{not_allowed}");
    assert_eq!(store.requests(), []);
}

#[tokio::test]
async fn nothing_is_allowed_without_policies() {
    let store = tagged(&[]);
    let refused = gate(&store, PolicySet::new()).send(tag_request("open/x")).await;
    assert_eq!(refused.unwrap_err().code, "AccessDenied");
    assert_eq!(store.requests(), []);
}

#[tokio::test]
async fn every_access_of_a_request_must_be_allowed() {
    let store = tagged(&[]);
    let policies = identity(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutObjectTagging"], "Resource": "arn:aws:s3:::dst/*"},
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::src/*"}
        ]}"#,
    );
    let task = gate(&store, policies);
    let copy = CopyObject::new(ObjectId::new("src", "k"), "dst", "k");
    let refused = task.send(copy.clone()).await.unwrap_err();
    assert!(refused.message.contains("s3:GetObjectTagging on arn:aws:s3:::src/k"), "{refused}");
    assert_eq!(store.requests(), []);
    let dropping = CopyObject { tagging_directive: Some(Directive::Replace), ..copy };
    assert!(task.send(dropping).await.is_ok());
}

#[tokio::test]
async fn standing_keys() {
    let fulfilled = [
        r#"{"DateGreaterThan": {"aws:CurrentTime": "2027-01-15T07:59:59Z"}}"#,
        r#"{"NumericEquals": {"aws:EpochTime": "1800000000"}}"#,
        r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/tagger"}}"#,
        r#"{"StringEquals": {"aws:PrincipalAccount": "111122223333", "aws:PrincipalType": "AssumedRole"}}"#,
        r#"{"StringEquals": {"aws:userid": "tagger:job-1"}}"#,
        r#"{"Bool": {"aws:SecureTransport": "true", "aws:ViaAWSService": "false"}}"#,
        r#"{"StringEquals": {"aws:ResourceAccount": "111122223333", "s3:ResourceAccount": "111122223333"}}"#,
        r#"{"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}"#,
        r#"{"StringEquals": {"s3:authType": "REST-HEADER", "s3:signatureversion": "AWS4-HMAC-SHA256"}}"#,
        r#"{"NumericGreaterThanEquals": {"s3:TlsVersion": "1.2"}}"#,
        r#"{"DateEquals": {"aws:TokenIssueTime": "2027-01-15T08:00:00Z"}}"#,
        r#"{"Bool": {"aws:MultiFactorAuthPresent": "false", "aws:PrincipalIsAWSService": "false"}}"#,
        r#"{"Null": {"aws:username": "true", "aws:SourceIp": "true"}}"#,
    ];
    for condition in fulfilled {
        let checked =
            gate(&tagged(&[]), if_condition(condition)).check(&tag_request("k"), Certainty::Exact).await;
        assert_eq!(checked, Ok(()), "{condition}");
    }
    let unfulfilled = [
        r#"{"DateGreaterThan": {"aws:CurrentTime": "2027-01-15T08:00:00Z"}}"#,
        r#"{"StringEquals": {"aws:RequestedRegion": "us-east-1"}}"#,
        r#"{"NumericGreaterThanEquals": {"s3:TlsVersion": "1.3"}}"#,
    ];
    for condition in unfulfilled {
        let checked =
            gate(&tagged(&[]), if_condition(condition)).check(&tag_request("k"), Certainty::Exact).await;
        assert!(checked.is_err(), "{condition}");
    }
}

#[tokio::test]
async fn keys_of_the_request_itself() {
    let policies = if_condition(r#"{"StringEquals": {"s3:RequestObjectTag/a": "1"}}"#);
    let task = gate(&tagged(&[]), policies);
    assert_eq!(task.check(&tag_request("k"), Certainty::Exact).await, Ok(()));
    let other = PutObjectTagging { object: ObjectId::new("b", "k"), tags: vec![Tag::new("a", "2")] };
    assert!(task.check(&other.into(), Certainty::Exact).await.is_err());
}

#[tokio::test]
async fn a_provisional_check_asks_what_could_be() {
    let policies = if_condition(r#"{"StringEquals": {"s3:RequestObjectTag/a": "2"}}"#);
    let store = tagged(&[]);
    let task = gate(&store, policies);
    assert_eq!(task.check(&tag_request("k"), Certainty::Provisional).await, Ok(()));
    assert!(task.send(tag_request("k")).await.is_err(), "sending is exact");
    let elsewhere = gate(&store, identity(KEYS_ALLOWED));
    assert!(elsewhere.check(&tag_request("closed/x"), Certainty::Provisional).await.is_err());
    assert_eq!(store.requests(), []);
}

const IF_PROD: &str = r#"{"StringEquals": {"s3:ExistingObjectTag/env": "prod"}}"#;

#[tokio::test]
async fn present_tags_are_read_once_per_object_and_again_after_a_write() {
    let store = tagged(&[("env", "prod")]);
    let task = gate(&store, if_condition(IF_PROD));
    let head = || Request::from(HeadObject::new(ObjectId::new("b", "k")));
    task.check(&head(), Certainty::Provisional).await.unwrap();
    assert_eq!(names(&store), [""; 0], "what could be needs no tags");
    task.check(&head(), Certainty::Exact).await.unwrap();
    task.send(head()).await.unwrap();
    task.send(tag_request("k")).await.unwrap();
    assert_eq!(names(&store), ["GetObjectTagging", "HeadObject", "PutObjectTagging"]);
    task.send(head()).await.unwrap();
    assert_eq!(names(&store)[3..], ["GetObjectTagging", "HeadObject"]);
}

#[tokio::test]
async fn present_tags_decide() {
    let store = tagged(&[("env", "test")]);
    let task = gate(&store, if_condition(IF_PROD));
    assert_eq!(task.send(tag_request("k")).await.unwrap_err().code, "AccessDenied");
    assert_eq!(names(&store), ["GetObjectTagging"]);
}

#[tokio::test]
async fn present_tags_are_not_read_for_policies_that_do_not_ask() {
    let store = tagged(&[]);
    gate(&store, identity(KEYS_ALLOWED)).send(tag_request("open/x")).await.unwrap();
    assert_eq!(names(&store), ["PutObjectTagging"]);
}

#[tokio::test]
async fn tags_that_cannot_be_read_refuse() {
    let store = Arc::new(FakeStore::answering(|_| {
        Err(StoreError::new("AccessDenied", "Access Denied").with_status(403))
    }));
    // The condition holds for objects without tags: an error must not look like one.
    let policies = if_condition(r#"{"StringNotEquals": {"s3:ExistingObjectTag/env": "prod"}}"#);
    let refused = gate(&store, policies).send(tag_request("k")).await.unwrap_err();
    assert_eq!(
        refused.message,
        "role \"tagger\" may not s3:PutObjectTagging on arn:aws:s3:::b/k: a policy tests its present tags, which \
         could not be read (AccessDenied: Access Denied)"
    );
    assert_eq!(names(&store), ["GetObjectTagging"]);
}

#[tokio::test]
async fn the_target_of_a_copy_has_no_tags_before_it_is_there() {
    let store = Arc::new(FakeStore::answering(|request| match request {
        Request::GetObjectTagging(call) if call.object.bucket == "dst" => {
            Err(StoreError::new("NoSuchKey", "The specified key does not exist.").with_status(404))
        }
        _ => Ok(Response { http_status: 200, tags: vec![Tag::new("env", "prod")], ..Response::default() }),
    }));
    let policies = identity(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::dst/*",
             "Condition": {"Null": {"s3:ExistingObjectTag/env": "true"}}},
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::src/*",
             "Condition": {"StringEquals": {"s3:ExistingObjectTag/env": "prod"}}}
        ]}"#,
    );
    let source = ObjectId { version_id: Some("v1".to_owned()), ..ObjectId::new("src", "k") };
    gate(&store, policies).send(CopyObject::new(source.clone(), "dst", "k")).await.unwrap();
    assert_eq!(names(&store), ["GetObjectTagging", "GetObjectTagging", "CopyObject"]);
    assert_eq!(store.requests()[1], GetObjectTagging::new(source).into(), "of the version that is copied");
}

#[tokio::test]
async fn buckets_of_another_account_need_their_owners_consent() {
    let store = tagged(&[]);
    let grant = identity(KEYS_ALLOWED);
    let foreign = |policies: PolicySet| {
        let config = GateConfig { bucket_owner: Some("999988887777".to_owned()), ..config(policies) };
        Gate::new(Arc::clone(&store) as Arc<dyn Store>, config).task(ObjectId::new("b", "open/x"))
    };
    assert!(foreign(grant.clone()).send(tag_request("open/x")).await.is_err());
    let consent = load(
        PolicyKind::Resource,
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*",
            "Principal": {"AWS": "111122223333"}, "Resource": "arn:aws:s3:::b/*"}}"#,
    );
    let task = foreign(grant.with_bucket_policy("b", consent));
    assert!(task.send(tag_request("open/x")).await.is_ok());
}

/// What an explanation asks about is what a task is asked about.
#[test]
fn the_standing_context_is_that_of_requests() {
    let config = config(PolicySet::new());
    let context = config.standing_context();
    assert_eq!(config.principal(), "arn:aws:sts::111122223333:assumed-role/tagger/job-1");
    for (key, value) in [
        ("aws:PrincipalArn", "arn:aws:iam::111122223333:role/tagger"),
        ("aws:CurrentTime", "2027-01-15T08:00:00Z"),
        ("aws:EpochTime", "1800000000"),
        ("aws:SecureTransport", "true"),
    ] {
        assert_eq!(context.get(key), longshore_policy::Lookup::One(value), "{key}");
        assert!(config.may_supply("s3:GetObject", key), "{key}");
    }
    assert!(config.may_supply("s3:GetObject", "s3:existingobjecttag/env"));
    assert!(!config.may_supply("s3:PutObject", "s3:existingobjecttag/env"));
    assert!(!config.may_supply("s3:GetObject", "aws:SourceIp"));
}

#[tokio::test]
async fn a_rehearsal_sends_nothing_and_writes_everything_down() {
    let (gate, journal) = Gate::rehearsal(config(if_condition(IF_PROD)));
    let task = gate.task(ObjectId::new("b", "k"));
    task.check(&tag_request("k"), Certainty::Exact).await.unwrap();
    task.check(&PutObject::new("b", "k", bytes::Bytes::new()).into(), Certainty::Exact).await.unwrap();
    task.check(&tag_request("k"), Certainty::Provisional).await.unwrap();
    let said: Vec<(&str, bool, bool)> = journal
        .take()
        .iter()
        .map(|one| {
            let depends = matches!(one.foresight, longshore_policy::Foresight::Depends { .. });
            (one.access.action, depends, matches!(one.foresight, longshore_policy::Foresight::Refused(_)))
        })
        .collect();
    assert_eq!(
        said,
        [
            ("s3:PutObjectTagging", true, false),
            ("s3:PutObject", false, true),
            ("s3:PutObjectTagging", true, false)
        ]
    );
    assert!(journal.take().is_empty());
    let sent = task.send(tag_request("k")).await.unwrap_err();
    assert_eq!(sent.message, "a rehearsal sends nothing, not even PutObjectTagging");
}

#[tokio::test]
async fn policies_may_bound_the_days_of_a_retention() {
    let retain = |until: &str| PutObjectRetention {
        object: ObjectId::new("b", "k"),
        retention: Some(Retention { mode: "GOVERNANCE".to_owned(), retain_until: until.parse().unwrap() }),
        event_hold: None,
        bypass_governance: false,
    };
    let store = Arc::new(FakeStore::agreeable());
    let policies =
        if_condition(r#"{"NumericLessThanEquals": {"s3:object-lock-remaining-retention-days": "10"}}"#);
    let task = gate(&store, policies);
    // The clock stands at 2027-01-15T08:00:00Z.
    assert!(task.send(retain("2027-01-25T08:00:00Z")).await.is_ok());
    assert!(task.send(retain("2027-01-01T08:00:00Z")).await.is_ok(), "a time that has passed is 0 days away");
    let eleventh = task.send(retain("2027-01-25T08:00:01Z")).await.unwrap_err();
    assert_eq!(eleventh.code, "AccessDenied");
    assert_eq!(store.requests().len(), 2);
}
