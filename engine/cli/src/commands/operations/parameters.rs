//! The parameters of an operation, as its JSON Schema describes them, in words.

use serde_json::Value;

use crate::output::printable;

/// Width of the text (characters), for terminals of 80 columns.
const WIDTH: usize = 76;

/// Deepest table inside a table that is described (levels; a schema may refer to itself).
const MAX_DEPTH: usize = 8;

/// Longest description (bytes; a schema of a few KB that refers to itself could be worth terabytes).
const MAX_TEXT: usize = 256 << 10;

/// Every parameter with its type and meaning; those inside tables by their dotted names. The schema may be anybody's.
pub(in crate::commands) fn describe(schema: &Value) -> String {
    let schema = &inert(schema);
    let mut text = String::new();
    collect(schema, schema, "", MAX_DEPTH, &mut text);
    match text.len() {
        0 => "\nNo parameters.".to_owned(),
        1..=MAX_TEXT => format!("\nParameters{text}"),
        _ => format!("\nParameters{text}\n  … and more: --json shows the schema itself\n"),
    }
}

/// The same schema with texts that steer no terminal. Ends of lines mean no more than spaces.
fn inert(schema: &Value) -> Value {
    let line = |text: &str| printable(&text.replace(['\n', '\r', '\t'], " "));
    match schema {
        Value::String(text) => Value::String(line(text)),
        Value::Array(values) => values.iter().map(inert).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (line(name), inert(value))).collect(),
        other => other.clone(),
    }
}

fn collect(root: &Value, table: &Value, prefix: &str, depth: usize, text: &mut String) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let alternatives = ["oneOf", "anyOf"].into_iter().filter_map(|name| table[name].as_array()).flatten();
    for table in std::iter::once(table).chain(alternatives) {
        let table = resolved(root, table);
        let required: Vec<&str> =
            table["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut properties: Vec<_> = table["properties"].as_object().into_iter().flatten().collect();
        // Needed keys first, otherwise by name.
        properties.sort_by_key(|(name, _)| !required.contains(&name.as_str()));
        for (name, property) in properties {
            if text.len() > MAX_TEXT {
                return;
            }
            let property = resolved(root, property);
            let name = format!("{prefix}{name}");
            text.push_str(&entry(root, &name, property, required.contains(&name_of(&name))));
            collect(root, property, &format!("{name}."), depth, text);
            collect(root, resolved(root, &property["items"]), &format!("{name}[]."), depth, text);
        }
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let referred = schema["$ref"].as_str().and_then(|name| root.pointer(name.strip_prefix('#')?));
    referred.unwrap_or(schema)
}

fn entry(root: &Value, name: &str, schema: &Value, required: bool) -> String {
    let mut facts = vec![if required { "needed".to_owned() } else { kind(root, schema) }];
    if required {
        facts.push(kind(root, schema));
    }
    facts.extend(bounds(schema));
    facts.extend(
        schema.get("default").filter(|value| !is_empty(value)).map(|value| format!("default {value}")),
    );
    let mut text = format!("\n  {name}\n");
    let meaning = schema["description"].as_str().unwrap_or_default();
    let lines = wrapped(&facts.join(", ")).into_iter().chain(wrapped(meaning));
    for line in lines.chain(explained(schema)) {
        text.push_str(&format!("      {line}\n"));
    }
    text
}

/// What the values mean, where the schema says so.
fn explained(schema: &Value) -> Vec<String> {
    let forms = schema["oneOf"].as_array().into_iter().flatten();
    let pairs: Vec<_> =
        forms.filter_map(|form| Some((form["const"].as_str()?, form["description"].as_str()?))).collect();
    let width = pairs.iter().map(|(value, _)| value.len()).max().unwrap_or(0);
    pairs.iter().map(|(value, meaning)| format!("  {value:width$}  {meaning}")).collect()
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// What a parameter may be: its values where they are listed, else its type.
fn kind(root: &Value, schema: &Value) -> String {
    let values = listed(schema);
    if !values.is_empty() {
        return values.join(" | ");
    }
    let items = resolved(root, &schema["items"]);
    match schema["type"].as_str() {
        Some("array") if items["type"] == "object" => "array of tables".to_owned(),
        Some("array") => format!("array of {}s", items["type"].as_str().unwrap_or("value")),
        Some("object") if schema["properties"].is_object() => "table".to_owned(),
        Some("object") => {
            let values = schema.pointer("/additionalProperties/type").and_then(Value::as_str);
            format!("table of {}s", values.unwrap_or("value"))
        }
        Some(name) => name.to_owned(),
        None => "any value".to_owned(),
    }
}

fn listed(schema: &Value) -> Vec<String> {
    let alternatives = ["oneOf", "anyOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
    let named = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    named.filter_map(Value::as_str).map(str::to_owned).chain(alternatives.flat_map(listed)).collect()
}

fn bounds(schema: &Value) -> Option<String> {
    let of = |least: &str, most: &str, unit: &str| {
        let (least, most) = (schema[least].as_u64(), schema[most].as_u64());
        match (least, most) {
            (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
            (Some(1), None) if !unit.is_empty() => Some("not empty".to_owned()),
            (Some(least), None) => Some(format!("at least {least}{unit}")),
            (None, Some(most)) => Some(format!("at most {most}{unit}")),
            (None, None) => None,
        }
    };
    of("minimum", "maximum", "")
        .or_else(|| of("minLength", "maxLength", " characters"))
        .or_else(|| of("minItems", "maxItems", " items"))
        .or_else(|| of("minProperties", "maxProperties", " keys"))
}

/// The words of a text on lines of at most [`WIDTH`] characters, if no word is longer.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - 6 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
