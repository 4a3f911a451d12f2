//! What goes to standard output and standard error.

mod job;
mod logged;
mod progress;
mod reasons;
mod table;
mod watched;

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

pub(crate) use longshore_job::text::printable;

pub(crate) use job::{describe, state, summary, tags};
pub(crate) use progress::{beside_bar, clear_bar, listing_progress, observer, reading_progress};
pub(crate) use reasons::Reasons;
pub(crate) use table::{key_values, table};
pub(crate) use watched::{Pace, Watched};

use crate::failure::CliError;
use crate::logging;

/// Standard output: data only.
#[derive(Debug, Default)]
pub(crate) struct Screen {}

impl Screen {
    /// One line of text, or several.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), CliError> {
        self.bytes(text.as_ref().as_bytes())?;
        self.bytes(b"\n")
    }

    /// One JSON value on a line.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(std::io::Error::from)?;
        self.line(text)
    }

    /// Bytes as they are. A reader that went away (`| head`) is an error of its own, see [`CliError::is_unread`].
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), CliError> {
        Ok(beside_bar(|| std::io::stdout().write_all(bytes))?)
    }
}

/// For commands that do more than print: what nobody reads any more does not stop them, nor change how they end.
pub(crate) fn unless_unread(printed: Result<(), CliError>) -> Result<(), CliError> {
    match printed {
        Err(error) if error.is_unread() => Ok(()),
        other => other,
    }
}

/// Tells the user something beside the data.
pub(crate) fn note(text: &str) {
    if logging::is_json() {
        return tracing::info!(target: logging::ENGINE, "{text}");
    }
    // Nowhere is left to report a failing standard error.
    let _ = beside_bar(|| writeln!(std::io::stderr(), "{text}"));
}

/// Whether standard output is a terminal, which shows colours.
pub(crate) fn is_coloured() -> bool {
    std::io::stdout().is_terminal()
}

/// Reports why the command failed.
pub(crate) fn error(error: &CliError, json: bool) {
    if logging::is_json() && !json {
        let exit = error.exit() as u8;
        return tracing::error!(target: logging::ENGINE, exit, "{}", error.text(false).trim_end());
    }
    let text =
        if json { format!("{}\n", error.value()) } else { error.text(std::io::stderr().is_terminal()) };
    let _ = beside_bar(|| std::io::stderr().write_all(text.as_bytes()));
}

/// The first characters of a job's ID, by which people know it; commands take them, too.
pub(crate) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
