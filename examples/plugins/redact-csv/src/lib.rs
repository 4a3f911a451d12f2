//! An operation of one's own: takes out of CSV files what must not leave. Columns are dropped, masked or hashed with a key.
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown -p longshore-example-redact-csv
//! ```
//!
//! Files are read and written as streams, so memory does not grow with them. The result goes to another key, or in place of the original, if that
//! is still what was read. The key of hashes is an object of the store: job files and reports never hold it, and the role's
//! policies say who may use it.

mod rows;

use std::collections::BTreeMap;

use longshore_sdk::in_place::{self, Metadata, Original};
use longshore_sdk::lock::LockableBucket;
use longshore_sdk::template::Template;
use longshore_sdk::{Failure, GetObject, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

pub use self::rows::Method;
use self::rows::Rules;

/// Bytes of the key of hashes: fewer can be guessed, more are no key but another object.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=4096;
/// Bytes that are read at once. With the row at hand and the part that is written they are far below what an operation has.
const READ_BYTES: usize = 4 << 20;
/// User metadata of what was redacted: by which rules. What is hashed must not be hashed again.
const REDACTED: &str = "redacted";

/// Parameters of `redact-csv`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Columns by their names in the first row, and what becomes of their values. A file that lacks one of them fails.
    #[schemars(extend("minProperties" = 1))]
    pub columns: BTreeMap<String, Method>,
    /// The object whose content is the key of hashes, without a line end after it; needed with `hash`.
    #[serde(default)]
    pub hash_key: Option<Place>,
    /// What separates values: one ASCII character.
    #[serde(default = "default_delimiter")]
    #[schemars(length(min = 1, max = 1))]
    pub delimiter: String,
    /// Where the results go; without it into the bucket of the original.
    #[serde(default)]
    pub target_bucket: Option<String>,
    /// Key of each result: a template. Without `target-bucket` and `target-key` results replace originals.
    #[serde(default)]
    pub target_key: Option<String>,
}

/// An object.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct Place {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
}

fn default_delimiter() -> String {
    ",".to_owned()
}

/// The operation.
#[derive(Debug)]
pub struct RedactCsv {
    columns: BTreeMap<String, Method>,
    delimiter: u8,
    hash_key: Option<Place>,
    target_bucket: Option<String>,
    target_key: Option<Template>,
    bucket: LockableBucket,
}

impl RedactCsv {
    fn target(&self, object: &Object, task: &Task) -> Result<Object<'static>, Failure> {
        let bucket = self.target_bucket.clone().unwrap_or_else(|| object.bucket());
        let key = self.target_key.as_ref().map(|template| template.fill(object, task)).transpose()?;
        Ok(object.open(&bucket, &key.unwrap_or_else(|| object.key()), None))
    }

    fn get_key(object: &Object, place: &Place) -> GetObject {
        object.open(&place.bucket, &place.key, None).get().range(0, *KEY_BYTES.end() as u64)
    }

    fn key(&self, object: &Object) -> Result<Option<Vec<u8>>, Failure> {
        let Some(place) = &self.hash_key else { return Ok(None) };
        let mut key = Self::get_key(object, place).send()?.into_body();
        let end = key.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
        key.truncate(end);
        if !KEY_BYTES.contains(&key.len()) {
            let (least, most) = (KEY_BYTES.start(), KEY_BYTES.end());
            let message = format!("hash-key has {} bytes; {least} to {most} are allowed", key.len());
            return Err(Failure::new("HashKeyUnusable", message));
        }
        Ok(Some(key))
    }

    /// Names the rules, the key of hashes included, without telling anything about it.
    fn name_of_rules(&self, key: Option<&[u8]>) -> String {
        let mut hash = Sha256::new();
        for (column, method) in &self.columns {
            hash.update((column.len() as u64).to_be_bytes());
            hash.update(column);
            hash.update(method.name());
        }
        hash.update(Sha256::digest(key.unwrap_or_default()));
        hex::encode(hash.finalize())
    }
}

impl Operation for RedactCsv {
    type Parameters = Parameters;
    const NAME: &'static str = "redact-csv";
    const SUMMARY: &'static str = "Drops, masks or hashes columns of CSV files.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:GetObject",
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
        "s3:AbortMultipartUpload",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        let Parameters { columns, hash_key, target_bucket, .. } = parameters;
        if columns.is_empty() {
            return Err("columns is empty: nothing would be redacted".to_owned());
        }
        let &[delimiter] = parameters.delimiter.as_bytes() else {
            return Err(format!("delimiter {:?} is not one ASCII character", parameters.delimiter));
        };
        if columns.values().any(|method| *method == Method::Hash) && hash_key.is_none() {
            return Err("columns with \"hash\" need hash-key, the object that holds the key".to_owned());
        }
        let target_key = parameters.target_key.as_deref().map(Template::parse).transpose();
        let target_key = target_key.map_err(|why| format!("target-key: {why}"))?;
        Ok(Self { columns, delimiter, hash_key, target_bucket, target_key, bucket: LockableBucket::new() })
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        let current = object.open(&object.bucket(), &object.key(), None);
        let mut plan = vec![
            current.head().checksums().planned(),
            current.get_lock_configuration().planned(),
            current.get_acl().planned(),
            current.get_tags().planned(),
            current.get().provisional(),
        ];
        plan.extend(self.hash_key.iter().map(|place| Self::get_key(object, place).planned()));
        if let Ok(target) = self.target(object, task) {
            plan.extend(target.writer().planned());
        }
        plan
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let original = Original::read(object, &self.bucket)?;
        let current = object.open(&object.bucket(), &object.key(), None);
        let target = self.target(object, task)?;
        let in_place = (target.bucket(), target.key()) == (object.bucket(), object.key());
        let etag = original.head().etag();
        let mut metadata = Metadata::of(original.head());
        if let Some(encoding) =
            metadata.content_encoding.as_deref().filter(|encoding| *encoding != "aws-chunked")
        {
            return Err(Failure::new("NotCsv", format!("its content is encoded: {encoding}")));
        }
        let key = self.key(object)?;
        let rules = self.name_of_rules(key.as_deref());
        match metadata.user.insert(REDACTED.to_owned(), rules.clone()) {
            Some(before) if before == rules => {
                return Ok(Outcome::Skipped("it is redacted already".to_owned()));
            }
            Some(_) => return Err(Failure::new("RedactedOtherwise", "it was redacted by other rules")),
            None => {}
        }
        let tags: Vec<_> = current.get_tags().send()?.tags();
        let tags = || tags.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
        let now = task.now();
        let mut reader = current.reader().step(READ_BYTES);
        if reader.size()? > 0 && reader.etag() != etag.as_deref() {
            return Err(
                Failure::new("PreconditionFailed", "the object was written meanwhile").with_status(412)
            );
        }
        let mut writer = target.writer_with(|put| match in_place {
            true => original.put_again(&metadata, now, put).tags(tags()),
            false => in_place::carry(original.head(), &metadata, put).tags(tags()),
        });
        if in_place {
            writer = writer.if_match(etag.as_deref());
        }
        let rules = Rules { columns: &self.columns, delimiter: self.delimiter, key };
        let rows = rules.redact(reader, &mut writer)?;
        let written = writer.finish()?;
        if in_place {
            original.complete(object, &written, now)?;
        }
        Ok(Outcome::done_with(format!("{rows} rows to s3://{}/{}", target.bucket(), target.key())))
    }
}

longshore_sdk::export!(RedactCsv);

#[cfg(test)]
mod tests;
