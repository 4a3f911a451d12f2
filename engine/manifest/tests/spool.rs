//! The chunk spool: what is written is read, and what is damaged is noticed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test helpers may panic"
)]

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use longshore_job::ChunkExtent;
use longshore_job::row::Row;
use longshore_manifest::{CHUNK_ROWS, SpoolError, SpoolReader, SpoolWriter};
use proptest::prelude::*;

fn rows(count: usize) -> Vec<Row> {
    (0..count)
        .map(|n| Row { bucket: "photos".into(), key: format!("2024/é{n:06}.jpg"), ..Row::default() })
        .collect()
}

/// The rows as one chunk.
fn append(writer: &mut SpoolWriter, rows: &[Row]) -> Option<ChunkExtent> {
    let full: Vec<_> = rows.iter().filter_map(|row| writer.push(row).unwrap()).collect();
    assert!(full.len() <= 1);
    full.first().copied().or(writer.flush().unwrap())
}

fn write(path: &Path, chunks: &[Vec<Row>]) -> Vec<ChunkExtent> {
    let mut writer = SpoolWriter::create(path).unwrap();
    let extents = chunks.iter().filter_map(|rows| append(&mut writer, rows)).collect();
    writer.finish().unwrap();
    extents
}

/// A spool of two chunks.
fn spool() -> (tempfile::TempDir, PathBuf, Vec<ChunkExtent>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("job.spool");
    let extents = write(&path, &[rows(CHUNK_ROWS), rows(3)]);
    (directory, path, extents)
}

/// The message, with the directory taken out.
fn message(error: &SpoolError, directory: &tempfile::TempDir) -> String {
    error.to_string().replace(&directory.path().display().to_string(), "DATA")
}

#[test]
fn chunks_are_read_alone_and_in_any_order() {
    let (_directory, path, extents) = spool();
    let reader = SpoolReader::open(&path).unwrap();
    assert_eq!(reader.read(&extents[1]).unwrap(), rows(3));
    assert_eq!(reader.read(&extents[0]).unwrap(), rows(CHUNK_ROWS));
    assert_eq!(extents[0].rows as usize, CHUNK_ROWS);
    assert_eq!(extents[1].offset, extents[0].offset + u64::from(extents[0].bytes));
}

#[test]
fn neighbours_cost_little() {
    let (_directory, _path, extents) = spool();
    assert!(extents[0].bytes < 4 * CHUNK_ROWS as u32, "{} bytes for {CHUNK_ROWS} rows", extents[0].bytes);
}

#[test]
fn what_an_interrupted_preparation_left_is_overwritten() {
    let (_directory, path, _) = spool();
    let extents = write(&path, &[rows(2)]);
    assert_eq!(SpoolReader::open(&path).unwrap().read(&extents[0]).unwrap(), rows(2));
    assert_eq!(fs::metadata(&path).unwrap().len(), extents[0].offset + u64::from(extents[0].bytes));
}

#[test]
fn rows_with_long_columns_make_chunks_of_fewer_rows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("job.spool");
    let mut writer = SpoolWriter::create(&path).unwrap();
    let long = |n: usize| Row {
        bucket: "b".into(),
        key: format!("k{n}"),
        columns: vec![Some("v".repeat(1024)), None, Some("w".repeat(8192))],
        problem: (n == 7).then(|| "no object".to_owned()),
        ..Row::default()
    };
    let rows: Vec<Row> = (0..1200).map(long).collect();
    let mut extents: Vec<_> = rows.iter().filter_map(|row| writer.push(row).unwrap()).collect();
    extents.extend(writer.flush().unwrap());
    writer.finish().unwrap();
    assert!(extents.len() > 2 && (extents[0].rows as usize) < CHUNK_ROWS, "{extents:?}");
    let reader = SpoolReader::open(&path).unwrap();
    let read: Vec<Row> = extents.iter().flat_map(|extent| reader.read(extent).unwrap()).collect();
    assert_eq!(read, rows);
}

#[test]
fn missing_bytes_are_named() {
    let (directory, path, extents) = spool();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(extents[1].offset + 5).unwrap();
    let reader = SpoolReader::open(&path).unwrap();
    assert!(reader.read(&extents[0]).is_ok());
    let error = reader.read(&extents[1]).unwrap_err();
    let message = message(&error, &directory);
    assert!(message.contains(&format!("damaged at byte {}", extents[1].offset)), "{message}");
    assert!(message.contains("5 are left"), "{message}");
}

#[test]
fn damaged_bytes_are_named() {
    let (directory, path, extents) = spool();
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let reader = SpoolReader::open(&path).unwrap();
    let message = message(&reader.read(&extents[1]).unwrap_err(), &directory);
    assert!(message.contains("DATA/job.spool is damaged"), "{message}");
    assert!(message.contains(&format!("{:08x} was written", extents[1].crc32)), "{message}");
}

#[test]
fn an_extent_of_another_spool_is_noticed() {
    let (directory, path, extents) = spool();
    let reader = SpoolReader::open(&path).unwrap();
    let wrong = ChunkExtent { rows: 4, ..extents[1] };
    let message = message(&reader.read(&wrong).unwrap_err(), &directory);
    assert!(message.contains("it has 3 rows, 4 were written"), "{message}");
}

#[test]
fn a_file_that_is_no_spool_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("job.spool");
    fs::write(&path, "bucket,key\n").unwrap();
    insta::assert_snapshot!(message(&SpoolReader::open(&path).unwrap_err(), &directory));
    fs::remove_file(&path).unwrap();
    insta::assert_snapshot!(message(&SpoolReader::open(&path).unwrap_err(), &directory));
    let nowhere = directory.path().join("nowhere/job.spool");
    insta::assert_snapshot!(message(&SpoolWriter::create(&nowhere).err().unwrap(), &directory));
}

/// A frame that was never written by the spool, with the right checksum and length.
fn foreign(frame: &[u8]) -> Result<Vec<Row>, SpoolError> {
    let (_directory, path, extents) = spool();
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(extents[0].offset as usize);
    bytes.extend_from_slice(frame);
    fs::write(&path, bytes).unwrap();
    let extent = ChunkExtent {
        offset: extents[0].offset,
        bytes: frame.len() as u32,
        rows: 1,
        crc32: crc32fast::hash(frame),
    };
    SpoolReader::open(&path).unwrap().read(&extent)
}

fn any_row() -> impl Strategy<Value = Row> {
    let column = || proptest::option::of(".{0,20}");
    (".{0,20}", "(photos/é€/)?.{0,40}", column(), prop::collection::vec(column(), 0..3), column()).prop_map(
        |(bucket, key, version_id, columns, problem)| Row { bucket, key, version_id, columns, problem },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        chunks in prop::collection::vec(prop::collection::vec(any_row(), 1..50), 0..5)
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("job.spool");
        let extents = write(&path, &chunks);
        let reader = SpoolReader::open(&path).unwrap();
        for (extent, rows) in extents.iter().zip(&chunks).rev() {
            prop_assert_eq!(&reader.read(extent).unwrap(), rows);
        }
    }

    #[test]
    fn foreign_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        compressed in any::<bool>(),
    ) {
        let frame = if compressed { zstd::bulk::compress(&bytes, 3).unwrap() } else { bytes };
        if let Err(error) = foreign(&frame) {
            let damaged = matches!(error, SpoolError::Damaged { .. });
            prop_assert!(damaged);
        }
    }
}
