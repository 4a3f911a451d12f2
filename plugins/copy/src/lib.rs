//! The built-in operation `copy`: copies each object, or moves it.

mod compare;
mod key;
mod parameters;

use longshore_sdk::parameters::{ChecksumAlgorithm, StorageClass};
use longshore_sdk::{CopyObject, Failure, Grant, HeadObject, Object, Operation, Outcome, Request, Task};

use compare::{Content, unquoted};
use key::TargetKeys;
pub use parameters::{
    Encryption, IfMatch, Lock, Metadata, MetadataDirective, Mode, Multipart, Parameters, Rewrite,
    TagDirective, Tags,
};

/// Column of inventories, and of lists that want to say so, with the ETag of each object.
const ETAG_COLUMN: &str = "ETag";

/// The operation.
#[derive(Debug)]
pub struct Copy {
    parameters: Parameters,
    grants: Vec<Grant>,
    keys: TargetKeys,
}

impl Copy {
    /// The copy; `etag` is the one that the source must have.
    fn request(&self, object: &Object, key: &str, etag: Option<&str>) -> CopyObject {
        let parameters = &self.parameters;
        let quoted = etag.map(|etag| format!("\"{}\"", unquoted(etag)));
        let mut copy = object
            .copy_to(&parameters.target_bucket, key)
            .target_store(parameters.target_store.as_deref())
            .source_if_match(quoted.as_deref())
            .source_if_modified_since(parameters.modified_since.as_deref())
            .source_if_unmodified_since(parameters.unmodified_since.as_deref())
            .if_none_match((!parameters.overwrite).then_some("*"))
            .requester_pays(parameters.requester_pays)
            .multipart_threshold(parameters.multipart.threshold)
            .part_size(parameters.multipart.part_size)
            .checksum_algorithm(parameters.checksum_algorithm.map(ChecksumAlgorithm::name))
            .lock(parameters.lock.as_ref().map(|lock| (lock.mode.name(), lock.retain_until.as_str())))
            .legal_hold(parameters.legal_hold)
            .website_redirect(parameters.redirect_location.as_deref())
            .storage_class(parameters.storage_class.map(StorageClass::name))
            .canned_acl(parameters.canned_acl.map(|acl| acl.name()))
            .grants(&self.grants);
        if let Some(sse) = &parameters.sse {
            copy = copy
                .sse(sse.algorithm.name())
                .kms_key_id(sse.kms_key_id.as_deref())
                .bucket_key(sse.bucket_key);
        }
        if let Some(metadata) = &parameters.metadata {
            copy = with_metadata(copy, metadata);
        }
        match &parameters.tags {
            Some(Tags { directive: TagDirective::Replace, set }) => {
                copy.tagging_directive("REPLACE").tags(set.clone())
            }
            // Replaced by no tags.
            Some(Tags { directive: TagDirective::Drop, .. }) => copy.tagging_directive("REPLACE"),
            Some(Tags { directive: TagDirective::Copy, .. }) | None => copy,
        }
    }
}

fn with_metadata(copy: CopyObject, metadata: &Metadata) -> CopyObject {
    match metadata.directive {
        MetadataDirective::Copy => copy,
        MetadataDirective::Replace => copy
            .metadata_directive("REPLACE")
            .content_type(metadata.content_type.as_deref())
            .cache_control(metadata.cache_control.as_deref())
            .content_disposition(metadata.content_disposition.as_deref())
            .content_encoding(metadata.content_encoding.as_deref())
            .content_language(metadata.content_language.as_deref())
            .expires(metadata.expires.as_deref())
            .user_metadata(metadata.user.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
    }
}

impl Operation for Copy {
    type Parameters = Parameters;
    const NAME: &'static str = "copy";
    const SUMMARY: &'static str = "Copies objects to a bucket.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging",
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:PutObjectAcl",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        parameters.check()?;
        let grants = parameters.grants.iter().map(Grant::from).collect();
        let keys = TargetKeys::new(&parameters)?;
        Ok(Self { parameters, grants, keys })
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        // A task without a key for its copy sends nothing.
        let Ok(key) = self.keys.of(object, task) else { return Vec::new() };
        let mut plan = Vec::new();
        if self.looks_at_source() {
            plan.push(self.head(object).planned());
        }
        if self.looks_at_target() || self.verifies() {
            plan.push(self.target(object, &key).planned());
        }
        plan.push(self.request(object, &key, None).planned());
        if self.parameters.mode == Mode::Move {
            plan.push(object.delete().planned());
        }
        plan
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let key = self.keys.of(object, task)?;
        if self.parameters.mode == Mode::Move && self.is_in_place(object, &key) {
            let message = "the copy would replace its source, which a move then deletes";
            return Err(Failure::new("InvalidRequest", message).with_status(400));
        }
        let source = match self.looks_at_source().then(|| self.head(object).send()) {
            Some(Ok(head)) => Some(Content::from(&head)),
            Some(Err(error)) if error.http_status == Some(404) => {
                return self.moved_before(object, task, &key, error.into());
            }
            Some(Err(error)) => return Err(error.into()),
            None => None,
        };
        if self.looks_at_target()
            && let Some(there) = self.present(object, &key)?
            && let Some(outcome) = self.skipped(object, source.as_ref(), &there)?
        {
            return Ok(outcome);
        }
        let etag = self.wanted_etag(task, source.as_ref())?;
        match self.request(object, &key, etag.as_deref()).send() {
            Err(error) if error.code == "PreconditionFailed" && !self.parameters.overwrite => {
                return self.refused(object, &key, error.into());
            }
            sent => sent?,
        };
        match source {
            Some(source) if self.verifies() => self.verified(object, &key, &source),
            _ => Ok(Outcome::done()),
        }
    }
}

impl Copy {
    fn head(&self, object: &Object) -> HeadObject {
        object.head().requester_pays(self.parameters.requester_pays)
    }

    fn target(&self, object: &Object, key: &str) -> HeadObject {
        let target = object.open(&self.parameters.target_bucket, key, None);
        target.head().store(self.parameters.target_store.as_deref())
    }

    fn verifies(&self) -> bool {
        self.parameters.verify || self.parameters.mode == Mode::Move
    }

    fn looks_at_source(&self) -> bool {
        self.verifies() || self.parameters.skip_identical || self.parameters.if_match == Some(IfMatch::Head)
    }

    fn looks_at_target(&self) -> bool {
        self.parameters.skip_identical || !self.parameters.overwrite
    }

    fn is_in_place(&self, object: &Object, key: &str) -> bool {
        self.parameters.target_store.is_none()
            && object.bucket() == self.parameters.target_bucket
            && object.key() == key
    }

    /// What is where the copy goes.
    fn present(&self, object: &Object, key: &str) -> Result<Option<Content>, Failure> {
        match self.target(object, key).send() {
            Ok(head) => Ok(Some(Content::from(&head))),
            Err(error) if error.http_status == Some(404) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether nothing is to be done, because of what is there. A move that finds its copy made goes on to delete.
    fn skipped(
        &self,
        object: &Object,
        source: Option<&Content>,
        there: &Content,
    ) -> Result<Option<Outcome>, Failure> {
        if let Some(source) = source.filter(|source| source.is_identical(there)) {
            if self.parameters.mode == Mode::Move {
                return self.delete(object, source, "the copy was there already").map(Some);
            }
            if self.parameters.skip_identical {
                return Ok(Some(Outcome::Skipped(
                    "the copy is there, with the same size and ETag".to_owned(),
                )));
            }
        }
        let kept = "there is an object with the target key, which stays (overwrite = false)";
        Ok((!self.parameters.overwrite).then(|| Outcome::Skipped(kept.to_owned())))
    }

    /// A copy was refused because of a condition: of the source, or because somebody wrote the target meanwhile.
    fn refused(&self, object: &Object, key: &str, failure: Failure) -> Result<Outcome, Failure> {
        match self.present(object, key)? {
            Some(_) => Ok(Outcome::Skipped("there is an object with the target key, which stays".to_owned())),
            None => Err(failure),
        }
    }

    /// The ETag that the source must have.
    fn wanted_etag(&self, task: &Task, source: Option<&Content>) -> Result<Option<String>, Failure> {
        match self.parameters.if_match {
            Some(IfMatch::Column) => match task.column(ETAG_COLUMN) {
                Some(etag) => Ok(Some(etag)),
                None => {
                    let message = "if-match = \"column\", and the row has no value in column ETag";
                    Err(Failure::new("InvalidRequest", message).with_status(400))
                }
            },
            // What was looked at is what is copied.
            _ => Ok(source.and_then(|source| source.etag.clone())),
        }
    }

    fn verified(&self, object: &Object, key: &str, source: &Content) -> Result<Outcome, Failure> {
        let Some(copy) = self.present(object, key)? else {
            return Err(Failure::new(
                "VerificationFailed",
                "the copy is not there, although the store made it",
            ));
        };
        let verified = source.verify(&copy)?;
        match self.parameters.mode {
            Mode::Copy => Ok(Outcome::done_with(verified)),
            Mode::Move => self.delete(object, source, &verified),
        }
    }

    /// Deletes the source of a verified copy, unless it is another one by now.
    fn delete(&self, object: &Object, source: &Content, verified: &str) -> Result<Outcome, Failure> {
        if !Content::from(&self.head(object).send()?).is_identical(source) {
            let message = "the source was written while it was copied; it stays, and so does the copy";
            return Err(Failure::new("PreconditionFailed", message).with_status(412));
        }
        // Stores that know the condition leave an object alone that was written in this instant.
        let etag =
            source.etag.as_ref().filter(|_| object.version_id().is_none()).map(|etag| format!("\"{etag}\""));
        object.delete().if_match(etag.as_deref()).send()?;
        Ok(Outcome::done_with(format!("moved; {verified}")))
    }

    /// There is no source. A move may have been here before: then the copy has the ETag that the row says.
    fn moved_before(
        &self,
        object: &Object,
        task: &Task,
        key: &str,
        gone: Failure,
    ) -> Result<Outcome, Failure> {
        let said = task.column(ETAG_COLUMN).filter(|_| self.parameters.mode == Mode::Move);
        let Some(said) = said else { return Err(gone) };
        match self.present(object, key)? {
            Some(copy) if copy.etag.as_deref() == Some(unquoted(&said)) => {
                Ok(Outcome::Skipped("moved before: the copy is there, with the ETag of the row".to_owned()))
            }
            _ => Err(gone),
        }
    }
}

longshore_sdk::export!(Copy);

#[cfg(test)]
mod tests;
