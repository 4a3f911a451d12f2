//! A generated list as a source of rows.

use std::path::Path;
use std::vec::IntoIter;

use longshore_job::Row;
use longshore_job::row::encode_key;
use longshore_job::spec::GenerateSpec;
use longshore_manifest::generate::{ListFile, ListedRow, PageReader};

use super::{failure, list_path};
use crate::error::JobFailure;
use crate::ingest::RowSource;

/// A list that has been generated.
pub(crate) struct Generated {
    bucket: String,
    pages: PageReader,
    rows: IntoIter<ListedRow>,
}

impl Generated {
    /// Opens the list that was generated into `directory`.
    pub(crate) fn open(spec: &GenerateSpec, directory: &Path) -> Result<Self, JobFailure> {
        let list =
            ListFile::open(&list_path(directory, spec)).map_err(|error| failure(&error.to_string()))?;
        Ok(Self { bucket: spec.bucket.clone(), pages: list.into_pages(), rows: Vec::new().into_iter() })
    }
}

impl RowSource for Generated {
    fn next(&mut self, row: &mut Row) -> Result<bool, JobFailure> {
        loop {
            if let Some(listed) = self.rows.next() {
                row.bucket.clone_from(&self.bucket);
                row.key = encode_key(&listed.key);
                row.version_id = listed.version_id;
                return Ok(true);
            }
            match self.pages.next() {
                Some(page) => self.rows = page.map_err(|error| failure(&error.to_string()))?.into_iter(),
                None => return Ok(false),
            }
        }
    }

    fn finish(&mut self) -> Result<(), JobFailure> {
        Ok(())
    }
}
