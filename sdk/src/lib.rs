//! What the author of a Longshore operation uses.
//!
//! An operation is what a job does to each object of its manifest. It is compiled to WebAssembly and sees objects,
//! not endpoints: the engine signs, retries, checks the role's policies and keeps the books. Write a type, implement
//! [`Operation`] for it, export it:
//!
//! ```
//! use longshore_sdk::{Failure, NoParameters, Object, Operation, Outcome, Request, Task};
//!
//! /// Marks objects over a gibibyte.
//! struct MarkLarge;
//!
//! impl Operation for MarkLarge {
//!     type Parameters = NoParameters;
//!     const NAME: &'static str = "mark-large";
//!     const SUMMARY: &'static str = "Tags objects over 1 GiB with size=large.";
//!     const ACTIONS: &'static [&'static str] = &["s3:GetObject", "s3:PutObjectTagging"];
//!
//!     fn new(_: NoParameters) -> Result<Self, String> {
//!         Ok(Self)
//!     }
//!
//!     fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
//!         let size = object.head().send()?.size().unwrap_or(0);
//!         if size <= 1 << 30 {
//!             return Ok(Outcome::Skipped(format!("{size} bytes")));
//!         }
//!         object.put_tags([("size", "large")]).send()?;
//!         Ok(Outcome::done())
//!     }
//! }
//!
//! longshore_sdk::export!(MarkLarge);
//!
//! // On your own machine the same code runs against a store of fixtures:
//! use longshore_sdk::testing::{FakeStore, Fixture};
//!
//! let store = FakeStore::new();
//! store.insert("logs", "big.gz", Fixture { size: 2 << 30, ..Fixture::default() });
//! let outcome = MarkLarge.run(&store.object("logs", "big.gz"), &store.task());
//! assert_eq!(outcome, Ok(Outcome::done()));
//! assert_eq!(store.sent(), ["HeadObject s3://logs/big.gz", "PutObjectTagging s3://logs/big.gz tag=size=large"]);
//! ```
//!
//! The crate of an operation has `crate-type = ["cdylib", "rlib"]` and is built with
//! `cargo build --release --target wasm32-unknown-unknown`; the `.wasm` file is what a job file names as
//! `operation.plugin`.

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, reason = "generated from sdk/wit")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "operation",
        additional_derives: [PartialEq, Eq, Clone],
        pub_export_macro: true,
        export_macro_name: "__export_operation",
        default_bindings_module: "longshore_sdk::bindings",
    });
}

mod call;
mod event_hold;
#[doc(hidden)]
pub mod glue;
pub mod in_place;
pub mod lock;
mod object;
mod operation;
pub mod parameters;
mod response;
pub mod stream;
pub mod template;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod time;
pub mod versions;

/// The contract as functions: the engine's on wasm32, those of the fake store elsewhere.
#[cfg(target_arch = "wasm32")]
use bindings::longshore::operation::{endpoints as raw_endpoints, host as raw_host, s3 as raw};
#[cfg(not(target_arch = "wasm32"))]
use testing::{raw, raw_host};

pub use call::{
    AbortMultipartUpload, Checksum, CopyObject, DeleteObject, DeleteObjectTagging, GetBucketReplication,
    GetBucketVersioning, GetObject, GetObjectAcl, GetObjectLegalHold, GetObjectLockConfiguration,
    GetObjectRetention, GetObjectTagging, HeadObject, InvokeEndpoint, ListMultipartUploads,
    ListObjectVersions, PutObject, PutObjectAcl, PutObjectLegalHold, PutObjectRetention, PutObjectTagging,
    Request, RestoreObject, UpdateObjectEncryption,
};
pub use event_hold::EventHold;
pub use object::{Object, Task};
pub use operation::{Failure, NoParameters, Operation, Outcome};
#[cfg(target_arch = "wasm32")]
pub use raw::{Grant, StoreError, Tag, Upload, Version};
pub use raw_host::{Level, log};
pub use response::Response;
pub use stream::{ObjectReader, ObjectWriter};
#[cfg(not(target_arch = "wasm32"))]
pub use testing::values::{Grant, StoreError, Tag, Upload, Version};

/// Makes the current crate the plugin of an operation: `longshore_sdk::export!(MyOperation);`, once per crate.
///
/// On other targets than wasm32 it does nothing, so that the same crate can be tested natively.
#[macro_export]
macro_rules! export {
    ($operation:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the generated entry points of the component")]
        const _: () = {
            use $crate::bindings::{Guest, longshore::operation};

            ::std::thread_local! {
                static SLOT: $crate::glue::Slot<$operation> = const { $crate::glue::Slot::new() };
            }

            struct Component;

            impl Guest for Component {
                fn describe() -> operation::host::Description {
                    $crate::glue::describe::<$operation>(env!("CARGO_PKG_VERSION"))
                }
                fn configure(parameters: ::std::string::String) -> Result<(), ::std::string::String> {
                    SLOT.with(|slot| slot.configure(&parameters))
                }
                fn plan(
                    object: &operation::s3::Object,
                    task: &operation::host::Task,
                ) -> ::std::vec::Vec<operation::s3::Request> {
                    SLOT.with(|slot| slot.plan(object, task))
                }
                fn run(
                    object: &operation::s3::Object,
                    task: &operation::host::Task,
                ) -> Result<operation::host::Outcome, operation::host::Failure> {
                    SLOT.with(|slot| slot.run(object, task))
                }
            }

    $crate::bindings::__export_operation!(Component with_types_in $crate::bindings);
        };
    };
}
