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
        context.screen.line(table(&["parameter", "required", "what it is"], rows))?;
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
            rows.push(vec![name.clone(), needed.to_owned(), text]);
        }
    }
    rows
}
