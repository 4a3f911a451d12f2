//! `longshore manifest inspect`: how a list is written, what is in it, what is wrong with it.

mod shown;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_job::Row;
use longshore_job::spec::{ListFormat, ListSpec, Location, OnBadRow, Origin, SourceSpec};
use longshore_manifest::{Compression, ManifestError, Problem};
use longshore_runner::{JobFailure, ReadFile, Witness};
use serde::Serialize;

use super::source::{SOURCE_HELP, SourceOptions, Sources, failed};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::clear_bar;

/// Buckets that are counted apart (count; bounds memory).
const MAX_BUCKETS: usize = 1000;

/// Arguments of `longshore manifest inspect`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = format!("The whole list is read and checked as a job would do it.\n\n{SOURCE_HELP}\n\nExit codes: 0 if a job would take the list, 2 if something is wrong with it.")
)]
pub(crate) struct Arguments {
    /// The list
    #[arg(value_name = "SRC")]
    source: String,
    /// Show the first N rows
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(..=1000))]
    show: u32,
    /// Show the first N problems
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    problems: u32,
    #[command(flatten)]
    options: SourceOptions,
}

/// What was found out about a list.
struct Report {
    source: String,
    list: ListSpec,
    compression: Compression,
    columns: Vec<String>,
    first: Vec<Row>,
    /// Rows that were read, bad ones too.
    rows: u64,
    buckets: Buckets,
    found: Found,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let names = std::slice::from_ref(&arguments.source);
    let mut sources = Sources::open(names, &arguments.options, None, context).await?;
    sources.manifest.on_bad_row = OnBadRow::Skip;
    let report = tokio::task::block_in_place(|| inspect(arguments, &sources));
    clear_bar();
    let report = report?;
    if context.json {
        context.screen.json(&report.value())?;
    } else {
        report.print(context)?;
    }
    Ok(if report.found.total == 0 { Exit::Success } else { Exit::Input })
}

fn inspect(arguments: &Arguments, sources: &Sources) -> Result<Report, CliError> {
    let Some(SourceSpec::List(list)) = sources.manifest.sources.first() else {
        return Err(CliError::input("there is no list"));
    };
    let most = arguments.problems as usize;
    let watching = Arc::new(Watching { most, found: Mutex::default() });
    let mut reader = sources.read(false, Some(Arc::clone(&watching) as Arc<dyn Witness>))?;
    let mut report = Report {
        source: arguments.source.clone(),
        list: list.clone(),
        compression: sources.compression.first().copied().unwrap_or(Compression::None),
        columns: sources.manifest.columns(),
        first: Vec::new(),
        rows: 0,
        buckets: Buckets::default(),
        found: Found::default(),
    };
    let mut row = Row::default();
    let ended = loop {
        match reader.next(&mut row) {
            Ok(true) => report.add(&row, arguments.show as usize),
            Ok(false) => break None,
            Err(failure) => break Some(failure),
        }
    };
    report.found = std::mem::take(&mut *watching.found.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(failure) = ended {
        report.found.end(failure, most)?;
    }
    report.pin();
    Ok(report)
}

impl Report {
    fn add(&mut self, row: &Row, show: usize) {
        self.rows += 1;
        if row.problem.is_some() {
            return;
        }
        self.buckets.add(&row.bucket);
        if self.first.len() < show {
            self.first.push(row.clone());
        }
    }

    /// Bytes of the list as it is stored; none if that was not found out.
    fn bytes(&self) -> Option<u64> {
        match &self.list.location {
            // Reading may have ended early.
            Origin::At(Location::Local(path)) if self.found.files == 0 => {
                std::fs::metadata(path).ok().map(|metadata| metadata.len())
            }
            _ => Some(self.found.bytes).filter(|_| self.found.files > 0),
        }
    }

    /// A job may demand that a list that is one file is still the same.
    fn pin(&mut self) {
        let one = !matches!(self.list.format, ListFormat::Inventory { .. } | ListFormat::Report { .. });
        if one && self.list.location != Origin::Stdin && self.found.files == 1 {
            self.list.etag = Some(self.found.etag.clone()).filter(|etag| !etag.is_empty());
        }
    }
}

/// Names of buckets, and their rows.
#[derive(Default)]
struct Buckets {
    rows: BTreeMap<String, u64>,
    /// There are more than are counted apart.
    more: bool,
}

impl Buckets {
    fn add(&mut self, bucket: &str) {
        if let Some(rows) = self.rows.get_mut(bucket) {
            *rows += 1;
        } else if self.rows.len() < MAX_BUCKETS {
            self.rows.insert(bucket.to_owned(), 1);
        } else {
            self.more = true;
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, Serialize)]
struct Wrong {
    /// The file, where the list is several.
    file: Option<String>,
    row: Option<u64>,
    /// In bytes from the start of the file, unpacked.
    offset: Option<u64>,
    /// In the words of S3 Batch Operations, where it has words for it.
    reason: String,
    /// All that is to be said.
    message: String,
    /// The line of a job file that accepts it.
    option: Option<String>,
}

/// What the reader has told.
#[derive(Debug, Default)]
struct Found {
    wrong: Vec<Wrong>,
    total: u64,
    /// How many rows each line of a job file would accept.
    options: BTreeMap<String, u64>,
    /// Something after which there was nothing to be read.
    is_cut: bool,
    files: u64,
    bytes: u64,
    etag: String,
}

impl Found {
    fn push(&mut self, wrong: Wrong, most: usize) {
        self.total += 1;
        if let Some(option) = &wrong.option {
            *self.options.entry(option.clone()).or_default() += 1;
        }
        if self.wrong.len() < most {
            self.wrong.push(wrong);
        }
    }

    /// Takes up why reading ended early, if it was the list's fault.
    fn end(&mut self, failure: JobFailure, most: usize) -> Result<(), CliError> {
        let of_list = ["InvalidManifestContent", "ManifestChanged"].contains(&failure.code.as_str());
        match (self.is_cut, of_list) {
            (true, true) => {}
            (false, true) => {
                let JobFailure { code, reason } = failure;
                let wrong = Wrong {
                    file: None,
                    row: None,
                    offset: None,
                    reason: code,
                    message: reason,
                    option: None,
                };
                self.push(wrong, most);
                self.is_cut = true;
            }
            (_, false) => return Err(failed(failure)),
        }
        Ok(())
    }
}

/// Writes down what the reader tells.
struct Watching {
    /// Problems that are kept (count).
    most: usize,
    found: Mutex<Found>,
}

impl Witness for Watching {
    fn problem(&self, file: &str, error: &ManifestError) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let (row, offset) = error.place();
        let (reason, message) = error.words();
        let wrong = Wrong {
            file: Some(file.to_owned()),
            row,
            offset,
            reason,
            message,
            option: error.problem().and_then(Problem::accepted_by),
        };
        found.is_cut |= !error.is_about_one_row();
        found.push(wrong, self.most);
    }

    fn file(&self, file: ReadFile<'_>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.files += 1;
        found.bytes += file.bytes;
        file.etag.clone_into(&mut found.etag);
    }
}
