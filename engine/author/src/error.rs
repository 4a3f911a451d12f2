//! What goes wrong for an author, and what to do about it.

use std::path::{Path, PathBuf};

use longshore_job::Problems;

/// Why a project was not made or not built.
#[derive(Debug, thiserror::Error)]
pub enum AuthorError {
    /// Something is there already.
    #[error("{} exists already; nothing was written", .0.display())]
    Exists(PathBuf),
    /// A file or directory cannot be read or written.
    #[error("{path}: cannot {action}: {error}")]
    Io {
        /// What was to be done.
        action: &'static str,
        /// Where.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// A file does not say what it must.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The directory has no project.
    #[error("{}: there is no operation to build here: a project has one of {known} ('longshore plugin new' makes one)", directory.display())]
    NoProject {
        /// The directory.
        directory: PathBuf,
        /// The files by which projects are known.
        known: String,
    },
    /// A tool that is needed is not there.
    #[error("{tool} is missing, which {purpose}: {remedy}")]
    Missing {
        /// Its name.
        tool: &'static str,
        /// What it is needed for.
        purpose: &'static str,
        /// How to get it.
        remedy: String,
    },
    /// A tool failed; what it said stands above.
    #[error("{command} failed ({status}); what it says is above")]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// What was built is no operation.
    #[error("{0}")]
    NoOperation(String),
    /// A file that an author wrote has problems.
    #[error("{}", .0.render())]
    Problems(Problems),
    /// The objects of a case cannot be put in place.
    #[error("{0}")]
    Fixture(String),
    /// The embedded store does not work.
    #[error("the embedded store: {0}")]
    Store(String),
    /// A case cannot be run.
    #[error("case {case:?}: {what}")]
    Case {
        /// Its name.
        case: String,
        /// Why not.
        what: String,
    },
    /// A template of Longshore's own is wrong.
    #[error("a template of this longshore is broken ({0}); this is a bug, please report it")]
    Template(String),
}

impl AuthorError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::Io { action, path, error }
    }
}
