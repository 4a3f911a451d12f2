//! All versions of one key, page by page.

use crate::{Failure, Object, Task, Version};

/// Pages of a listing that one task reads at most: 100 of up to 1,000 entries each. What the entries need in memory stays
/// far below an operation's limit, and most of a task's requests are left for what it does with them.
pub const MAX_PAGES: usize = 100;

/// Requests that one task sends to change versions at most: with the pages, fewer than the 1,000 that a task may send.
pub const MAX_CHANGES: usize = 800;

/// Every version and delete marker of the object's key, the newest first.
///
/// # Errors
/// The store's; `TooManyVersions` if they do not fit [`MAX_PAGES`].
pub fn of(object: &Object) -> Result<Vec<Version>, Failure> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let page = object.list_versions(after.as_deref()).send()?;
        all.extend(page.versions());
        match page.next_version() {
            Some(next) => after = Some(next),
            None => {
                newest_first(&mut all);
                return Ok(all);
            }
        }
    }
    let message = format!("the key has more than {} versions, the most that one task looks at", all.len());
    Err(Failure::new("TooManyVersions", message))
}

/// Versions and delete markers come in two lists, each the newest first: their times bring them together. The current one
/// is the newest, whatever the clock says.
fn newest_first(all: &mut [Version]) {
    all.sort_by(|a, b| b.is_latest.cmp(&a.is_latest).then_with(|| time_of(b).cmp(&time_of(a))));
}

fn time_of(version: &Version) -> Option<crate::time::Timestamp> {
    version.last_modified.as_deref()?.parse().ok()
}

/// Deletes versions: as many as one task may, the others when it runs again. How many there were.
///
/// # Errors
/// The store's, for the first version that cannot be deleted; the message says how many were.
pub fn delete(object: &Object, victims: &[Version], bypass_governance: bool) -> Result<Deleted, Failure> {
    for (done, victim) in victims.iter().take(MAX_CHANGES).enumerate() {
        let version = object.open(&object.bucket(), &object.key(), Some(&victim.version_id));
        version.delete().bypass_governance(bypass_governance).send().map_err(|error| {
            let mut failure = Failure::from(error);
            failure.message =
                format!("version {}: {} ({done} deleted before)", victim.version_id, failure.message);
            failure
        })?;
    }
    let left = victims.len().saturating_sub(MAX_CHANGES);
    Ok(Deleted { count: victims.len() - left, left })
}

/// What became of the versions to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// How many are deleted.
    pub count: usize,
    /// How many are left for the next run of the task.
    pub left: usize,
}

impl Deleted {
    /// The task's outcome.
    pub fn outcome(self, task: &Task) -> crate::Outcome {
        let Self { count, left } = self;
        if left > 0 {
            let note = format!("{left} versions are left to delete");
            return crate::Outcome::AgainAfter { seconds: 1, note };
        }
        let all = if task.attempt() > 1 { "the last " } else { "" };
        let plural = if count == 1 { "" } else { "s" };
        crate::Outcome::done_with(format!("{all}{count} version{plural} deleted"))
    }
}
