//! `longshore notifications`: what could not be told to whom, or not yet.

use jiff::Timestamp;
use longshore_queue::Notification;
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, printable, short};

/// Arguments of `longshore notifications`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Have all of them tried again, by the engine that runs or the next one
    #[arg(long)]
    retry: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    if arguments.retry {
        let count = queue.retry_notifications(Timestamp::now())?;
        if context.json {
            context.screen.json(&json!({ "retried": count }))?;
        } else {
            context.screen.line(format!("{count} notifications are tried again"))?;
        }
        return Ok(Exit::Success);
    }
    let left = queue.notifications()?;
    for notification in &left {
        show(context, notification)?;
    }
    if left.is_empty() && !context.json {
        note("everything was delivered");
    }
    Ok(Exit::Success)
}

fn show(context: &Context, notification: &Notification) -> Result<(), CliError> {
    if context.json {
        return context.screen.json(notification);
    }
    let Notification { target, job, status, attempts, .. } = notification;
    let stands = match (&notification.next_at, attempts) {
        (None, _) => "undelivered".to_owned(),
        (Some(_), 0) => "waiting".to_owned(),
        (Some(next), _) => format!("tried again at {next:.0}"),
    };
    let why =
        notification.last_error.as_deref().map(|why| format!(": {}", printable(why))).unwrap_or_default();
    context
        .screen
        .line(format!("{target}: {} {status}: {stands}, {attempts} failed attempts{why}", short(job)))
}
