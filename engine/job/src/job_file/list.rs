//! From the form of a list to what its reader needs.

use serde_json::Value;

use super::Environment;
use super::file::{FieldForm, FieldName, ManifestFormat, SourceSection};
use super::manifest::MANIFEST;
use super::resolve::place;
use crate::declare::Declaration;
use crate::filter::Filter;
use crate::object::bad_bucket_name;
use crate::spec::{DeleteMarkers, Field, ListFormat, ListSpec, Location, Meaning, Origin};

/// How a job file names standard input.
pub(super) const STDIN: &str = "-";

/// Resolves a list whose keys stand in the table at `at`.
pub(super) fn list(
    section: SourceSection,
    at: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<ListSpec> {
    let format = section.format.unwrap_or_default();
    refuse_other_keys(format, &section, at, declaration);
    let location_given = section.location.is_some();
    let location = "location = \"list.csv\"    # A local file, or `s3://bucket/key` on the job's store";
    need(location_given, at, "location", location, declaration);
    let fields = fields(format, &section, at, declaration);
    let delimiter = delimiter(section.delimiter, at, declaration);
    if let Some(why) = section.bucket.as_deref().and_then(bad_bucket_name) {
        declaration.problem_at_value(
            &format!("{at}/bucket"),
            format!("\"bucket\" is no bucket name: {why}"),
            None,
        );
    }
    let etag = section.etag.map(|etag| etag.trim_matches('"').to_owned());
    let version = section.version_id.is_some();
    let location = section.location.and_then(|text| origin(&text, at, environment, declaration));
    if let Some(location) = &location {
        check_pins(location, etag.as_deref(), version, at, declaration);
    }
    let format = match format {
        ManifestFormat::Csv => ListFormat::Csv { header: section.header.unwrap_or_default(), delimiter },
        ManifestFormat::JsonLines => ListFormat::JsonLines,
        ManifestFormat::Parquet => ListFormat::Parquet,
        ManifestFormat::Orc => ListFormat::Orc,
        ManifestFormat::Inventory | ManifestFormat::GeneratedInventory => {
            let delete_markers = section.delete_markers.unwrap_or_default();
            let filter = section.r#where.unwrap_or_default();
            check_filter(&filter, delete_markers, &format!("{at}/where"), declaration);
            ListFormat::Inventory { delete_markers, filter: Box::new(filter) }
        }
        ManifestFormat::Report => ListFormat::Report { rows: section.rows.unwrap_or_default() },
    };
    Some(ListSpec {
        location: location?,
        keys: section.keys.unwrap_or(format.keys()),
        format,
        fields: fields?,
        bucket: section.bucket,
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

/// Keys that say nothing about this format are mistakes.
fn refuse_other_keys(
    format: ManifestFormat,
    section: &SourceSection,
    at: &str,
    declaration: &mut Declaration<'_>,
) {
    use ManifestFormat::{Csv, GeneratedInventory, Inventory, JsonLines, Orc, Parquet, Report};
    let (csv, report) = (format == Csv, format == Report);
    let inventory = matches!(format, Inventory | GeneratedInventory);
    let table = matches!(format, Csv | JsonLines | Parquet | Orc);
    let rules = [
        ("header", section.header.is_some(), csv, "CSV lists"),
        ("delimiter", section.delimiter.is_some(), csv, "CSV lists"),
        ("bucket", section.bucket.is_some(), table, "lists that have no such column"),
        ("keys", section.keys.is_some(), !inventory, "lists whose format does not say so"),
        ("fields", section.fields.is_some(), !report, "lists whose format does not say so"),
        ("delete-markers", section.delete_markers.is_some(), inventory, "inventories"),
        ("where", section.r#where.is_some(), inventory, "inventories"),
        ("rows", section.rows.is_some(), report, "completion reports"),
    ];
    for (key, _, _, whose) in rules.into_iter().filter(|(_, given, fits, _)| *given && !fits) {
        declaration.problem_at_key(&format!("{at}/{key}"), format!("\"{key}\" is for {whose}"), None);
    }
}

/// A filter asks for what the columns of an inventory tell of all its rows.
fn check_filter(filter: &Filter, markers: DeleteMarkers, at: &str, declaration: &mut Declaration<'_>) {
    filter.check(at, declaration);
    if let Some(fact) = filter.not_in_inventories() {
        let message = format!("\"where\" asks for {fact}, which no column of an inventory tells");
        let help = "take the condition out, or list the bucket: [manifest.generate]".to_owned();
        declaration.problem_at_value(at, message, Some(help));
    } else if let (DeleteMarkers::Keep, Some(fact)) = (markers, filter.not_of_delete_markers()) {
        let message = format!("\"where\" asks for {fact}, which delete markers do not have");
        let help = "take the condition out, or remove delete-markers = \"keep\"".to_owned();
        declaration.problem_at_value(at, message, Some(help));
    }
}

/// Where the list is.
fn origin(
    text: &str,
    at: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<Origin> {
    if text == STDIN {
        return Some(Origin::Stdin);
    }
    let at = format!("{at}/location");
    let location = place(text, &at, environment, declaration)?;
    if matches!(&location, Location::S3 { key, .. } if key.is_empty()) {
        let help = Some("write s3://bucket/key".to_owned());
        declaration.problem_at_value(&at, "the manifest's location names no key", help);
    }
    Some(Origin::At(location))
}

/// What only objects have, a local file must not name.
fn check_pins(
    location: &Origin,
    etag: Option<&str>,
    version: bool,
    at: &str,
    declaration: &mut Declaration<'_>,
) {
    if matches!(location, Origin::At(Location::S3 { .. })) {
        return;
    }
    if version {
        let message = "\"version-id\" is for manifests in a store; this one is a local file";
        declaration.problem_at_key(&format!("{at}/version-id"), message, None);
    }
    if etag.is_some_and(|etag| etag.len() != 32 || !etag.chars().all(|c| c.is_ascii_hexdigit())) {
        let message = "\"etag\" of a local manifest is its MD5: 32 hexadecimal digits";
        declaration.problem_at_value(&format!("{at}/etag"), message, None);
    }
}

fn delimiter(given: Option<char>, at: &str, declaration: &mut Declaration<'_>) -> char {
    let delimiter = given.unwrap_or(',');
    if !delimiter.is_ascii() || matches!(delimiter, '"' | '\n' | '\r' | '\0') {
        declaration.problem_at_value(
            &format!("{at}/delimiter"),
            "\"delimiter\" must be one ASCII character, and neither a quote nor a line end",
            Some("for tabs: delimiter = \"\\t\"".to_owned()),
        );
        return ',';
    }
    delimiter
}

/// The columns, where the format has a say in them.
fn fields(
    format: ManifestFormat,
    section: &SourceSection,
    at: &str,
    declaration: &mut Declaration<'_>,
) -> Option<Vec<Field>> {
    check_twice(&format!("{at}/fields"), declaration);
    let Some(forms) = &section.fields else {
        let header = section.header == Some(true);
        if format == ManifestFormat::Csv && !header {
            need(
                false,
                at,
                "fields",
                "fields = [\"Bucket\", \"Key\"]    # The columns, in order",
                declaration,
            );
            return None;
        }
        return Some(Vec::new());
    };
    let fields: Vec<Field> = forms.iter().map(field).collect();
    let at = format!("{at}/fields");
    if matches!(format, ManifestFormat::Inventory | ManifestFormat::GeneratedInventory) {
        if fields.iter().any(|field| field.meaning != Meaning::Column) {
            let help =
                "name the columns that the operation wants, for example: fields = [{ column = \"Size\" }]";
            let message = "an inventory says itself where Bucket, Key and VersionId are";
            declaration.problem_at_value(&at, message, Some(help.to_owned()));
        }
    } else {
        check_needed(&fields, section.bucket.is_some(), &at, declaration);
    }
    Some(fields)
}

fn field(form: &FieldForm) -> Field {
    let meaning = |name: FieldName| match name {
        FieldName::Bucket => Meaning::Bucket,
        FieldName::Key => Meaning::Key,
        FieldName::VersionId => Meaning::VersionId,
        FieldName::Ignore => Meaning::Ignore,
    };
    match form {
        FieldForm::Meaning(name) => Field { column: None, meaning: meaning(*name) },
        FieldForm::Column(form) => Field {
            column: Some(form.column.clone()),
            meaning: form.meaning.map_or(Meaning::Column, meaning),
        },
    }
}

/// `Bucket` and `Key` are needed, unless every row has the same bucket.
fn check_needed(fields: &[Field], bucket: bool, at: &str, declaration: &mut Declaration<'_>) {
    let has = |meaning| fields.iter().any(|field| field.meaning == meaning);
    if bucket && has(Meaning::Bucket) {
        let help = "remove \"bucket\", or write \"Ignore\" for that column".to_owned();
        declaration.problem_at_value(
            at,
            "\"fields\" has a Bucket column, and \"bucket\" names another",
            Some(help),
        );
    }
    let needed =
        [Meaning::Bucket, Meaning::Key].into_iter().filter(|meaning| !bucket || *meaning == Meaning::Key);
    for needed in needed {
        if !has(needed) {
            let help =
                "name all columns in their order, for example: fields = [\"Bucket\", \"Key\"]".to_owned();
            declaration.problem_at_value(at, format!("\"fields\" lacks \"{}\"", needed.name()), Some(help));
        }
    }
}

/// Only `Ignore` may occur again. A word that is wrong does not hide another one that is there twice.
fn check_twice(at: &str, declaration: &mut Declaration<'_>) {
    let written = declaration.written(at).and_then(Value::as_array).cloned().unwrap_or_default();
    let forms = written.into_iter().map(|form| serde_json::from_value(form).ok());
    let fields: Vec<Option<Field>> = forms.map(|form| form.as_ref().map(field)).collect();
    for (index, checked) in fields.iter().enumerate() {
        let Some(checked) = checked else { continue };
        let same = |earlier: &&Field| match checked.meaning {
            Meaning::Ignore => false,
            Meaning::Column => earlier.meaning == Meaning::Column && earlier.column == checked.column,
            meaning => earlier.meaning == meaning,
        };
        if fields.iter().take(index).flatten().any(|earlier| same(&earlier)) {
            let name =
                if checked.meaning == Meaning::Column { checked.name() } else { checked.meaning.name() };
            declaration.problem_at_value(
                &format!("{at}/{index}"),
                format!("\"{name}\" occurs twice in \"fields\""),
                Some("only \"Ignore\" may occur again".to_owned()),
            );
        }
    }
}
