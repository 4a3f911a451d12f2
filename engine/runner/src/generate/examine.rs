//! Which entries of a page belong to the manifest: the filter is asked and, where that needs it, the store about single objects.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use longshore_job::ObjectId;
use longshore_job::filter::{Fact, ObjectFacts, Verdict};
use longshore_manifest::generate::ListedRow;
use longshore_store::StoreError;

use super::asker::Asker;
use super::page::Entry;
use super::{What, failure};
use crate::error::Halt;
use crate::facts::Details;

/// Objects of one page that are asked about at the same time (requests).
const EXAMINATIONS: usize = 16;

/// The entries that pass, in their order.
pub(super) async fn passing(asker: &Asker, what: &What, entries: Vec<Entry>) -> Result<Vec<ListedRow>, Halt> {
    let mut rows = Vec::new();
    let mut open = Vec::new();
    for entry in entries.into_iter().filter(|entry| entry.is_wanted(what)) {
        match ask(what, &entry, &Details::default())? {
            Verdict::Yes => rows.push((rows.len() + open.len(), entry.into_row())),
            Verdict::No => {}
            Verdict::Unknown(_) => open.push((rows.len() + open.len(), entry)),
        }
    }
    if open.is_empty() {
        return Ok(rows.into_iter().map(|(_, row)| row).collect());
    }
    let examined: Vec<(usize, Option<Entry>)> = stream::iter(open)
        .map(|(index, entry)| async move { Ok::<_, Halt>((index, examine(asker, what, entry).await?)) })
        .buffered(EXAMINATIONS)
        .try_collect()
        .await?;
    rows.extend(examined.into_iter().filter_map(|(index, entry)| Some((index, entry?.into_row()))));
    rows.sort_by_key(|(index, _)| *index);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Finds out about one object what the filter needs; `None` if it does not pass.
async fn examine(asker: &Asker, what: &What, entry: Entry) -> Result<Option<Entry>, Halt> {
    let mut details = Details::default();
    loop {
        let fact = match ask(what, &entry, &details)? {
            Verdict::Yes => return Ok(Some(entry)),
            Verdict::No => return Ok(None),
            Verdict::Unknown(fact) => fact,
        };
        let source = fact.source();
        let Some(request) = Details::request(source, entry.id(what)).filter(|_| !details.have(source)) else {
            return Err(untold(what, &entry, fact));
        };
        match asker.send(entry.id(what), request).await {
            Ok(answer) => details.learn(source, answer),
            // It was deleted since it was listed.
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(unexamined(what, &entry, fact, &error)),
        }
    }
}

fn ask(what: &What, entry: &Entry, details: &Details) -> Result<Verdict, Halt> {
    let of_object = !entry.is_delete_marker;
    let facts = ObjectFacts {
        key: &entry.key,
        size: of_object.then_some(entry.size),
        last_modified: entry.last_modified,
        etag: entry.etag.as_deref(),
        // Stores may leave out the usual one.
        storage_class: of_object.then(|| entry.storage_class.as_deref().unwrap_or("STANDARD")),
        is_latest: Some(entry.is_latest),
        ..ObjectFacts::default()
    };
    what.matcher.verdict(&details.beside(facts)).map_err(|error| failure(&error.to_string()).into())
}

fn is_gone(error: &StoreError) -> bool {
    matches!(error.code.as_str(), "NoSuchKey" | "NoSuchVersion") || error.status == Some(404)
}

fn untold(what: &What, entry: &Entry, fact: Fact) -> Halt {
    let bucket = &what.spec.bucket;
    failure(&format!(
        "the filter asks for {fact}, and the store does not tell {fact} of s3://{bucket}/{:?}: take the condition out of \"where\"",
        entry.key
    ))
    .into()
}

fn unexamined(what: &What, entry: &Entry, fact: Fact, error: &StoreError) -> Halt {
    let bucket = &what.spec.bucket;
    failure(&format!(
        "the filter asks for {fact}, but {} for s3://{bucket}/{:?} failed: {error}",
        fact.source().name(),
        entry.key
    ))
    .into()
}

impl Entry {
    fn id(&self, what: &What) -> ObjectId {
        ObjectId {
            bucket: what.spec.bucket.clone(),
            key: self.key.clone(),
            version_id: self.version_id.clone(),
        }
    }

    fn into_row(self) -> ListedRow {
        ListedRow {
            key: self.key,
            version_id: self.version_id,
            is_latest: self.is_latest,
            is_delete_marker: self.is_delete_marker,
            size: self.size,
            last_modified: self.last_modified.map(|time| time.as_millisecond()),
            etag: self.etag,
            storage_class: self.storage_class,
        }
    }
}
