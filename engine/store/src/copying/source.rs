//! What is copied, as HeadObject tells it.

use crate::error::{StoreError, code};
use crate::gate::TaskGate;
use crate::request::{
    AnnotationDirective, CopyObject, CreateMultipartUpload, Directive, GetObjectTagging, HeadObject, Tag,
};
use crate::response::Response;

/// The source of a copy. All that is read of it later is pinned to its ETag.
#[derive(Debug)]
pub(super) struct Source {
    /// What HeadObject answered.
    pub(super) head: Response,
    /// Size in bytes.
    pub(super) size: u64,
    /// ETag, as the store writes it.
    pub(super) etag: String,
}

impl Source {
    /// Asks for the source and whether it meets the copy's conditions.
    pub(super) async fn look(task: &TaskGate, copy: &CopyObject) -> Result<Self, StoreError> {
        let mut request = HeadObject::new(copy.source.clone());
        request.if_match.clone_from(&copy.copy_source_if_match);
        request.requester_pays = copy.requester_pays;
        request.checksums = copy.checksum_algorithm.is_none();
        let head = task.send_one(request.into()).await?;
        let told = head.size.zip(head.etag.clone());
        let Some((size, etag)) = told else {
            let message = "the store does not tell size and ETag of the source";
            return Err(StoreError::new(code::INVALID_RESPONSE, message));
        };
        let source = Self { head, size, etag };
        if source.meets(copy) {
            return Ok(source);
        }
        let message = "At least one of the pre-conditions you specified did not hold";
        Err(StoreError::new(code::PRECONDITION_FAILED, message).with_status(412))
    }

    /// The conditions of CopyObject, which parts have not or, beside an ETag, not all.
    fn meets(&self, copy: &CopyObject) -> bool {
        let same = |wanted: &String| wanted.trim_matches('"') == self.etag.trim_matches('"');
        // Not every store honours conditions.
        let matches = copy.copy_source_if_match.as_ref().is_none_or(same);
        let differs = copy.copy_source_if_none_match.as_ref().is_none_or(|etag| !same(etag));
        let Some(modified) = self.head.last_modified else { return matches && differs };
        let since = copy.copy_source_if_modified_since.is_none_or(|time| modified > time);
        // An ETag that is met outweighs this one (API Reference, CopyObject).
        let unmodified = copy.copy_source_if_match.is_some()
            || copy.copy_source_if_unmodified_since.is_none_or(|time| modified <= time);
        matches && differs && since && unmodified
    }

    /// The new object, as CopyObject would make it.
    pub(super) async fn new_object(
        &self,
        task: &TaskGate,
        copy: &CopyObject,
    ) -> Result<CreateMultipartUpload, StoreError> {
        if copy.annotation_directive == Some(AnnotationDirective::Copy) {
            let message = "annotations are copied by CopyObject only: not in parts, and not to another store";
            return Err(StoreError::new("NotImplemented", message));
        }
        let replaced = copy.metadata_directive == Some(Directive::Replace);
        let head = &self.head;
        let kept = head.checksums.first().map(|(algorithm, _)| (*algorithm).to_owned());
        Ok(CreateMultipartUpload {
            bucket: copy.bucket.clone(),
            key: copy.key.clone(),
            content: if replaced { copy.content.clone() } else { head.content.clone() },
            user_metadata: if replaced { copy.user_metadata.clone() } else { head.user_metadata.clone() },
            tags: tags(task, copy).await?,
            acl: copy.acl.clone(),
            storage_class: copy.storage_class.clone(),
            encryption: copy.encryption.clone(),
            website_redirect_location: copy.website_redirect_location.clone(),
            checksum_algorithm: copy.checksum_algorithm.clone().or(kept),
            lock: copy.lock.clone(),
        })
    }

    /// MD5 of the source's bytes in hexadecimal, where its ETag is one: not where it was uploaded in parts or is encrypted with
    /// keys of a KMS.
    pub(super) fn md5(&self) -> Option<&str> {
        let etag = self.etag.trim_matches('"');
        (is_md5(etag) && !self.head.encryption.is_kms()).then_some(etag)
    }
}

/// Whether an ETag, without its quotes, looks like an MD5 sum.
pub(super) fn is_md5(etag: &str) -> bool {
    etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

async fn tags(task: &TaskGate, copy: &CopyObject) -> Result<Vec<Tag>, StoreError> {
    if copy.tagging_directive == Some(Directive::Replace) {
        return Ok(copy.tags.clone());
    }
    let mut request = GetObjectTagging::new(copy.source.clone());
    request.requester_pays = copy.requester_pays;
    let answer = task.send_one(request.into()).await.map_err(|error| error.of("GetObjectTagging"))?;
    Ok(answer.tags)
}
