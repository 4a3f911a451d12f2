//! The calls about what is kept: locks, versions' ends, uploads left behind, keys of encryption.

use aws_sdk_s3::types::{
    EncodingType, ObjectEncryption, ObjectLockLegalHold, ObjectLockRetention, SsekmsEncryption,
};

use super::calls::{Sdk, object};
use super::{answers, values};
use crate::error::StoreError;
use crate::request::{
    AbortMultipartUpload, DeleteObject, ListMultipartUploads, PutObjectLegalHold, PutObjectRetention,
    Request, UpdateObjectEncryption,
};
use crate::response::Response;

impl Sdk {
    pub(super) async fn delete_object(
        &self,
        request: &Request,
        call: &DeleteObject,
    ) -> Result<Response, StoreError> {
        let sent = object!(self.client.delete_object(), call.object)
            .set_if_match(call.if_match.clone())
            .set_bypass_governance_retention(call.bypass_governance.then_some(true))
            .send();
        Ok(answers::deleted(self.answer(request, sent).await?))
    }

    pub(super) async fn put_object_legal_hold(
        &self,
        request: &Request,
        call: &PutObjectLegalHold,
    ) -> Result<Response, StoreError> {
        let hold = ObjectLockLegalHold::builder().status(values::legal_hold(call.on)).build();
        let sent = object!(self.client.put_object_legal_hold(), call.object).legal_hold(hold).send();
        Ok(answers::of_version(self.answer(request, sent).await?.status, None))
    }

    pub(super) async fn put_object_retention(
        &self,
        request: &Request,
        call: &PutObjectRetention,
    ) -> Result<Response, StoreError> {
        let retention = ObjectLockRetention::builder()
            .set_mode(call.mode().map(Into::into))
            .set_retain_until_date(call.retention.as_ref().map(|it| values::sdk_time(it.retain_until)))
            .set_event_hold(call.event_hold.as_ref().map(values::event_hold))
            .set_event_hold_duration(call.event_hold.as_ref().and_then(values::hold_duration))
            .build();
        let sent = object!(self.client.put_object_retention(), call.object)
            .retention(retention)
            .set_bypass_governance_retention(call.bypass_governance.then_some(true))
            .send();
        Ok(answers::of_version(self.answer(request, sent).await?.status, None))
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: &Request,
        call: &ListMultipartUploads,
    ) -> Result<Response, StoreError> {
        let sent = self
            .client
            .list_multipart_uploads()
            .bucket(&call.bucket)
            .set_prefix(call.prefix.clone())
            .set_key_marker(call.key_marker.clone())
            .set_upload_id_marker(call.upload_id_marker.clone())
            .encoding_type(EncodingType::Url)
            .send();
        Ok(answers::uploads(self.answer(request, sent).await?))
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: &Request,
        call: &AbortMultipartUpload,
    ) -> Result<Response, StoreError> {
        let sent = self
            .client
            .abort_multipart_upload()
            .bucket(&call.bucket)
            .key(&call.key)
            .upload_id(&call.upload_id)
            .send();
        Ok(answers::of_version(self.answer(request, sent).await?.status, None))
    }

    pub(super) async fn update_object_encryption(
        &self,
        request: &Request,
        call: &UpdateObjectEncryption,
    ) -> Result<Response, StoreError> {
        if !self.update_encryption {
            // Others may not know the parameter `encryption`, and would take the request for a PutObject.
            let message = "UpdateObjectEncryption is sent to Amazon S3 only, as another store might overwrite the object; \
                 if this one has the call, set `update-encryption = true` for it in longshore.toml";
            return Err(StoreError::new("NotImplemented", message).with_status(501));
        }
        let kms = SsekmsEncryption::builder()
            .kms_key_arn(&call.kms_key_arn)
            .set_bucket_key_enabled(call.bucket_key_enabled)
            .build()
            .map_err(|why| self.mapper.invalid(request.name(), &why.to_string()))?;
        let sent = object!(self.client.update_object_encryption(), call.object)
            .object_encryption(ObjectEncryption::Ssekms(kms))
            .send();
        Ok(answers::of_version(self.answer(request, sent).await?.status, None))
    }
}
