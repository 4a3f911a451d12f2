//! Decisions a second: `cargo bench -p longshore-policy`. The crate iam-rs decides the same request beside ours in the
//! same run; it knows no policy types, so these are identity policies.
//!
//! The policies are of the kind that roles have: one statement in four has a condition, one in eight is a Deny, one in
//! sixteen has a variable; none but the last grants the request, so every statement is looked at.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use divan::Bencher;
use divan::counter::ItemsCount;
use longshore_policy::{Context, Document, PolicyKind, PolicySet, Request};

fn main() {
    divan::main();
}

/// Statements of one document; 500 of them are more than one document may hold.
const PER_DOCUMENT: usize = 50;

fn statement(index: usize, last: bool) -> String {
    if last {
        return r#"{"Effect":"Allow","Action":"s3:PutObjectTagging","Resource":"arn:aws:s3:::data/*","Condition":{"StringEquals":{"s3:ExistingObjectTag/team":["red","blue"]}}}"#.to_owned();
    }
    let effect = if index % 8 == 7 { "Deny" } else { "Allow" };
    let prefix = if index % 16 == 3 { "${aws:PrincipalTag/team}" } else { "team" };
    let condition = if index % 4 == 1 { r#","Condition":{"StringLike":{"s3:prefix":"home/*"}}"# } else { "" };
    format!(
        r#"{{"Sid":"S{index}","Effect":"{effect}","Action":["s3:PutObject*","s3:GetObject"],"Resource":"arn:aws:s3:::data-{index}/{prefix}/*"{condition}}}"#
    )
}

/// The texts of documents that have so many statements in all.
fn documents(statements: usize) -> Vec<String> {
    let all: Vec<String> = (1..=statements).map(|index| statement(index, index == statements)).collect();
    let text = |chunk: &[String]| format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, chunk.join(","));
    all.chunks(PER_DOCUMENT).map(text).collect()
}

fn policies(statements: usize) -> PolicySet {
    documents(statements).iter().fold(PolicySet::new(), |set, text| {
        let loaded = Document::load("bench", text, PolicyKind::Identity)
            .unwrap_or_else(|findings| panic!("{findings:?}"));
        set.with_identity(loaded.document)
    })
}

const KEYS: [(&str, &str); 8] = [
    ("aws:CurrentTime", "2026-11-22T12:00:00Z"),
    ("aws:EpochTime", "1795348800"),
    ("aws:PrincipalAccount", "111122223333"),
    ("aws:PrincipalArn", "arn:aws:iam::111122223333:role/batch"),
    ("aws:PrincipalTag/team", "red"),
    ("aws:SecureTransport", "true"),
    ("s3:ExistingObjectTag/team", "red"),
    ("s3:RequestObjectTag/state", "done"),
];

fn context() -> Context {
    let mut context = Context::new();
    for (key, value) in KEYS {
        context.set(key, value);
    }
    context
}

const PRINCIPAL: &str = "arn:aws:sts::111122223333:assumed-role/batch/job-1";
const ACTION: &str = "s3:PutObjectTagging";
const OBJECT: &str = "arn:aws:s3:::data/2026/11/22/part-00017.parquet";

fn request<'a>(resource: &'a str, context: &'a Context) -> Request<'a> {
    Request { principal: PRINCIPAL, action: ACTION, resource, resource_account: "111122223333", context }
}

#[divan::bench(args = [1, 10, 50, 500])]
fn decide(bencher: Bencher<'_, '_>, statements: usize) {
    let (set, context) = (policies(statements), context());
    let request = request(OBJECT, &context);
    assert!(set.decide(&request).allowed());
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench(|| divan::black_box(&set).decide(divan::black_box(&request)));
}

/// The peer, on the same policies and the same request.
#[divan::bench(args = [1, 10, 50, 500])]
fn decide_iam_rs(bencher: Bencher<'_, '_>, statements: usize) {
    let read = |text: &String| iam_rs::IAMPolicy::from_json(text).unwrap();
    let evaluator = iam_rs::PolicyEvaluator::with_policies(documents(statements).iter().map(read).collect());
    let context = KEYS
        .into_iter()
        .fold(iam_rs::Context::new(), |context, (key, value)| context.with_string(key, value));
    let request = iam_rs::IAMRequest::new_with_context(
        iam_rs::Principal::Aws(iam_rs::PrincipalId::String(PRINCIPAL.to_owned())),
        ACTION,
        iam_rs::Arn::parse(OBJECT).unwrap(),
        context,
    );
    assert_eq!(evaluator.evaluate(&request).unwrap().decision, iam_rs::Decision::Allow);
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench(|| divan::black_box(&evaluator).evaluate(divan::black_box(&request)));
}

/// A pattern that takes a backtracking matcher exponential time, over ever longer keys: time must grow with the key.
#[divan::bench(args = [128, 256, 512, 1024])]
fn pathological(bencher: Bencher<'_, '_>, key: usize) {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::data/{}b*"}}}}"#,
        "a*".repeat(100)
    );
    let loaded = Document::load("bench", &text, PolicyKind::Identity)
        .unwrap_or_else(|findings| panic!("{findings:?}"));
    let (set, context) = (PolicySet::new().with_identity(loaded.document), Context::new());
    let resource = format!("arn:aws:s3:::data/{}", "a".repeat(key));
    let request = request(&resource, &context);
    assert!(!set.decide(&request).allowed());
    bencher.bench(|| divan::black_box(&set).decide(divan::black_box(&request)));
}

/// Reading and compiling a document of 50 statements.
#[divan::bench]
fn load(bencher: Bencher<'_, '_>) {
    let statements: Vec<String> = (1..=PER_DOCUMENT).map(|index| statement(index, false)).collect();
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    bencher.bench(|| Document::load("bench", divan::black_box(&text), PolicyKind::Identity));
}
