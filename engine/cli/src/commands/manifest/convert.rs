//! `longshore manifest convert`: lists in another form.

use std::path::{Path, PathBuf};

use indicatif::HumanCount;
use longshore_job::Row;
use longshore_job::job_file::manifest_section;
use longshore_job::spec::{ListSpec, Location, Origin};
use longshore_manifest::Layout;
use serde_json::json;

use super::source::{SOURCE_HELP, SourceOptions, Sources, Taken, failed};
use super::written::{Form, WriteOptions, Written, exists};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::clear_bar;

/// Arguments of `longshore manifest convert`.
#[derive(Debug, clap::Args)]
#[command(after_help = SOURCE_HELP, override_usage = "longshore manifest convert [OPTIONS] <SRC>... <DEST>")]
pub(crate) struct Arguments {
    /// The lists, one after the other; and the file that is written, or - for standard output
    #[arg(required = true, value_name = "PATH")]
    places: Vec<String>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    taken: Taken,
    #[command(flatten)]
    written: WriteOptions,
    #[command(flatten)]
    source: SourceOptions,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let Some((destination, sources @ [_, ..])) = arguments.places.split_last() else {
        return Err(CliError::input(
            "name a list and the file to be written: longshore manifest convert SRC DEST",
        ));
    };
    let name = Some(destination.as_str()).filter(|name| *name != "-");
    let (path, form) = (name.map(PathBuf::from), Form::of(&arguments.written, name)?);
    if let Some(path) = path.as_ref().filter(|path| !arguments.force && path.exists()) {
        return Err(exists(path));
    }
    let sources = Sources::open(sources, &arguments.source, Some(&arguments.taken), context).await?;
    let done = tokio::task::block_in_place(|| convert(arguments, &sources, &form, path.as_deref()));
    clear_bar();
    let Done { rows, bytes, layout } = done?;
    let Some(path) = path else { return Ok(Exit::Success) };
    let section = manifest_section(&list(&layout, &std::path::absolute(&path)?));
    if context.json {
        let file = path.display().to_string();
        context.screen.json(&json!({ "file": file, "rows": rows, "bytes": bytes, "manifest": section }))?;
    } else {
        let (rows, bytes) = (HumanCount(rows), HumanCount(bytes));
        context.screen.line(format!("{rows} rows written to {} ({bytes} bytes)\n", path.display()))?;
        context.screen.bytes(section.as_bytes())?;
    }
    Ok(Exit::Success)
}

struct Done {
    rows: u64,
    bytes: u64,
    layout: Layout,
}

fn convert(
    arguments: &Arguments,
    sources: &Sources,
    form: &Form,
    path: Option<&Path>,
) -> Result<Done, CliError> {
    let mut reader = sources.read(path.is_none(), None)?;
    let mut row = Row::default();
    // A manifest has one row at least, or reading it fails.
    let mut more = reader.next(&mut row).map_err(failed)?;
    let layout = form.layout(&sources.manifest, &row);
    let mut written = match path {
        Some(path) => Written::file(path, &layout)?,
        None => Written::stdout(&layout)?,
    };
    while more {
        form.trim(&mut row);
        written.push(&row)?;
        more = reader.next(&mut row).map_err(failed)?;
    }
    let rows = written.rows;
    Ok(Done { rows, bytes: written.finish(arguments.force)?, layout })
}

/// The list that was written.
pub(super) fn list(layout: &Layout, path: &Path) -> ListSpec {
    ListSpec {
        location: Origin::At(Location::Local(path.to_string_lossy().into_owned())),
        format: layout.list_format(),
        fields: layout.fields(),
        keys: layout.keys,
        bucket: None,
        etag: None,
        version_id: None,
    }
}
