//! `longshore plugin build`: from a project to a component.

use std::path::{Path, PathBuf};

use longshore_plugin::Inspection;

use super::inspect;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore plugin build`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Folder of the project
    #[arg(default_value = ".")]
    directory: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let (path, inspection) = build(&arguments.directory, context)?;
    inspect::show(context, &inspection, Some(&path))?;
    Ok(Exit::Success)
}

/// Builds the project in a folder and puts the component there: its path, and what it is.
pub(super) fn build(directory: &Path, context: &Context) -> Result<(PathBuf, Inspection), CliError> {
    let component = longshore_author::build(directory)?.component;
    let catalog = context.builtins()?;
    let inspection = catalog
        .plugins()
        .inspect(&component, catalog.limits())
        .map_err(|error| CliError::new(Exit::Error, format!("what was built is no operation: {error}")))?;
    let path = directory.join(&inspection.description.name).with_extension("wasm");
    let unwritten = |error: std::io::Error| {
        CliError::new(Exit::Error, format!("{}: cannot write: {error}", path.display()))
    };
    // A job that reads it meanwhile reads the old one or the new one.
    let partial = path.with_extension("partial");
    std::fs::write(&partial, &component)
        .and_then(|()| std::fs::rename(&partial, &path))
        .map_err(unwritten)?;
    Ok((path, inspection))
}
