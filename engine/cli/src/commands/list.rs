//! `longshore list`: all jobs, newest first.

use longshore_queue::{JobRecord, Queue};

use super::schedule;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, printable, short, state, summary, table, tags};

/// Arguments of `longshore list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only jobs in this state, such as Complete
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let mut jobs = queue.jobs()?;
    if let Some(name) = &arguments.state {
        let wanted = longshore_job::JobState::from_name(name).ok_or_else(|| {
            let known: Vec<&str> = longshore_job::JobState::ALL.iter().map(|state| state.name()).collect();
            CliError::input(format!(
                "--state {name}: there is no such state; the states are {}",
                known.join(", ")
            ))
        })?;
        jobs.retain(|record| record.state == wanted);
    }
    show(context, &queue, jobs, "no jobs")
}

/// Prints jobs as a table or as JSON Lines.
pub(crate) fn show(
    context: &Context,
    queue: &Queue,
    jobs: Vec<JobRecord>,
    none: &str,
) -> Result<Exit, CliError> {
    if context.json {
        for record in &jobs {
            let mut value = summary(record, &queue.failure_codes(&record.id)?);
            if let Some(fields) = value.as_object_mut() {
                fields.extend(schedule::fields(queue, record)?);
            }
            context.screen.json(&value)?;
        }
    } else if jobs.is_empty() {
        note(none);
    } else {
        // Most jobs have neither, and the line is long enough.
        let tagged = jobs.iter().any(|record| !record.spec.tags.is_empty());
        let retried = jobs.iter().any(|record| record.retry_of.is_some());
        let more = [retried.then_some("retry of"), tagged.then_some("tags")];
        let header: Vec<_> = HEADER.iter().copied().chain(more.into_iter().flatten()).collect();
        let rows = jobs.iter().map(|record| row(queue, record, retried, tagged));
        context.screen.line(table(&header, rows.collect::<Result<Vec<_>, _>>()?))?;
    }
    Ok(Exit::Success)
}

/// What the table of jobs shows.
const HEADER: [&str; 9] =
    ["job", "state", "operation", "priority", "tasks", "succeeded", "failed", "created", "description"];

fn row(queue: &Queue, record: &JobRecord, retried: bool, tagged: bool) -> Result<Vec<String>, CliError> {
    let mut cells = vec![
        short(&record.id).to_owned(),
        state(record) + &schedule::remark(queue, record)?,
        printable(&record.spec.operation_name()),
        record.priority.to_string(),
        record.total_tasks.map_or_else(|| "?".to_owned(), |total| total.to_string()),
        record.succeeded.to_string(),
        record.failed.to_string(),
        format!("{:.0}", record.created_at),
        printable(record.spec.description.as_deref().unwrap_or_default()),
    ];
    cells.extend(retried.then(|| short(record.retry_of.as_deref().unwrap_or_default()).to_owned()));
    cells.extend(tagged.then(|| tags(&record.spec.tags)));
    Ok(cells)
}
