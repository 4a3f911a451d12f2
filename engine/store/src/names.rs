//! The names in a request, as others than this crate may read them.

use longshore_job::object::{bad_bucket_name, bad_key, cleaned_key, object_arn};

use crate::access::Access;
use crate::error::{StoreError, code};
use crate::request::Request;

/// Characters of a bad name in a message: enough to know it by. It may be longer than any name is.
const MOST_SHOWN: usize = 64;

/// Whether every name in the request is one on any store.
pub(crate) fn check(request: &Request) -> Result<(), StoreError> {
    let buckets = request.buckets().filter_map(|name| Some(("bucket name", name, bad_bucket_name(name)?)));
    let keys = request.keys().filter_map(|key| Some(("key", key, bad_key(key)?)));
    match buckets.chain(keys).next() {
        Some((what, name, why)) => {
            let message = format!("{} is no {what}: {why}", shown(name));
            Err(StoreError::new(code::INVALID_REQUEST, message))
        }
        None => Ok(()),
    }
}

/// The beginning of a name, in quotes.
pub(crate) fn shown(name: &str) -> String {
    match name.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{:?}…", name.get(..end).unwrap_or_default()),
        None => format!("{name:?}"),
    }
}

/// The accesses, and those that they are on a store that keeps objects as files and cleans paths: there `a/../b` and `b` are
/// the same object, so a role needs permission for both.
pub(crate) fn with_cleaned(accesses: Vec<Access>) -> Vec<Access> {
    let mut all = Vec::with_capacity(accesses.len());
    for access in accesses {
        let cleaned = cleaned(&access);
        all.push(access);
        all.extend(cleaned);
    }
    all
}

fn cleaned(access: &Access) -> Option<Access> {
    let (bucket, key) = access.resource.strip_prefix("arn:aws:s3:::")?.split_once('/')?;
    let resource = object_arn(bucket, &cleaned_key(key)?);
    Some(Access { resource, ..access.clone() })
}
