//! The codes of Amazon's replication (Amazon S3 User Guide, "Amazon S3 replication failure reasons"), and what in an answer of a
//! store, or in a refusal of the policies, is one of them.

use longshore_sdk::{Failure, StoreError};

/// HTTP status of every row with such a code, as in the reports of Amazon's service.
const STATUS: u16 = 500;

/// A failure with one of the codes.
pub(crate) fn failure(code: &str, message: impl Into<String>) -> Failure {
    Failure::new(code, message).with_status(STATUS)
}

/// The same as an error of a store, whose code the message keeps.
fn coded(code: &str, error: &StoreError) -> Failure {
    failure(code, format!("{}: {}", error.code, error.message))
}

fn is_denied(error: &StoreError) -> bool {
    error.code == "AccessDenied"
}

/// Whether the bucket is elsewhere than the store signs for.
fn is_elsewhere(error: &StoreError) -> bool {
    matches!(
        error.code.as_str(),
        "PermanentRedirect"
            | "TemporaryRedirect"
            | "IncorrectEndpoint"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
    )
}

/// Whether a key is there and cannot be used.
fn is_key_state(error: &StoreError) -> bool {
    matches!(
        error.code.as_str(),
        "KMS.DisabledException"
            | "KMS.KMSInvalidStateException"
            | "KMS.InvalidStateException"
            | "KMS.InvalidKeyUsageException"
            | "KMS.KeyUnavailableException"
    )
}

/// A request about the source failed; `denied` is the code if it was refused.
pub(crate) fn of_source(error: StoreError, denied: &str) -> Failure {
    let code = match error.code.as_str() {
        "NoSuchBucket" => "SrcBucketNotFound",
        "NoSuchKey" => "SrcObjectNotFound",
        "NoSuchVersion" => "SrcVersionNotFound",
        "ReplicationConfigurationNotFoundError" => "SrcBucketReplicationConfigMissing",
        _ if is_denied(&error) => denied,
        _ if is_elsewhere(&error) => "SrcBucketInvalidRegion",
        _ if is_key_state(&error) => "SrcKmsKeyInvalidState",
        _ => return error.into(),
    };
    coded(code, &error)
}

/// A request about the bucket of the replicas, or about what is in it, failed.
pub(crate) fn of_destination(error: StoreError) -> Failure {
    let code = match error.code.as_str() {
        "NoSuchBucket" => "DstBucketNotFound",
        _ if is_elsewhere(&error) => "DstBucketInvalidRegion",
        _ => return error.into(),
    };
    coded(code, &error)
}

/// The deletion by which a delete marker is replicated failed.
pub(crate) fn of_deletion(error: StoreError) -> Failure {
    if is_denied(&error) { coded("DstDelObjNotPermitted", &error) } else { of_destination(error) }
}

/// A copy failed; `source_key` is the KMS key of its source.
pub(crate) fn of_copy(error: StoreError, source_key: Option<&str>) -> Failure {
    let code = match error.code.as_str() {
        "NoSuchKey" => "SrcKeyNotFound",
        "NoSuchVersion" => "SrcVersionNotFound",
        "InvalidObjectState" => "SrcObjectNotEligible",
        "KMS.NotFoundException" => "DstKmsKeyNotFound",
        "InvalidRequest" if error.message.contains("missing Object Lock Configuration") => {
            "DstBucketObjectLockConfigMissing"
        }
        _ if is_denied(&error) => refused(&error.message),
        _ if is_key_state(&error) && source_key.is_some_and(|key| error.message.contains(key)) => {
            "SrcKmsKeyInvalidState"
        }
        _ if is_key_state(&error) => "DstKmsKeyInvalidState",
        _ => return of_destination(error),
    };
    coded(code, &error)
}

/// What of a copy was refused. The engine's refusals name the action, as do Amazon's; of a copy that is several requests the
/// message begins with the one that failed. A store that says neither is taken at the likeliest: the source could be read.
fn refused(message: &str) -> &'static str {
    let actions = [
        ("s3:PutObjectTagging", "DstPutTaggingNotPermitted"),
        ("s3:PutObjectAcl", "DstPutAclNotPermitted"),
        ("s3:PutObjectRetention", "DstPutRetentionNotPermitted"),
        ("s3:PutObjectLegalHold", "DstPutLegalHoldNotPermitted"),
        ("s3:GetObjectTagging", "SrcGetTaggingNotPermitted"),
        ("s3:GetObjectVersionTagging", "SrcGetTaggingNotPermitted"),
        ("s3:GetObject", "SrcGetObjectNotPermitted"),
        ("s3:GetObjectVersion", "SrcGetObjectNotPermitted"),
    ];
    let names =
        |action: &str| message.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').any(|it| it == action);
    if let Some((_, code)) = actions.iter().find(|(action, _)| names(action)) {
        return code;
    }
    match message.split(':').next().unwrap_or_default() {
        "CreateMultipartUpload" => "DstMultipartInitNotPermitted",
        "UploadPart" | "UploadPartCopy" => "DstMultipartUploadNotPermitted",
        "CompleteMultipartUpload" => "DstMultipartCompleteNotPermitted",
        "GetObject" | "HeadObject" => "SrcGetObjectNotPermitted",
        "GetObjectTagging" => "SrcGetTaggingNotPermitted",
        _ => "DstPutObjectNotPermitted",
    }
}
