//! All sources of a manifest, one after the other, and what is taken of them.

use std::vec::IntoIter;

use longshore_job::row::encode_key;
use longshore_job::spec::{ManifestSpec, Sample, SourceSpec};
use longshore_job::{KeyEncoding, Row};

use super::{Access, RowSource, open};
use crate::error::JobFailure;

/// The rows of a manifest that become tasks.
pub(crate) struct Rows {
    access: Access,
    waiting: IntoIter<SourceSpec>,
    current: Option<Current>,
    /// How the rows of the job write keys.
    keys: KeyEncoding,
    /// The columns for the operation.
    names: Vec<String>,
    sample: Option<Sample>,
    /// Rows that were read, those that the sample left out included.
    read: u64,
    /// Rows that may still be given out.
    left: u64,
    given: u64,
}

struct Current {
    source: Box<dyn RowSource>,
    /// Whether its keys are brought into the form of the job's.
    encode: bool,
    /// Which column of the job each of its columns is, unless they are the same.
    places: Option<Vec<usize>>,
}

impl Rows {
    pub(crate) fn new(manifest: &ManifestSpec, access: Access) -> Self {
        Self {
            access,
            waiting: manifest.sources.clone().into_iter(),
            current: None,
            keys: manifest.keys(),
            names: manifest.columns(),
            sample: manifest.sample,
            read: 0,
            // Which rows are duplicates is known only when all were read.
            left: manifest.limit.filter(|_| !manifest.unique).unwrap_or(u64::MAX),
            given: 0,
        }
    }

    /// Puts the next row into `row`; false after the last. A job needs one row at least.
    pub(crate) fn next(&mut self, row: &mut Row) -> Result<bool, JobFailure> {
        while self.left > 0 && self.read(row)? {
            let index = self.read;
            self.read += 1;
            if self.sample.is_none_or(|sample| takes(sample, index)) {
                self.left -= 1;
                self.given += 1;
                return Ok(true);
            }
        }
        self.close()?;
        if self.given == 0 {
            return Err(self.nothing());
        }
        Ok(false)
    }

    fn nothing(&self) -> JobFailure {
        let why = match self.read {
            0 => "the lists name no object; an inventory of delete markers needs delete-markers = \"keep\", \
                 and what \"where\" leaves out is not there"
                .to_owned(),
            read => {
                format!("of {read} rows the sample takes none; raise manifest.sample or choose another seed")
            }
        };
        JobFailure::new("InvalidManifestContent", format!("Invalid Manifest Content: {why}"))
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, JobFailure> {
        loop {
            match &mut self.current {
                Some(Current { source, encode, places }) => {
                    if source.next(row)? {
                        if *encode && row.problem.is_none() {
                            row.key = encode_key(&row.key);
                        }
                        if let Some(places) = places {
                            place(row, places, self.names.len());
                        }
                        return Ok(true);
                    }
                    self.close()?;
                }
                None => match self.waiting.next() {
                    Some(next) => {
                        let encode = next.keys() != self.keys;
                        let places = self.places(&next);
                        self.current = Some(Current { source: open(&next, &self.access)?, encode, places });
                    }
                    None => return Ok(false),
                },
            }
        }
    }

    fn places(&self, source: &SourceSpec) -> Option<Vec<usize>> {
        let place = |name: &str| self.names.iter().position(|known| known == name);
        let places: Vec<usize> = source.columns().filter_map(place).collect();
        let same = places.len() == self.names.len() && places.iter().copied().eq(0..places.len());
        (!same).then_some(places)
    }

    fn close(&mut self) -> Result<(), JobFailure> {
        self.current.take().map_or(Ok(()), |mut current| current.source.finish())
    }
}

/// Puts the columns of a row where the job has them.
fn place(row: &mut Row, places: &[usize], columns: usize) {
    let own = std::mem::replace(&mut row.columns, vec![None; columns]);
    for (value, place) in own.into_iter().zip(places) {
        if let Some(slot) = row.columns.get_mut(*place) {
            *slot = value;
        }
    }
}

/// Whether a sample takes the row at `index`: a random number for each row, made of seed and index alone (`SplitMix64`,
/// Steele, Lea and Flood 2014).
#[allow(clippy::cast_precision_loss)] // 53 bits are what a fraction has.
fn takes(sample: Sample, index: u64) -> bool {
    let mut bits = sample.seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    ((bits >> 11) as f64) < sample.fraction * (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(fraction: f64, seed: u64) -> Vec<u64> {
        (0..100_000).filter(|index| takes(Sample { fraction, seed }, *index)).collect()
    }

    #[test]
    fn a_sample_takes_its_share_and_always_the_same_rows() {
        assert_eq!(taken(1.0, 3).len(), 100_000);
        let some = taken(0.01, 3);
        assert!((900..1100).contains(&some.len()), "{}", some.len());
        assert_eq!(some, taken(0.01, 3));
        assert_ne!(some, taken(0.01, 4));
        assert!(some.iter().all(|index| taken(0.02, 3).contains(index)), "a larger share takes more of them");
    }
}
