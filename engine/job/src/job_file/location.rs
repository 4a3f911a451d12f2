//! Places as a job file writes them.

use std::path::{Path, PathBuf};

use crate::declare::pointer::shortened;
use crate::spec::Location;

/// Reads `s3://bucket/key` or a path, which is resolved against `directory`. The key is taken as it is written: nothing is
/// decoded.
///
/// # Errors
/// Message and help.
pub(super) fn parse(text: &str, directory: &Path) -> Result<Location, (String, String)> {
    if let Some(rest) = text.strip_prefix("s3://") {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err((
                format!("{:?} names no bucket", shortened(text)),
                "write s3://bucket/key".to_owned(),
            ));
        }
        return Ok(Location::S3 { bucket: bucket.to_owned(), key: key.to_owned() });
    }
    if text.contains("://") {
        let help = "write s3://bucket/key, or a path relative to the job file".to_owned();
        return Err((format!("{:?} is not a place that the engine can reach", shortened(text)), help));
    }
    let path = absolute(text, directory);
    match path.to_str() {
        Some(path) => Ok(Location::Local(path.to_owned())),
        None => Err((
            format!("the path {} is not UTF-8, so it cannot be stored with the job", path.display()),
            "move the job file to a directory with a UTF-8 name".to_owned(),
        )),
    }
}

impl Location {
    /// Reads `s3://bucket/key` or a path, which is resolved against `directory`. Nothing in the key is decoded.
    ///
    /// # Errors
    /// What is wrong with the text, and what to write instead.
    pub fn parse(text: &str, directory: &Path) -> Result<Self, String> {
        parse(text, directory).map_err(|(message, help)| format!("{message}; {help}"))
    }
}

/// A path resolved against `directory`, without `.` components.
pub(super) fn absolute(text: &str, directory: &Path) -> PathBuf {
    directory.join(text).components().collect()
}
