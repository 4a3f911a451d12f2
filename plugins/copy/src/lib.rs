//! The built-in operation `copy`: copies each object, or moves it.

mod compare;
mod kept;
mod key;
mod moving;
mod parameters;

use std::cell::Cell;

use longshore_sdk::parameters::{ChecksumAlgorithm, StorageClass};
use longshore_sdk::{
    CopyObject, EventHold, Failure, Grant, HeadObject, Object, Operation, Outcome, Request, Response, Task,
};

use compare::{Content, unquoted};
use key::TargetKeys;
pub use parameters::{
    Annotations, Encryption, IfMatch, Lock, Metadata, MetadataDirective, Mode, Multipart, Parameters,
    Rewrite, TagDirective, Tags,
};

/// Column of inventories, and of lists that want to say so, with the ETag of each object.
const ETAG_COLUMN: &str = "ETag";

/// The operation.
#[derive(Debug)]
pub struct Copy {
    parameters: Parameters,
    grants: Vec<Grant>,
    keys: TargetKeys,
    event_hold: Option<EventHold>,
    /// Whether a copy was seen that has what was asked for.
    kept: Cell<bool>,
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
            .event_hold(self.event_hold.as_ref())
            .annotation_directive(parameters.annotations.map(Annotations::directive))
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
        "s3:GetObjectAcl",
        "s3:GetObjectAnnotation",
        "s3:PutObjectAnnotation",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        parameters.check()?;
        let grants = parameters.grants.iter().map(Grant::from).collect();
        let keys = TargetKeys::new(&parameters)?;
        let event_hold = parameters.event_hold.as_ref().map(EventHold::from);
        Ok(Self { parameters, grants, keys, event_hold, kept: Cell::new(false) })
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        // A task without a key for its copy sends nothing.
        let Ok(key) = self.keys.of(object, task) else { return Vec::new() };
        let mut plan = Vec::new();
        if self.looks_at_source() {
            plan.push(self.head(object).planned());
        }
        if self.looks_at_target(object, &key) || self.verifies() {
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
        self.refuse_in_place(object, &key)?;
        let source = match self.looks_at_source().then(|| self.head(object).send()) {
            Some(Ok(head)) => Some(Content::from(&head)),
            Some(Err(error)) if error.http_status == Some(404) => {
                return self.moved_before(object, task, &key, error.into());
            }
            Some(Err(error)) => return Err(error.into()),
            None => None,
        };
        if self.looks_at_target(object, &key)
            && let Some(there) = self.present(object, &key)?
        {
            self.refuse_itself(object, &key, source.as_ref(), &there)?;
            if let Some(outcome) = self.skipped(object, source.as_ref(), &there)? {
                return Ok(outcome);
            }
        }
        let etag = self.wanted_etag(task, source.as_ref())?;
        let answer = match self.request(object, &key, etag.as_deref()).send() {
            Err(error) if error.code == "PreconditionFailed" && !self.parameters.overwrite => {
                return self.refused(object, &key, source.as_ref(), error.into());
            }
            sent => sent?,
        };
        let note = self.confirm(object, &key)?;
        let said = match source {
            Some(source) if self.verifies() => Some(self.finish(object, &key, &source, &answer)?),
            _ => None,
        };
        Ok(Outcome::Done(said.into_iter().chain(note).reduce(|said, note| format!("{said}; {note}"))))
    }
}

impl Copy {
    fn head(&self, object: &Object) -> HeadObject {
        let head = object.head().requester_pays(self.parameters.requester_pays);
        if self.verifies() { head.checksums() } else { head }
    }

    fn target(&self, object: &Object, key: &str) -> HeadObject {
        let target = object.open(&self.parameters.target_bucket, key, None);
        let head = target.head().store(self.parameters.target_store.as_deref());
        if self.verifies() { head.checksums() } else { head }
    }

    fn verifies(&self) -> bool {
        self.parameters.verify || self.parameters.mode == Mode::Move
    }

    fn looks_at_source(&self) -> bool {
        self.verifies() || self.parameters.skip_identical || self.parameters.if_match == Some(IfMatch::Head)
    }

    fn looks_at_target(&self, object: &Object, key: &str) -> bool {
        self.parameters.skip_identical || !self.parameters.overwrite || self.moves_to_namesake(object, key)
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
        if !self.parameters.skip_identical && self.parameters.overwrite {
            return Ok(None);
        }
        if let Some(source) = source.filter(|source| source.is_identical(there)) {
            if self.parameters.mode == Mode::Move {
                let moved = self.delete(object, source, "the copy was there already")?;
                return Ok(Some(Outcome::done_with(moved)));
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

    /// A copy was refused because of a condition: of the source, or because somebody wrote the target meanwhile. That may have
    /// been this very task, if the answer to its first attempt was lost.
    fn refused(
        &self,
        object: &Object,
        key: &str,
        source: Option<&Content>,
        failure: Failure,
    ) -> Result<Outcome, Failure> {
        let Some(there) = self.present(object, key)? else { return Err(failure) };
        self.refuse_itself(object, key, source, &there)?;
        self.skipped(object, source, &there)?.ok_or(failure)
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

    /// What comes after a copy that was looked at before: it is compared and, by a move, its source deleted. Says what was done.
    fn finish(
        &self,
        object: &Object,
        key: &str,
        source: &Content,
        answer: &Response,
    ) -> Result<String, Failure> {
        let Some(copy) = self.present(object, key)? else {
            return Err(Failure::new(
                "VerificationFailed",
                "the copy is not there, although the store made it",
            ));
        };
        let verified = source.verify(&copy)?;
        match self.parameters.mode {
            Mode::Copy => Ok(verified),
            Mode::Move => {
                self.refuse_lone_version(object, answer)?;
                self.delete(object, source, &verified)
            }
        }
    }
}

longshore_sdk::export!(Copy);

#[cfg(test)]
mod tests;
