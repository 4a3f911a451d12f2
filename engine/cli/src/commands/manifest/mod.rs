//! `longshore manifest`: make manifests.

mod filter;
mod generate;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore manifest`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List a bucket and write the objects that pass a filter as a manifest
    Generate(Box<generate::Arguments>),
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Exit, CliError> {
    match arguments.command {
        Command::Generate(arguments) => generate::run(*arguments, context).await,
    }
}
