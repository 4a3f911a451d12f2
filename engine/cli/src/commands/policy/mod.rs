//! `longshore policy`: check, explain, try out and write policies.

mod check;
mod evaluate;
mod explain;
mod selection;
mod simulate;
mod suggest;

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
    /// Check policy files, or everything that binds a role: errors, warnings, statements that never take effect
    Check(check::Arguments),
    /// Say whether a role may do one thing, and what part each statement has in it
    Explain(explain::Arguments),
    /// Decide cases read from standard input as JSON Lines, each with its own policies
    Evaluate(evaluate::Arguments),
    /// Count the rows of a job's manifest that the policies would allow or refuse; nothing is asked of the store
    Simulate(simulate::Arguments),
    /// Print the smallest policy under which a job would run
    Suggest(suggest::Arguments),
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Exit, CliError> {
    match arguments.command {
        Command::Check(arguments) => check::run(&arguments, context),
        Command::Explain(arguments) => explain::run(&arguments, context).await,
        Command::Evaluate(arguments) => evaluate::run(&arguments, context),
        Command::Simulate(arguments) => simulate::run(&arguments, context).await,
        Command::Suggest(arguments) => suggest::run(&arguments, context).await,
    }
}
