//! `longshore failures`: the failed tasks of a job, from the ledger.

use longshore_queue::FailureRecord;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, printable};

/// Failures read at once (count; bounds memory).
const PAGE: usize = 1000;

/// Arguments of `longshore failures`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of the job, or the first characters of it
    job: String,
    /// Only failures with one of these codes, such as NoSuchKey,AccessDenied
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    code: Vec<String>,
    /// How many to show at most
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let id = queue.job(&arguments.job)?.id;
    let mut left = arguments.limit.unwrap_or(u64::MAX);
    let mut after = None;
    let mut shown = 0u64;
    loop {
        let page = queue.failures(&id, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.row);
        let wanted =
            page.iter().filter(|failure| arguments.code.is_empty() || arguments.code.contains(&failure.code));
        for failure in wanted {
            if left == 0 {
                return Ok(Exit::Success);
            }
            left -= 1;
            shown += 1;
            show(context, failure)?;
        }
    }
    if shown == 0 && !context.json {
        note("no failed tasks");
    }
    Ok(Exit::Success)
}

fn show(context: &Context, failure: &FailureRecord) -> Result<(), CliError> {
    if context.json {
        return context.screen.json(failure);
    }
    let version =
        failure.version_id.as_deref().map(|id| format!(" version {}", printable(id))).unwrap_or_default();
    let status = failure.status.map(|status| format!(" ({status})")).unwrap_or_default();
    context.screen.line(format!(
        "row {}: {}/{}{version}: {}{status}: {}",
        failure.row + 1,
        printable(&failure.bucket),
        printable(&failure.key),
        printable(&failure.code),
        printable(&failure.message)
    ))
}
