//! Writes a list as an inventory: CSV files, gzip-compressed, and the `manifest.json` that names them (Amazon S3 User Guide,
//! "Amazon S3 Inventory list", "Inventory manifest").

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use longshore_job::row::encode_key;
use md5::{Digest as _, Md5};

use super::ListedRow;

/// Rows of one data file: its compressed size stays far below what one PutObject takes, and readers can take files side by side.
const FILE_ROWS: u64 = 1_000_000;

/// A data file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryFile {
    /// Where it is on this machine.
    pub path: PathBuf,
    /// What it is called below the inventory: `data/00000.csv.gz`.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// MD5, lower-case hex.
    pub md5: String,
}

/// An inventory that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenInventory {
    /// The data files, in order.
    pub files: Vec<InventoryFile>,
    /// The text of `manifest.json`.
    pub manifest: String,
    /// The text of `manifest.checksum`: the MD5 of `manifest.json`, lower-case hex.
    pub checksum: String,
}

/// Writes the data files of an inventory.
#[derive(Debug)]
pub struct InventoryWriter {
    directory: PathBuf,
    bucket: String,
    versions: bool,
    files: Vec<InventoryFile>,
    open: Option<DataFile>,
}

#[derive(Debug)]
struct DataFile {
    path: PathBuf,
    encoder: GzEncoder<Counted>,
    rows: u64,
}

/// A file that is hashed and measured as it is written.
#[derive(Debug)]
struct Counted {
    file: BufWriter<File>,
    md5: Md5,
    size: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.md5.update(bytes.get(..written).unwrap_or_default());
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl InventoryWriter {
    /// An inventory of `bucket` whose data files are written into `directory`; `versions` adds the columns VersionId, IsLatest and
    /// IsDeleteMarker.
    pub fn new(directory: &Path, bucket: &str, versions: bool) -> Self {
        Self {
            directory: directory.to_owned(),
            bucket: bucket.to_owned(),
            versions,
            files: Vec::new(),
            open: None,
        }
    }

    /// Appends a row.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&mut self, row: &ListedRow) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|file| file.rows == FILE_ROWS) {
            self.close()?;
        }
        let line = line(&self.bucket, row, self.versions);
        let file = match &mut self.open {
            Some(file) => file,
            none => none.insert(DataFile::create(&self.directory, self.files.len())?),
        };
        file.rows += 1;
        file.encoder.write_all(line.as_bytes())
    }

    fn close(&mut self) -> io::Result<()> {
        let Some(DataFile { path, encoder, .. }) = self.open.take() else { return Ok(()) };
        let mut counted = encoder.finish()?;
        counted.flush()?;
        counted.file.get_ref().sync_all()?;
        let name = format!("data/{:05}.csv.gz", self.files.len());
        let md5 = hex::encode(counted.md5.finalize());
        self.files.push(InventoryFile { path, name, size: counted.size, md5 });
        Ok(())
    }

    /// Ends the data files and makes the text of `manifest.json`. `target` is the bucket that the inventory is saved in, empty for a
    /// local directory; `prefix` is put before the names of the files.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn finish(mut self, target: &str, prefix: &str, now: Timestamp) -> io::Result<WrittenInventory> {
        self.close()?;
        let files: Vec<serde_json::Value> = self
            .files
            .iter()
            .map(|file| {
                let key = format!("{prefix}{}", file.name);
                serde_json::json!({ "key": key, "size": file.size, "MD5checksum": file.md5 })
            })
            .collect();
        let destination = if target.is_empty() { String::new() } else { format!("arn:aws:s3:::{target}") };
        let manifest = serde_json::json!({
            "sourceBucket": self.bucket,
            "destinationBucket": destination,
            "version": "2016-11-30",
            "creationTimestamp": now.as_millisecond().to_string(),
            "fileFormat": "CSV",
            "fileSchema": schema(self.versions),
            "files": files,
        });
        let manifest = serde_json::to_string_pretty(&manifest)?;
        let checksum = hex::encode(Md5::digest(manifest.as_bytes()));
        Ok(WrittenInventory { files: self.files, manifest, checksum })
    }
}

impl DataFile {
    fn create(directory: &Path, number: usize) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join(format!("{number:05}.csv.gz"));
        let file = Counted { file: BufWriter::new(File::create(&path)?), md5: Md5::new(), size: 0 };
        Ok(Self { path, encoder: GzEncoder::new(file, Compression::fast()), rows: 0 })
    }
}

/// The columns, as `fileSchema` names them.
fn schema(versions: bool) -> &'static str {
    if versions {
        "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"
    } else {
        "Bucket, Key, Size, LastModifiedDate, ETag, StorageClass"
    }
}

/// A line, every cell quoted as Amazon S3 does. No cell holds a quote: keys are percent-encoded.
fn line(bucket: &str, row: &ListedRow, versions: bool) -> String {
    let mut cells = vec![bucket.to_owned(), encode_key(&row.key)];
    if versions {
        cells.push(row.version_id.clone().unwrap_or_default());
        cells.push(row.is_latest.to_string());
        cells.push(row.is_delete_marker.to_string());
    }
    let modified = row.last_modified.and_then(|time| Timestamp::from_millisecond(time).ok());
    let size = if row.is_delete_marker { String::new() } else { row.size.to_string() };
    cells.push(size);
    cells.push(modified.map(|time| format!("{time:.3}")).unwrap_or_default());
    cells.push(row.etag.clone().unwrap_or_default());
    cells.push(row.storage_class.clone().unwrap_or_default());
    let quoted: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    format!("{}\n", quoted.join(","))
}

#[cfg(test)]
#[path = "inventory_tests.rs"]
mod tests;
