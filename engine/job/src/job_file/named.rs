//! Stores and endpoints that the parameters of an operation name. The operation's schema says which parameters do: texts of the
//! formats below, or tables of such texts.

use serde_json::Value;

use crate::config::{CONFIG_FILE, EngineConfig};
use crate::declare::{Declaration, pointer, suggest};

/// The format, in the JSON Schema of an operation's parameters, of a text that names a store of `longshore.toml`.
const STORE: &str = "longshore-store";

/// The same of an endpoint.
const ENDPOINT: &str = "longshore-endpoint";

/// The stores beside its own that the parameters of a job name. Only these may an operation use.
pub fn other_stores<'a>(schema: &'a Value, parameters: &'a Value) -> impl Iterator<Item = &'a str> {
    named(STORE, schema, parameters).into_iter().map(|(_, store)| store)
}

/// The parameters that name something, as pointers within the parameters, and what.
fn named<'a>(format: &str, schema: &'a Value, parameters: &'a Value) -> Vec<(String, &'a str)> {
    let marked = |property: &Value| property.get("format").is_some_and(|found| found == format);
    let mut named = Vec::new();
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let at = pointer::join("", name);
        match parameters.get(name) {
            Some(Value::String(text)) if marked(property) => named.push((at, text.as_str())),
            Some(Value::Object(table)) if property.get("additionalProperties").is_some_and(marked) => {
                let texts = table.iter().filter_map(|(key, value)| Some((key, value.as_str()?)));
                named.extend(texts.map(|(key, text)| (pointer::join(&at, key), text)));
            }
            _ => {}
        }
    }
    named
}

/// Checks that the stores which parameters name are declared, and are not the job's own.
pub(super) fn check_stores(
    schema: &Value,
    (parameters, within): (&Value, &str),
    own: Option<&str>,
    config: &EngineConfig,
    declaration: &mut Declaration<'_>,
) {
    for (parameter, store) in named(STORE, schema, parameters) {
        let at = format!("{within}{parameter}");
        if !config.stores.contains_key(store) {
            refuse_unknown("store", store, config.stores.keys(), &at, declaration);
        } else if own.is_some_and(|own| config.is_same_store(own, store)) {
            let help = format!("without {} the objects stay in the job's store", pointer::name(&parameter));
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
        let at = format!("{within}{parameter}");
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stores_are_named_by_texts_and_by_tables_of_them() {
        let store = json!({"type": "string", "format": STORE});
        let schema = json!({"properties": {
            "target-store": store, "stores": {"additionalProperties": store}, "plain": {"additionalProperties": {}},
        }});
        let parameters = json!({"target-store": "a", "stores": {"x/y": "b", "z": "c"}, "plain": {"x": "no"}, "more": "no"});
        let mut found = named(STORE, &schema, &parameters);
        found.sort();
        let wanted = [("/stores/x~1y", "b"), ("/stores/z", "c"), ("/target-store", "a")];
        assert_eq!(found, wanted.map(|(at, store)| (at.to_owned(), store)));
        assert_eq!(other_stores(&schema, &parameters).count(), 3);
    }
}
