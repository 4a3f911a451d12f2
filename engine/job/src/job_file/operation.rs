//! `[operation]` and `[[operation]]`: their form, and from there to the steps.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::named;
use super::{CatalogEntry, Environment, OperationName, location, parameters_schema};
use crate::declare::{Declaration, pointer, suggest};
use crate::filter::Filter;
use crate::pipeline::MAX_STEPS;
use crate::plugin_reference::PluginReference;
use crate::spec::{OnFailure, OperationSpec, StepSpec};

/// Where the section stands.
const OPERATION: &str = "/operation";

/// What is done to each object: one operation, or several steps, in order.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OperationForm {
    /// `[[operation]]`.
    Several(Vec<OperationSection>),
    /// `[operation]`.
    One(Box<OperationSection>),
}

/// What is done to each object: a built-in operation by `name`, or a `plugin`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct OperationSection {
    /// A built-in operation; `longshore operations` lists them.
    #[schemars(length(min = 1), extend("examples" = ["tagging", "copy", "acl", "restore"]))]
    name: Option<String>,
    /// A plugin: the path of a WebAssembly component, or an installed one as `name@version`, `name` (its newest version) or
    /// `sha256:…`; `longshore plugin list` lists them.
    #[schemars(length(min = 1), extend("examples" = ["plugins/redact.wasm", "redact@1.2.0"]))]
    plugin: Option<String>,
    /// Parameters, as the operation declares them.
    #[serde(default)]
    #[schemars(extend("examples" = [{"mode": "merge", "tags": {"class": "cold"}}]))]
    parameters: Map<String, Value>,
    /// How the report and other messages call the step; the name of the operation, if left out.
    #[schemars(
        length(min = 1, max = 64),
        regex(pattern = r"^[A-Za-z0-9._-]*$"),
        extend("patternErrorMessage" = "must have letters, digits, \".\", \"_\" and \"-\" only", "examples" = ["mark-as-cold"])
    )]
    label: Option<String>,
    /// Which objects the step is for; it is skipped for the others. What the manifest does not tell is asked of the store.
    #[serde(default)]
    #[schemars(extend("examples" = [{"size-greater-than": "1 MiB", "storage-classes": ["STANDARD"]}]))]
    when: Filter,
    /// What becomes of a task in which the step fails: it ends there, or goes on with the next step. It is a failed one either
    /// way.
    #[serde(default)]
    on_failure: OnFailure,
}

/// The schema of a table, or of an array of such tables. One schema for both, so that problems are those of the table.
pub(super) fn one_or_several(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = OperationSection::json_schema(generator);
    schema.insert("type".to_owned(), json!(["object", "array"]));
    let table = json!({ "type": "object" });
    let item = json!({ "if": table, "then": { "$ref": format!("#/properties{OPERATION}") }, "else": table });
    schema.insert("items".to_owned(), item);
    schema.insert("minItems".to_owned(), json!(1));
    schema.insert("maxItems".to_owned(), json!(MAX_STEPS));
    schema
}

/// Resolves the steps. Every one is looked at before any is missed.
pub(super) fn steps(
    form: OperationForm,
    store: Option<&str>,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<Vec<StepSpec>> {
    let sections = match form {
        OperationForm::One(section) => {
            return Some(vec![step(*section, (OPERATION, store), environment, declaration)?]);
        }
        OperationForm::Several(sections) => sections,
    };
    refuse_same_labels(&sections, declaration);
    let resolved = sections.into_iter().enumerate().map(|(number, section)| {
        let at = pointer::join(OPERATION, &number.to_string());
        step(section, (&at, store), environment, declaration)
    });
    resolved.collect::<Vec<_>>().into_iter().collect()
}

fn refuse_same_labels(sections: &[OperationSection], declaration: &mut Declaration<'_>) {
    let mut known = BTreeMap::new();
    for (number, section) in sections.iter().enumerate() {
        let Some(label) = &section.label else { continue };
        if let Some(first) = known.get(label) {
            let message = format!("the label {label:?} is that of step {first} already");
            let help = "give each step a label of its own".to_owned();
            declaration.problem_at_value(&format!("{OPERATION}/{number}/label"), message, Some(help));
        } else {
            known.insert(label, number.saturating_add(1));
        }
    }
}

/// Resolves the step that stands at `at`, of a job on `store`.
fn step(
    section: OperationSection,
    (at, store): (&str, Option<&str>),
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<StepSpec> {
    let OperationSection { name, plugin, parameters, label, when, on_failure } = section;
    check_condition(&when, &format!("{at}/when"), declaration);
    let entry = entry(name, plugin, at, environment, declaration)?;
    // Parameters that are no table were reported, and what they lack is not the problem.
    let within = format!("{at}/parameters");
    let operation = OperationSpec { source: entry.source, parameters: Value::Object(parameters) };
    let (schema, given) = (&entry.parameters, (&operation.parameters, within.as_str()));
    let fit = (declaration.holds(&within) || !declaration.declares(&within))
        && declaration.check(&parameters_schema(schema), &within)
        && named::check_endpoints(schema, given, environment.config, declaration);
    named::check_stores(schema, given, store, environment.config, declaration);
    // Of a file that is not TOML the parameters may be in what could not be read.
    if fit
        && declaration.is_whole()
        && let Err(refusal) = environment.operations.check(&operation)
    {
        declaration.problem_at_key(if declaration.declares(&within) { &within } else { at }, refusal, None);
    }
    Some(StepSpec { operation, label, when, on_failure })
}

fn check_condition(when: &Filter, at: &str, declaration: &mut Declaration<'_>) {
    when.check(at, declaration);
    if let Some(fact) = when.not_of_single_objects() {
        let help = "choose the objects in the manifest: [manifest.generate] lists versions".to_owned();
        declaration.problem_at_value(
            at,
            format!("\"when\" asks for {fact}, which no request about one object tells"),
            Some(help),
        );
    }
}

/// The operation that the step names.
fn entry(
    name: Option<String>,
    plugin: Option<String>,
    at: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<CatalogEntry> {
    let place = pointer::table(at).unwrap_or_default();
    match (name, plugin) {
        (Some(name), None) => builtin(&name, &format!("{at}/name"), environment, declaration),
        (None, Some(text)) => your_own(&text, &format!("{at}/plugin"), environment, declaration),
        (Some(_), Some(_)) => {
            declaration.problem_at_key(
                &format!("{at}/plugin"),
                format!("{place} has both \"name\" and \"plugin\""),
                Some("\"name\" is for built-in operations, \"plugin\" for your own: keep one".to_owned()),
            );
            None
        }
        (None, None) => {
            if !["name", "plugin"].iter().any(|key| declaration.declares(&pointer::join(at, key))) {
                let help = format!("built-in operations: {}", environment.operations.names().join(", "));
                let message = format!("{place} needs \"name\" or \"plugin\"");
                declaration.problem_at_key(at, message, Some(help));
            }
            None
        }
    }
}

/// A plugin by its path, or an installed one.
fn your_own(
    text: &str,
    at: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<CatalogEntry> {
    let found = match PluginReference::parse(text) {
        Ok(PluginReference::Path(path)) => {
            let path = location::absolute(path, environment.directory);
            environment.operations.find(OperationName::Plugin(&path))
        }
        Ok(PluginReference::Installed(name)) => environment.operations.find(OperationName::Installed(name)),
        Err(bad) => {
            declaration.problem_at_value(at, bad.message, Some(bad.help));
            return None;
        }
    };
    found.map_err(|error| declaration.problem_at_value(at, error, None)).ok()
}

fn builtin(
    name: &str,
    at: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<CatalogEntry> {
    let names = environment.operations.names();
    if !names.iter().any(|known| known == name) {
        let help = suggest::help(name, names.iter().map(String::as_str), "built-in operations");
        let message = format!("unknown operation {:?}", pointer::shortened(name));
        declaration.problem_at_value(at, message, help);
        return None;
    }
    let found = environment.operations.find(OperationName::Builtin(name));
    found.map_err(|error| declaration.problem_at_value(at, error, None)).ok()
}
