//! The built-in operation `restore`: asks for a temporary copy of an archived object (RestoreObject).
//!
//! Without `wait`, a task only starts the restore; when it ends is visible through HeadObject. What an object that is already
//! restored, being restored or not archived at all means is the store's decision, and its answer is the task's:
//! restored already: the expiry date moves; in progress: 409 `RestoreAlreadyInProgress`, unless the tier is a faster
//! one; not archived: 403 `InvalidObjectState`.
//!
//! With `wait`, a task ends when the object can be read. What it does each time it runs depends on what HeadObject says, and
//! not on what it did before; but its first run asks for the restore also where one is in progress, as that may be somebody
//! else's, with a slower tier.

use longshore_sdk::{Failure, Object, Operation, Outcome, Request, RestoreObject, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `restore`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// How many days the restored copy stays. Needed for GLACIER and DEEP_ARCHIVE; must be left out for the archive
    /// tiers of INTELLIGENT_TIERING, where the object itself moves back.
    #[serde(default)]
    #[schemars(range(min = 1, max = 36500))]
    pub days: Option<u32>,
    /// How fast: STANDARD, BULK (cheapest) or EXPEDITED (fastest; not every store and class has it).
    #[serde(default)]
    #[schemars(extend("default" = "STANDARD"))]
    pub tier: Tier,
    /// Whether a task ends only when the object can be read.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub wait: bool,
    /// With `wait`: how many seconds pass between two looks at an object. Without it what fits the tier: 60 for
    /// EXPEDITED, 900 for STANDARD, 3600 for BULK.
    #[serde(default)]
    #[schemars(range(min = 1, max = 86400))]
    pub check_every: Option<u32>,
}

/// How fast a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Tier {
    /// Hours.
    #[default]
    Standard,
    /// Cheapest, up to two days.
    Bulk,
    /// Minutes.
    Expedited,
}

impl Tier {
    /// The name in RestoreObject.
    fn name(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Bulk => "Bulk",
            Self::Expedited => "Expedited",
        }
    }

    /// Seconds between two looks: a fraction of the time that a restore takes.
    fn check_every(self) -> u32 {
        match self {
            Self::Standard => 15 * 60,
            Self::Bulk => 60 * 60,
            Self::Expedited => 60,
        }
    }
}

/// Storage classes whose objects cannot be read until they are restored.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// The operation.
#[derive(Debug)]
pub struct Restore(Parameters);

impl Restore {
    fn request(&self, object: &Object) -> RestoreObject {
        object.restore().days(self.0.days).tier(self.0.tier.name())
    }

    /// Asks for the restore of an object that is not restored.
    fn begin(&self, object: &Object) -> Result<(), Failure> {
        match self.request(object).send() {
            Ok(_) => Ok(()),
            // Another one is in progress, with a tier that is no slower. It is waited for.
            Err(error) if error.code == "RestoreAlreadyInProgress" => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// One look at an object that is waited for.
    fn look(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let found = object.head().send()?;
        let archived = found.archive_status().is_some()
            || found.storage_class().is_some_and(|class| ARCHIVES.contains(&class.as_str()));
        let first = task.attempt() == 1;
        match found.restore_ongoing() {
            Some(true) if !first => {}
            Some(true) => self.begin(object)?,
            Some(false) if archived && first => {
                self.request(object).send()?;
                return Ok(Outcome::done_with("already restored; expiry updated"));
            }
            None if archived => self.begin(object)?,
            _ if first => return Ok(Outcome::Skipped("it is not archived".to_owned())),
            _ => {
                let until = found.restore_expiry().map(|expiry| format!(" until {expiry}"));
                return Ok(Outcome::done_with(format!("readable{}", until.unwrap_or_default())));
            }
        }
        let seconds = self.0.check_every.unwrap_or_else(|| self.0.tier.check_every());
        Ok(Outcome::AgainAfter { seconds, note: "the restore is in progress".to_owned() })
    }
}

impl Operation for Restore {
    type Parameters = Parameters;
    const NAME: &'static str = "restore";
    const SUMMARY: &'static str = "Restores archived objects.";
    const ACTIONS: &'static [&'static str] = &["s3:RestoreObject", "s3:GetObject", "s3:GetObjectVersion"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        match parameters.days {
            Some(0) => Err("days must be at least 1".to_owned()),
            _ if parameters.check_every == Some(0) => Err("check-every must be at least 1".to_owned()),
            _ if parameters.check_every.is_some() && !parameters.wait => {
                Err("check-every goes with wait = true".to_owned())
            }
            _ => Ok(Self(parameters)),
        }
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        let look = self.0.wait.then(|| object.head().planned());
        look.into_iter().chain([self.request(object).planned()]).collect()
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        if self.0.wait {
            return self.look(object, task);
        }
        let response = self.request(object).send()?;
        // RestoreObject answers 202 when a restore begins and 200 when there is a restored copy, whose expiry moves.
        match response.http_status() {
            200 => Ok(Outcome::done_with("already restored; expiry updated")),
            _ => Ok(Outcome::done()),
        }
    }
}

longshore_sdk::export!(Restore);

#[cfg(test)]
mod tests;
