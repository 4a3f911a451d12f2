//! Manifests: how the list of objects comes in, and how its rows are kept while the job runs.
//!
//! - A [`RowReader`] reads one list in one pass and in constant memory, and refuses what names no object: [`CsvReader`],
//!   [`JsonLinesReader`], [`ParquetReader`], [`OrcReader`]. [`decompressed`] unpacks what is compressed.
//! - [`ListStart::guess`] says how a list is written.
//! - A [`Layout`] makes the [`RowWriter`] of a list that these readers take back.
//! - [`Inventory`] and [`ReportIndex`] read the `manifest.json` of lists that are several files.
//! - [`Md5Reader`] computes a manifest's ETag while it is read.
//! - [`SpoolWriter`] and [`SpoolReader`] keep the rows on disk in compressed chunks of [`CHUNK_ROWS`], each of
//!   which can be read without the others: in a file, or wherever a [`FrameWriter`] keeps them.
//! - [`Keep`] gives rows back once all were taken; [`Duplicates`] finds the rows that name an object which an earlier row names, by sorting on disk.
//!
//! Nothing here knows about jobs, states or S3 requests: bytes come in, rows go out.

pub mod csv;
pub mod decode;
pub mod error;
pub mod frames;
pub mod generate;
pub mod guess;
pub mod inventory;
pub mod json_lines;
pub mod kept;
pub mod md5;
pub mod orc;
pub mod parquet;
pub mod reader;
pub mod report_list;
pub mod spool;
pub mod unique;
pub mod write;

mod buffer;
mod cells;
mod columnar;
mod encode;
mod inventory_filter;
mod recognise;
mod sort;

pub use csv::{CsvOptions, CsvReader, MAX_ROW_BYTES};
pub use decode::{Compression, decompressed};
pub use error::{ManifestError, Problem};
pub use frames::{FrameReader, FrameWriter, sync_name};
pub use guess::{GUESS_BYTES, Given, ListGuess, ListKind, ListStart};
pub use inventory::{DataFile, FileFormat, Inventory, InventoryOptions, InventoryRows, MAX_INDEX_BYTES};
pub use json_lines::JsonLinesReader;
pub use kept::{Keep, KeptRows};
pub use md5::{Md5Reader, Md5Sum};
pub use orc::OrcReader;
pub use parquet::ParquetReader;
pub use reader::RowReader;
pub use report_list::{ReportFile, ReportIndex, ReportReader, no_rows, report_options};
pub use spool::{
    CHUNK_ROWS, MAX_CHUNK_BYTES, SPOOL_MAGIC, SpoolError, SpoolProblem, SpoolReader, SpoolWriter,
};
pub use unique::{DuplicateRows, Duplicates};
pub use write::{Layout, RowWriter, WriteError, WrittenFormat};
