//! A list as the `[manifest]` section of a job file that reads it.

use toml::Value;

use crate::row::KeyEncoding;
use crate::spec::{DeleteMarkers, Field, ListFormat, ListSpec, Location, Meaning, Origin, ReportRows};

/// `[manifest]` for this list, ready to be pasted. What a job file need not say is left out.
pub fn manifest_section(list: &ListSpec) -> String {
    let location = match &list.location {
        Origin::Stdin => super::list::STDIN.to_owned(),
        Origin::At(location) => place(location),
    };
    let mut lines = vec!["[manifest]".to_owned(), line("location", &text(&location))];
    if !matches!(list.format, ListFormat::Csv { .. }) {
        lines.push(line("format", &text(list.format.name())));
    }
    if !list.fields.is_empty() {
        let fields: Vec<String> = list.fields.iter().map(field).collect();
        lines.push(format!("fields = [{}]", fields.join(", ")));
    }
    match &list.format {
        ListFormat::Csv { header, delimiter } => {
            lines.extend(header.then(|| "header = true".to_owned()));
            lines.extend((*delimiter != ',').then(|| line("delimiter", &text(&delimiter.to_string()))));
        }
        ListFormat::Inventory { delete_markers, filter } => {
            let keep = *delete_markers == DeleteMarkers::Keep;
            lines.extend(keep.then(|| line("delete-markers", &text("keep"))));
            let filter = Value::try_from(filter).ok().filter(|_| !filter.is_empty());
            lines.extend(filter.map(|filter| line("where", &plain(&filter))));
        }
        ListFormat::Report { rows: ReportRows::Succeeded } => lines.push(line("rows", &text("succeeded"))),
        ListFormat::Report { rows: ReportRows::All } => lines.push(line("rows", &text("all"))),
        _ => {}
    }
    if list.keys != list.format.keys() {
        let keys = if list.keys == KeyEncoding::Raw { "raw" } else { "url" };
        lines.push(line("keys", &text(keys)));
    }
    lines.extend(list.bucket.as_ref().map(|bucket| line("bucket", &text(bucket))));
    lines.extend(list.etag.as_ref().map(|etag| line("etag", &text(etag))));
    lines.extend(list.version_id.as_ref().map(|version| line("version-id", &text(version))));
    lines.join("\n") + "\n"
}

fn place(location: &Location) -> String {
    match location {
        Location::Local(path) => path.clone(),
        Location::S3 { bucket, key } => format!("s3://{bucket}/{key}"),
    }
}

fn line(key: &str, value: &str) -> String {
    format!("{key} = {value}")
}

fn text(text: &str) -> String {
    plain(&Value::String(text.to_owned()))
}

/// A TOML value in which nothing is taken for a variable.
fn plain(value: &Value) -> String {
    value.to_string().replace("${", "$${")
}

fn field(field: &Field) -> String {
    match (&field.column, field.meaning) {
        (Some(column), Meaning::Column) => format!("{{ column = {} }}", text(column)),
        (Some(column), meaning) => {
            format!("{{ column = {}, as = {} }}", text(column), text(meaning.name()))
        }
        (None, meaning) => text(meaning.name()),
    }
}
