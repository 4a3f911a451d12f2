//! Any bytes as a chunk whose checksum is right, as they are and as what a frame holds: it is refused or it is rows, and rows
//! that were read are read alike once they are written again.

#![no_main]

use std::sync::{Arc, Mutex};

use libfuzzer_sys::fuzz_target;
use longshore_job::{ChunkExtent, Row};
use longshore_manifest::{CHUNK_ROWS, FrameReader, FrameWriter, SpoolError, SpoolReader, SpoolWriter};

/// Frames in memory.
#[derive(Debug, Clone, Default)]
struct Frames(Arc<Mutex<Vec<u8>>>);

impl FrameWriter for Frames {
    fn write(&mut self, frame: &[u8]) -> Result<u64, SpoolError> {
        let mut bytes = self.0.lock().expect("no panic");
        let offset = bytes.len() as u64;
        bytes.extend_from_slice(frame);
        Ok(offset)
    }

    fn finish(self: Box<Self>) -> Result<(), SpoolError> {
        Ok(())
    }
}

impl FrameReader for Frames {
    fn read(&self, offset: u64, bytes: u32) -> Result<Vec<u8>, SpoolError> {
        let first = usize::try_from(offset).expect("a small file");
        Ok(self.0.lock().expect("no panic")[first..].iter().take(bytes as usize).copied().collect())
    }

    fn place(&self, offset: u64) -> (String, u64) {
        ("memory".to_owned(), offset)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((count, rest)) = bytes.split_first() else { return };
    let packed = zstd::bulk::compress(rest, 1).expect("a frame");
    for frame in [rest, &packed] {
        if let Some(rows) = read(frame, u32::from(*count)) {
            assert_eq!(again(&rows), rows);
        }
    }
});

/// The rows of a chunk, which is `frame`.
fn read(frame: &[u8], rows: u32) -> Option<Vec<Row>> {
    let mut frames = Frames::default();
    let offset = frames.write(frame).expect("room");
    let bytes = u32::try_from(frame.len()).ok()?;
    let extent = ChunkExtent { offset, bytes, rows, crc32: crc32fast::hash(frame) };
    let rows = SpoolReader::of(Box::new(frames)).read(&extent).ok()?;
    assert_eq!(rows.len() as u64, u64::from(extent.rows));
    assert!(rows.len() <= CHUNK_ROWS);
    Some(rows)
}

fn again(rows: &[Row]) -> Vec<Row> {
    let frames = Frames::default();
    let mut writer = SpoolWriter::keep_in(Box::new(frames.clone())).expect("a spool");
    let mut extents = Vec::new();
    for row in rows {
        extents.extend(writer.push(row).expect("room"));
    }
    extents.extend(writer.flush().expect("room"));
    writer.finish().expect("room");
    let reader = SpoolReader::of(Box::new(frames));
    extents.iter().flat_map(|extent| reader.read(extent).expect("what was written")).collect()
}
