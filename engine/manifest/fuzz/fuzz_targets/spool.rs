//! Any bytes as a chunk whose checksum is right, as they are and as what a frame holds: it is refused or it is rows, and rows
//! that were read are read alike once they are written again.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use longshore_job::{ChunkExtent, Row};
use longshore_manifest::{CHUNK_ROWS, SpoolReader, SpoolWriter};

fuzz_target!(|bytes: &[u8]| {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("spool");
    let Some((count, rest)) = bytes.split_first() else { return };
    let packed = zstd::bulk::compress(rest, 1).expect("a frame");
    for frame in [rest, &packed] {
        if let Some(rows) = read(&path, frame, u32::from(*count)) {
            assert_eq!(again(&path, &rows), rows);
        }
    }
});

/// The rows of a spool with one chunk, which is `frame`.
fn read(path: &std::path::Path, frame: &[u8], rows: u32) -> Option<Vec<Row>> {
    SpoolWriter::create(path).and_then(SpoolWriter::finish).expect("an empty spool");
    let mut file = fs::read(path).expect("its bytes");
    let offset = file.len() as u64;
    file.extend_from_slice(frame);
    fs::write(path, file).expect("room");
    let bytes = u32::try_from(frame.len()).ok()?;
    let extent = ChunkExtent { offset, bytes, rows, crc32: crc32fast::hash(frame) };
    let rows = SpoolReader::open(path).expect("a spool").read(&extent).ok()?;
    assert_eq!(rows.len() as u64, u64::from(extent.rows));
    assert!(rows.len() <= CHUNK_ROWS);
    Some(rows)
}

fn again(path: &std::path::Path, rows: &[Row]) -> Vec<Row> {
    let mut writer = SpoolWriter::create(path).expect("a spool");
    let mut extents = Vec::new();
    for row in rows {
        extents.extend(writer.push(row).expect("room"));
    }
    extents.extend(writer.flush().expect("room"));
    writer.finish().expect("room");
    let reader = SpoolReader::open(path).expect("a spool");
    extents.iter().flat_map(|extent| reader.read(extent).expect("what was written")).collect()
}
