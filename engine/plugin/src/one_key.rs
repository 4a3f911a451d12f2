//! Listings of exactly one key: S3 lists by prefix, and an operation is to see its own object.

use longshore_job::ObjectId;
use longshore_store::{ListMultipartUploads, ListObjectVersions, Request, Response, StoreError, code};

use crate::bindings::longshore::operation::s3;

/// The versions of a key, after one of them.
pub(crate) fn versions(object: ObjectId, after: Option<String>) -> ListObjectVersions {
    ListObjectVersions {
        bucket: object.bucket,
        key_marker: after.as_ref().map(|_| object.key.clone()),
        version_id_marker: after,
        prefix: Some(object.key),
        ..ListObjectVersions::default()
    }
}

/// The unfinished uploads of a key, after one of them.
pub(crate) fn uploads(object: ObjectId, after: Option<String>) -> ListMultipartUploads {
    ListMultipartUploads {
        bucket: object.bucket,
        key_marker: after.as_ref().map(|_| object.key.clone()),
        upload_id_marker: after,
        prefix: Some(object.key),
    }
}

/// The key that an answer is cut down to, if the request lists one.
pub(crate) struct OneKey(Option<String>);

impl OneKey {
    pub(crate) fn of(request: &Request) -> Self {
        match request {
            Request::ListObjectVersions(list) => Self(list.prefix.clone()),
            Request::ListMultipartUploads(list) => Self(list.prefix.clone()),
            _ => Self(None),
        }
    }

    /// The answer without the keys that only begin alike. These come later (S3 lists in the order of the keys' bytes), so
    /// a page that ends beyond the key is its last one.
    pub(crate) fn only(&self, mut answer: Response) -> Result<Response, StoreError> {
        let Some(key) = &self.0 else { return Ok(answer) };
        if let Some(page) = &mut answer.versions {
            page.versions.retain(|version| version.object.key == *key);
            page.next = next(key, page.next.take())?;
        }
        if let Some(page) = &mut answer.uploads {
            page.uploads.retain(|upload| upload.key == *key);
            page.next = next(key, page.next.take())?;
        }
        Ok(answer)
    }
}

fn next(
    key: &str,
    next: Option<(String, Option<String>)>,
) -> Result<Option<(String, Option<String>)>, StoreError> {
    match next {
        Some((place, None)) if place == key => {
            let message = "the store ended a page of a listing within a key and does not say where to go on";
            Err(StoreError::new(code::INVALID_RESPONSE, message))
        }
        next => Ok(next.filter(|(place, _)| place == key)),
    }
}

pub(crate) fn listed_versions(answer: &Response) -> Vec<s3::Version> {
    let versions = answer.versions.iter().flat_map(|page| &page.versions);
    versions
        .map(|version| s3::Version {
            version_id: version.version_id.clone(),
            is_latest: version.is_latest,
            is_delete_marker: version.is_delete_marker,
            last_modified: version.object.last_modified.map(|time| time.to_string()),
            size: version.object.size,
        })
        .collect()
}

pub(crate) fn listed_uploads(answer: &Response) -> Vec<s3::Upload> {
    let uploads = answer.uploads.iter().flat_map(|page| &page.uploads);
    uploads
        .map(|upload| s3::Upload {
            upload_id: upload.upload_id.clone(),
            initiated: upload.initiated.map(|time| time.to_string()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use longshore_store::{ListedUpload, UploadPage};

    use super::*;

    fn page(keys: &[&str], next: Option<(&str, Option<&str>)>) -> Response {
        let upload =
            |key: &&str| ListedUpload { key: (*key).to_owned(), upload_id: "u".to_owned(), initiated: None };
        let next = next.map(|(key, id)| (key.to_owned(), id.map(str::to_owned)));
        let uploads = Some(UploadPage { uploads: keys.iter().map(upload).collect(), next });
        Response { uploads, ..Response::default() }
    }

    #[test]
    fn keys_that_begin_alike_are_left_out() {
        let one = OneKey::of(&uploads(ObjectId::new("b", "k"), Some("u".to_owned())).into());
        let only = |keys: &[&str], next| one.only(page(keys, next)).map(|answer| answer.uploads.unwrap());
        let cut = only(&["k", "k/more"], Some(("k/more", Some("u")))).unwrap();
        assert_eq!((cut.uploads.len(), cut.next), (1, None));
        let whole = only(&["k", "k"], Some(("k", Some("u")))).unwrap();
        assert_eq!((whole.uploads.len(), whole.next.and_then(|next| next.1)), (2, Some("u".to_owned())));
        let lost = only(&["k"], Some(("k", None))).unwrap_err();
        assert_eq!(lost.code, "InvalidResponse");
    }
}
