//! ListObjectsV2, ListObjects, ListObjectVersions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::lookup::{check_owner, owner, wire_etag, wire_time};
use super::{Answer, Protocol};
use crate::listing::{MAX_KEYS, Page, Query};
use crate::model::ListedVersion;
use crate::storage::{buckets, listings, versions as stored};

/// What `encoding-type=url` leaves as it is; a space becomes `+`.
const LITERAL: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// How keys are written in a listing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    pub(super) fn of(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self::Plain),
            Some("url") => Ok(Self::Url),
            Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
        }
    }

    pub(super) fn write(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Url => utf8_percent_encode(text, LITERAL).to_string().replace(' ', "+"),
        }
    }

    pub(super) fn prefixes(self, prefixes: &[String]) -> Vec<CommonPrefix> {
        prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(self.write(prefix)) }).collect()
    }

    fn objects(self, page: &Page<ListedVersion>, with_owner: bool) -> Vec<Object> {
        let object = |listed: &ListedVersion| Object {
            e_tag: Some(wire_etag(&listed.etag)),
            key: Some(self.write(&listed.key)),
            last_modified: Some(wire_time(listed.modified)),
            owner: with_owner.then(owner),
            size: i64::try_from(listed.size).ok(),
            storage_class: Some(ObjectStorageClass::from(listed.storage_class.clone())),
            ..Default::default()
        };
        page.items.iter().map(object).collect()
    }
}

/// The page size asked for, at most [`MAX_KEYS`].
fn max_keys(asked: Option<i32>) -> S3Result<i32> {
    match asked {
        None => Ok(MAX_KEYS),
        Some(count) if count >= 0 => Ok(count.min(MAX_KEYS)),
        Some(_) => {
            Err(s3_error!(InvalidArgument, "Argument maxKeys must be an integer between 0 and 2147483647"))
        }
    }
}

fn query(prefix: Option<&str>, delimiter: Option<&str>, after: Option<String>, max_keys: i32) -> Query {
    Query {
        prefix: prefix.unwrap_or_default().to_owned(),
        delimiter: delimiter.filter(|delimiter| !delimiter.is_empty()).map(str::to_owned),
        after: after.filter(|after| !after.is_empty()),
        max_keys: usize::try_from(max_keys).unwrap_or_default(),
    }
}

fn current(protocol: &Protocol, bucket: &str, query: &Query) -> S3Result<Page<ListedVersion>> {
    let page = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, bucket)?;
        listings::current(connection, &bucket, query)
    })?;
    Ok(page)
}

pub(super) async fn v2(
    protocol: &Protocol,
    request: S3Request<ListObjectsV2Input>,
) -> Answer<ListObjectsV2Output> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max_keys = max_keys(input.max_keys)?;
    let after = match &input.continuation_token {
        Some(token) => Some(decode_token(token)?),
        None => input.start_after.clone(),
    };
    let query = query(input.prefix.as_deref(), input.delimiter.as_deref(), after, max_keys);
    let page = current(protocol, &input.bucket, &query)?;
    let objects = encoding.objects(&page, input.fetch_owner.unwrap_or(false));
    let prefixes = encoding.prefixes(&page.prefixes);
    Ok(S3Response::new(ListObjectsV2Output {
        common_prefixes: Some(prefixes),
        contents: Some(objects),
        continuation_token: input.continuation_token,
        delimiter: query.delimiter.as_deref().map(|delimiter| encoding.write(delimiter)),
        encoding_type: input.encoding_type,
        is_truncated: Some(page.truncated),
        key_count: i32::try_from(page.items.len() + page.prefixes.len()).ok(),
        max_keys: Some(max_keys),
        name: Some(input.bucket),
        next_continuation_token: page
            .last
            .filter(|_| page.truncated)
            .map(|last| URL_SAFE_NO_PAD.encode(last)),
        prefix: Some(encoding.write(&query.prefix)),
        start_after: input.start_after.map(|start| encoding.write(&start)),
        ..Default::default()
    }))
}

fn decode_token(token: &str) -> S3Result<String> {
    let incorrect = || s3_error!(InvalidArgument, "The continuation token provided is incorrect");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| incorrect())?;
    String::from_utf8(bytes).map_err(|_| incorrect())
}

pub(super) async fn v1(
    protocol: &Protocol,
    request: S3Request<ListObjectsInput>,
) -> Answer<ListObjectsOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max_keys = max_keys(input.max_keys)?;
    let query = query(input.prefix.as_deref(), input.delimiter.as_deref(), input.marker.clone(), max_keys);
    let page = current(protocol, &input.bucket, &query)?;
    let objects = encoding.objects(&page, true);
    let prefixes = encoding.prefixes(&page.prefixes);
    // S3 gives NextMarker only with a delimiter; without one, the last key is the marker.
    let next = page.last.filter(|_| page.truncated && query.delimiter.is_some());
    Ok(S3Response::new(ListObjectsOutput {
        common_prefixes: Some(prefixes),
        contents: Some(objects),
        delimiter: query.delimiter.as_deref().map(|delimiter| encoding.write(delimiter)),
        encoding_type: input.encoding_type,
        is_truncated: Some(page.truncated),
        marker: Some(encoding.write(input.marker.as_deref().unwrap_or_default())),
        max_keys: Some(max_keys),
        name: Some(input.bucket),
        next_marker: next.map(|last| encoding.write(&last)),
        prefix: Some(encoding.write(&query.prefix)),
        ..Default::default()
    }))
}

pub(super) async fn versions(
    protocol: &Protocol,
    request: S3Request<ListObjectVersionsInput>,
) -> Answer<ListObjectVersionsOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max_keys = max_keys(input.max_keys)?;
    let version_marker = input.version_id_marker.as_deref().filter(|marker| !marker.is_empty());
    let key_marker = input.key_marker.as_deref().filter(|marker| !marker.is_empty());
    if version_marker.is_some() && key_marker.is_none() {
        return Err(s3_error!(
            InvalidArgument,
            "A version-id marker cannot be specified without a key marker."
        ));
    }
    // With a version marker the key of the marker has versions left to show; without one it is done.
    let after = key_marker.filter(|_| version_marker.is_none()).map(str::to_owned);
    let query = query(input.prefix.as_deref(), input.delimiter.as_deref(), after, max_keys);
    let page = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        let resume = match (key_marker, version_marker) {
            (Some(key), Some(version)) => {
                // A marker that was deleted since (a client that empties the bucket page by page) no longer has a
                // place among the versions of its key, so what is left of the key is shown.
                let last = stored::find(connection, &bucket, key, Some(version))?;
                Some((key, last.map_or(i64::MAX, |last| last.id)))
            }
            _ => None,
        };
        listings::all(connection, &bucket, &query, resume)
    })?;
    let (markers, objects): (Vec<_>, Vec<_>) = page.items.iter().partition(|listed| listed.delete_marker);
    // The last entry is a version unless it is a common prefix.
    let last_version = page.items.last().filter(|listed| Some(&listed.key) == page.last.as_ref());
    let next_version = last_version.filter(|_| page.truncated).map(|listed| listed.version.clone());
    Ok(S3Response::new(ListObjectVersionsOutput {
        common_prefixes: Some(encoding.prefixes(&page.prefixes)),
        delete_markers: Some(markers.into_iter().map(|listed| marker_entry(encoding, listed)).collect()),
        delimiter: query.delimiter.as_deref().map(|delimiter| encoding.write(delimiter)),
        encoding_type: input.encoding_type.clone(),
        is_truncated: Some(page.truncated),
        key_marker: Some(encoding.write(input.key_marker.as_deref().unwrap_or_default())),
        max_keys: Some(max_keys),
        name: Some(input.bucket.clone()),
        next_key_marker: page.last.as_deref().filter(|_| page.truncated).map(|last| encoding.write(last)),
        next_version_id_marker: next_version,
        prefix: Some(encoding.write(&query.prefix)),
        version_id_marker: Some(input.version_id_marker.clone().unwrap_or_default()),
        versions: Some(objects.into_iter().map(|listed| version_entry(encoding, listed)).collect()),
        ..Default::default()
    }))
}

fn version_entry(encoding: Encoding, listed: &ListedVersion) -> ObjectVersion {
    ObjectVersion {
        e_tag: Some(wire_etag(&listed.etag)),
        is_latest: Some(listed.is_latest),
        key: Some(encoding.write(&listed.key)),
        last_modified: Some(wire_time(listed.modified)),
        owner: Some(owner()),
        size: i64::try_from(listed.size).ok(),
        storage_class: Some(ObjectVersionStorageClass::from(listed.storage_class.clone())),
        version_id: Some(listed.version.clone()),
        ..Default::default()
    }
}

fn marker_entry(encoding: Encoding, listed: &ListedVersion) -> DeleteMarkerEntry {
    DeleteMarkerEntry {
        is_latest: Some(listed.is_latest),
        key: Some(encoding.write(&listed.key)),
        last_modified: Some(wire_time(listed.modified)),
        owner: Some(owner()),
        version_id: Some(listed.version.clone()),
    }
}
