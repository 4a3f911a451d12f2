//! Files and directories that are still there after a loss of power.

use std::io;
use std::path::Path;

use longshore_manifest::sync_name;

use crate::error::RunnerError;

/// Makes a directory, and those above it that are missing, with durable names.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Err(error), make_directory)?;
            std::fs::create_dir(path)?;
        }
        Err(_) if path.is_dir() => {}
        made => made?,
    }
    sync_name(path)
}

/// Writes a file whole or not at all, and its directory where that is missing.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("partial");
    if let Some(parent) = path.parent() {
        make_if_missing(parent)?;
    }
    std::fs::write(&temporary, bytes)?;
    std::fs::File::open(&temporary)?.sync_all()?;
    std::fs::rename(&temporary, path)?;
    sync_name(path)
}

/// As [`make_directory`]. Leaves a directory alone that is there: the one above it may be none to open for this user.
pub(crate) fn make_if_missing(directory: &Path) -> io::Result<()> {
    if directory.is_dir() { Ok(()) } else { make_directory(directory) }
}

/// Removes a file that may not be there.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), RunnerError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(RunnerError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
