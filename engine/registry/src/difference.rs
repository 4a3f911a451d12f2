//! What a version of a plugin can do that another cannot.

use std::collections::BTreeSet;

use longshore_plugin::Grants;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::record::Record;

/// Keys of a schema that constrain nothing.
const ANNOTATIONS: [&str; 6] = ["$schema", "title", "description", "default", "examples", "$comment"];

/// Deepest reference in a schema that is followed (levels; a schema may refer to itself).
const MAX_DEPTH: usize = 16;

/// What a new version has that the one before had not, and the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it declares beyond the version before.
    pub added: Grants,
    /// What the version before declared beyond it.
    pub removed: Grants,
    /// Interfaces that it imports anew.
    pub added_imports: Vec<String>,
    /// Interfaces that it imports no more.
    pub removed_imports: Vec<String>,
    /// How its parameters changed so that what fitted before may not fit any more.
    pub parameters: Vec<String>,
}

impl Difference {
    /// From `old` to `new`.
    pub fn between(old: &Record, new: &Record) -> Self {
        let only = |these: &[String], others: &[String]| {
            these.iter().filter(|name| !others.contains(name)).cloned().collect()
        };
        Self {
            added: old.declared.beyond(&new.declared),
            removed: new.declared.beyond(&old.declared),
            added_imports: only(&new.imports, &old.imports),
            removed_imports: only(&old.imports, &new.imports),
            parameters: parameters(&old.parameters, &new.parameters),
        }
    }

    /// For people; nothing if nothing changed.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut say = |sign: char, what: &str, names: Vec<&str>| {
            lines.extend(names.iter().map(|name| format!("{sign} {what} {name}")));
        };
        let texts = |grants: &Grants| -> Vec<String> {
            grants.iter().map(|grant| grant.as_str().to_owned()).collect()
        };
        say('+', "may", texts(&self.added).iter().map(String::as_str).collect());
        say('-', "may", texts(&self.removed).iter().map(String::as_str).collect());
        say('+', "imports", self.added_imports.iter().map(String::as_str).collect());
        say('-', "imports", self.removed_imports.iter().map(String::as_str).collect());
        say('!', "parameter", self.parameters.iter().map(String::as_str).collect());
        lines
    }
}

/// What fitted `old` and may not fit `new`, of the parameters at the top.
fn parameters(old: &Value, new: &Value) -> Vec<String> {
    let empty = Map::new();
    let properties = |schema: &Value| schema["properties"].as_object().cloned().unwrap_or_default();
    let required = |schema: &Value| -> BTreeSet<String> {
        schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let (before, after) = (properties(old), properties(new));
    let closed = new["additionalProperties"] == Value::Bool(false);
    let mut changes = Vec::new();
    for (name, schema) in &before {
        match after.get(name) {
            None if closed => changes.push(format!("{name} is gone")),
            None => {}
            Some(other) => {
                let (was, is) = (constraints(old, schema, MAX_DEPTH), constraints(new, other, MAX_DEPTH));
                if was != is {
                    changes.push(format!("{name} takes other values"));
                }
            }
        }
    }
    let was = required(old);
    changes.extend(
        required(new).iter().filter(|name| !was.contains(*name)).map(|name| format!("{name} is needed now")),
    );
    let rest = |schema: &Value| {
        let object = schema.as_object().unwrap_or(&empty).clone();
        let rest: Map<String, Value> = object
            .into_iter()
            .filter(|(key, _)| !["properties", "required", "$defs"].contains(&key.as_str()))
            .collect();
        constraints(schema, &Value::Object(rest), MAX_DEPTH)
    };
    if rest(old) != rest(new) {
        changes.push("combinations changed".to_owned());
    }
    changes
}

/// The schema with references replaced and without what constrains nothing.
fn constraints(root: &Value, schema: &Value, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return schema.clone() };
    match schema {
        Value::Object(object) => {
            let referred = object.get("$ref").and_then(Value::as_str);
            let referred = referred.and_then(|name| root.pointer(name.strip_prefix('#')?));
            let mut kept = Map::new();
            for (key, value) in object {
                match referred {
                    Some(found) if key == "$ref" => {
                        kept.insert(key.clone(), constraints(root, found, depth));
                    }
                    _ if ANNOTATIONS.contains(&key.as_str()) && !value.is_object() => {}
                    _ => {
                        kept.insert(key.clone(), constraints(root, value, depth));
                    }
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => items.iter().map(|item| constraints(root, item, depth)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::install::tests::record;

    #[test]
    fn what_is_new() {
        let old = Record {
            declared: Grants::parse(["s3:GetObject", "s3:PutObjectTagging"]).unwrap(),
            imports: vec!["longshore:operation/s3@0.1.0".into()],
            ..record("redact", "1.0.0")
        };
        let new = Record {
            declared: Grants::parse(["s3:GetObject", "s3:PutObject", "wasi"]).unwrap(),
            imports: vec!["longshore:operation/s3@0.1.0".into(), "wasi:cli/environment@0.2.0".into()],
            parameters: json!({"required": ["column"]}),
            ..record("redact", "1.1.0")
        };
        let lines = Difference::between(&old, &new).lines();
        assert_eq!(
            lines,
            [
                "+ may s3:PutObject",
                "+ may wasi",
                "- may s3:PutObjectTagging",
                "+ imports wasi:cli/environment@0.2.0",
                "! parameter column is needed now",
            ]
        );
        assert_eq!(Difference::between(&new, &new).lines(), Vec::<String>::new());
    }

    #[test]
    fn parameters_that_may_not_fit_any_more() {
        let old = json!({
            "properties": {
                "a": {"type": "string", "description": "one"},
                "b": {"type": "string"},
                "c": {"$ref": "#/$defs/C"},
                "gone": {"type": "string"},
            },
            "required": ["a"], "additionalProperties": false, "$defs": {"C": {"enum": ["x", "y"]}},
        });
        let new = json!({
            "properties": {
                "a": {"type": "string", "description": "another text"},
                "b": {"type": "integer"},
                "c": {"$ref": "#/$defs/C"},
                "d": {"type": "string"},
            },
            "required": ["a", "d"], "additionalProperties": false, "$defs": {"C": {"enum": ["x"]}},
        });
        assert_eq!(
            parameters(&old, &new),
            ["b takes other values", "c takes other values", "gone is gone", "d is needed now"]
        );
        assert_eq!(parameters(&old, &old), Vec::<String>::new());
        let optional = json!({"properties": {"e": {"type": "string"}}});
        assert_eq!(
            parameters(&json!({}), &optional),
            Vec::<String>::new(),
            "what is new and optional breaks nothing"
        );
    }
}
