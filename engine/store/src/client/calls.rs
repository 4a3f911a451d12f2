//! Sends each [`Request`] by the AWS SDK.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, SdkError};
use aws_sdk_s3::types::{ChecksumMode, EncodingType, GlacierJobParameters, RestoreRequest, Tagging};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::answers::{self, Answered};
use super::computed::{self, with_checksum};
use super::deletions::Deletions;
use super::errors::{Call, Mapper};
use super::measured;
use super::values;
use crate::Store;
use crate::error::StoreError;
use crate::request::{
    CopyObject, GetObject, HeadObject, ListObjectVersions, ListObjectsV2, Permission, PutObject,
    PutObjectAcl, PutObjectTagging, Request, RestoreObject,
};
use crate::response::Response;

tokio::task_local! {
    /// HTTP status of the answer to the SDK call that this task waits for: the SDK's output types do not tell it.
    static STATUS: Cell<u16>;
}

/// Keeps the status of each answer in [`STATUS`].
#[derive(Debug)]
pub(super) struct ReadStatus;

#[dyn_dispatch_hint]
impl Intercept for ReadStatus {
    fn name(&self) -> &'static str {
        "ReadStatus"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let status = context.response().status().as_u16();
        // Calls whose status nobody wants have no place to keep it.
        let _ = STATUS.try_with(|place| place.set(status));
        Ok(())
    }
}

/// Names an object, or one of its versions, in an SDK call.
macro_rules! object {
    ($call:expr, $object:expr) => {
        $call.bucket(&$object.bucket).key(&$object.key).set_version_id($object.version_id.clone())
    };
}

/// Sets what PutObject and CopyObject say alike about the new object.
macro_rules! new_object {
    ($call:expr, $new:expr, $invalid:expr) => {{
        let grant = |permission| values::grant_header(&$new.acl, permission).map_err($invalid);
        let content = &$new.content;
        let encryption = &$new.encryption;
        $call
            .bucket(&$new.bucket)
            .key(&$new.key)
            .set_cache_control(content.cache_control.clone())
            .set_content_disposition(content.content_disposition.clone())
            .set_content_encoding(content.content_encoding.clone())
            .set_content_language(content.content_language.clone())
            .set_content_type(content.content_type.clone())
            .set_expires(content.expires.map(values::sdk_time))
            .set_metadata(values::metadata(&$new.user_metadata))
            .set_acl($new.acl.canned.as_deref().map(Into::into))
            .set_grant_full_control(grant(Permission::FullControl)?)
            .set_grant_read(grant(Permission::Read)?)
            .set_grant_read_acp(grant(Permission::ReadAcp)?)
            .set_grant_write_acp(grant(Permission::WriteAcp)?)
            .set_storage_class($new.storage_class.as_deref().map(Into::into))
            .set_server_side_encryption(encryption.algorithm.as_deref().map(Into::into))
            .set_ssekms_key_id(encryption.kms_key_id.clone())
            .set_bucket_key_enabled(encryption.bucket_key_enabled)
            .set_website_redirect_location($new.website_redirect_location.clone())
            .set_checksum_algorithm($new.checksum_algorithm.as_deref().map(Into::into))
            .set_object_lock_mode($new.lock.mode().map(Into::into))
            .set_object_lock_retain_until_date(
                $new.lock.retention.as_ref().map(|it| values::sdk_time(it.retain_until)),
            )
            .set_object_lock_legal_hold_status($new.lock.legal_hold.map(values::legal_hold))
            .set_object_lock_event_hold($new.lock.event_hold.as_ref().map(values::event_hold))
            .set_object_lock_event_hold_duration_days(
                $new.lock.event_hold.as_ref().and_then(values::hold_days),
            )
            .set_object_lock_event_hold_duration_years(
                $new.lock.event_hold.as_ref().and_then(values::hold_years),
            )
            .set_tagging(values::tagging_header(&$new.tags))
    }};
}

pub(super) use {new_object, object};

/// Sends requests by the AWS SDK, once each.
#[derive(Debug, Clone)]
pub(crate) struct Sdk {
    /// What metrics call the store.
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) mapper: Mapper,
    /// Whether the endpoint has UpdateObjectEncryption.
    pub(crate) update_encryption: bool,
    /// Most time for one attempt, body included.
    pub(crate) request_timeout: Duration,
    /// Where deletions meet that go together; `None` if each goes alone.
    pub(super) deletions: Option<Arc<Deletions>>,
    /// Whether all bodies of uploads are signed.
    pub(super) sign_bodies: bool,
}

#[async_trait::async_trait]
impl Store for Sdk {
    async fn send(&self, request: &Request) -> Result<Response, StoreError> {
        let attempt = async {
            if let Request::DigestObject(call) = request {
                return self.digest_object(request, call).await;
            }
            if let Request::DeleteObject(call) = request
                && let Some(deletions) = self.deletions.as_ref().filter(|deletions| deletions.take(call))
            {
                // The time of an attempt begins when it is sent.
                return deletions.send(self, call).await;
            }
            let most = self.request_timeout.saturating_add(request.allowance());
            match tokio::time::timeout(most, self.dispatch(request)).await {
                Ok(result) => result,
                Err(_) => Err(self.mapper.timeout(request.name(), most)),
            }
        };
        measured(&self.name, request.name(), attempt).await
    }
}

impl Sdk {
    /// Whether the signature need not cover a body: a Content-MD5, which it covers, tells the store what has to arrive. The
    /// SHA-256 of every byte, which says the same again, was a sixth of what a copy from another store cost here, and costs there too.
    pub(super) fn leaves_unsigned(&self, content_md5: Option<&String>) -> bool {
        content_md5.is_some() && !self.sign_bodies
    }

    /// The calls' futures are large: on the heap each, so that what waits for one needs no stack for all.
    fn dispatch<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = Result<Response, StoreError>> + Send + 'a>> {
        let client = &self.client;
        match request {
            Request::HeadObject(call) => Box::pin(self.head_object(request, call)),
            Request::GetObject(call) => Box::pin(self.get_object(request, call)),
            Request::PutObject(call) => Box::pin(self.put_object(request, call)),
            Request::CopyObject(call) => Box::pin(self.copy_object(request, call)),
            Request::CreateMultipartUpload(call) => Box::pin(self.create_multipart_upload(request, call)),
            Request::UploadPart(call) => Box::pin(self.upload_part(request, call)),
            Request::UploadPartCopy(call) => Box::pin(self.upload_part_copy(request, call)),
            Request::CompleteMultipartUpload(call) => Box::pin(self.complete_multipart_upload(request, call)),
            Request::ListParts(call) => Box::pin(self.list_parts(request, call)),
            Request::GetObjectTagging(call) => Box::pin(async move {
                let sent = object!(client.get_object_tagging(), call.object)
                    .set_request_payer(values::payer(call.requester_pays))
                    .send();
                Ok(answers::tagging(self.answer(request, sent).await?))
            }),
            Request::PutObjectTagging(call) => Box::pin(self.put_object_tagging(request, call)),
            Request::DeleteObjectTagging(call) => Box::pin(async move {
                let answer =
                    self.answer(request, object!(client.delete_object_tagging(), call.object).send()).await?;
                Ok(answers::of_version(answer.status, answer.output.version_id))
            }),
            Request::GetObjectAcl(call) => Box::pin(async move {
                let sent = object!(client.get_object_acl(), call.object).send();
                Ok(answers::acl(self.answer(request, sent).await?))
            }),
            Request::PutObjectAcl(call) => Box::pin(self.put_object_acl(request, call)),
            Request::RestoreObject(call) => Box::pin(self.restore_object(request, call)),
            Request::DeleteObject(call) => Box::pin(self.delete_object(request, call)),
            Request::HeadBucket(call) => Box::pin(async move {
                let answer = self.answer(request, client.head_bucket().bucket(&call.bucket).send()).await?;
                Ok(answers::of_version(answer.status, None))
            }),
            Request::ListObjectsV2(call) => Box::pin(self.list_objects_v2(request, call)),
            Request::ListObjectVersions(call) => Box::pin(self.list_object_versions(request, call)),
            Request::PutObjectLegalHold(call) => Box::pin(self.put_object_legal_hold(request, call)),
            Request::GetObjectLegalHold(call) => Box::pin(async move {
                let sent = object!(client.get_object_legal_hold(), call.object).send();
                Ok(answers::legal_hold(self.answer(request, sent).await?))
            }),
            Request::PutObjectRetention(call) => Box::pin(self.put_object_retention(request, call)),
            Request::GetObjectRetention(call) => Box::pin(async move {
                let sent = object!(client.get_object_retention(), call.object).send();
                Ok(answers::retention(self.answer(request, sent).await?))
            }),
            Request::GetObjectLockConfiguration(call) => Box::pin(async move {
                let sent = client.get_object_lock_configuration().bucket(&call.bucket).send();
                Ok(answers::lock_configuration(self.answer(request, sent).await?))
            }),
            Request::GetBucketReplication(call) => Box::pin(self.get_bucket_replication(request, call)),
            Request::GetBucketVersioning(call) => Box::pin(self.get_bucket_versioning(request, call)),
            Request::ListMultipartUploads(call) => Box::pin(self.list_multipart_uploads(request, call)),
            Request::AbortMultipartUpload(call) => Box::pin(self.abort_multipart_upload(request, call)),
            Request::UpdateObjectEncryption(call) => Box::pin(self.update_object_encryption(request, call)),
            Request::InvokeEndpoint(_) => {
                Box::pin(async { Err(self.mapper.invalid(request.name(), "a store is no endpoint")) })
            }
            Request::DigestObject(call) => Box::pin(self.digest_object(request, call)),
        }
    }

    /// Waits for an SDK call and takes the status along.
    pub(super) async fn answer<T, E>(
        &self,
        request: &Request,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<Answered<T>, StoreError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.answer_to(request.into(), call).await
    }

    /// The same for a call that is no [`Request`].
    pub(super) async fn answer_to<T, E>(
        &self,
        about: Call,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<Answered<T>, StoreError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (result, status) = STATUS
            .scope(Cell::new(0), async {
                let result = call.await;
                (result, STATUS.with(Cell::get))
            })
            .await;
        match result {
            Ok(output) => Ok(Answered { output, status }),
            Err(error) => Err(self.mapper.error(about, &error)),
        }
    }

    async fn head_object(&self, request: &Request, call: &HeadObject) -> Result<Response, StoreError> {
        let sent = object!(self.client.head_object(), call.object)
            .set_if_match(call.if_match.clone())
            .set_if_none_match(call.if_none_match.clone())
            .set_request_payer(values::payer(call.requester_pays))
            .set_checksum_mode(call.checksums.then_some(ChecksumMode::Enabled))
            .set_part_number(call.part_number.map(|number| i32::try_from(number).unwrap_or(i32::MAX)))
            .send();
        Ok(answers::head(self.answer(request, sent).await?))
    }

    async fn get_object(&self, request: &Request, call: &GetObject) -> Result<Response, StoreError> {
        let sent = object!(self.client.get_object(), call.object)
            .set_range(call.range.map(|range| range.to_string()))
            .set_if_match(call.if_match.clone())
            .set_if_none_match(call.if_none_match.clone())
            .set_request_payer(values::payer(call.requester_pays))
            .send();
        let answer = self.answer(request, sent).await?;
        let whole = answers::whole_size(answer.output.content_range());
        let (mut response, body) = answers::get(answer);
        response.body = self.mapper.collect(body, response.size).await?;
        // The length of a range is not the object's.
        response.size = whole.or(response.size);
        Ok(response)
    }

    async fn put_object(&self, request: &Request, call: &PutObject) -> Result<Response, StoreError> {
        let invalid = |why: String| self.mapper.invalid(request.name(), &why);
        let sent = new_object!(self.client.put_object(), call, invalid)
            .set_if_match(call.if_match.clone())
            .set_if_none_match(call.if_none_match.clone())
            .set_content_md5(call.content_md5.clone())
            .body(ByteStream::from(call.body.clone()));
        let checksum = computed::checksum(call.checksum_algorithm.as_deref(), &call.body).await;
        let mut sent = with_checksum!(sent, checksum.map_err(invalid)?).customize();
        if self.leaves_unsigned(call.content_md5.as_ref()) {
            sent = sent.disable_payload_signing();
        }
        let Answered { output, status } = self.answer(request, sent.send()).await?;
        Ok(Response { etag: output.e_tag, ..answers::of_version(status, output.version_id) })
    }

    async fn copy_object(&self, request: &Request, call: &CopyObject) -> Result<Response, StoreError> {
        let invalid = |why: String| self.mapper.invalid(request.name(), &why);
        if call.transfer.target_store.is_some() {
            return Err(invalid("no store copies to another".to_owned()));
        }
        let sent = new_object!(self.client.copy_object(), call, invalid)
            .copy_source(values::copy_source(&call.source))
            .set_metadata_directive(call.metadata_directive.map(|directive| directive.as_str().into()))
            .set_tagging_directive(call.tagging_directive.map(|directive| directive.as_str().into()))
            .set_annotation_directive(call.annotation_directive.map(|directive| directive.as_str().into()))
            .set_copy_source_if_match(call.copy_source_if_match.clone())
            .set_copy_source_if_none_match(call.copy_source_if_none_match.clone())
            .set_copy_source_if_modified_since(call.copy_source_if_modified_since.map(values::sdk_time))
            .set_copy_source_if_unmodified_since(call.copy_source_if_unmodified_since.map(values::sdk_time))
            .set_if_none_match(call.if_none_match.clone())
            .set_request_payer(values::payer(call.requester_pays))
            .send();
        let answer = self.answer(request, sent).await?;
        // Amazon S3 sends the status before the copy is made. Only a result in the body says that it was.
        answers::copy(answer).ok_or_else(|| self.mapper.incomplete(request.name(), "a CopyObjectResult"))
    }

    async fn put_object_tagging(
        &self,
        request: &Request,
        call: &PutObjectTagging,
    ) -> Result<Response, StoreError> {
        let tags = values::tags(&call.tags);
        let tagging = tags.and_then(|tags| Tagging::builder().set_tag_set(Some(tags)).build());
        let tagging = tagging.map_err(|why| self.mapper.invalid(request.name(), &why.to_string()))?;
        let sent = object!(self.client.put_object_tagging(), call.object).tagging(tagging).send();
        let answer = self.answer(request, sent).await?;
        Ok(answers::of_version(answer.status, answer.output.version_id))
    }

    async fn put_object_acl(&self, request: &Request, call: &PutObjectAcl) -> Result<Response, StoreError> {
        let invalid = |why: String| self.mapper.invalid(request.name(), &why);
        let mut sdk = object!(self.client.put_object_acl(), call.object)
            .set_acl(call.acl.canned.as_deref().map(Into::into));
        if let Some(owner) = &call.owner {
            sdk = sdk.access_control_policy(values::acl_document(owner, &call.acl.grants).map_err(invalid)?);
        } else if call.acl.is_empty() {
            // Without this, a store would be sent an empty document, which some take for `private`.
            return Err(invalid("it has neither a canned ACL nor grants nor an owner".to_owned()));
        } else {
            let grant = |permission| values::grant_header(&call.acl, permission).map_err(invalid);
            sdk = sdk
                .set_grant_full_control(grant(Permission::FullControl)?)
                .set_grant_read(grant(Permission::Read)?)
                .set_grant_write(grant(Permission::Write)?)
                .set_grant_read_acp(grant(Permission::ReadAcp)?)
                .set_grant_write_acp(grant(Permission::WriteAcp)?);
        }
        let answer = self.answer(request, sdk.send()).await?;
        Ok(answers::of_version(answer.status, None))
    }

    async fn restore_object(&self, request: &Request, call: &RestoreObject) -> Result<Response, StoreError> {
        let invalid = |why: String| self.mapper.invalid(request.name(), &why);
        let days =
            call.days.map(i32::try_from).transpose().map_err(|error| invalid(format!("days: {error}")))?;
        let tier = call.tier.as_deref().map(|tier| GlacierJobParameters::builder().tier(tier.into()).build());
        let tier = tier.transpose().map_err(|error| invalid(error.to_string()))?;
        let restore = RestoreRequest::builder().set_days(days).set_glacier_job_parameters(tier).build();
        let sent = object!(self.client.restore_object(), call.object).restore_request(restore).send();
        let answer = self.answer(request, sent).await?;
        Ok(answers::of_version(answer.status, None))
    }

    /// ListBuckets, for the probe only: no operation works on all buckets.
    pub(super) async fn list_buckets(&self) -> Result<(), StoreError> {
        match tokio::time::timeout(self.request_timeout, self.client.list_buckets().send()).await {
            Ok(result) => result.map(drop).map_err(|error| self.mapper.error(Call::LIST_BUCKETS, &error)),
            Err(_) => Err(self.mapper.timeout(Call::LIST_BUCKETS.name, self.request_timeout)),
        }
    }

    async fn list_objects_v2(&self, request: &Request, call: &ListObjectsV2) -> Result<Response, StoreError> {
        let invalid = |why: String| self.mapper.invalid(request.name(), &why);
        let max_keys = call.max_keys.map(i32::try_from).transpose();
        let sent = self
            .client
            .list_objects_v2()
            .bucket(&call.bucket)
            .set_prefix(call.prefix.clone())
            .set_delimiter(call.delimiter.clone())
            .set_start_after(call.start_after.clone())
            .set_continuation_token(call.continuation_token.clone())
            .set_max_keys(max_keys.map_err(|error| invalid(format!("max-keys: {error}")))?)
            .set_expected_bucket_owner(call.expected_bucket_owner.clone())
            // XML cannot hold every key as it is.
            .encoding_type(EncodingType::Url)
            .send();
        Ok(answers::list(self.answer(request, sent).await?))
    }

    async fn list_object_versions(
        &self,
        request: &Request,
        call: &ListObjectVersions,
    ) -> Result<Response, StoreError> {
        let invalid = |why: String| self.mapper.invalid(request.name(), &why);
        let max_keys = call.max_keys.map(i32::try_from).transpose();
        let sent = self
            .client
            .list_object_versions()
            .bucket(&call.bucket)
            .set_prefix(call.prefix.clone())
            .set_key_marker(call.key_marker.clone())
            .set_version_id_marker(call.version_id_marker.clone())
            .set_max_keys(max_keys.map_err(|error| invalid(format!("max-keys: {error}")))?)
            .set_expected_bucket_owner(call.expected_bucket_owner.clone())
            .encoding_type(EncodingType::Url)
            .send();
        Ok(answers::versions(self.answer(request, sent).await?))
    }
}
