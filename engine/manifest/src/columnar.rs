//! What Parquet and ORC files have in common: columns by name, rows in batches.

use longshore_job::spec::{Field, Meaning};

use crate::error::{ManifestError, Problem};
use crate::reader::same_name;

/// Rows that are decoded at once (count; bounds memory).
pub(crate) const BATCH_ROWS: usize = 4096;

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

/// A point in time as inventories in CSV write it. `unit` is ticks per second.
pub(crate) fn shown_time(value: i64, unit: i64) -> String {
    let nanosecond = value.rem_euclid(unit).saturating_mul(1_000_000_000 / unit);
    let time = i32::try_from(nanosecond)
        .ok()
        .and_then(|nanosecond| jiff::Timestamp::new(value.div_euclid(unit), nanosecond).ok());
    time.map_or_else(|| value.to_string(), |time| format!("{time:.3}"))
}
