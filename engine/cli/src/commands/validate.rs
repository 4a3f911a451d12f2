//! `longshore validate`: check a job file without running it.

use std::path::PathBuf;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::printable;

/// Arguments of `longshore validate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job file
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let catalog = context.catalog(&config)?;
    let spec = context.job(&arguments.file, &config, &catalog)?.spec;
    if context.json {
        context.screen.json(&spec)?;
    } else {
        context.screen.line(format!(
            "{}: valid: {} under role {} on store {}",
            arguments.file.display(),
            printable(&spec.operation_name()),
            spec.role,
            spec.store
        ))?;
    }
    Ok(Exit::Success)
}
