//! The built-in operation `expire-versions`: deletes the old versions of each object for good and keeps the newest.

use longshore_sdk::time::{Age, Timestamp};
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task, Version, versions};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `expire-versions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// How many versions stay: the newest, the current one among them. Delete markers do not count.
    #[schemars(range(min = 1, max = 100_000))]
    pub keep: u32,
    /// Only versions that have not been the current one for so long: "30d", "1y 6mo".
    #[serde(default)]
    #[schemars(with = "Option<Age>")]
    pub min_age: Option<Age>,
    /// Whether the delete markers of a key go that has no version any more.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub lone_markers: bool,
    /// Whether also versions that a retention of mode GOVERNANCE protects.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub bypass_governance: bool,
}

/// The operation.
#[derive(Debug)]
pub struct ExpireVersions(Parameters);

impl ExpireVersions {
    /// Which of all versions, the newest first, have to go. `before`: those that were replaced earlier.
    fn victims(&self, all: Vec<Version>, before: Option<Timestamp>) -> Vec<Version> {
        if all.iter().all(|version| version.is_delete_marker) {
            return if self.0.lone_markers { all } else { Vec::new() };
        }
        let keep = usize::try_from(self.0.keep).unwrap_or(usize::MAX);
        let mut replaced: Option<Timestamp> = None;
        let mut newer = 0;
        let mut victims = Vec::new();
        for version in all {
            let written = version.last_modified.as_deref().and_then(|time| time.parse().ok());
            let old = before.is_none_or(|before| replaced.is_some_and(|replaced| replaced < before));
            replaced = written;
            if version.is_delete_marker {
                continue;
            }
            newer += 1;
            if newer > keep && old && !version.is_latest {
                victims.push(version);
            }
        }
        victims
    }
}

impl Operation for ExpireVersions {
    type Parameters = Parameters;
    const NAME: &'static str = "expire-versions";
    const SUMMARY: &'static str = "Deletes old versions of objects and keeps the newest.";
    const ACTIONS: &'static [&'static str] =
        &["s3:ListBucketVersions", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        match parameters.keep {
            0 => Err("keep must be at least 1; to delete everything use the operation delete".to_owned()),
            _ => Ok(Self(parameters)),
        }
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        let some = object.open(&object.bucket(), &object.key(), Some("null"));
        let delete = some.delete().bypass_governance(self.0.bypass_governance);
        vec![object.list_versions(None).planned(), delete.provisional()]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let before = self.0.min_age.map(|age| {
            age.before(task.now()).ok_or_else(|| {
                Failure::new("InvalidArgument", "min-age leads beyond the beginning of the calendar")
            })
        });
        let victims = self.victims(versions::of(object)?, before.transpose()?);
        if victims.is_empty() {
            return Ok(Outcome::Skipped("no version has to go".to_owned()));
        }
        let oldest_first: Vec<_> = victims.into_iter().rev().collect();
        Ok(versions::delete(object, &oldest_first, self.0.bypass_governance)?.outcome(task))
    }
}

longshore_sdk::export!(ExpireVersions);

#[cfg(test)]
mod tests;
