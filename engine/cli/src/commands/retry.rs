//! `longshore retry`: run the failed tasks of a job again, as a new job.

use longshore_job::spec::{FailedTasks, Field, ManifestSpec, OnBadRow, SourceSpec};
use longshore_queue::{JobRecord, Retryable};
use serde_json::json;

use crate::again::{Changes, again};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;

/// Arguments of `longshore retry`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of the job, or the first characters of it
    job: String,
    /// Only tasks that failed with one of these codes or HTTP statuses, such as SlowDown,500
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    code: Vec<String>,
    #[command(flatten)]
    changes: Changes,
    /// Only say how many tasks would run again
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let old = queue.job(&arguments.job)?;
    let retry = retry_of(&old, &arguments.code);
    let failed = queue.retryable(&retry)?;
    let mut new = again(context, &old, &arguments.changes)?;
    let text = format!("{} {retry}", failed.tasks);
    new.spec.manifest = manifest(retry);
    let id = if arguments.dry_run { None } else { Some(queue.submit(&new)?.id) };
    if context.json {
        let Retryable { tasks, bad_rows } = failed;
        let value = json!({ "id": id, "retry_of": old.id, "tasks": tasks, "bad_rows": bad_rows });
        context.screen.json(&value)?;
    } else {
        match &id {
            Some(id) => {
                context.screen.line(id)?;
                note(&format!("queued: {text}; 'longshore start' works through the queue"));
            }
            None => context.screen.line(format!("{text} would run again"))?,
        }
    }
    if failed.bad_rows > 0 && !context.json {
        note(&format!("{} more are left out: their rows name no object", failed.bad_rows));
    }
    Ok(Exit::Success)
}

/// Which failed tasks: numbers are HTTP statuses, all else are codes.
fn retry_of(old: &JobRecord, wanted: &[String]) -> FailedTasks {
    let (mut codes, mut statuses) = (Vec::new(), Vec::new());
    for code in wanted {
        match code.parse() {
            Ok(status) => statuses.push(status),
            Err(_) => codes.push(code.clone()),
        }
    }
    let manifest = &old.spec.manifest;
    let columns = manifest.columns().into_iter().map(Field::extra).collect();
    FailedTasks { job: old.id.clone(), codes, statuses, keys: manifest.keys(), columns }
}

fn manifest(retry: FailedTasks) -> ManifestSpec {
    let sources = vec![SourceSpec::Retry(retry)];
    ManifestSpec { sources, on_bad_row: OnBadRow::Fail, sample: None, unique: false, limit: None }
}
