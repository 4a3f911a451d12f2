//! The built-in operation `storage-class`: moves each object to another storage class, by a copy in place.

use longshore_sdk::in_place::{self, Change, Original};
use longshore_sdk::lock::LockableBucket;
use longshore_sdk::parameters::StorageClass;
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `storage-class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// The new storage class.
    pub storage_class: StorageClass,
}

/// The operation.
#[derive(Debug)]
pub struct SetStorageClass {
    class: &'static str,
    bucket: LockableBucket,
}

impl SetStorageClass {
    fn change(&self) -> Change<'static> {
        Change { storage_class: Some(self.class), ..Change::default() }
    }
}

impl Operation for SetStorageClass {
    type Parameters = Parameters;
    const NAME: &'static str = "storage-class";
    const SUMMARY: &'static str = "Moves objects to another storage class, in place.";
    const ACTIONS: &'static [&'static str] = in_place::ACTIONS;

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self { class: parameters.storage_class.name(), bucket: LockableBucket::new() })
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        in_place::plan(object, self.change())
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let original = Original::read(object, &self.bucket)?;
        // HeadObject leaves the class out for STANDARD.
        let class = original.head().storage_class().unwrap_or_else(|| "STANDARD".to_owned());
        if class == self.class {
            return Ok(Outcome::Skipped(format!("the storage class is {class} already")));
        }
        original.copy(object, task.now(), self.change())?;
        Ok(Outcome::done_with(format!("moved from {class} to {}", self.class)))
    }
}

longshore_sdk::export!(SetStorageClass);

#[cfg(test)]
mod tests;
