//! Which jobs are worked on, and which of them runs the next task.
//!
//! Two decisions, each in a pure core: [`places`] says which jobs begin, go on or make way; [`turns`] says to which job a
//! free slot of the engine's concurrency goes. [`slots`] makes lanes wait for the latter.

pub(crate) mod places;
pub(crate) mod slots;
pub(crate) mod turns;

#[cfg(test)]
mod places_tests;
#[cfg(test)]
mod slots_tests;
#[cfg(test)]
mod turns_tests;
