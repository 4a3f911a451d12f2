//! An operation that waits: restores archived objects, and is done with each when it can be read.
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown -p longshore-example-await-restore
//! ```
//!
//! A restore takes hours. The task is answered with `AgainAfter` meanwhile: it holds no lane and no memory, and goes on
//! waiting when the engine is started again.

use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `await-restore`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// How many days the restored copy stays.
    pub days: u32,
    /// How many seconds pass between two looks at an object.
    pub check_every: u32,
}

/// The operation.
#[derive(Debug)]
pub struct AwaitRestore(Parameters);

impl Operation for AwaitRestore {
    type Parameters = Parameters;
    const NAME: &'static str = "await-restore";
    const SUMMARY: &'static str = "Restores archived objects and waits until they can be read.";
    const ACTIONS: &'static [&'static str] = &["s3:GetObject", "s3:RestoreObject"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self(parameters))
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![object.head().planned(), object.restore().days(self.0.days).planned()]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        match object.head().send()?.restore_ongoing() {
            Some(false) => {
                return Ok(Outcome::done_with(format!("readable, seen by run {}", task.attempt())));
            }
            Some(true) => {}
            None => {
                object.restore().days(self.0.days).send()?;
            }
        }
        Ok(Outcome::AgainAfter { seconds: self.0.check_every, note: "the restore is in progress".to_owned() })
    }
}

longshore_sdk::export!(AwaitRestore);

#[cfg(test)]
mod tests {
    use longshore_sdk::testing::{FakeStore, Fixture, operation};
    use longshore_sdk::{Operation, Outcome};

    use super::AwaitRestore;

    #[test]
    fn it_begins_once_and_then_looks() {
        let store = FakeStore::new();
        store.insert("b", "k", Fixture::default());
        let operation = operation::<AwaitRestore>(r#"{"days": 3, "check-every": 60}"#).unwrap();
        let run = || operation.run(&store.object("b", "k"), &store.task());
        let again = Outcome::AgainAfter { seconds: 60, note: "the restore is in progress".to_owned() };
        assert_eq!((run(), run()), (Ok(again.clone()), Ok(again)));
        store.insert("b", "k", Fixture { restore_ongoing: Some(false), ..Fixture::default() });
        assert_eq!(run(), Ok(Outcome::done_with("readable, seen by run 1")));
        let sent: Vec<_> =
            store.sent().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(sent, ["HeadObject", "RestoreObject", "HeadObject", "HeadObject"]);
    }
}
