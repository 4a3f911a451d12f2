//! The built-in operation `legal-hold`: sets or releases the legal hold of each object.

use longshore_sdk::lock::{LockableBucket, found};
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `legal-hold`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Whether the objects are held.
    pub status: Status,
}

/// Whether there is a legal hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Status {
    /// Nobody can delete the version.
    On,
    /// The hold is released.
    Off,
}

/// The operation.
#[derive(Debug)]
pub struct LegalHold {
    on: bool,
    bucket: LockableBucket,
}

impl Operation for LegalHold {
    type Parameters = Parameters;
    const NAME: &'static str = "legal-hold";
    const SUMMARY: &'static str = "Sets or releases the legal hold of objects.";
    const ACTIONS: &'static [&'static str] =
        &["s3:PutObjectLegalHold", "s3:GetObjectLegalHold", "s3:GetBucketObjectLockConfiguration"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self { on: parameters.status == Status::On, bucket: LockableBucket::new() })
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![
            object.get_lock_configuration().planned(),
            object.get_legal_hold().planned(),
            object.put_legal_hold(self.on).planned(),
        ]
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        self.bucket.check(object)?;
        let held = found(object.get_legal_hold().send())?.and_then(|answer| answer.legal_hold());
        if held.unwrap_or(false) == self.on {
            let status = if self.on { "ON" } else { "OFF" };
            return Ok(Outcome::Skipped(format!("the legal hold is {status} already")));
        }
        object.put_legal_hold(self.on).send()?;
        Ok(Outcome::done())
    }
}

longshore_sdk::export!(LegalHold);

#[cfg(test)]
mod tests;
