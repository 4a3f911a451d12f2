//! An operation of one's own: tags large objects with `size=large`.
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown -p longshore-example-mark-large
//! ```
//!
//! and in a job file `operation = { plugin = "target/wasm32-unknown-unknown/release/longshore_example_mark_large.wasm",
//! parameters = { min-bytes = 1073741824 } }`.

use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `mark-large`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// How many bytes make an object large.
    pub min_bytes: u64,
}

/// The operation.
#[derive(Debug)]
pub struct MarkLarge(Parameters);

impl Operation for MarkLarge {
    type Parameters = Parameters;
    const NAME: &'static str = "mark-large";
    const SUMMARY: &'static str = "Tags large objects with size=large.";
    const ACTIONS: &'static [&'static str] = &["s3:GetObject", "s3:PutObjectTagging"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self(parameters))
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![object.head().planned(), object.put_tags([("size", "large")]).planned()]
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        let size = object.head().send()?.size().unwrap_or(0);
        if size < self.0.min_bytes {
            return Ok(Outcome::Skipped(format!("{size} bytes")));
        }
        object.put_tags([("size", "large")]).send()?;
        Ok(Outcome::done())
    }
}

longshore_sdk::export!(MarkLarge);

#[cfg(test)]
mod tests {
    use longshore_sdk::testing::{FakeStore, Fixture, operation};
    use longshore_sdk::{Operation, Outcome};

    use super::MarkLarge;

    #[test]
    fn only_large_objects_are_marked() {
        let store = FakeStore::new();
        store.insert("b", "small", Fixture { size: 99, ..Fixture::default() });
        store.insert("b", "large", Fixture { size: 100, ..Fixture::default() });
        let mark = operation::<MarkLarge>(r#"{"min-bytes": 100}"#).unwrap();
        let run = |key| mark.run(&store.object("b", key), &store.task());
        assert_eq!(run("small"), Ok(Outcome::Skipped("99 bytes".to_owned())));
        assert_eq!(run("large"), Ok(Outcome::done()));
        assert_eq!(
            store.sent(),
            [
                "HeadObject s3://b/small",
                "HeadObject s3://b/large",
                "PutObjectTagging s3://b/large tag=size=large"
            ]
        );
    }
}
