//! The request headers that PutObject, CopyObject and CreateMultipartUpload share, with their rules.

use http::StatusCode;
use jiff::Timestamp;
use s3s::dto::{self, TimestampFormat};
use s3s::{S3Error, S3Result, s3_error};

use super::lookup::jiff_time;
use super::object_lock::hold_of;
use crate::acl::{self, Grant, GrantHeaders};
use crate::error::custom_error;
use crate::event_hold::EventHold;
use crate::lock::{Lock, Mode, Retention};
use crate::model::{Bucket, DEFAULT_CONTENT_TYPE, Encryption, Metadata, STANDARD, Tag};
use crate::tags;

/// Bytes of names and values of the user metadata of an object; S3's limit.
const MAX_USER_METADATA: usize = 2048;
/// The storage classes of the S3 API.
const STORAGE_CLASSES: [&str; 8] = [
    STANDARD,
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];
/// The values of `x-amz-server-side-encryption`.
const ENCRYPTIONS: [&str; 3] = ["AES256", "aws:kms", "aws:kms:dsse"];
/// What S3 shows for KMS without a key of the client's: the key that it manages itself.
const MANAGED_KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000";

/// The headers of a request that writes an object, unchecked.
#[derive(Debug)]
pub(super) struct WriteHeaders {
    pub(super) canned_acl: Option<String>,
    pub(super) grants: GrantHeaders,
    pub(super) metadata: Metadata,
    pub(super) storage_class: Option<String>,
    pub(super) tagging: Option<String>,
    pub(super) website_redirect: Option<String>,
    pub(super) sse: Option<String>,
    pub(super) sse_key: Option<String>,
    pub(super) bucket_key: Option<bool>,
    pub(super) lock_mode: Option<String>,
    pub(super) lock_until: Option<dto::Timestamp>,
    pub(super) legal_hold: Option<String>,
    /// Its mode is `lock_mode`.
    pub(super) event_hold: Option<EventHold>,
}

/// Takes [`WriteHeaders`] out of an input of the protocol crate, whose three types have these fields in common, and what the crate
/// does not know out of the headers.
macro_rules! write_headers {
    ($input:ident, $headers:expr) => {
        $crate::protocol::headers::WriteHeaders {
            canned_acl: $input.acl.take().map(|acl| acl.as_str().to_owned()),
            grants: $crate::acl::GrantHeaders {
                full_control: $input.grant_full_control.take(),
                read: $input.grant_read.take(),
                write: None,
                read_acp: $input.grant_read_acp.take(),
                write_acp: $input.grant_write_acp.take(),
            },
            metadata: $crate::model::Metadata {
                cache_control: $input.cache_control.take(),
                content_disposition: $input.content_disposition.take(),
                content_encoding: $input.content_encoding.take(),
                content_language: $input.content_language.take(),
                content_type: $input.content_type.take(),
                expires: $input.expires.take().as_ref().and_then($crate::protocol::headers::http_date),
                user: $input.metadata.take().unwrap_or_default().into_iter().collect(),
            },
            storage_class: $input.storage_class.take().map(|class| class.as_str().to_owned()),
            tagging: $input.tagging.take(),
            website_redirect: $input.website_redirect_location.take(),
            sse: $input.server_side_encryption.take().map(|sse| sse.as_str().to_owned()),
            sse_key: $input.ssekms_key_id.take(),
            bucket_key: $input.bucket_key_enabled.take(),
            lock_mode: $input.object_lock_mode.take().map(|mode| mode.as_str().to_owned()),
            lock_until: $input.object_lock_retain_until_date.take(),
            legal_hold: $input.object_lock_legal_hold_status.take().map(|hold| hold.as_str().to_owned()),
            event_hold: $crate::protocol::event_hold::of_headers($headers)?,
        }
    };
}
pub(super) use write_headers;

impl WriteHeaders {
    /// The ACL asked for; private when none is.
    pub(super) fn acl(&self) -> S3Result<Vec<Grant>> {
        acl::of_headers(self.canned_acl.as_deref(), &self.grants)
    }

    /// The tags asked for.
    pub(super) fn tags(&self) -> S3Result<Vec<Tag>> {
        self.tagging.as_deref().map(tags::of_header).transpose().map(Option::unwrap_or_default)
    }

    /// The storage class asked for; STANDARD when none is.
    pub(super) fn storage_class(&self) -> S3Result<String> {
        let class = self.storage_class.as_deref().unwrap_or(STANDARD);
        if !STORAGE_CLASSES.contains(&class) {
            return Err(s3_error!(
                InvalidStorageClass,
                "The storage class you specified is not valid: {class}"
            ));
        }
        Ok(class.to_owned())
    }

    /// The encryption asked for, by a key of the customer's with this MD5 or otherwise, or that of the bucket.
    pub(super) fn encryption(
        &self,
        bucket: &Bucket,
        customer_key_md5: Option<String>,
    ) -> S3Result<Encryption> {
        if customer_key_md5.is_some() {
            if self.sse.is_some() || self.sse_key.is_some() {
                let message = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified";
                return Err(s3_error!(InvalidArgument, "{message}"));
            }
            return Ok(Encryption { customer_key_md5, ..Encryption::default() });
        }
        match &self.sse {
            Some(algorithm) => checked_encryption(algorithm, self.sse_key.clone(), self.bucket_key),
            None if self.sse_key.is_some() => Err(key_without_kms()),
            None => {
                let mut encryption = bucket.settings.encryption.clone().unwrap_or_default();
                if encryption.is_kms() && self.bucket_key.is_some() {
                    encryption.bucket_key = self.bucket_key;
                }
                Ok(encryption)
            }
        }
    }

    /// The object lock asked for.
    pub(super) fn lock(&self, now: Timestamp) -> S3Result<Lock> {
        let mode = |name: &String| {
            Mode::parse(name).ok_or_else(|| s3_error!(InvalidArgument, "Unknown wormMode directive."))
        };
        let mode = self.lock_mode.as_ref().map(mode).transpose()?;
        let retention = match (mode, &self.lock_until) {
            (None, None) => None,
            // The mode of the event hold.
            (Some(_), None) if self.event_hold.is_some_and(|hold| hold.on) => None,
            (Some(mode), Some(until)) => Some(Retention::new(mode, jiff_time(until)?, now)?),
            _ => {
                return Err(s3_error!(
                    InvalidArgument,
                    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
                ));
            }
        };
        let hold = |status: &String| {
            hold_of(status)
                .ok_or_else(|| s3_error!(InvalidArgument, "Legal Hold must be either of 'ON' or 'OFF'"))
        };
        Ok(Lock {
            retention,
            legal_hold: self.legal_hold.as_ref().map(hold).transpose()?,
            event_hold: self.event_hold.map(|hold| EventHold { mode: mode.filter(|_| hold.on), ..hold }),
        })
    }

    /// The website redirect asked for.
    pub(super) fn website_redirect(&self) -> S3Result<Option<String>> {
        match self.website_redirect.as_deref() {
            Some(target) if !["/", "http://", "https://"].iter().any(|start| target.starts_with(start)) => {
                let message =
                    "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.";
                Err(custom_error("InvalidRedirectLocation", StatusCode::BAD_REQUEST, message.to_owned()))
            }
            target => Ok(target.map(str::to_owned)),
        }
    }

    /// The content headers and the user metadata, as they will be stored.
    pub(super) fn metadata(&self) -> S3Result<Metadata> {
        let size: usize = self.metadata.user.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > MAX_USER_METADATA {
            return Err(s3_error!(
                MetadataTooLarge,
                "Your metadata headers exceed the maximum allowed metadata size: {size} of {MAX_USER_METADATA} bytes"
            ));
        }
        let mut metadata = self.metadata.clone();
        metadata.content_type.get_or_insert_with(|| DEFAULT_CONTENT_TYPE.to_owned());
        metadata.content_encoding = metadata.content_encoding.as_deref().and_then(without_aws_chunked);
        Ok(metadata)
    }
}

/// `aws-chunked` says how the request travels, so it does not stay with the object.
fn without_aws_chunked(encoding: &str) -> Option<String> {
    let rest: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && *coding != "aws-chunked")
        .collect();
    (!rest.is_empty()).then(|| rest.join(","))
}

/// A time as an HTTP date.
pub(super) fn http_date(time: &dto::Timestamp) -> Option<String> {
    let mut text = Vec::new();
    time.format(TimestampFormat::HttpDate, &mut text).ok()?;
    String::from_utf8(text).ok()
}

/// Reads an encryption.
///
/// # Errors
/// `InvalidArgument` for a method that S3 does not know, or a key for one that takes none.
pub(super) fn checked_encryption(
    algorithm: &str,
    key: Option<String>,
    bucket_key: Option<bool>,
) -> S3Result<Encryption> {
    if !ENCRYPTIONS.contains(&algorithm) {
        return Err(s3_error!(
            InvalidArgument,
            "The encryption method specified is not supported: {algorithm}"
        ));
    }
    let algorithm = algorithm.to_owned();
    let mut encryption = Encryption { algorithm, kms_key_id: key, ..Encryption::default() };
    if encryption.is_kms() {
        encryption.kms_key_id.get_or_insert_with(|| MANAGED_KEY.to_owned());
        encryption.bucket_key = bucket_key;
    } else if encryption.kms_key_id.is_some() {
        return Err(key_without_kms());
    }
    Ok(encryption)
}

fn key_without_kms() -> S3Error {
    s3_error!(
        InvalidArgument,
        "x-amz-server-side-encryption-aws-kms-key-id needs x-amz-server-side-encryption: aws:kms"
    )
}
