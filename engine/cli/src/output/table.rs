//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

/// A table without lines; `header` names the columns.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = plain();
    table.set_header(header.iter().map(|name| name.to_uppercase()));
    table.add_rows(rows);
    shown(table)
}

/// Names and values, one pair a line.
pub(crate) fn key_values(pairs: &[(&str, String)]) -> String {
    let mut table = plain();
    table.add_rows(pairs.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]));
    shown(table)
}

fn shown(mut table: Table) -> String {
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.trim_fmt()
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}
