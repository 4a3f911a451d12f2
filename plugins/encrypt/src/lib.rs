//! The built-in operation `encrypt`: encrypts each object with another key.
//!
//! Amazon S3 can do so without moving the data (UpdateObjectEncryption), to a KMS key that is named by its ARN. Everywhere
//! else, and to any other encryption, the object is copied in place.

use longshore_sdk::in_place::{self, Change, Encryption, Original};
use longshore_sdk::lock::LockableBucket;
use longshore_sdk::parameters::SseAlgorithm;
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Response, Task, UpdateObjectEncryption};
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
pub struct Encrypt {
    wanted: Encryption,
    bucket: LockableBucket,
}

impl Encrypt {
    fn change(&self) -> Change<'_> {
        Change { encryption: Some(&self.wanted), ..Change::default() }
    }

    /// The key, if UpdateObjectEncryption can be told it.
    fn key_arn(&self) -> Option<&str> {
        self.wanted.kms_key_id.as_deref().filter(|key| key.starts_with("arn:") && key.contains(":key/"))
    }

    fn is_done(&self, found: &Encryption) -> bool {
        let Encryption { algorithm, kms_key_id, bucket_key } = &self.wanted;
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

    fn update(&self, object: &Object, key: &str) -> UpdateObjectEncryption {
        object.update_encryption(key).bucket_key(self.wanted.bucket_key)
    }

    /// The outcome where no copy is needed for what HeadObject tells of the row's version.
    fn without_copy(&self, object: &Object, key: &str, head: &Response) -> Result<Option<Outcome>, Failure> {
        let found = Encryption::of(head);
        if self.is_done(&found) {
            return Ok(Some(skipped()));
        }
        if !updatable(&found) {
            return Ok(None);
        }
        match self.update(object, key).send() {
            Ok(_) => Ok(Some(Outcome::done_with("encrypted anew without a copy"))),
            Err(error) if error.http_status == Some(501) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn skipped() -> Outcome {
    Outcome::Skipped("the encryption is as wanted already".to_owned())
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
        "s3:GetObjectVersion",
        "s3:GetObjectAcl",
        "s3:GetObjectTagging",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
        "s3:GetBucketObjectLockConfiguration",
        "s3:PutObject",
        "s3:PutObjectAcl",
        "s3:PutObjectVersionAcl",
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
        let wanted = Encryption { algorithm: Some(algorithm.name().to_owned()), kms_key_id, bucket_key };
        Ok(Self { wanted, bucket: LockableBucket::new() })
    }

    /// A copy in place comes after a key's ARN only where the store cannot do without. A role that may not copy is to work where
    /// it can, so the policies are asked about a copy when it is sent.
    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        match self.key_arn() {
            Some(key) => vec![object.head().checksums().planned(), self.update(object, key).planned()],
            None => in_place::plan(object, self.change()),
        }
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let mut current = None;
        if let Some(key) = self.key_arn() {
            let head = object.head().checksums().send()?;
            if let Some(outcome) = self.without_copy(object, key, &head)? {
                return Ok(outcome);
            }
            current = Some(head).filter(|_| object.version_id().is_none());
        }
        let original = match current {
            Some(head) => Original::of(object, head, &self.bucket)?,
            None => Original::read(object, &self.bucket)?,
        };
        if self.is_done(&Encryption::of(original.head())) {
            return Ok(skipped());
        }
        original.copy(object, task.now(), self.change())?;
        Ok(Outcome::done_with("encrypted by a copy in place"))
    }
}

longshore_sdk::export!(Encrypt);

#[cfg(test)]
mod tests;
