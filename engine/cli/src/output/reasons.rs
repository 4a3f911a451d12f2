//! Why rows do not run, counted.

use std::collections::BTreeMap;

use indicatif::HumanCount;
use serde_json::{Value, json};

use super::printable;
use crate::context::Context;
use crate::failure::CliError;

/// Different reasons that are counted apart (count; bounds memory where every row has a reason of its own).
const REASONS: usize = 1000;

/// Reasons, how often each occurred, and where first.
#[derive(Debug, Default)]
pub(crate) struct Reasons {
    counted: BTreeMap<String, Counted>,
    /// Rows whose reasons are not counted apart any more.
    others: u64,
}

#[derive(Debug)]
struct Counted {
    rows: u64,
    first: String,
    statement: Value,
}

impl Reasons {
    /// Counts a row. `statement` is the one that decided, if it was one.
    pub(crate) fn add(&mut self, reason: String, statement: Value, row: &str) {
        if let Some(counted) = self.counted.get_mut(&reason) {
            counted.rows += 1;
        } else if self.counted.len() < REASONS {
            self.counted.insert(reason, Counted { rows: 1, first: row.to_owned(), statement });
        } else {
            self.others += 1;
        }
    }

    /// All rows.
    pub(crate) fn total(&self) -> u64 {
        self.counted.values().map(|counted| counted.rows).sum::<u64>() + self.others
    }

    /// For machines: a list, the reasons that are not counted apart as the last of it.
    pub(crate) fn value(&self) -> Value {
        let counted = self.counted.iter().map(|(reason, counted)| {
            let Counted { rows, first, statement } = counted;
            if statement.is_null() {
                json!({ "reason": reason, "rows": rows, "first": first })
            } else {
                json!({ "reason": reason, "rows": rows, "first": first, "statement": statement })
            }
        });
        let others = (self.others > 0).then(|| json!({ "reason": "other reasons", "rows": self.others }));
        counted.chain(others).collect()
    }

    /// For people: a line each, `before` in front of it, `verb` behind the count.
    pub(crate) fn print(&self, context: &Context, before: &str, verb: &str) -> Result<(), CliError> {
        for (reason, Counted { rows, first, .. }) in &self.counted {
            let (rows, reason, first) = (HumanCount(*rows), printable(reason), printable(first));
            context.screen.line(format!("{before}{rows}{verb}: {reason} (first: {first})"))?;
        }
        if self.others > 0 {
            context.screen.line(format!("{before}{}{verb}: for other reasons", HumanCount(self.others)))?;
        }
        Ok(())
    }
}
