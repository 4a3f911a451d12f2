//! A generated list as a source of rows.

use std::sync::Arc;
use std::vec::IntoIter;

use longshore_job::Row;
use longshore_job::row::encode_key;
use longshore_job::spec::GenerateSpec;
use longshore_manifest::generate::{ListedRow, PageReader};
use tokio_util::sync::CancellationToken;

use super::{Listing, check_found, failure, list_path};
use crate::error::{Halt, JobFailure};
use crate::ingest::{Access, RowSource};

/// A list that has been generated.
pub(crate) struct Generated {
    bucket: String,
    pages: PageReader,
    rows: IntoIter<ListedRow>,
}

impl Generated {
    /// Opens the list in the job's folder, and generates what of it is not there yet.
    pub(crate) fn open(spec: &GenerateSpec, access: &Access) -> Result<Self, JobFailure> {
        let listing = Listing {
            spec,
            role: access.role()?.clone(),
            submitted: access.submitted,
            path: &list_path(&access.directory, spec),
            stop: CancellationToken::new(),
            progress: Arc::new(|_| {}),
        };
        let list = access.runtime.block_on(listing.run()).map_err(Halt::into_failure)?;
        let list = list.ok_or_else(|| failure("the listing was stopped"))?;
        check_found(spec, &list)?;
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
