//! Loads, verifies, limits and runs operation plugins: the only crate that knows wasmtime.
//!
//! A plugin is a WebAssembly component of the world `longshore:operation/operation` (sdk/wit/longshore.wit). It sees
//! the objects of one task through host resources and nothing else: no files, network, clock, environment,
//! credentials, other tasks. [`Plugins`] holds the engine and its limits, [`Plugin`] is one compiled operation under its
//! [`Terms`], [`Lane`] runs its tasks one after another.
//!
//! ```text
//! Plugins::load(bytes, terms) ─► Plugin::lane(parameters) ─► Lane::execute(object, gate)
//!                                                              plan ─► check of each request ─► run ─► outcome
//!                                                                      grants, then policies     └─ send ─► gate ─► store
//! ```
//!
//! Whatever a guest does ends in an [`Execution`]: a trap, an endless loop or too much memory fails that task with
//! one of the codes in [`codes`], never the engine.

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::restriction, reason = "generated from sdk/wit")]
mod bindings;
mod cache;
pub mod codes;
mod compile;
mod engine;
mod error;
mod grants;
mod handle;
mod host_endpoints;
mod host_response;
mod host_s3;
mod host_task;
mod instance;
mod lane;
mod limits;
mod linking;
mod log;
mod machine;
mod one_key;
mod plugin;
mod setting;
mod state;
mod stop;
mod terms;
mod text;
mod upload;
mod values;
mod wasi;
mod watch;

pub use compile::{CompileLimits, Compiler, compile_in_child};
pub use engine::Plugins;
pub use error::PluginError;
pub use grants::{Grant, GrantError, Grants};
pub use handle::Columns;
pub use lane::{Execution, Lane};
pub use limits::{EngineLimits, PluginLimits};
pub use plugin::{Description, Plugin};
pub use terms::{Import, Inspection, Isolation, Terms};
pub use watch::{HostCall, Watcher};
