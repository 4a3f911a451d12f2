//! Manifests: how the list of objects comes in, and how its rows are kept while the job runs.
//!
//! - [`read_csv`] reads `S3BatchOperations_CSV_20180820` in one pass and in constant memory, and refuses what is
//!   no manifest: one bad row fails the job before any task runs.
//! - [`Md5Reader`] computes a manifest's ETag while it is read.
//! - [`SpoolWriter`] and [`SpoolReader`] keep the rows on disk in compressed chunks of [`CHUNK_ROWS`], each of
//!   which can be read without the others.
//!
//! Nothing here knows about jobs, states or S3 requests: bytes come in, rows go out.

pub mod csv;
pub mod error;
pub mod generate;
pub mod md5;
pub mod spool;

mod encode;

pub use csv::{CsvRows, MAX_ROW_BYTES, read_csv};
pub use error::{ManifestError, Problem};
pub use md5::{Md5Reader, Md5Sum};
pub use spool::{CHUNK_ROWS, MAX_CHUNK_BYTES, SpoolError, SpoolProblem, SpoolReader, SpoolWriter};
