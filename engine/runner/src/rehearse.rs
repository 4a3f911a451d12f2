//! The rehearsal: what the policies would say to every request of a job, without asking the store anything but for the
//! manifest. Tags that objects have stay unknown.

use std::path::Path;

use jiff::Timestamp;
use longshore_job::{EngineConfig, Failure, JobSpec, ObjectId, Row};
use longshore_store::{Foreseen, Journal};

use crate::catalog::Catalog;
use crate::error::JobFailure;
use crate::execute::row_object;
use crate::generate::{self, saved_places};
use crate::ingest::{Access, RowStream};
use crate::report;
use crate::resolve::Resolved;
use crate::steps::{PlannedStep, StepLanes, for_planning};
use crate::store::Stores;

/// Most rows of a sample (count): they are held in memory, some 200 bytes each.
pub const MAX_SAMPLE: usize = 1_000_000;

/// The samples of one manifest are alike, so that two rehearsals can be compared.
const SEED: u64 = 0x4c6f_6e67_7368_6f72;

/// Which rows of the manifest are rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// So many of them, each with the same chance, the same ones each time. At most [`MAX_SAMPLE`].
    Sample(usize),
}

/// What one task would ask the policies.
#[derive(Debug)]
pub struct RehearsedTask {
    /// Row in the manifest, from 1.
    pub row: u64,
    /// Its object; `None` if the row names none.
    pub object: Option<ObjectId>,
    /// What its steps would do, or why it would fail.
    pub plan: Result<Vec<PlannedStep>, Failure>,
}

/// What was rehearsed.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// Rows of the manifest.
    pub rows: u64,
    /// Rows that were rehearsed.
    pub rehearsed: u64,
    /// What reading the manifest asks.
    pub manifest: Vec<Foreseen>,
    /// What saving the lists asks that the manifest is generated of, for their `manifest.json`.
    pub saved: Vec<Foreseen>,
    /// What writing the report asks, for its `manifest.json`.
    pub report: Vec<Foreseen>,
}

/// Rehearses a job and hands each task to `each`, in the order of rows. `scratch` takes a manifest that must be downloaded;
/// that is done with the store's credentials, whatever the role may read.
///
/// # Errors
/// A manifest, role, store or operation that cannot be used.
pub async fn rehearse(
    config: &EngineConfig,
    catalog: &Catalog,
    spec: &JobSpec,
    plugin_digests: &[String],
    scratch: &Path,
    selection: Selection,
    mut each: impl FnMut(RehearsedTask),
) -> Result<Rehearsal, JobFailure> {
    let session = (SESSION, Timestamp::now());
    let mut resolved =
        Resolved::find(config, (catalog, &Stores::new(config)), spec, plugin_digests, session).await?;
    let (gate, manifest_journal) = resolved.rehearsal();
    let reader = Resolved { gate, ..resolved.clone() };
    let mut rows = RowStream::open(&spec.manifest, Access::from_here(&reader, scratch, &spec.manifest));
    let (gate, journal) = resolved.rehearsal();
    resolved.gate = gate;
    let unwritable =
        |error: longshore_store::StoreError| JobFailure::new("ReportNotWritten", error.to_string());
    report::check_access(&resolved.gate, spec, SESSION).await.map_err(unwritable)?;
    let report = journal.take();
    for (place, _) in saved_places(&spec.manifest, SESSION) {
        generate::check_access(&resolved.gate, &place).await.map_err(unwritable)?;
    }
    let saved = journal.take();
    let lanes = for_planning(&resolved, spec).await?;
    let mut stage = Stage { journal, lanes, spec };
    let mut rehearsal = Rehearsal { report, saved, ..Rehearsal::default() };
    let mut kept = match selection {
        Selection::All => None,
        Selection::Sample(size) => Some(Reservoir::new(size.min(MAX_SAMPLE))),
    };
    while let Some(row) = rows.next().await? {
        rehearsal.rows += 1;
        match &mut kept {
            Some(reservoir) => reservoir.offer(rehearsal.rows, row),
            None => each(stage.task(rehearsal.rows, &row).await),
        }
    }
    rehearsal.rehearsed = rehearsal.rows;
    if let Some(reservoir) = kept {
        let sample = reservoir.into_rows();
        rehearsal.rehearsed = sample.len() as u64;
        for (number, row) in sample {
            each(stage.task(number, &row).await);
        }
    }
    rehearsal.manifest = manifest_journal.take();
    Ok(rehearsal)
}

/// Name of the role session and of the report's job, which are those of no job.
pub(crate) const SESSION: &str = "plan";

struct Stage<'a> {
    journal: Journal,
    lanes: StepLanes,
    spec: &'a JobSpec,
}

impl Stage<'_> {
    async fn task(&mut self, row: u64, parsed: &Row) -> RehearsedTask {
        let object = match row_object(parsed, self.spec.manifest.keys()) {
            Ok(object) => object,
            Err(failure) => return RehearsedTask { row, object: None, plan: Err(failure) },
        };
        let subject = self.lanes.subject(object.clone(), parsed, false);
        let plan = self.lanes.plan(subject, Some(&self.journal)).await;
        RehearsedTask { row, object: Some(object), plan }
    }
}

/// A number of rows out of many, each with the same chance (Vitter's algorithm R).
struct Reservoir {
    size: usize,
    random: fastrand::Rng,
    kept: Vec<(u64, Row)>,
}

impl Reservoir {
    fn new(size: usize) -> Self {
        Self { size, random: fastrand::Rng::with_seed(SEED), kept: Vec::new() }
    }

    /// Takes the row `number`, perhaps in the place of another. Rows come in order, from 1.
    fn offer(&mut self, number: u64, row: Row) {
        if self.kept.len() < self.size {
            self.kept.push((number, row));
            return;
        }
        let place = usize::try_from(self.random.u64(0..number)).unwrap_or(usize::MAX);
        if let Some(kept) = self.kept.get_mut(place) {
            *kept = (number, row);
        }
    }

    /// The rows that were kept, in order.
    fn into_rows(mut self) -> Vec<(u64, Row)> {
        self.kept.sort_unstable_by_key(|(number, _)| *number);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(count: u64, size: usize) -> Vec<(u64, Row)> {
        let mut reservoir = Reservoir::new(size);
        for number in 1..=count {
            reservoir.offer(number, Row { key: number.to_string(), ..Row::default() });
        }
        reservoir.into_rows()
    }

    #[test]
    fn a_sample_is_spread_in_order_and_always_the_same() {
        let sampled = sample(10_000, 100);
        assert_eq!(sampled.len(), 100);
        assert!(sampled.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(sampled.iter().all(|(number, row)| row.key == number.to_string()));
        for tenth in 0..10 {
            let within = sampled.iter().filter(|(number, _)| (number - 1) / 1_000 == tenth).count();
            assert!(within > 1, "{within} of 100 rows in tenth {tenth}");
        }
        assert_eq!(sample(10_000, 100), sampled);
    }

    #[test]
    fn a_sample_of_few_rows_is_all_of_them() {
        assert_eq!(sample(3, 5).len(), 3);
        assert_eq!(sample(0, 5), []);
    }
}
