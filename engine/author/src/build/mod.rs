//! Builds the operation of a project.

mod c;
mod packed;
mod rust;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::AuthorError;
use crate::project::Language;

/// What was built.
#[derive(Debug)]
pub struct Built {
    /// The language of the project.
    pub language: Language,
    /// The component.
    pub component: Vec<u8>,
}

/// Builds the operation of the project in `directory`. What the tools say goes to standard error.
///
/// # Errors
/// If there is no project, a tool is missing or fails, or what it makes is no operation.
pub fn build(directory: &Path) -> Result<Built, AuthorError> {
    let directory = directory.canonicalize().map_err(AuthorError::io("find", directory))?;
    let language = Language::ALL.into_iter().find(|language| directory.join(language.mark()).is_file());
    let Some(language) = language else {
        let known: Vec<&str> = Language::ALL.into_iter().map(Language::mark).collect();
        return Err(AuthorError::NoProject { directory, known: known.join(", ") });
    };
    let component = match language {
        Language::Rust => rust::build(&directory),
        Language::C => c::build(&directory),
        Language::Python => packed::PYTHON.build(&directory),
        Language::JavaScript => packed::JAVASCRIPT.build(&directory),
    }?;
    Ok(Built { language, component })
}

/// Runs a tool that speaks to the author.
fn run(command: &mut Command) -> Result<(), AuthorError> {
    let shown = shown(command);
    let program = PathBuf::from(command.get_program());
    // Standard output is for what this command itself says.
    let status = command.stdout(Stdio::null()).status().map_err(AuthorError::io("start", &program))?;
    if status.success() { Ok(()) } else { Err(AuthorError::Failed { command: shown, status }) }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
