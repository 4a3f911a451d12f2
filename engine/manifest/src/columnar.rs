//! What Parquet and ORC files have in common: columns by name, rows in batches.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use longshore_job::spec::{Field, Meaning};

use crate::cells::excerpt;
use crate::decode::Compression;
use crate::error::{ManifestError, Problem};
use crate::reader::same_name;
use crate::recognise::{START_BYTES, recognised};

/// Rows that are decoded at once (count; bounds memory).
pub(crate) const BATCH_ROWS: usize = 4096;

/// How much of the start of an unknown file is shown, in bytes.
const SHOWN_BYTES: usize = 24;

/// The columns that are read where the job names none.
pub(crate) fn fields_or_default(fields: &[Field], bucket: bool) -> Vec<Field> {
    if !fields.is_empty() {
        return fields.to_vec();
    }
    let all = [Field::BUCKET, Field::KEY, Field::VERSION_ID];
    all.into_iter().filter(|field| !bucket || field.meaning != Meaning::Bucket).collect()
}

/// Which column of the file each field is. Fields that may be missing and are, are left out: `VersionId` where the job names
/// no columns.
pub(crate) fn find_columns(
    fields: &[Field],
    bucket: bool,
    names: &[String],
) -> Result<Vec<(Field, usize)>, ManifestError> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for field in fields_or_default(fields, bucket) {
        let exact = names.iter().position(|name| name == field.name());
        match exact.or_else(|| names.iter().position(|name| same_name(name, field.name()))) {
            Some(index) => found.push((field, index)),
            None if fields.is_empty() && field.meaning == Meaning::VersionId => {}
            None if field.meaning == Meaning::Ignore => {}
            None => missing.push(field.name().to_owned()),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let problem = Problem::ColumnsMissing { missing: missing.join(", "), found: names.join(", ") };
    Err(ManifestError::Schema { problem })
}

/// A file that does not start as its format does, named by what it is if that is known.
pub(crate) fn check_magic(file: &File, what: &'static str, magic: &[u8]) -> Result<(), ManifestError> {
    let damaged = |error: io::Error| ManifestError::Damaged { what, why: error.to_string() };
    let mut file = file;
    file.seek(SeekFrom::Start(0)).map_err(damaged)?;
    let mut start = Vec::with_capacity(START_BYTES);
    file.take(START_BYTES as u64).read_to_end(&mut start).map_err(damaged)?;
    if start.starts_with(magic) {
        return Ok(());
    }
    let problem = match Compression::of(&start) {
        Compression::None => recognised(&start).unwrap_or_else(|| {
            let start = excerpt(start.get(..SHOWN_BYTES).unwrap_or(&start));
            Problem::OtherStart { what, start }
        }),
        packed => Problem::Packed { what, compression: packed.name() },
    };
    Err(ManifestError::Schema { problem })
}

/// A point in time as inventories in CSV write it. `unit` is ticks per second.
pub(crate) fn shown_time(value: i64, unit: i64) -> String {
    let nanosecond = value.rem_euclid(unit).saturating_mul(1_000_000_000 / unit);
    let time = i32::try_from(nanosecond)
        .ok()
        .and_then(|nanosecond| jiff::Timestamp::new(value.div_euclid(unit), nanosecond).ok());
    time.map_or_else(|| value.to_string(), |time| format!("{time:.3}"))
}

/// A day as ISO 8601 writes it. `days` are counted from 1970.
pub(crate) fn shown_date(days: i32) -> String {
    let epoch = jiff::civil::Date::constant(1970, 1, 1);
    let date = epoch.checked_add(jiff::Span::new().try_days(days).unwrap_or_default());
    date.map_or_else(|_| days.to_string(), |date| date.to_string())
}
