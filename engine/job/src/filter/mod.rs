//! Filters: which objects of a bucket or of an inventory a job is about.
//!
//! A [`Filter`] is what a user wrote. [`Filter::compile`] checks it and makes a [`Matcher`] of it, given the moment from which
//! relative ages count. A matcher looks at [`ObjectFacts`] and answers in three values: yes, no, or "that depends on something
//! not known yet" ([`Verdict::Unknown`]), so that a caller may find it out, at the cost of a request, or refuse; it is never
//! silently yes. Tests that cost nothing are made first.

mod compile;
mod expression;
mod facts;
mod form;
mod matcher;
#[cfg(test)]
mod tests;
mod values;

use jiff::Timestamp;

use crate::declare::{Declaration, Problems, Refusal, Variables, pointer, schema};

pub use facts::{Encryption, Fact, FactSource, ObjectFacts, ReplicationStatus};
pub use form::{Filter, Wanted};

pub use crate::declare::size::Size;
pub use matcher::{EvaluationError, Matcher, Verdict};
pub(crate) use values::moment;

/// Something in a filter that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilterProblem {
    /// JSON pointer below the filter.
    pub(crate) at: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Filter {
    /// Reads a filter from TOML, as `longshore manifest generate --where` takes it. `name` is what messages call the text.
    ///
    /// # Errors
    /// Every problem of the text.
    pub fn parse(source: &str, name: &str) -> Result<Self, Problems> {
        let variables = Variables {
            lookup: &|_| None,
            refuse: |_| {
                Some(Refusal { message: NO_VARIABLES.to_owned(), help: NO_VARIABLES_HELP.to_owned() })
            },
        };
        let mut declaration = Declaration::read(source, name, variables);
        declaration.check(&schema::of::<Self>("Longshore filter"), "");
        let filter: Option<Self> = declaration.get();
        if let Some(filter) = &filter {
            filter.check("", &mut declaration);
        }
        declaration.finish(filter)
    }

    /// Adds what is wrong with the filter at `at` to `declaration`.
    pub(crate) fn check(&self, at: &str, declaration: &mut Declaration<'_>) {
        // Which moment ages count from does not change whether they can be understood.
        if let Err(problems) = compile::compile(self, Timestamp::UNIX_EPOCH + REASONABLE_PAST) {
            for FilterProblem { at: within, message, help } in problems {
                declaration.problem_at_value(&format!("{at}{within}"), message, help);
            }
        }
    }

    /// Makes a matcher; relative ages count back from `now`.
    ///
    /// # Errors
    /// What of it cannot be understood: nothing, if the filter was checked when it was read.
    pub fn compile(&self, now: Timestamp) -> Result<Matcher, String> {
        compile::compile(self, now).map_err(|problems| {
            let texts: Vec<String> = problems
                .into_iter()
                .map(|problem| format!("where{}: {}", pointer::dotted(&problem.at), problem.message))
                .collect();
            texts.join("; ")
        })
    }

    /// The first thing it asks for that delete markers do not have.
    pub(crate) fn not_of_delete_markers(&self) -> Option<Fact> {
        self.asks_for(|fact| !fact.of_delete_markers())
    }

    /// The first thing it asks for that no column of an inventory tells.
    pub(crate) fn not_in_inventories(&self) -> Option<Fact> {
        self.asks_for(|fact| fact.inventory_column().is_none())
    }

    /// The first thing it asks for that no request about a single object tells.
    pub(crate) fn not_of_single_objects(&self) -> Option<Fact> {
        self.asks_for(|fact| fact.object_request().is_none())
    }

    fn asks_for(&self, wanted: fn(Fact) -> bool) -> Option<Fact> {
        let matcher = self.compile(Timestamp::UNIX_EPOCH + REASONABLE_PAST).ok()?;
        matcher.facts().into_iter().find(|fact| wanted(*fact))
    }

    /// Whether it lets everything pass.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A moment so late that any age a filter may have lies after the beginning of time (the year 2100).
const REASONABLE_PAST: jiff::SignedDuration = jiff::SignedDuration::from_hours(130 * 366 * 24);

const NO_VARIABLES: &str = "environment variables are not looked at here";
const NO_VARIABLES_HELP: &str = "let the shell replace them, or write $${ for a literal ${";
