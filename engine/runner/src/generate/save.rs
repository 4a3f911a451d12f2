//! Saves a generated list as an inventory, in a bucket or a local directory.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use longshore_job::ObjectId;
use longshore_job::spec::{GenerateSpec, Location, ManifestSpec, SourceSpec, Versions};
use longshore_manifest::generate::{InventoryWriter, ListFile, WrittenInventory};
use longshore_store::{Certainty, Gate, PutObject, Request, StoreError, transfer};
use md5::{Digest as _, Md5};

use super::failure;
use crate::disk::unless_full;
use crate::durable::write_file;
use crate::error::{Halt, JobFailure, RunnerError, blocking};
use crate::resolve::RoleOnStore;

/// Amazon's words for a list that cannot be saved.
const NOT_WRITTEN: &str = "Error occurred when preparing manifest: Failed to write manifest";

/// The file that names the others.
const INDEX: &str = "manifest.json";

/// A list that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where its `manifest.json` is: a path or `s3://bucket/key`.
    pub location: String,
    /// ETag of `manifest.json`, without quotes; for a local file its MD5.
    pub etag: String,
}

/// Where the job `id` saves the lists that are generated for it, with the numbers of their sources in the manifest.
pub(crate) fn saved_places<'a>(
    manifest: &'a ManifestSpec,
    id: &'a str,
) -> impl Iterator<Item = (Location, u32)> + use<'a> {
    (0..).zip(&manifest.sources).filter_map(move |(number, source)| {
        let SourceSpec::Generate(spec) = source else { return None };
        let place = spec.save.as_ref()?;
        let name = if number == 0 { format!("job-{id}") } else { format!("job-{id}-{number}") };
        Some((place.join(&name), number))
    })
}

/// Asks the policies whether a list may be saved at `place`, if that is in a bucket.
pub(crate) async fn check_access(gate: &Gate, place: &Location) -> Result<(), StoreError> {
    let Location::S3 { bucket, key } = place else { return Ok(()) };
    let key = format!("{}{INDEX}", below(key));
    let request = Request::from(PutObject::new(bucket, &key, Bytes::new()));
    gate.task(ObjectId::new(bucket, &key)).check(&request, Certainty::Exact).await
}

/// Checks before anything is listed that a list can be saved at `place`: the policies allow the request and the bucket is there.
pub(crate) async fn check_place(role: &RoleOnStore, place: &Location) -> Result<(), JobFailure> {
    let Location::S3 { bucket, .. } = place else { return Ok(()) };
    let checked = match check_access(&role.gate, place).await {
        Ok(()) => role.store.check_reachable(Some(bucket)).await,
        refused => refused,
    };
    checked.map_err(|error| unwritten(&place.to_string(), &error.to_string()))
}

/// Saves `list` at `place`; `scratch` takes the files before they are brought there.
pub(crate) async fn save(
    role: &RoleOnStore,
    spec: &GenerateSpec,
    list: ListFile,
    place: &Location,
    scratch: &Path,
    now: Timestamp,
) -> Result<Saved, Halt> {
    let (target, prefix) = match place {
        Location::Local(_) => (String::new(), String::new()),
        Location::S3 { bucket, key } => (bucket.clone(), below(key)),
    };
    let writer = InventoryWriter::new(scratch, &spec.bucket, spec.versions != Versions::Current);
    let name = place.to_string();
    let place_of_files = scratch.to_owned();
    let written = blocking(move || {
        let failed = |error: &io::Error| unwritten("the data directory", &error.to_string());
        write(list, writer, &target, &prefix, now)?.map_err(unless_full(&place_of_files, failed))
    })
    .await??;
    let saved = match place {
        Location::Local(directory) => {
            let path = PathBuf::from(directory);
            let failed = |error: &io::Error| unwritten(&name, &error.to_string());
            blocking(move || bring_local(&written, &path))
                .await?
                .map_err(unless_full(Path::new(directory), failed))?
        }
        Location::S3 { bucket, key } => {
            let sent = bring(role, &written, bucket, &below(key)).await;
            sent.map_err(|error| not_written(&name, &error.to_string()))?
        }
    };
    Ok(saved)
}

/// A prefix that ends in a slash, or none.
fn below(prefix: &str) -> String {
    if prefix.is_empty() || prefix.ends_with('/') { prefix.to_owned() } else { format!("{prefix}/") }
}

fn write(
    list: ListFile,
    mut writer: InventoryWriter,
    target: &str,
    prefix: &str,
    now: Timestamp,
) -> Result<io::Result<WrittenInventory>, RunnerError> {
    for page in list.into_pages() {
        for row in page? {
            if let Err(error) = writer.write(&row) {
                return Ok(Err(error));
            }
        }
    }
    Ok(writer.finish(target, prefix, now))
}

/// Puts the files into a local directory; `manifest.json` comes last.
fn bring_local(written: &WrittenInventory, directory: &Path) -> io::Result<Saved> {
    std::fs::create_dir_all(directory.join("data"))?;
    for file in &written.files {
        // The directory may be on another disk.
        std::fs::copy(&file.path, directory.join(&file.name))?;
        std::fs::remove_file(&file.path)?;
    }
    let path = directory.join(INDEX);
    std::fs::write(directory.join("manifest.checksum"), &written.checksum)?;
    write_file(&path, written.manifest.as_bytes())?;
    Ok(Saved { location: path.display().to_string(), etag: written.checksum.clone() })
}

/// Puts the files into a bucket; `manifest.json` comes last.
async fn bring(
    role: &RoleOnStore,
    written: &WrittenInventory,
    bucket: &str,
    prefix: &str,
) -> Result<Saved, StoreError> {
    for file in &written.files {
        let key = format!("{prefix}{}", file.name);
        let request = Request::from(PutObject::new(bucket, &key, Bytes::new()));
        role.gate.task(ObjectId::new(bucket, &key)).check(&request, Certainty::Exact).await?;
        transfer::upload(&role.store, &file.path, bucket, &key, "application/gzip").await?;
        // What is left behind goes with the job's folder.
        let _ = std::fs::remove_file(&file.path);
    }
    let put = async |name: &str, text: &str, content_type: &str| {
        let key = format!("{prefix}{name}");
        let mut request = PutObject::new(bucket, &key, Bytes::from(text.to_owned()));
        request.content.content_type = Some(content_type.to_owned());
        let answer = role.send(ObjectId::new(bucket, &key), request).await?;
        Ok::<_, StoreError>((key, answer.etag))
    };
    put("manifest.checksum", &written.checksum, "text/plain").await?;
    let (key, etag) = put(INDEX, &written.manifest, "application/json").await?;
    let etag = etag.map_or_else(
        || hex::encode(Md5::digest(written.manifest.as_bytes())),
        |etag| etag.trim_matches('"').to_owned(),
    );
    Ok(Saved { location: format!("s3://{bucket}/{key}"), etag })
}

fn not_written(name: &str, why: &str) -> Halt {
    unwritten(name, why).into()
}

fn unwritten(name: &str, why: &str) -> JobFailure {
    failure(&format!("{NOT_WRITTEN} to {name}: {why}"))
}
