//! Any bytes as a CSV list, compressed or not: each row names an object or is refused at a place in the list. The rows are the
//! same in whatever pieces the bytes arrive.

#![no_main]

use std::io::{self, Read};

use libfuzzer_sys::fuzz_target;
use longshore_job::row::{KeyEncoding, Row};
use longshore_job::spec::Field;
use longshore_manifest::{CsvOptions, CsvReader, ManifestError, RowReader, decompressed};

/// Gives one byte at a time.
struct Drop<'b>(&'b [u8]);

impl Read for Drop<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(1);
        self.0.read(&mut buffer[..most])
    }
}

/// Unpacked lists are cut there, in bytes: a bomb is for the engine to read to its end, not for this.
const MOST: u64 = 1 << 20;

fn rows(source: impl Read + Send, options: &CsvOptions) -> Vec<Result<Row, String>> {
    let mut reader = CsvReader::new(source, options.clone()).expect("columns that name objects");
    let (mut found, mut last) = (Vec::new(), 0);
    loop {
        let mut row = Row::default();
        match reader.read(&mut row) {
            Ok(false) => return found,
            Ok(true) => {
                row.object(options.keys).expect("a row that was let in names an object");
                found.push(Ok(row));
            }
            Err(error) => {
                if let ManifestError::Content { row, offset, .. } = &error {
                    assert!(*row > last && offset.is_some(), "{error}");
                    last = *row;
                }
                found.push(Err(error.to_string()));
                if !error.is_about_one_row() {
                    assert!(!reader.read(&mut row).expect("nothing follows an error of the whole list"));
                    return found;
                }
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, list)) = bytes.split_first() else { return };
    let bit = |number: u8| choice >> number & 1 == 1;
    let mut fields = vec![Field::BUCKET, Field::KEY];
    if bit(0) {
        fields.extend([Field::VERSION_ID, Field::IGNORE, Field::extra("owner")]);
    }
    let options = CsvOptions {
        fields: if bit(1) && bit(2) { Vec::new() } else { fields },
        keys: if bit(3) { KeyEncoding::Raw } else { KeyEncoding::Url },
        header: bit(1),
        delimiter: if bit(4) { b'\t' } else { b',' },
        bucket: None,
    };
    assert_eq!(rows(list, &options), rows(Drop(list), &options));
    if let Ok((unpacked, _)) = decompressed(list) {
        rows(unpacked.take(MOST), &options);
    }
});
