//! A chunk spool in a bucket: what is written is read; what is lost, damaged or out of reach is told apart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use longshore_job::{ChunkExtent, Row};
use longshore_manifest::{CHUNK_ROWS, SPOOL_MAGIC, SpoolError, SpoolReader, SpoolWriter};
use longshore_store::testing::FakeStore;
use longshore_store::{ListPage, ListedObject, Request, Response, StoreError, code};

use super::segments::{SEGMENT_BYTES, Segments};

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// Keys in a page of a listing.
const PAGE: usize = 3;

/// A bucket in memory; requests whose name is `broken` get no answer.
fn bucket(objects: &Objects, broken: &'static str) -> Arc<FakeStore> {
    let objects = Arc::clone(objects);
    Arc::new(FakeStore::answering(move |request| {
        if request.name() == broken {
            return Err(StoreError::new(code::CONNECTION_ERROR, "nobody listens"));
        }
        answer(&mut objects.lock().unwrap(), request)
    }))
}

fn answer(objects: &mut BTreeMap<String, Bytes>, request: &Request) -> Result<Response, StoreError> {
    let mut response = Response { http_status: 200, ..Response::default() };
    match request {
        Request::PutObject(put) => {
            objects.insert(put.key.clone(), put.body.clone());
        }
        Request::GetObject(get) => {
            let found = objects.get(&get.object.key);
            let body = found.ok_or_else(|| StoreError::new("NoSuchKey", "gone").with_status(404))?;
            let range = get.range.unwrap();
            let (first, end) = (range.first as usize, (range.last.unwrap() as usize + 1).min(body.len()));
            if first >= body.len() {
                return Err(StoreError::new("InvalidRange", "it ends before").with_status(416));
            }
            response.body = body.slice(first..end);
        }
        Request::DeleteObject(delete) => {
            objects.remove(&delete.object.key);
        }
        Request::ListObjectsV2(list) => {
            let from = list.continuation_token.clone().unwrap_or_default();
            let prefix = list.prefix.clone().unwrap();
            let mut keys = objects.keys().filter(|key| key.starts_with(&prefix) && **key > from);
            let page: Vec<_> = keys.by_ref().take(PAGE).cloned().collect();
            let more = keys.next().is_some();
            response.list = Some(ListPage {
                next_continuation_token: more.then(|| page.last().unwrap().clone()),
                objects: page.into_iter().map(listed).collect(),
                common_prefixes: Vec::new(),
            });
        }
        other => panic!("{other:?}"),
    }
    Ok(response)
}

fn listed(key: String) -> ListedObject {
    ListedObject { key, etag: None, size: 0, storage_class: None, last_modified: None }
}

fn segments(store: Arc<FakeStore>, attempt: &str) -> Segments {
    let (bucket, prefix) = ("spools".to_owned(), "here/job/".to_owned());
    Segments { store, bucket, prefix, attempt: attempt.to_owned() }
}

/// Rows whose keys do not shrink.
fn rows(count: usize) -> Vec<Row> {
    let mut random = fastrand::Rng::with_seed(1);
    let key = |_| std::iter::repeat_with(|| random.alphanumeric()).take(24).collect();
    (0..count).map(key).map(|key| Row { bucket: "b".into(), key, ..Row::default() }).collect()
}

fn write(segments: Segments, rows: &[Row]) -> Result<Vec<ChunkExtent>, SpoolError> {
    let mut writer = SpoolWriter::keep_in(Box::new(segments.writer()))?;
    let mut extents = Vec::new();
    for row in rows {
        extents.extend(writer.push(row)?);
    }
    extents.extend(writer.flush()?);
    writer.finish()?;
    Ok(extents)
}

fn read(segments: Segments, extents: &[ChunkExtent]) -> Result<Vec<Row>, SpoolError> {
    let reader = SpoolReader::of(Box::new(segments.reader()));
    let mut rows = Vec::new();
    for extent in extents {
        rows.extend(reader.read(extent)?);
    }
    Ok(rows)
}

/// Runs what blocks where it may.
fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(async { tokio::task::spawn_blocking(work).await.unwrap() })
}

#[test]
fn rows_come_back_from_as_many_segments_as_they_fill() {
    blocking(|| {
        let objects = Objects::default();
        let store = bucket(&objects, "");
        let all = rows(20 * CHUNK_ROWS + 7);
        let extents = write(segments(Arc::clone(&store), "1"), &all).unwrap();
        assert_eq!(extents.len(), 21);
        {
            let objects = objects.lock().unwrap();
            assert!(objects.len() > 5, "{} segments", objects.len());
            assert!(
                objects.values().all(|bytes| bytes.len() <= SEGMENT_BYTES && bytes.starts_with(SPOOL_MAGIC))
            );
            let expected: Vec<_> = (0..objects.len()).map(|n| format!("here/job/1/{n:06}")).collect();
            assert!(objects.keys().eq(&expected), "{:?}", objects.keys());
        }
        assert_eq!(read(segments(Arc::clone(&store), "1"), &extents).unwrap(), all);
        let ranges = |request: &Request| matches!(request, Request::GetObject(get) if get.range.is_some());
        assert_eq!(store.requests().iter().filter(|request| ranges(request)).count(), extents.len());
    });
}

#[test]
fn each_segment_is_a_spool_file() {
    blocking(|| {
        let objects = Objects::default();
        let all = rows(4 * CHUNK_ROWS);
        let extents = write(segments(bucket(&objects, ""), "1"), &all).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &objects.lock().unwrap()["here/job/1/000000"]).unwrap();
        let rows = SpoolReader::open(file.path()).unwrap().read(&extents[0]).unwrap();
        assert_eq!(rows, all[..CHUNK_ROWS]);
    });
}

#[test]
fn all_segments_of_the_job_are_removed_and_no_others() {
    blocking(|| {
        let objects = Objects::default();
        let store = bucket(&objects, "");
        objects.lock().unwrap().insert("here/job2/1/000000".into(), Bytes::new());
        write(segments(Arc::clone(&store), "1"), &rows(9 * CHUNK_ROWS)).unwrap();
        write(segments(Arc::clone(&store), "2"), &rows(CHUNK_ROWS)).unwrap();
        let runtime = tokio::runtime::Handle::current();
        runtime.block_on(segments(Arc::clone(&store), "2").remove()).unwrap();
        assert!(objects.lock().unwrap().keys().eq(["here/job2/1/000000"]));
        runtime.block_on(segments(store, "2").remove()).unwrap();
        let gone = FakeStore::answering(|_| Err(StoreError::new("NoSuchBucket", "gone").with_status(404)));
        runtime.block_on(segments(Arc::new(gone), "2").remove()).unwrap();
    });
}

#[test]
fn what_is_lost_is_damage_at_its_place() {
    blocking(|| {
        let objects = Objects::default();
        let store = bucket(&objects, "");
        let extents = write(segments(Arc::clone(&store), "1"), &rows(8 * CHUNK_ROWS)).unwrap();
        let last = &extents[extents.len() - 1..];
        let damage = |change: &dyn Fn(&mut BTreeMap<String, Bytes>, &str)| {
            let whole = objects.lock().unwrap().clone();
            let key = whole.keys().next_back().unwrap().clone();
            change(&mut objects.lock().unwrap(), &key);
            let error = read(segments(Arc::clone(&store), "1"), last).unwrap_err();
            *objects.lock().unwrap() = whole;
            assert!(matches!(error, SpoolError::Damaged { .. }) && error.is_loss(), "{error}");
            error.to_string()
        };
        insta::assert_snapshot!("segment_gone", damage(&|objects, key| drop(objects.remove(key))));
        insta::assert_snapshot!(
            "segment_cut",
            damage(&|objects, key| {
                let cut = objects[key].slice(..SEGMENT_BYTES / 64);
                objects.insert(key.to_owned(), cut);
            })
        );
        insta::assert_snapshot!(
            "segment_changed",
            damage(&|objects, key| {
                let mut changed = objects[key].to_vec();
                *changed.last_mut().unwrap() ^= 1;
                objects.insert(key.to_owned(), changed.into());
            })
        );
    });
}

#[test]
fn a_bucket_out_of_reach_is_no_damage() {
    blocking(|| {
        let objects = Objects::default();
        let all = rows(8 * CHUNK_ROWS);
        let extents = write(segments(bucket(&objects, ""), "1"), &all).unwrap();
        let unavailable = |error: SpoolError| {
            assert!(matches!(error, SpoolError::Unavailable { .. }) && !error.is_loss(), "{error}");
            error.to_string()
        };
        let of = |broken| segments(bucket(&objects, broken), "1");
        let runtime = tokio::runtime::Handle::current();
        let messages = [
            unavailable(write(of("PutObject"), &all).unwrap_err()),
            unavailable(read(of("GetObject"), &extents).unwrap_err()),
            unavailable(runtime.block_on(of("ListObjectsV2").remove()).unwrap_err()),
            unavailable(runtime.block_on(of("DeleteObject").remove()).unwrap_err()),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    });
}

#[test]
fn no_segment_arrives_after_its_writer_is_gone() {
    blocking(|| {
        let objects = Objects::default();
        let store = bucket(&objects, "");
        let mut writer = SpoolWriter::keep_in(Box::new(segments(Arc::clone(&store), "1").writer())).unwrap();
        let mut sent = 0;
        for row in rows(20 * CHUNK_ROWS) {
            if let Some(extent) = writer.push(&row).unwrap() {
                sent = extent.offset / SEGMENT_BYTES as u64;
            }
        }
        drop(writer);
        assert_eq!(objects.lock().unwrap().len() as u64, sent);
    });
}
