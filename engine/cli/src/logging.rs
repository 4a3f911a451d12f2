//! The log: on standard error, off the way of data.

mod bounded;

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::EnvFilter;

use self::bounded::Bounded;
use crate::failure::CliError;
use crate::output::beside_bar;

/// The target of what the engine says of itself.
pub(crate) const ENGINE: &str = "engine";

/// What is logged unless the user says otherwise.
pub(crate) const DEFAULT_FILTER: &str = "warn,engine=info,s3s=off,aws_config=error";

/// Whether standard error is for a machine.
static JSON: AtomicBool = AtomicBool::new(false);

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line; what else goes to standard error becomes a part of it.
    Json,
}

/// Starts logging.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| CliError::input(format!("--log {filter}: not a log filter: {error}")))?;
    let colour = io::stderr().is_terminal();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(Bounded::new(format));
    JSON.store(format == LogFormat::Json, Ordering::Relaxed);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

/// Whether whatever goes to standard error must be a log event.
pub(crate) fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Standard error, with the progress bar out of the way.
struct BesideBar;

impl io::Write for BesideBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        beside_bar(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
