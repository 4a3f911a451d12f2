//! Stores that the parameters of an operation name.

use serde_json::Value;

use crate::config::{CONFIG_FILE, EngineConfig};
use crate::declare::{Declaration, pointer, suggest};

/// Marks a parameter, in the schema of an operation, whose value is the name of a store.
const MARK: &str = "x-longshore-store";

/// The stores beside its own that the parameters of a job name: parameter and store. Only these may an operation use.
pub fn other_stores<'a>(schema: &'a Value, parameters: &'a Value) -> Vec<(&'a str, &'a str)> {
    let declared = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let marked = declared.filter(|(_, property)| property.get(MARK) == Some(&Value::Bool(true)));
    marked.filter_map(|(name, _)| Some((name.as_str(), parameters.get(name)?.as_str()?))).collect()
}

/// Checks that the stores which parameters name are declared, and are not the job's own.
pub(super) fn check(
    schema: &Value,
    (parameters, within): (&Value, &str),
    own: Option<&str>,
    config: &EngineConfig,
    declaration: &mut Declaration<'_>,
) {
    for (parameter, store) in other_stores(schema, parameters) {
        let at = pointer::join(within, parameter);
        if !config.stores.contains_key(store) {
            let known = config.stores.keys().map(String::as_str);
            let help = suggest::help(store, known, "known stores").unwrap_or_else(|| {
                format!("declare it in {CONFIG_FILE}: [store.{}]", pointer::toml_key(store))
            });
            let message = format!("unknown store {:?}", pointer::shortened(store));
            declaration.problem_at_value(&at, message, Some(help));
        } else if own.is_some_and(|own| config.is_same_store(own, store)) {
            let help = format!("without \"{parameter}\" the objects stay in the job's store");
            declaration.problem_at_value(&at, format!("store {store:?} is the job's own"), Some(help));
        }
    }
}
