//! CompleteMultipartUpload: parts become an object that shares their bytes.

use http::{HeaderName, HeaderValue};
use s3s::crypto::{Checksum as _, Md5};
use s3s::xml::{DeError, DeResult, Deserialize, Deserializer, SerResult, Serialize, Serializer};
use s3s::{Body, S3Response, S3Result, s3_error};

use super::lookup::{check_owner, modified_now, wire_etag};
use super::raw::{self, NAMESPACE, Raw};
use super::{Protocol, copy};
use crate::checksum::{self, Algorithm, COMPOSITE, Declared};
use crate::conditions;
use crate::lock::Lock;
use crate::model::{self, Attributes, Encryption, NewVersion, StoredChecksum};
use crate::storage::content::Content;
use crate::storage::uploads::{self, Plan};
use crate::storage::{buckets, versions};

/// Bytes of each part but the last; S3's limit.
const MIN_PART: u64 = 5 * 1024 * 1024;

pub(super) async fn complete(protocol: &Protocol, request: &Raw) -> S3Result<S3Response<Body>> {
    check_owner(request.header("x-amz-expected-bucket-owner"))?;
    let Raw { bucket: bucket_name, key, headers, .. } = request;
    let upload = request.parameter("uploadId").unwrap_or_default();
    let (if_match, if_none_match) = (
        copy::condition(headers, &http::header::IF_MATCH)?,
        copy::condition(headers, &http::header::IF_NONE_MATCH)?,
    );
    let Asked(asked) = request.document()?;
    let (plan, kept) = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, bucket_name)?;
        let plan = uploads::plan(connection, &bucket, key, &upload)?;
        Ok((plan, uploads::parts(connection, &upload, 0)?))
    })?;
    let parts = choose_parts(&asked, &kept)?;
    check_size(request.header("x-amz-mp-object-size"), &parts)?;
    let sums = Sums::of(&plan, &parts)?;
    let declared = Declared::of_headers(headers, Algorithm::parse(&plan.checksum_algorithm)?)?;
    declared.verify(&sums.checksum.value, None)?;
    let content = Content::join(parts.iter().map(|part| &part.content));
    let attributes =
        Attributes { checksum: Some(sums.checksum.clone()), parts: object_parts(&parts), ..plan.attributes };
    let version = protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, bucket_name)?;
        // Completed, aborted or changed since its parts were chosen?
        uploads::plan(writer, &bucket, key, &upload)?;
        let kept = uploads::parts(writer, &upload, 0)?;
        if choose_parts(&asked, &kept)?.iter().map(|part| &part.content).ne(parts.iter().map(|p| &p.content))
        {
            return Err(copy::source_changes().into());
        }
        let current = versions::current_etag(writer, &bucket, key)?;
        conditions::check_write(if_match.as_ref(), if_none_match.as_ref(), current.as_deref())?;
        writer.share(&content)?;
        let new = NewVersion {
            key,
            size: parts.iter().map(|part| part.size).sum(),
            etag: &sums.etag,
            modified: modified_now(),
            storage_class: &plan.storage_class,
            attributes: &attributes,
            tags: &plan.tags,
            acl: &plan.acl,
            lock: &Lock::of_new(&plan.lock, bucket.settings.lock.as_ref(), jiff::Timestamp::now())?,
            content: &content,
        };
        let version = writer.put_version(&bucket, &new)?;
        writer.remove_upload(&upload)?;
        Ok(bucket.shown_version(&version))
    })?;
    let mut response = raw::answer(&Completed { bucket: bucket_name, key, sums: &sums })?;
    add_headers(&mut response, version, &attributes.encryption);
    Ok(response)
}

fn add_headers(response: &mut S3Response<Body>, version: Option<String>, encryption: &Encryption) {
    const ENCRYPTION: HeaderName = HeaderName::from_static("x-amz-server-side-encryption");
    const KEY: HeaderName = HeaderName::from_static("x-amz-server-side-encryption-aws-kms-key-id");
    const BUCKET_KEY: HeaderName = HeaderName::from_static("x-amz-server-side-encryption-bucket-key-enabled");
    let shown = [
        (s3s::header::X_AMZ_VERSION_ID, version),
        (ENCRYPTION, encryption.shown_algorithm()),
        (KEY, encryption.kms_key_id.clone()),
        (BUCKET_KEY, encryption.bucket_key.map(|enabled| enabled.to_string())),
    ];
    for (name, value) in shown {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            response.headers.insert(name, value);
        }
    }
}

/// What an answer tells of the object.
struct Completed<'a> {
    bucket: &'a str,
    key: &'a str,
    sums: &'a Sums,
}

impl Serialize for Completed<'_> {
    fn serialize<W: std::io::Write>(&self, writer: &mut Serializer<W>) -> SerResult {
        let Self { bucket, key, sums } = self;
        writer.element_with_ns("CompleteMultipartUploadResult", NAMESPACE, |writer| {
            writer.content("Location", &format!("/{bucket}/{key}"))?;
            writer.content("Bucket", *bucket)?;
            writer.content("Key", *key)?;
            writer.content("ETag", &wire_etag(&sums.etag))?;
            writer.content(&checksum::element(&sums.checksum), &sums.checksum.value)?;
            writer.content("ChecksumType", &sums.checksum.kind)
        })
    }
}

/// The parts that a request names.
struct Asked(Vec<AskedPart>);

/// A part as a request names it, perhaps with checksums.
#[derive(Default)]
struct AskedPart {
    number: Option<i32>,
    etag: Option<s3s::dto::ETag>,
    checksums: Vec<(Algorithm, String)>,
}

impl<'xml> Deserialize<'xml> for Asked {
    fn deserialize(reader: &mut Deserializer<'xml>) -> DeResult<Self> {
        let mut parts = Vec::new();
        reader.named_element("CompleteMultipartUpload", |reader| {
            reader.for_each_element(|reader, name| {
                if name != b"Part" {
                    return Err(DeError::UnexpectedTagName);
                }
                parts.push(AskedPart::read(reader)?);
                Ok(())
            })
        })?;
        Ok(Self(parts))
    }
}

impl AskedPart {
    fn read(reader: &mut Deserializer<'_>) -> DeResult<Self> {
        let mut part = Self::default();
        reader.for_each_element(|reader, name| {
            match name {
                b"PartNumber" => part.number = Some(reader.content()?),
                b"ETag" => part.etag = Some(reader.content()?),
                _ => {
                    let algorithm = Algorithm::of_element(name).ok_or(DeError::UnexpectedTagName)?;
                    part.checksums.push((algorithm, reader.content()?));
                }
            }
            Ok(())
        })?;
        Ok(part)
    }
}

/// Compares the size that the client expects.
fn check_size(expected: Option<&str>, parts: &[uploads::Part]) -> S3Result<()> {
    let size: u64 = parts.iter().map(|part| part.size).sum();
    match expected {
        Some(expected) if expected.parse() != Ok(size) => Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {size}"
        )),
        _ => Ok(()),
    }
}

/// The parts that a completion names, in order.
///
/// # Errors
/// `MalformedXML` for none, `InvalidPartOrder`, `InvalidPart` for one that is missing or has another entity tag,
/// `EntityTooSmall`.
fn choose_parts(asked: &[AskedPart], kept: &[uploads::Part]) -> S3Result<Vec<uploads::Part>> {
    let mut chosen: Vec<uploads::Part> = Vec::with_capacity(asked.len());
    for part in asked {
        let missing = || s3_error!(InvalidPart, "One or more of the specified parts could not be found.");
        let number = part.number.ok_or_else(missing)?;
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
        }
        let found = kept.iter().find(|kept| kept.number == number).ok_or_else(missing)?;
        if part.etag.as_ref().is_none_or(|etag| etag.value() != found.etag)
            || !names_checksum_of(part, &found.sums.shown)
        {
            return Err(missing());
        }
        if chosen.last().is_some_and(|last| last.size < MIN_PART) {
            return Err(s3_error!(
                EntityTooSmall,
                "Your proposed upload is smaller than the minimum allowed size"
            ));
        }
        chosen.push(found.clone());
    }
    if chosen.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    Ok(chosen)
}

/// Whether the checksum that a completion gives for a part, if it gives one, is the part's.
fn names_checksum_of(asked: &AskedPart, kept: &StoredChecksum) -> bool {
    let is_kept = |(algorithm, value): &(Algorithm, String)| {
        (algorithm.name(), value.as_str()) == (kept.algorithm.as_str(), kept.value.as_str())
    };
    asked.checksums.iter().all(is_kept)
}

/// What an object shows of its parts.
fn object_parts(parts: &[uploads::Part]) -> Vec<model::ObjectPart> {
    let shown = |part: &uploads::Part| model::ObjectPart {
        number: part.number,
        size: part.size,
        checksum: part.sums.planned.clone(),
    };
    parts.iter().map(shown).collect()
}

/// Entity tag and checksum of the object that parts make.
struct Sums {
    etag: String,
    checksum: StoredChecksum,
}

impl Sums {
    /// Made of the parts' own sums: no byte is read again.
    fn of(plan: &Plan, parts: &[uploads::Part]) -> S3Result<Self> {
        let mut etags = Md5::new();
        for part in parts {
            etags.update(&hex::decode(&part.etag).map_err(s3s::S3Error::internal_error)?);
        }
        let algorithm = Algorithm::parse(&plan.checksum_algorithm)?;
        let checksum = if plan.checksum_kind == COMPOSITE {
            checksum::composite(algorithm, &parts.iter().map(|part| &part.sums.planned).collect::<Vec<_>>())?
        } else {
            let sized: Vec<_> = parts.iter().map(|part| (&part.sums.planned, part.size)).collect();
            checksum::full_object(algorithm, &sized)?
        };
        Ok(Self { etag: format!("{}-{}", hex::encode(etags.finalize()), parts.len()), checksum })
    }
}
