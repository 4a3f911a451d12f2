//! UpdateObjectEncryption: another key for a version, in place. All else of it stays as it is, its time and entity tag, too.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UpdateObjectEncryption.html>. Whose the key is, is not asked: there
//! are no keys here.

use s3s::xml::{DeError, DeResult, Deserialize, Deserializer};
use s3s::{Body, S3Response, S3Result, s3_error};

use super::Protocol;
use super::headers::checked_encryption;
use super::lookup::{check_owner, object};
use super::raw::Raw;
use crate::model::{Attributes, Encryption};
use crate::storage::buckets;

/// The method that a version gets, and with SSE-S3 one of those that it may have.
const KMS: &str = "aws:kms";
/// Characters of the ARN of a key.
const ARN_LENGTH: std::ops::RangeInclusive<usize> = 20..=2048;

pub(super) async fn update(protocol: &Protocol, request: &Raw) -> S3Result<S3Response<Body>> {
    check_owner(request.header("x-amz-expected-bucket-owner"))?;
    let encryption = request.document::<Asked>()?.encryption()?;
    let version = request.parameter("versionId");
    protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &request.bucket)?;
        let version = object(writer, &bucket, &request.key, version.as_deref())?;
        check_source(&version.attributes.encryption)?;
        // What may not be deleted may not be encrypted anew either, and nothing bypasses that.
        version.lock.check_delete(false, jiff::Timestamp::now())?;
        writer.set_attributes(version.id, &Attributes { encryption, ..version.attributes })
    })?;
    Ok(S3Response::new(Body::empty()))
}

/// Whether a version is encrypted by a method that can be changed in place.
///
/// # Errors
/// `InvalidRequest`.
fn check_source(encryption: &Encryption) -> S3Result<()> {
    let method = encryption.shown_algorithm();
    if matches!(method.as_deref(), Some("AES256" | KMS)) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported."
    ))
}

/// What a request asks for.
#[derive(Debug, Default)]
struct Asked {
    kms: Option<Kms>,
}

#[derive(Debug, Default)]
struct Kms {
    key: Option<String>,
    bucket_key: Option<String>,
}

impl<'xml> Deserialize<'xml> for Asked {
    fn deserialize(reader: &mut Deserializer<'xml>) -> DeResult<Self> {
        let mut asked = Self::default();
        reader.named_element("ObjectEncryption", |reader| {
            reader.for_each_element(|reader, name| match name {
                b"SSE-KMS" => {
                    asked.kms = Some(Kms::read(reader)?);
                    Ok(())
                }
                // The other methods, which nothing can be changed to.
                b"SSE-S3" | b"SSE-C" | b"DSSE-KMS" => Ok(()),
                _ => Err(DeError::UnexpectedTagName),
            })
        })?;
        Ok(asked)
    }
}

impl Kms {
    fn read(reader: &mut Deserializer<'_>) -> DeResult<Self> {
        let mut kms = Self::default();
        reader.for_each_element(|reader, name| {
            let field = match name {
                b"KMSKeyArn" => &mut kms.key,
                b"BucketKeyEnabled" => &mut kms.bucket_key,
                _ => return Err(DeError::UnexpectedTagName),
            };
            *field = Some(reader.content()?);
            Ok(())
        })?;
        Ok(kms)
    }
}

impl Asked {
    /// The encryption asked for.
    ///
    /// # Errors
    /// `InvalidRequest` for another one than SSE-KMS, for a key without an ARN, and for a bucket key that is neither on nor off.
    fn encryption(self) -> S3Result<Encryption> {
        let kms = self.kms.ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS."
            )
        })?;
        let key = kms.key.filter(|key| is_key_arn(key)).ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Requests that modify an object's encryption type to SSE-KMS require a valid AWS KMS key Amazon Resource Name (ARN)."
            )
        })?;
        let bucket_key = match kms.bucket_key.as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                return Err(s3_error!(
                    InvalidRequest,
                    "The BucketKeyEnabled value isn't valid. Valid values are true or false."
                ));
            }
        };
        checked_encryption(KMS, Some(key), bucket_key)
    }
}

/// Whether a text names a key by its ARN; an alias is none.
fn is_key_arn(text: &str) -> bool {
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let fields: Vec<&str> = text.split(':').collect();
    let &[arn, partition, service, region, account, resource] = fields.as_slice() else { return false };
    ARN_LENGTH.contains(&text.len())
        && (arn, service) == ("arn", "kms")
        && partition.starts_with("aws")
        && is_name(partition)
        && is_name(region)
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource.strip_prefix("key/").is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234";

    fn read(inner: &str) -> Result<Encryption, String> {
        let text = format!(
            "<ObjectEncryption xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</ObjectEncryption>"
        );
        let asked =
            Asked::deserialize(&mut Deserializer::new(text.as_bytes())).map_err(|_| "MalformedXML")?;
        asked.encryption().map_err(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn a_document_names_a_key() {
        let kms = |inner: &str| read(&format!("<SSE-KMS>{inner}</SSE-KMS>"));
        let key = format!("<KMSKeyArn>{ARN}</KMSKeyArn>");
        let found = kms(&key).unwrap();
        assert_eq!(
            (found.algorithm.as_str(), found.kms_key_id.as_deref(), found.bucket_key),
            (KMS, Some(ARN), None)
        );
        let found = kms(&format!("{key}<BucketKeyEnabled>true</BucketKeyEnabled>")).unwrap();
        assert_eq!(found.bucket_key, Some(true));
        for (document, code) in [
            (read(""), "InvalidRequest"),
            (read("<SSE-S3/>"), "InvalidRequest"),
            (kms(""), "InvalidRequest"),
            (kms("<KMSKeyArn>alias/x</KMSKeyArn>"), "InvalidRequest"),
            (kms(&format!("{key}<BucketKeyEnabled>yes</BucketKeyEnabled>")), "InvalidRequest"),
            (kms("<Key>x</Key>"), "MalformedXML"),
            (read("<SSE>x</SSE>"), "MalformedXML"),
        ] {
            assert_eq!(document.unwrap_err(), code);
        }
    }

    #[test]
    fn an_arn_of_a_key_has_six_fields() {
        assert!(is_key_arn(ARN) && is_key_arn("arn:aws-cn:kms:cn-north-1:000000000000:key/x"));
        for other in [
            "",
            "x",
            "arn:aws:kms:eu-west-1:111122223333:alias/x",
            "arn:aws:kms:eu-west-1:1111:key/x",
            "arn:aws:kms::111122223333:key/x",
            "arn:aws:s3:eu-west-1:111122223333:key/x",
            "arn:aws:kms:eu-west-1:111122223333:key/",
            "arn:aws:kms:eu-west-1:111122223333:key/x:y",
        ] {
            assert!(!is_key_arn(other), "{other}");
        }
    }
}
