//! Each object once: rows are kept on disk until it is known which of them name an object that an earlier row names.

use std::path::{Path, PathBuf};

use longshore_job::spec::ManifestSpec;
use longshore_job::{KeyEncoding, Row};
use longshore_manifest::{DuplicateRows, Duplicates, Keep, KeptRows};
use tempfile::TempDir;

use crate::error::RunnerError;

/// Takes all rows of a manifest.
pub(crate) struct Distinct {
    directory: PathBuf,
    scratch: TempDir,
    kept: Keep,
    duplicates: Duplicates,
    keys: KeyEncoding,
    limit: u64,
}

impl Distinct {
    /// Keeps the rows in `directory`.
    pub(crate) fn create(manifest: &ManifestSpec, directory: &Path) -> Result<Self, RunnerError> {
        let scratch =
            tempfile::tempdir_in(directory).map_err(RunnerError::io("make a directory in", directory))?;
        Ok(Self {
            kept: Keep::create(&scratch.path().join("rows"))?,
            duplicates: Duplicates::new(scratch.path()),
            keys: manifest.keys(),
            limit: manifest.limit.unwrap_or(u64::MAX),
            directory: directory.to_owned(),
            scratch,
        })
    }

    /// Takes the next row; true if that ended a chunk.
    pub(crate) fn push(&mut self, row: &Row) -> Result<bool, RunnerError> {
        self.duplicates.push(row, self.keys).map_err(RunnerError::io("sort in", &self.directory))?;
        Ok(self.kept.push(row)?)
    }

    /// The rows that name an object first, as many as the manifest wants.
    pub(crate) fn finish(self) -> Result<DistinctRows, RunnerError> {
        let duplicates = self.duplicates.finish().map_err(RunnerError::io("sort in", &self.directory))?;
        Ok(DistinctRows {
            directory: self.directory,
            rows: self.kept.finish()?,
            duplicates,
            number: 0,
            left: self.limit,
            _scratch: self.scratch,
        })
    }
}

/// The rows that count.
pub(crate) struct DistinctRows {
    directory: PathBuf,
    rows: KeptRows,
    duplicates: DuplicateRows,
    /// Of the next row, from 0.
    number: u64,
    left: u64,
    _scratch: TempDir,
}

impl DistinctRows {
    /// Puts the next row into `row`; false after the last.
    pub(crate) fn next(&mut self, row: &mut Row) -> Result<bool, RunnerError> {
        while self.left > 0 {
            let Some(next) = self.rows.next_row()? else { break };
            let again = self.duplicates.contains(self.number);
            self.number += 1;
            if !again.map_err(RunnerError::io("sort in", &self.directory))? {
                self.left -= 1;
                *row = next;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
