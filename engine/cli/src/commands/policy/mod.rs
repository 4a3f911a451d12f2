//! `longshore policy`: questions about policies; nothing is sent to a store.

mod evaluate;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore policy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Decide cases read from standard input as JSON Lines
    Evaluate(evaluate::Arguments),
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    match &arguments.command {
        Command::Evaluate(arguments) => evaluate::run(arguments, context),
    }
}
