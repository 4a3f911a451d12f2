//! Values of the contract's interface `s3` and those of the store crate.

use longshore_store::{Grant, StoreError, Tag};

use crate::bindings::longshore::operation::s3;

impl From<s3::Tag> for Tag {
    fn from(tag: s3::Tag) -> Self {
        Self { key: tag.key, value: tag.value }
    }
}

/// What a tag costs the host, the space of the strings' own records included.
pub(crate) fn tag_bytes(tag: &s3::Tag) -> usize {
    size_of::<Tag>() + tag.key.len() + tag.value.len()
}

impl From<&Tag> for s3::Tag {
    fn from(tag: &Tag) -> Self {
        Self { key: tag.key.clone(), value: tag.value.clone() }
    }
}

impl From<&Grant> for s3::Grant {
    fn from(grant: &Grant) -> Self {
        Self {
            grantee_type: grant.grantee.type_name().to_owned(),
            grantee: grant.grantee.value().to_owned(),
            permission: grant.permission.as_str().to_owned(),
        }
    }
}

impl From<StoreError> for s3::StoreError {
    fn from(error: StoreError) -> Self {
        let StoreError { code, message, status, retryable, .. } = error;
        Self { code, message, http_status: status, retryable }
    }
}
