//! What a job file means, and what is said about mistakes in it.

use std::path::PathBuf;

use insta::{assert_debug_snapshot, assert_snapshot};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::spec::{JobSpec, Location};

const CONFIG: &str = r#"
[store.main]
endpoint = "http://127.0.0.1:9000"
[store.archive]
[role.tagger]
account = "111122223333"
store = "main"
policies = ["tagger.json"]
[role.copier]
account = "111122223333"
policies = ["copier.json"]
"#;

/// A job file in which nothing is wrong and nothing is left to defaults.
const FULL: &str = r#"
description = "Tag last year's logs"
priority = 10
confirm = true
start-at = "2026-12-01T22:00:00Z"
deadline = "1d 6h"
after = ["logs-2024"]
after-ended = ["0f2c"]
role = "tagger"
store = "archive"
client-token = "logs-2025"
policy = "only-2025.json"
tags = { team = "storage" }

[operation]
name = "tagging"
parameters = { mode = "merge", tags = { class = "${CLASS:-cold}" } }

[manifest]
location = "./lists/list.csv"
format = "S3BatchOperations_CSV_20180820"
fields = ["Ignore", "Bucket", "Key", "Ignore"]
keys = "raw"
etag = '"d41d8cd98f00b204e9800998ecf8427e"'

[report]
enabled = true
location = "s3://reports/tagging/"
scope = "FailedTasksOnly"

[limits]
concurrency = 8
failure-threshold = { percent = 12.5, minimum-tasks = 10, count = 500 }
stop = [{ codes = ["AccessDenied", "Plugin*"] }, { codes = ["NoSuchKey"], count = 20 }]

[retry]
attempts = 3
base-delay = "1s"
max-delay = "1m 30s"
total-time = "10m"
classes = ["connection"]
codes = ["OperationAborted"]
"#;

pub(super) const MINIMAL: &str = r#"
role = "tagger"
operation = { name = "noop" }
manifest = { location = "s3://lists/a/b%20c.csv", fields = ["Bucket", "Key"] }
"#;

struct Catalog;

struct Policies;

impl PolicyReader for Policies {
    fn session_policy(&self, written: &str, path: &Path) -> Result<String, Vec<BadPolicy>> {
        assert_eq!(path, Path::new("/jobs").join(written));
        let problem = |line: u32, help: Option<&str>| BadPolicy {
            message: format!("{written}:{line}:3: L1: something is wrong"),
            help: help.map(str::to_owned),
        };
        match written {
            "bad.json" => Err(vec![problem(1, Some("do better")), problem(2, None)]),
            _ => Ok("{}".to_owned()),
        }
    }
}

impl OperationCatalog for Catalog {
    fn names(&self) -> Vec<String> {
        ["acl", "copy", "noop", "restore", "tagging"].map(str::to_owned).to_vec()
    }

    fn check(&self, _: &OperationSpec) -> Result<(), String> {
        Ok(())
    }

    fn find(&self, operation: OperationName<'_>) -> Result<CatalogEntry, String> {
        match operation {
            OperationName::Builtin("tagging") => Ok(CatalogEntry {
                source: OperationSource::Builtin("tagging".into()),
                parameters: tagging_schema(),
            }),
            OperationName::Builtin(name) => Ok(CatalogEntry {
                source: OperationSource::Builtin(name.into()),
                parameters: json!({"type": "object", "additionalProperties": name == "copy"}),
            }),
            OperationName::Plugin(path) if path.ends_with("redact.wasm") => Ok(CatalogEntry {
                source: OperationSource::File { path: path.display().to_string(), sha256: "ab".repeat(32) },
                parameters: json!(true),
            }),
            OperationName::Plugin(path) => {
                Err(format!("cannot read the plugin {}: no such file", path.display()))
            }
            OperationName::Installed(name) => super::operation_tests::installed(name),
        }
    }
}

/// In the form that schemars gives the parameters of an operation.
fn tagging_schema() -> serde_json::Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["mode"],
        "properties": {
            "mode": {"description": "What to do.\nMore.", "$ref": "#/$defs/Mode"},
            "tags": {"type": "object", "maxProperties": 10, "additionalProperties": {"type": "string", "maxLength": 5}},
            "target": {"oneOf": [
                {"type": "object", "required": ["kind", "days"], "additionalProperties": false,
                 "properties": {"kind": {"const": "days"}, "days": {"type": "integer", "exclusiveMinimum": 0}}},
                {"type": "object", "required": ["kind"], "additionalProperties": false,
                 "properties": {"kind": {"const": "never"}}},
                {"type": "string", "pattern": "^x"}
            ]}
        },
        "$defs": {"Mode": {"oneOf": [
            {"const": "replace", "description": "All."}, {"const": "merge"}, {"const": "remove"}
        ]}}
    })
}

fn variable(name: &str) -> Option<String> {
    match name {
        "BUCKET" => Some("from-env".to_owned()),
        "EMPTY" => Some(String::new()),
        "AWS_SECRET_ACCESS_KEY" => Some("geheim".to_owned()),
        "PRIVATE" => Some("very private".to_owned()),
        "WEBHOOK_SECRET" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
        _ => None,
    }
}

pub(super) fn parse_with(config: &str, source: &str) -> Result<JobSpec, Problems> {
    let config = EngineConfig::parse(config, "longshore.toml", &variable).unwrap();
    let directory = PathBuf::from("/jobs");
    let environment = Environment {
        variable: &variable,
        directory: &directory,
        config: &config,
        operations: &Catalog,
        policies: &Policies,
    };
    JobFile::parse(source, "job.toml", &environment)
}

pub(super) fn parse(source: &str) -> Result<JobSpec, Problems> {
    parse_with(CONFIG, source)
}

pub(super) fn problems(source: &str) -> String {
    parse(source).unwrap_err().render()
}

#[test]
fn everything_that_a_job_file_can_say() {
    assert_debug_snapshot!(parse(FULL).unwrap());
}

#[test]
fn the_defaults() {
    assert_debug_snapshot!(parse(MINIMAL).unwrap());
}

#[test]
fn several_mistakes_at_once() {
    assert_snapshot!(problems(
        r#"descripton = ""
prioriti = 3
priority = "high"
role = "taggr"
tags = { team = 5 }

[operation]
name = "taging"

[manifest]
location = "ftp://host/list.csv"
fields = ["Bucket", "Kee"]
keys = "RAW"

[report]
scope = "everything"
bucket = "b"

[limits]
concurrency = 0
failure-threshold = { percent = 101, minimum-tasks = 0.5 }
"#
    ));
}

#[test]
fn an_empty_file() {
    assert_snapshot!(problems(""));
}

#[test]
fn syntax_errors_and_what_else_can_be_made_out() {
    assert_snapshot!(problems(
        "role = \"tagger\nstore = main\npriority = \ndescriptoin = \"x\"\n[operation\nname = \"tagging\"\n[manifest]\nfields = [\"Bucket\" \"Key\"]\nlocation = \"a\"\n"
    ));
}

#[test]
fn syntax_error_alone_does_not_report_missing_keys() {
    assert_snapshot!(problems("role = "));
    assert_snapshot!(problems(
        "role = \"tagger\"\nrole = \"copier\"\n[operation]\nname = 'noop'\n[manifest]\nlocation='a'\nfields=['Bucket','Key']"
    ));
}

#[test]
fn parameters_that_break_the_schema() {
    let job = |parameters: &str| {
        format!(
            "role = 'tagger'\nmanifest = {{ location = 'a', fields = ['Bucket', 'Key'] }}\n[operation]\nname = 'tagging'\n{parameters}"
        )
    };
    assert_snapshot!("parameters_missing", problems(&job("")));
    assert_snapshot!("parameters_of_the_wrong_type", problems(&job("parameters = 'merge'")));
    assert_snapshot!(
        "parameters_many",
        problems(&job(
            "[operation.parameters]\nmod = 'merge'\nmode = 'merg'\ntags = { a = 'toolong', b = 1 }\ntarget = { kind = 'days', days = 0, hours = 1 }"
        ))
    );
    assert_snapshot!(
        "parameters_choice",
        problems(&job("parameters = { mode = 'merge', target = { kind = 'daze' } }"))
    );
    assert_snapshot!("parameters_forms", problems(&job("parameters = { mode = 'merge', target = 5 }")));
    let none = "role = 'tagger'\nmanifest = { location = 'a', fields = ['Bucket', 'Key'] }\noperation = { name = 'noop', parameters = { a = 1, b = 2 } }";
    assert_snapshot!("parameters_none_taken", problems(none));
    assert_snapshot!("parameters_pattern", problems(&job("parameters = { mode = 'merge', target = 'a' }")));
}

#[test]
fn operations_that_are_not_there() {
    let job = |operation: &str| {
        format!(
            "role = 'tagger'\nmanifest = {{ location = 'a', fields = ['Bucket', 'Key'] }}\n[operation]\n{operation}"
        )
    };
    assert_snapshot!("operation_none", problems(&job("")));
    assert_snapshot!("operation_both", problems(&job("name = 'noop'\nplugin = 'a.wasm'")));
    assert_snapshot!("operation_unknown", problems(&job("name = 'delete'")));
    assert_snapshot!("operation_plugin_missing", problems(&job("plugin = 'a.wasm'")));
    let spec =
        parse(&job("plugin = '../redact.wasm'\nparameters = { any = [1, 2.5, true, 2026-01-01T00:00:00Z] }"))
            .unwrap();
    assert_debug_snapshot!("operation_plugin", spec.steps);
}

#[test]
fn manifests_that_do_not_fit() {
    let job =
        |manifest: &str| format!("role = 'tagger'\noperation = {{ name = 'noop' }}\n[manifest]\n{manifest}");
    assert_snapshot!("manifest_missing", problems("role = 'tagger'\noperation = { name = 'noop' }"));
    assert_snapshot!("manifest_empty", problems(&job("")));
    assert_snapshot!(
        "manifest_fields_missing",
        problems(&job("location = 'a'\nfields = ['Ignore', 'VersionId']"))
    );
    assert_snapshot!(
        "manifest_fields_twice",
        problems(&job("location = 'a'\nfields = ['Bucket', 'Ignore', 'Key', 'Key', 'Ignore']"))
    );
    assert_snapshot!(
        "manifest_local",
        problems(&job("location = 'a'\nfields = ['Bucket', 'Key']\nversion-id = 'v'\netag = 'abc-2'"))
    );
    assert_snapshot!(
        "manifest_s3",
        problems(&job(
            "location = 's3://lists'\nfields = ['Bucket', 'Key']\nformat = 'S3InventoryReport_CSV_20161130'"
        ))
    );
    assert_snapshot!(
        "manifest_no_bucket",
        problems(&job("location = 's3:///key'\nfields = ['Bucket', 'Key']"))
    );
    assert_snapshot!(
        "manifest_sources",
        problems(&job(
            "keys = 'raw'\nseed = 3\nlimit = 0\n[[manifest.sources]]\nlocation = 'a'\n[[manifest.sources]]\nfields = ['Key']\nloction = 'b'"
        ))
    );
    assert_snapshot!(
        "manifest_sample",
        problems(&job("location = 'a'\nfields = ['Bucket', 'Key']\nsample = 1.5\nsources = []"))
    );
}

#[test]
fn manifests_of_several_sources() {
    let source = "[[manifest.sources]]\nlocation = 'a'\nfields = ['Bucket', 'Key']\n";
    let raw = format!("{source}keys = 'raw'\n");
    let manifest = |text: &str| {
        let job = format!(
            "role = 'tagger'\noperation = {{ name = 'noop' }}\n[manifest]\nsample = 0.5\nseed = 3\nlimit = 10\n{text}"
        );
        parse(&job).unwrap().manifest
    };
    let mixed = manifest(&[source, &raw].concat());
    assert_eq!((mixed.sources.len(), mixed.limit), (2, Some(10)));
    assert_eq!(mixed.sample, Some(crate::spec::Sample { fraction: 0.5, seed: 3 }));
    assert_eq!(mixed.keys(), crate::KeyEncoding::Url, "one report has one encoding");
    assert_eq!(manifest(&[raw.as_str(), &raw].concat()).keys(), crate::KeyEncoding::Raw);
}

#[test]
fn roles_and_stores() {
    let job = |head: &str| {
        format!(
            "{head}\noperation = {{ name = 'noop' }}\nmanifest = {{ location = 'a', fields = ['Bucket', 'Key'] }}"
        )
    };
    assert_snapshot!("role_unknown", problems(&job("role = 'nobody'\nstore = 'nowhere'")));
    assert_snapshot!("store_of_several", problems(&job("role = 'copier'")));
    assert_eq!(parse(&job("role = 'tagger'")).unwrap().store, "main");
    assert_eq!(parse(&job("role = 'tagger'\nstore = 'archive'")).unwrap().store, "archive");

    let one = "[store.only]\n[role.r]\naccount = '111122223333'\npolicies = ['p']";
    assert_eq!(parse_with(one, &job("role = 'r'")).unwrap().store, "only");
    let none = "[role.r]\naccount = '111122223333'\npolicies = ['p']";
    assert_snapshot!("store_none", parse_with(none, &job("role = 'r'")).unwrap_err());
    assert_snapshot!("role_none_known", parse_with("", &job("role = 'r'\nstore = 's'")).unwrap_err());
}

#[test]
fn reports() {
    let job = |report: &str| {
        format!(
            "role = 'tagger'\noperation = {{ name = 'noop' }}\nmanifest = {{ location = 'a', fields = ['Bucket', 'Key'] }}\n[report]\n{report}"
        )
    };
    let location = |report: &str| parse(&job(report)).unwrap().report.map(|report| report.location);
    let s3 = |bucket: &str, key: &str| Some(Location::S3 { bucket: bucket.into(), key: key.into() });
    assert_eq!(location("enabled = false"), None);
    assert_eq!(location("location = 's3://b'"), s3("b", ""));
    assert_eq!(location("location = 's3://b/'"), s3("b", ""));
    assert_eq!(location("location = 's3://b/p/'"), s3("b", "p/"));
    assert_eq!(location("location = './a/b'"), Some(Location::Local("/jobs/a/b".into())));
    assert_eq!(location("location = '/abs'"), Some(Location::Local("/abs".into())));
    assert_snapshot!(
        "report_prefix_too_long",
        problems(&job(&format!("location = 's3://b/{}'", "p".repeat(513))))
    );
}

#[test]
fn environment_variables() {
    let job = |description: &str| format!("description = {description}{MINIMAL}");
    assert_eq!(parse(&job("'a ${BUCKET} b'")).unwrap().description.unwrap(), "a from-env b");
    assert_snapshot!("variable_not_set", problems(&job("'${NOT_SET} and ${1} and ${'")));
    assert_snapshot!("variable_secret", problems(&job("'${AWS_SECRET_ACCESS_KEY:-x} ${MY_TOKEN}'")));
    // What comes from the environment is not shown, even where it is wrong.
    let shown = problems(
        "role = 'tagger'\nmanifest = { location = 'a', fields = ['Bucket', '${PRIVATE}'] }\noperation = { name = 'noop' }",
    );
    assert!(!shown.contains("very private"), "{shown}");
    assert_snapshot!("variable_not_shown", shown);
}

#[test]
fn limits_of_texts_and_tags() {
    let tags: String = (0..51).map(|n| format!("k{n} = ''\n")).collect();
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    assert_snapshot!("tags_too_many", problems(&format!("client-token = ''\n{MINIMAL}\n[tags]\n{tags}")));
    assert_snapshot!(
        "tags_too_long",
        problems(&format!(
            "description = '{}'{MINIMAL}\n[tags]\n'' = ''\n{long_key} = ''\nv = '{long_value}'",
            "é".repeat(257)
        ))
    );
    assert!(parse(&format!("description = '{}'{MINIMAL}", "é".repeat(256))).is_ok());
}

#[test]
fn problems_for_machines() {
    let problems = parse("prioriti = 1").unwrap_err();
    assert_snapshot!(serde_json::to_string_pretty(&problems).unwrap());
}

#[test]
fn the_schema_for_editors() {
    insta::assert_json_snapshot!(job_schema(&Catalog).unwrap());
}

/// Text that TOML, JSON and the rules of a job file all take, `${` written as `$${`.
fn text(most: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[^\\p{{Cc}}$]{{1,{most}}}")).unwrap()
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_meant(
        description in text(256),
        priority in 0..=2_147_483_647_u32,
        tags in prop::collection::btree_map(text(128), text(256), 0..5),
        parameters in prop::collection::btree_map(text(20), any::<i32>(), 0..5),
        concurrency in 1..=4_000_u32,
        percent in 0.0..=100.0_f64,
        minimum_tasks in 1..=1_000_000_u64,
    ) {
        let file = json!({
            "description": description, "priority": priority, "role": "tagger", "tags": tags,
            "operation": {"plugin": "redact.wasm", "parameters": parameters},
            "manifest": {"location": "s3://lists/x", "fields": ["Key", "Bucket"]},
            "limits": {"concurrency": concurrency, "failure-threshold": {"percent": percent, "minimum-tasks": minimum_tasks}},
        });
        let spec = parse(&toml::to_string(&file).unwrap()).unwrap();
        prop_assert_eq!(spec.description.as_deref(), Some(&*description));
        prop_assert_eq!((spec.priority, spec.limits.concurrency), (priority, concurrency));
        prop_assert_eq!(&spec.tags, &tags);
        prop_assert_eq!(&spec.steps[0].operation.parameters, &json!(parameters));
        prop_assert_eq!(spec.limits.failure_threshold.percent, percent);
        prop_assert_eq!(spec.limits.failure_threshold.minimum_tasks, minimum_tasks);
        // As the queue stores it.
        let stored: JobSpec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
        prop_assert_eq!(stored, spec);
    }

    /// A good file with one piece of it overwritten: still good, or refused with a place inside the file.
    #[test]
    fn a_damaged_file_never_panics(at in 0..FULL.len(), length in 0..40_usize, junk in "[ -~\n]{0,10}") {
        let mut source = FULL.to_owned();
        source.replace_range(at..(at + length).min(FULL.len()), &junk);
        if let Err(problems) = parse(&source) {
            prop_assert!(!problems.problems.is_empty());
            for problem in &problems.problems {
                prop_assert!(problem.span.end <= source.len() && problem.span.start <= problem.span.end, "{:?}", problem);
            }
            prop_assert!(problems.render().starts_with("job.toml:"));
        }
    }
}

#[test]
fn a_policy_of_the_job_itself() {
    let job = parse(&format!("policy = 'good.json'{MINIMAL}")).unwrap();
    assert_eq!(job.policy, Some(crate::spec::JobPolicy { file: "good.json".into(), text: "{}".into() }));
    assert_eq!(parse(MINIMAL).unwrap().policy, None);
    assert_snapshot!("policy_bad", problems(&format!("policy = 'bad.json'{MINIMAL}")));
}

#[test]
fn a_list_becomes_the_section_that_reads_it() {
    for section in [
        "location = \"/lists/a\"\nfields = [\"Bucket\", { column = \"k \\\" '\", as = \"Key\" }, { column = \"$${o\" }]\ndelimiter = \"\\t\"\n",
        "location = \"s3://lists/a\"\nheader = true\nkeys = \"raw\"\nbucket = \"b\"\nversion-id = \"v\"\n",
        "location = \"-\"\nformat = \"JSONLines\"\n",
        "location = \"/a\"\nformat = \"Parquet\"\nkeys = \"url\"\netag = \"d41d8cd98f00b204e9800998ecf8427e\"\n",
        "location = \"/a\"\nformat = \"ORC\"\n",
        "location = \"/a\"\nformat = \"S3InventoryReport_CSV_20161130\"\ndelete-markers = \"keep\"\n",
        "location = \"/a\"\nformat = \"Report_CSV_20180820\"\nrows = \"succeeded\"\n",
    ] {
        let head = "role = 'tagger'\noperation = { name = 'noop' }\n";
        let list =
            |section: &str| match parse(&format!("{head}{section}")).unwrap().manifest.sources.remove(0) {
                crate::spec::SourceSpec::List(list) => list,
                other => panic!("{other}"),
            };
        let read = list(&format!("[manifest]\n{section}"));
        assert_eq!(list(&manifest_section(&read)), read, "{}", manifest_section(&read));
    }
}
