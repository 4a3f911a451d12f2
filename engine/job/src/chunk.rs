//! Chunks: runs of consecutive manifest rows, the unit of spooling and of checkpoints.

/// Where one chunk lies in its spool file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkExtent {
    /// Where its frame starts, in bytes from the start of the file.
    pub offset: u64,
    /// Length of its frame, in bytes.
    pub bytes: u32,
    /// How many rows it holds.
    pub rows: u32,
    /// CRC-32 (IEEE) of its frame.
    pub crc32: u32,
}
