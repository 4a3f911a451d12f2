//! `longshore plugin list`: the installed plugins.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, printable, table};

/// Arguments of `longshore plugin list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let mut rows = Vec::new();
    let mut unreadable = false;
    for entry in super::registry(context)?.entries()? {
        match entry.record {
            Ok(record) if context.json => context.screen.json(&record)?,
            Ok(record) => rows.push(vec![
                record.full_name(),
                record.grants.to_string(),
                record.approver.to_string(),
                format!("{:.0}", record.installed_at),
                printable(&record.summary),
            ]),
            Err(error) => {
                unreadable = true;
                note(&error.to_string());
            }
        }
    }
    if !context.json && rows.is_empty() {
        note("no plugins are installed; 'longshore plugin install FILE' installs one");
    } else if !context.json {
        context.screen.line(table(&["plugin", "granted", "by", "installed", "what it does"], rows))?;
    }
    Ok(if unreadable { Exit::Error } else { Exit::Success })
}
