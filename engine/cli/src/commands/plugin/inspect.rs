//! `longshore plugin inspect`: what a plugin file is.

use std::path::{Path, PathBuf};

use indicatif::HumanBytes;
use longshore_job::job_file::parameters_schema;
use longshore_plugin::{Plugin, PluginLimits, Plugins};
use serde_json::{Value, json};

use crate::commands::operations::describe_parameters;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{key_values, printable};

/// Arguments of `longshore plugin inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The plugin: a WebAssembly component, or a core module that carries its component type
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let shown = arguments.file.display();
    let bytes = std::fs::read(&arguments.file)
        .map_err(|error| CliError::input(format!("{shown}: cannot read the plugin: {error}")))?;
    let plugin = Plugins::new(PluginLimits::default())
        .map_err(|error| CliError::new(Exit::Error, error.to_string()))?
        .load(&bytes)
        .map_err(|error| CliError::input(format!("{shown}: {error}")))?;
    show(context, &plugin, bytes.len(), None)?;
    Ok(Exit::Success)
}

/// Shows what a plugin is, and the file that it was written to.
pub(super) fn show(
    context: &Context,
    plugin: &Plugin,
    size: usize,
    written: Option<&Path>,
) -> Result<(), CliError> {
    if context.json {
        let mut value = value(plugin, size);
        if let (Value::Object(value), Some(path)) = (&mut value, written) {
            value.insert("file".to_owned(), json!(path));
        }
        return context.screen.json(&value);
    }
    if let Some(path) = written {
        context.screen.line(format!("{}\n", path.display()))?;
    }
    context.screen.line(text(plugin, size))
}

fn text(plugin: &Plugin, size: usize) -> String {
    let description = plugin.description();
    let actions = if description.actions.is_empty() { "none" } else { &description.actions.join("\n") };
    let facts = [
        ("Plugin", printable(&format!("{} {}", description.name, description.version))),
        ("What it does", printable(&description.summary)),
        ("Actions", actions.lines().map(printable).collect::<Vec<_>>().join("\n")),
        ("Size", HumanBytes(size as u64).to_string()),
        ("Digest", format!("sha256:{}", plugin.digest())),
    ];
    let parameters = describe_parameters(&parameters_schema(&description.parameters));
    format!("{}\n{parameters}", key_values(&facts))
}

fn value(plugin: &Plugin, size: usize) -> Value {
    let description = plugin.description();
    json!({
        "name": description.name,
        "version": description.version,
        "summary": description.summary,
        "actions": description.actions,
        "parameters": parameters_schema(&description.parameters),
        "size": size,
        "digest": plugin.digest(),
    })
}
