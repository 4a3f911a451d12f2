//! One page of a listing, of objects or of versions.

use jiff::Timestamp;
use longshore_job::spec::Versions;
use longshore_manifest::generate::Position;
use longshore_store::{ListObjectVersions, ListObjectsV2, ListedObject, StoreError, code};

use super::asker::Asker;
use super::lister::unordered;
use super::{What, failure};
use crate::error::Halt;

/// Entries of a page: the most that S3 gives.
const PAGE: u32 = 1000;

/// Pages without entries that may follow each other (requests) before the store is taken not to get anywhere.
const EMPTY_PAGES: usize = 100;

/// Entries of a listing, in order.
pub(super) struct Batch {
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` at the end of the prefix.
    pub next: Option<Position>,
}

/// An object, version or delete marker, as a listing shows it.
pub(super) struct Entry {
    pub key: String,
    pub version_id: Option<String>,
    pub is_latest: bool,
    pub is_delete_marker: bool,
    /// How many newer versions of the key there are, delete markers not counted.
    pub newer: u32,
    pub size: u64,
    pub etag: Option<String>,
    pub storage_class: Option<String>,
    pub last_modified: Option<Timestamp>,
}

/// The page after `from`.
pub(super) async fn fetch(asker: &Asker, what: &What, prefix: &str, from: &Position) -> Result<Batch, Halt> {
    let batch = if what.lists_versions() {
        versions(asker, what, prefix, from).await
    } else {
        objects(asker, what, prefix, from).await
    };
    let batch = batch.map_err(|error| refused(what, prefix, &error))?;
    check_order(&what.spec.bucket, from, &batch)?;
    Ok(batch)
}

async fn objects(asker: &Asker, what: &What, prefix: &str, from: &Position) -> Result<Batch, StoreError> {
    let mut request = ListObjectsV2 {
        bucket: what.spec.bucket.clone(),
        prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
        start_after: from.key.clone(),
        max_keys: Some(PAGE),
        expected_bucket_owner: what.spec.expected_bucket_owner.clone(),
        ..ListObjectsV2::default()
    };
    for _ in 0..EMPTY_PAGES {
        let page = asker.send(what.bucket(), request.clone()).await?.list.unwrap_or_default();
        let token = page.next_continuation_token;
        match page.objects.last() {
            // A page may be empty and not the last.
            None if token.is_some() => request.continuation_token = token,
            last => {
                let next = last.filter(|_| token.is_some()).map(|last| Position::after(last.key.clone()));
                return Ok(Batch { entries: page.objects.into_iter().map(Entry::object).collect(), next });
            }
        }
    }
    Err(StoreError::new(code::INVALID_RESPONSE, format!("{EMPTY_PAGES} pages of the listing were empty")))
}

async fn versions(asker: &Asker, what: &What, prefix: &str, from: &Position) -> Result<Batch, StoreError> {
    let mut request = ListObjectVersions {
        bucket: what.spec.bucket.clone(),
        prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
        key_marker: from.key.clone(),
        version_id_marker: from.version_id.clone(),
        max_keys: Some(PAGE),
        expected_bucket_owner: what.spec.expected_bucket_owner.clone(),
    };
    for _ in 0..EMPTY_PAGES {
        let page = asker.send(what.bucket(), request.clone()).await?.versions.unwrap_or_default();
        if let (true, Some((key, version))) = (page.versions.is_empty(), &page.next) {
            request.key_marker = Some(key.clone());
            request.version_id_marker.clone_from(version);
            continue;
        }
        let mut seen = Seen::at(from);
        let entries: Vec<Entry> = page
            .versions
            .into_iter()
            .map(|version| {
                let newer = seen.count(&version.object.key, version.is_delete_marker);
                Entry {
                    version_id: Some(version.version_id),
                    is_latest: version.is_latest,
                    is_delete_marker: version.is_delete_marker,
                    newer,
                    ..Entry::object(version.object)
                }
            })
            .collect();
        let next = page.next.map(|(key, version_id)| Position {
            seen: if version_id.is_some() && seen.key.as_ref() == Some(&key) { seen.versions } else { 0 },
            version_id,
            key: Some(key),
        });
        return Ok(Batch { entries, next });
    }
    Err(StoreError::new(code::INVALID_RESPONSE, format!("{EMPTY_PAGES} pages of the listing were empty")))
}

/// Counts the versions of one key, across pages.
struct Seen {
    key: Option<String>,
    versions: u32,
}

impl Seen {
    fn at(from: &Position) -> Self {
        let key = from.key.clone().filter(|_| from.version_id.is_some());
        Self { key, versions: from.seen }
    }

    /// How many versions of `key` came before this one.
    fn count(&mut self, key: &str, is_delete_marker: bool) -> u32 {
        if self.key.as_deref() != Some(key) {
            *self = Self { key: Some(key.to_owned()), versions: 0 };
        }
        let newer = self.versions;
        self.versions += u32::from(!is_delete_marker);
        newer
    }
}

impl Entry {
    fn object(object: ListedObject) -> Self {
        let ListedObject { key, etag, size, storage_class, last_modified } = object;
        Self {
            key,
            version_id: None,
            is_latest: true,
            is_delete_marker: false,
            newer: 0,
            size,
            etag: etag.map(|etag| etag.trim_matches('"').to_owned()),
            storage_class,
            last_modified,
        }
    }

    /// Whether the manifest takes such an entry, before the filter is asked.
    pub(super) fn is_wanted(&self, what: &What) -> bool {
        let kind = match what.spec.versions {
            Versions::Current => true,
            Versions::All => !self.is_delete_marker,
            Versions::Noncurrent => !self.is_delete_marker && !self.is_latest,
            Versions::DeleteMarkers => self.is_delete_marker,
        };
        kind && what.spec.keep_newest.is_none_or(|keep| self.newer >= keep)
    }
}

/// Dividing a listing relies on its order.
fn check_order(bucket: &str, from: &Position, batch: &Batch) -> Result<(), Halt> {
    let inside = from.version_id.is_some();
    let mut last = from.key.as_deref();
    let mut may_repeat = inside;
    for entry in &batch.entries {
        if let Some(after) = last
            && (entry.key.as_str() < after || (entry.key == after && !may_repeat))
        {
            return Err(unordered(bucket, &entry.key, after));
        }
        // The versions of a key follow each other.
        may_repeat = entry.version_id.is_some();
        last = Some(&entry.key);
    }
    match &batch.next {
        Some(next) if next.key.as_deref() < from.key.as_deref() || next == from => Err(unordered(
            bucket,
            next.key.as_deref().unwrap_or_default(),
            from.key.as_deref().unwrap_or_default(),
        )),
        _ => Ok(()),
    }
}

fn refused(what: &What, prefix: &str, error: &StoreError) -> Halt {
    let bucket = &what.spec.bucket;
    let action = if what.lists_versions() { "s3:ListBucketVersions" } else { "s3:ListBucket" };
    let help = match error.code.as_str() {
        code::ACCESS_DENIED => format!("; the role and the store must allow {action} on the bucket"),
        _ => String::new(),
    };
    failure(&format!("listing s3://{bucket}/{prefix} failed: {error}{help}")).into()
}
