//! Rows from a list that somebody has written: one file, or the files that a `manifest.json` names.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::vec::IntoIter;

use longshore_job::spec::{ListFormat, ListSpec, Location, Origin};
use longshore_job::{KeyEncoding, Row};
use longshore_manifest::{
    CsvOptions, CsvReader, FileFormat, Inventory, InventoryOptions, InventoryRows, JsonLinesReader,
    MAX_INDEX_BYTES, ManifestError, OrcReader, ParquetReader, ReportIndex, ReportReader, RowReader,
    decompressed, no_rows, report_options,
};

use super::bytes::{Content, Pin, open};
use super::{Access, ReadFile, RowSource, locate};
use crate::error::{JobFailure, RunnerError};

/// A list that is being read.
pub(crate) struct List {
    spec: ListSpec,
    access: Access,
    /// The `manifest.json` of a list that is several files.
    index: Option<(Index, Pin)>,
    waiting: IntoIter<Part>,
    current: Option<Reading>,
}

enum Index {
    Inventory(Inventory, InventoryOptions),
    Report,
}

/// One file of rows.
struct Part {
    origin: Origin,
    version_id: Option<String>,
    etag: Option<String>,
    /// What a `manifest.json` says of it.
    md5: Option<String>,
    size: Option<u64>,
}

impl Part {
    /// The MD5 that it must have: as a `manifest.json` says, or as the ETag of a local file.
    fn expected_md5(&self) -> Option<&str> {
        let local_etag =
            self.etag.as_deref().filter(|_| !matches!(self.origin, Origin::At(Location::S3 { .. })));
        self.md5.as_deref().or(local_etag)
    }
}

struct Reading {
    rows: Box<dyn RowReader>,
    pin: Pin,
    part: Part,
    /// Bytes of it could be left unread by its reader: a columnar file was copied whole.
    whole: bool,
}

impl List {
    pub(crate) fn open(spec: &ListSpec, access: &Access) -> Result<Self, JobFailure> {
        let (spec, access) = (spec.clone(), access.clone());
        let whole = Part {
            origin: spec.location.clone(),
            version_id: spec.version_id.clone(),
            etag: spec.etag.clone(),
            md5: None,
            size: None,
        };
        let single = |spec, access| Self {
            spec,
            access,
            index: None,
            waiting: vec![whole].into_iter(),
            current: None,
        };
        match spec.format {
            ListFormat::Inventory { .. } => Self::inventory(spec, access),
            ListFormat::Report { .. } if is_index(&spec.location) => Self::report(spec, access),
            _ => Ok(single(spec, access)),
        }
    }

    fn inventory(spec: ListSpec, access: Access) -> Result<Self, JobFailure> {
        let (text, pin) = index(&spec, &access)?;
        let inventory = Inventory::parse(&text).map_err(|error| failure(pin.name(), &error))?;
        let options = inventory_options(&spec, &access)?;
        if inventory.file_format == FileFormat::Csv {
            inventory.csv_fields(&options).map_err(|error| failure(pin.name(), &error))?;
        }
        let mut parts = Vec::with_capacity(inventory.files.len());
        for file in &inventory.files {
            let origin = locate::part(&spec.location, inventory.bucket(), &file.key)?;
            let md5 = Some(file.md5.clone());
            parts.push(Part { origin, version_id: None, etag: None, md5, size: Some(file.size) });
        }
        let index = Some((Index::Inventory(inventory, options), pin));
        Ok(Self { spec, access, index, waiting: parts.into_iter(), current: None })
    }

    fn report(spec: ListSpec, access: Access) -> Result<Self, JobFailure> {
        let (text, pin) = index(&spec, &access)?;
        let report = ReportIndex::parse(&text).map_err(|error| failure(pin.name(), &error))?;
        let ListFormat::Report { rows } = spec.format else { return Err(internal("a report that is none")) };
        let mut parts = Vec::new();
        for file in report.files(rows) {
            let origin = locate::part(&spec.location, &file.bucket, &file.key)?;
            parts.push(Part {
                origin,
                version_id: None,
                etag: None,
                md5: Some(file.md5.clone()),
                size: None,
            });
        }
        if parts.is_empty() {
            let problem = no_rows(rows);
            return Err(failure(pin.name(), &ManifestError::Schema { problem }));
        }
        Ok(Self {
            spec,
            access,
            index: Some((Index::Report, pin)),
            waiting: parts.into_iter(),
            current: None,
        })
    }

    /// Opens one file of rows.
    fn start(&self, part: Part) -> Result<Reading, JobFailure> {
        let (version, etag) = (part.version_id.as_deref(), part.etag.as_deref());
        let content = open(&part.origin, version, etag, part.expected_md5().is_some(), &self.access)?;
        let name = content.pin.name().to_owned();
        let Content { reader, pin } = content;
        let failed = |error: ManifestError| {
            self.access.tell(&name, &error);
            failure(&name, &error)
        };
        let columnar = match (&self.spec.format, &self.index) {
            (ListFormat::Parquet, _) => Some(FileFormat::Parquet),
            (ListFormat::Orc, _) => Some(FileFormat::Orc),
            (_, Some((Index::Inventory(inventory, _), _))) => {
                Some(inventory.file_format).filter(|format| *format != FileFormat::Csv)
            }
            _ => None,
        };
        let rows = match columnar {
            Some(format) => self.columnar(self.copy(reader, &pin)?, format).map_err(failed)?,
            None => {
                let (text, _) = decompressed(reader).map_err(|error| broken(&pin, &error))?;
                self.text(text).map_err(failed)?
            }
        };
        Ok(Reading { rows, pin, part, whole: columnar.is_some() })
    }

    /// Rows of a text file.
    fn text(&self, text: Box<dyn Read + Send>) -> Result<Box<dyn RowReader>, ManifestError> {
        let ListSpec { format, fields, keys, bucket, .. } = &self.spec;
        Ok(match format {
            ListFormat::Csv { header, delimiter } => {
                let options = CsvOptions {
                    fields: fields.clone(),
                    keys: *keys,
                    header: *header,
                    delimiter: u8::try_from(*delimiter).unwrap_or(b','),
                    bucket: bucket.clone(),
                };
                Box::new(CsvReader::new(text, options)?)
            }
            ListFormat::JsonLines => Box::new(JsonLinesReader::new(text, fields, *keys, bucket.as_deref())?),
            ListFormat::Report { rows } => {
                Box::new(ReportReader::new(CsvReader::new(text, report_options(*keys))?, *rows))
            }
            ListFormat::Inventory { .. } => {
                let Some((Index::Inventory(inventory, options), _)) = &self.index else {
                    return Err(ManifestError::Damaged {
                        what: "inventory",
                        why: "it has no manifest.json".into(),
                    });
                };
                let read = inventory.csv_fields(options)?;
                let rows = Box::new(CsvReader::new(text, CsvOptions::amazon(&read, *keys))?);
                Box::new(InventoryRows::new(rows, &read, options, *keys))
            }
            ListFormat::Parquet | ListFormat::Orc => {
                return Err(ManifestError::Damaged { what: "columnar", why: "it was read as text".into() });
            }
        })
    }

    /// Rows of a Parquet or ORC file.
    fn columnar(&self, file: File, format: FileFormat) -> Result<Box<dyn RowReader>, ManifestError> {
        let ListSpec { fields, keys, bucket, .. } = &self.spec;
        let Some((Index::Inventory(_, options), _)) = &self.index else {
            return open_columnar(file, format, fields, *keys, bucket.as_deref());
        };
        let names = match format {
            FileFormat::Orc => OrcReader::names(&file)?,
            FileFormat::Parquet | FileFormat::Csv => ParquetReader::names(&file)?,
        };
        let read = options.named_fields(&names)?;
        let rows = open_columnar(file, format, &read, KeyEncoding::Raw, None)?;
        Ok(Box::new(InventoryRows::new(rows, &read, options, KeyEncoding::Raw)))
    }

    /// A file that can be read at any place, with these bytes: Parquet and ORC say at their end what is in them. It has no
    /// name and is gone with the reader.
    fn copy(&self, mut reader: Box<dyn Read + Send>, pin: &Pin) -> Result<File, JobFailure> {
        let failed = |error: io::Error| {
            let error = RunnerError::io("write a copy of the list to", &self.access.directory)(error);
            JobFailure::new("ManifestNotReadable", error.to_string())
        };
        let mut file = tempfile::tempfile_in(&self.access.directory).map_err(failed)?;
        io::copy(&mut reader, &mut file).map_err(|error| broken(pin, &error))?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok(file)
    }

    /// Looks at a file after its last row, or after the last that is wanted.
    fn end(&self, reading: Reading) -> Result<(), JobFailure> {
        let Reading { mut rows, pin, part, whole } = reading;
        if let Some(expected) = part.expected_md5() {
            // The sum is that of the whole file, also where a limit ends its tasks early.
            while !whole && skip(&mut *rows, &pin)? {}
            let found = pin.md5();
            if !found.eq_ignore_ascii_case(expected) {
                return Err(wrong_md5(&pin, expected, &found, part.md5.is_some()));
            }
        }
        if let Some(size) = part.size.filter(|size| *size != pin.bytes()) {
            let reason = format!(
                "{}: manifest.json says it has {size} bytes, but it has {}; copy the file again",
                pin.name(),
                pin.bytes()
            );
            return Err(JobFailure::new("InvalidManifestContent", reason));
        }
        pin.check(&self.access)?;
        if let Some(witness) = &self.access.witness {
            witness.file(ReadFile { name: pin.name(), bytes: pin.bytes(), etag: &pin.etag() });
        }
        Ok(())
    }
}

impl RowSource for List {
    fn next(&mut self, row: &mut Row) -> Result<bool, JobFailure> {
        loop {
            if let Some(reading) = &mut self.current {
                match reading.rows.read(row) {
                    Ok(true) => return Ok(true),
                    Ok(false) => {}
                    Err(error) if self.access.skip_bad_rows && error.is_about_one_row() => {
                        self.access.tell(reading.pin.name(), &error);
                        row.problem = Some(format!("{}: {error}", reading.pin.name()));
                        return Ok(true);
                    }
                    Err(error) => {
                        self.access.tell(reading.pin.name(), &error);
                        return Err(explained(&reading.pin, error));
                    }
                }
            }
            if let Some(reading) = self.current.take() {
                self.end(reading)?;
            }
            let Some(part) = self.waiting.next() else { return Ok(false) };
            self.current = Some(self.start(part)?);
        }
    }

    fn finish(&mut self) -> Result<(), JobFailure> {
        if let Some(reading) = self.current.take() {
            self.end(reading)?;
        }
        self.index.as_ref().map_or(Ok(()), |(_, pin)| pin.check(&self.access))
    }
}

/// What the job wants of its inventory. Ages count back from its submission.
fn inventory_options(spec: &ListSpec, access: &Access) -> Result<InventoryOptions, JobFailure> {
    let ListFormat::Inventory { delete_markers: markers, filter } = &spec.format else {
        return Err(internal("an inventory that is none"));
    };
    let filter = (!filter.is_empty()).then(|| filter.compile(access.submitted)).transpose();
    let filter = filter.map_err(|why| JobFailure::new("InvalidManifestContent", why))?.map(Arc::new);
    Ok(InventoryOptions { columns: spec.fields.clone(), markers: *markers, filter })
}

fn open_columnar(
    file: File,
    format: FileFormat,
    fields: &[longshore_job::spec::Field],
    keys: KeyEncoding,
    bucket: Option<&str>,
) -> Result<Box<dyn RowReader>, ManifestError> {
    Ok(match format {
        FileFormat::Orc => Box::new(OrcReader::new(file, fields, keys, bucket)?),
        FileFormat::Parquet | FileFormat::Csv => Box::new(ParquetReader::new(file, fields, keys, bucket)?),
    })
}

/// Reads past a row, good or bad.
fn skip(rows: &mut dyn RowReader, pin: &Pin) -> Result<bool, JobFailure> {
    match rows.read(&mut Row::default()) {
        Err(error) if !error.is_about_one_row() => Err(explained(pin, error)),
        Ok(more) => Ok(more),
        Err(_) => Ok(true),
    }
}

fn is_index(origin: &Origin) -> bool {
    matches!(origin, Origin::At(Location::Local(name) | Location::S3 { key: name, .. }) if name.ends_with(".json"))
}

/// The whole `manifest.json`, checked against the ETag that a local one must have.
fn index(spec: &ListSpec, access: &Access) -> Result<(Vec<u8>, Pin), JobFailure> {
    let Content { reader, pin } =
        open(&spec.location, spec.version_id.as_deref(), spec.etag.as_deref(), spec.etag.is_some(), access)?;
    let mut text = Vec::new();
    let limit = MAX_INDEX_BYTES as u64;
    reader.take(limit + 1).read_to_end(&mut text).map_err(|error| broken(&pin, &error))?;
    if text.len() > MAX_INDEX_BYTES {
        let reason = format!("{}: it is longer than {MAX_INDEX_BYTES} bytes: no manifest.json", pin.name());
        return Err(JobFailure::new("InvalidManifestContent", reason));
    }
    if let (Some(expected), false) = (&spec.etag, matches!(spec.location, Origin::At(Location::S3 { .. }))) {
        let found = pin.md5();
        if !found.eq_ignore_ascii_case(expected) {
            return Err(wrong_md5(&pin, expected, &found, false));
        }
    }
    Ok((text, pin))
}

fn wrong_md5(pin: &Pin, expected: &str, found: &str, of_index: bool) -> JobFailure {
    let name = pin.name();
    if of_index {
        let reason = format!(
            "{name}: manifest.json says its MD5 is {expected}, but it is {found}; copy the file again"
        );
        return JobFailure::new("InvalidManifestContent", reason);
    }
    let reason = format!(
        "{name}: the job file says the manifest's ETag is {expected}, but the file's MD5 is {found}; \
         the list changed since the job was written: check it, then correct or remove manifest.etag"
    );
    JobFailure::new("ManifestETagMismatch", reason)
}

/// What is wrong with the list.
fn failure(name: &str, error: &ManifestError) -> JobFailure {
    JobFailure::new(error.code(), format!("{name}: {error}"))
}

fn explained(pin: &Pin, error: ManifestError) -> JobFailure {
    if let ManifestError::Read { source, offset: 0 } = &error {
        return broken(pin, source);
    }
    match &error {
        ManifestError::Read { source, .. } => {
            pin.broken(source).unwrap_or_else(|| failure(pin.name(), &error))
        }
        _ => failure(pin.name(), &error),
    }
}

pub(super) fn broken(pin: &Pin, error: &io::Error) -> JobFailure {
    pin.broken(error).unwrap_or_else(|| {
        JobFailure::new("ManifestNotReadable", format!("{}: cannot read the manifest: {error}", pin.name()))
    })
}

fn internal(what: &str) -> JobFailure {
    JobFailure::new("InternalError", what)
}
