//! Worked examples: each line of the data files is a case with the decision that AWS's documentation asks for.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use longshore_policy::case::Case;
use longshore_policy::{Code, Document, PolicyKind};
use serde_json::Value;

fn cases(text: &str) -> impl Iterator<Item = Case> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
}

/// Decides every case in every way there is, and returns what came out wrong.
fn wrong(text: &str) -> Vec<String> {
    cases(text).filter_map(|case| outcome(&case).err().map(|found| format!("{}: {found}", case.id))).collect()
}

fn outcome(case: &Case) -> Result<(), String> {
    let expected = case.expect.as_deref().unwrap();
    let context = case.request.context();
    let request = case.request.with(&context);
    let policies = match case.policies() {
        Ok(policies) => policies,
        Err(findings) => {
            let codes: Vec<&str> = findings.iter().map(|found| found.finding.code.as_str()).collect();
            let codes = codes.join(" ");
            return if codes == expected { Ok(()) } else { Err(format!("expected {expected}, got {codes}")) };
        }
    };
    let decision = policies.decide(&request);
    if decision.effect.to_string() != expected {
        return Err(format!("expected {expected}, got {}: {}", decision.effect, decision.reason()));
    }
    let explanation = policies.explain(&request);
    assert_eq!(
        (explanation.effect, &explanation.reason),
        (decision.effect, &decision.reason()),
        "{}",
        case.id
    );
    if let Some(statement) = decision.statement() {
        let statement = statement.to_string();
        assert!(explanation.matched.iter().any(|matched| matched.to_string() == statement), "{}", case.id);
    }
    if decision.allowed() && !policies.could_allow(&request).allowed() {
        return Err("allowed, but could not be".to_owned());
    }
    Ok(())
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
        let lines = include_str!("data/decisions.jsonl").lines();
        let case =
            lines.map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|case| case["id"] == id);
        let text = case.unwrap()["identity"][0].to_string();
        let loaded = Document::load(id, &text, PolicyKind::Identity).unwrap();
        assert!(loaded.warnings.iter().any(|warning| warning.code == Code::W7), "{id}");
    }
}
