//! A list that is generated without a job, for `longshore manifest generate`.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::EngineConfig;
use longshore_job::spec::{GenerateSpec, Location};
use longshore_manifest::generate::{ListFile, ListedRow};
use tokio_util::sync::CancellationToken;

use super::{Listed, Listing, Saved, list_path, save};
use crate::error::{Halt, JobFailure, STORE_NOT_USABLE};
use crate::resolve::RoleOnStore;

/// A list that was generated.
pub struct GeneratedManifest {
    role: RoleOnStore,
    spec: GenerateSpec,
    list: ListFile,
}

/// Lists what `spec` asks for as `role` on `store`, into a file in `scratch`. `None` if `stop` came first.
///
/// # Errors
/// Role or store cannot be used or refuse, or nothing passes the filter.
pub async fn generate_manifest(
    config: &EngineConfig,
    role_and_store: (&str, &str),
    spec: GenerateSpec,
    scratch: &Path,
    stop: CancellationToken,
    progress: Arc<dyn Fn(Listed) + Send + Sync>,
) -> Result<Option<GeneratedManifest>, JobFailure> {
    let role = RoleOnStore::find(config, role_and_store, "manifest-generate").await?;
    role.store
        .check_reachable(None)
        .await
        .map_err(|error| JobFailure::new(STORE_NOT_USABLE, error.to_string()))?;
    let listing = Listing {
        spec: &spec,
        role: role.clone(),
        submitted: Timestamp::now(),
        path: &list_path(scratch, &spec),
        stop,
        progress,
    };
    let list = listing.run().await.map_err(Halt::into_failure)?;
    Ok(list.map(|list| GeneratedManifest { role, spec, list }))
}

impl GeneratedManifest {
    /// How much was listed, and how much of it passed.
    pub fn listed(&self) -> Listed {
        Listed { listed: self.list.listed(), rows: self.list.rows() }
    }

    /// The rows, in the order of their keys.
    pub fn into_rows(self) -> impl Iterator<Item = Result<ListedRow, JobFailure>> {
        self.list.into_pages().flat_map(|page| match page {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(super::failure(&error.to_string()))],
        })
    }

    /// Saves the list as an inventory at `place`; `scratch` takes the files before they are brought there.
    ///
    /// # Errors
    /// It cannot be written there.
    pub async fn save(self, place: &Location, scratch: &Path) -> Result<Saved, JobFailure> {
        save(&self.role, &self.spec, self.list, place, scratch, Timestamp::now())
            .await
            .map_err(Halt::into_failure)
    }
}
