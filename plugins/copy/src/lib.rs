//! The built-in operation `copy`: copies each object to a bucket (CopyObject), at most 5 GB each.

mod parameters;

use longshore_sdk::{CopyObject, Failure, Grant, Object, Operation, Outcome, Request, Task};

pub use parameters::{
    Algorithm, Encryption, Metadata, MetadataDirective, Parameters, StorageClass, TagDirective, Tags,
};

/// Bytes of an object key (Amazon S3 User Guide, "Naming Amazon S3 objects").
const MAX_KEY_BYTES: usize = 1024;

/// The operation.
#[derive(Debug)]
pub struct Copy {
    parameters: Parameters,
    grants: Vec<Grant>,
}

impl Copy {
    /// Where an object goes: the prefix is a folder, so there is a `/` between it and the key.
    fn target_key(&self, key: &str) -> String {
        match self.parameters.target_prefix.as_deref() {
            None | Some("") => key.to_owned(),
            Some(prefix) if prefix.ends_with('/') => format!("{prefix}{key}"),
            Some(prefix) => format!("{prefix}/{key}"),
        }
    }

    fn request(&self, object: &Object) -> CopyObject {
        let parameters = &self.parameters;
        let mut copy = object
            .copy_to(&parameters.target_bucket, &self.target_key(&object.key()))
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
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        parameters.check()?;
        let grants = parameters.grants.iter().map(Grant::from).collect();
        Ok(Self { parameters, grants })
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![self.request(object).planned()]
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        let bytes = self.target_key(&object.key()).len();
        if bytes > MAX_KEY_BYTES {
            // The code that S3 would answer with, without the request.
            let message =
                format!("with its prefix the target key has {bytes} bytes; S3 allows {MAX_KEY_BYTES}");
            return Err(Failure::new("KeyTooLongError", message).with_status(400));
        }
        self.request(object).send()?;
        Ok(Outcome::done())
    }
}

longshore_sdk::export!(Copy);

#[cfg(test)]
mod tests;
