//! Brings the spooled report to where the job wants it: bucket and prefix, or a local directory.

use std::io;
use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;
use longshore_job::ObjectId;
use longshore_job::report::{
    PolicySnapshot, ReportLayout, ResultFile, TaskStatus, report_manifest_json, report_operations_json,
    report_policies_json,
};
use longshore_job::spec::{JobSpec, Location, ReportSpec};
use longshore_queue::{FileMark, JobRecord, ReportMarks};
use longshore_store::{Certainty, Gate, PutObject, StoreError};
use md5::{Digest as _, Md5};

use crate::disk::unless_full;
use crate::durable::{make_if_missing, write_file};
use crate::error::{Halt, JobFailure, RunnerError, blocking};
use crate::job::Job;
use crate::spool;

/// Writes the report of `job` and says where its `manifest.json` is; `None` if the job wants no report or no task ran.
pub(crate) async fn write(job: &Job, now: Timestamp) -> Result<Option<String>, Halt> {
    let Some(report) = &job.spec.report else { return Ok(None) };
    let marks = job.queue.report_marks(&job.id).map_err(RunnerError::from)?;
    let record = job.queue.job(&job.id).map_err(RunnerError::from)?;
    if record.succeeded + record.failed == 0 {
        return Ok(None);
    }
    let target = Target::new(&job.resolved.gate, report, &job.id);
    let mut results = Vec::new();
    for (status, mark) in statuses(&marks) {
        for (part, path) in spool::parts(&job.report_directory(), status, mark) {
            let bytes =
                blocking(move || std::fs::read(&path).map_err(RunnerError::io("read", &path))).await??;
            let key = target.layout.results(status, part);
            let md5_checksum = md5_hex(&bytes);
            target.put(&key, bytes, "text/csv").await?;
            results.push(ResultFile {
                task_execution_status: status,
                bucket: target.bucket(),
                md5_checksum,
                key,
            });
        }
    }
    let manifest = report_manifest_json(now, &results)
        .map_err(|error| RunnerError::Internal(error.to_string()))?
        .into_bytes();
    let md5 = md5_hex(&manifest).into_bytes();
    target.put(&target.layout.policies(), policies(job)?, "application/json").await?;
    target.put(&target.layout.operations(), operations(job, &record)?, "application/json").await?;
    target.put(&target.layout.manifest(), manifest, "application/json").await?;
    target.put(&target.layout.manifest_md5(), md5, "text/plain").await?;
    Ok(Some(target.name(&target.layout.manifest())))
}

/// Checks before the first task that the report can be written where the job wants it: the directory takes a file, or the
/// policies allow the request and the bucket is there.
pub(crate) async fn check(job: &Job) -> Result<(), Halt> {
    let Some(report) = &job.spec.report else { return Ok(()) };
    let target = Target::new(&job.resolved.gate, report, &job.id);
    let name = target.name(&target.layout.manifest());
    match &report.location {
        Location::Local(directory) => try_directory(directory)
            .map_err(unless_full(Path::new(directory), |error| failure(&name, &error.to_string()))),
        Location::S3 { bucket, .. } => {
            let reached = match check_access(&job.resolved.gate, &job.spec, &job.id).await {
                Ok(()) => job.resolved.store.check_reachable(Some(bucket)).await,
                refused => refused,
            };
            reached.map_err(|error| failure(&name, &error.to_string()).into())
        }
    }
}

/// Makes the directory, and a file in it that goes away again.
fn try_directory(directory: &str) -> std::io::Result<()> {
    make_if_missing(Path::new(directory))?;
    tempfile::tempfile_in(directory).map(drop)
}

/// Asks the policies whether a job may write its report into a bucket, if it wants one there.
pub(crate) async fn check_access(gate: &Gate, spec: &JobSpec, id: &str) -> Result<(), StoreError> {
    let Some(report) = &spec.report else { return Ok(()) };
    let Location::S3 { bucket, .. } = &report.location else { return Ok(()) };
    let target = Target::new(gate, report, id);
    let manifest = target.layout.manifest();
    let request = request(bucket, &manifest, Vec::new(), "application/json").into();
    gate.task(ObjectId::new(bucket, &manifest)).check(&request, Certainty::Exact).await
}

/// The text of `policies.json`.
fn policies(job: &Job) -> Result<Vec<u8>, RunnerError> {
    let snapshots: Vec<PolicySnapshot> = job
        .queue
        .policy_snapshots(&job.id)?
        .into_iter()
        .map(|snapshot| PolicySnapshot { since: snapshot.at, sha256: snapshot.digest })
        .collect();
    report_policies_json(&job.id, &job.spec.role, &snapshots)
        .map(String::into_bytes)
        .map_err(|error| RunnerError::Internal(error.to_string()))
}

/// The text of `operations.json`.
fn operations(job: &Job, record: &JobRecord) -> Result<Vec<u8>, RunnerError> {
    report_operations_json(&job.id, &job.spec.steps, &record.plugin_digests, record.fuel)
        .map(String::into_bytes)
        .map_err(|error| RunnerError::Internal(error.to_string()))
}

fn request(bucket: &str, key: &str, bytes: Vec<u8>, content_type: &str) -> PutObject {
    let mut request = PutObject::new(bucket, key, Bytes::from(bytes));
    request.content.content_type = Some(content_type.to_owned());
    request
}

fn statuses(marks: &ReportMarks) -> [(TaskStatus, &FileMark); 2] {
    [(TaskStatus::Succeeded, &marks.succeeded), (TaskStatus::Failed, &marks.failed)]
}

fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

struct Target<'a> {
    gate: &'a Gate,
    location: &'a Location,
    layout: ReportLayout,
}

impl<'a> Target<'a> {
    fn new(gate: &'a Gate, report: &'a ReportSpec, id: &str) -> Self {
        let prefix = match &report.location {
            Location::Local(_) => "",
            Location::S3 { key, .. } => key,
        };
        Self { gate, location: &report.location, layout: ReportLayout::new(prefix, id) }
    }

    /// The bucket as the report's manifest names it; empty for a local directory.
    fn bucket(&self) -> String {
        match self.location {
            Location::Local(_) => String::new(),
            Location::S3 { bucket, .. } => bucket.clone(),
        }
    }

    /// How a user finds `key`.
    fn name(&self, key: &str) -> String {
        match self.location {
            Location::Local(directory) => Path::new(directory).join(key).display().to_string(),
            Location::S3 { bucket, .. } => format!("s3://{bucket}/{key}"),
        }
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, content_type: &str) -> Result<(), Halt> {
        match self.location {
            Location::Local(directory) => {
                let path = Path::new(directory).join(key);
                let written = blocking(move || write_file(&path, &bytes)).await?;
                let name = self.name(key);
                let failed = |error: &io::Error| failure(&name, &error.to_string());
                written.map_err(unless_full(Path::new(directory), failed))
            }
            Location::S3 { bucket, .. } => {
                let request = request(bucket, key, bytes, content_type);
                let sent = self.gate.task(ObjectId::new(bucket, key)).send(request).await;
                sent.map(drop).map_err(|error| failure(&self.name(key), &error.to_string()).into())
            }
        }
    }
}

fn failure(name: &str, why: &str) -> JobFailure {
    JobFailure::new(
        "ReportNotWritten",
        format!("the completion report could not be written to {name}: {why}"),
    )
}
