//! `my-operation`: tags objects from a given size on.
//!
//! What an operation can do: `cargo doc --open -p longshore-sdk`.

use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a job file says under `[operation.parameters]`. The engine checks it against these types, and `new` below, before any
/// object is touched.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Objects of fewer bytes are left alone.
    pub min_bytes: u64,
    /// Value of the tag `size`.
    #[serde(default = "large")]
    #[schemars(length(min = 1, max = 256))]
    pub value: String,
}

fn large() -> String {
    "large".to_owned()
}

/// The operation.
pub struct MyOperation(Parameters);

impl Operation for MyOperation {
    type Parameters = Parameters;
    const NAME: &'static str = "my-operation";
    const SUMMARY: &'static str = "Tags objects from a given size on.";
    /// What a role must allow: people read it, and an engine refuses everything else.
    const ACTIONS: &'static [&'static str] = &["s3:GetObject", "s3:PutObjectTagging"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        if parameters.value.starts_with("aws:") {
            return Err("value: tags that begin with \"aws:\" are reserved".to_owned());
        }
        Ok(Self(parameters))
    }

    /// What `run` may send, so that the role is asked about all of it before anything is sent.
    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![object.head().planned(), object.put_tags([("size", &self.0.value)]).planned()]
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        let size = object.head().send()?.size().unwrap_or(0);
        if size < self.0.min_bytes {
            return Ok(Outcome::Skipped(format!("{size} bytes")));
        }
        object.put_tags([("size", &self.0.value)]).send()?;
        Ok(Outcome::done_with(format!("{size} bytes")))
    }
}

longshore_sdk::export!(MyOperation);

#[cfg(test)]
mod tests {
    use longshore_sdk::testing::{FakeStore, Fixture, operation};
    use longshore_sdk::{Operation, Outcome};

    use super::MyOperation;

    #[test]
    fn large_objects_are_tagged() {
        let store = FakeStore::new();
        store.insert("b", "small", Fixture::of("four"));
        store.insert("b", "large", Fixture::of("five!"));
        let tag = operation::<MyOperation>(r#"{"min-bytes": 5}"#).unwrap();
        let run = |key| tag.run(&store.object("b", key), &store.task());

        assert_eq!(run("small"), Ok(Outcome::Skipped("4 bytes".to_owned())));
        assert_eq!(run("large"), Ok(Outcome::done_with("5 bytes")));
        assert_eq!(
            store.sent(),
            [
                "HeadObject s3://b/small",
                "HeadObject s3://b/large",
                "PutObjectTagging s3://b/large tag=size=large"
            ]
        );
    }

    #[test]
    fn reserved_tags_are_refused() {
        assert!(operation::<MyOperation>(r#"{"min-bytes": 5, "value": "aws:large"}"#).is_err());
    }
}
