//! Manifests generated from a bucket: how its key space is divided among parallel listings, and how what they find is kept.
//!
//! - [`Space`] divides the keys of a bucket into ranges, each of which one listing walks through from its start. A listing that has
//!   nothing to do takes half of what another has left.
//! - [`ListFile`] keeps what was found, page by page, on disk. Each page says which part of the key space it covers, so that the
//!   file alone tells what is left to list after a crash, and its rows can be read in the order of their keys.
//! - [`InventoryWriter`] writes the rows as an inventory that other tools read.
//!
//! Nothing here sends requests.

mod inventory;
mod list_file;
mod space;
mod split;

use serde::{Deserialize, Serialize};

pub use inventory::{InventoryFile, InventoryWriter, WrittenInventory};
pub use list_file::{ListFile, Page, PageReader};
pub use space::{RangeId, Space, Stretch};

/// A place between two entries of a listing: everything up to it has been seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Position {
    /// The last key that was seen; `None` before the first.
    pub key: Option<String>,
    /// The last version of that key that was seen; `None` if all of them were.
    pub version_id: Option<String>,
    /// How many versions of that key were seen, delete markers not counted. Says something while `version_id` is there.
    pub seen: u32,
}

impl Position {
    /// Behind all versions of `key`.
    pub fn after(key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), version_id: None, seen: 0 }
    }
}

/// An object, version or delete marker that belongs to the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRow {
    /// Key, decoded.
    pub key: String,
    /// Version ID, if versions were listed.
    pub version_id: Option<String>,
    /// Whether it is the current version.
    pub is_latest: bool,
    /// Whether it is a delete marker.
    pub is_delete_marker: bool,
    /// Size in bytes.
    pub size: u64,
    /// When it was last written, in milliseconds since 1970.
    pub last_modified: Option<i64>,
    /// ETag, without quotes.
    pub etag: Option<String>,
    /// Storage class.
    pub storage_class: Option<String>,
}
