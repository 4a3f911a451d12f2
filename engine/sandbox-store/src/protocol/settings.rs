//! What buckets are set to: default encryption and replication.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::headers::checked_encryption;
use super::lookup::check_owner;
use super::{Answer, Protocol};
use crate::error::SandboxError;
use crate::model::{self, Encryption, Versioning};
use crate::storage::buckets;

/// Rules of a replication configuration; S3's limit.
const MAX_RULES: usize = 1000;

pub(super) async fn put_encryption(
    protocol: &Protocol,
    request: S3Request<PutBucketEncryptionInput>,
) -> Answer<PutBucketEncryptionOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let mut rules = input.server_side_encryption_configuration.rules;
    let malformed = || {
        s3_error!(
            MalformedXML,
            "A ServerSideEncryptionConfiguration has one rule with ApplyServerSideEncryptionByDefault"
        )
    };
    let rule = rules.pop().filter(|_| rules.is_empty()).ok_or_else(malformed)?;
    let default = rule.apply_server_side_encryption_by_default.ok_or_else(malformed)?;
    let encryption = checked_encryption(
        default.sse_algorithm.as_str(),
        default.kms_master_key_id,
        rule.bucket_key_enabled.filter(|enabled| *enabled),
    )?;
    set_encryption(protocol, &input.bucket, Some(encryption))?;
    Ok(S3Response::new(PutBucketEncryptionOutput {}))
}

pub(super) async fn encryption(
    protocol: &Protocol,
    request: S3Request<GetBucketEncryptionInput>,
) -> Answer<GetBucketEncryptionOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let bucket = protocol.storage.read(|connection| buckets::get(connection, &input.bucket))?;
    // Without a configuration S3 encrypts by itself, and shows that as one.
    let default = bucket.settings.encryption.unwrap_or_default();
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
            kms_master_key_id: default.kms_key_id,
            sse_algorithm: ServerSideEncryption::from(default.algorithm),
        }),
        bucket_key_enabled: Some(default.bucket_key.unwrap_or(false)),
    };
    Ok(S3Response::new(GetBucketEncryptionOutput {
        server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration { rules: vec![rule] }),
    }))
}

pub(super) async fn delete_encryption(
    protocol: &Protocol,
    request: S3Request<DeleteBucketEncryptionInput>,
) -> Answer<DeleteBucketEncryptionOutput> {
    check_owner(request.input.expected_bucket_owner.as_deref())?;
    set_encryption(protocol, &request.input.bucket, None)?;
    Ok(S3Response::new(DeleteBucketEncryptionOutput {}))
}

fn set_encryption(protocol: &Protocol, bucket: &str, encryption: Option<Encryption>) -> S3Result<()> {
    Ok(protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, bucket)?;
        writer.set_settings(&bucket, &model::BucketSettings { encryption, ..bucket.settings.clone() })
    })?)
}

pub(super) async fn put_replication(
    protocol: &Protocol,
    request: S3Request<PutBucketReplicationInput>,
) -> Answer<PutBucketReplicationOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let configuration = input.replication_configuration;
    let rules = &configuration.rules;
    if rules.is_empty() || rules.len() > MAX_RULES {
        return Err(s3_error!(
            MalformedXML,
            "A ReplicationConfiguration has from 1 to {MAX_RULES} rules, not {}",
            rules.len()
        ));
    }
    for rule in rules {
        check_rule(rule)?;
    }
    protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        if bucket.versioning != Versioning::Enabled {
            let message = "Versioning must be 'Enabled' on the bucket to apply a replication configuration";
            return Err(s3_error!(InvalidRequest, "{message}").into());
        }
        for rule in rules {
            check_destination(writer, rule)?;
        }
        writer.set_replication(&bucket, Some(&serde_json::to_string(&configuration)?))
    })?;
    Ok(S3Response::new(PutBucketReplicationOutput {}))
}

fn check_rule(rule: &ReplicationRule) -> S3Result<()> {
    let status = rule.status.as_str();
    if ![ReplicationRuleStatus::ENABLED, ReplicationRuleStatus::DISABLED].contains(&status) {
        return Err(s3_error!(MalformedXML, "The Status of a rule is Enabled or Disabled, not {status}"));
    }
    if rule.filter.is_some() && rule.priority.is_none() {
        let message = "Priority must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.";
        return Err(s3_error!(InvalidRequest, "{message}"));
    }
    Ok(())
}

/// A destination is a versioned bucket.
fn check_destination(connection: &rusqlite::Connection, rule: &ReplicationRule) -> Result<(), SandboxError> {
    let refused = |message: &str| s3_error!(InvalidRequest, "{message}");
    let name = rule
        .destination
        .bucket
        .strip_prefix("arn:aws:s3:::")
        .ok_or_else(|| s3_error!(InvalidArgument, "Invalid bucket ARN"))?;
    let bucket = buckets::find(connection, name)?.ok_or_else(|| refused("Destination bucket must exist."))?;
    if bucket.versioning != Versioning::Enabled {
        return Err(refused("Destination bucket must have versioning enabled.").into());
    }
    Ok(())
}

pub(super) async fn replication(
    protocol: &Protocol,
    request: S3Request<GetBucketReplicationInput>,
) -> Answer<GetBucketReplicationOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let configuration = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        buckets::replication(connection, &bucket)
    })?;
    let configuration = configuration.ok_or_else(|| {
        s3_error!(ReplicationConfigurationNotFoundError, "The replication configuration was not found")
    })?;
    let configuration = serde_json::from_str(&configuration).map_err(SandboxError::from)?;
    Ok(S3Response::new(GetBucketReplicationOutput { replication_configuration: Some(configuration) }))
}

pub(super) async fn delete_replication(
    protocol: &Protocol,
    request: S3Request<DeleteBucketReplicationInput>,
) -> Answer<DeleteBucketReplicationOutput> {
    check_owner(request.input.expected_bucket_owner.as_deref())?;
    protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &request.input.bucket)?;
        writer.set_replication(&bucket, None)
    })?;
    Ok(S3Response::new(DeleteBucketReplicationOutput {}))
}
