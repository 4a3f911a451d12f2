//! IAM-style policies for requests to S3-compatible stores: load, match, decide, explain.
//!
//! The language is that of AWS IAM (JSON documents of version 2012-10-17 and 2008-10-17), complete: wildcards,
//! policy variables with defaults, every condition operator with `IfExists` and set qualifiers, identity, resource,
//! boundary, session, service control and resource control policies, same- and cross-account. A [`Document`] is
//! compiled once; a [`PolicySet`] of documents decides [`Request`]s, and can [explain](PolicySet::explain) each
//! decision.
//!
//! What this crate holds to:
//! * **Never more permissive than AWS.** Where AWS is silent, refuse.
//! * **Fail closed.** A document with any error does not load. A condition that cannot be evaluated makes its Allow
//!   not apply and its Deny apply. A malformed request is refused.
//! * **Pure.** No I/O, no clock, no environment: time comes in as the condition key `aws:CurrentTime`.
//! * **Bounded.** Every size has a [limit](limits); no pattern takes exponential time.
//!
//! What AWS has and this crate does not: ACLs and Block Public Access (the store enforces them), the powers of the
//! account root user, role trust policies.

mod action;
mod arn;
pub mod case;
mod combine;
mod condition;
mod context;
mod decision;
mod document;
mod error;
mod explain;
mod finding;
mod glob;
mod idle;
mod json;
pub mod limits;
mod load;
mod names;
mod operator;
mod pattern;
mod principal;
mod request;
pub mod s3;
mod set;
mod statement;
mod value;
mod work;

pub use action::ActionPattern;
pub use context::{Context, Lookup};
pub use decision::{Decision, Effect, Foresight, StatementId};
pub use document::{Document, Loaded, PolicyKind};
pub use error::EvaluationError;
pub use explain::{Explanation, NearMiss, Stop};
pub use finding::{Code, Finding};
pub use idle::{Bearer, Idle, IdleReason};
pub use request::Request;
pub use set::PolicySet;
pub use statement::StatementEffect;
