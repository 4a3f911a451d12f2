//! The terms under which a plugin runs, and what is known of one before it does.

use crate::plugin::Description;
use crate::{Grants, PluginLimits};

/// The terms under which a plugin runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What it may do at most.
    pub grants: Grants,
    /// What it may use.
    pub limits: PluginLimits,
    /// What its tasks share.
    pub isolation: Isolation,
}

/// What tasks of one lane share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// One instance for all tasks of the lane, replaced after a trap. For the built-in operations, whose code ships
    /// with the engine.
    Reuse,
    /// A new store and instance for every task, so that nothing of one task is visible to the next.
    Fresh,
}

/// What a plugin is, without having run anything but its description of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// What it says about itself.
    pub description: Description,
    /// The grants under which it can do all that it says it may: the actions of its description, and `wasi` if it imports
    /// that.
    pub needs: Grants,
    /// What it imports, in the order of its file.
    pub imports: Vec<Import>,
    /// Size of its file in bytes.
    pub bytes: usize,
    /// SHA-256 of its file, in lower-case hex.
    pub digest: String,
}

/// An interface that a plugin imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its name: `longshore:operation/s3@0.1.0`.
    pub interface: String,
    /// Its functions that the plugin imports: `send`, `[method]object.head`.
    pub functions: Vec<String>,
}
