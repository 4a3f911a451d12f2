//! The built-in operation `encrypt`: encrypts each object with another key.
//!
//! Amazon S3 can do so without moving the data (UpdateObjectEncryption), to a KMS key that is named by its ARN. Everywhere
//! else, and to any other encryption, the object is copied in place.

use longshore_sdk::in_place::{self, Change, Encryption, Original};
use longshore_sdk::parameters::SseAlgorithm;
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `encrypt`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// AES256 or aws:kms.
    pub algorithm: SseAlgorithm,
    /// Key for aws:kms: its ARN, or, for copies in place only, ID or alias. Without it the store uses its own key.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2048))]
    pub kms_key_id: Option<String>,
    /// Whether to use an S3 Bucket Key with aws:kms.
    #[serde(default)]
    pub bucket_key: Option<bool>,
}

/// The operation.
#[derive(Debug)]
pub struct Encrypt(Encryption);

impl Encrypt {
    fn change(&self) -> Change<'_> {
        Change { encryption: Some(&self.0), ..Change::default() }
    }

    /// The key, if UpdateObjectEncryption can be told it.
    fn key_arn(&self) -> Option<&str> {
        self.0.kms_key_id.as_deref().filter(|key| key.starts_with("arn:") && key.contains(":key/"))
    }

    fn is_done(&self, found: &Encryption) -> bool {
        let Encryption { algorithm, kms_key_id, bucket_key } = &self.0;
        let same_key = |wanted: &String| {
            // Stores answer with the ARN, whatever they were given. An alias says nothing about the key.
            found.kms_key_id.as_ref().is_some_and(|key| {
                key == wanted || key.strip_suffix(wanted.as_str()).is_some_and(|arn| arn.ends_with(":key/"))
            })
        };
        found.algorithm == *algorithm
            && kms_key_id.as_ref().is_none_or(same_key)
            && bucket_key.is_none_or(|wanted| found.bucket_key.unwrap_or(false) == wanted)
    }

    /// Whether the store has changed the key without a copy.
    fn update(&self, object: &Object) -> Result<bool, Failure> {
        let Some(key) = self.key_arn() else { return Ok(false) };
        match object.update_encryption(key).bucket_key(self.0.bucket_key).send() {
            Ok(_) => Ok(true),
            Err(error) if error.http_status == Some(501) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a source is one that UpdateObjectEncryption takes: SSE-S3 or SSE-KMS.
fn updatable(found: &Encryption) -> bool {
    found.algorithm.as_deref().is_some_and(|algorithm| matches!(algorithm, "AES256" | "aws:kms"))
}

impl Operation for Encrypt {
    type Parameters = Parameters;
    const NAME: &'static str = "encrypt";
    const SUMMARY: &'static str = "Encrypts objects with another key, in place.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:UpdateObjectEncryption",
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectTagging",
        "s3:PutObject",
        "s3:PutObjectAcl",
        "s3:PutObjectTagging",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        let Parameters { algorithm, kms_key_id, bucket_key } = parameters;
        if algorithm != SseAlgorithm::Kms && (kms_key_id.is_some() || bucket_key.is_some()) {
            return Err("kms-key-id and bucket-key go with algorithm \"aws:kms\"".to_owned());
        }
        Ok(Self(Encryption { algorithm: Some(algorithm.name().to_owned()), kms_key_id, bucket_key }))
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        let update = self.key_arn().map(|key| object.update_encryption(key).bucket_key(self.0.bucket_key));
        let update = update.map(longshore_sdk::UpdateObjectEncryption::planned);
        update.into_iter().chain(in_place::plan(object, self.change())).collect()
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let original = Original::read(object)?;
        let found = Encryption::of(original.head());
        if self.is_done(&found) {
            return Ok(Outcome::Skipped("the encryption is as wanted already".to_owned()));
        }
        if updatable(&found) && self.update(object)? {
            return Ok(Outcome::done_with("encrypted anew without a copy"));
        }
        original.copy(object, task.now(), self.change())?;
        Ok(Outcome::done_with("encrypted by a copy in place"))
    }
}

longshore_sdk::export!(Encrypt);

#[cfg(test)]
mod tests;
