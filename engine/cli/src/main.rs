//! The `longshore` command: one file per command, no logic of its own.

mod again;
mod commands;
mod compiler;
mod context;
mod exit;
mod failure;
mod logging;
mod output;
mod results;
mod service;
mod signals;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::logging::LogFormat;

/// Gives memory back once it is free: that of the C library keeps what many threads have freed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs one operation per object over a manifest of millions of S3 objects, on any S3-compatible store.
#[derive(Debug, Parser)]
#[command(name = "longshore", version, after_help = exit::HELP, max_term_width = 110, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: commands::Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
struct Global {
    /// Engine configuration
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "LONGSHORE_CONFIG",
        default_value = "longshore.toml"
    )]
    config: PathBuf,
    /// Print JSON for machines on standard output (errors as JSON on standard error)
    #[arg(long, global = true)]
    json: bool,
    /// Log filter on standard error: a level such as 'info', or one for each part, such as 'longshore_store=debug'
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "LONGSHORE_LOG",
        visible_alias = "log-level",
        default_value = logging::DEFAULT_FILTER
    )]
    log: String,
    /// Form of the log: lines for people, or all of standard error as JSON Lines
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

fn main() -> ExitCode {
    if let Some(code) = compiler::work() {
        return code;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let context = Context::new(arguments.global.config, arguments.global.json);
    let result = logging::start(&arguments.global.log, arguments.global.log_format)
        .and_then(|()| runtime())
        .and_then(|runtime| runtime.block_on(commands::run(arguments.command, &context)));
    match result {
        Ok(exit) => exit.into(),
        Err(error) if error.is_unread() => error.exit().into(),
        Err(error) => {
            output::error(&error, context.json);
            error.exit().into()
        }
    }
}

/// Ends a command that clap did not understand, or that only asks for help.
fn usage(error: &clap::Error) -> ExitCode {
    let json =
        std::env::args_os().take_while(|argument| argument != "--").any(|argument| argument == "--json");
    if !json || !error.use_stderr() {
        error.exit();
    }
    let text = error.to_string();
    let text = text.trim_end();
    let failure = CliError::input(text.strip_prefix("error: ").unwrap_or(text));
    output::error(&failure, true);
    failure.exit().into()
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(Exit::Error, format!("cannot start the async runtime: {error}")))
}
