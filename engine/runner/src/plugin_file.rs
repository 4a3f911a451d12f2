//! Reads the files of plugins, which may be anything.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Reads a plugin of at most `limit` bytes; of a longer one a byte more, so that whoever loads it sees that it is too large.
///
/// # Errors
/// In a sentence with the path. What is no file (a device has no end, a pipe may wait for one) is not opened.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let failed = |error| format!("{shown}: cannot read the plugin: {error}");
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("{shown}: cannot read the plugin: it is not a file"));
    }
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}

/// As [`read`], of the plugin that a job was submitted with: `digest` is its SHA-256 in lower-case hex. Another one is not
/// even compiled.
///
/// # Errors
/// As [`read`], and if the file is another one.
pub(crate) fn read_again(path: &Path, limit: usize, digest: &str) -> Result<Vec<u8>, String> {
    let bytes = read(path, limit)?;
    let now = hex::encode(Sha256::digest(&bytes));
    if now != digest {
        return Err(format!(
            "{}: the plugin changed since the job was submitted (SHA-256 was {digest}, is {now}); submit the job again to run \
             the new one",
            path.display()
        ));
    }
    Ok(bytes)
}
