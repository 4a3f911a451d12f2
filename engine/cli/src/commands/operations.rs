//! `longshore operations`: the built-in operations and their parameters.

use longshore_job::OperationCatalog as _;
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::table;

/// Arguments of `longshore operations`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Show the parameters of this operation
    name: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let catalog = context.catalog()?;
    if let Some(name) = &arguments.name {
        let plugin = catalog.builtin(name).map_err(CliError::input)?;
        return one(context, &plugin);
    }
    let mut rows = Vec::new();
    for name in catalog.names() {
        let plugin = catalog.builtin(&name).map_err(CliError::input)?;
        if context.json {
            context.screen.json(&value(&plugin))?;
        }
        rows.push(vec![name, plugin.description().version.clone(), plugin.description().summary.clone()]);
    }
    if !context.json {
        context.screen.line(table(&["operation", "version", "what it does"], rows))?;
    }
    Ok(Exit::Success)
}

fn one(context: &Context, plugin: &longshore_plugin::Plugin) -> Result<Exit, CliError> {
    let description = plugin.description();
    if context.json {
        context.screen.json(&value(plugin))?;
        return Ok(Exit::Success);
    }
    context.screen.line(format!(
        "{} {}\n{}\n\nPossible actions: {}\nDigest: sha256:{}\n",
        description.name,
        description.version,
        description.summary,
        description.actions.join(", "),
        plugin.digest()
    ))?;
    let rows = parameters(&description.parameters);
    if rows.is_empty() {
        context.screen.line("No parameters.")?;
    } else {
        context.screen.line(table(&["parameter", "required", "value", "what it is"], rows))?;
    }
    Ok(Exit::Success)
}

fn value(plugin: &longshore_plugin::Plugin) -> Value {
    let description = plugin.description();
    json!({
        "name": description.name,
        "version": description.version,
        "summary": description.summary,
        "actions": description.actions,
        "parameters": description.parameters,
        "digest": plugin.digest(),
    })
}

/// What a parameter may be: its values where they are listed, else its type.
fn values(schema: &Value) -> String {
    let mut known = listed(schema);
    known.retain(|value| value != "null");
    known.dedup();
    known.join(" | ")
}

fn listed(schema: &Value) -> Vec<String> {
    let alternatives = ["oneOf", "anyOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
    let mut values: Vec<String> = alternatives.flat_map(listed).collect();
    let named = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    values.extend(named.filter_map(Value::as_str).map(str::to_owned));
    if values.is_empty() { types(schema) } else { values }
}

fn types(schema: &Value) -> Vec<String> {
    match &schema["type"] {
        Value::String(name) => vec![name.clone()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The top-level parameters of a JSON Schema: of the object itself, or of each of its alternatives.
fn parameters(schema: &Value) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let alternatives = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    for object in std::iter::once(schema).chain(alternatives.into_iter().flatten()) {
        let required: Vec<&str> =
            object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, property) in object["properties"].as_object().into_iter().flatten() {
            let needed = if required.contains(&name.as_str()) { "yes" } else { "" };
            let text = property["description"].as_str().unwrap_or_default().replace('\n', " ");
            rows.push(vec![name.clone(), needed.to_owned(), values(property), text]);
        }
    }
    rows
}
