//! The lists that a command writes: whole, or not there.

use std::fs::{self, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use longshore_job::Row;
use longshore_job::spec::ManifestSpec;
use longshore_manifest::{Compression, Layout, RowWriter, WriteError, WrittenFormat};
use tempfile::NamedTempFile;

use super::source::{Keys, delimiter};
use crate::exit::Exit;
use crate::failure::CliError;

/// How lists are written.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "How the result is written")]
pub(super) struct WriteOptions {
    /// The format; without it, what the name of the file says: .csv, .tsv, .jsonl, .parquet, .orc
    #[arg(long, value_name = "FORMAT")]
    to: Option<To>,
    /// The compression; without it, what the name says: .gz, .zst, .bz2. Parquet and ORC files are packed inside, with zstd
    #[arg(long, value_name = "HOW")]
    compression: Option<Pack>,
    /// How keys are written; without it, percent-encoded, in Parquet and ORC as they are
    #[arg(long, value_name = "HOW")]
    to_keys: Option<Keys>,
    /// CSV: begin with a row that names the columns
    #[arg(long)]
    to_header: bool,
    /// CSV: what stands between two cells
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    to_delimiter: Option<u8>,
    /// Leave version IDs out: rows name the current versions
    #[arg(long)]
    without_versions: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// CSV; without more options Amazon's format for S3 Batch Operations
    Csv,
    /// One JSON object a line
    #[value(alias = "json-lines")]
    Jsonl,
    /// A Parquet file
    Parquet,
    /// An ORC file
    Orc,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Pack {
    /// Not at all
    None,
    /// gzip
    Gzip,
    /// Zstandard
    Zstd,
    /// bzip2
    Bzip2,
}

impl From<Pack> for Compression {
    fn from(pack: Pack) -> Self {
        match pack {
            Pack::None => Self::None,
            Pack::Gzip => Self::Gzip,
            Pack::Zstd => Self::Zstd,
            Pack::Bzip2 => Self::Bzip2,
        }
    }
}

/// The form that was chosen.
#[derive(Debug, Clone)]
pub(super) struct Form {
    format: WrittenFormat,
    compression: Compression,
    options: WriteOptions,
}

impl Form {
    /// What the options say, and for the rest the name of the file; Amazon's CSV where that says nothing because it is none.
    pub(super) fn of(options: &WriteOptions, name: Option<&str>) -> Result<Self, CliError> {
        let (bare, packed) = name.map_or((None, Compression::None), unpacked);
        let extension = bare.and_then(|bare| Path::new(bare).extension()?.to_str()).unwrap_or_default();
        let tabs = extension == "tsv";
        let to = match (options.to, extension) {
            (Some(to), _) => to,
            (None, "csv" | "tsv") => To::Csv,
            (None, "jsonl" | "ndjson") => To::Jsonl,
            (None, "parquet") => To::Parquet,
            (None, "orc") => To::Orc,
            (None, _) if name.is_none() => To::Csv,
            (None, _) => {
                let name = name.unwrap_or_default();
                return Err(CliError::input(format!(
                    "{name}: the name says no format; give --to csv, jsonl, parquet or orc"
                )));
            }
        };
        if to != To::Csv && (options.to_header || options.to_delimiter.is_some()) {
            return Err(CliError::input("--to-header and --to-delimiter are for CSV"));
        }
        let delimiter = options.to_delimiter.unwrap_or(if tabs { b'\t' } else { b',' });
        let columnar = matches!(to, To::Parquet | To::Orc);
        if columnar && packed != Compression::None {
            let name = name.unwrap_or_default();
            return Err(CliError::input(format!(
                "{name}: Parquet and ORC files are packed inside; leave .gz and the like away"
            )));
        }
        let usual = if columnar { Compression::Zstd } else { packed };
        Ok(Self {
            format: match to {
                To::Csv => WrittenFormat::Csv { header: options.to_header, delimiter },
                To::Jsonl => WrittenFormat::JsonLines,
                To::Parquet => WrittenFormat::Parquet,
                To::Orc => WrittenFormat::Orc,
            },
            compression: options.compression.map_or(usual, Compression::from),
            options: options.clone(),
        })
    }

    /// For a list whose first row is `first`.
    pub(super) fn layout(&self, manifest: &ManifestSpec, first: &Row) -> Layout {
        let mut layout = Layout {
            format: self.format,
            compression: self.compression,
            keys: longshore_job::KeyEncoding::Url,
            row_keys: manifest.keys(),
            versions: false,
            columns: manifest.columns(),
        };
        layout.keys = self.options.to_keys.map_or(layout.list_format().keys(), Into::into);
        let versions = layout.may_lack_versions() || first.version_id.is_some();
        layout.versions = versions && !self.options.without_versions;
        layout
    }

    /// Takes away from a row what is left out.
    pub(super) fn trim(&self, row: &mut Row) {
        if self.options.without_versions {
            row.version_id = None;
        }
    }

    /// The end of the name of such a file.
    pub(super) fn extension(&self) -> String {
        let format = match self.format {
            WrittenFormat::Csv { delimiter: b'\t', .. } => "tsv",
            WrittenFormat::Csv { .. } => "csv",
            WrittenFormat::JsonLines => "jsonl",
            WrittenFormat::Parquet => return "parquet".to_owned(),
            WrittenFormat::Orc => return "orc".to_owned(),
        };
        match self.compression {
            Compression::None => format.to_owned(),
            Compression::Gzip => format!("{format}.gz"),
            Compression::Zstd => format!("{format}.zst"),
            Compression::Bzip2 => format!("{format}.bz2"),
        }
    }
}

/// A name without what says how the file is packed, and what that says.
fn unpacked(name: &str) -> (Option<&str>, Compression) {
    let ends = [(".gz", Compression::Gzip), (".zst", Compression::Zstd), (".bz2", Compression::Bzip2)];
    let packed = ends.into_iter().find_map(|(end, packed)| Some((Some(name.strip_suffix(end)?), packed)));
    packed.unwrap_or((Some(name), Compression::None))
}

/// A list that is being written.
pub(crate) struct Written {
    name: String,
    writer: Box<dyn RowWriter>,
    file: Option<(NamedTempFile, PathBuf)>,
    pub rows: u64,
}

impl Written {
    /// A file that appears at `path` once it is whole.
    pub(crate) fn file(path: &Path, layout: &Layout) -> Result<Self, CliError> {
        let name = path.display().to_string();
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".longshore-").suffix(".partial");
        shared(&mut builder, 0o666);
        let begun = builder.tempfile_in(directory).and_then(|file| Ok((file.reopen()?, file)));
        let (out, file) = begun.map_err(|error| unwritable(&name, &error))?;
        let writer = layout.writer(out).map_err(|error| refused(&name, error))?;
        Ok(Self { name, writer, file: Some((file, path.to_owned())), rows: 0 })
    }

    /// Standard output.
    pub(crate) fn stdout(layout: &Layout) -> Result<Self, CliError> {
        let name = "standard output".to_owned();
        let writer = layout.writer(io::stdout()).map_err(|error| refused(&name, error))?;
        Ok(Self { name, writer, file: None, rows: 0 })
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &Row) -> Result<(), CliError> {
        self.rows += 1;
        self.writer.write(row).map_err(|error| refused(&self.name, error))
    }

    /// Ends the list; only now it is at its place. What is there already stays, unless `force` is given. Its size in bytes.
    pub(crate) fn finish(self, force: bool) -> Result<u64, CliError> {
        self.writer.finish().map_err(|error| refused(&self.name, error))?;
        let Some((file, path)) = self.file else {
            io::Write::flush(&mut io::stdout())?;
            return Ok(0);
        };
        let synced = file.as_file().sync_all().and_then(|()| file.as_file().metadata());
        let bytes = synced.map_err(|error| unwritable(&self.name, &error))?.len();
        let kept = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        match kept {
            Ok(_) => Ok(bytes),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&path)),
            Err(error) => Err(unwritable(&self.name, &error.error)),
        }
    }
}

/// The failure for a file that is there already.
pub(crate) fn exists(path: &Path) -> CliError {
    CliError::input(format!(
        "{}: this exists; give another name, or --force to write over it",
        path.display()
    ))
}

/// Temporary files become files like others: who may read them is for the umask to say.
pub(super) fn shared(builder: &mut tempfile::Builder<'_, '_>, mode: u32) {
    #[cfg(unix)]
    builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode));
    #[cfg(not(unix))]
    let _ = (builder, mode);
}

pub(super) fn unwritable(name: &str, error: &io::Error) -> CliError {
    CliError::new(Exit::Error, format!("{name}: cannot write: {error}"))
}

fn refused(name: &str, error: WriteError) -> CliError {
    match error {
        WriteError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => error.into(),
        WriteError::Io(error) => unwritable(name, &error),
        other => CliError::input(format!("{name}: {other}")),
    }
}

/// Whether a directory is there, and empty.
pub(super) fn is_empty_directory(path: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(path)?.next().is_none())
}
