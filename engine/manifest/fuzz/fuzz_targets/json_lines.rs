//! Any bytes as JSON Lines: each row names an object or is refused at its place.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_job::row::{KeyEncoding, Row};
use longshore_job::spec::Field;
use longshore_manifest::{JsonLinesReader, ManifestError, RowReader};

fuzz_target!(|bytes: &[u8]| {
    for fields in [vec![], vec![Field::KEY, Field::BUCKET, Field::VERSION_ID, Field::extra("size")]] {
        let mut reader = JsonLinesReader::new(bytes, &fields, KeyEncoding::Raw, None).expect("such columns");
        let (mut row, mut last) = (Row::default(), 0);
        loop {
            match reader.read(&mut row) {
                Ok(false) => break,
                Ok(true) => {
                    row.object(KeyEncoding::Raw).expect("a row that was let in names an object");
                }
                Err(error) => {
                    let ManifestError::Content { row: number, offset: Some(offset), .. } = &error else {
                        panic!("{error}");
                    };
                    assert!(*number > last && *offset <= bytes.len() as u64, "{error}");
                    last = *number;
                    if !error.is_about_one_row() {
                        break;
                    }
                }
            }
        }
    }
});
