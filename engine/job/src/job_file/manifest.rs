//! From the form of `[manifest]` to its sources.

use super::Environment;
use super::file::{ManifestFormat, ManifestSection, SourceSection};
use super::generate::generate;
use super::resolve::place;
use crate::declare::Declaration;
use crate::spec::{CsvFormat, Field, ListFormat, ListSpec, Location, ManifestSpec, Sample, SourceSpec};

/// Where the section stands.
const MANIFEST: &str = "/manifest";

/// The keys of a source. Beside `sources` they have no meaning.
const SOURCE_KEYS: [&str; 7] = ["location", "format", "fields", "keys", "etag", "version-id", "generate"];

/// Resolves `[manifest]`: one source inline, or several.
pub(super) fn manifest(
    section: ManifestSection,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<ManifestSpec> {
    let sample = sample(section.sample, section.seed, declaration);
    let sources = match section.sources {
        Some(sources) => {
            refuse_inline(declaration);
            let resolved = (0..).zip(sources).map(|(index, section)| {
                source(section, &format!("{MANIFEST}/sources/{index}"), environment, declaration)
            });
            // Every source is looked at before any is missed.
            resolved.collect::<Vec<_>>().into_iter().collect()
        }
        // What is wrong with "sources" was said, and that there is no list beside them is right.
        None if declaration.declares("/manifest/sources") => None,
        None => source(section.source, MANIFEST, environment, declaration).map(|source| vec![source]),
    };
    Some(ManifestSpec { sources: sources?, sample, limit: section.limit })
}

/// `sources` stands alone.
fn refuse_inline(declaration: &mut Declaration<'_>) {
    for key in SOURCE_KEYS {
        let at = format!("{MANIFEST}/{key}");
        if declaration.declares(&at) {
            let help = "move it into one of [[manifest.sources]]".to_owned();
            declaration.problem_at_key(
                &at,
                format!("[manifest] has both \"sources\" and \"{key}\""),
                Some(help),
            );
        }
    }
}

fn sample(fraction: Option<f64>, seed: Option<u64>, declaration: &mut Declaration<'_>) -> Option<Sample> {
    if seed.is_some() && !declaration.declares("/manifest/sample") {
        let help = "add the share of the rows, for example: sample = 0.01".to_owned();
        declaration.problem_at_key("/manifest/seed", "\"seed\" is for a \"sample\"", Some(help));
    }
    fraction.map(|fraction| Sample { fraction, seed: seed.unwrap_or_default() })
}

/// One source, whose keys stand in the table at `at`.
fn source(
    section: SourceSection,
    at: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<SourceSpec> {
    let generated = format!("{at}/generate");
    match section.generate {
        Some(section) => {
            refuse_beside_generate(at, declaration);
            generate(section, &generated, environment, declaration).map(SourceSpec::Generate)
        }
        // What is wrong with it was said.
        None if declaration.declares(&generated) => None,
        None => list(section, at, environment, declaration).map(SourceSpec::List),
    }
}

/// A list that is generated is not written anywhere.
fn refuse_beside_generate(at: &str, declaration: &mut Declaration<'_>) {
    for key in SOURCE_KEYS.iter().filter(|key| **key != "generate") {
        let at = format!("{at}/{key}");
        if declaration.declares(&at) {
            let help = "a source is either a list, with \"location\", or generated: keep one".to_owned();
            declaration.problem_at_key(
                &at,
                format!("\"{key}\" and \"generate\" do not go together"),
                Some(help),
            );
        }
    }
}

fn list(
    section: SourceSection,
    at: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<ListSpec> {
    let fields = "fields = [\"Bucket\", \"Key\"]    # The columns, in order";
    need(section.fields.is_some(), at, "fields", fields, declaration);
    let location = "location = \"list.csv\"    # A local file, or `s3://bucket/key` on the job's store; or use [manifest.generate]";
    need(section.location.is_some(), at, "location", location, declaration);
    let ManifestFormat::Csv20180820 = section.format.unwrap_or_default();
    if let Some(fields) = &section.fields {
        check_fields(fields, &format!("{at}/fields"), declaration);
    }
    let at_location = format!("{at}/location");
    let location = section.location.and_then(|text| place(&text, &at_location, environment, declaration));
    let etag = section.etag.map(|etag| etag.trim_matches('"').to_owned());
    match &location {
        Some(Location::S3 { key, .. }) if key.is_empty() => {
            let help = Some("write s3://bucket/key".to_owned());
            declaration.problem_at_value(&at_location, "the manifest's location names no key", help);
        }
        Some(Location::Local(_)) => {
            check_local(etag.as_deref(), section.version_id.is_some(), at, declaration);
        }
        _ => {}
    }
    Some(ListSpec {
        location: location?,
        format: ListFormat::Csv(CsvFormat {
            fields: section.fields?,
            keys: section.keys.unwrap_or_default(),
        }),
        etag,
        version_id: section.version_id,
    })
}

/// A key that the table at `at` must have.
fn need(given: bool, at: &str, key: &str, example: &str, declaration: &mut Declaration<'_>) {
    if !given && !declaration.declares(&format!("{at}/{key}")) {
        let place = if at == MANIFEST { "[manifest]" } else { "[[manifest.sources]]" };
        declaration.problem_at_key(at, format!("missing key \"{key}\" in {place}"), Some(example.to_owned()));
    }
}

/// What only objects have, a local file must not name.
fn check_local(etag: Option<&str>, version: bool, at: &str, declaration: &mut Declaration<'_>) {
    if version {
        let message = "\"version-id\" is for manifests in a store; this one is a local file";
        declaration.problem_at_key(&format!("{at}/version-id"), message, None);
    }
    if etag.is_some_and(|etag| etag.len() != 32 || !etag.chars().all(|c| c.is_ascii_hexdigit())) {
        let message = "\"etag\" of a local manifest is its MD5: 32 hexadecimal digits";
        declaration.problem_at_value(&format!("{at}/etag"), message, None);
    }
}

/// `Bucket` and `Key` are needed, and only `Ignore` may occur again.
fn check_fields(fields: &[Field], at: &str, declaration: &mut Declaration<'_>) {
    for needed in [Field::Bucket, Field::Key] {
        if !fields.contains(&needed) {
            let help =
                "name all columns in their order, for example: fields = [\"Bucket\", \"Key\"]".to_owned();
            declaration.problem_at_value(at, format!("\"fields\" lacks \"{needed:?}\""), Some(help));
        }
    }
    for (index, field) in fields.iter().enumerate() {
        let again = fields.iter().take(index).any(|earlier| earlier == field);
        if again && *field != Field::Ignore {
            let help = "only \"Ignore\" may occur again".to_owned();
            declaration.problem_at_value(
                &format!("{at}/{index}"),
                format!("\"{field:?}\" occurs twice in \"fields\""),
                Some(help),
            );
        }
    }
}
