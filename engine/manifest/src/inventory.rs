//! Amazon S3 inventories: `manifest.json` and what its data files say (Amazon S3 User Guide, "Amazon S3 Inventory").

use std::sync::Arc;

use longshore_job::Row;
use longshore_job::filter::Matcher;
use longshore_job::row::KeyEncoding;
use longshore_job::spec::{DeleteMarkers, Field, Meaning};
use serde::{Deserialize, Serialize};

use crate::error::{ManifestError, Problem};
use crate::inventory_filter::{RowFilter, columns_of};
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

    /// The columns of its CSV files, in order.
    ///
    /// # Errors
    /// [`ManifestError::Schema`] if columns are missing.
    pub fn csv_fields(&self, options: &InventoryOptions) -> Result<Vec<Field>, ManifestError> {
        let names: Vec<&str> = self.file_schema.split(',').map(str::trim).collect();
        let missing: Vec<&str> = ["Bucket", "Key"]
            .into_iter()
            .chain(options.columns.iter().map(Field::name))
            .filter(|wanted| !names.iter().any(|name| same_name(name, wanted)))
            .collect();
        if !missing.is_empty() {
            let problem = Problem::ColumnsMissing { missing: missing.join(", "), found: names.join(", ") };
            return Err(ManifestError::Schema { problem });
        }
        let extra = options.extra_fields(&names)?;
        Ok(names.into_iter().map(|name| inventory_field(name, &extra)).collect())
    }
}

/// What is wanted of an inventory.
#[derive(Debug, Clone)]
pub struct InventoryOptions {
    /// Columns that are handed to the operation.
    pub columns: Vec<Field>,
    /// What becomes of delete markers.
    pub markers: DeleteMarkers,
    /// Which rows; all if there is none.
    pub filter: Option<Arc<Matcher>>,
}

impl InventoryOptions {
    /// The columns that are read from Parquet and ORC files with these columns.
    ///
    /// # Errors
    /// [`ManifestError::Schema`] if one that the filter asks for is missing.
    pub fn named_fields(&self, names: &[String]) -> Result<Vec<Field>, ManifestError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut fields = vec![Field::BUCKET, Field::KEY];
        let versions = names.iter().any(|name| same_name(name, Field::VERSION_ID.name()));
        fields.extend(versions.then_some(Field::VERSION_ID));
        fields.extend(self.extra_fields(&names)?);
        Ok(fields)
    }

    /// The columns beside those that name the object, each once: for the operation, for the filter, and that which says
    /// what is a delete marker.
    fn extra_fields(&self, names: &[&str]) -> Result<Vec<Field>, ManifestError> {
        let mut fields = self.columns.clone();
        let asked = self.filter.as_ref().map(|filter| columns_of(filter, names)).transpose()?;
        let marker = names.iter().any(|name| same_name(name, MARKER)).then(|| Field::extra(MARKER));
        for field in asked.into_iter().flatten().chain(marker) {
            if !fields.iter().any(|known| same_name(known.name(), field.name())) {
                fields.push(field);
            }
        }
        Ok(fields)
    }
}

/// The column that says what is a delete marker.
const MARKER: &str = "IsDeleteMarker";

fn is_md5(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn inventory_field(name: &str, extra: &[Field]) -> Field {
    let plain = [Field::BUCKET, Field::KEY, Field::VERSION_ID];
    let mut known = plain.iter().chain(extra);
    known.find(|field| same_name(name, field.name())).cloned().unwrap_or(Field::IGNORE)
}

/// The rows of one data file, as they are meant: without a version ID the null version, delete markers as the job wants them.
pub struct InventoryRows {
    rows: Box<dyn RowReader>,
    markers: DeleteMarkers,
    filter: Option<RowFilter>,
    /// Of the last row, from 1.
    number: u64,
    /// Where the rows have what the job wants, in its order; nothing if they have just that.
    wanted: Option<Vec<usize>>,
    marker: Option<usize>,
    /// Keys stand in the file as they are: they are written as reports want them.
    encode: bool,
}

impl InventoryRows {
    /// Takes the rows of a data file that was opened with `fields`, in which keys stand as `keys` says.
    pub fn new(
        rows: Box<dyn RowReader>,
        fields: &[Field],
        options: &InventoryOptions,
        keys: KeyEncoding,
    ) -> Self {
        let read: Vec<&Field> = fields.iter().filter(|field| field.meaning == Meaning::Column).collect();
        let place = |wanted: &str| read.iter().position(|field| same_name(field.name(), wanted));
        let wanted: Vec<usize> = options.columns.iter().filter_map(|column| place(column.name())).collect();
        let filter = options.filter.clone().map(|matcher| RowFilter::new(matcher, place, keys));
        Self {
            rows,
            markers: options.markers,
            filter,
            number: 0,
            wanted: (!wanted.iter().copied().eq(0..read.len())).then_some(wanted),
            marker: place(MARKER),
            encode: keys == KeyEncoding::Raw,
        }
    }

    fn is_marker(&self, row: &Row) -> bool {
        let marker = self.marker.and_then(|place| row.columns.get(place)).and_then(Option::as_deref);
        marker.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn is_meant(&self, row: &Row) -> Result<bool, ManifestError> {
        if self.markers == DeleteMarkers::Skip && self.is_marker(row) {
            return Ok(false);
        }
        let asked = self.filter.as_ref().map_or(Ok(true), |filter| filter.passes(row));
        asked.map_err(|problem| ManifestError::Content { row: self.number, offset: None, problem })
    }
}

impl RowReader for InventoryRows {
    fn read(&mut self, row: &mut Row) -> Result<bool, ManifestError> {
        loop {
            self.number += 1;
            match self.rows.read(row) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                // One file of several may be empty.
                Err(error) if error.is_empty_list() => return Ok(false),
                Err(error) => return Err(error),
            }
            if !self.is_meant(row)? {
                continue;
            }
            if row.version_id.as_deref() == Some("") {
                row.version_id = Some("null".to_owned());
            }
            if self.encode {
                row.key = longshore_job::row::encode_key(&row.key);
            }
            if let Some(wanted) = &self.wanted {
                let take = |place: &usize| row.columns.get(*place).cloned().flatten();
                row.columns = wanted.iter().map(take).collect();
            }
            return Ok(true);
        }
    }
}
