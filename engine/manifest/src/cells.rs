//! The cells of a row: from bytes to bucket, key, version ID and columns, checked.

use longshore_job::object::bad_bucket_name;
use longshore_job::row::{KeyEncoding, Row, decode_key};
use longshore_job::spec::{Field, Meaning};

use crate::error::{ManifestError, Problem};

/// Longest version ID, in bytes (Amazon S3 User Guide, "Working with version IDs").
const MAX_VERSION_ID_BYTES: usize = 1024;

/// Longest value of a column for the operation, in bytes: what Amazon allows a user argument.
const MAX_COLUMN_BYTES: usize = 1024;

/// Most of a bad cell that is kept to be shown, in bytes: what a key of 1,024 bytes has with all of them encoded.
const SHOWN_BYTES: usize = 3 * 1024;

/// Longest excerpt of a manifest in an error message, in bytes before escaping.
const EXCERPT_BYTES: usize = 120;

/// What the columns of a list mean, and the row they are written to.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) fields: Vec<Field>,
    keys: KeyEncoding,
    /// The bucket of every row, where no column has it.
    bucket: Option<String>,
    /// A row without a version ID names the object itself: nobody asked for the column.
    version_is_optional: bool,
    /// The last bucket that was checked: most rows have the same.
    known: String,
}

impl Shape {
    /// # Errors
    /// [`ManifestError::Schema`] if these columns cannot name objects.
    pub(crate) fn new(
        fields: &[Field],
        keys: KeyEncoding,
        bucket: Option<&str>,
    ) -> Result<Self, ManifestError> {
        check_fields(fields, bucket.is_some())?;
        let bucket = bucket.map(str::to_owned);
        Ok(Self { fields: fields.to_vec(), keys, bucket, version_is_optional: false, known: String::new() })
    }

    /// For files that say their columns themselves: `asked` are those that the job names.
    pub(crate) fn optional_version(self, asked: &[Field]) -> Self {
        Self { version_is_optional: asked.is_empty(), ..self }
    }

    /// How many values for the operation its rows carry.
    fn columns(&self) -> usize {
        self.fields.iter().filter(|field| field.meaning == Meaning::Column).count()
    }

    /// Fills `row` from one cell for each field; a missing cell is null.
    pub(crate) fn fill<'c>(
        &mut self,
        row: &mut Row,
        mut cell: impl FnMut(usize) -> Option<&'c [u8]>,
    ) -> Result<(), Problem> {
        row.problem = None;
        let mut columns = 0;
        let mut versioned = false;
        row.columns.resize(self.columns(), None);
        let Self { fields, keys, bucket, known, version_is_optional } = self;
        for (index, field) in fields.iter().enumerate() {
            match field.meaning {
                Meaning::Ignore => {}
                Meaning::Bucket => check_bucket(cell(index).unwrap_or_default(), known, &mut row.bucket)?,
                Meaning::Key => check_key(cell(index).unwrap_or_default(), *keys, &mut row.key)?,
                Meaning::VersionId if *version_is_optional && cell(index).is_none() => {}
                Meaning::VersionId => {
                    versioned = true;
                    let id = row.version_id.get_or_insert_default();
                    check_version_id(cell(index).unwrap_or_default(), id)?;
                }
                Meaning::Column => {
                    if let Some(place) = row.columns.get_mut(columns) {
                        check_column(field.name(), cell(index), place)?;
                    }
                    columns += 1;
                }
            }
        }
        if !versioned {
            row.version_id = None;
        }
        if let Some(bucket) = bucket {
            row.bucket.clone_from(bucket);
        }
        Ok(())
    }

    /// Fills `row` with whatever can be shown of a bad one.
    pub(crate) fn show<'c>(&self, row: &mut Row, mut cell: impl FnMut(usize) -> Option<&'c [u8]>) {
        *row = Row { columns: vec![None; self.columns()], ..Row::default() };
        row.bucket = self.bucket.clone().unwrap_or_default();
        for (index, field) in self.fields.iter().enumerate() {
            let Some(cell) = cell(index) else { continue };
            let cell = cell.get(..SHOWN_BYTES).unwrap_or(cell);
            let text = || String::from_utf8_lossy(cell).into_owned();
            match field.meaning {
                Meaning::Bucket => row.bucket = text(),
                Meaning::Key => row.key = text(),
                Meaning::VersionId => row.version_id = Some(text()),
                Meaning::Ignore | Meaning::Column => {}
            }
        }
    }
}

fn check_fields(fields: &[Field], bucket: bool) -> Result<(), ManifestError> {
    let count = |meaning| fields.iter().filter(|field| field.meaning == meaning).count();
    let needed =
        [Meaning::Bucket, Meaning::Key].into_iter().filter(|needed| !bucket || *needed == Meaning::Key);
    let missing: Vec<&str> = needed.filter(|needed| count(*needed) == 0).map(Meaning::name).collect();
    if !missing.is_empty() {
        return Err(ManifestError::Schema {
            problem: Problem::FieldsMissing { missing: missing.join(", ") },
        });
    }
    match [Meaning::Bucket, Meaning::Key, Meaning::VersionId].into_iter().find(|meaning| count(*meaning) > 1)
    {
        Some(meaning) => {
            Err(ManifestError::Schema { problem: Problem::FieldTwice { field: meaning.name() } })
        }
        None => Ok(()),
    }
}

fn set(place: &mut String, text: &str) {
    place.clear();
    place.push_str(text);
}

/// Only what can be no bucket on any store is refused; S3's own naming rules are stricter.
fn check_bucket(cell: &[u8], known: &mut String, place: &mut String) -> Result<(), Problem> {
    if known.as_bytes() != cell || cell.is_empty() {
        let refused = |why| Err(Problem::Bucket { text: excerpt(cell), why });
        match std::str::from_utf8(cell) {
            Ok("") => return Err(Problem::BucketEmpty),
            Ok(name) => match bad_bucket_name(name) {
                Some(why) => return refused(why),
                None => set(known, name),
            },
            Err(_) => return refused("it is not UTF-8"),
        }
    }
    set(place, known);
    Ok(())
}

fn check_key(cell: &[u8], keys: KeyEncoding, place: &mut String) -> Result<(), Problem> {
    let text = std::str::from_utf8(cell).map_err(|_| Problem::KeyNotUtf8 { text: excerpt(cell) })?;
    // Without an escape, the key is what is written.
    let keys = if memchr::memchr(b'%', cell).is_none() { KeyEncoding::Raw } else { keys };
    match decode_key(text, keys) {
        Ok(_) => {
            set(place, text);
            Ok(())
        }
        Err(bad) => Err(Problem::Key { bad, text: excerpt(cell) }),
    }
}

fn check_version_id(cell: &[u8], place: &mut String) -> Result<(), Problem> {
    let refused = |why| Err(Problem::VersionId { text: excerpt(cell), why });
    match std::str::from_utf8(cell) {
        Ok(_) if cell.len() > MAX_VERSION_ID_BYTES => refused("it is longer than 1,024 bytes"),
        Ok(id) if id.contains(char::is_control) => refused("it contains a control character"),
        Ok(id) => {
            set(place, id);
            Ok(())
        }
        Err(_) => refused("it is not UTF-8"),
    }
}

fn check_column(name: &str, cell: Option<&[u8]>, place: &mut Option<String>) -> Result<(), Problem> {
    let Some(cell) = cell else {
        *place = None;
        return Ok(());
    };
    let refused = |why| Err(Problem::Column { name: name.to_owned(), text: excerpt(cell), why });
    match std::str::from_utf8(cell) {
        Ok(_) if cell.len() > MAX_COLUMN_BYTES => refused("it is longer than 1,024 bytes"),
        Ok(text) => {
            set(place.get_or_insert_default(), text);
            Ok(())
        }
        Err(_) => refused("it is not UTF-8"),
    }
}

/// Bytes of the manifest for a message: escaped, and cut where they are long.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    match bytes.get(..EXCERPT_BYTES) {
        Some(start) if bytes.len() > EXCERPT_BYTES => {
            format!("{}… ({} bytes)", start.escape_ascii(), bytes.len())
        }
        _ => bytes.escape_ascii().to_string(),
    }
}

pub(crate) fn quoted(cell: &[u8]) -> String {
    format!("\"{}\"", excerpt(cell))
}
