//! What the guest's handles stand for.
#![allow(unreachable_pub, reason = "the generated bindings re-export these types, within this crate")]

use std::sync::Arc;

use longshore_job::ObjectId;
use longshore_store::{Request, Response};

/// An object that a guest knows.
pub struct ObjectHandle {
    pub(crate) id: Arc<ObjectId>,
    pub(crate) held: usize,
}

/// The task that a guest works on.
pub struct TaskHandle {
    pub(crate) attempt: u32,
    pub(crate) columns: Columns,
}

/// A request that a guest is building.
pub struct RequestHandle {
    pub(crate) request: Request,
    pub(crate) provisional: bool,
    /// Another store than the job's own.
    pub(crate) store: Option<String>,
    /// The first setting that did not fit.
    pub(crate) misfit: Option<String>,
    pub(crate) held: usize,
}

/// An answer that a guest reads.
pub struct ResponseHandle {
    pub(crate) response: Response,
    pub(crate) held: usize,
}

/// What the manifest says about an object for the operation.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// The names, which are the same for every row of a job.
    pub names: Arc<[String]>,
    /// The values of one row, in the order of the names.
    pub values: Vec<Option<String>>,
}

impl Columns {
    /// The value of the column of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let place = self.names.iter().position(|known| known == name)?;
        self.values.get(place)?.as_deref()
    }
}
