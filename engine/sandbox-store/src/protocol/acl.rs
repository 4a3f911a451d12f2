//! GetObjectAcl and PutObjectAcl.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use super::lookup::{check_owner, object, owner};
use super::{Answer, Protocol};
use crate::acl::{self, GrantHeaders};
use crate::storage::buckets;

pub(super) async fn get(
    protocol: &Protocol,
    request: S3Request<GetObjectAclInput>,
) -> Answer<GetObjectAclOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let version = protocol.storage.read(|connection| {
        let bucket = buckets::get(connection, &input.bucket)?;
        object(connection, &bucket, &input.key, input.version_id.as_deref())
    })?;
    Ok(S3Response::new(GetObjectAclOutput {
        grants: Some(acl::to_wire(&version.acl)),
        owner: Some(owner()),
        ..Default::default()
    }))
}

pub(super) async fn put(
    protocol: &Protocol,
    request: S3Request<PutObjectAclInput>,
) -> Answer<PutObjectAclOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let headers = GrantHeaders {
        full_control: input.grant_full_control,
        read: input.grant_read,
        write: input.grant_write,
        read_acp: input.grant_read_acp,
        write_acp: input.grant_write_acp,
    };
    let canned = input.acl.as_ref().map(ObjectCannedACL::as_str);
    let grants = acl::of_request(canned, &headers, input.access_control_policy)?;
    protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        let version = object(writer, &bucket, &input.key, input.version_id.as_deref())?;
        writer.set_acl(version.id, &grants)
    })?;
    Ok(S3Response::new(PutObjectAclOutput::default()))
}
