//! Amazon S3 inventories: `manifest.json` and what its data files say (Amazon S3 User Guide, "Amazon S3 Inventory").

use longshore_job::Row;
use longshore_job::spec::{DeleteMarkers, Field, Meaning};
use serde::{Deserialize, Serialize};

use crate::error::{ManifestError, Problem};
use crate::reader::{RowReader, same_name};

/// Largest `manifest.json`, in bytes: one of a billion objects has a few thousand files of 150 bytes.
pub const MAX_INDEX_BYTES: usize = 16 * 1024 * 1024;

/// How `destinationBucket` names a bucket.
const BUCKET_ARN: &str = "arn:";

/// The `manifest.json` of an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// Bucket whose objects are listed.
    pub source_bucket: String,
    /// ARN of the bucket that holds the data files.
    pub destination_bucket: String,
    /// `2016-11-30`.
    pub version: String,
    /// Milliseconds since 1970, as a string.
    pub creation_timestamp: String,
    /// How the data files are written.
    pub file_format: FileFormat,
    /// Names of the columns (CSV), or the schema in the format's own words.
    pub file_schema: String,
    /// The data files.
    pub files: Vec<DataFile>,
}

/// How the data files of an inventory are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileFormat {
    /// gzip CSV, every cell in quotes, keys percent-encoded.
    #[serde(rename = "CSV")]
    Csv,
    /// Parquet, keys as they are.
    Parquet,
    /// ORC, keys as they are.
    #[serde(rename = "ORC")]
    Orc,
}

/// A data file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its key in the destination bucket.
    pub key: String,
    /// Its size in bytes, as it is stored.
    pub size: u64,
    /// MD5 of it as it is stored, in hex.
    #[serde(rename = "MD5checksum")]
    pub md5: String,
}

impl Inventory {
    /// Reads a `manifest.json`.
    ///
    /// # Errors
    /// [`ManifestError::Schema`] if it is none.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let index = |why: String| ManifestError::Schema { problem: Problem::Index(why) };
        let inventory: Self = serde_json::from_slice(text)
            .map_err(|error| index(format!("this is no manifest.json of an inventory: {error}")))?;
        if inventory.files.is_empty() {
            return Err(index("the inventory has no data files; its bucket was empty".to_owned()));
        }
        if let Some(file) = inventory.files.iter().find(|file| !is_md5(&file.md5)) {
            return Err(index(format!("MD5checksum {:?} of {} is no MD5", file.md5, file.key)));
        }
        Ok(inventory)
    }

    /// Plain name of the bucket that holds the data files.
    pub fn bucket(&self) -> &str {
        let name = &self.destination_bucket;
        if name.starts_with(BUCKET_ARN) { name.rsplit(':').next().unwrap_or(name) } else { name }
    }

    /// The columns of its CSV files, of which `columns` are handed to the operation. The last is that which says what is a
    /// delete marker, if there is one.
    ///
    /// # Errors
    /// [`ManifestError::Schema`] if columns are missing.
    pub fn csv_fields(&self, columns: &[Field]) -> Result<Vec<Field>, ManifestError> {
        let names: Vec<&str> = self.file_schema.split(',').map(str::trim).collect();
        let missing: Vec<&str> = ["Bucket", "Key"]
            .into_iter()
            .chain(columns.iter().map(Field::name))
            .filter(|wanted| !names.iter().any(|name| same_name(name, wanted)))
            .collect();
        if !missing.is_empty() {
            let problem = Problem::ColumnsMissing { missing: missing.join(", "), found: names.join(", ") };
            return Err(ManifestError::Schema { problem });
        }
        Ok(names.into_iter().map(|name| inventory_field(name, columns)).collect())
    }

    /// The columns that are read from Parquet and ORC files with these columns.
    pub fn named_fields(columns: &[Field], names: &[String]) -> Vec<Field> {
        let has = |wanted: &str| names.iter().any(|name| same_name(name, wanted));
        let mut fields = vec![Field::BUCKET, Field::KEY];
        fields.extend(has("VersionId").then_some(Field::VERSION_ID));
        fields.extend(columns.iter().cloned());
        if has(MARKER) && !columns.iter().any(|column| same_name(column.name(), MARKER)) {
            fields.push(Field::extra(MARKER));
        }
        fields
    }
}

/// The column that says what is a delete marker.
const MARKER: &str = "IsDeleteMarker";

fn is_md5(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn inventory_field(name: &str, columns: &[Field]) -> Field {
    let plain = [Field::BUCKET, Field::KEY, Field::VERSION_ID];
    if let Some(field) = plain.into_iter().find(|field| same_name(name, field.name())) {
        return field;
    }
    match columns.iter().find(|column| same_name(name, column.name())) {
        Some(column) => column.clone(),
        None if same_name(name, MARKER) => Field::extra(MARKER),
        None => Field::IGNORE,
    }
}

/// The rows of one data file, as they are meant: without a version ID the null version, delete markers as the job wants them.
pub struct InventoryRows {
    rows: Box<dyn RowReader>,
    markers: DeleteMarkers,
    /// Where the rows have what the job wants, in its order.
    wanted: Vec<usize>,
    marker: Option<usize>,
    /// Keys stand in the file as they are: they are written as reports want them.
    encode: bool,
}

impl InventoryRows {
    /// Takes the rows of a data file that was opened with `fields`.
    pub fn new(
        rows: Box<dyn RowReader>,
        fields: &[Field],
        columns: &[Field],
        markers: DeleteMarkers,
        encode: bool,
    ) -> Self {
        let read: Vec<&Field> = fields.iter().filter(|field| field.meaning == Meaning::Column).collect();
        let place = |wanted: &str| read.iter().position(|field| same_name(field.name(), wanted));
        let wanted = columns.iter().filter_map(|column| place(column.name())).collect();
        Self { rows, markers, wanted, marker: place(MARKER), encode }
    }

    fn is_marker(&self, row: &Row) -> bool {
        let marker = self.marker.and_then(|place| row.columns.get(place)).and_then(Option::as_deref);
        marker.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

impl RowReader for InventoryRows {
    fn read(&mut self, row: &mut Row) -> Result<bool, ManifestError> {
        loop {
            match self.rows.read(row) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                // One file of several may be empty.
                Err(error) if error.is_empty_list() => return Ok(false),
                Err(error) => return Err(error),
            }
            if self.is_marker(row) && self.markers == DeleteMarkers::Skip {
                continue;
            }
            if row.version_id.as_deref() == Some("") {
                row.version_id = Some("null".to_owned());
            }
            if self.encode {
                row.key = longshore_job::row::encode_key(&row.key);
            }
            if self.wanted.len() != row.columns.len() {
                let take = |place: &usize| row.columns.get(*place).cloned().flatten();
                row.columns = self.wanted.iter().map(take).collect();
            }
            return Ok(true);
        }
    }
}
