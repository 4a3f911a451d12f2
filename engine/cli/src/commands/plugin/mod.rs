//! `longshore plugin`: make, try, install and check operations of your own.

mod build;
mod inspect;
mod install;
mod list;
mod new;
mod remove;
mod run;
mod show;
mod test;
mod verify;

use clap::Subcommand;
use longshore_job::InstalledName;
use longshore_registry::Registry;

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
    /// Install a plugin with what it is granted, for jobs that name it by name and version
    Install(Box<install::Arguments>),
    /// List the installed plugins
    List(list::Arguments),
    /// Show what is recorded about an installed plugin
    Show(show::Arguments),
    /// Remove an installed plugin
    Remove(remove::Arguments),
    /// Check that installed plugins are still what was installed: digests, signatures, file modes
    Verify(verify::Arguments),
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Exit, CliError> {
    match arguments.command {
        Command::New(arguments) => new::run(&arguments, context),
        Command::Build(arguments) => build::run(&arguments, context),
        Command::Test(arguments) => test::run(&arguments, context).await,
        Command::Run(arguments) => run::run(&arguments, context).await,
        Command::Inspect(arguments) => inspect::run(&arguments, context),
        Command::Install(arguments) => install::run(&arguments, context).await,
        Command::List(arguments) => list::run(&arguments, context),
        Command::Show(arguments) => show::run(&arguments, context),
        Command::Remove(arguments) => remove::run(&arguments, context),
        Command::Verify(arguments) => verify::run(&arguments, context),
    }
}

/// An installed plugin as the command line names it.
fn installed_name(text: &str) -> Result<InstalledName<'_>, CliError> {
    InstalledName::parse(text).map_err(|error| CliError::input(error.to_string()))
}

fn registry(context: &Context) -> Result<Registry, CliError> {
    Ok(Registry::new(&context.engine_config()?.data_path()))
}
