//! The rehearsal: what the policies would say to every request of a job, without asking the store anything but for the
//! manifest. Tags that objects have stay unknown.

use std::path::Path;

use longshore_job::{EngineConfig, Failure, JobSpec, ObjectId, Row};
use longshore_plugin::Lane;
use longshore_store::{Foreseen, Gate, Journal};

use crate::catalog::Catalog;
use crate::error::JobFailure;
use crate::execute::row_object;
use crate::plan::{lane, rows};
use crate::prepare::fetch;
use crate::report;
use crate::resolve::Resolved;

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
    /// Every access of its planned requests, or why it would fail before it sends any.
    pub plan: Result<Vec<Foreseen>, Failure>,
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
    plugin_digest: &str,
    scratch: &Path,
    selection: Selection,
    mut each: impl FnMut(RehearsedTask),
) -> Result<Rehearsal, JobFailure> {
    let mut resolved = Resolved::find(config, catalog, spec, plugin_digest, SESSION).await?;
    let (gate, journal) = Gate::rehearsal(resolved.gate_config.clone());
    resolved.gate = gate;
    let source = fetch(&resolved, &spec.manifest, scratch).await?;
    let manifest = journal.take();
    let unwritable =
        |error: longshore_store::StoreError| JobFailure::new("ReportNotWritten", error.to_string());
    report::check_access(&resolved.gate, spec, SESSION).await.map_err(unwritable)?;
    let report = journal.take();
    let lane = lane(&resolved, spec).await?;
    let mut stage = Stage { gate: resolved.gate.clone(), journal, lane, spec };
    let mut rehearsal = Rehearsal { manifest, report, ..Rehearsal::default() };
    let rows = (1u64..).zip(rows(&source.path, &spec.manifest)?);
    match selection {
        Selection::All => {
            for (number, row) in rows {
                each(stage.task(number, &row?).await);
                rehearsal.rows = number;
            }
            rehearsal.rehearsed = rehearsal.rows;
        }
        Selection::Sample(size) => {
            let (total, sample) = sample(rows, size.min(MAX_SAMPLE))?;
            rehearsal.rows = total;
            for (number, row) in sample {
                each(stage.task(number, &row).await);
                rehearsal.rehearsed += 1;
            }
        }
    }
    Ok(rehearsal)
}

/// Name of the role session and of the report's job, which are those of no job.
pub(crate) const SESSION: &str = "plan";

struct Stage<'a> {
    gate: Gate,
    journal: Journal,
    lane: Lane,
    spec: &'a JobSpec,
}

impl Stage<'_> {
    async fn task(&mut self, row: u64, parsed: &Row) -> RehearsedTask {
        let object = match row_object(parsed, self.spec.manifest.keys) {
            Ok(object) => object,
            Err(failure) => return RehearsedTask { row, object: None, plan: Err(failure) },
        };
        let planned = self.lane.plan(&object, 1, &self.gate).await;
        let foreseen = self.journal.take();
        RehearsedTask { row, object: Some(object), plan: planned.map(|_| foreseen) }
    }
}

/// How many rows there are, and `size` of them in order (Vitter's algorithm R).
fn sample(
    rows: impl Iterator<Item = (u64, Result<Row, JobFailure>)>,
    size: usize,
) -> Result<(u64, Vec<(u64, Row)>), JobFailure> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut kept: Vec<(u64, Row)> = Vec::new();
    let mut total = 0;
    for (number, row) in rows {
        let row = row?;
        total = number;
        if kept.len() < size {
            kept.push((number, row));
            continue;
        }
        let place = usize::try_from(random.u64(0..number)).unwrap_or(usize::MAX);
        if let Some(kept) = kept.get_mut(place) {
            *kept = (number, row);
        }
    }
    kept.sort_unstable_by_key(|(number, _)| *number);
    Ok((total, kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: u64) -> impl Iterator<Item = (u64, Result<Row, JobFailure>)> {
        let row = |number: u64| Row { bucket: "b".into(), key: number.to_string(), version_id: None };
        (1..=count).map(move |number| (number, Ok(row(number))))
    }

    #[test]
    fn a_sample_is_spread_in_order_and_always_the_same() {
        let (total, sampled) = sample(rows(10_000), 100).unwrap();
        assert_eq!((total, sampled.len()), (10_000, 100));
        assert!(sampled.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(sampled.iter().all(|(number, row)| row.key == number.to_string()));
        for tenth in 0..10 {
            let within = sampled.iter().filter(|(number, _)| (number - 1) / 1_000 == tenth).count();
            assert!(within > 1, "{within} of 100 rows in tenth {tenth}");
        }
        assert_eq!(sample(rows(10_000), 100).unwrap().1, sampled);
    }

    #[test]
    fn a_sample_of_few_rows_is_all_of_them() {
        assert_eq!(sample(rows(3), 5).unwrap().1.len(), 3);
        assert_eq!(sample(rows(0), 5).unwrap(), (0, Vec::new()));
    }
}
