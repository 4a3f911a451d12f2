//! `longshore operations`: the built-in operations and their parameters.

mod parameters;

use longshore_job::OperationCatalog as _;
use longshore_job::job_file::parameters_schema;
use serde_json::{Value, json};

pub(super) use self::parameters::describe as describe_parameters;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{key_values, table};

/// Arguments of `longshore operations`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Show the parameters of this operation
    name: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let catalog = context.builtins()?;
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
    let actions = if description.actions.is_empty() { "none" } else { &description.actions.join("\n") };
    let facts = [
        ("Operation", format!("{} {}", description.name, description.version)),
        ("What it does", description.summary.clone()),
        ("Actions", actions.to_owned()),
        ("Digest", format!("sha256:{}", plugin.digest())),
    ];
    context.screen.line(key_values(&facts))?;
    context.screen.line(describe_parameters(&parameters_schema(&description.parameters)))?;
    Ok(Exit::Success)
}

fn value(plugin: &longshore_plugin::Plugin) -> Value {
    let description = plugin.description();
    json!({
        "name": description.name,
        "version": description.version,
        "summary": description.summary,
        "actions": description.actions,
        "parameters": parameters_schema(&description.parameters),
        "digest": plugin.digest(),
    })
}
