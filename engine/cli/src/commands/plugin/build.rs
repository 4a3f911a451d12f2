//! `longshore plugin build`: from a project to a component.

use std::path::{Path, PathBuf};

use longshore_plugin::{Plugin, PluginLimits, Plugins};

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
    let (path, plugin, size) = build(&arguments.directory)?;
    inspect::show(context, &plugin, size, Some(&path))?;
    Ok(Exit::Success)
}

/// Builds the project in a folder and puts the component there: its path, what it is, how many bytes it has.
pub(super) fn build(directory: &Path) -> Result<(PathBuf, Plugin, usize), CliError> {
    let built = longshore_author::build(directory)?;
    let size = built.component.len();
    let plugin = Plugins::new(PluginLimits::default())
        .map_err(|error| CliError::new(Exit::Error, error.to_string()))?
        .load(&built.component)
        .map_err(|error| CliError::new(Exit::Error, format!("what was built is no operation: {error}")))?;
    let path = directory.join(&plugin.description().name).with_extension("wasm");
    // A job that reads it meanwhile reads the old one or the new one.
    let unwritten = |error: std::io::Error| {
        CliError::new(Exit::Error, format!("{}: cannot write: {error}", path.display()))
    };
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(unwritten)?;
    std::io::Write::write_all(&mut file, &built.component).map_err(unwritten)?;
    file.persist(&path).map_err(|error| unwritten(error.error))?;
    Ok((path, plugin, size))
}
