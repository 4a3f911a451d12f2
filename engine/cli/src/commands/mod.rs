//! One file per command.

mod cancel;
mod clone;
mod completions;
mod confirm;
mod export;
mod failures;
mod init;
mod list;
mod man;
mod manifest;
mod notifications;
mod operations;
mod pause;
mod plan;
mod plugin;
mod policy;
mod priority;
mod report;
mod resume;
mod retry;
mod run;
mod sandbox;
mod schedule;
mod schema;
mod sql;
mod start;
mod status;
mod submit;
mod validate;
mod watch;

use clap::Subcommand;
use longshore_job::JobState;
use longshore_queue::{Queue, QueueError};
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// What the user wants.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Submit a job and work on it in the foreground
    Run(run::Arguments),
    /// Check a job file, the configuration and the policies; nothing is sent or stored
    Validate(validate::Arguments),
    /// Dry run: show which requests a job would send and which of them its role may not; nothing is sent to objects
    Plan(plan::Arguments),
    /// Make manifests
    Manifest(Box<manifest::Arguments>),
    /// Check, explain, try out and write policies
    Policy(policy::Arguments),
    /// Put a job into the queue for a running or later engine
    Submit(submit::Arguments),
    /// Work through the queue until stopped
    Start(start::Arguments),
    /// Show a job, or the jobs that have not ended
    Status(status::Arguments),
    /// List all jobs, newest first
    List(list::Arguments),
    /// Follow all jobs live, or one until it has ended
    Watch(watch::Arguments),
    /// Stop a job; what has run is reported
    Cancel(cancel::Arguments),
    /// Let a job run that waits for a confirmation
    Confirm(confirm::Arguments),
    /// Hold a job; running tasks end, no other begins
    Pause(pause::Arguments),
    /// Let a paused job go on where it was
    Resume(resume::Arguments),
    /// Give a job another priority
    Priority(priority::Arguments),
    /// List the failed tasks of a job
    Failures(failures::Arguments),
    /// Submit a job anew, as it was submitted before
    Clone(clone::Arguments),
    /// Run the failed tasks of a job again, as a new job
    Retry(retry::Arguments),
    /// List what could not be told to whom, or not yet
    Notifications(notifications::Arguments),
    /// Show where the completion report of a job is, or print its rows
    Report(report::Arguments),
    /// Write the results of a job as Parquet, JSON Lines or CSV
    Export(export::Arguments),
    /// Query jobs, failures and events with SQL
    Sql(sql::Arguments),
    /// List the built-in operations, or the parameters of one
    Operations(operations::Arguments),
    /// Make, try, install and check operations of your own
    Plugin(plugin::Arguments),
    /// Print a JSON Schema for editors
    Schema(schema::Arguments),
    /// Write a commented longshore.toml and a first job file
    Init(init::Arguments),
    /// Start an S3 server on loopback, for demos and tests only
    Sandbox(sandbox::Arguments),
    /// Print shell completions
    Completions(completions::Arguments),
    /// Write man pages
    Man(man::Arguments),
}

/// Runs the command.
pub(crate) async fn run(command: Command, context: &Context) -> Result<Exit, CliError> {
    match command {
        Command::Run(arguments) => run::run(arguments, context).await,
        Command::Validate(arguments) => validate::run(&arguments, context),
        Command::Plan(arguments) => plan::run(&arguments, context).await,
        Command::Manifest(arguments) => manifest::run(*arguments, context).await,
        Command::Policy(arguments) => policy::run(arguments, context).await,
        Command::Submit(arguments) => submit::run(&arguments, context),
        Command::Start(arguments) => start::run(&arguments, context).await,
        Command::Status(arguments) => status::run(&arguments, context),
        Command::List(arguments) => list::run(&arguments, context),
        Command::Watch(arguments) => watch::run(&arguments, context).await,
        Command::Cancel(arguments) => cancel::run(&arguments, context),
        Command::Confirm(arguments) => confirm::run(&arguments, context),
        Command::Pause(arguments) => pause::run(&arguments, context),
        Command::Resume(arguments) => resume::run(&arguments, context),
        Command::Priority(arguments) => priority::run(&arguments, context),
        Command::Failures(arguments) => failures::run(&arguments, context),
        Command::Clone(arguments) => clone::run(&arguments, context),
        Command::Retry(arguments) => retry::run(&arguments, context),
        Command::Report(arguments) => report::run(&arguments, context).await,
        Command::Export(arguments) => export::run(&arguments, context).await,
        Command::Sql(arguments) => sql::run(&arguments, context),
        Command::Notifications(arguments) => notifications::run(&arguments, context),
        Command::Operations(arguments) => operations::run(&arguments, context),
        Command::Plugin(arguments) => plugin::run(arguments, context).await,
        Command::Schema(arguments) => schema::run(&arguments, context),
        Command::Init(arguments) => init::run(&arguments, context),
        Command::Sandbox(arguments) => sandbox::run(arguments, context).await,
        Command::Completions(arguments) => completions::run(&arguments, context),
        Command::Man(arguments) => man::run(&arguments, context),
    }
}

/// Asks something of a job and shows the state that it is in then.
fn ask(
    context: &Context,
    job: &str,
    asked: impl FnOnce(&Queue, &str) -> Result<JobState, QueueError>,
) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let id = queue.job(job)?.id;
    let state = asked(&queue, &id)?;
    if context.json {
        context.screen.json(&json!({ "id": id, "state": state }))?;
    } else {
        context.screen.line(format!("{id} {state}"))?;
    }
    Ok(Exit::Success)
}
