//! `longshore plugin`: make, try, install and check operations of your own.

mod build;
mod inspect;
mod new;
mod run;
mod test;

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
    /// Make a project that builds and whose tests pass
    New(new::Arguments),
    /// Build the operation of a project: one file for any machine
    Build(build::Arguments),
    /// Run an operation on stores of fixtures, and show every call that it makes
    Test(test::Arguments),
    /// Try an operation on one object, and show every call that it makes
    Run(run::Arguments),
    /// Show what a plugin file is, wants to do and takes as parameters; no task runs
    Inspect(inspect::Arguments),
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Exit, CliError> {
    match arguments.command {
        Command::New(arguments) => new::run(&arguments, context),
        Command::Build(arguments) => build::run(&arguments, context),
        Command::Test(arguments) => test::run(&arguments, context).await,
        Command::Run(arguments) => run::run(&arguments, context).await,
        Command::Inspect(arguments) => inspect::run(&arguments, context),
    }
}
