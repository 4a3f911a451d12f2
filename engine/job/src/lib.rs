//! What a user declares and what becomes of it, as pure values: the job file and the engine configuration,
//! jobs and their states, tasks and their outcomes, object names, the completion report's rows.
//!
//! No I/O, no clock, no randomness: text, time, ids and the environment are arguments.
//!
//! The two declarations are read by one mechanism, [`declare`]: TOML with positions, `${ENV}` in strings,
//! a JSON Schema derived from the Rust types, and every problem of a file reported at once.

pub mod chunk;
pub mod config;
pub mod declare;
pub mod filter;
pub mod job_file;
pub mod object;
pub mod pipeline;
pub mod plugin_reference;
pub mod report;
pub mod row;
pub mod schedule;
pub mod secret;
pub mod spec;
pub mod state;
pub mod stopping;
pub mod tally;
pub mod task;
pub mod text;

pub use chunk::ChunkExtent;
pub use config::EngineConfig;
pub use declare::{Problem, Problems};
pub use job_file::{Environment, JobFile, OperationCatalog};
pub use object::ObjectId;
pub use pipeline::TaskProgress;
pub use plugin_reference::{InstalledName, PluginReference};
pub use row::{KeyEncoding, Row};
pub use secret::Secret;
pub use spec::JobSpec;
pub use state::JobState;
pub use stopping::{Stop, Stopping};
pub use tally::Tally;
pub use task::{Failure, Outcome, TaskResult};
