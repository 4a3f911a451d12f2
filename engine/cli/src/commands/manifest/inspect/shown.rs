//! What was found out about a list, for people and for machines.

use indicatif::HumanCount;
use longshore_job::job_file::manifest_section;
use longshore_job::spec::{Field, ListFormat};
use longshore_job::{KeyEncoding, Row};
use longshore_manifest::Compression;
use serde_json::{Map, Value, json};

use super::{Buckets, MAX_BUCKETS, Report, Wrong};
use crate::context::Context;
use crate::failure::CliError;
use crate::output::{key_values, printable, table};

/// Buckets that people are shown by name (count).
const SHOWN_BUCKETS: usize = 10;

impl Report {
    /// For machines.
    pub(super) fn value(&self) -> Value {
        let (header, delimiter) = match self.list.format {
            ListFormat::Csv { header, delimiter } => (Some(header), Some(delimiter)),
            _ => (None, None),
        };
        json!({
            "source": self.source,
            "format": self.list.format.name(),
            "header": header,
            "delimiter": delimiter,
            "fields": self.list.fields.iter().map(field).collect::<Vec<_>>(),
            "keys": keys(self.list.keys),
            "compression": self.compression.name(),
            "bytes": self.bytes(),
            "rows": self.rows,
            "complete": !self.found.is_cut,
            "buckets": {
                "count": self.buckets.rows.len(),
                "more": self.buckets.more,
                "rows": self.buckets.rows,
            },
            "first": self.first.iter().map(|row| self.row(row)).collect::<Vec<_>>(),
            "problems": { "count": self.found.total, "first": self.found.wrong, "accepted_by": self.found.options },
            "manifest": manifest_section(&self.list),
        })
    }

    fn row(&self, row: &Row) -> Value {
        let columns: Map<String, Value> =
            self.columns.iter().cloned().zip(row.columns.iter().map(|value| json!(value))).collect();
        json!({ "Bucket": row.bucket, "Key": row.key, "VersionId": row.version_id, "columns": columns })
    }

    /// For people.
    pub(super) fn print(&self, context: &Context) -> Result<(), CliError> {
        let screen = &context.screen;
        screen.line(key_values(&self.facts()))?;
        if !self.first.is_empty() {
            screen.line("")?;
            screen.line(self.first_rows())?;
        }
        self.print_problems(context)?;
        screen.line("")?;
        if self.found.total > 0 {
            screen.line("# With this a job fails until the problems are solved.")?;
        }
        let mut list = self.list.clone();
        let etag = list.etag.take();
        screen.bytes(manifest_section(&list).as_bytes())?;
        match etag {
            Some(etag) => screen.line(format!("# etag = \"{etag}\"    # to refuse a list that has changed")),
            None => Ok(()),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let packed = match self.compression {
            Compression::None => String::new(),
            packed => format!(", packed with {}", packed.name()),
        };
        let files = match self.found.files {
            0 | 1 => String::new(),
            files => format!(" in {files} files"),
        };
        let size =
            self.bytes().map_or_else(|| "unknown".to_owned(), |size| format!("{} bytes", HumanCount(size)));
        let cut = if self.found.is_cut { ", and then no more can be read" } else { "" };
        vec![
            ("Source", printable(&self.source)),
            ("Format", format!("{}{}", self.list.format.name(), self.form())),
            ("Columns", self.columns_shown()),
            ("Keys", keys_shown(self.list.keys).to_owned()),
            ("Size", format!("{size}{files}{packed}")),
            ("Rows", format!("{}{cut}", HumanCount(self.rows))),
            ("Buckets", self.buckets.shown()),
            (
                "Problems",
                if self.found.total == 0 {
                    "none".to_owned()
                } else {
                    HumanCount(self.found.total).to_string()
                },
            ),
        ]
    }

    fn form(&self) -> String {
        match self.list.format {
            ListFormat::Csv { header, delimiter } => {
                let header = if header { "with" } else { "without" };
                let delimiter = match delimiter {
                    ',' => String::new(),
                    other => format!(", cells parted by \"{}\"", other.escape_default()),
                };
                format!(": CSV {header} a header{delimiter}")
            }
            ListFormat::Inventory { .. } => ": the manifest.json of an inventory".to_owned(),
            ListFormat::Report { .. } => ": a completion report".to_owned(),
            ListFormat::JsonLines | ListFormat::Parquet | ListFormat::Orc => String::new(),
        }
    }

    fn columns_shown(&self) -> String {
        let bucket = self.list.bucket.as_ref().map(|bucket| format!("; the bucket is {bucket}"));
        let columns = match self.list.fields.as_slice() {
            [] => "as the list names them".to_owned(),
            fields => fields.iter().map(field).collect::<Vec<_>>().join(", "),
        };
        columns + &bucket.unwrap_or_default()
    }

    fn first_rows(&self) -> String {
        let versions = self.first.iter().any(|row| row.version_id.is_some());
        let mut header = vec!["bucket", "key"];
        header.extend(versions.then_some("version"));
        header.extend(self.columns.iter().map(String::as_str));
        let cells = |row: &Row| {
            let mut cells = vec![printable(&row.bucket), printable(&row.key)];
            cells.extend(versions.then(|| printable(row.version_id.as_deref().unwrap_or_default())));
            cells.extend(row.columns.iter().map(|value| printable(value.as_deref().unwrap_or_default())));
            cells
        };
        table(&header, self.first.iter().map(cells))
    }

    fn print_problems(&self, context: &Context) -> Result<(), CliError> {
        let found = &self.found;
        if found.total > 0 {
            context.screen.line("")?;
        }
        for wrong in &found.wrong {
            context.screen.line(self.problem(wrong))?;
        }
        let shown = found.wrong.len() as u64;
        if found.total > shown {
            context.screen.line(format!("… and {} more", HumanCount(found.total - shown)))?;
        }
        for (option, rows) in &found.options {
            let rows = if *rows == 1 {
                "1 of them is".to_owned()
            } else {
                format!("{} of them are", HumanCount(*rows))
            };
            context.screen.line(format!(
                "{rows} accepted by {option} (here: --{})",
                option.replace(" = ", "=").replace('"', "")
            ))?;
        }
        Ok(())
    }

    fn problem(&self, wrong: &Wrong) -> String {
        let row = wrong.row.map(|row| format!("row {row}"));
        let offset = wrong.offset.map(|offset| format!(" (at byte {offset})")).unwrap_or_default();
        let place = row.map(|row| format!("{row}{offset}: ")).unwrap_or_default();
        // Of a list that is one file everybody knows which.
        let file = wrong.file.as_ref().filter(|_| self.found.files > 1);
        let file = file.map(|file| format!("{file}: ")).unwrap_or_default();
        format!("{file}{place}{}: {}", wrong.reason, printable(&wrong.message))
    }
}

impl Buckets {
    fn shown(&self) -> String {
        let count = match (self.more, self.rows.len()) {
            (true, _) => format!("more than {}", HumanCount(MAX_BUCKETS as u64)),
            (false, 0) => return "none".to_owned(),
            (false, count) => count.to_string(),
        };
        let names = self.rows.iter().take(SHOWN_BUCKETS);
        let names: Vec<String> =
            names.map(|(name, rows)| format!("{} ({})", printable(name), HumanCount(*rows))).collect();
        let rest = if self.more || self.rows.len() > SHOWN_BUCKETS { ", …" } else { "" };
        format!("{count}: {}{rest}", names.join(", "))
    }
}

/// A field as `--fields` takes it.
fn field(field: &Field) -> String {
    match (&field.column, field.meaning) {
        (Some(column), longshore_job::spec::Meaning::Column) => column.clone(),
        (Some(column), meaning) => format!("{column}={}", meaning.name()),
        (None, meaning) => meaning.name().to_owned(),
    }
}

fn keys(keys: KeyEncoding) -> &'static str {
    match keys {
        KeyEncoding::Url => "url",
        KeyEncoding::Raw => "raw",
    }
}

fn keys_shown(keys: KeyEncoding) -> &'static str {
    match keys {
        KeyEncoding::Url => "percent-encoded",
        KeyEncoding::Raw => "as they are",
    }
}
