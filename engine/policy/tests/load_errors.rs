//! What the loader refuses and what it warns of, code by code, and where it says so.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use longshore_policy::{Code, Document, Finding, PolicyKind};

use PolicyKind::{Boundary, Identity, Resource, ResourceControl, ServiceControl, Session};

/// A document of version 2012-10-17 with this one statement, its elements given as JSON text.
fn statement(elements: &str) -> String {
    format!("{{\"Version\":\"2012-10-17\",\n \"Statement\":{{{elements}}}}}")
}

/// An Allow for one action on one resource, with more elements.
fn allow(more: &str) -> String {
    statement(&format!(r#""Effect":"Allow","Action":"s3:GetObject","Resource":"*"{more}"#))
}

fn condition(block: &str) -> String {
    allow(&format!(r#","Condition":{{{block}}}"#))
}

fn errors(text: &str, kind: PolicyKind) -> Vec<Finding> {
    Document::load("test.json", text, kind).map_or_else(|findings| findings, |_| Vec::new())
}

fn warnings(text: &str, kind: PolicyKind) -> Vec<Finding> {
    Document::load("test.json", text, kind).unwrap_or_else(|findings| panic!("{text}: {findings:?}")).warnings
}

/// Each document is refused for this reason and no other; the snapshot shows where, with `‸` at the place.
#[track_caller]
fn refused(name: &str, code: Code, documents: &[(PolicyKind, String)]) {
    assert!(documents.len() >= 3, "at least three documents per rule");
    let mut places = Vec::new();
    for (kind, text) in documents {
        let found = errors(text, *kind);
        assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), [code], "{kind:?} {text}");
        let Finding { line, column, offset, .. } = found[0];
        let before: String = text[..offset].chars().rev().take(24).collect();
        let before: String = before.chars().rev().collect();
        let after: String = text[offset..].chars().take(40).collect();
        places.push(format!("{line}:{column} {:?}", format!("{before}‸{after}")));
    }
    insta::assert_snapshot!(format!("places_{name}"), places.join("\n"));
}

/// The documents are all of the kind given.
fn all(kind: PolicyKind, documents: impl IntoIterator<Item = String>) -> Vec<(PolicyKind, String)> {
    documents.into_iter().map(|text| (kind, text)).collect()
}

#[test]
fn l1_json_and_shape() {
    let raw = [
        "",
        " ",
        "[]",
        "null",
        "{",
        "{}x",
        "{'Version':1}",
        r#"{"Version":"2012-10-17",}"#,
        "// no\n{}",
        "\u{feff}{}",
        r#"{"Version":"2012-10-17" "Statement":[]}"#,
        "{\"Version\":\"2012\n\"}",
        r#"{"Version":"\ud800"}"#,
    ];
    refused("l1_json", Code::L1, &all(Identity, raw.map(str::to_owned)));
    refused(
        "l1_nesting",
        Code::L1,
        &all(
            Identity,
            ["[".repeat(400), format!(r#"{{"a":{}1{}}}"#, "[".repeat(200), "]".repeat(200))]
                .into_iter()
                .chain([allow(r#","Note":"x""#)]),
        ),
    );
    refused("l1_shape", Code::L1,
        &all(
            Identity,
            [
                allow(r#","effect":"Allow""#),
                allow(r#","\u0041ction":"s3:PutObject""#),
                condition(r#""StringEquals":{"a:b":"x","a:\u0062":"y"}"#),
                allow(r#","Action":"s3:PutObject""#),
                allow(r#","Condition":[]"#),
                allow(r#","Condition":null"#),
                allow(r#","Sid":1"#),
                condition(r#""Null":true"#),
                condition(r#""StringEquals":{"a:b":{}}"#),
                condition(r#""StringEquals":{"a:b":[["x"]]}"#),
                condition(r#""StringEquals":{"a:b":null}"#),
                condition(r#""StringEquals":{"a:b":"x","a:b":"y"}"#),
                condition(r#""StringEquals":{"a:b":"x"},"StringEquals":{"a:c":"y"}"#),
                statement(r#""Effect":true,"Action":"*","Resource":"*""#),
                statement(r#""Effect":"Allow","Action":{},"Resource":"*""#),
                statement(r#""Effect":"Allow","Action":["*",1],"Resource":"*""#),
                r#"{"Version":"2012-10-17","Id":"x","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#.to_owned(),
                r#"{"Version":"2012-10-17","Statement":"x"}"#.to_owned(),
                r#"{"Version":"2012-10-17","Statement":["x"]}"#.to_owned(),
                r#"{"Version":20121017,"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#.to_owned(),
            ],
        ),
    );
    refused(
        "l1_principals",
        Code::L1,
        &all(
            Resource,
            [
                allow(r#","Principal":["*"]"#),
                allow(r#","Principal":{"Aws":"*"}"#),
                allow(r#","Principal":{"AWS":"*","AWS":"111122223333"}"#),
            ],
        ),
    );
}

#[test]
fn l2_version_statement_effect() {
    refused(
        "l2",
        Code::L2,
        &all(
            Identity,
            [
                "{}".to_owned(),
                r#"{"Version":"2012-10-17"}"#.to_owned(),
                r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
                r#"{"Version":"2012-10-18","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#
                    .to_owned(),
                statement(r#""Action":"*","Resource":"*""#),
                statement(r#""Effect":"allow","Action":"*","Resource":"*""#),
                statement(r#""Effect":"Permit","Action":"*","Resource":"*""#),
            ],
        ),
    );
}

#[test]
fn l3_exactly_one_of_two() {
    refused(
        "l3",
        Code::L3,
        &all(
            Identity,
            [
                allow(r#","NotAction":"s3:PutObject""#),
                allow(r#","NotResource":"arn:aws:s3:::b""#),
                statement(r#""Effect":"Allow","Resource":"*""#),
                statement(r#""Effect":"Allow","Action":"*""#),
            ],
        ),
    );
    let both = allow(r#","Principal":"*","NotPrincipal":{"AWS":"111122223333"}"#).replace("Allow", "Deny");
    refused("l3_principals", Code::L3, &all(Resource, vec![both; 3]));
}

#[test]
fn l4_principals_belong_to_resource_policies() {
    let named = allow(r#","Principal":"*""#);
    let excluded = allow(r#","NotPrincipal":{"AWS":"111122223333"}"#);
    refused(
        "l4",
        Code::L4,
        &[
            (Identity, named.clone()),
            (Identity, excluded),
            (Boundary, named.clone()),
            (Session, named.clone()),
            (ServiceControl, named.clone()),
            (Resource, allow("")),
            (ResourceControl, named.clone()),
            (ResourceControl, allow("").replace("Allow", "Deny")),
            (ResourceControl, allow(r#","Principal":{"AWS":"*"}"#).replace("Allow", "Deny")),
            (ResourceControl, allow(r#","NotPrincipal":"*""#).replace("Allow", "Deny")),
        ],
    );
}

#[test]
fn l5_actions() {
    let bad = [
        "GetObject",
        "s3*",
        "*:GetObject",
        "s?:GetObject",
        "s3: GetObject",
        " s3:GetObject",
        "s3:",
        ":x",
        "",
        "**",
    ];
    let list =
        bad.map(|action| statement(&format!(r#""Effect":"Allow","Action":"{action}","Resource":"*""#)));
    refused("l5", Code::L5, &all(Identity, list));
}

#[test]
fn l6_resources() {
    let bad = [
        "data",
        "arn:aws:s3",
        "arn:aws:s3:::",
        "arn:aws:s3::data",
        "**",
        "",
        "ARN:aws:s3:::data",
        "arn*:aws:s3:::d",
    ];
    let list = bad.into_iter().filter(|resource| *resource != "arn:aws:s3:::");
    let list =
        list.map(|resource| statement(&format!(r#""Effect":"Allow","Action":"*","Resource":"{resource}""#)));
    refused("l6", Code::L6, &all(Identity, list));
}

#[test]
fn l7_principals() {
    let bad = [
        r#""111122223333""#,
        r#""arn:aws:iam::111122223333:root""#,
        r#"{"AWS":"arn:aws:iam::111122223333:user/a*"}"#,
        r#"{"AWS":"arn:aws:iam::*:root"}"#,
        r#"{"AWS":"1111222233"}"#,
        r#"{"AWS":"arn:aws:iam::1111222233:root"}"#,
        r#"{"AWS":"arn:aws:iam::111122223333:group/staff"}"#,
        r#"{"AWS":"arn:aws:iam::111122223333:role/"}"#,
        r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/batch"}"#,
        r#"{"AWS":"AIDAJQABLZS4A3QDU576Q"}"#,
        r#"{"AWS":""}"#,
        r#"{"Service":"*.amazonaws.com"}"#,
        r#"{"Service":"*"}"#,
        r#"{"Federated":"a b"}"#,
    ];
    refused(
        "l7",
        Code::L7,
        &all(Resource, bad.map(|principal| allow(&format!(r#","Principal":{principal}"#)))),
    );
}

#[test]
fn l8_operators() {
    let bad = [
        r#""StringEqual":{"a:b":"x"}"#,
        r#""NullIfExists":{"a:b":"true"}"#,
        r#""ForAllValues:Null":{"a:b":"true"}"#,
        r#""ForAnyValue:Null":{"a:b":"true"}"#,
        r#""ForSomeValues:StringEquals":{"a:b":"x"}"#,
        r#""BoolNot":{"a:b":"true"}"#,
        r#""":{"a:b":"true"}"#,
    ];
    refused("l8", Code::L8, &all(Identity, bad.map(condition)));
}

#[test]
fn l9_values() {
    let bad = [
        r#""NumericEquals":{"a:b":"ten"}"#,
        r#""NumericEquals":{"a:b":1e3}"#,
        r#""DateLessThan":{"a:b":"2026"}"#,
        r#""DateLessThan":{"a:b":"2026-11-22T00:00:00"}"#,
        r#""Bool":{"a:b":"yes"}"#,
        r#""Null":{"a:b":"1"}"#,
        r#""BinaryEquals":{"a:b":"QUJ"}"#,
        r#""IpAddress":{"a:b":"10.0.0.0/33"}"#,
        r#""IpAddress":{"a:b":"10.0.0.*"}"#,
        r#""ArnLike":{"a:b":"*"}"#,
        r#""ArnEquals":{"a:b":"arn:aws:iam::user/x"}"#,
        r#""ArnEquals":{"a:b":"${a:c}:x"}"#,
    ];
    refused("l9", Code::L9, &all(Identity, bad.map(condition)));
}

#[test]
fn l10_keys_that_fold_together() {
    let bad = [
        r#""StringEquals":{"a:b":"x","A:B":"y"}"#,
        r#""Null":{"s3:ExistingObjectTag/Env":"true","s3:ExistingObjectTag/env":"false"}"#,
        r#""NumericLessThan":{"s3:TlsVersion":"1.3","s3:tlsversion":1.2}"#,
    ];
    refused("l10", Code::L10, &all(Identity, bad.map(condition)));
}

#[test]
fn l11_sets_and_single_values() {
    let bad = [
        r#""Bool":{"a:b":["true","false"]}"#,
        r#""StringEquals":{"aws:TagKeys":"x"}"#,
        r#""StringNotLikeIfExists":{"S3:RequestObjectTagKeys":"x"}"#,
        r#""ForAnyValue:StringEquals":{"aws:username":"x"}"#,
        r#""ForAllValues:StringLike":{"s3:ExistingObjectTag/env":"x"}"#,
    ];
    refused("l11", Code::L11, &all(Identity, bad.map(condition)));
}

#[test]
fn l12_variables() {
    let resource = |text: &str| statement(&format!(r#""Effect":"Allow","Action":"*","Resource":"{text}""#));
    let mut bad = vec![
        resource("arn:aws:s3:::b/${aws:username"),
        resource("arn:aws:s3:::b/${}"),
        resource("arn:aws:s3:::b/${aws: username}"),
        resource("arn:aws:s3:::b/${aws:username, x}"),
        resource("arn:aws:s3:::b/${aws:username, 'x}"),
        resource("arn:${aws:username}:s3:::b"),
        resource("arn:aws:s3::${aws:PrincipalAccount}:b"),
        resource("arn:aws:s3::${*}:b"),
        statement(r#""Effect":"Allow","Action":"s3:${aws:username}","Resource":"*""#),
        allow(r#","Sid":"${aws:username}""#),
    ];
    for block in [
        r#""NumericEquals":{"a:b":"${a:c}"}"#,
        r#""DateEquals":{"a:b":"${aws:CurrentTime}"}"#,
        r#""Bool":{"a:b":"${a:c}"}"#,
        r#""BinaryEquals":{"a:b":"${a:c}"}"#,
        r#""IpAddress":{"a:b":"${aws:SourceIp}"}"#,
        r#""Null":{"a:b":"${a:c}"}"#,
        r#""StringEquals":{"a:b":"${"}"#,
        r#""ArnLike":{"a:b":"arn:aws:iam::1:${}"}"#,
    ] {
        bad.push(condition(block));
    }
    refused("l12", Code::L12, &all(Identity, bad));
    let principal = allow(r#","Principal":{"AWS":"${aws:PrincipalArn}"}"#);
    refused("l12_principals", Code::L12, &all(Resource, vec![principal; 3]));
}

#[test]
fn l13_empty_lists() {
    let bad = [
        statement(r#""Effect":"Allow","Action":[],"Resource":"*""#),
        statement(r#""Effect":"Deny","NotAction":[],"Resource":"*""#),
        statement(r#""Effect":"Allow","Action":"*","Resource":[]"#),
        condition(r#""StringEquals":{"a:b":[]}"#),
        condition(r#""Bool":{"a:b":[]}"#),
        condition(r#""Null":{"a:b":[]}"#),
    ];
    refused("l13", Code::L13, &all(Identity, bad));
    let principals = [r#"{"AWS":[]}"#, "{}", r#"{"Service":[]}"#];
    refused(
        "l13_principals",
        Code::L13,
        &all(Resource, principals.map(|p| allow(&format!(r#","Principal":{p}"#)))),
    );
}

#[test]
fn l14_sids_and_not_principal() {
    let twice = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},
        {"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    refused(
        "l14",
        Code::L14,
        &[
            (Resource, allow(r#","NotPrincipal":{"AWS":"111122223333"}"#)),
            (Identity, twice.to_owned()),
            (Identity, allow(r#","Sid":"with space""#)),
            (Boundary, allow(r#","Sid":"a-b""#)),
            (Session, allow(r#","Sid":"é""#)),
        ],
    );
    assert_eq!(errors(&allow(r#","Principal":"*","Sid":"with space""#), Resource), []);
}

#[test]
fn l15_limits() {
    let many = |count: usize, value: &str| vec![value; count].join(",");
    let padded = |bytes: usize| {
        let text = allow("");
        let padding = " ".repeat(bytes - text.len());
        text + &padding
    };
    refused(
        "l15",
        Code::L15,
        &[
            (Identity, padded(20_481)),
            (Boundary, padded(20_481)),
            (Resource, padded(20_481)),
            (Session, padded(2_049)),
            (ServiceControl, padded(10_241)),
            (ResourceControl, padded(5_121)),
            (Identity, format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, many(1_001, "{}"))),
            (Identity, condition(&format!(r#""StringEquals":{{"a:b":[{}]}}"#, many(1_001, r#""x""#)))),
            (
                Identity,
                statement(&format!(r#""Effect":"Allow","Action":"s3:{}","Resource":"*""#, "x".repeat(2_046))),
            ),
            (Identity, condition(&format!(r#""StringEquals":{{"a:b":"{}"}}"#, "é".repeat(2_049)))),
        ],
    );
    assert_eq!(errors(&padded(20_480), Identity), []);
    assert_eq!(errors(&padded(2_048), Session), []);
    assert_eq!(
        errors(&condition(&format!(r#""StringEquals":{{"a:b":"{}"}}"#, "é".repeat(2_048))), Identity),
        []
    );
}

#[test]
fn every_finding_says_where() {
    let text = "{\"Version\": \"2012-10-17\",\n \"Statement\": [\n  {\"Effect\": \"Allow\", \"Action\": [\"s3:GetObject\", \"é:x\"],\n   \"Resource\": \"data\", \"Conditions\": {}}\n]}";
    let found: Vec<_> =
        errors(text, Identity).into_iter().map(|f| (f.code, f.line, f.column, f.offset)).collect();
    let offset = |part: &str| text.find(part).unwrap();
    assert_eq!(
        found,
        [
            (Code::L5, 3, 50, offset("\"é:x\"")),
            (Code::L6, 4, 16, offset("\"data\"")),
            (Code::L1, 4, 24, offset("\"Conditions\"")),
        ]
    );
}

#[test]
fn messages_say_what_why_and_what_to_do() {
    let documents = [
        "{\n  \"Version\": \"2012-10-17\",\n}".to_owned(),
        allow(r#","Conditions":{}"#),
        allow(r#","Principal":"*""#),
        statement(r#""Effect":"allow","Action":"GetObject","Resource":"data/*""#),
        statement(r#""Effect":"Allow","Action":[],"Resource":"arn:aws:s3:::b/${aws:username""#),
        condition(r#""StringEqual":{"a:b":"x"}"#),
        condition(r#""DateLessThan":{"aws:CurrentTime":"2026"}"#),
        condition(r#""StringEquals":{"aws:TagKeys":"x"}"#),
        condition(r#""StringEquals":{"a:b":"x","A:b":"x"}"#),
    ];
    let found = documents.iter().flat_map(|text| errors(text, Identity));
    insta::assert_snapshot!(found.map(|finding| finding.to_string()).collect::<Vec<_>>().join("\n"));
}

#[test]
fn warnings_code_by_code() {
    let deny_not = |list: &str| {
        statement(&format!(r#""Effect":"Deny","NotPrincipal":{list},"Action":"*","Resource":"*""#))
    };
    let old = r#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}"}}"#;
    let put_tags = |block: &str| {
        statement(&format!(
            r#""Effect":"Allow","Action":"s3:PutObjectTagging","Resource":"*","Condition":{{{block}}}"#
        ))
    };
    let cases: &[(PolicyKind, String, &[Code])] = &[
        (Identity, allow(""), &[]),
        (Identity, condition(r#""StringEquals":{"custom:key":"a*"}"#), &[Code::W5, Code::W1]),
        (Identity, condition(r#""StringEquals":{"aws:username":"a${*}"}"#), &[]),
        (Identity, allow("").replace(r#""Version":"2012-10-17","#, ""), &[Code::W2]),
        (Identity, put_tags(r#""ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":"a"}"#), &[Code::W3]),
        (
            Identity,
            put_tags(
                r#""ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":"a"},"Null":{"s3:requestobjecttagkeys":false}"#,
            ),
            &[],
        ),
        (Identity, statement(r#""Effect":"Allow","Action":"s3:GetObjects","Resource":"*""#), &[Code::W4]),
        (
            Identity,
            statement(r#""Effect":"Allow","Action":["S3:get*","batch:InvokePlugin"],"Resource":"*""#),
            &[],
        ),
        (Identity, put_tags(r#""StringEquals":{"s3:prefix":"a"}"#), &[Code::W5]),
        (Identity, put_tags(r#""StringEquals":{"s3:ExistingObjectTag/x":"a"}"#), &[]),
        (
            Identity,
            statement(r#""Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::data*""#),
            &[Code::W6],
        ),
        (Identity, statement(r#""Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::data/*""#), &[]),
        (Identity, old.to_owned(), &[Code::W7]),
        (Identity, condition(r#""stringequals":{"aws:username":"a"}"#), &[Code::W8]),
        (Identity, condition(r#""StringEquals":{"aws:username":"Ω"}"#), &[Code::W9]),
        (Resource, allow(r#","Principal":{"Federated":"accounts.google.com"}"#), &[Code::W10]),
        (Resource, deny_not(r#"{"AWS":"arn:aws:iam::111122223333:user/a"}"#), &[Code::W11]),
        (Resource, deny_not(r#"{"AWS":["arn:aws:iam::111122223333:user/a","111122223333"]}"#), &[]),
    ];
    for (kind, text, expected) in cases {
        let codes: Vec<Code> = warnings(text, *kind).iter().map(|finding| finding.code).collect();
        assert_eq!(codes, *expected, "{text}");
    }
    let shown: Vec<_> = cases.iter().flat_map(|(_, _, codes)| codes.iter()).collect();
    for code in Code::ALL.iter().filter(|code| !code.is_error()) {
        assert!(shown.contains(&code), "no document shows {code}");
    }
}
