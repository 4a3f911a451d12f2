//! Worked examples: each line of the data files is a case with the decision that AWS's documentation asks for.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use longshore_policy::{Code, PolicyKind};
use support::{Case, load};

fn cases(text: &str) -> impl Iterator<Item = Case> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
}

/// Decides every case in every way there is, and returns the ids of those that came out wrong.
fn wrong(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for case in cases(text) {
        let context = case.context();
        let request = case.request.with(&context);
        let policies = match case.policies() {
            Ok(policies) => policies,
            Err(findings) => {
                let codes: Vec<String> = findings.iter().map(|finding| finding.code.to_string()).collect();
                if codes.join(" ") != case.expect {
                    wrong.push(format!("{}: expected {}, got {codes:?}", case.id, case.expect));
                }
                continue;
            }
        };
        let decision = policies.decide(&request);
        if decision.effect.to_string() != case.expect {
            wrong.push(format!(
                "{}: expected {}, got {}: {}",
                case.id,
                case.expect,
                decision.effect,
                decision.reason()
            ));
        }
        let explanation = policies.explain(&request);
        assert_eq!(
            (explanation.effect, &explanation.reason),
            (decision.effect, &decision.reason()),
            "{}",
            case.id
        );
        if let Some(statement) = decision.statement() {
            assert!(
                explanation.matched.iter().any(|m| m.to_string() == statement.to_string()),
                "{}",
                case.id
            );
        }
        if decision.allowed() {
            assert!(policies.could_allow(&request).allowed(), "{}: allowed, but could not be", case.id);
        }
    }
    wrong
}

#[test]
fn worked_examples() {
    let text = include_str!("data/decisions.jsonl");
    assert_eq!(cases(text).count(), 90);
    assert_eq!(wrong(text), Vec::<String>::new());
}

#[test]
fn further_examples() {
    assert_eq!(wrong(include_str!("data/more_decisions.jsonl")), Vec::<String>::new());
}

#[test]
fn documents_of_the_old_version_load_with_a_warning() {
    for id in ["C06", "C07"] {
        let case = cases(include_str!("data/decisions.jsonl")).find(|case| case.id == id).unwrap();
        assert!(load(&case.identity[0], PolicyKind::Identity).is_ok());
        let text = case.identity[0].to_string();
        let loaded = longshore_policy::Document::load(id, &text, PolicyKind::Identity).unwrap();
        assert!(loaded.warnings.iter().any(|warning| warning.code == Code::W7), "{id}");
    }
}
