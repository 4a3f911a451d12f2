//! `longshore man`: man pages, one per command.

use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;

/// Arguments of `longshore man`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Directory for the pages; it is created
    directory: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(crate::Arguments::command(), directory))
        .map_err(|error| {
            CliError::new(Exit::Error, format!("{}: cannot write: {error}", directory.display()))
        })?;
    if !context.json {
        note(&format!("man pages written to {}", directory.display()));
    }
    Ok(Exit::Success)
}
