//! CopyObject: a new version that shares the body of its source.

use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use rusqlite::Connection;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ETagCondition, MetadataDirective,
    ServerSideEncryption, TaggingDirective,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::customer_key;
use super::headers::{WriteHeaders, write_headers};
use super::lookup::{check_owner, modified_now, object, wire_etag, wire_time};
use super::transfer::{self, MAX_SINGLE_BODY};
use super::{Answer, Protocol};
use crate::checksum::{self, Algorithm};
use crate::conditions::{self, Conditions, Verdict};
use crate::error::SandboxError;
use crate::lock::Lock;
use crate::model::{Attributes, Bucket, NewVersion, ObjectVersion, StoredChecksum, Tag};
use crate::restore;
use crate::storage::bodies::Piece;
use crate::storage::content::Content;
use crate::storage::{Writer, buckets, versions};

/// How often a copy is tried whose source is replaced while its bytes are read.
pub(super) const MAX_ATTEMPTS: usize = 3;

/// The object that a copy reads.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) bucket: Bucket,
    pub(super) version: ObjectVersion,
}

/// Names the source of a copy.
///
/// # Errors
/// `NotImplemented` for access points and Outposts.
pub(super) fn source_of(source: &CopySource) -> S3Result<(&str, &str, Option<&str>)> {
    match source {
        CopySource::Bucket { bucket, key, version_id } => Ok((bucket, key, version_id.as_deref())),
        CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => Err(s3_error!(
            NotImplemented,
            "the sandbox has no access points; name the bucket and key of the source"
        )),
    }
}

/// Finds the source and checks that it may be copied now.
///
/// # Errors
/// What [`object`] says, `InvalidRequest` for a delete marker that is named, `PreconditionFailed`,
/// `InvalidObjectState` for an archived object.
pub(super) fn find_source(
    connection: &Connection,
    source: &CopySource,
    conditions: &Conditions,
    customer_key: Option<&str>,
) -> Result<Source, SandboxError> {
    let (bucket, key, version) = source_of(source)?;
    let bucket = buckets::get(connection, bucket)?;
    if version.is_some()
        && versions::find(connection, &bucket, key, version)?.is_some_and(|v| v.delete_marker)
    {
        let message =
            "The source of a copy request may not specifically refer to a delete marker by version id.";
        return Err(s3_error!(InvalidRequest, "{message}").into());
    }
    let version = object(connection, &bucket, key, version)?;
    if conditions::judge(conditions, &version.etag, &wire_time(version.modified)) != Verdict::Proceed {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(s3_error!(PreconditionFailed, "{message}").into());
    }
    customer_key::check(&version.attributes.encryption, customer_key)?;
    let now = Timestamp::now();
    restore::check_readable(bucket.place_of(&version, now), version.restore.as_ref(), now)?;
    Ok(Source { bucket, version })
}

pub(super) async fn copy(
    protocol: &Protocol,
    mut request: S3Request<CopyObjectInput>,
) -> Answer<CopyObjectOutput> {
    let source_key = customer_key::of_source(&request.headers)?;
    let target = TargetConditions {
        if_match: condition(&request.headers, &http::header::IF_MATCH)?,
        if_none_match: condition(&request.headers, &http::header::IF_NONE_MATCH)?,
    };
    let input = &mut request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    check_owner(input.expected_source_bucket_owner.as_deref())?;
    let conditions = Conditions {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since.take(),
        if_unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    let plan = Plan {
        replace_metadata: directive(
            input.metadata_directive.as_ref().map(MetadataDirective::as_str),
            "x-amz-metadata-directive",
        )?,
        replace_tags: directive(
            input.tagging_directive.as_ref().map(TaggingDirective::as_str),
            "x-amz-tagging-directive",
        )?,
        customer_key: customer_key::of(&request.headers)?,
        headers: write_headers!(input, &request.headers),
    };
    let algorithm =
        input.checksum_algorithm.as_ref().map(|name| Algorithm::parse(name.as_str())).transpose()?;

    let copying = Copying { protocol, input, conditions, source_key, target, plan, algorithm };
    let copied = copying.run().await?;
    let encryption = copied.written.attributes.encryption;
    let mut response = S3Response::new(CopyObjectOutput {
        bucket_key_enabled: encryption.bucket_key,
        copy_object_result: Some(copy_result(&copied.sums, copied.modified)),
        copy_source_version_id: copied.source_version,
        server_side_encryption: encryption.shown_algorithm().map(ServerSideEncryption::from),
        ssekms_key_id: encryption.kms_key_id.clone(),
        version_id: copied.version,
        ..Default::default()
    });
    customer_key::add_headers(&mut response.headers, &encryption);
    Ok(response)
}

fn copy_result(sums: &Sums, modified: Timestamp) -> CopyObjectResult {
    let checksum = checksum::to_wire(&sums.checksum);
    CopyObjectResult {
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        checksum_type: checksum.checksum_type,
        e_tag: Some(wire_etag(&sums.etag)),
        last_modified: Some(wire_time(modified)),
    }
}

/// The answer to a copy whose source was replaced again and again.
pub(super) fn source_changes() -> S3Error {
    let message = "A conflicting conditional operation is currently in progress against this resource. Please try again.";
    s3_error!(OperationAborted, "{message}")
}

fn is_current(connection: &Connection, source: &Source) -> Result<bool, SandboxError> {
    let current = versions::find(connection, &source.bucket, &source.version.key, None)?;
    Ok(current.is_some_and(|current| current.id == source.version.id))
}

/// The conditions of the object to be replaced. The protocol crate knows them of PutObject only.
struct TargetConditions {
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
}

/// Reads a header that is an entity tag or `*`.
pub(super) fn condition(headers: &HeaderMap, name: &HeaderName) -> S3Result<Option<ETagCondition>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let condition = ETagCondition::parse_http_header(value.as_bytes());
    condition.map(Some).map_err(|error| s3_error!(error, InvalidArgument, "{name} is no entity tag"))
}

/// A copy under way.
struct Copying<'a> {
    protocol: &'a Protocol,
    input: &'a CopyObjectInput,
    conditions: Conditions,
    source_key: Option<String>,
    target: TargetConditions,
    plan: Plan,
    algorithm: Option<Algorithm>,
}

/// What an attempt to copy came to.
enum Attempt {
    Done(Box<Copied>),
    /// Entity tag or checksum must be computed first, from the bytes of this row.
    NeedsBytes {
        row: i64,
        content: Content,
        pieces: Vec<Piece>,
        algorithm: Algorithm,
    },
}

/// A copy that was written.
struct Copied {
    sums: Sums,
    written: Written,
    modified: Timestamp,
    /// The version ids to show.
    version: Option<String>,
    source_version: Option<String>,
}

impl Copying<'_> {
    /// Copies: in one transaction, unless the bytes must be read, which is done outside of it and once more for a
    /// source that was replaced meanwhile.
    async fn run(&self) -> S3Result<Copied> {
        let mut computed = None;
        for _ in 0..MAX_ATTEMPTS {
            match self.protocol.storage.write(|writer| self.attempt(writer, computed.as_ref()))? {
                Attempt::Done(copied) => return Ok(*copied),
                Attempt::NeedsBytes { row, content, pieces, algorithm } => {
                    let (md5, checksum) = transfer::sums(self.protocol, &content, pieces, algorithm).await?;
                    computed = Some((row, Sums { etag: hex::encode(md5), checksum }));
                }
            }
        }
        Err(source_changes())
    }

    /// Copies with the sums that are known, or computed for this very row.
    fn attempt(
        &self,
        writer: &mut Writer<'_>,
        computed: Option<&(i64, Sums)>,
    ) -> Result<Attempt, SandboxError> {
        let bucket = buckets::get(writer, &self.input.bucket)?;
        let source =
            find_source(writer, &self.input.copy_source, &self.conditions, self.source_key.as_deref())?;
        self.check(writer, &bucket, &source)?;
        let current = versions::current_etag(writer, &bucket, &self.input.key)?;
        let TargetConditions { if_match, if_none_match } = &self.target;
        conditions::check_write(if_match.as_ref(), if_none_match.as_ref(), current.as_deref())?;
        let Source { bucket: source_bucket, version: source } = source;
        let content =
            source.content.clone().ok_or_else(|| s3_error!(InternalError, "an object without content"))?;
        let sums = match (sums_of_copy(&source, self.algorithm)?, computed) {
            (Origin::Source(sums), _) => sums,
            (Origin::Bytes(_), Some((row, sums))) if *row == source.id => sums.clone(),
            (Origin::Bytes(algorithm), _) => {
                let pieces = self.protocol.storage.open_content(writer, &content)?;
                return Ok(Attempt::NeedsBytes { row: source.id, content, pieces, algorithm });
            }
        };
        let written = self.plan.written(&bucket, &source, sums.checksum.clone())?;
        let modified = modified_now();
        writer.share(&content)?;
        let new = NewVersion {
            key: &self.input.key,
            size: source.size,
            etag: &sums.etag,
            modified,
            storage_class: &written.storage_class,
            attributes: &written.attributes,
            tags: &written.tags,
            acl: &written.acl,
            lock: &written.lock,
            content: &content,
        };
        let version = bucket.shown_version(&writer.put_version(&bucket, &new)?);
        let source_version = source_bucket.shown_version(&source.version);
        Ok(Attempt::Done(Box::new(Copied { sums, written, modified, version, source_version })))
    }

    /// What S3 refuses of sources that may be read.
    fn check(&self, connection: &Connection, target: &Bucket, source: &Source) -> Result<(), SandboxError> {
        if source.version.size > MAX_SINGLE_BODY {
            return Err(s3_error!(
                InvalidRequest,
                "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_SINGLE_BODY}"
            )
            .into());
        }
        let in_place = source.bucket.id == target.id && source.version.key == self.input.key;
        if in_place && !self.plan.changes_something() && is_current(connection, source)? {
            let message = "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.";
            return Err(s3_error!(InvalidRequest, "{message}").into());
        }
        Ok(())
    }
}

/// What the request asks to change.
struct Plan {
    replace_metadata: bool,
    replace_tags: bool,
    /// MD5 of the customer's key for the copy.
    customer_key: Option<String>,
    headers: WriteHeaders,
}

/// What will be written.
struct Written {
    attributes: Attributes,
    storage_class: String,
    tags: Vec<Tag>,
    acl: Vec<crate::acl::Grant>,
    lock: Lock,
}

impl Plan {
    /// S3 lets an object be copied to itself only with one of these.
    fn changes_something(&self) -> bool {
        self.replace_metadata
            || self.headers.storage_class.is_some()
            || self.headers.website_redirect.is_some()
            || self.headers.sse.is_some()
            || self.customer_key.is_some()
    }

    /// Metadata and tags come from the source unless replaced; ACL, class, encryption and redirect never do.
    fn written(
        &self,
        bucket: &Bucket,
        source: &ObjectVersion,
        checksum: StoredChecksum,
    ) -> S3Result<Written> {
        let metadata =
            if self.replace_metadata { self.headers.metadata()? } else { source.attributes.metadata.clone() };
        let now = Timestamp::now();
        let tags = if self.replace_tags { self.headers.tags()? } else { source.tags.clone() };
        Ok(Written {
            attributes: Attributes {
                metadata,
                website_redirect: self.headers.website_redirect()?,
                encryption: self.headers.encryption(bucket, self.customer_key.clone())?,
                checksum: Some(checksum),
                parts: Vec::new(),
            },
            storage_class: self.headers.storage_class()?,
            tags,
            acl: self.headers.acl()?,
            lock: Lock::of_new(&self.headers.lock(now)?, bucket.settings.lock.as_ref(), now)?,
        })
    }
}

fn directive(value: Option<&str>, header: &str) -> S3Result<bool> {
    match value {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(s3_error!(InvalidArgument, "{header} is COPY or REPLACE, not {other}")),
    }
}

/// Entity tag and checksum of the copy.
#[derive(Clone)]
struct Sums {
    etag: String,
    checksum: StoredChecksum,
}

/// Where the sums of a copy come from.
enum Origin {
    /// The source has them.
    Source(Sums),
    /// They must be computed from the bytes, with this algorithm.
    Bytes(Algorithm),
}

/// A copy keeps entity tag and checksum of its source, unless another algorithm is asked for or the source was
/// uploaded in parts: the copy is in one piece.
fn sums_of_copy(source: &ObjectVersion, asked: Option<Algorithm>) -> S3Result<Origin> {
    let kept = source.attributes.checksum.as_ref();
    let kept_algorithm = kept.map(|kept| Algorithm::parse(&kept.algorithm)).transpose()?;
    let wanted = asked.or(kept_algorithm).unwrap_or(Algorithm::Crc64Nvme);
    match kept {
        Some(kept)
            if kept_algorithm == Some(wanted)
                && kept.kind == checksum::FULL_OBJECT
                && !source.etag.contains('-') =>
        {
            Ok(Origin::Source(Sums { etag: source.etag.clone(), checksum: kept.clone() }))
        }
        _ => Ok(Origin::Bytes(wanted)),
    }
}
