//! Which rows of an inventory are meant: filters, asked about what the columns tell.

use std::sync::Arc;

use longshore_job::Row;
use longshore_job::filter::{Fact, Matcher, ObjectFacts, Verdict};
use longshore_job::row::{KeyEncoding, decode_key};
use longshore_job::spec::Field;

use crate::error::{ManifestError, Problem};
use crate::reader::same_name;

/// The columns that `filter` asks for, of a file that has these.
///
/// # Errors
/// [`ManifestError::Schema`] if the file lacks one.
pub(crate) fn columns_of(filter: &Matcher, names: &[&str]) -> Result<Vec<Field>, ManifestError> {
    filter.facts().into_iter().map(|fact| column_of(fact, names)).collect()
}

fn column_of(fact: Fact, names: &[&str]) -> Result<Field, ManifestError> {
    let column = fact.inventory_column();
    match column.filter(|column| names.iter().any(|name| same_name(name, column))) {
        Some(column) => Ok(Field::extra(column)),
        None => {
            let problem = Problem::FilterColumn { fact, column, found: names.join(", ") };
            Err(ManifestError::Schema { problem })
        }
    }
}

/// A filter, and where the rows have what it asks for.
pub(crate) struct RowFilter {
    matcher: Arc<Matcher>,
    places: Vec<(Fact, usize)>,
    keys: KeyEncoding,
}

impl RowFilter {
    /// `place` says where the rows have the column of that name; `keys` how they write keys.
    pub(crate) fn new(
        matcher: Arc<Matcher>,
        place: impl Fn(&str) -> Option<usize>,
        keys: KeyEncoding,
    ) -> Self {
        let facts = matcher.facts().into_iter();
        let places = facts.filter_map(|fact| Some((fact, place(fact.inventory_column()?)?))).collect();
        Self { matcher, places, keys }
    }

    /// Whether the row is meant.
    pub(crate) fn passes(&self, row: &Row) -> Result<bool, Problem> {
        let shown = || row.key.escape_debug().to_string();
        let key = decode_key(&row.key, self.keys).map_err(|bad| Problem::Key { bad, text: shown() })?;
        let cell = |fact: Fact| {
            let place = self.places.iter().find(|(known, _)| *known == fact)?.1;
            row.columns.get(place)?.as_deref()
        };
        let facts = ObjectFacts::of_inventory(&key, &cell);
        match self.matcher.verdict(&facts).map_err(|error| Problem::Filter(error.to_string()))? {
            Verdict::Yes => Ok(true),
            Verdict::No => Ok(false),
            Verdict::Unknown(fact) => {
                let column = fact.inventory_column().unwrap_or_default();
                let text = cell(fact).unwrap_or_default().escape_debug().to_string();
                Err(Problem::FilterValue { fact, column, text })
            }
        }
    }
}
