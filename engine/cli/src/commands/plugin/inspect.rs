//! `longshore plugin inspect`: what a plugin file is.

use std::path::{Path, PathBuf};

use indicatif::HumanBytes;
use longshore_job::job_file::parameters_schema;
use longshore_plugin::Inspection;
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
    let inspection = context.builtins()?.inspect(&arguments.file).map_err(CliError::input)?;
    show(context, &inspection, None)?;
    Ok(Exit::Success)
}

/// Shows what a plugin is, and the file that it was written to.
pub(super) fn show(
    context: &Context,
    inspection: &Inspection,
    written: Option<&Path>,
) -> Result<(), CliError> {
    if context.json {
        let mut value = value(inspection);
        if let (Value::Object(value), Some(path)) = (&mut value, written) {
            value.insert("file".to_owned(), json!(path));
        }
        return context.screen.json(&value);
    }
    if let Some(path) = written {
        context.screen.line(format!("{}\n", path.display()))?;
    }
    context.screen.line(text(inspection))
}

fn text(inspection: &Inspection) -> String {
    let Inspection { description, needs, imports, bytes, digest } = inspection;
    let imports: Vec<String> = imports
        .iter()
        .map(|import| printable(&format!("{}: {}", import.interface, import.functions.join(", "))))
        .collect();
    let facts = [
        ("Plugin", printable(&format!("{} {}", description.name, description.version))),
        ("What it does", printable(&description.summary)),
        ("Declares", needs.to_string().replace(", ", "\n")),
        ("Imports", imports.join("\n")),
        ("Size", HumanBytes(*bytes as u64).to_string()),
        ("Digest", format!("sha256:{digest}")),
    ];
    let parameters = describe_parameters(&parameters_schema(&description.parameters));
    format!("{}\n{parameters}", key_values(&facts))
}

fn value(inspection: &Inspection) -> Value {
    let Inspection { description, needs, imports, bytes, digest } = inspection;
    let imports: Vec<Value> = imports
        .iter()
        .map(|import| json!({ "interface": import.interface, "functions": import.functions }))
        .collect();
    json!({
        "name": description.name,
        "version": description.version,
        "summary": description.summary,
        "actions": description.actions,
        "needs": needs,
        "imports": imports,
        "parameters": parameters_schema(&description.parameters),
        "size": bytes,
        "digest": digest,
    })
}
