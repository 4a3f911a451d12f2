//! `longshore init`: a commented configuration, a first job file, a role's policy, a manifest.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;

/// A commented engine configuration.
pub(crate) const CONFIGURATION: &str = include_str!("init/longshore.toml");

/// What is written, by path.
const FILES: [(&str, &str); 4] = [
    ("longshore.toml", CONFIGURATION),
    ("job.toml", include_str!("init/job.toml")),
    ("manifest.csv", include_str!("init/manifest.csv")),
    ("policies/operator.json", include_str!("init/operator.json")),
];

/// Arguments of `longshore init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where to write; it is created
    #[arg(default_value = ".")]
    directory: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let directory = &arguments.directory;
    let there: Vec<String> = FILES
        .iter()
        .map(|(name, _)| directory.join(name))
        .filter(|path| path.exists())
        .map(|path| path.display().to_string())
        .collect();
    if !there.is_empty() {
        return Err(CliError::input(format!("{} exists already; nothing was written", there.join(", "))));
    }
    let mut written = Vec::new();
    for (name, text) in FILES {
        let path = directory.join(name);
        write_new(&path, text).map_err(|error| {
            CliError::new(Exit::Error, format!("{}: cannot write: {error}", path.display()))
        })?;
        written.push(path.display().to_string());
    }
    if context.json {
        context.screen.json(&json!({ "written": written }))?;
        return Ok(Exit::Success);
    }
    context.screen.line(written.join("\n"))?;
    note(&next(directory));
    Ok(Exit::Success)
}

/// How to go on: the files fit the sandbox that is named here.
fn next(directory: &Path) -> String {
    let enter = match directory.to_str() {
        Some(".") => String::new(),
        _ => format!("  cd {}\n", directory.display()),
    };
    format!(
        "\nTry it on a store of your own, in another terminal:\n  \
         longshore sandbox --bucket my-bucket --seed 10\n\n\
         Then here:\n{enter}  \
         export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox-secret\n  \
         longshore validate job.toml\n  \
         longshore plan job.toml\n  \
         longshore run job.toml\n\n\
         For your own store and objects, change longshore.toml, policies/operator.json and manifest.csv."
    )
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        match std::fs::create_dir_all(parent) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}
