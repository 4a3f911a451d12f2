//! What holds for every policy and every request.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

mod generated;

use generated::{
    ACCOUNTS, ACTIONS, Asked, KEYS, PRINCIPALS, RESOURCES, Written, asked, kind, policy, statement, written,
};
use longshore_policy::case::Case;
use longshore_policy::{Context, Decision, Document, Effect, PolicyKind, PolicySet, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

fn decide(written: &Written, asked: &Asked) -> Decision {
    written.set().decide(&asked.request())
}

/// Statements of one kind and effect, to be added to a set.
fn addition(effect: &'static str) -> impl Strategy<Value = (PolicyKind, Vec<Value>)> {
    kind()
        .prop_filter("such policies only deny", move |kind| {
            effect == "Deny" || *kind != PolicyKind::ResourceControl
        })
        .prop_flat_map(move |kind| {
            let statement = statement(kind).prop_map(move |mut statement| {
                statement["Effect"] = json!(effect);
                if effect == "Allow" && statement.get("NotPrincipal").is_some() {
                    statement["Principal"] = statement["NotPrincipal"].take();
                    statement.as_object_mut().unwrap().remove("NotPrincipal");
                }
                statement
            });
            (Just(kind), vec(statement, 1..3))
        })
}

/// A document of a type that only narrows.
fn ceiling() -> impl Strategy<Value = (PolicyKind, Vec<Value>)> {
    select(vec![PolicyKind::Boundary, PolicyKind::Session, PolicyKind::ServiceControl])
        .prop_flat_map(|kind| (Just(kind), policy(kind)))
}

/// Fisher and Yates' shuffle.
fn shuffle<T>(list: &mut [T], places: &mut impl Iterator<Item = Index>) {
    for end in (1..list.len()).rev() {
        list.swap(end, places.next().unwrap().index(end + 1));
    }
}

/// The decision on one identity policy, an Allow with a condition.
fn decide_condition(operator: &str, written: &str, tag: &str, value: &str) -> bool {
    let text = json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": { operator: { "custom:one": written } } } });
    let set = PolicySet::new()
        .with_identity(Document::load("tag", &text.to_string(), PolicyKind::Identity).unwrap().document);
    let mut context = Context::new();
    context.set("aws:PrincipalTag/team", tag);
    context.set("custom:one", value);
    let request = Request {
        principal: PRINCIPALS[0],
        action: ACTIONS[0],
        resource: RESOURCES[1],
        resource_account: ACCOUNTS[0],
        context: &context,
    };
    set.decide(&request).allowed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Of everything that can be added, a Deny never helps the request.
    #[test]
    fn adding_a_deny_never_allows(
        written in written(), asked in asked(), (kind, denies) in addition("Deny"), place in any::<Index>(), fresh: bool,
    ) {
        let before = decide(&written, &asked);
        let mut more = written;
        let documents = more.of(kind);
        if fresh || documents.is_empty() {
            documents.push(denies);
        } else {
            let place = place.index(documents.len());
            documents[place].extend(denies);
        }
        prop_assert!(before.allowed() || !decide(&more, &asked).allowed());
    }

    /// An explicit Deny stands, whatever else is allowed.
    #[test]
    fn adding_an_allow_never_lifts_a_deny(
        written in written(), asked in asked(), (kind, allows) in addition("Allow"),
    ) {
        let before = decide(&written, &asked);
        let mut more = written;
        more.of(kind).push(allows);
        if before.effect == Effect::ExplicitDeny {
            prop_assert_eq!(decide(&more, &asked).effect, Effect::ExplicitDeny);
        }
    }

    /// Adding an Allow to a pool that exists already never takes anything away.
    #[test]
    fn an_allow_in_an_existing_pool_never_refuses(
        written in written(), asked in asked(), (kind, allows) in addition("Allow"),
    ) {
        let before = decide(&written, &asked);
        let mut more = written;
        if let Some(first) = more.of(kind).first_mut() {
            first.extend(allows);
            prop_assert!(!before.allowed() || decide(&more, &asked).allowed());
        }
    }

    /// Statements and documents in any order; so are levels, because each document of a guard is a level here.
    #[test]
    fn order_never_matters(written in written(), asked in asked(), places in vec(any::<Index>(), 64)) {
        let mut places = places.into_iter().cycle();
        let mut shuffled = written.clone();
        for (kind, _) in written.documents() {
            let documents = shuffled.of(kind);
            shuffle(documents, &mut places);
            documents.iter_mut().for_each(|statements| shuffle(statements, &mut places));
        }
        prop_assert_eq!(decide(&written, &asked).effect, decide(&shuffled, &asked).effect);
    }

    /// Boundaries, session policies and guards only take away.
    #[test]
    fn a_ceiling_never_allows(written in written(), asked in asked(), (kind, added) in ceiling()) {
        let before = decide(&written, &asked);
        let mut more = written;
        // A second boundary or session document is pooled with the first: there it may give back what that took.
        if kind != PolicyKind::ServiceControl {
            more.of(kind).clear();
        }
        let without = decide(&more, &asked);
        more.of(kind).push(added);
        prop_assert!(without.allowed() || !decide(&more, &asked).allowed());
        prop_assert!(without.allowed() || !before.allowed() || kind == PolicyKind::ServiceControl);
    }

    /// What could not be allowed with part of the context is not allowed with all of it.
    #[test]
    fn could_allow_never_refuses_what_is_allowed(written in written(), asked in asked()) {
        let set = written.set();
        if set.decide(&asked.request()).allowed() {
            let unknown = Asked { context: Context::new(), ..asked.clone() };
            prop_assert!(set.could_allow(&asked.request()).allowed());
            prop_assert!(set.could_allow(&unknown.request()).allowed());
        }
    }

    /// An explanation never disagrees with the decision, and its statements account for it.
    #[test]
    fn explanations_agree(written in written(), asked in asked()) {
        let set = written.set();
        let (decision, explanation) = (set.decide(&asked.request()), set.explain(&asked.request()));
        prop_assert_eq!(explanation.effect, decision.effect);
        prop_assert_eq!(explanation.reason, decision.reason());
        let denies = explanation.matched.iter().any(|m| m.effect() == longshore_policy::StatementEffect::Deny);
        prop_assert_eq!(denies, decision.effect == Effect::ExplicitDeny);
        let statements: usize = written.documents().iter().flat_map(|(_, d)| d.iter()).map(Vec::len).sum();
        prop_assert_eq!(explanation.matched.len() + explanation.near_misses.len() + explanation.other_statements, statements);
    }

    /// A tag opens nothing but the prefix that is its own text.
    #[test]
    fn substituted_text_matches_only_itself(tag in r"[a*?/:$\{\}]{0,8}|\PC{0,8}", prefix in r"[a*?/:$\{\}]{0,8}|\PC{0,8}") {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject",
            "Resource":"arn:aws:s3:::data/${aws:PrincipalTag/team}"}}"#;
        let set = PolicySet::new().with_identity(Document::load("tag", text, PolicyKind::Identity).unwrap().document);
        let mut context = Context::new();
        context.set("aws:PrincipalTag/team", tag.clone());
        let resource = format!("arn:aws:s3:::data/{prefix}");
        let request = Request {
            principal: PRINCIPALS[0], action: ACTIONS[0], resource: &resource, resource_account: ACCOUNTS[0], context: &context,
        };
        prop_assert_eq!(set.decide(&request).allowed(), tag == prefix && !prefix.is_empty());
    }

    /// Nor does it in a condition, whatever the operator.
    #[test]
    fn substituted_text_matches_only_itself_in_conditions(
        tag in r"[a*?/:$\{\}]{0,8}|\PC{0,8}", value in r"[a*?/:$\{\}]{0,8}|\PC{0,8}",
    ) {
        for value in [&value, &tag] {
            let same = tag == *value;
            let variable = "${aws:PrincipalTag/team}";
            prop_assert_eq!(decide_condition("StringEquals", variable, &tag, value), same);
            prop_assert_eq!(decide_condition("StringLike", variable, &tag, value), same);
            prop_assert_eq!(decide_condition("StringNotLike", variable, &tag, value), !same);
            let (pattern, whole) = (format!("<{variable}>*"), format!("<{value}>"));
            prop_assert_eq!(decide_condition("StringLike", &pattern, &tag, &whole), whole.starts_with(&format!("<{tag}>")));
            let (pattern, arn) = (format!("arn:aws:iam::1:{variable}"), format!("arn:aws:iam::1:{value}"));
            prop_assert_eq!(decide_condition("ArnLike", &pattern, &tag, &arn), same);
        }
    }

    /// No text whatever makes the loader panic, and what it says has a place in the text.
    #[test]
    fn loading_is_total(text in r#"[\[\]{}",:*?$ a-zA-Z0-9\n\\é]{0,80}|\PC*"#, kind in kind()) {
        if let Err(findings) = Document::load("any", &text, kind) {
            prop_assert!(!findings.is_empty());
            for finding in findings {
                prop_assert!(text.is_char_boundary(finding.offset), "{finding}");
            }
        }
    }

    /// Any bytes are a case that can be decided, or none.
    #[test]
    fn cases_are_total(bytes in vec(any::<u8>(), 0..64), place in any::<Index>(), line in any::<Index>()) {
        let _ = serde_json::from_slice::<Case>(&bytes);
        let lines: Vec<&str> = include_str!("../data/decisions.jsonl").lines().collect();
        let mut damaged = lines[line.index(lines.len())].as_bytes().to_vec();
        let place = place.index(damaged.len());
        damaged.splice(place..place, bytes.into_iter().take(2));
        if let Ok(case) = serde_json::from_slice::<Case>(&damaged) {
            let context = case.request.context();
            let _ = case.policies().map(|set| set.explain(&case.request.with(&context)).to_string());
        }
    }

    /// Nor does any damage to a document that was sound, nor any request to what then still loads.
    #[test]
    fn damage_never_panics(
        written in written(), asked in asked(), kind in kind(), place in any::<Index>(), put in r#"[\[\]{}",:*?$a1 \n]{0,3}|\PC"#,
        cut in 0..4_usize,
    ) {
        let mut written = written;
        let Some(statements) = written.of(kind).first() else { return Ok(()) };
        let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        let chars: Vec<char> = text.chars().collect();
        let place = place.index(chars.len());
        let damaged: String = chars[..place].iter().copied().chain(put.chars())
            .chain(chars.iter().copied().skip(place + cut)).collect();
        if let Ok(loaded) = Document::load("damaged", &damaged, kind) {
            let set = PolicySet::new().with_identity(loaded.document.clone()).with_resource(loaded.document);
            let _ = set.explain(&asked.request()).to_string();
        }
    }

    /// No request makes a decision panic.
    #[test]
    fn deciding_is_total(
        written in written(), principal in r"arn:aws:(iam|sts)::[0-9]{11,12}:\PC{0,12}|\PC*", action in r"[a-z0-9:*]{0,8}|\PC*",
        resource in r"arn:\PC{0,30}|\PC*", account in r"[0-9]{0,12}|\PC*", key in select(&KEYS), value in r"\PC*",
    ) {
        let set = written.set();
        let mut context = Context::new();
        context.set(key, value);
        let request = Request {
            principal: &principal, action: &action, resource: &resource, resource_account: &account, context: &context,
        };
        let _ = (set.decide(&request).reason(), set.could_allow(&request).reason(), set.explain(&request).to_string());
    }
}
