//! What a user declares and what becomes of it, as pure values: the job file and the engine configuration,
//! jobs and their states, tasks and their outcomes, object names, the completion report's rows.
//!
//! No I/O, no clock, no randomness: text, time, ids and the environment are arguments.

pub mod object;
pub mod row;
pub mod spec;
pub mod state;
pub mod task;

pub use object::ObjectId;
pub use row::{KeyEncoding, Row};
pub use spec::JobSpec;
pub use state::JobState;
pub use task::{Failure, Outcome, TaskResult};
