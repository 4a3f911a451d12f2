//! An operation of one's own: finds out by its first bytes what an object is, and mends its content type in place.
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown -p longshore-example-fix-content-type
//! ```
//!
//! Uploads without a type become `binary/octet-stream`, and browsers then save pictures instead of showing them. One GetObject of at most
//! 8 KiB tells what an object is; only those whose type changes are copied onto themselves, with everything else they have.

mod detect;

use longshore_sdk::in_place::{self, Change, Metadata, Original};
use longshore_sdk::lock::LockableBucket;
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `fix-content-type`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Which content types are mended.
    #[serde(default)]
    pub fix: Fix,
    /// Whether text, which has no signature, gets the type that its key's extension stands for (`.csv`, `.json`), or `text/plain`; where the
    /// object's type says nothing.
    #[serde(default)]
    pub text_by_extension: bool,
}

/// Which content types are mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Fix {
    /// Those that say nothing: none, `application/octet-stream`, `binary/octet-stream`.
    #[default]
    Unknown,
    /// Also those that the bytes prove wrong.
    Wrong,
}

/// The operation.
#[derive(Debug)]
pub struct FixContentType {
    parameters: Parameters,
    bucket: LockableBucket,
}

impl FixContentType {
    /// The type that an object shall have; or why it keeps its own.
    fn wanted(&self, declared: Option<&str>, bytes: &[u8], key: &str) -> Result<&'static str, String> {
        let signature = detect::by_signature(bytes);
        if detect::says_nothing(declared) {
            let by_extension =
                || self.parameters.text_by_extension.then(|| detect::of_text(bytes, key)).flatten();
            return signature
                .or_else(by_extension)
                .ok_or_else(|| "the bytes do not tell what it is".to_owned());
        }
        let declared = declared.unwrap_or_default();
        match signature {
            Some(signature) if self.parameters.fix == Fix::Wrong && detect::is_wrong(declared, signature) => {
                Ok(signature)
            }
            _ => Err(format!("it is {declared}")),
        }
    }
}

impl Operation for FixContentType {
    type Parameters = Parameters;
    const NAME: &'static str = "fix-content-type";
    const SUMMARY: &'static str =
        "Finds out by its first bytes what an object is, and mends its content type in place.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectAcl",
        "s3:GetObjectTagging",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
        "s3:GetBucketObjectLockConfiguration",
        "s3:PutObject",
        "s3:PutObjectAcl",
        "s3:PutObjectTagging",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self { parameters, bucket: LockableBucket::new() })
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        let mut plan = vec![object.get().range(0, LAST).planned()];
        plan.extend(in_place::plan(
            object,
            Change { metadata: Some(&Metadata::default()), ..Change::default() },
        ));
        plan
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let found = match object.get().range(0, LAST).send() {
            // There is no first byte.
            Err(error) if error.http_status == Some(416) => return Ok(empty()),
            found => found?,
        };
        if let Some(encoding) = found.content_encoding().filter(|encoding| is_encoded(encoding)) {
            // The type is that of what the bytes become once they are decoded.
            return Ok(Outcome::Skipped(format!("its content is encoded: {encoding}")));
        }
        let (declared, etag) = (found.content_type(), found.etag());
        let bytes = found.into_body();
        if bytes.is_empty() {
            return Ok(empty());
        }
        let wanted = match self.wanted(declared.as_deref(), &bytes, &object.key()) {
            Ok(wanted) => wanted,
            Err(why) => return Ok(Outcome::Skipped(why)),
        };
        let original = Original::read(object, &self.bucket)?;
        if original.head().etag() != etag {
            return Err(
                Failure::new("PreconditionFailed", "the object was written meanwhile").with_status(412)
            );
        }
        let metadata = Metadata { content_type: Some(wanted.to_owned()), ..Metadata::of(original.head()) };
        original.copy(object, task.now(), Change { metadata: Some(&metadata), ..Change::default() })?;
        Ok(Outcome::done_with(format!("{} is {wanted}", declared.as_deref().unwrap_or("no type"))))
    }
}

/// The last byte that is looked at.
const LAST: u64 = detect::LOOKED_AT as u64 - 1;

fn empty() -> Outcome {
    Outcome::Skipped("it is empty".to_owned())
}

/// Whether a `Content-Encoding` changes the bytes. `aws-chunked` is of a request and not of an object, but some stores keep it.
fn is_encoded(encoding: &str) -> bool {
    let mut codings = encoding.split(',').map(|coding| coding.trim().to_ascii_lowercase());
    codings.any(|coding| !["", "identity", "aws-chunked"].contains(&coding.as_str()))
}

longshore_sdk::export!(FixContentType);

#[cfg(test)]
mod tests;
