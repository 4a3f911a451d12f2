//! What a file is that is not what its job says, by its first bytes: for the message, once it has failed.

use memchr::memmem;

use crate::error::Problem;

/// What unpacks, instead of what does not.
const PACK_OTHERWISE: &str = "unpack it, or pack it with gzip, zstd or bzip2";

/// How much of a file is looked at, in bytes: the `manifest.json` of an inventory says within that what it is.
pub(crate) const START_BYTES: usize = 4096;

/// What starts with these bytes, if it is known and no list of rows in UTF-8.
pub(crate) fn recognised(start: &[u8]) -> Option<Problem> {
    let (what, hint) = match start {
        [0xff, 0xfe, ..]
        | [0xfe, 0xff, ..]
        | [1..=0xff, 0, 1..=0xff, 0, ..]
        | [0, 1..=0xff, 0, 1..=0xff, ..] => ("text in UTF-16", "save it as UTF-8"),
        [b'P', b'A', b'R', b'1', ..] => ("a Parquet file", "write `format = \"Parquet\"` in the job file"),
        [b'O', b'R', b'C', ..] => ("an ORC file", "write `format = \"ORC\"` in the job file"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => ("packed with xz", PACK_OTHERWISE),
        [b'P', b'K', 3, 4, ..] => ("a zip archive", PACK_OTHERWISE),
        [0x04, 0x22, 0x4d, 0x18, ..] => ("packed with lz4", PACK_OTHERWISE),
        [b'{', ..] if has(start, "\"sourceBucket\"") => (
            "the manifest.json of an inventory",
            "write `format = \"S3InventoryReport_CSV_20161130\"` in the job file",
        ),
        [b'{', ..] if has(start, "\"Report_CSV_20180820\"") => (
            "the manifest.json of a completion report",
            "write `format = \"Report_CSV_20180820\"` in the job file",
        ),
        [b'{', ..] => ("JSON", "write `format = \"JSONLines\"` in the job file if it has one object a line"),
        [b'<', ..] => ("XML or HTML", "look into it: it may be what a server said instead of the list"),
        _ => return None,
    };
    Some(Problem::OtherFormat { what, hint })
}

fn has(start: &[u8], word: &str) -> bool {
    memmem::find(start, word.as_bytes()).is_some()
}
