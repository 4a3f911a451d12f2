//! Sorting more records than fit in memory: sorted runs in temporary files, merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes of records that are sorted in memory; few in the tests of this crate, so that they merge.
const RUN_BYTES: usize = if cfg!(test) { 512 } else { 32 * 1024 * 1024 };

/// Runs that are merged at once (count; each costs a buffer and an open file). More are merged in several passes.
const FAN_IN: usize = if cfg!(test) { 5 } else { 128 };

/// Buffer of each run that is merged, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// Sorts records of `N` bytes by their bytes. The files have no name: they are gone with the process.
pub(crate) struct Sorter<const N: usize> {
    directory: PathBuf,
    records: Vec<[u8; N]>,
    runs: Vec<File>,
}

impl<const N: usize> Sorter<N> {
    /// Runs go to `directory`.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), records: Vec::new(), runs: Vec::new() }
    }

    pub(crate) fn push(&mut self, record: [u8; N]) -> io::Result<()> {
        self.records.push(record);
        if self.records.len() * N >= RUN_BYTES { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.records.sort_unstable();
        let run = written(&self.directory, self.records.iter().map(|record| Ok(*record)))?;
        self.records.clear();
        self.runs.push(run);
        Ok(())
    }

    /// The records in order.
    pub(crate) fn sorted(mut self) -> io::Result<Sorted<N>> {
        if self.runs.is_empty() {
            self.records.sort_unstable();
            return Ok(Sorted::Memory(self.records.into_iter()));
        }
        self.spill()?;
        self.records = Vec::new();
        while self.runs.len() > FAN_IN {
            let rest = self.runs.split_off(FAN_IN);
            let merged = written(&self.directory, Merge::<N>::new(std::mem::replace(&mut self.runs, rest))?)?;
            self.runs.push(merged);
        }
        Ok(Sorted::Merge(Merge::new(self.runs)?))
    }
}

/// Records in order.
pub(crate) enum Sorted<const N: usize> {
    Memory(std::vec::IntoIter<[u8; N]>),
    Merge(Merge<N>),
}

impl<const N: usize> Iterator for Sorted<N> {
    type Item = io::Result<[u8; N]>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Memory(records) => records.next().map(Ok),
            Self::Merge(merge) => merge.next(),
        }
    }
}

/// A file of these records, at its start.
fn written<const N: usize>(
    directory: &Path,
    records: impl Iterator<Item = io::Result<[u8; N]>>,
) -> io::Result<File> {
    let mut file = BufWriter::new(tempfile::tempfile_in(directory)?);
    for record in records {
        file.write_all(&record?)?;
    }
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Several sorted files as one.
pub(crate) struct Merge<const N: usize> {
    runs: Vec<BufReader<File>>,
    heads: BinaryHeap<Reverse<([u8; N], usize)>>,
}

impl<const N: usize> Merge<N> {
    fn new(runs: Vec<File>) -> io::Result<Self> {
        let runs = runs.into_iter().map(|run| BufReader::with_capacity(READ_BYTES, run)).collect();
        let mut merge = Self { runs, heads: BinaryHeap::new() };
        for run in 0..merge.runs.len() {
            merge.advance(run)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, run: usize) -> io::Result<()> {
        let Some(reader) = self.runs.get_mut(run) else { return Ok(()) };
        let mut record = [0; N];
        match reader.read_exact(&mut record) {
            Ok(()) => self.heads.push(Reverse((record, run))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<const N: usize> Iterator for Merge<N> {
    type Item = io::Result<[u8; N]>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((record, run)) = self.heads.pop()?;
        Some(self.advance(run).map(|()| record))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_come_in_order_however_many_runs_they_fill(records in prop::collection::vec(any::<[u8; 4]>(), 0..2000)) {
            let directory = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(directory.path());
            for record in &records {
                sorter.push(*record).unwrap();
            }
            // Enough of them need more merges than one.
            prop_assert_eq!(sorter.runs.len(), records.len() * 4 / RUN_BYTES);
            let found: Vec<[u8; 4]> = sorter.sorted().unwrap().collect::<io::Result<_>>().unwrap();
            let mut expected = records;
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "the runs have no name");
        }
    }

    #[test]
    fn more_runs_than_are_merged_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(directory.path());
        let count = u32::try_from(RUN_BYTES / 4 * (FAN_IN * FAN_IN + 3)).unwrap();
        for number in 0..count {
            sorter.push(number.wrapping_mul(0x9e37_79b1).to_be_bytes()).unwrap();
        }
        assert!(sorter.runs.len() > FAN_IN * FAN_IN);
        let found: Vec<u32> =
            sorter.sorted().unwrap().map(|record| u32::from_be_bytes(record.unwrap())).collect();
        assert_eq!(found.len(), count as usize);
        assert!(found.is_sorted());
    }
}
