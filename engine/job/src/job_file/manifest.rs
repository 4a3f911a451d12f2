//! From the form of `[manifest]` to its sources.

use super::Environment;
use super::file::{ManifestSection, SourceSection};
use super::generate::generate;
use super::list::list;
use crate::declare::Declaration;
use crate::spec::{ManifestSpec, Sample, SourceSpec};

/// Where the section stands.
pub(super) const MANIFEST: &str = "/manifest";

/// The keys of a source. Beside `sources` they have no meaning.
const SOURCE_KEYS: [&str; 13] = [
    "location",
    "format",
    "fields",
    "header",
    "delimiter",
    "keys",
    "bucket",
    "delete-markers",
    "where",
    "rows",
    "etag",
    "version-id",
    "generate",
];

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
    let sources: Vec<SourceSpec> = sources?;
    if sources.iter().filter(|source| source.is_stdin()).count() > 1 {
        declaration.problem_at_key("/manifest/sources", "only one source can be standard input", None);
    }
    Some(ManifestSpec {
        sources,
        on_bad_row: section.on_bad_row,
        sample,
        unique: section.unique,
        limit: section.limit,
    })
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
            generate(section, &generated, environment, declaration)
                .map(|spec| SourceSpec::Generate(Box::new(spec)))
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
