//! Which objects: the sources of a manifest and what is taken of them.

use serde::{Deserialize, Serialize};

use super::{GenerateSpec, Location};
use crate::row::KeyEncoding;

/// Which objects: sources that are read one after the other, and which of their rows become tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestSpec {
    /// Where rows come from, in order; at least one.
    pub sources: Vec<SourceSpec>,
    /// Only some of the rows, chosen at random.
    pub sample: Option<Sample>,
    /// Most tasks; of what the sample leaves. Reading stops there.
    pub limit: Option<u64>,
}

impl ManifestSpec {
    /// How the rows of the job write keys, and so its completion report: as they are if every source does so, else
    /// percent-encoded, which is Amazon's form.
    pub fn keys(&self) -> KeyEncoding {
        let raw = self.sources.iter().all(|source| source.keys() == KeyEncoding::Raw);
        if raw { KeyEncoding::Raw } else { KeyEncoding::Url }
    }
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
    Generate(GenerateSpec),
}

impl SourceSpec {
    /// How the rows of this source write keys.
    pub fn keys(&self) -> KeyEncoding {
        match self {
            Self::List(list) => list.keys(),
            Self::Generate(_) => KeyEncoding::Url,
        }
    }
}

/// A list of objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSpec {
    /// Where it is.
    pub location: Location,
    /// How it is written.
    pub format: ListFormat,
    /// ETag that it must have: without quotes; for a local file its MD5 in hex.
    pub etag: Option<String>,
    /// Version of the list, where it is an object.
    pub version_id: Option<String>,
}

impl ListSpec {
    fn keys(&self) -> KeyEncoding {
        match &self.format {
            ListFormat::Csv(csv) => csv.keys,
        }
    }
}

/// How a list is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListFormat {
    /// `S3BatchOperations_CSV_20180820`.
    Csv(CsvFormat),
}

/// How a CSV list is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvFormat {
    /// The columns, in order.
    pub fields: Vec<Field>,
    /// How keys are written.
    pub keys: KeyEncoding,
}

/// A column of a CSV manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Field {
    /// Bucket name.
    Bucket,
    /// Object key.
    Key,
    /// Version ID.
    VersionId,
    /// A column to pass over.
    Ignore,
}
