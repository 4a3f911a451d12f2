//! An operation of one's own: looks for byte patterns and tags each object `scan=clean`, or `scan=found` and the rule's name.
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown -p longshore-example-scan
//! ```
//!
//! All bytes of an object are read, in steps, for all rules at once; a pattern may lie across a border. What was read is what is tagged: where
//! the bucket has versions, that version; elsewhere the object is looked at again before the tag is written. It is no
//! virus scanner: it does not look into archives, and knows no other rules than those it is given.

mod rules;

use std::collections::BTreeMap;

use longshore_sdk::parameters::MAX_TAGS;
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

pub use self::rules::Rule;
use self::rules::Rules;

/// The tag that says what came of it.
const RESULT: &str = "scan";
/// The tag that names the rule which was found.
const RULE: &str = "scan-rule";

/// Parameters of `scan`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// What is looked for.
    #[schemars(length(min = 1, max = 1000))]
    pub rules: Vec<Rule>,
    /// Whether the task of an object in which something is found fails, with the code `PatternFound`; once the object is tagged.
    #[serde(default)]
    pub fail_if_found: bool,
}

/// The operation.
#[derive(Debug)]
pub struct Scan {
    rules: Rules,
    fail_if_found: bool,
}

/// Where a rule was found.
struct Found<'r> {
    rule: &'r str,
    at: usize,
}

impl Scan {
    fn search(&self, object: &Object, etag: Option<&str>) -> Result<Option<Found<'_>>, Failure> {
        let mut reader = object.reader();
        if reader.size()? > 0 && reader.etag() != etag {
            return Err(written_meanwhile());
        }
        let mut matches = self
            .rules
            .search
            .try_stream_find_iter(reader)
            .map_err(|why| Failure::new("ScanError", why.to_string()))?;
        let Some(found) = matches.next().transpose()? else { return Ok(None) };
        let rule = self.rules.names.get(found.pattern().as_usize()).map_or("", String::as_str);
        Ok(Some(Found { rule, at: found.start() }))
    }

    /// Brings the tags of this operation up to date and leaves the others alone.
    fn tag(object: &Object, etag: Option<&str>, found: Option<&Found>) -> Result<(), Failure> {
        let before: BTreeMap<String, String> =
            object.get_tags().send()?.tags().into_iter().map(|tag| (tag.key, tag.value)).collect();
        let mut after = before.clone();
        after.remove(RULE);
        after.insert(RESULT.to_owned(), if found.is_some() { "found" } else { "clean" }.to_owned());
        if let Some(found) = found {
            after.insert(RULE.to_owned(), found.rule.to_owned());
        }
        if after == before {
            return Ok(());
        }
        if after.len() > MAX_TAGS {
            let message = format!(
                "with those of the scan the object would have {} tags; S3 allows {MAX_TAGS}",
                after.len()
            );
            return Err(Failure::new("TooManyTags", message).with_status(400));
        }
        if object.version_id().is_none() {
            // A tag knows no conditions. This leaves a moment in which the object may still be replaced.
            object.head().if_match(etag).send()?;
        }
        object.put_tags(after).send()?;
        Ok(())
    }
}

impl Operation for Scan {
    type Parameters = Parameters;
    const NAME: &'static str = "scan";
    const SUMMARY: &'static str = "Looks for byte patterns and tags objects with what is found.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging",
        "s3:PutObjectTagging",
        "s3:PutObjectVersionTagging",
    ];

    fn new(Parameters { rules, fail_if_found }: Parameters) -> Result<Self, String> {
        Ok(Self { rules: Rules::new(&rules)?, fail_if_found })
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![
            object.head().planned(),
            object.get().provisional(),
            object.get_tags().planned(),
            object.put_tags([(RESULT, "clean")]).provisional(),
        ]
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        let head = object.head().send()?;
        let object = object.open(&object.bucket(), &object.key(), head.version_id().as_deref());
        let found = self.search(&object, head.etag().as_deref())?;
        Self::tag(&object, head.etag().as_deref(), found.as_ref())?;
        match found {
            None => Ok(Outcome::done_with("clean")),
            Some(Found { rule, at }) if self.fail_if_found => {
                Err(Failure::new("PatternFound", format!("{rule} at byte {at}")))
            }
            Some(Found { rule, at }) => Ok(Outcome::done_with(format!("found {rule} at byte {at}"))),
        }
    }
}

fn written_meanwhile() -> Failure {
    Failure::new("PreconditionFailed", "the object was written meanwhile").with_status(412)
}

longshore_sdk::export!(Scan);

#[cfg(test)]
mod tests;
