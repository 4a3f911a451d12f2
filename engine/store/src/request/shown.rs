//! A request on one line, with the words that the SDK's fake store has for it: `PutObjectTagging s3://b/k tag=team=a`.

use std::fmt;

use super::{
    AclHeaders, AnnotationDirective, ContentHeaders, CopyObject, CreateMultipartUpload, Directive,
    Encryption, ObjectLock, PutObject, Request, Tag,
};

/// Names and values, in a fixed order; what is not sent is not there.
#[derive(Default)]
struct Settings(Vec<(&'static str, String)>);

impl Settings {
    fn put(&mut self, name: &'static str, value: Option<impl ToString>) {
        self.0.extend(value.map(|value| (name, value.to_string())));
    }

    fn flag(&mut self, name: &'static str, set: bool) {
        self.put(name, set.then_some(true));
    }

    fn content(&mut self, content: &ContentHeaders) {
        self.put("content-type", content.content_type.as_ref());
        self.put("cache-control", content.cache_control.as_ref());
        self.put("content-disposition", content.content_disposition.as_ref());
        self.put("content-encoding", content.content_encoding.as_ref());
        self.put("content-language", content.content_language.as_ref());
        self.put("expires", content.expires);
    }

    fn metadata<'m>(&mut self, entries: impl IntoIterator<Item = (&'m String, &'m String)>) {
        for (name, value) in entries {
            self.put("metadata", Some(format!("{name}={value}")));
        }
    }

    fn tags(&mut self, tags: &[Tag]) {
        for tag in tags {
            self.put("tag", Some(format!("{}={}", tag.key, tag.value)));
        }
    }

    fn acl(&mut self, acl: &AclHeaders) {
        self.put("canned-acl", acl.canned.as_ref());
        for grant in &acl.grants {
            let (kind, who) = (grant.grantee.type_name(), grant.grantee.value());
            self.put("grant", Some(format!("{kind}:{who}={}", grant.permission.as_str())));
        }
    }

    fn encryption(&mut self, encryption: &Encryption) {
        self.put("sse", encryption.algorithm.as_ref());
        self.put("kms-key-id", encryption.kms_key_id.as_ref());
        self.put("bucket-key", encryption.bucket_key_enabled);
    }

    fn lock(&mut self, lock: &ObjectLock) {
        let retention = lock.retention.as_ref();
        self.put("lock", retention.map(|it| format!("{}:{}", it.mode, it.retain_until)));
        self.put("legal-hold", lock.legal_hold.map(|on| if on { "ON" } else { "OFF" }));
        self.put("event-hold", lock.event_hold.as_ref());
    }

    fn write(&mut self, put: &PutObject) {
        self.put("bytes", Some(put.body.len()));
        self.put("if-match", put.if_match.as_ref());
        self.put("if-none-match", put.if_none_match.as_ref());
        self.content(&put.content);
        self.metadata(&put.user_metadata);
        self.tags(&put.tags);
        self.acl(&put.acl);
        self.put("storage-class", put.storage_class.as_ref());
        self.encryption(&put.encryption);
        self.put("checksum-algorithm", put.checksum_algorithm.as_ref());
        self.put("website-redirect", put.website_redirect_location.as_ref());
        self.lock(&put.lock);
    }

    fn create(&mut self, create: &CreateMultipartUpload) {
        self.content(&create.content);
        self.metadata(&create.user_metadata);
        self.tags(&create.tags);
        self.acl(&create.acl);
        self.put("storage-class", create.storage_class.as_ref());
        self.encryption(&create.encryption);
        self.put("checksum-algorithm", create.checksum_algorithm.as_ref());
        self.put("website-redirect", create.website_redirect_location.as_ref());
        self.lock(&create.lock);
    }

    fn copy(&mut self, copy: &CopyObject) {
        self.put("to", Some(format!("s3://{}/{}", copy.bucket, copy.key)));
        self.put("store", copy.transfer.target_store.as_ref());
        self.put("source-if-match", copy.copy_source_if_match.as_ref());
        self.put("source-if-modified-since", copy.copy_source_if_modified_since);
        self.put("source-if-unmodified-since", copy.copy_source_if_unmodified_since);
        self.put("if-none-match", copy.if_none_match.as_ref());
        self.put("metadata-directive", copy.metadata_directive.map(Directive::as_str));
        self.content(&copy.content);
        self.metadata(&copy.user_metadata);
        self.put("tagging-directive", copy.tagging_directive.map(Directive::as_str));
        self.put("annotation-directive", copy.annotation_directive.map(AnnotationDirective::as_str));
        self.tags(&copy.tags);
        self.acl(&copy.acl);
        self.put("storage-class", copy.storage_class.as_ref());
        self.encryption(&copy.encryption);
        self.put("checksum-algorithm", copy.checksum_algorithm.as_ref());
        self.put("website-redirect", copy.website_redirect_location.as_ref());
        self.lock(&copy.lock);
        self.flag("requester-pays", copy.requester_pays);
        self.put("multipart-threshold", copy.transfer.multipart_threshold);
        self.put("part-size", copy.transfer.part_size);
    }
}

impl Request {
    /// What is set, beside the object: names and values, in a fixed order. The bytes of a body are a number.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = Settings::default();
        match self {
            Self::PutObject(put) => settings.write(put),
            Self::CopyObject(copy) => settings.copy(copy),
            Self::CreateMultipartUpload(create) => settings.create(create),
            Self::PutObjectTagging(put) => settings.tags(&put.tags),
            Self::PutObjectAcl(put) => {
                settings.acl(&put.acl);
                settings.put("owner", put.owner.as_ref());
            }
            Self::PutObjectLegalHold(put) => {
                settings.put("legal-hold", Some(if put.on { "ON" } else { "OFF" }))
            }
            Self::PutObjectRetention(put) => {
                settings.lock(&ObjectLock {
                    retention: put.retention.clone(),
                    event_hold: put.event_hold.clone(),
                    ..ObjectLock::default()
                });
                settings.flag("bypass-governance", put.bypass_governance);
            }
            Self::UploadPart(part) => {
                settings.put("upload-id", Some(&part.upload.id));
                settings.put("part-number", Some(part.number));
                settings.put("bytes", Some(part.body.size()));
            }
            Self::CompleteMultipartUpload(complete) => {
                settings.put("upload-id", Some(&complete.upload.id));
                settings.put("if-match", complete.if_match.as_ref());
                settings.put("if-none-match", complete.if_none_match.as_ref());
            }
            Self::AbortMultipartUpload(abort) => settings.put("upload-id", Some(&abort.upload_id)),
            Self::InvokeEndpoint(call) => {
                settings.put("endpoint", Some(&call.endpoint));
                settings.put("body", Some(String::from_utf8_lossy(&call.body)));
            }
            other => settings.read(other),
        }
        settings.0
    }
}

impl Settings {
    /// Of what reads, deletes and lists.
    fn read(&mut self, request: &Request) {
        match request {
            Request::HeadObject(head) => {
                self.put("if-match", head.if_match.as_ref());
                self.put("if-none-match", head.if_none_match.as_ref());
                self.flag("checksums", head.checksums);
                self.put("part-number", head.part_number);
                self.flag("requester-pays", head.requester_pays);
            }
            Request::GetObject(get) => {
                let last = |last: Option<u64>| last.map(|last| last.to_string()).unwrap_or_default();
                self.put("range", get.range.map(|range| format!("{}-{}", range.first, last(range.last))));
                self.put("if-match", get.if_match.as_ref());
                self.put("if-none-match", get.if_none_match.as_ref());
                self.flag("requester-pays", get.requester_pays);
            }
            Request::DigestObject(digest) => {
                self.put("checksum", Some(digest.algorithm.name()));
                self.put("composite", digest.part_size);
                self.put("if-match", digest.if_match.as_ref());
            }
            Request::GetObjectTagging(get) => self.flag("requester-pays", get.requester_pays),
            Request::DeleteObject(delete) => {
                self.put("if-match", delete.if_match.as_ref());
                self.flag("bypass-governance", delete.bypass_governance);
            }
            Request::RestoreObject(restore) => {
                self.put("days", restore.days);
                self.put("tier", restore.tier.as_ref());
            }
            Request::UpdateObjectEncryption(update) => {
                self.put("kms-key-id", Some(&update.kms_key_arn));
                self.put("bucket-key", update.bucket_key_enabled);
            }
            Request::ListObjectVersions(list) => self.put("after", list.version_id_marker.as_ref()),
            Request::ListMultipartUploads(list) => self.put("after", list.upload_id_marker.as_ref()),
            _ => {}
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match (self.source().cloned().or_else(|| self.object()), self.bucket()) {
            (Some(object), _) => {
                write!(f, " s3://{}/{}", object.bucket, object.key)?;
                if let Some(version) = &object.version_id {
                    write!(f, "?versionId={version}")?;
                }
            }
            (None, Some(bucket)) => write!(f, " s3://{bucket}")?,
            (None, None) => {}
        }
        self.settings().iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use longshore_job::ObjectId;

    use crate::request::*;

    #[test]
    fn one_line_says_what_is_sent() {
        let object = || ObjectId { version_id: Some("v1".to_owned()), ..ObjectId::new("b", "a key") };
        let mut get = GetObject::new(object());
        (get.range, get.if_match) = (Some(ByteRange { first: 0, last: Some(9) }), Some("\"e\"".to_owned()));
        let mut put = PutObject::new("b", "k", bytes::Bytes::from_static(b"four"));
        put.content.content_type = Some("text/csv".to_owned());
        put.tags = vec![Tag::new("a", "1"), Tag::new("b", "2")];
        let mut copy = CopyObject::new(object(), "other", "k");
        copy.tagging_directive = Some(Directive::Replace);
        let lines =
            [Request::from(get), put.into(), copy.into(), HeadBucket { bucket: "b".to_owned() }.into()];
        assert_eq!(
            lines.map(|request| request.to_string()),
            [
                "GetObject s3://b/a key?versionId=v1 range=0-9 if-match=\"e\"",
                "PutObject s3://b/k bytes=4 content-type=text/csv tag=a=1 tag=b=2",
                "CopyObject s3://b/a key?versionId=v1 to=s3://other/k tagging-directive=REPLACE",
                "HeadBucket s3://b",
            ]
        );
    }
}
