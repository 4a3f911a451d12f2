//! `longshore manifest generate`: the objects of a bucket as a manifest.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use indicatif::HumanCount;
use jiff::Timestamp;
use longshore_job::object::bad_bucket_name;
use longshore_job::row::encode_key;
use longshore_job::spec::{GenerateSpec, Location, Versions};
use longshore_manifest::generate::ListedRow;
use longshore_runner::{
    GeneratedRows, JobFailure, ListRequest, Listed, STORE_NOT_USABLE, Saved, generate_manifest,
};
use serde_json::{Value, json};

use super::filter::FilterArguments;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{clear_bar, listing_progress, note, unless_unread};
use crate::signals::stop_on_signal;

/// Bytes of rows that are written at once.
const WRITE_BYTES: usize = 256 * 1024;

/// Arguments of `longshore manifest generate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Rows are Bucket,Key or Bucket,Key,VersionId with percent-encoded keys, as a job file reads them without more being said; \
with --json, JSON Lines that also have size, time, ETag and storage class.\n\n\
A listing that was stopped or killed keeps what it has listed in the data directory: the same command with --resume goes on there."
)]
pub(crate) struct Arguments {
    /// The bucket that is listed
    bucket: String,
    /// File that the rows are written to; standard output if neither this nor --save is given
    #[arg(long, short, value_name = "FILE", conflicts_with = "save")]
    output: Option<PathBuf>,
    /// Save the list as an inventory: a directory, or s3://bucket/prefix on the store
    #[arg(long, value_name = "PLACE")]
    save: Option<String>,
    /// The role that lists; needed if longshore.toml has several
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The store that is listed; needed if there are several and the role names none
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Which versions of the objects
    #[arg(long, value_name = "WHICH", default_value = "current")]
    versions: Which,
    /// Leave out the newest N versions of each key; with '--versions all' or 'noncurrent'
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep_newest: Option<u32>,
    /// Account that must own the bucket
    #[arg(long, value_name = "ACCOUNT")]
    expected_bucket_owner: Option<String>,
    /// Go on with the same listing where it was interrupted, instead of listing everything again
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    filter: FilterArguments,
}

/// [`Versions`] on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    /// The objects as they are now, without version IDs
    Current,
    /// Every version
    All,
    /// Every version that is not current any more
    Noncurrent,
    /// The delete markers
    DeleteMarkers,
}

impl From<Which> for Versions {
    fn from(which: Which) -> Self {
        match which {
            Which::Current => Self::Current,
            Which::All => Self::All,
            Which::Noncurrent => Self::Noncurrent,
            Which::DeleteMarkers => Self::DeleteMarkers,
        }
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let role = context.role(arguments.role.as_ref(), &config)?;
    let settings = config.roles.get(&role).ok_or_else(|| context.unknown_role(&role, &config))?;
    let store = context.store(arguments.store.as_ref(), settings, &config)?;
    context.policies_of(&role, &config, None)?;
    let (output, resume) = (arguments.output.clone(), arguments.resume);
    let spec = spec(arguments)?;
    let (save, bucket) = (spec.save.clone(), spec.bucket.clone());
    let request = ListRequest { role, store, spec, resume };
    let progress = if context.json { Arc::new(|_| {}) } else { listing_progress() };
    let generated = generate_manifest(&config, request, stop_on_signal(), progress).await;
    clear_bar();
    let Some(generated) = generated.map_err(failed)? else {
        note("stopped before the end; the same command with --resume goes on from here");
        return Ok(Exit::Interrupted);
    };
    let listed = generated.listed();
    match (save, output) {
        (Some(place), _) => {
            let Saved { location, etag } = generated.save(&place).await.map_err(failed)?;
            report(context, listed, &location, Some(&etag))?;
        }
        (None, Some(file)) => {
            let mut rows = generated.into_rows();
            write_file(context.json, &bucket, &mut rows, &file)?;
            rows.forget().map_err(failed)?;
            report(context, listed, &file.display().to_string(), None)?;
        }
        (None, None) => {
            let mut rows = generated.into_rows();
            unless_unread(write_rows(context.json, &bucket, &mut rows, std::io::stdout()))?;
            rows.forget().map_err(failed)?;
        }
    }
    Ok(Exit::Success)
}

fn spec(arguments: Arguments) -> Result<GenerateSpec, CliError> {
    if let Some(why) = bad_bucket_name(&arguments.bucket) {
        return Err(CliError::input(format!("{:?} cannot be a bucket name: {why}", arguments.bucket)));
    }
    let here = std::env::current_dir()?;
    let save = arguments.save.as_deref().map(|text| Location::parse(text, &here)).transpose();
    let spec = GenerateSpec {
        bucket: arguments.bucket,
        filter: arguments.filter.into_filter()?,
        versions: arguments.versions.into(),
        keep_newest: arguments.keep_newest,
        expected_bucket_owner: arguments.expected_bucket_owner,
        save: save.map_err(|why| CliError::input(format!("--save: {why}")))?,
    };
    let conflicts: Vec<String> = spec
        .conflicts()
        .into_iter()
        .map(|conflict| format!("{}; {}", conflict.message, conflict.help))
        .collect();
    if conflicts.is_empty() { Ok(spec) } else { Err(CliError::input(conflicts.join("\n       "))) }
}

fn failed(failure: JobFailure) -> CliError {
    let exit = if failure.code == STORE_NOT_USABLE { Exit::Unreachable } else { Exit::JobFailed };
    CliError::new(exit, failure.to_string())
}

/// Says what was made.
fn report(context: &Context, listed: Listed, place: &str, etag: Option<&str>) -> Result<(), CliError> {
    let Listed { listed, rows } = listed;
    if context.json {
        return context
            .screen
            .json(&json!({ "listed": listed, "rows": rows, "location": place, "etag": etag }));
    }
    let etag = etag.map(|etag| format!(" (ETag {etag})")).unwrap_or_default();
    let (listed, rows) = (HumanCount(listed), HumanCount(rows));
    context.screen.line(format!("{listed} entries listed, {rows} rows written to {place}{etag}"))
}

/// Writes the rows to a file that is whole or not there.
fn write_file(json: bool, bucket: &str, rows: &mut GeneratedRows, path: &Path) -> Result<(), CliError> {
    let named = |error: std::io::Error| {
        CliError::new(Exit::Error, format!("{}: cannot write the manifest: {error}", path.display()))
    };
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let file = File::create(&partial).map_err(named)?;
    let written = write_rows(json, bucket, rows, &file)
        .and_then(|()| file.sync_all().and_then(|()| std::fs::rename(&partial, path)).map_err(named));
    if written.is_err() {
        // The error that matters is the one above.
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// Writes the rows as CSV or JSON Lines.
fn write_rows(
    json: bool,
    bucket: &str,
    rows: &mut GeneratedRows,
    target: impl Write,
) -> Result<(), CliError> {
    let mut target = BufWriter::with_capacity(WRITE_BYTES, target);
    if json {
        for row in rows {
            serde_json::to_writer(&mut target, &value(bucket, &row.map_err(failed)?))
                .map_err(std::io::Error::from)?;
            target.write_all(
                b"
",
            )?;
        }
    } else {
        let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(&mut target);
        for row in rows {
            let row = row.map_err(failed)?;
            let key = encode_key(&row.key);
            let cells = [bucket, &key].into_iter().chain(row.version_id.as_deref());
            csv.write_record(cells).map_err(std::io::Error::from)?;
        }
        csv.flush()?;
    }
    Ok(target.flush()?)
}

/// A row for machines, with the names that a manifest of JSON Lines has, and those of an inventory for the rest.
fn value(bucket: &str, row: &ListedRow) -> Value {
    let modified = row.last_modified.and_then(|time| Timestamp::from_millisecond(time).ok());
    let mut value = json!({
        "Bucket": bucket,
        "Key": encode_key(&row.key),
        "LastModifiedDate": modified,
    });
    let Some(members) = value.as_object_mut() else { return value };
    if let Some(version) = &row.version_id {
        members.insert("VersionId".to_owned(), json!(version));
        members.insert("IsLatest".to_owned(), json!(row.is_latest));
        members.insert("IsDeleteMarker".to_owned(), json!(row.is_delete_marker));
    }
    if !row.is_delete_marker {
        members.insert("Size".to_owned(), json!(row.size));
        members.insert("ETag".to_owned(), json!(row.etag));
        members.insert("StorageClass".to_owned(), json!(row.storage_class));
    }
    value
}
