//! Rows from a list that somebody has written: a local file, or an object.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use longshore_job::spec::{ListFormat, ListSpec, Location};
use longshore_job::{ObjectId, Row};
use longshore_manifest::{CsvRows, ManifestError, Md5Reader, Md5Sum, read_csv};
use longshore_store::{Certainty, GetObject, Request, StoreError, transfer};

use super::{Access, RowSource};
use crate::error::JobFailure;
use crate::resolve::Resolved;

/// A list that is being read.
pub(crate) struct List {
    spec: ListSpec,
    rows: CsvRows<Md5Reader<BufReader<File>>>,
    md5: Md5Sum,
    /// A copy that was made of an object; removed at the end.
    copy: Option<PathBuf>,
}

impl List {
    pub(crate) fn open(spec: &ListSpec, access: &Access) -> Result<Self, JobFailure> {
        let (path, copy) = fetch(spec, access)?;
        let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
        let content = Md5Reader::new(BufReader::with_capacity(1 << 20, file));
        let md5 = content.sum();
        let ListFormat::Csv(csv) = &spec.format;
        let rows = read_csv(content, &csv.fields, csv.keys).map_err(|error| failure(spec, &error))?;
        Ok(Self { spec: spec.clone(), rows, md5, copy })
    }

    /// A local list's ETag is its MD5; that of an object was checked by the store.
    fn check_etag(&mut self) -> Result<(), JobFailure> {
        let (Location::Local(path), Some(expected)) = (&self.spec.location, &self.spec.etag) else {
            return Ok(());
        };
        // The sum is that of the whole list, also where a limit ends its tasks early.
        for row in self.rows.by_ref() {
            row.map_err(|error| failure(&self.spec, &error))?;
        }
        let found = self.md5.hex();
        if found.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        let reason = format!(
            "{path}: the job file says the manifest's ETag is {expected}, but the file's MD5 is {found}; \
             the list changed since the job was written: check it, then correct or remove manifest.etag"
        );
        Err(JobFailure::new("ManifestETagMismatch", reason))
    }
}

impl RowSource for List {
    fn next(&mut self, row: &mut Row) -> Result<bool, JobFailure> {
        match self.rows.next() {
            Some(next) => *row = next.map_err(|error| failure(&self.spec, &error))?,
            None => return Ok(false),
        }
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), JobFailure> {
        self.check_etag()
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if let Some(copy) = &self.copy {
            // What is left behind goes with the job's folder.
            let _ = std::fs::remove_file(copy);
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> JobFailure {
    JobFailure::new("ManifestNotReadable", format!("{}: cannot read the manifest: {error}", path.display()))
}

/// What is wrong with the list.
fn failure(spec: &ListSpec, error: &ManifestError) -> JobFailure {
    JobFailure::new(error.code(), format!("{}: {error}", spec.location))
}

/// Brings the list to this machine where it is not here yet. The second path is that of the copy.
fn fetch(spec: &ListSpec, access: &Access) -> Result<(PathBuf, Option<PathBuf>), JobFailure> {
    match &spec.location {
        Location::Local(path) => Ok((PathBuf::from(path), None)),
        Location::S3 { bucket, key } => {
            let version_id = spec.version_id.clone();
            let object = ObjectId { bucket: bucket.clone(), key: key.clone(), version_id };
            let path = access.directory.join("manifest.download");
            let downloading = download(&access.resolved, &object, spec.etag.as_deref(), &path);
            access.runtime.block_on(downloading).map_err(|error| {
                let reason = format!("reading the manifest {} failed: {error}", spec.location);
                JobFailure::new("ManifestNotReadable", reason)
            })?;
            Ok((path.clone(), Some(path)))
        }
    }
}

/// Downloads what the role may read.
async fn download(
    resolved: &Resolved,
    object: &ObjectId,
    etag: Option<&str>,
    path: &Path,
) -> Result<(), StoreError> {
    let request = Request::GetObject(GetObject::new(object.clone()));
    resolved.gate.task(object.clone()).check(&request, Certainty::Exact).await?;
    transfer::download(resolved.store.as_ref(), object, etag, path).await.map(drop)
}
