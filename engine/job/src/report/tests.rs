//! The completion report, byte for byte.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::filter::Filter;
use crate::spec::{OnFailure, OperationSource, OperationSpec};
use crate::task::Failure;

fn row(key: &str, version_id: Option<&str>) -> Row {
    Row {
        bucket: "photos".into(),
        key: key.into(),
        version_id: version_id.map(str::to_owned),
        ..Row::default()
    }
}

fn failed(code: &str, status: Option<u16>, message: &str) -> Outcome {
    Outcome::Failed(Failure { code: code.into(), status, message: message.into() })
}

fn rows(rows: &[(Row, Outcome)]) -> String {
    let mut out = String::new();
    rows.iter().for_each(|(row, outcome)| push_result_row(&mut out, row, outcome));
    out
}

#[test]
fn rows_in_the_real_order_of_columns() {
    assert_snapshot!(rows(&[
        (row("a%20b%2520c", None), Outcome::Succeeded(None)),
        (row("b", Some("v1")), Outcome::Succeeded(Some("copied 5 bytes".into()))),
        (row("c", Some("null")), Outcome::Skipped("tags are as wanted".into())),
        (row("d", None), failed("AccessDenied", Some(403), "Access Denied")),
        (row("e", Some("")), failed("InvalidRequest", Some(400), "Task failed due to missing VersionId")),
        (row("f", None), failed("PluginTrap", None, "out of bounds")),
    ]));
}

#[test]
fn quotes_only_where_needed() {
    assert_snapshot!(rows(&[
        (row("=1+1", None), Outcome::Succeeded(Some("{\"a\": 1, \"b\": 2}".into()))),
        (row("a,b", None), failed("X", Some(500), "said \"no\"\nand left")),
        (row(" blank ", None), Outcome::Skipped(String::new())),
    ]));
}

#[test]
fn layout_of_the_report() {
    let keys = |prefix: &str| ReportLayout::new(prefix, "f8fb9d89").manifest();
    assert_eq!(keys(""), "job-f8fb9d89/manifest.json");
    assert_eq!(keys("p/q"), "p/q/job-f8fb9d89/manifest.json");
    assert_eq!(keys("p/"), "p//job-f8fb9d89/manifest.json");
    assert_eq!(ReportLayout::new("p", "j").manifest_md5(), "p/job-j/manifest.json.md5");

    let layout = ReportLayout::new("p", "j");
    let first = layout.results(TaskStatus::Succeeded, 0);
    let name = first.strip_prefix("p/job-j/results/").unwrap().strip_suffix(".csv").unwrap();
    assert!(
        name.len() == 40 && name.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)),
        "{name}"
    );
    assert_eq!(first, layout.results(TaskStatus::Succeeded, 0));
    assert_ne!(first, layout.results(TaskStatus::Succeeded, 1));
    assert_ne!(first, layout.results(TaskStatus::Failed, 0));
}

#[test]
fn manifest_of_the_report() {
    let file = |status: TaskStatus| ResultFile {
        task_execution_status: status,
        bucket: "reports".into(),
        md5_checksum: "83b1c4cbe93fc893f54053697e10fd6e".into(),
        key: ReportLayout::new("p", "j").results(status, 0),
    };
    let created = "2026-11-22T17:48:39.7254Z".parse().unwrap();
    assert_snapshot!(
        report_manifest_json(created, &[file(TaskStatus::Succeeded), file(TaskStatus::Failed)]).unwrap()
    );
}

proptest! {
    #[test]
    fn rows_read_back(
        bucket in any::<String>(), key in any::<String>(), version in any::<Option<String>>(), message in any::<String>(),
    ) {
        let row = Row { bucket: bucket.clone(), key: key.clone(), version_id: version.clone(), ..Row::default() };
        let mut text = String::new();
        push_result_row(&mut text, &row, &failed("Code", Some(400), &message));
        push_result_row(&mut text, &row, &Outcome::Succeeded(Some(message.clone())));
        prop_assert!(text.ends_with('\n'));
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let version = version.unwrap_or_default();
        let expected = |status: &str, http: &str, code: &str| {
            csv::StringRecord::from(vec![&*bucket, &*key, &*version, status, http, code, &*message])
        };
        prop_assert_eq!(records, vec![expected("failed", "400", "Code"), expected("succeeded", "200", "")]);
    }

    #[test]
    fn no_control_character_outside_quotes(key in any::<String>()) {
        let mut text = String::new();
        push_result_row(&mut text, &row(&key, None), &Outcome::Succeeded(None));
        let outside: String = text.trim_end_matches('\n').split('"').step_by(2).collect();
        prop_assert!(!outside.chars().any(char::is_control));
    }
}

#[test]
fn the_policies_of_a_report() {
    let since = "2026-11-22T17:48:39.725Z".parse().unwrap();
    let snapshots = [PolicySnapshot { since, sha256: "9a".repeat(32) }];
    let text = report_policies_json("j-1", "operator", &snapshots).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let snapshot = serde_json::json!({ "Since": "2026-11-22T17:48:39.725Z", "SHA256": "9a".repeat(32) });
    let expected = serde_json::json!({ "JobId": "j-1", "Role": "operator", "PolicySnapshots": [snapshot] });
    assert_eq!(value, expected);
    assert_eq!(ReportLayout::new("p", "j-1").policies(), "p/job-j-1/policies.json");
}

#[test]
fn the_operations_of_a_report() {
    let step = |source| StepSpec {
        operation: OperationSpec { source, parameters: serde_json::json!({}) },
        label: None,
        when: Filter::default(),
        on_failure: OnFailure::Stop,
    };
    let redact = OperationSource::Installed {
        name: "redact".into(),
        version: "1.2.0".into(),
        sha256: "ab".repeat(32),
        grants: Vec::new(),
    };
    let steps = [step(OperationSource::Builtin("copy".into())), step(redact)];
    let text = report_operations_json("j-1", &steps, &["cd".repeat(32), "ab".repeat(32)], 0).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({ "JobId": "j-1", "Operations": [
        { "Step": 1, "Operation": "copy", "SHA256": "cd".repeat(32) },
        { "Step": 2, "Operation": "redact@1.2.0", "SHA256": "ab".repeat(32) },
    ] });
    assert_eq!(value, expected);
    assert_eq!(ReportLayout::new("p", "j-1").operations(), "p/job-j-1/operations.json");
}
