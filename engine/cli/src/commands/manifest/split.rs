//! `longshore manifest split`: a list as several.

use std::fs;
use std::path::{Path, PathBuf};

use indicatif::HumanCount;
use longshore_job::Row;
use longshore_job::spec::ManifestSpec;
use longshore_manifest::{Keep, KeptRows, Layout};
use longshore_runner::ManifestReader;
use serde_json::json;
use tempfile::TempDir;

use super::source::{SOURCE_HELP, SourceOptions, Sources, Taken, failed};
use super::written::{Form, WriteOptions, Written, is_empty_directory, shared, unwritable};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::clear_bar;

/// Most parts (count): their numbers have five digits, so that they sort.
const MAX_PARTS: u64 = 99_999;

/// Arguments of `longshore manifest split`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = format!("The parts are DIR/part-00001.csv and so on, in the order of the list: one after the other they are the list again. \
DIR appears once all of them are whole.\n\n{SOURCE_HELP}"),
    group = clap::ArgGroup::new("parts").required(true)
)]
pub(crate) struct Arguments {
    /// The list
    #[arg(value_name = "SRC")]
    source: String,
    /// The directory that the parts are written to: new, or empty
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// So many parts; their lengths differ by one row at most
    #[arg(long, value_name = "N", group = "parts", value_parser = clap::value_parser!(u64).range(1..=MAX_PARTS))]
    into: Option<u64>,
    /// So many rows in each part; the last may have fewer
    #[arg(long, value_name = "N", group = "parts", value_parser = clap::value_parser!(u64).range(1..))]
    rows: Option<u64>,
    #[command(flatten)]
    taken: Taken,
    #[command(flatten)]
    written: WriteOptions,
    #[command(flatten)]
    options: SourceOptions,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let form = Form::of(&arguments.written, None)?;
    let names = std::slice::from_ref(&arguments.source);
    let directory = Directory::create(&arguments.directory)?;
    let sources = Sources::open(names, &arguments.options, Some(&arguments.taken), context).await?;
    let parts = tokio::task::block_in_place(|| split(arguments, &sources, form, directory));
    clear_bar();
    let parts = parts?;
    let files = parts.iter().map(|(name, rows)| (arguments.directory.join(name), rows));
    if context.json {
        let files: Vec<_> = files.map(|(path, rows)| json!({ "file": path, "rows": rows })).collect();
        let rows: u64 = parts.iter().map(|(_, rows)| rows).sum();
        context.screen.json(&json!({ "rows": rows, "parts": files }))?;
    } else {
        for (path, rows) in files {
            context.screen.line(format!("{}: {} rows", path.display(), HumanCount(*rows)))?;
        }
    }
    Ok(Exit::Success)
}

/// Names and numbers of rows of the parts.
type Parts = Vec<(String, u64)>;

fn split(
    arguments: &Arguments,
    sources: &Sources,
    form: Form,
    directory: Directory,
) -> Result<Parts, CliError> {
    let mut reader = sources.read(false, None)?;
    let (rows, lengths) = match (arguments.into, arguments.rows) {
        (Some(parts), _) => {
            let kept = keep(&mut reader, &sources.scratch().join("rows"))?;
            let lengths = Lengths::even(kept.count(), parts, &arguments.source)?;
            (Rows::Kept(kept), lengths)
        }
        (None, rows) => (Rows::Read(reader), Lengths { each: rows.unwrap_or(1), longer: 0 }),
    };
    let mut splitting =
        Splitting { form, manifest: &sources.manifest, directory, layout: None, parts: Vec::new() };
    splitting.write(rows, lengths)?;
    splitting.directory.finish()?;
    Ok(splitting.parts)
}

/// All rows, so that they are counted.
fn keep(reader: &mut ManifestReader, path: &Path) -> Result<KeptRows, CliError> {
    let unkept = |error: longshore_manifest::SpoolError| CliError::new(Exit::Error, error.to_string());
    let mut kept = Keep::create(path).map_err(unkept)?;
    let mut row = Row::default();
    while reader.next(&mut row).map_err(failed)? {
        kept.push(&row).map_err(unkept)?;
    }
    kept.finish().map_err(unkept)
}

enum Rows {
    Read(ManifestReader),
    Kept(KeptRows),
}

impl Rows {
    fn next(&mut self, row: &mut Row) -> Result<bool, CliError> {
        match self {
            Self::Read(reader) => reader.next(row).map_err(failed),
            Self::Kept(kept) => {
                let next = kept.next_row().map_err(|error| CliError::new(Exit::Error, error.to_string()))?;
                Ok(next.map(|next| *row = next).is_some())
            }
        }
    }
}

/// How many rows the parts have.
struct Lengths {
    each: u64,
    /// So many of the first parts have one more.
    longer: u64,
}

impl Lengths {
    fn even(rows: u64, parts: u64, source: &str) -> Result<Self, CliError> {
        if rows < parts {
            let why = format!(
                "{source}: {rows} rows cannot be split into {parts} parts; a manifest has one row at least"
            );
            return Err(CliError::input(why));
        }
        Ok(Self { each: rows / parts, longer: rows % parts })
    }

    /// Of the part at `index`.
    fn of(&self, index: u64) -> u64 {
        self.each + u64::from(index < self.longer)
    }
}

struct Splitting<'a> {
    form: Form,
    manifest: &'a ManifestSpec,
    directory: Directory,
    /// The same for all parts.
    layout: Option<Layout>,
    parts: Parts,
}

impl Splitting<'_> {
    fn write(&mut self, mut rows: Rows, lengths: Lengths) -> Result<(), CliError> {
        let mut row = Row::default();
        let mut more = rows.next(&mut row)?;
        while more {
            let index = self.parts.len() as u64;
            if index == MAX_PARTS {
                let why = format!("there would be more than {MAX_PARTS} parts; give a larger --rows");
                return Err(CliError::input(why));
            }
            let name = format!("part-{:05}.{}", index + 1, self.form.extension());
            let layout = self.layout.get_or_insert_with(|| self.form.layout(self.manifest, &row));
            let mut part = Written::file(&self.directory.path().join(&name), layout)?;
            while more && part.rows < lengths.of(index) {
                self.form.trim(&mut row);
                part.push(&row)?;
                more = rows.next(&mut row)?;
            }
            self.parts.push((name, part.rows));
            part.finish(false)?;
        }
        Ok(())
    }
}

/// The directory of the parts, which has another name until it is whole.
struct Directory {
    partial: TempDir,
    path: PathBuf,
}

impl Directory {
    fn create(path: &Path) -> Result<Self, CliError> {
        let name = path.display().to_string();
        if path.exists() && !is_empty_directory(path).map_err(|error| unwritable(&name, &error))? {
            return Err(CliError::input(format!("{name}: this directory is not empty; give a new one")));
        }
        let path = std::path::absolute(path)?;
        let parent = path.parent().unwrap_or(Path::new("/")).to_owned();
        fs::create_dir_all(&parent).map_err(|error| unwritable(&name, &error))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".longshore-").suffix(".partial");
        shared(&mut builder, 0o777);
        let partial = builder.tempdir_in(parent).map_err(|error| unwritable(&name, &error))?;
        Ok(Self { partial, path })
    }

    fn path(&self) -> &Path {
        self.partial.path()
    }

    fn finish(&mut self) -> Result<(), CliError> {
        let named = |error: std::io::Error| unwritable(&self.path.display().to_string(), &error);
        if self.path.exists() {
            fs::remove_dir(&self.path).map_err(named)?;
        }
        fs::rename(self.partial.path(), &self.path).map_err(named)?;
        self.partial.disable_cleanup(true);
        Ok(())
    }
}
