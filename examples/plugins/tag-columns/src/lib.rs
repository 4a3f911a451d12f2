//! An operation that works with columns of the manifest: tags each object with what its row says.
//!
//! With `fields = ["Bucket", "Key", { column = "owner" }]` and `parameters = { columns = ["owner"] }` the row
//! `photos,beach.jpg,ann` gives the object the tag `owner=ann`. The tags that it had are replaced.

use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `tag-columns`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// The columns that become tags. Of those where a row has nothing, there is no tag.
    #[schemars(length(min = 1, max = 10))]
    pub columns: Vec<String>,
}

/// The operation.
#[derive(Debug)]
pub struct TagColumns(Parameters);

impl TagColumns {
    fn tags(&self, task: &Task) -> Vec<(&str, String)> {
        self.0.columns.iter().filter_map(|name| Some((name.as_str(), task.column(name)?))).collect()
    }
}

impl Operation for TagColumns {
    type Parameters = Parameters;
    const NAME: &'static str = "tag-columns";
    const SUMMARY: &'static str = "Tags objects with what columns of the manifest say.";
    const ACTIONS: &'static [&'static str] = &["s3:PutObjectTagging"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self(parameters))
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        vec![object.put_tags(self.tags(task)).planned()]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let tags = self.tags(task);
        if tags.is_empty() {
            return Ok(Outcome::Skipped("the row has none of the columns".to_owned()));
        }
        object.put_tags(tags).send()?;
        Ok(Outcome::done())
    }
}

longshore_sdk::export!(TagColumns);

#[cfg(test)]
mod tests {
    use longshore_sdk::testing::{FakeStore, Fixture, operation};
    use longshore_sdk::{Operation, Outcome};

    use super::TagColumns;

    #[test]
    fn columns_become_tags() {
        let store = FakeStore::new();
        store.insert("b", "k", Fixture::default());
        let tag = operation::<TagColumns>(r#"{"columns": ["owner", "team"]}"#).unwrap();
        let object = store.object("b", "k");
        assert_eq!(tag.run(&object, &store.task_with([("owner", "ann")])), Ok(Outcome::done()));
        assert_eq!(store.sent(), ["PutObjectTagging s3://b/k tag=owner=ann"]);
        let none = tag.run(&object, &store.task_with([("size", "3")]));
        assert_eq!(none, Ok(Outcome::Skipped("the row has none of the columns".to_owned())));
    }
}
