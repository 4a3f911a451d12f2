//! `longshore completions`: for shells.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "longshore", &mut script);
    context.screen.bytes(&script)?;
    Ok(Exit::Success)
}
