//! Manifests generated from a bucket: listed in parallel, filtered, kept in a list file until they are read as a source of rows.
//!
//! The list file tells by itself what has been listed, so a listing that was killed goes on where it was.

mod asker;
mod examine;
mod lister;
mod page;
mod save;
mod source;
mod standalone;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::ObjectId;
use longshore_job::filter::Matcher;
use longshore_job::spec::{GenerateSpec, Versions};
use longshore_manifest::generate::ListFile;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::error::{Halt, JobFailure, RunnerError, blocking};
use crate::resolve::RoleOnStore;

pub use save::Saved;
pub(crate) use save::{check_access, check_place, save, saved_places};
pub(crate) use source::Generated;
pub use standalone::{GeneratedManifest, GeneratedRows, ListRequest, generate_manifest};

/// How far a listing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Listed {
    /// Entries that the store listed.
    pub listed: u64,
    /// Those that belong to the manifest.
    pub rows: u64,
}

/// One listing: what, by whom, and until when.
pub(crate) struct Listing<'a> {
    pub spec: &'a GenerateSpec,
    pub role: RoleOnStore,
    /// The moment from which relative ages count back.
    pub submitted: Timestamp,
    /// Where the list is kept.
    pub path: &'a Path,
    pub stop: CancellationToken,
    /// Is told how far the listing is.
    pub progress: Arc<dyn Fn(Listed) + Send + Sync>,
}

/// Where the list that `spec` asks for is kept.
pub(crate) fn list_path(directory: &Path, spec: &GenerateSpec) -> PathBuf {
    let text = serde_json::to_string(spec).unwrap_or_default();
    let name: String = hex::encode(Sha256::digest(text)).chars().take(NAME).collect();
    directory.join(format!("generated-{name}.list"))
}

/// Characters of a list's name: enough to tell apart the lists of one job.
const NAME: usize = 16;

impl Listing<'_> {
    /// Lists the bucket, or what of it a former run has not listed. `None` if it was asked to stop meanwhile.
    ///
    /// # Errors
    /// The job fails if the role or the store refuses.
    pub(crate) async fn run(self) -> Result<Option<ListFile>, Halt> {
        let matcher = self.spec.filter.compile(self.submitted).map_err(|why| failure(&why))?;
        let path = self.path.to_owned();
        let list = blocking(move || ListFile::open(&path)).await?.map_err(RunnerError::from)?;
        let before = Listed { listed: list.listed(), rows: list.rows() };
        if before.listed > 0 {
            tracing::info!(listed = before.listed, rows = before.rows, "the listing goes on where it was");
            (self.progress)(before);
        }
        let what = What { spec: self.spec.clone(), matcher };
        lister::run(what, self.role, list, self.stop, self.progress).await
    }
}

/// A manifest needs one object at least.
pub(crate) fn check_found(spec: &GenerateSpec, list: &ListFile) -> Result<(), JobFailure> {
    if list.rows() > 0 {
        return Ok(());
    }
    let found = match list.listed() {
        0 => "there is nothing in it to list".to_owned(),
        listed => format!("{listed} entries were listed, none of them passes"),
    };
    Err(failure(&format!("{NOTHING}: s3://{}: {found}", spec.bucket)))
}

/// What is listed, compiled.
pub(crate) struct What {
    pub spec: GenerateSpec,
    pub matcher: Matcher,
}

impl What {
    /// What listings are about.
    fn bucket(&self) -> ObjectId {
        ObjectId::new(&self.spec.bucket, "")
    }

    /// Whether versions have to be listed, rather than objects.
    fn lists_versions(&self) -> bool {
        self.spec.versions != Versions::Current
    }
}

/// Amazon's words for a manifest without objects.
const NOTHING: &str = "Manifest generation found no keys matching the filter criteria";

/// A job fails because its manifest cannot be generated.
pub(crate) fn failure(reason: &str) -> JobFailure {
    JobFailure::new("ManifestGenerationFailed", reason)
}
