//! What the author of an operation uses before any job runs it: a new project that builds, the build, tests with fixtures, a try on one object.
//!
//! Templates are files under `templates/`, one folder for each language. They are operations as they stand, named `my-operation`; a new
//! project has another name in its place.

mod build;
mod calls;
mod cases;
mod embedded;
mod error;
mod fixtures;
mod manifest;
mod matching;
mod name;
mod project;
mod store;
mod trial;

pub use build::{Built, build};
pub use calls::{Call, Recorder, Sent};
pub use cases::{CaseResult, fixtures, run as run_case};
pub use error::AuthorError;
pub use fixtures::{Case, Ending, Expect, ExpectedObject, Fixtures, Object};
pub use name::Name;
pub use project::{File, Language, files, write};
pub use trial::{Subject, TrialError, job as trial_job};
