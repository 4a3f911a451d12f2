//! Where the files are that a `manifest.json` names.

use std::path::{Path, PathBuf};

use longshore_job::spec::{Location, Origin};

use crate::error::JobFailure;

/// Directories above a local `manifest.json` that are searched (count): an inventory's is four below its prefix.
const MAX_DIRECTORIES: usize = 8;

/// The place of the file `key`, which lies in `bucket`. Beside a local `manifest.json` it is looked for where a copy of the
/// whole prefix, or of a part of it, has it.
pub(crate) fn part(index: &Origin, bucket: &str, key: &str) -> Result<Origin, JobFailure> {
    match index {
        Origin::At(Location::S3 { .. }) => {
            Ok(Origin::At(Location::S3 { bucket: bucket.to_owned(), key: key.to_owned() }))
        }
        Origin::At(Location::Local(path)) => match search(Path::new(path), key) {
            Some(found) => Ok(Origin::At(Location::Local(found.to_string_lossy().into_owned()))),
            None => Err(JobFailure::new(
                "ManifestNotReadable",
                format!(
                    "{path}: the file {key} that it names is neither beside it nor below the directories above it; \
                     copy it there, in the directories of its key"
                ),
            )),
        },
        Origin::Stdin => Err(JobFailure::new(
            "ManifestNotReadable",
            "a manifest.json names other files by their place, and standard input has none; give its path",
        )),
    }
}

fn search(index: &Path, key: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = key.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let directories = index.ancestors().skip(1).take(MAX_DIRECTORIES);
    let tails = |directory: &Path| {
        (0..parts.len())
            .map(|from| parts.iter().skip(from).fold(directory.to_owned(), |path, part| path.join(part)))
            .collect::<Vec<_>>()
    };
    directories.flat_map(tails).find(|path| path.is_file())
}
