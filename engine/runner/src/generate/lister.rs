//! Lists a bucket with several requests at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_manifest::generate::{ListFile, Page, RangeId, Space, Stretch};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::asker::Asker;
use super::page::{self, Batch};
use super::{Listed, What, examine, failure};
use crate::error::{Halt, RunnerError};
use crate::resolve::RoleOnStore;

/// Pages that are asked for at the same time (requests). Each holds a page of 1,000 entries in memory; more than a few of them only make
/// a store busy.
const LISTINGS: usize = 16;

/// What all listings share.
struct Shared {
    what: What,
    asker: Asker,
    space: Mutex<Space>,
    list: Mutex<ListFile>,
    /// Told whenever there may be something to take over.
    changed: Notify,
    stop: CancellationToken,
    progress: Arc<dyn Fn(Listed) + Send + Sync>,
}

/// Lists all that `list` does not cover. `None` if `stop` came first.
pub(super) async fn run(
    what: What,
    role: RoleOnStore,
    mut list: ListFile,
    stop: CancellationToken,
    progress: Arc<dyn Fn(Listed) + Send + Sync>,
) -> Result<Option<ListFile>, Halt> {
    let space = list.space(what.matcher.prefixes().len());
    let shared = Arc::new(Shared {
        what,
        asker: Asker::new(role),
        space: Mutex::new(space),
        list: Mutex::new(list),
        changed: Notify::new(),
        stop,
        progress,
    });
    let mut listings = JoinSet::new();
    for _ in 0..LISTINGS {
        listings.spawn(Arc::clone(&shared).work());
    }
    // Leaving this loop early drops the set, which ends the others.
    while let Some(ended) = listings.join_next().await {
        ended.map_err(|error| RunnerError::Internal(format!("a listing ended early: {error}")))??;
    }
    if !lock(&shared.space).is_done() {
        return Ok(None);
    }
    let shared = Arc::into_inner(shared)
        .ok_or_else(|| RunnerError::Internal("a listing is still under way".to_owned()))?;
    Ok(Some(shared.list.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Takes ranges, or halves of them, until none is left.
    async fn work(self: Arc<Self>) -> Result<(), Halt> {
        while !self.stop.is_cancelled() {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Before the space is looked at, so that no change is missed.
            changed.as_mut().enable();
            let (stretch, done) = {
                let mut space = lock(&self.space);
                (space.take(), space.is_done())
            };
            match stretch {
                Some(stretch) => self.walk(stretch).await?,
                None if done => return Ok(()),
                None => tokio::select! {
                    () = changed => {}
                    () = self.stop.cancelled() => {}
                },
            }
        }
        Ok(())
    }

    /// Lists a range to its end, which others may move nearer meanwhile.
    async fn walk(&self, stretch: Stretch) -> Result<(), Halt> {
        let mut next = Some(stretch);
        while let Some(stretch) = next {
            if self.stop.is_cancelled() {
                return Ok(());
            }
            next = self.page(stretch).await?;
        }
        Ok(())
    }

    /// One page: asks for it, keeps what passes, and says how the range goes on.
    async fn page(&self, stretch: Stretch) -> Result<Option<Stretch>, Halt> {
        let prefix = self.what.matcher.prefixes().get(stretch.prefix).map_or("", String::as_str);
        let batch = page::fetch(&self.asker, &self.what, prefix, &stretch.from).await?;
        let Batch { mut entries, next } = batch;
        let range: RangeId = stretch.range;
        let first = entries.first().map(|entry| entry.key.as_str());
        let accepted = {
            let mut space = lock(&self.space);
            space.accept(range, u64::try_from(entries.len()).unwrap_or(u64::MAX), first, next)
        };
        let accepted =
            accepted.ok_or_else(|| RunnerError::Internal("a listing lost its range".to_owned()))?;
        self.changed.notify_waiters();
        if let Some(through) = &accepted.through {
            entries.retain(|entry| entry.key <= *through);
        }
        let listed = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let rows = examine::passing(&self.asker, &self.what, entries).await?;
        let page = Page { prefix: stretch.prefix, from: stretch.from, to: accepted.to, listed, rows };
        let frame = page.encode().map_err(RunnerError::from)?;
        let so_far = {
            let mut list = lock(&self.list);
            list.append(&frame).map_err(RunnerError::from)?;
            Listed { listed: list.listed(), rows: list.rows() }
        };
        (self.progress)(so_far);
        let stretch = lock(&self.space).stretch(range);
        if stretch.is_none() {
            self.changed.notify_waiters();
        }
        Ok(stretch)
    }
}

/// The store's listing is not one that can be divided.
pub(super) fn unordered(bucket: &str, key: &str, after: &str) -> Halt {
    failure(&format!(
        "the store lists s3://{bucket} out of order: {key:?} comes after {after:?}, but keys must be in the order of their UTF-8 bytes \
         (directory buckets are not); list it by other means and give the list as a manifest"
    ))
    .into()
}
