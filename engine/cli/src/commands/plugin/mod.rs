//! `longshore plugin`: make, try, install and check operations of your own.

mod inspect;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore plugin`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what a plugin file is, wants to do and takes as parameters; no task runs
    Inspect(inspect::Arguments),
}

pub(crate) fn run(arguments: Arguments, context: &Context) -> Result<Exit, CliError> {
    match arguments.command {
        Command::Inspect(arguments) => inspect::run(&arguments, context),
    }
}
