//! The built-in operation `restore`: asks for a temporary copy of an archived object (RestoreObject).
//!
//! A task only starts the restore; when it ends is visible through HeadObject. What an object that is already
//! restored, being restored or not archived at all means is the store's decision, and its answer is the task's:
//! restored already: the expiry date moves; in progress: 409 `RestoreAlreadyInProgress`, unless the tier is a faster
//! one; not archived: 403 `InvalidObjectState`.

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
}

/// The operation.
#[derive(Debug)]
pub struct Restore(Parameters);

impl Restore {
    fn request(&self, object: &Object) -> RestoreObject {
        object.restore().days(self.0.days).tier(self.0.tier.name())
    }
}

impl Operation for Restore {
    type Parameters = Parameters;
    const NAME: &'static str = "restore";
    const SUMMARY: &'static str = "Starts the restore of archived objects.";
    const ACTIONS: &'static [&'static str] = &["s3:RestoreObject"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        match parameters.days {
            Some(0) => Err("days must be at least 1".to_owned()),
            _ => Ok(Self(parameters)),
        }
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![self.request(object).planned()]
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
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
