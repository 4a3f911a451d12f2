//! An embedded S3 server for demos and tests. It is not a place to keep data: nothing is synced to disk, bodies are
//! not encrypted, and ACLs are kept but not enforced.
//!
//! The HTTP and XML of S3, and its signatures, come from the [`s3s`] crate; this crate is the store behind it, with
//! S3's semantics and error codes for buckets, objects, versions, tags, ACLs, copies, restores, listings, multipart
//! uploads and object lock. Metadata and small bodies are kept in SQLite, larger bodies in files; or everything in memory.
//! For tests there are an access log, fault rules, and a settable delay of restores.
//!
//! Where it differs from Amazon S3, by choice:
//! * one account owns everything, and any canonical user id may be granted permissions;
//! * ACLs are enabled on all buckets; there are no bucket policies or access points, and nothing is replicated;
//! * `encoding-type=url` is the only way to list keys with characters that XML 1.0 cannot hold, as the protocol crate
//!   writes them as they are;
//! * checksums of XML bodies (of tags, ACLs, …) are covered by the signature, not compared again;
//! * event holds of object lock have no default in the configuration of a bucket;
//! * the checksums MD5, SHA512 and XXHASH are in headers, and in the XML of completions, but in no other XML, since the
//!   protocol crate does not know them.
//!
//! ```no_run
//! # async fn example() -> Result<(), longshore_sandbox_store::SandboxError> {
//! use longshore_sandbox_store::{Credentials, SandboxConfig, start};
//!
//! let credentials = Credentials { access_key_id: "demo".into(), secret_access_key: "demo-secret".into() };
//! let sandbox = start(SandboxConfig { buckets: vec!["photos".into()], ..SandboxConfig::new(credentials) }).await?;
//! println!("{}", sandbox.endpoint());
//! sandbox.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod access_log;
mod acl;
mod checksum;
mod conditions;
mod error;
mod event_hold;
mod fault;
mod hasher;
mod listing;
mod lock;
mod model;
mod protocol;
mod restore;
mod sandbox;
mod seed;
mod server;
mod storage;
mod tags;

pub use error::SandboxError;
pub use fault::FaultRule;
pub use sandbox::{Credentials, Sandbox, SandboxConfig, start};
pub use seed::SeedObject;
