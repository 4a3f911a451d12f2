//! The engine at work: which job is next, its manifest read into chunks, its tasks run in lanes, its report written.
//!
//! One job's way is in `stages`: every state of a job has one stage, and a stage ends by moving the job to its
//! next state in the queue. So a job goes on from wherever the last process left it.

mod catalog;
mod catalog_settings;
mod chunk_spool;
mod close;
mod collect;
mod condition;
mod disk;
mod dispatch;
mod durable;
mod endpoints;
mod engine;
mod error;
mod event;
mod execute;
mod facts;
mod feed;
mod generate;
mod held;
mod ingest;
mod job;
mod lock_check;
mod outage;
mod plan;
mod plugin_file;
mod prepare;
mod rehearse;
mod report;
mod resolve;
mod retention;
mod roles;
mod schedule;
mod spool;
mod stages;
mod state_watch;
mod steps;
mod store;
mod suggest;
mod supply;
mod suspects;
mod sweep;
mod trial;
mod uploads;
mod worker;

pub use catalog::Catalog;
pub use catalog_settings::CatalogSettings;
pub use engine::Engine;
pub use error::{
    INTERRUPTED, JobFailure, ROLE_NOT_USABLE, RunnerError, SPOOL_NOT_REACHABLE, STORE_NOT_USABLE,
};
pub use event::{Event, Observer, Progress};
pub use generate::{GeneratedManifest, GeneratedRows, ListRequest, Listed, Saved, generate_manifest};
pub use ingest::{ManifestAccess, ManifestReader, ReadFile, Watch, Witness};
pub use job::kept_rows;
pub use plan::{PlannedTask, plan};
pub use rehearse::{MAX_SAMPLE, Rehearsal, RehearsedTask, Selection, rehearse};
pub use roles::{
    CheckedFile, JobPolicies, PolicyFile, RoleSnapshot, load_role, policy_files, policy_set, role_problem,
};
pub use steps::{PlannedCondition, PlannedStep};
pub use store::{check as check_store, connect as connect_store, surroundings as store_surroundings};
pub use suggest::{NoSuggestion, Suggestion};
pub use tokio_util::sync::CancellationToken;
pub use trial::Trial;
