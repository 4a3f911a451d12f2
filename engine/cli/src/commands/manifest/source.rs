//! The lists that a command reads.

use std::path::Path;
use std::sync::Arc;

use longshore_job::KeyEncoding;
use longshore_job::object::bad_bucket_name;
use longshore_job::spec::{
    DeleteMarkers, Field, ListSpec, Location, ManifestSpec, Meaning, OnBadRow, Origin, ReportRows, Sample,
    SourceSpec,
};
use longshore_manifest::{Compression, Given, ListKind};
use longshore_runner::{
    INTERRUPTED, JobFailure, ManifestAccess, ManifestReader, ROLE_NOT_USABLE, STORE_NOT_USABLE, Watch,
    Witness,
};
use tempfile::TempDir;

use super::filter::further;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::reading_progress;
use crate::signals::stop_on_signal;

/// What SRC may be.
pub(super) const SOURCE_HELP: &str = "SRC is a file, s3://bucket/key, or - for standard input. How it is written is guessed from its start; \
the options say it where the guess is wrong.";

/// How the lists are written, where that is not guessed, and who reads them.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "How SRC is written")]
pub(super) struct SourceOptions {
    /// The format
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// The columns: Bucket, Key, VersionId, Ignore; NAME=Key for a column of another name; any other NAME is handed on
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = field)]
    fields: Option<Vec<Field>>,
    /// CSV: whether the first row names the columns
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    header: Option<bool>,
    /// CSV: what stands between two cells; 'tab' for a tab
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// How keys are written
    #[arg(long, value_name = "HOW")]
    keys: Option<Keys>,
    /// The bucket of every row, where no column has it
    #[arg(long, value_name = "NAME", value_parser = bucket)]
    bucket: Option<String>,
    /// Inventories: whether delete markers are rows
    #[arg(long, value_name = "WHAT")]
    delete_markers: Option<Markers>,
    /// Inventories: which rows, as 'where' in a job file has it: TOML, or @FILE
    #[arg(long = "where", value_name = "TOML")]
    filter: Option<String>,
    /// Completion reports: which rows
    #[arg(long, value_name = "WHICH")]
    report_rows: Option<Reported>,
    /// The role that reads from the store; needed for s3:// if longshore.toml has several
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The store of s3://; needed if there are several and the role names none
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

/// Formats of lists.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// CSV, Amazon's or another's
    Csv,
    /// One JSON object a line
    #[value(alias = "json-lines")]
    Jsonl,
    /// A Parquet file
    Parquet,
    /// An ORC file
    Orc,
    /// The manifest.json of an Amazon S3 inventory
    Inventory,
    /// The completion report of a job: its manifest.json or a result file
    Report,
}

/// [`KeyEncoding`] on the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Keys {
    /// Percent-encoded
    Url,
    /// As they are
    Raw,
}

impl From<Keys> for KeyEncoding {
    fn from(keys: Keys) -> Self {
        match keys {
            Keys::Url => Self::Url,
            Keys::Raw => Self::Raw,
        }
    }
}

/// [`DeleteMarkers`] on the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Markers {
    /// They are left out
    Skip,
    /// They are rows like others
    Keep,
}

/// [`ReportRows`] on the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Reported {
    /// Those of failed tasks
    Failed,
    /// Those of tasks that succeeded
    Succeeded,
    /// All of them
    All,
}

/// Which rows are taken, as in a job file.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Which rows")]
pub(super) struct Taken {
    /// At most N rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// A random part of the rows, such as 0.01
    #[arg(long, value_name = "FRACTION", value_parser = fraction)]
    sample: Option<f64>,
    /// Where the random numbers start: the same seed takes the same rows
    #[arg(long, value_name = "N", requires = "sample", default_value_t = 0)]
    seed: u64,
    /// Of several rows that name the same object only the first
    #[arg(long)]
    unique: bool,
}

fn fraction(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(fraction) if fraction > 0.0 && fraction <= 1.0 => Ok(fraction),
        _ => Err("write a number above 0, at most 1".to_owned()),
    }
}

fn bucket(name: &str) -> Result<String, String> {
    bad_bucket_name(name).map_or_else(|| Ok(name.to_owned()), |why| Err(why.to_owned()))
}

pub(super) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | b'\0') => Ok(*byte),
        _ => Err("write one ASCII character, and neither a quote nor a line end".to_owned()),
    }
}

fn field(text: &str) -> Result<Field, String> {
    let meaning = |name: &str| {
        let known = [Meaning::Bucket, Meaning::Key, Meaning::VersionId, Meaning::Ignore];
        known.into_iter().find(|meaning| meaning.name() == name)
    };
    match text.rsplit_once('=') {
        _ if text.is_empty() => Err("a name is missing".to_owned()),
        Some((column, name)) if !column.is_empty() => match meaning(name) {
            Some(meaning) => Ok(Field { column: Some(column.to_owned()), meaning }),
            None => Err(format!("{name:?} is none of Bucket, Key, VersionId, Ignore")),
        },
        Some(_) => Err("write NAME=Bucket, NAME=Key or NAME=VersionId".to_owned()),
        None => {
            Ok(meaning(text).map_or_else(|| Field::extra(text), |meaning| Field { column: None, meaning }))
        }
    }
}

/// Lists that are ready to be read.
pub(super) struct Sources {
    pub manifest: ManifestSpec,
    /// How each of them is packed.
    pub compression: Vec<Compression>,
    access: ManifestAccess,
    scratch: TempDir,
}

impl Sources {
    /// Looks at the start of each list.
    pub(super) async fn open(
        names: &[String],
        options: &SourceOptions,
        taken: Option<&Taken>,
        context: &Context,
    ) -> Result<Self, CliError> {
        let here = std::env::current_dir()?;
        let origins = names.iter().map(|name| origin(name, &here)).collect::<Result<Vec<_>, _>>()?;
        if origins.iter().filter(|origin| **origin == Origin::Stdin).count() > 1 {
            return Err(CliError::input("only one list can be standard input"));
        }
        let scratch = tempfile::tempdir()?;
        let mut access = ManifestAccess::local(scratch.path());
        if origins.iter().any(|origin| matches!(origin, Origin::At(Location::S3 { .. }))) {
            let config = context.engine_config()?;
            let role = context.role(options.role.as_ref(), &config)?;
            let settings = config.roles.get(&role).ok_or_else(|| context.unknown_role(&role, &config))?;
            let store = context.store(options.store.as_ref(), settings, &config)?;
            context.policies_of(&role, &config, None)?;
            access = access.with_store(&config, &role, &store).await.map_err(failed)?;
        }
        let mut sources = Vec::with_capacity(names.len());
        let mut compression = Vec::with_capacity(names.len());
        for (name, origin) in names.iter().zip(origins) {
            let start = tokio::task::block_in_place(|| access.start(&origin)).map_err(failed)?;
            compression.push(start.compression());
            let guess = start.guess(&options.given()?);
            if guess.lacks_bucket {
                let why = format!("{name}: no column holds bucket names; give --bucket NAME, or --fields");
                return Err(CliError::input(why));
            }
            options.check(name, &guess.format)?;
            sources.push(SourceSpec::List(ListSpec {
                location: origin,
                format: guess.format,
                fields: guess.fields,
                keys: guess.keys,
                bucket: options.bucket.clone(),
                etag: None,
                version_id: None,
            }));
        }
        let sample = |taken: &Taken| Some(Sample { fraction: taken.sample?, seed: taken.seed });
        let manifest = ManifestSpec {
            sources,
            on_bad_row: OnBadRow::Fail,
            sample: taken.and_then(sample),
            unique: taken.is_some_and(|taken| taken.unique),
            limit: taken.and_then(|taken| taken.limit),
        };
        Ok(Self { manifest, compression, access, scratch })
    }

    /// The rows. Called once: standard input is there only once.
    pub(super) fn read(
        &self,
        quiet: bool,
        witness: Option<Arc<dyn Witness>>,
    ) -> Result<ManifestReader, CliError> {
        let progress = if quiet { Arc::new(|_| {}) } else { reading_progress() };
        let watch = Watch { stop: stop_on_signal(), progress, witness };
        ManifestReader::new(&self.manifest, &self.access, watch).map_err(failed)
    }

    /// A folder that is gone with this.
    pub(super) fn scratch(&self) -> &Path {
        self.scratch.path()
    }
}

impl SourceOptions {
    fn given(&self) -> Result<Given, CliError> {
        Ok(Given {
            kind: self.format.map(|format| match format {
                Format::Csv => ListKind::Csv,
                Format::Jsonl => ListKind::JsonLines,
                Format::Parquet => ListKind::Parquet,
                Format::Orc => ListKind::Orc,
                Format::Inventory => ListKind::Inventory,
                Format::Report => ListKind::Report,
            }),
            fields: self.fields.clone(),
            header: self.header,
            delimiter: self.delimiter,
            keys: self.keys.map(KeyEncoding::from),
            bucket: self.bucket.is_some(),
            delete_markers: match self.delete_markers {
                Some(Markers::Keep) => DeleteMarkers::Keep,
                Some(Markers::Skip) | None => DeleteMarkers::Skip,
            },
            filter: self.filter.as_deref().map(further).transpose()?.unwrap_or_default().into(),
            rows: match self.report_rows {
                Some(Reported::All) => ReportRows::All,
                Some(Reported::Succeeded) => ReportRows::Succeeded,
                Some(Reported::Failed) | None => ReportRows::Failed,
            },
        })
    }

    /// Options that say nothing about this format are mistakes.
    fn check(&self, name: &str, format: &longshore_job::spec::ListFormat) -> Result<(), CliError> {
        use longshore_job::spec::ListFormat::{Csv, Inventory, Report};
        let (csv, report) = (matches!(format, Csv { .. }), matches!(format, Report { .. }));
        let inventory = matches!(format, Inventory { .. });
        let rules = [
            ("--header", self.header.is_some(), csv),
            ("--delimiter", self.delimiter.is_some(), csv),
            ("--bucket", self.bucket.is_some(), !inventory && !report),
            ("--keys", self.keys.is_some(), !inventory),
            ("--fields", self.fields.is_some(), !report),
            ("--delete-markers", self.delete_markers.is_some(), inventory),
            ("--where", self.filter.is_some(), inventory),
            ("--report-rows", self.report_rows.is_some(), report),
        ];
        match rules.into_iter().find(|(_, given, fits)| *given && !fits) {
            Some((option, _, _)) => Err(CliError::input(format!(
                "{name}: {option} has no meaning for a list of the format {}; leave it out, or correct --format",
                format.name()
            ))),
            None => Ok(()),
        }
    }
}

fn origin(name: &str, here: &Path) -> Result<Origin, CliError> {
    if name == "-" {
        return Ok(Origin::Stdin);
    }
    let location = Location::parse(name, here).map_err(CliError::input)?;
    match &location {
        Location::S3 { key, .. } if key.is_empty() => {
            Err(CliError::input(format!("{name} names no key; write s3://bucket/key")))
        }
        _ => Ok(Origin::At(location)),
    }
}

/// What a list that cannot be read means for the command.
pub(super) fn failed(failure: JobFailure) -> CliError {
    let exit = match failure.code.as_str() {
        STORE_NOT_USABLE => Exit::Unreachable,
        INTERRUPTED => Exit::Interrupted,
        ROLE_NOT_USABLE | "InvalidManifestContent" | "ManifestETagMismatch" => Exit::Input,
        _ => Exit::Error,
    };
    CliError::new(exit, failure.reason)
}
