//! The calls of a multipart upload.

use aws_sdk_s3::operation::list_parts::ListPartsOutput;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_types::byte_stream::ByteStream;

use super::answers::{self, Answered, checksums};
use super::calls::{Sdk, new_object};
use super::computed::{self, with_checksum};
use super::values;
use crate::error::StoreError;
use crate::request::{
    CompleteMultipartUpload, CreateMultipartUpload, ListParts, Part, PartBody, Permission, Request,
    UploadPart, UploadPartCopy,
};
use crate::response::{PartPage, Response};

impl Sdk {
    pub(super) async fn create_multipart_upload(
        &self,
        request: &Request,
        call: &CreateMultipartUpload,
    ) -> Result<Response, StoreError> {
        let invalid = |why: String| self.mapper.invalid(request.name(), &why);
        let sent = new_object!(self.client.create_multipart_upload(), call, invalid).send();
        let Answered { output, status } = self.answer(request, sent).await?;
        let upload_id = output.upload_id.filter(|id| !id.is_empty());
        let upload_id =
            upload_id.ok_or_else(|| self.mapper.incomplete(request.name(), "the ID of the upload"))?;
        Ok(Response { upload_id: Some(upload_id), ..answers::of_version(status, None) })
    }

    pub(super) async fn upload_part(
        &self,
        request: &Request,
        call: &UploadPart,
    ) -> Result<Response, StoreError> {
        let body = match &call.body {
            PartBody::Whole(body) => body,
            PartBody::Streamed(stream) => return self.upload_streamed(request, call, stream).await,
        };
        let algorithm = call.upload.object.checksum_algorithm.as_deref();
        let sent = self
            .client
            .upload_part()
            .bucket(&call.upload.object.bucket)
            .key(&call.upload.object.key)
            .upload_id(&call.upload.id)
            .part_number(number(call.number))
            .set_checksum_algorithm(algorithm.map(Into::into))
            .set_content_md5(call.content_md5.clone())
            .body(ByteStream::from(body.clone()));
        let checksum = computed::checksum(algorithm, body).await;
        let checksum = checksum.map_err(|why| self.mapper.invalid(request.name(), &why))?;
        let mut sent = with_checksum!(sent, checksum).customize();
        if self.leaves_unsigned(call.content_md5.as_ref()) {
            sent = sent.disable_payload_signing();
        }
        let Answered { output, status } = self.answer(request, sent.send()).await?;
        let etag = output.e_tag.ok_or_else(|| self.mapper.incomplete(request.name(), "an ETag"))?;
        Ok(Response { etag: Some(etag), checksums: checksums!(output), ..answers::of_version(status, None) })
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: &Request,
        call: &UploadPartCopy,
    ) -> Result<Response, StoreError> {
        let sent = self
            .client
            .upload_part_copy()
            .bucket(&call.upload.object.bucket)
            .key(&call.upload.object.key)
            .upload_id(&call.upload.id)
            .part_number(number(call.number))
            .copy_source(values::copy_source(&call.source))
            .copy_source_range(call.range.to_string())
            .set_copy_source_if_match(call.copy_source_if_match.clone())
            .set_request_payer(values::payer(call.requester_pays))
            .send();
        let Answered { output, status } = self.answer(request, sent).await?;
        // As with CopyObject, only a result in the body says that the part was made.
        let incomplete = || self.mapper.incomplete(request.name(), "a CopyPartResult");
        let result = output.copy_part_result.ok_or_else(incomplete)?;
        let etag = result.e_tag.ok_or_else(incomplete)?;
        Ok(Response { etag: Some(etag), checksums: checksums!(result), ..answers::of_version(status, None) })
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: &Request,
        call: &CompleteMultipartUpload,
    ) -> Result<Response, StoreError> {
        let parts = call.parts.iter().map(completed).collect();
        let sent = self
            .client
            .complete_multipart_upload()
            .bucket(&call.upload.object.bucket)
            .key(&call.upload.object.key)
            .upload_id(&call.upload.id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .set_if_match(call.if_match.clone())
            .set_if_none_match(call.if_none_match.clone())
            .send();
        let Answered { output, status } = self.answer(request, sent).await?;
        let etag = output.e_tag.ok_or_else(|| self.mapper.incomplete(request.name(), "an ETag"))?;
        Ok(Response { etag: Some(etag), ..answers::of_version(status, output.version_id) })
    }

    pub(super) async fn list_parts(
        &self,
        request: &Request,
        call: &ListParts,
    ) -> Result<Response, StoreError> {
        let sent = self
            .client
            .list_parts()
            .bucket(&call.upload.object.bucket)
            .key(&call.upload.object.key)
            .upload_id(&call.upload.id)
            .set_part_number_marker(call.part_number_marker.map(|marker| marker.to_string()))
            .send();
        Ok(listed(self.answer(request, sent).await?))
    }
}

/// At most 10,000.
pub(super) fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn completed(part: &Part) -> CompletedPart {
    let checksum = |wanted: &str| {
        part.checksums.iter().find(|(algorithm, _)| *algorithm == wanted).map(|(_, value)| value.clone())
    };
    CompletedPart::builder()
        .part_number(number(part.number))
        .e_tag(&part.etag)
        .set_checksum_crc32(checksum("CRC32"))
        .set_checksum_crc32_c(checksum("CRC32C"))
        .set_checksum_crc64_nvme(checksum("CRC64NVME"))
        .set_checksum_md5(checksum("MD5"))
        .set_checksum_sha1(checksum("SHA1"))
        .set_checksum_sha256(checksum("SHA256"))
        .set_checksum_sha512(checksum("SHA512"))
        .set_checksum_xxhash64(checksum("XXHASH64"))
        .set_checksum_xxhash3(checksum("XXHASH3"))
        .set_checksum_xxhash128(checksum("XXHASH128"))
        .build()
}

fn listed(answer: Answered<ListPartsOutput>) -> Response {
    let Answered { output, status } = answer;
    let next = output.next_part_number_marker.filter(|_| output.is_truncated == Some(true));
    let parts = output.parts.into_iter().flatten().filter_map(|part| {
        Some(Part {
            number: u32::try_from(part.part_number?).ok()?,
            etag: part.e_tag?,
            size: part.size.and_then(|size| u64::try_from(size).ok()),
            checksums: checksums!(part),
        })
    });
    let page = PartPage { parts: parts.collect(), next: next.and_then(|next| next.parse().ok()) };
    Response { parts: Some(page), ..answers::of_version(status, None) }
}
