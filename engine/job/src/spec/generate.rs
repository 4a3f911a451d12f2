//! A manifest that is generated from a bucket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Location;
use crate::filter::Filter;

/// Which objects of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateSpec {
    /// The bucket that is listed.
    pub bucket: String,
    /// Which of its objects. Relative ages count back from the job's submission.
    #[serde(rename = "where")]
    pub filter: Filter,
    /// Which versions of them.
    pub versions: Versions,
    /// Leave out the newest so many versions of each key.
    pub keep_newest: Option<u32>,
    /// Account that must own the bucket, 12 digits.
    pub expected_bucket_owner: Option<String>,
    /// Where the list is saved as an inventory: a local directory, or bucket and prefix.
    pub save: Option<Location>,
}

/// Two parts of a specification that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key that is too much.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

impl GenerateSpec {
    /// What does not go together with the choice of versions.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        if self.keep_newest.is_some() && !matches!(self.versions, Versions::All | Versions::Noncurrent) {
            conflicts.push(Conflict {
                key: "keep-newest",
                message: "\"keep-newest\" is for versions".to_owned(),
                help: "choose \"all\" or \"noncurrent\" as \"versions\", or leave \"keep-newest\" out",
            });
        }
        if self.versions == Versions::DeleteMarkers
            && let Some(fact) = self.filter.not_of_delete_markers()
        {
            conflicts.push(Conflict {
                key: "where",
                message: format!("delete markers have no such thing as {fact}, which \"where\" asks for"),
                help: "they have a key and the time when they were made",
            });
        }
        conflicts
    }
}

impl std::fmt::Display for GenerateSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "generated from s3://{}", self.bucket)
    }
}

/// Which versions of the objects of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Versions {
    /// The objects as they are now. Tasks name no version: they work on what is current when they run.
    #[default]
    Current,
    /// Every version, the current ones too. Delete markers are none.
    All,
    /// Every version that is not current any more.
    Noncurrent,
    /// The delete markers, and no versions.
    DeleteMarkers,
}
