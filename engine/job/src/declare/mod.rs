//! Declarations: text that a user wrote, read so that every mistake in it is reported with its place.

mod problem;
mod render;
mod veil;

pub use problem::{Problem, Problems};
