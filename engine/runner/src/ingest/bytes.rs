//! The bytes of one file or object of a list, pinned when reading starts and looked at again when it ends.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use longshore_job::ObjectId;
use longshore_job::spec::{Location, Origin};
use longshore_manifest::{Md5Reader, Md5Sum};
use longshore_store::{
    ByteRange, Certainty, GetObject, HeadObject, Request, Response, Store as _, StoreError,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::Access;
use crate::error::JobFailure;
use crate::resolve::RoleOnStore;

/// How much of an object is asked for at once, in bytes. Two such ranges are in memory: one that is read and the next.
const RANGE_BYTES: u64 = 8 * 1024 * 1024;

/// How much of a local file is read at once, in bytes.
const READ_BYTES: usize = 256 * 1024;

/// A file or object that is being read.
pub(crate) struct Content {
    pub reader: Box<dyn Read + Send>,
    pub pin: Pin,
}

/// What a file was when reading started.
pub(crate) struct Pin {
    name: String,
    what: Pinned,
    md5: Md5Sum,
}

enum Pinned {
    Stdin,
    File { path: PathBuf, mark: Mark },
    Object { object: ObjectId, etag: String },
}

/// What of a file changes when somebody writes to it or puts another in its place.
#[derive(PartialEq, Eq)]
struct Mark {
    length: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Mark {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self { length: metadata.len(), modified: metadata.modified().ok(), inode }
    }
}

/// Opens the list at `origin`. `etag` is that which an object must have; `sum` says whether the MD5 is asked for later;
/// a witness always does.
pub(crate) fn open(
    origin: &Origin,
    version_id: Option<&str>,
    etag: Option<&str>,
    sum: bool,
    access: &Access,
) -> Result<Content, JobFailure> {
    let sum = sum || access.witness.is_some();
    match origin {
        Origin::Stdin => match &access.stdin {
            Some(taken) => {
                let whole = Cursor::new(Arc::clone(taken)).chain(io::stdin());
                Ok(content("standard input".to_owned(), Pinned::Stdin, sum, whole))
            }
            None => Err(JobFailure::new(
                "ManifestNotReadable",
                "the list came from the standard input of a process that is gone; submit the job again with 'longshore run'",
            )),
        },
        Origin::At(Location::Local(path)) => file(Path::new(path), sum),
        Origin::At(Location::S3 { bucket, key }) => {
            let version_id = version_id.map(str::to_owned);
            object(ObjectId { bucket: bucket.clone(), key: key.clone(), version_id }, etag, sum, access)
        }
    }
}

fn content(name: String, what: Pinned, sum: bool, reader: impl Read + Send + 'static) -> Content {
    let reader = if sum { Md5Reader::new(reader) } else { Md5Reader::counting(reader) };
    let pin = Pin { name, what, md5: reader.sum() };
    Content { reader: Box::new(reader), pin }
}

/// Opens a local file.
fn file(path: &Path, sum: bool) -> Result<Content, JobFailure> {
    let opened = File::open(path).and_then(|file| Ok((Mark::of(&file.metadata()?), file)));
    let (mark, file) = opened.map_err(|error| unreadable(&path.display().to_string(), &error))?;
    let what = Pinned::File { path: path.to_owned(), mark };
    Ok(content(path.display().to_string(), what, sum, BufReader::with_capacity(READ_BYTES, file)))
}

/// Opens an object, whose ETag must be `expected`.
fn object(
    object: ObjectId,
    expected: Option<&str>,
    sum: bool,
    access: &Access,
) -> Result<Content, JobFailure> {
    let name = format!("s3://{}/{}", object.bucket, object.key);
    let role = access.role()?;
    let head = allowed(&object, role, access).and_then(|()| head(&object, role, access));
    let head = head.map_err(|error| refused(&name, &error))?;
    let etag = head.etag.unwrap_or_default();
    if let Some(expected) = expected.filter(|expected| unquoted(expected) != unquoted(&etag)) {
        let reason = format!(
            "{name}: the job file says the manifest's ETag is {expected}, but it is {}; \
             the list changed since the job was written: check it, then correct or remove manifest.etag",
            unquoted(&etag)
        );
        return Err(JobFailure::new("ManifestETagMismatch", reason));
    }
    let ranges = Ranges {
        role: role.clone(),
        runtime: access.runtime.clone(),
        object: object.clone(),
        etag: etag.clone(),
        size: head.size.unwrap_or(0),
        asked: 0,
        current: Bytes::new(),
        next: None,
    };
    Ok(content(name, Pinned::Object { object, etag }, sum, ranges))
}

/// Whether the role may read the object. Asked once, for all its ranges.
fn allowed(object: &ObjectId, role: &RoleOnStore, access: &Access) -> Result<(), StoreError> {
    let request = Request::GetObject(GetObject::new(object.clone()));
    let task = role.gate.task(object.clone());
    access.runtime.block_on(task.check(&request, Certainty::Exact))
}

fn head(object: &ObjectId, role: &RoleOnStore, access: &Access) -> Result<Response, StoreError> {
    let request = Request::HeadObject(HeadObject::new(object.clone()));
    access.runtime.block_on(role.store.send(&request))
}

fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}

fn refused(name: &str, error: &StoreError) -> JobFailure {
    JobFailure::new("ManifestNotReadable", format!("reading the manifest {name} failed: {error}"))
}

fn unreadable(name: &str, error: &io::Error) -> JobFailure {
    JobFailure::new("ManifestNotReadable", format!("{name}: cannot read the manifest: {error}"))
}

impl Pin {
    /// As messages name the file.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The ETag that a job file may demand: of an object the store's own, else the MD5 of what was read.
    pub(crate) fn etag(&self) -> String {
        match &self.what {
            Pinned::Object { etag, .. } => unquoted(etag).to_owned(),
            Pinned::Stdin | Pinned::File { .. } => self.md5(),
        }
    }

    /// The MD5 of what was read so far, in hex; empty if it was not asked for.
    pub(crate) fn md5(&self) -> String {
        self.md5.hex().unwrap_or_default()
    }

    /// How many bytes were read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.md5.bytes()
    }

    /// Whether the file is still what it was when reading started.
    pub(crate) fn check(&self, access: &Access) -> Result<(), JobFailure> {
        let changed = match &self.what {
            Pinned::Stdin => false,
            Pinned::File { path, mark } => {
                let metadata = std::fs::metadata(path).map_err(|error| unreadable(&self.name, &error))?;
                Mark::of(&metadata) != *mark
            }
            Pinned::Object { object, etag } => {
                let head =
                    head(object, access.role()?, access).map_err(|error| refused(&self.name, &error))?;
                unquoted(head.etag.as_deref().unwrap_or_default()) != unquoted(etag)
            }
        };
        if changed { Err(self.changed()) } else { Ok(()) }
    }

    fn changed(&self) -> JobFailure {
        let reason = format!("{}: the list changed while it was read; submit the job again", self.name);
        JobFailure::new("ManifestChanged", reason)
    }

    /// What an error of the reader means: an object that has changed is another matter than one that cannot be read.
    pub(crate) fn broken(&self, error: &io::Error) -> Option<JobFailure> {
        let store = error.get_ref()?.downcast_ref::<StoreError>()?;
        Some(if store.status == Some(412) { self.changed() } else { refused(&self.name, store) })
    }
}

/// An object, range by range: each is sent with the store's retries, and only if the object is still the same. The next
/// range is on its way while one is read.
struct Ranges {
    role: RoleOnStore,
    runtime: Handle,
    object: ObjectId,
    etag: String,
    size: u64,
    /// How far ranges were asked for.
    asked: u64,
    current: Bytes,
    next: Option<JoinHandle<Result<Bytes, StoreError>>>,
}

impl Ranges {
    fn ask(&mut self) {
        if self.asked >= self.size {
            return;
        }
        let last = self.asked.saturating_add(RANGE_BYTES).min(self.size) - 1;
        let mut request = GetObject::new(self.object.clone());
        request.range = Some(ByteRange { first: self.asked, last: Some(last) });
        request.if_match = Some(self.etag.clone()).filter(|etag| !etag.is_empty());
        let expected = last + 1 - self.asked;
        self.asked = last + 1;
        let (store, etag) = (Arc::clone(&self.role.store), self.etag.clone());
        self.next = Some(self.runtime.spawn(async move {
            let answer = store.send(&Request::GetObject(request)).await?;
            // Not every store honours If-Match.
            if answer.etag.as_deref().is_some_and(|found| unquoted(found) != unquoted(&etag)) {
                return Err(
                    StoreError::new("PreconditionFailed", "the object's ETag has changed").with_status(412)
                );
            }
            if answer.body.len() as u64 != expected {
                let message = format!("{expected} bytes were asked for, {} came", answer.body.len());
                return Err(StoreError::new("InvalidResponse", message));
            }
            Ok(answer.body)
        }));
    }
}

impl Read for Ranges {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.current.is_empty() {
            if self.next.is_none() {
                self.ask();
            }
            let Some(next) = self.next.take() else { return Ok(0) };
            let arrived = self.runtime.block_on(next).map_err(io::Error::other)?;
            self.current = arrived.map_err(io::Error::other)?;
            self.ask();
        }
        let piece = self.current.split_to(buffer.len().min(self.current.len()));
        piece.as_ref().read(buffer)
    }
}
