//! Whether installed plugins are still what was installed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::error::RegistryError;
use crate::layout::{Entry, Registry};
use crate::record::Record;
use crate::signature::{self, Keys};

/// What was found out about one installed plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// `name@version`.
    pub plugin: String,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// Checks installed plugins: the digests of their components, their signatures, and that nobody else can change or read them.
/// `required` says whether each must have a signature of one of `keys`.
///
/// # Errors
/// If the plugins cannot be listed.
pub fn verify(
    registry: &Registry,
    entries: Vec<Entry>,
    (keys, required): (&Keys, bool),
) -> Result<Vec<Checked>, RegistryError> {
    let mut shared = Vec::new();
    for directory in registry.directories() {
        if directory.exists() {
            shared.extend(open_to_others(&directory)?);
        }
    }
    let check = |entry: Entry| {
        let mut problems = shared.clone();
        match entry.record {
            Ok(record) => problems.extend(problems_of(registry, &record, (keys, required))),
            Err(error) => problems.push(error.to_string()),
        }
        Checked { plugin: format!("{}@{}", entry.name, entry.version), problems }
    };
    Ok(entries.into_iter().map(check).collect())
}

fn problems_of(registry: &Registry, record: &Record, (keys, required): (&Keys, bool)) -> Vec<String> {
    let mut problems = Vec::new();
    for path in [registry.record_path(&record.name, &record.version), registry.blob_path(&record.sha256)] {
        // What is gone, the next check says.
        problems.extend(open_to_others(&path).ok().flatten());
    }
    let component = registry.component(record);
    if let Err(error) = &component {
        problems.push(error.to_string());
    }
    match &record.signature {
        Some(signed) => {
            let checked =
                component.as_ref().ok().map(|bytes| signature::verify(&signed.key, bytes, &signed.text));
            if let Some(Err(error)) = checked {
                problems.push(format!("the signature is not good any more: {}", signature::why(&error)));
            }
            if required && !keys.contains(&signed.key) {
                problems.push("it is signed by a key that is not under [plugins] keys any more".to_owned());
            }
        }
        None if required => {
            problems.push("it has no signature, and [plugins] require-signature is set".to_owned())
        }
        None => {}
    }
    problems
}

fn open_to_others(path: &Path) -> Result<Option<String>, RegistryError> {
    let mode = std::fs::metadata(path).map_err(RegistryError::io("read", path))?.permissions().mode() & 0o777;
    let help = if path.is_dir() { "700" } else { "600" };
    let open = mode & 0o077 != 0;
    Ok(open.then(|| format!("{}: others can reach it (mode {mode:o}): chmod {help}", path.display())))
}
