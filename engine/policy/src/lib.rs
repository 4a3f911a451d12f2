//! IAM-style policies: load, match, decide, explain. Pure: no I/O, no clock, no environment.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod context;
mod decision;
mod document;
mod finding;
mod request;
mod set;

pub use context::{Context, Lookup};
pub use decision::{Decision, Effect, Explanation};
pub use document::{Document, Loaded, PolicyKind};
pub use finding::{Code, Finding};
pub use request::Request;
pub use set::PolicySet;
