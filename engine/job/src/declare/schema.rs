//! JSON Schemas from Rust types, as they fit TOML.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// The JSON Schema (2020-12) of `T`, without `null`: TOML has none, so an option is a key that may be left out.
pub(crate) fn of<T: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    fit_toml(schema)
}

/// A schema that came from elsewhere, in the same form. What is no schema stays as it is.
pub(crate) fn for_toml(schema: &Value) -> Value {
    Schema::try_from(schema.clone()).map_or_else(|_| schema.clone(), fit_toml)
}

fn fit_toml(mut schema: Schema) -> Value {
    RecursiveTransform(without_null).transform(&mut schema);
    RecursiveTransform(unwrapped).transform(&mut schema);
    schema.to_value()
}

/// The same schema for editors, which see `${ENV}` references before they are replaced: these fit every pattern.
pub(crate) fn with_references(mut schema: Value) -> Value {
    allow_references(&mut schema);
    schema
}

fn allow_references(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(pattern)) = object.get_mut("pattern") {
                *pattern = format!("\\$\\{{|{pattern}");
            }
            object.values_mut().for_each(allow_references);
        }
        Value::Array(items) => items.iter_mut().for_each(allow_references),
        _ => {}
    }
}

/// Descriptions as one line for each paragraph: doc comments are wrapped, editors wrap by themselves.
fn unwrapped(schema: &mut Schema) {
    let Some(Value::String(text)) = schema.get_mut("description") else {
        return;
    };
    *text = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
}

fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(forms)) = object.get_mut("anyOf") {
        forms.retain(|form| form.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = forms.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            merge(object, only);
        }
    }
}

/// Adds what `object` does not say itself.
fn merge(object: &mut Map<String, Value>, other: Map<String, Value>) {
    for (key, value) in other {
        object.entry(key).or_insert(value);
    }
}
