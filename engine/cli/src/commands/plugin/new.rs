//! `longshore plugin new`: a project that builds and whose tests pass.

use std::path::{Path, PathBuf};

use longshore_author::{Language, Name};
use serde_json::json;

use crate::commands::init;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;

/// Arguments of `longshore plugin new`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Name of the operation: lower-case letters, digits, hyphens
    name: Name,
    /// Language to write it in
    #[arg(long = "lang", value_name = "LANGUAGE", default_value = "rust")]
    language: Language,
    /// Folder to make; without it one of the operation's name
    #[arg(long, value_name = "DIRECTORY")]
    path: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let Arguments { name, language, path } = arguments;
    let directory = path.clone().unwrap_or_else(|| PathBuf::from(name.as_str()));
    let mut files = longshore_author::files(name, *language)?;
    files.push(("longshore.toml".to_owned(), init::CONFIGURATION.as_bytes().to_vec()));
    longshore_author::write(&directory, &files)?;
    if context.json {
        let names: Vec<&String> = files.iter().map(|(path, _)| path).collect();
        context.screen.json(&json!({ "directory": directory, "files": names }))?;
        return Ok(Exit::Success);
    }
    context.screen.line(directory.display().to_string())?;
    note(&next(&directory, *language, name));
    Ok(Exit::Success)
}

/// How to go on.
fn next(directory: &Path, language: Language, name: &Name) -> String {
    let tests = language.native_tests().map(|command| format!("  {command}\n")).unwrap_or_default();
    format!(
        "\nThe operation is in {}. To build and try it:\n  cd {}\n{tests}  longshore plugin build\n  longshore plugin test\n\n\
         README.md says how to run it on objects of a store.",
        language.source(name),
        directory.display()
    )
}
