//! `longshore status`: one job in full, or the jobs that have not ended.

use longshore_queue::{Queue, WaitingTasks};
use serde_json::json;

use super::list::show;
use super::schedule;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{describe, key_values, note, printable, summary};

/// Arguments of `longshore status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of a job, or the first characters of one
    job: Option<String>,
    /// Show the job's history too
    #[arg(long, requires = "job")]
    events: bool,
    /// End with the exit code that says how the job stands
    #[arg(long, requires = "job")]
    exit_code: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let Some(id) = &arguments.job else {
        let jobs = queue.jobs()?.into_iter().filter(|record| !record.state.is_terminal()).collect();
        return show(context, &queue, jobs, "no job is waiting or running; 'longshore list' shows all");
    };
    let record = queue.job(id)?;
    let codes = queue.failure_codes(&record.id)?;
    if context.json {
        let mut value = summary(&record, &codes);
        if let Some(fields) = value.as_object_mut() {
            let lists = serde_json::to_value(queue.saved_lists(&record.id)?).map_err(std::io::Error::from)?;
            fields.insert("saved_lists".to_owned(), lists);
            let waiting = serde_json::to_value(queue.waiting(&record.id)?).map_err(std::io::Error::from)?;
            fields.insert("waiting".to_owned(), waiting);
            fields.extend(schedule::fields(&queue, &record)?);
        }
        if let (true, Some(fields)) = (arguments.events, value.as_object_mut()) {
            let events = serde_json::to_value(queue.events(&record.id)?).map_err(std::io::Error::from)?;
            fields.insert("events".to_owned(), events);
            let policies = queue.policy_snapshots(&record.id)?;
            let policies: Vec<_> =
                policies.iter().map(|one| json!({ "at": one.at, "digest": one.digest })).collect();
            fields.insert("policy_snapshots".to_owned(), json!(policies));
        }
        context.screen.json(&value)?;
    } else {
        context.screen.line(describe(&record, &codes))?;
        if let Some(waiting) = queue.waiting(&record.id)? {
            let WaitingTasks { tasks, next_at, last_at } = waiting;
            context.screen.line(format!(
                "Waiting: {tasks} tasks run again, from {next_at:.0} to {last_at:.0} at the earliest"
            ))?;
        }
        for line in schedule::lines(&queue, &record)? {
            context.screen.line(line)?;
        }
        for list in queue.saved_lists(&record.id)? {
            context.screen.line(format!("Generated list: {} (ETag {})", list.location, list.etag))?;
        }
        if arguments.events {
            print_events(context, &queue, &record.id)?;
        }
        if record.failed > 0 && record.state.is_terminal() {
            note("some tasks failed: the state alone does not say success");
        }
    }
    Ok(if arguments.exit_code { Exit::of(&record) } else { Exit::Success })
}

fn print_events(context: &Context, queue: &Queue, id: &str) -> Result<(), CliError> {
    let events = queue.events(id)?;
    let lines: Vec<(String, String)> = events
        .iter()
        .map(|event| {
            (
                format!("{:.3}", event.at),
                format!("{} ({}: {})", event.to, event.actor, printable(&event.cause)),
            )
        })
        .collect();
    let pairs: Vec<(&str, String)> = lines.iter().map(|(at, text)| (at.as_str(), text.clone())).collect();
    context.screen.line(format!("\nHistory\n{}", key_values(&pairs)))?;
    let policies = queue.policy_snapshots(id)?;
    let times: Vec<String> = policies.iter().map(|policy| format!("{:.3}", policy.at)).collect();
    let pairs: Vec<(&str, String)> = times
        .iter()
        .zip(&policies)
        .map(|(at, policy)| (at.as_str(), format!("sha256:{}", policy.digest)))
        .collect();
    if pairs.is_empty() {
        return Ok(());
    }
    context.screen.line(format!("\nPolicies from\n{}", key_values(&pairs)))
}
