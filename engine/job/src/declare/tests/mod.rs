//! Reading, checking and rendering declarations.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::interpolate::interpolate;
use super::*;

fn no_variables(_: &str) -> Option<String> {
    None
}

fn variables(lookup: &dyn Fn(&str) -> Option<String>) -> Variables<'_> {
    Variables { lookup, refuse: |_| None }
}

/// What `source` says, or everything that is wrong with it under `schema`.
fn read(source: &str, schema: &Value) -> Result<Value, Problems> {
    let mut declaration = Declaration::read(source, "file.toml", variables(&no_variables));
    declaration.check(schema, "");
    let value = declaration.get();
    declaration.finish(value)
}

#[test]
fn toml_becomes_json() {
    let value = read(
        "a = 0x10\nb = 1_000\nc = 2.0\nd = 1e300\ne = 1979-05-27T07:32:00Z\n'f/~' = [{ g = true }]\n[[h]]\ni.j = '$${x} $'",
        &json!(true),
    );
    assert_eq!(
        value.unwrap(),
        json!({
            "a": 16, "b": 1000, "c": 2, "d": 1e300, "e": "1979-05-27T07:32:00Z",
            "f/~": [{"g": true}], "h": [{"i": {"j": "${x} $"}}]
        })
    );
}

#[test]
fn numbers_that_json_cannot_hold() {
    assert_snapshot!(read("a = 9223372036854775808\nb = nan\nc = [inf, 1]", &json!(true)).unwrap_err());
}

#[test]
fn places_inside_odd_keys_and_arrays() {
    let schema = json!({"properties": {"a/b~c": {"items": {"properties": {"ü": {"type": "string"}}}}}});
    assert_snapshot!(read("[['a/b~c']]\n[['a/b~c']]\n'ü' = 1", &schema).unwrap_err());
}

#[test]
fn every_rule_in_plain_words() {
    let schema = json!({"additionalProperties": false, "minProperties": 30, "properties": {
        "low": {"minimum": 5}, "high": {"maximum": 5}, "above": {"exclusiveMinimum": 5}, "below": {"exclusiveMaximum": 5},
        "even": {"multipleOf": 2}, "short": {"minLength": 2}, "long": {"maxLength": 1}, "few": {"minItems": 2},
        "many": {"maxItems": 1}, "twice": {"uniqueItems": true}, "pattern": {"pattern": "^a$"},
        "words": {"pattern": "^a$", "patternErrorMessage": "must be a single \"a\""},
        "choice": {"enum": ["one", 2]}, "constant": {"const": "only"}, "never": false,
        "both": {"oneOf": [{"minimum": 1}, {"minimum": 2}]},
        "types": {"type": ["string", "integer", "null"]}, "nobody": {"not": {"type": "string"}},
        "names": {"propertyNames": {"maxLength": 1}}
    }});
    let source = "low = 1\nhigh = 9\nabove = 5\nbelow = 5\neven = 3\nshort = 'a'\nlong = 'ab'\nfew = [1]\nmany = [1, 2]\n\
                  twice = [1, 1]\npattern = 'b'\nwords = 'b'\nchoice = 'on'\nconstant = 'onyl'\nnever = 1\nboth = 3\n\
                  types = true\nnobody = 'x'\nnames = { ab = 1 }\n";
    assert_snapshot!(read(source, &schema).unwrap_err());
}

#[test]
fn a_schema_that_is_none() {
    assert_snapshot!(read("a = 1", &json!({"type": "wrong"})).unwrap_err());
}

#[test]
fn a_file_that_is_too_long() {
    let source = "#".repeat(MAX_SOURCE_BYTES + 1);
    let problems = read(&source, &json!(true)).unwrap_err().problems;
    assert_eq!(problems.len(), 1);
    assert_snapshot!(problems[0].message);
}

#[test]
fn excerpts_of_awkward_lines() {
    let schema = json!({"additionalProperties": false});
    assert_snapshot!("excerpt_wide", read("\t'日本語' = 1 # \u{200b}", &schema).unwrap_err());
    assert_snapshot!("excerpt_long", read(&format!("a = '{}'", "x".repeat(500)), &schema).unwrap_err());
    assert_snapshot!("excerpt_control", read("\"\\u001b\u{9b}\" = 1", &schema).unwrap_err());
    assert_snapshot!("excerpt_windows", read("# one\r\n'x' = 1\r\n", &schema).unwrap_err());
    assert_snapshot!(
        "excerpt_lines",
        read("x = '''\none\ntwo'''", &json!({"properties": {"x": {"type": "integer"}}})).unwrap_err()
    );
}

#[test]
fn colours_on_request() {
    let problems = read("a = 1", &json!({"additionalProperties": false})).unwrap_err();
    assert!(problems.render_coloured().contains("\u{1b}[1;31merror\u{1b}[0m: unknown key"));
    assert!(!problems.render().contains('\u{1b}'));
}

#[test]
fn only_so_many_problems_are_printed() {
    let source: String = (0..150).map(|n| format!("k{n} = 1\n")).collect();
    let problems = read(&source, &json!({"additionalProperties": false})).unwrap_err();
    assert_eq!(problems.problems.len(), 150);
    assert!(problems.render().ends_with("file.toml: and 50 more\n"));
}

#[test]
fn labels_and_debug_output() {
    let problem = Problem::new(0..6, "wrong").label("this one").help("do better");
    let problems = Problems::new("f", "secret = 'geheim'", vec![problem]);
    assert_snapshot!(problems);
    assert!(!format!("{problems:?}").contains("geheim"));
}

#[test]
fn references() {
    let lookup = |name: &str| match name {
        "A" => Some("${B}".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let text = |text: &str| interpolate(text, variables(&lookup)).unwrap().text;
    assert_eq!(text("x ${A} y"), "x ${B} y");
    assert_eq!(text("${A}${A:-z}"), "${B}${B}");
    assert_eq!(text("[${EMPTY}] [${EMPTY:-z}] [${NONE:-}] [${NONE:-a:-b}]"), "[] [z] [] [a:-b]");
    assert_eq!(text("$${A} $$ $ {A} $$${A}"), "${A} $$ $ {A} $${A}");
    assert!(!interpolate("$${A}", variables(&lookup)).unwrap().from_environment);
}

#[test]
fn suggestions() {
    let names = ["priority", "client-token", "role"];
    assert_eq!(suggest::nearest("prioriti", names), Some("priority"));
    assert_eq!(suggest::nearest("Client_Token", names), Some("client-token"));
    assert_eq!(suggest::nearest("rolle", names), Some("role"));
    assert_eq!(suggest::nearest("tags", names), None);
    assert_eq!(suggest::help("x", [], "known"), None);
}

proptest! {
    #[test]
    fn text_without_references_stays(text in "[^$]*(\\$[^{$]+)*") {
        prop_assert_eq!(interpolate(&text, variables(&no_variables)).unwrap().text, text);
    }

    #[test]
    fn escaped_references_stay(text in "([a-z$]|\\$\\{|\\}){0,20}") {
        // Every "${" escaped, the text comes out as it went in; `$` before it would be part of the escape.
        prop_assume!(!text.contains("$${"));
        let escaped = text.replace("${", "$${");
        prop_assert_eq!(interpolate(&escaped, variables(&no_variables)).unwrap().text, text);
    }

    #[test]
    fn variables_come_through_unchanged(value in any::<String>(), before in "[^$]*", after in "[^$]*") {
        let lookup = |name: &str| (name == "V").then(|| value.clone());
        let done = interpolate(&format!("{before}${{V}}{after}"), variables(&lookup)).unwrap();
        prop_assert_eq!(done.text, format!("{before}{value}{after}"));
        prop_assert!(done.from_environment);
    }

    #[test]
    fn arbitrary_text_never_panics(source in any::<String>()) {
        let schema = json!({"additionalProperties": false, "required": ["a"], "properties": {"a": {"type": "integer"}}});
        if let Err(problems) = read(&source, &schema) {
            prop_assert!(!problems.problems.is_empty());
            prop_assert!(problems.render().starts_with("file.toml:"));
        }
    }

    #[test]
    fn almost_toml_never_panics(source in "([a-c]|=|\"|'|\\[|\\]|\\{|\\}|,|\\.|\n|\r| |#|\\$|-|[0-9]|é|secret){0,60}") {
        if let Err(problems) = read(&source, &json!({"additionalProperties": {"type": "integer"}})) {
            prop_assert!(problems.render().contains("error: "));
            prop_assert!(serde_json::to_string(&problems).is_ok());
        }
    }

    #[test]
    fn the_veil_keeps_lengths_and_lines(source in "([a-z]|secret|password| |=|\"|'|\\$\\{|\n|\r|é|,|\\{){0,80}") {
        let veiled = veil::veil(&source);
        prop_assert_eq!(veiled.len(), source.len());
        let breaks = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
        prop_assert_eq!(breaks(&veiled), breaks(&source));
    }

    #[test]
    fn quoted_secrets_are_veiled(secret in "[g-z]{1,20}", blanks in "[ \t]{0,3}", quote in "[\"']") {
        let line = format!("secret-access-key{blanks}={blanks}{quote}{secret}{quote} # comment");
        let expected = format!("secret-access-key{blanks}={blanks}{quote}{}{quote} # comment", "*".repeat(secret.len()));
        prop_assert_eq!(veil::veil(&line), expected);
    }

    #[test]
    fn places_count_lines_and_characters(before in "[a-zé\n]{0,40}") {
        let source = format!("{before}x");
        let (line, column) = render::Lines::of(&source).place(before.len());
        prop_assert_eq!(line, before.matches('\n').count() + 1);
        prop_assert_eq!(column, before.rsplit('\n').next().unwrap_or("").chars().count() + 1);
    }
}
