//! Installed plugins.
//!
//! Below `plugins/` in the data directory:
//!
//! ```text
//! plugins/             0700
//!   lock               held by whoever changes something here
//!   blobs/SHA256       a component, 0600; its name is the SHA-256 of its bytes, which every reader checks
//!   installed/NAME@VERSION.json   what was installed, from where, and what it was granted by whom
//! ```
//!
//! Files are written under another name, synced and renamed, the component before its record: a plugin is installed once its
//! record is there, and whatever an interrupted command leaves is removed by the next. Readers take no lock: they work beside a
//! running engine.

mod approval;
mod difference;
mod download;
mod error;
mod fetch;
mod install;
mod layout;
mod limits;
mod oci;
mod record;
mod schema;
mod signature;
mod verify;

pub use approval::Wanted;
pub use difference::{Difference, Signers};
pub use error::{NotApproved, OtherSigner, RegistryError};
pub use fetch::{Expected, Fetched, Source, fetch};
pub use install::{Done, Install};
pub use layout::{Entry, Registry};
pub use limits::{Limit, Limits};
pub use record::{Approver, Record, RecordedSignature};
pub use signature::{Keys, Trust};
pub use verify::{Checked, verify};
