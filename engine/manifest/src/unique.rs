//! Rows that name the same object: found by sorting on disk, so that memory does not depend on how many there are.
//!
//! Of each row only a digest of 128 bits is kept, with the row's number. Two different objects have the same digest about
//! once in 10^20 lists of a billion rows.

use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::{io, iter};

use longshore_job::row::{KeyEncoding, Row, decode_key};
use sha2::{Digest as _, Sha256};

use crate::sort::{Sorted, Sorter};

/// Bytes of a digest.
const DIGEST: usize = 16;

/// Bytes of a digest and a row's number, big-endian, so that bytes sort as numbers.
const RECORD: usize = DIGEST + 8;

/// Takes all rows, then says which of them are duplicates.
pub struct Duplicates {
    directory: PathBuf,
    rows: Sorter<RECORD>,
    count: u64,
}

impl Duplicates {
    /// Sorts in files without names in `directory`.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), rows: Sorter::new(directory), count: 0 }
    }

    /// Takes the next row. Rows that name no object are never duplicates.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn push(&mut self, row: &Row, keys: KeyEncoding) -> io::Result<()> {
        let number = self.count;
        self.count += 1;
        if row.problem.is_some() {
            return Ok(());
        }
        let mut record = [0; RECORD];
        let fields = digest(row, keys).into_iter().chain(number.to_be_bytes());
        record.iter_mut().zip(fields).for_each(|(place, byte)| *place = byte);
        self.rows.push(record)
    }

    /// The numbers of the rows, from 0, that name an object which an earlier row names; in order.
    ///
    /// # Errors
    /// The directory cannot be written or read.
    pub fn finish(self) -> io::Result<DuplicateRows> {
        let mut numbers = Sorter::<8>::new(&self.directory);
        let mut last: Option<Vec<u8>> = None;
        for record in self.rows.sorted()? {
            let record = record?;
            let (digest, number) = record.split_at(DIGEST);
            if last.as_deref() == Some(digest) {
                numbers.push(number.try_into().unwrap_or_default())?;
            } else {
                last = Some(digest.to_vec());
            }
        }
        Ok(DuplicateRows { numbers: numbers.sorted()?.peekable() })
    }
}

/// What a row names, as a digest: bucket, decoded key and version.
fn digest(row: &Row, keys: KeyEncoding) -> Vec<u8> {
    let key = decode_key(&row.key, keys).unwrap_or(row.key.as_str().into());
    let version = row.version_id.as_deref();
    let mut sha = Sha256::new();
    for part in iter::once(row.bucket.as_str()).chain(iter::once(&*key)).chain(version) {
        sha.update(part.len().to_le_bytes());
        sha.update(part);
    }
    let mut digest = sha.finalize().to_vec();
    digest.truncate(DIGEST);
    digest
}

/// The numbers of rows that are duplicates, to be asked about in order.
pub struct DuplicateRows {
    numbers: Peekable<Sorted<8>>,
}

impl DuplicateRows {
    /// Whether row `number` is a duplicate. Numbers must not fall.
    ///
    /// # Errors
    /// The sorted numbers cannot be read.
    pub fn contains(&mut self, number: u64) -> io::Result<bool> {
        loop {
            match self.numbers.peek() {
                Some(Ok(next)) if u64::from_be_bytes(*next) > number => return Ok(false),
                None => return Ok(false),
                Some(_) => {}
            }
            match self.numbers.next() {
                Some(Ok(next)) if u64::from_be_bytes(next) == number => return Ok(true),
                Some(Err(error)) => return Err(error),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Far more rows than one run of the sorter holds in tests, so that equal ones meet in a merge.
    #[test]
    fn duplicates_meet_across_runs() {
        let directory = tempfile::tempdir().unwrap();
        let mut duplicates = Duplicates::new(directory.path());
        let name = |number: u64| number * 7919 % 5000;
        for number in 0..20_000 {
            let key = name(number).to_string();
            let row = Row { bucket: "b".into(), key, ..Row::default() };
            duplicates.push(&row, KeyEncoding::Raw).unwrap();
        }
        let mut found = duplicates.finish().unwrap();
        for number in 0..20_000 {
            assert_eq!(found.contains(number).unwrap(), number >= 5000, "row {number}");
        }
    }
}
