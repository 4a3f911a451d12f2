//! Tasks that may have killed the engine. One that does (out of memory, a crash in native code) would kill it again after
//! each restart, and its job would never end.
//!
//! While the tasks of a job run, its folder has a file `running`. A stage that ends removes it, so one that is found there
//! was left by an engine that died. From then on the file has a slot for each lane with the task that it runs: what the
//! operating system has of it survives the process. (A power loss may take it along; then nothing is suspected.) Tasks that
//! were running at several deaths run alone, so that the guilty one is known in the end, and it is failed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use longshore_job::Failure;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::durable::remove_if_there;
use crate::error::RunnerError;
use crate::job::Books;

/// Deaths of the engine after which a task runs alone (count): after the first its neighbours are as suspect.
const ALONE_AFTER: u32 = 2;

/// Deaths of the engine after which a task is failed (count): the last two while it ran alone.
const FAILED_AFTER: u32 = 4;

/// Bytes of a slot.
const SLOT: u64 = 8;

/// The code of a task that is failed so.
const CODE: &str = "TaskKillsEngine";

/// A task: number of its chunk, position in it.
type Place = (u32, u32);

/// What is known of the tasks of a job that was running when an engine died.
pub(crate) struct Suspects {
    file: File,
    deaths: BTreeMap<Place, u32>,
    alone: Arc<RwLock<()>>,
}

/// The right to run a task now; it is noted as running until this is dropped.
pub(crate) struct Running {
    noted: Option<(Arc<Suspects>, usize)>,
    _others: Option<OwnedRwLockReadGuard<()>>,
    _alone: Option<OwnedRwLockWriteGuard<()>>,
}

impl Suspects {
    /// Marks the job as running. `None` if the engine that had it last did not die: then nothing needs to be noted.
    pub(crate) fn mark(job: &Books) -> Result<Option<Arc<Self>>, RunnerError> {
        let (path, known) = (job.directory.join("running"), job.directory.join("suspects.json"));
        if !path.try_exists().map_err(RunnerError::io("look for", &path))? {
            File::create(&path).map_err(RunnerError::io("create", &path))?;
            return Ok(None);
        }
        let noted = fs::read(&path).map_err(RunnerError::io("read", &path))?;
        let deaths = count(load(&known)?, &places(&noted), |place| is_open(job, place))?;
        let list: Vec<_> = deaths.iter().map(|((chunk, index), deaths)| (chunk, index, deaths)).collect();
        let text = serde_json::to_vec(&list).map_err(|error| RunnerError::Internal(error.to_string()))?;
        // Emptied first: a death in between is then counted for none of them, rather than the last one twice.
        let file = File::create(&path).map_err(RunnerError::io("create", &path))?;
        save(&known, &text).map_err(RunnerError::io("write", &known))?;
        Ok(Some(Arc::new(Self { file, deaths, alone: Arc::default() })))
    }

    /// The job's tasks run no more, and the engine lives.
    pub(crate) fn clear(job: &Books) -> Result<(), RunnerError> {
        remove_if_there(&job.directory.join("running"))
    }

    /// Waits until a task may run on `lane`.
    ///
    /// # Errors
    /// If the engine died with it too often: the task's failure.
    pub(crate) async fn begin(self: &Arc<Self>, lane: usize, place: Place) -> Result<Running, Failure> {
        let deaths = self.deaths.get(&place).copied().unwrap_or(0);
        if deaths >= FAILED_AFTER {
            return Err(Failure { code: CODE.to_owned(), status: None, message: words(deaths) });
        }
        let (mut others, mut alone) = (None, None);
        if deaths >= ALONE_AFTER {
            alone = Some(Arc::clone(&self.alone).write_owned().await);
        } else {
            others = Some(Arc::clone(&self.alone).read_owned().await);
        }
        self.note(lane, pack(place));
        Ok(Running { noted: Some((Arc::clone(self), lane)), _others: others, _alone: alone })
    }

    fn note(&self, lane: usize, slot: u64) {
        let at = u64::try_from(lane).unwrap_or(u64::MAX).saturating_mul(SLOT);
        if let Err(error) = write_at(&self.file, &slot.to_le_bytes(), at) {
            tracing::warn!(%error, "which task runs could not be noted");
        }
    }
}

impl Running {
    /// The right to run a task of a job without suspects.
    pub(crate) fn unnoted() -> Self {
        Self { noted: None, _others: None, _alone: None }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some((suspects, lane)) = &self.noted {
            suspects.note(*lane, 0);
        }
    }
}

fn words(deaths: u32) -> String {
    format!(
        "the engine died {deaths} times while it ran this task, the last times while nothing else of the job ran; look at \
         the system's log for what ended it (no memory left?)"
    )
}

/// Counts one more death for each task that was running, and forgets those that have a result.
fn count(
    mut deaths: BTreeMap<Place, u32>,
    running: &[Place],
    is_open: impl Fn(Place) -> Result<bool, RunnerError>,
) -> Result<BTreeMap<Place, u32>, RunnerError> {
    for place in running {
        let count = deaths.entry(*place).or_default();
        *count = count.saturating_add(1);
    }
    let mut open = BTreeMap::new();
    for (place, count) in deaths {
        if is_open(place)? {
            open.insert(place, count);
        }
    }
    Ok(open)
}

/// Whether a task has no result yet.
fn is_open(job: &Books, (chunk, index): Place) -> Result<bool, RunnerError> {
    let found = job.queue.open_chunk(&job.id, chunk)?;
    Ok(found.is_some_and(|(record, _)| index < record.rows && !record.done.contains(index)))
}

fn pack((chunk, index): Place) -> u64 {
    (u64::from(chunk) << 32 | u64::from(index)).saturating_add(1)
}

/// The tasks in the slots. Slots that were not written whole name none that is open.
fn places(noted: &[u8]) -> Vec<Place> {
    let slots = noted.chunks_exact(8).filter_map(|slot| slot.try_into().ok().map(u64::from_le_bytes));
    let packed = slots.filter_map(|slot| slot.checked_sub(1));
    packed
        .filter_map(|slot| Some((u32::try_from(slot >> 32).ok()?, u32::try_from(slot & 0xffff_ffff).ok()?)))
        .collect()
}

fn load(path: &Path) -> Result<BTreeMap<Place, u32>, RunnerError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(RunnerError::io("read", path)(error)),
    };
    let list: Vec<(u32, u32, u32)> = serde_json::from_slice(&text)
        .map_err(|error| RunnerError::io("read", path)(io::Error::other(error)))?;
    Ok(list.into_iter().map(|(chunk, index, deaths)| ((chunk, index), deaths)).collect())
}

/// Replaces the file whole.
fn save(path: &Path, text: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    io::Write::write_all(&mut file, text)?;
    file.sync_all()?;
    fs::rename(&partial, path)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, at).map(drop)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_noted_is_found(tasks in prop::collection::vec((any::<u32>(), 0..1000_u32), 0..20), torn in 0..8_usize) {
            let mut noted: Vec<u8> = tasks.iter().flat_map(|task| pack(*task).to_le_bytes()).collect();
            noted.extend(vec![0; 8]);
            noted.extend(vec![0xff; torn]);
            prop_assert_eq!(places(&noted), tasks);
        }
    }

    #[test]
    fn the_guilty_one_is_found_and_its_neighbours_are_not_taken_for_it() {
        let (guilty, neighbour, done) = ((0, 7), (0, 8), (0, 9));
        let is_open = |place| Ok(place != done);
        let mut deaths = BTreeMap::new();
        for running in [&[guilty, neighbour, done][..], &[guilty, neighbour], &[guilty], &[guilty]] {
            deaths = count(deaths, running, is_open).unwrap();
        }
        assert_eq!(deaths, BTreeMap::from([(guilty, FAILED_AFTER), (neighbour, ALONE_AFTER)]));
    }
}
