use insta::{assert_debug_snapshot, assert_snapshot};
use serde_json::json;

use super::CatalogEntry;
use super::tests::{parse, problems};
use crate::plugin_reference::InstalledName;
use crate::spec::OperationSource;

/// One plugin is installed, in one version.
pub(super) fn installed(name: InstalledName<'_>) -> Result<CatalogEntry, String> {
    let source = OperationSource::Installed {
        name: "redact".into(),
        version: "1.2.0".into(),
        sha256: "cd".repeat(32),
        grants: vec!["s3:GetObject".into()],
    };
    match name {
        InstalledName::Newest("redact") | InstalledName::Version("redact", "1.2.0") => {
            Ok(CatalogEntry { source, parameters: json!(true) })
        }
        other => Err(format!("no plugin {other} is installed")),
    }
}

fn job(steps: &str) -> String {
    format!("role = 'tagger'\nmanifest = {{ location = 'a', fields = ['Bucket', 'Key'] }}\n{steps}")
}

#[test]
fn several_steps() {
    let spec = parse(&job(r#"
[[operation]]
name = "tagging"
label = "mark"
when = { size-greater-than = "1 MiB", tags = { class = false } }
on-failure = "continue"
parameters = { mode = "merge" }

[[operation]]
plugin = "redact.wasm"
"#))
    .unwrap();
    assert_debug_snapshot!("steps", spec.steps);
    assert_eq!(spec.operation_name(), "tagging+/jobs/redact.wasm");
    let names: Vec<&str> = spec.steps.iter().map(crate::spec::StepSpec::name).collect();
    assert_eq!(names, ["mark", "redact"]);
    let stored = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<crate::JobSpec>(&stored).unwrap(), spec);
}

#[test]
fn a_table_is_one_step() {
    let one = parse(&job("[operation]\nname = 'noop'\nlabel = 'x'\nwhen = { suffixes = ['.gz'] }")).unwrap();
    let array =
        parse(&job("[[operation]]\nname = 'noop'\nlabel = 'x'\nwhen = { suffixes = ['.gz'] }")).unwrap();
    assert_eq!(one, array);
}

#[test]
fn every_problem_of_every_step_at_once() {
    assert_snapshot!(
        "steps_problems",
        problems(&job(r#"
[[operation]]
name = "tagging"
lable = "a"
parameters = { mod = "merge" }

[[operation]]
name = "tagging"
label = "a"
parameters = { mode = "merge" }
on-failure = "go on"

[[operation]]
name = "copi"
label = "a"
when = { regex = "(", size-greater-than = "1 MBit", expression = "size > 'a'" }

[[operation]]
name = "noop"
plugin = "redact.wasm"
when = { expression = "is_latest" }

[[operation]]
label = "no spaces please"

[[operation]]
plugin = "gone.wasm"
when = { sise = 1 }
"#))
    );
}

#[test]
fn what_is_no_step() {
    for (name, text) in [
        ("none", "operation = []".to_owned()),
        ("number", "operation = 3".to_owned()),
        ("numbers", "operation = [{ name = 'noop' }, 3]".to_owned()),
        ("nested", "operation = [[{ name = 'noop' }]]".to_owned()),
        ("many", "[[operation]]\nname = 'noop'\n".repeat(crate::pipeline::MAX_STEPS + 1)),
    ] {
        assert_snapshot!(format!("steps_{name}"), problems(&job(&text)));
    }
}

#[test]
fn installed_plugins() {
    let spec =
        parse(&job("[[operation]]\nplugin = 'redact'\n[[operation]]\nplugin = 'redact@1.2.0'")).unwrap();
    assert_eq!(spec.operation_name(), "redact@1.2.0+redact@1.2.0");
    assert_eq!(spec.steps[0].name(), "redact");
    let found = installed(InstalledName::Newest("redact")).unwrap().source;
    assert_eq!([&spec.steps[0].operation.source, &spec.steps[1].operation.source], [&found, &found]);
    let stored = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<crate::JobSpec>(&stored).unwrap(), spec);
}

#[test]
fn plugins_that_cannot_be_found() {
    for (line, told) in [
        ("plugin = 'redact@2.0.0'", ["error: no plugin redact@2.0.0 is installed", "job.toml:4:10"]),
        (
            "plugin = 'Redact'",
            ["error: \"Redact\" is no name of a plugin", "for a file write its path: \"./Redact\""],
        ),
        (
            "plugin = 'sha256:ab'",
            ["error: the digest has 2 digits, a SHA-256 has 64", "'longshore plugin list' shows it"],
        ),
    ] {
        let text = problems(&job(&format!("[operation]\n{line}")));
        assert!(told.iter().all(|words| text.contains(words)), "{text}");
    }
}
