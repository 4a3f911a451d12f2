use insta::{assert_debug_snapshot, assert_snapshot};

use super::tests::{parse, problems};

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
