//! `longshore policy suggest`: the smallest policy under which a job would run.

use std::path::PathBuf;

use longshore_runner::{NoSuggestion, Selection, Suggestion};

use super::selection::Selected;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;

/// Arguments of `longshore policy suggest`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The policy has the actions of the requests that the job plans, of reading its manifest and of writing \
its report. Few keys are listed, many become beginnings of keys by directory. What boundaries, guards or bucket policies \
refuse, no policy of the role can allow."
)]
pub(crate) struct Arguments {
    /// The job file
    file: PathBuf,
    #[command(flatten)]
    selected: Selected,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let selection = arguments.selected.or_all();
    let mut suggestion = Suggestion::new(selection != Selection::All);
    let (mut added, mut fails) = (Ok(()), 0u64);
    let rehearsed = context
        .rehearse(&arguments.file, selection, |task| match task.plan {
            Ok(steps) if added.is_ok() => {
                added = steps.iter().try_for_each(|step| {
                    suggestion.add_task(&step.asked)?;
                    suggestion.add_task(&step.foreseen)
                });
            }
            Ok(_) => {}
            Err(_) => fails += 1,
        })
        .await?;
    added.map_err(none)?;
    let rehearsal = &rehearsed.rehearsal;
    if rehearsal.rehearsed > fails {
        suggestion.add_surroundings(rehearsal).map_err(none)?;
    }
    let policy = suggestion.policy().map_err(none)?;
    context.screen.line(policy)?;
    let (rows, seen) = (rehearsal.rows, rehearsal.rehearsed);
    if context.json {
        return Ok(Exit::Success);
    }
    if seen < rows {
        note(&format!("from a sample of {seen} of {rows} rows: others may need more"));
    }
    if fails > 0 {
        note(&format!(
            "{fails} rows would fail before they ask for anything; 'longshore policy simulate' says why"
        ));
    }
    Ok(Exit::Success)
}

fn none(error: NoSuggestion) -> CliError {
    CliError::input(error.to_string())
}
