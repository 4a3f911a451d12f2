//! `longshore plugin verify`: whether installed plugins are still what was installed.

use longshore_job::InstalledName;
use longshore_registry::{Keys, verify};
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, printable};

/// Arguments of `longshore plugin verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Plugins: NAME (all its versions), NAME@VERSION or sha256:DIGEST [default: all]
    #[arg(value_name = "PLUGIN")]
    names: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let registry = super::registry(context)?;
    let mut entries = registry.entries()?;
    if !arguments.names.is_empty() {
        let mut wanted = Vec::new();
        for name in &arguments.names {
            let name = super::installed_name(name)?;
            let is_meant = move |entry: &longshore_registry::Entry| match name {
                InstalledName::Newest(name) => entry.name == name,
                InstalledName::Version(name, version) => entry.name == name && entry.version == version,
                InstalledName::Digest(digest) => {
                    entry.record.as_ref().is_ok_and(|record| record.sha256 == digest)
                }
            };
            if !entries.iter().any(is_meant) {
                registry.find(name)?;
            }
            wanted.push(is_meant);
        }
        entries.retain(|entry| wanted.iter().any(|is_meant| is_meant(entry)));
    }
    let keys = Keys::new(config.plugins.keys.clone());
    let checked = verify(&registry, entries, (&keys, config.plugins.require_signature))?;
    for plugin in &checked {
        if context.json {
            context.screen.json(&json!({ "plugin": plugin.plugin, "problems": plugin.problems }))?;
        } else if plugin.problems.is_empty() {
            context.screen.line(format!("{}: good", plugin.plugin))?;
        } else {
            for problem in &plugin.problems {
                context.screen.line(format!("{}: {}", plugin.plugin, printable(problem)))?;
            }
        }
    }
    let bad = checked.iter().filter(|plugin| !plugin.problems.is_empty()).count();
    if bad == 0 {
        if checked.is_empty() && !context.json {
            note("no plugins are installed");
        }
        return Ok(Exit::Success);
    }
    Err(CliError::new(
        Exit::Error,
        format!("{bad} of {} installed plugins are not as they were installed", checked.len()),
    ))
}
