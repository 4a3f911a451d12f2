//! The built-in operation `copy`: copies each object, or moves it.

mod compare;
mod kept;
mod key;
mod moving;
mod parameters;
mod there;

use std::cell::Cell;

use longshore_sdk::parameters::{ChecksumAlgorithm, StorageClass};
use longshore_sdk::{
    CopyObject, EventHold, Failure, Grant, HeadObject, Object, Operation, Outcome, Request, Task,
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
            .if_none_match((!parameters.overwrites()).then_some("*"))
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
        if self.looks_at_target() || self.verifies() {
            plan.push(self.target(object, &key, None).planned());
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
        if self.looks_at_target()
            && let Some(there) = self.present(object, &key, None)?
            && let Some(outcome) = self.settled(object, task, &key, source.as_ref(), &there)?
        {
            return Ok(outcome);
        }
        let etag = self.wanted_etag(task, source.as_ref())?;
        let answer = match self.request(object, &key, etag.as_deref()).send() {
            Err(error) if error.code == "PreconditionFailed" && !self.parameters.overwrites() => {
                return self.refused(object, task, &key, source.as_ref(), error.into());
            }
            sent => sent?,
        };
        // Versions of one key are copied side by side: each looks at its own.
        let made = answer.version_id().filter(|version| object.version_id().is_some() && version != "null");
        let note = self.confirm(object, &key, made.as_deref())?;
        let said = match source {
            Some(source) if self.verifies() => Some(self.finish(object, &key, &source, made.as_deref())?),
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

    fn target(&self, object: &Object, key: &str, version: Option<&str>) -> HeadObject {
        let target = object.open(&self.parameters.target_bucket, key, version);
        let head = target.head().store(self.parameters.target_store.as_deref());
        if self.verifies() { head.checksums() } else { head }
    }

    fn verifies(&self) -> bool {
        self.parameters.verify || self.parameters.mode == Mode::Move
    }

    fn looks_at_source(&self) -> bool {
        self.verifies() || self.parameters.skip_identical || self.parameters.if_match == Some(IfMatch::Head)
    }

    fn looks_at_target(&self) -> bool {
        self.parameters.skip_identical || !self.parameters.overwrites() || self.parameters.mode == Mode::Move
    }

    /// What is where the copy goes.
    fn present(&self, object: &Object, key: &str, version: Option<&str>) -> Result<Option<Content>, Failure> {
        match self.target(object, key, version).send() {
            Ok(head) => Ok(Some(Content::from(&head))),
            Err(error) if error.http_status == Some(404) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A copy was refused because of a condition: of the source, or because somebody wrote the target meanwhile. That may have
    /// been this very task, if the answer to its first attempt was lost.
    fn refused(
        &self,
        object: &Object,
        task: &Task,
        key: &str,
        source: Option<&Content>,
        failure: Failure,
    ) -> Result<Outcome, Failure> {
        let Some(there) = self.present(object, key, None)? else { return Err(failure) };
        self.settled(object, task, key, source, &there)?.ok_or(failure)
    }

    /// What comes after a copy that was looked at before: it is compared and, by a move, its source deleted. Says what was done.
    fn finish(
        &self,
        object: &Object,
        key: &str,
        source: &Content,
        made: Option<&str>,
    ) -> Result<String, Failure> {
        let Some(copy) = self.present(object, key, made)? else {
            return Err(Failure::new(
                "VerificationFailed",
                "the copy is not there, although the store made it",
            ));
        };
        let verified = source.verify(&copy)?;
        match self.parameters.mode {
            Mode::Copy => Ok(verified),
            Mode::Move => {
                self.refuse_lone_version(object, made)?;
                self.delete(object, source, &verified)
            }
        }
    }
}

longshore_sdk::export!(Copy);

#[cfg(test)]
mod tests;
