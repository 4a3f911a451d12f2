//! `[manifest.generate]`: its form, and from there to the source.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Environment;
use super::resolve::place;
use crate::declare::Declaration;
use crate::filter::Filter;
use crate::object::bad_bucket_name;
use crate::spec::{Conflict, GenerateSpec, Location, Versions};

/// Longest prefix that a list is saved under, in characters (S3 Control API, `ManifestPrefix`).
const MAX_SAVE_PREFIX: usize = 512;

/// The objects of a bucket, listed while the job is Preparing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GenerateSection {
    /// The bucket.
    #[schemars(required, length(min = 1), extend("examples" = ["photos"]))]
    bucket: Option<String>,
    /// Which of its objects; all if left out.
    #[serde(default)]
    #[schemars(extend("examples" = [{"prefixes": ["logs/"], "older-than": "90d"}]))]
    r#where: Filter,
    /// Which versions of them.
    #[serde(default)]
    versions: Versions,
    /// Leave out the newest so many versions of each key; for `versions = "all"` or `"noncurrent"`.
    #[schemars(range(min = 1), extend("examples" = [3]))]
    keep_newest: Option<u32>,
    /// Account that must own the bucket; the listing is refused otherwise.
    #[schemars(extend("pattern" = "^[0-9]{12}$", "patternErrorMessage" = "must be 12 digits", "examples" = ["111122223333"]))]
    expected_bucket_owner: Option<String>,
    /// Save the list as an inventory: a local directory, or `s3://bucket/prefix` on the job's store. It is in `job-<id>/` below it.
    #[schemars(length(min = 1), extend("examples" = ["s3://lists/generated", "lists"]))]
    save: Option<String>,
}

/// Resolves the section, which stands at `at`.
pub(super) fn generate(
    section: GenerateSection,
    at: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<GenerateSpec> {
    if let Some(why) = section.bucket.as_deref().and_then(bad_bucket_name) {
        let message = format!("\"bucket\" cannot be a bucket name: {why}");
        declaration.problem_at_value(&format!("{at}/bucket"), message, None);
    }
    section.r#where.check(&format!("{at}/where"), declaration);
    let at_save = format!("{at}/save");
    let save = section.save.and_then(|text| place(&text, &at_save, environment, declaration));
    if let Some(Location::S3 { key, .. }) = &save
        && key.chars().count() > MAX_SAVE_PREFIX
    {
        let message = format!("the prefix of the saved list is longer than {MAX_SAVE_PREFIX} characters");
        declaration.problem_at_value(&at_save, message, None);
    }
    let spec = GenerateSpec {
        // A bucket that is missing is no reason to miss what else is wrong.
        bucket: section.bucket.unwrap_or_default(),
        filter: section.r#where,
        versions: section.versions,
        keep_newest: section.keep_newest,
        expected_bucket_owner: section.expected_bucket_owner,
        save,
    };
    for Conflict { key, message, help } in spec.conflicts() {
        declaration.problem_at_key(&format!("{at}/{key}"), message, Some(help.to_owned()));
    }
    (!spec.bucket.is_empty()).then_some(spec)
}
