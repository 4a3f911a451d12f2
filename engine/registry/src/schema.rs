//! How the schema of a plugin's parameters changed from one version to the next.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

/// Keys of a schema that constrain nothing.
const ANNOTATIONS: [&str; 6] = ["$schema", "title", "description", "default", "examples", "$comment"];

/// Most places of two schemas that are compared, in all properties together. Schemas that people write have hundreds; one whose
/// references cross each other can have millions, and comparing stops early there.
const MAX_PLACES: usize = 100_000;

/// What is said of schemas with more places.
const TOO_LARGE: &str =
    "schemas have too many references to be compared; what fitted before may not fit any more";

/// What fitted `old` and may not fit `new`, of the parameters at the top.
pub(crate) fn changes(old: &Value, new: &Value) -> Vec<String> {
    if old == new {
        return Vec::new();
    }
    Comparison { old, new, places: MAX_PLACES }
        .changes()
        .unwrap_or_else(|TooLarge| vec![TOO_LARGE.to_owned()])
}

/// The schemas have more places than are compared.
#[derive(Debug)]
struct TooLarge;

/// Two schemas, and how many of their places may still be compared.
struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    places: usize,
}

/// A place in the old schema and what should be the same in the new one.
type Pair<'a> = (&'a Value, &'a Value);

impl<'a> Comparison<'a> {
    fn changes(&mut self) -> Result<Vec<String>, TooLarge> {
        let (old, new) = (self.old, self.new);
        let properties = |schema: &'a Value| schema["properties"].as_object();
        let after = properties(new);
        let closed = new["additionalProperties"] == Value::Bool(false);
        let mut changes = Vec::new();
        for (name, schema) in properties(old).into_iter().flatten() {
            match after.and_then(|after| after.get(name)) {
                None if closed => changes.push(format!("{name} is gone")),
                Some(other) if !self.same(vec![(schema, other)])? => {
                    changes.push(format!("{name} takes other values"));
                }
                _ => {}
            }
        }
        let was = required(old);
        let is = required(new);
        changes.extend(is.difference(&was).map(|name| format!("{name} is needed now")));
        if !self.rest_is_same()? {
            changes.push("combinations changed".to_owned());
        }
        Ok(changes)
    }

    /// Whether the schemas are the same at the top, but for what is looked at by itself.
    fn rest_is_same(&mut self) -> Result<bool, TooLarge> {
        let rest = |schema: &'a Value| -> Vec<(&'a String, &'a Value)> {
            let known = |key: &str| ["properties", "required", "$defs"].contains(&key);
            constraints(schema.as_object()).filter(|(key, _)| !known(key)).collect()
        };
        let (old, new) = (rest(self.old), rest(self.new));
        let mut pending = Vec::new();
        Ok(self.entries(&old, &new, &mut pending) && self.same(pending)?)
    }

    /// Whether all pairs constrain the same. References are followed, each pair of places is looked at once: what refers to
    /// itself is the same if nothing on the way differs.
    fn same(&mut self, mut pending: Vec<Pair<'a>>) -> Result<bool, TooLarge> {
        let mut seen = HashSet::new();
        while let Some((old, new)) = pending.pop() {
            if !seen.insert((std::ptr::from_ref(old), std::ptr::from_ref(new))) {
                continue;
            }
            // What is in it too, as that is held until it is looked at.
            let within = members(old).max(members(new));
            self.places = self.places.checked_sub(1 + within).ok_or(TooLarge)?;
            let same = match (old, new) {
                (Value::Object(old), Value::Object(new)) => {
                    let old: Vec<_> = constraints(Some(old)).collect();
                    let new: Vec<_> = constraints(Some(new)).collect();
                    self.entries(&old, &new, &mut pending)
                }
                (Value::Array(old), Value::Array(new)) => {
                    pending.extend(old.iter().zip(new));
                    old.len() == new.len()
                }
                (old, new) => old == new,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether two objects have the same keys; what belongs to these is still to be compared.
    fn entries(
        &self,
        old: &[(&'a String, &'a Value)],
        new: &[(&'a String, &'a Value)],
        pending: &mut Vec<Pair<'a>>,
    ) -> bool {
        for ((old_key, old), (new_key, new)) in old.iter().zip(new) {
            if old_key != new_key {
                return false;
            }
            let referred = |root, value| if *old_key == "$ref" { target(root, value) } else { None };
            pending.push(match (referred(self.old, old), referred(self.new, new)) {
                (Some(old), Some(new)) => (old, new),
                (None, None) => (old, new),
                _ => return false,
            });
        }
        old.len() == new.len()
    }
}

/// How many places are right below one.
fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    }
}

/// What a reference within a schema leads to.
fn target<'a>(root: &'a Value, reference: &Value) -> Option<&'a Value> {
    root.pointer(reference.as_str()?.strip_prefix('#')?)
}

/// The entries of a schema that constrain something.
fn constraints(schema: Option<&Map<String, Value>>) -> impl Iterator<Item = (&String, &Value)> {
    let annotates = |key: &str, value: &Value| ANNOTATIONS.contains(&key) && !value.is_object();
    schema.into_iter().flatten().filter(move |(key, value)| !annotates(key, value))
}

/// The parameters that a schema demands.
fn required(schema: &Value) -> BTreeSet<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            changes(&old, &new),
            ["b takes other values", "c takes other values", "gone is gone", "d is needed now"]
        );
        assert_eq!(changes(&old, &old.clone()), Vec::<String>::new());
        let optional = json!({"properties": {"e": {"type": "string"}}});
        assert_eq!(
            changes(&json!({}), &optional),
            Vec::<String>::new(),
            "what is new and optional breaks nothing"
        );
    }

    #[test]
    fn schemas_that_are_the_same_but_for_names_and_words() {
        let schema = |name: &str, title: &str, kind: &str| {
            json!({
                "type": "object",
                "properties": { "x": {"$ref": format!("#/$defs/{name}")} },
                "$defs": { name: {"title": title, "type": kind, "items": {"$ref": format!("#/$defs/{name}")}} },
            })
        };
        let tree = schema("Tree", "A tree", "array");
        assert_eq!(changes(&tree, &schema("Forest", "Many trees", "array")), Vec::<String>::new());
        assert_eq!(changes(&tree, &schema("Tree", "A tree", "object")), ["x takes other values"]);
        let dangling = json!({"type": "object", "properties": { "x": {"$ref": "#/$defs/Tree"} }});
        assert_eq!(changes(&tree, &dangling), ["x takes other values"]);
        assert_eq!(changes(&dangling, &dangling.clone()), Vec::<String>::new());
        assert_eq!(changes(&json!({"allOf": [1]}), &json!({"allOf": [1, 2]})), ["combinations changed"]);
        assert_eq!(changes(&json!({"not": {}}), &json!({})), ["combinations changed"]);
        assert_eq!(changes(&json!(true), &json!({})), Vec::<String>::new(), "both take anything");
    }

    #[test]
    fn references_that_multiply_are_followed_once() {
        let bomb = |count: usize| {
            let refs: Map<String, Value> =
                (0..count).map(|number| (format!("k{number}"), json!({"$ref": "#/x"}))).collect();
            json!({"properties": {"p": {"$ref": "#/x"}}, "x": refs})
        };
        assert_eq!(changes(&bomb(60), &bomb(60)), Vec::<String>::new());
        assert_eq!(changes(&bomb(60), &bomb(61)), ["p takes other values", "combinations changed"]);
    }

    #[test]
    fn what_has_too_many_places_counts_as_changed() {
        // Cycles of lengths that have no divisor in common: each place of one meets each of the other.
        let cycle = |length: usize| {
            let nodes: Map<String, Value> = (0..length)
                .map(|number| {
                    let next = format!("#/$defs/n{}", (number + 1) % length);
                    (format!("n{number}"), json!({"items": {"$ref": next}}))
                })
                .collect();
            json!({"properties": {"p": {"$ref": "#/$defs/n0"}}, "$defs": nodes})
        };
        assert_eq!(changes(&cycle(7), &cycle(11)), Vec::<String>::new(), "both only say that it has items");
        assert_eq!(changes(&cycle(1009), &cycle(1013)), [TOO_LARGE]);
        let chain = |depth: usize| {
            let nodes: Map<String, Value> = (0..depth)
                .map(|number| (format!("n{number}"), json!({"$ref": format!("#/$defs/n{}", number + 1)})))
                .collect();
            json!({"properties": {"p": {"$ref": "#/$defs/n0"}}, "$defs": nodes})
        };
        assert_eq!(changes(&chain(5000), &chain(5000)), Vec::<String>::new(), "a chain takes no stack");
        // What is pushed aside, while the last of each array leads to the next, is counted as well.
        let wide = |count: usize| {
            let list = |next: usize| {
                let mut items = vec![json!(0); 600];
                items.push(json!({"$ref": format!("#/$defs/n{next}")}));
                json!(items)
            };
            let nodes: Map<String, Value> =
                (0..count).map(|number| (format!("n{number}"), list((number + 1) % count))).collect();
            json!({"properties": {"p": {"$ref": "#/$defs/n0"}}, "$defs": nodes})
        };
        assert_eq!(changes(&wide(211), &wide(223)), [TOO_LARGE]);
    }
}
