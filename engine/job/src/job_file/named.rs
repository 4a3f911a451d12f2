//! Stores and endpoints that the parameters of an operation name. The operation's schema says which parameters do: texts of the
//! formats below.

use serde_json::Value;

use crate::config::{CONFIG_FILE, EngineConfig};
use crate::declare::{Declaration, pointer, suggest};

/// The format, in the JSON Schema of an operation's parameters, of a text that names a store of `longshore.toml`.
const STORE: &str = "longshore-store";

/// The same of an endpoint.
const ENDPOINT: &str = "longshore-endpoint";

/// The stores beside its own that the parameters of a job name: parameter and store. Only these may an operation use.
pub fn other_stores<'a>(schema: &'a Value, parameters: &'a Value) -> Vec<(&'a str, &'a str)> {
    named(STORE, schema, parameters)
}

/// The parameters that name something, and what.
fn named<'a>(format: &str, schema: &'a Value, parameters: &'a Value) -> Vec<(&'a str, &'a str)> {
    let declared = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let marked = declared.filter(|(_, property)| property.get("format").is_some_and(|found| found == format));
    marked.filter_map(|(name, _)| Some((name.as_str(), parameters.get(name)?.as_str()?))).collect()
}

/// Checks that the stores which parameters name are declared, and are not the job's own.
pub(super) fn check_stores(
    schema: &Value,
    (parameters, within): (&Value, &str),
    own: Option<&str>,
    config: &EngineConfig,
    declaration: &mut Declaration<'_>,
) {
    for (parameter, store) in other_stores(schema, parameters) {
        let at = pointer::join(within, parameter);
        if !config.stores.contains_key(store) {
            refuse_unknown("store", store, config.stores.keys(), &at, declaration);
        } else if own.is_some_and(|own| config.is_same_store(own, store)) {
            let help = format!("without \"{parameter}\" the objects stay in the job's store");
            declaration.problem_at_value(&at, format!("store {store:?} is the job's own"), Some(help));
        }
    }
}

/// Whether the endpoints which parameters name are declared.
pub(super) fn check_endpoints(
    schema: &Value,
    (parameters, within): (&Value, &str),
    config: &EngineConfig,
    declaration: &mut Declaration<'_>,
) -> bool {
    let mut unknown = named(ENDPOINT, schema, parameters);
    unknown.retain(|(_, endpoint)| !config.endpoints.contains_key(*endpoint));
    for (parameter, endpoint) in &unknown {
        let at = pointer::join(within, parameter);
        refuse_unknown("endpoint", endpoint, config.endpoints.keys(), &at, declaration);
    }
    unknown.is_empty()
}

fn refuse_unknown<'k>(
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'k String> + Clone,
    at: &str,
    declaration: &mut Declaration<'_>,
) {
    let help = suggest::help(name, known.map(String::as_str), &format!("known {kind}s"))
        .unwrap_or_else(|| format!("declare it in {CONFIG_FILE}: [{kind}.{}]", pointer::toml_key(name)));
    declaration.problem_at_value(at, format!("unknown {kind} {:?}", pointer::shortened(name)), Some(help));
}
