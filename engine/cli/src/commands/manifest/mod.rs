//! `longshore manifest`: look into manifests, make them, and bring them into another form.

mod convert;
mod filter;
mod generate;
mod inspect;
mod source;
mod split;
mod written;

use clap::Subcommand;

pub(crate) use written::{Written, exists};

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
    /// Guess how a list is written, check all of it, and show what is in it and how a job file reads it
    Inspect(inspect::Arguments),
    /// Write one or several lists as one, in another format
    Convert(convert::Arguments),
    /// Write a list as several
    Split(split::Arguments),
    /// List a bucket and write the objects that pass a filter as a manifest
    Generate(Box<generate::Arguments>),
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Exit, CliError> {
    match arguments.command {
        Command::Inspect(arguments) => inspect::run(&arguments, context).await,
        Command::Convert(arguments) => convert::run(&arguments, context).await,
        Command::Split(arguments) => split::run(&arguments, context).await,
        Command::Generate(arguments) => generate::run(*arguments, context).await,
    }
}
