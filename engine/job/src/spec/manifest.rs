//! Which objects: the sources of a manifest and what is taken of them.

use serde::{Deserialize, Serialize};

use super::{FailedTasks, GenerateSpec, Location};
use crate::filter::Filter;
use crate::row::KeyEncoding;

/// Which objects: sources that are read one after the other, and which of their rows become tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestSpec {
    /// Where rows come from, in order; at least one.
    pub sources: Vec<SourceSpec>,
    /// What a row that names no object does to the job.
    pub on_bad_row: OnBadRow,
    /// Only some of the rows, chosen at random.
    pub sample: Option<Sample>,
    /// Whether of several rows that name the same object only the first becomes a task.
    pub unique: bool,
    /// Most tasks; of what the sample leaves. Reading stops there.
    pub limit: Option<u64>,
}

impl ManifestSpec {
    /// How the rows of the job write keys, and so its completion report: as they are if every source is a text list that
    /// does so, else percent-encoded, which is Amazon's form.
    pub fn keys(&self) -> KeyEncoding {
        let raw = self.sources.iter().all(SourceSpec::is_raw_text);
        if raw { KeyEncoding::Raw } else { KeyEncoding::Url }
    }

    /// The columns that are handed to the operation, by name, as rows carry them: of all sources together, each once.
    pub fn columns(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.sources.iter().flat_map(SourceSpec::columns) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}

impl std::fmt::Display for ManifestSpec {
    /// Its sources, in order.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, source) in self.sources.iter().enumerate() {
            write!(f, "{}{source}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// What a row that names no object does to the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnBadRow {
    /// The job fails before any task runs.
    #[default]
    Fail,
    /// The row is a task that fails with the reason; the others run.
    Skip,
}

/// A random part of the rows. The same seed takes the same rows of the same sources.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which share of the rows, above 0, at most 1.
    pub fraction: f64,
    /// Where the random numbers start.
    pub seed: u64,
}

/// One place that rows come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceSpec {
    /// A list that somebody has written.
    List(ListSpec),
    /// The objects of a bucket.
    Generate(Box<GenerateSpec>),
    /// The failed tasks of an earlier job.
    Retry(FailedTasks),
}

impl SourceSpec {
    /// How the rows of this source write keys as they are read.
    pub fn keys(&self) -> KeyEncoding {
        match self {
            Self::List(list) => list.keys,
            Self::Generate(_) => KeyEncoding::Url,
            Self::Retry(retry) => retry.keys,
        }
    }

    fn is_raw_text(&self) -> bool {
        match self {
            Self::List(list) => list.keys == KeyEncoding::Raw && list.format.is_text(),
            Self::Generate(_) => false,
            Self::Retry(retry) => retry.keys == KeyEncoding::Raw,
        }
    }

    /// The names of the columns that its rows carry for the operation, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let fields: &[Field] = match self {
            Self::List(list) => &list.fields,
            Self::Generate(_) => &[],
            Self::Retry(retry) => &retry.columns,
        };
        fields.iter().filter(|field| field.meaning == Meaning::Column).map(Field::name)
    }

    /// Whether it is what the process that submits the job is given, and no other process could read.
    pub fn is_stdin(&self) -> bool {
        match self {
            Self::List(list) => list.location == Origin::Stdin,
            Self::Generate(_) | Self::Retry(_) => false,
        }
    }
}

impl std::fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::List(list) => list.location.fmt(f),
            Self::Generate(spec) => spec.fmt(f),
            Self::Retry(retry) => retry.fmt(f),
        }
    }
}

/// A list of objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSpec {
    /// Where it is.
    pub location: Origin,
    /// How it is written.
    pub format: ListFormat,
    /// Its columns. CSV: all of them, in order; none means that the header names them. Other formats: those that are
    /// read, by name.
    pub fields: Vec<Field>,
    /// How keys are written.
    pub keys: KeyEncoding,
    /// The bucket of every row, where the list has no such column.
    pub bucket: Option<String>,
    /// ETag that it must have: without quotes; for a local file its MD5 in hex.
    pub etag: Option<String>,
    /// Version of the list, where it is an object.
    pub version_id: Option<String>,
}

/// Where a list comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Standard input of the process that runs the job.
    Stdin,
    /// A file or an object.
    At(Location),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::At(location) => location.fmt(f),
        }
    }
}

/// How a list is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListFormat {
    /// `S3BatchOperations_CSV_20180820` and its relatives.
    Csv {
        /// Whether the first row names the columns.
        header: bool,
        /// What stands between two cells: one ASCII character.
        delimiter: char,
    },
    /// One JSON object a line.
    JsonLines,
    /// A Parquet file.
    Parquet,
    /// An ORC file.
    Orc,
    /// The `manifest.json` of an Amazon S3 inventory, with its data files.
    Inventory {
        /// What becomes of delete markers.
        delete_markers: DeleteMarkers,
        /// Which of its rows; all of them if it is empty.
        filter: Box<Filter>,
    },
    /// The `manifest.json` or a result file of the completion report of an earlier job.
    Report {
        /// Which of its rows.
        rows: ReportRows,
    },
}

impl ListFormat {
    /// As job files spell it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Csv { .. } => "S3BatchOperations_CSV_20180820",
            Self::JsonLines => "JSONLines",
            Self::Parquet => "Parquet",
            Self::Orc => "ORC",
            Self::Inventory { .. } => "S3InventoryReport_CSV_20161130",
            Self::Report { .. } => "Report_CSV_20180820",
        }
    }

    /// How such a list writes keys if nobody says otherwise.
    pub fn keys(&self) -> KeyEncoding {
        match self {
            Self::Parquet | Self::Orc => KeyEncoding::Raw,
            _ => KeyEncoding::Url,
        }
    }

    /// Whether keys are echoed in reports as the list writes them: it is text that a user wrote.
    fn is_text(&self) -> bool {
        matches!(self, Self::Csv { .. } | Self::JsonLines | Self::Report { .. })
    }
}

/// What becomes of the delete markers in an inventory of all versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeleteMarkers {
    /// They are left out: nothing can be done to them but delete them.
    #[default]
    Skip,
    /// They are rows like others.
    Keep,
}

/// Which rows of a completion report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportRows {
    /// Those of failed tasks: to run them again.
    #[default]
    Failed,
    /// Those of tasks that succeeded or had nothing to do.
    Succeeded,
    /// All of them.
    All,
}

/// A column of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// Its name in the list, where that is not the name of its meaning.
    pub column: Option<String>,
    /// What it holds.
    pub meaning: Meaning,
}

impl Field {
    /// `Bucket`.
    pub const BUCKET: Self = Self { column: None, meaning: Meaning::Bucket };
    /// `Key`.
    pub const KEY: Self = Self { column: None, meaning: Meaning::Key };
    /// `VersionId`.
    pub const VERSION_ID: Self = Self { column: None, meaning: Meaning::VersionId };
    /// `Ignore`.
    pub const IGNORE: Self = Self { column: None, meaning: Meaning::Ignore };

    /// A column that is handed to the operation.
    pub fn extra(name: impl Into<String>) -> Self {
        Self { column: Some(name.into()), meaning: Meaning::Column }
    }

    /// Its name in the list.
    pub fn name(&self) -> &str {
        self.column.as_deref().unwrap_or_else(|| self.meaning.name())
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Meaning {
    /// Bucket name.
    Bucket,
    /// Object key.
    Key,
    /// Version ID.
    VersionId,
    /// A column to pass over.
    Ignore,
    /// Something for the operation.
    Column,
}

impl Meaning {
    /// As job files spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bucket => "Bucket",
            Self::Key => "Key",
            Self::VersionId => "VersionId",
            Self::Ignore => "Ignore",
            Self::Column => "Column",
        }
    }
}
