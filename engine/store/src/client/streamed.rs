//! Parts whose bytes are read while they are sent.

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use futures::StreamExt as _;
use http_body::{Body, Frame, SizeHint};

use super::answers::{self, Answered};
use super::calls::Sdk;
use super::multipart::number;
use crate::error::{StoreError, code};
use crate::request::{Chunks, PartStream, Request, UploadPart};
use crate::response::Response;

/// The chunks as a body of a known length.
struct Streaming {
    /// Never locked: a body must be one that threads could share.
    chunks: Mutex<Chunks>,
    left: u64,
}

impl Body for Streaming {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        let chunks = self.chunks.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(chunk) = ready!(chunks.poll_next_unpin(context)) else { return Poll::Ready(None) };
        if let Ok(bytes) = &chunk {
            self.left = self.left.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        Poll::Ready(Some(chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl Sdk {
    /// UploadPart of bytes that nobody has seen yet: neither their signature nor their checksum can go before them.
    pub(super) async fn upload_streamed(
        &self,
        request: &Request,
        call: &UploadPart,
        stream: &PartStream,
    ) -> Result<Response, StoreError> {
        let object = &call.upload.object;
        if self.sign_bodies || object.checksum_algorithm.is_some() {
            let why = "parts of this size are read while they are sent, so that neither signature nor checksum can go before \
                       them: leave out checksum-algorithm and, in longshore.toml, sign-bodies";
            return Err(self.mapper.invalid(request.name(), why));
        }
        let size = call.body.size();
        let body = Streaming { chunks: Mutex::new(stream.open()), left: size };
        let sent = self
            .client
            .upload_part()
            .bucket(&object.bucket)
            .key(&object.key)
            .upload_id(&call.upload.id)
            .part_number(number(call.number))
            .content_length(i64::try_from(size).unwrap_or(i64::MAX))
            .body(ByteStream::new(SdkBody::from_body_1_x(body)))
            .customize()
            .disable_payload_signing();
        let answer = self.answer(request, sent.send()).await;
        if stream.failure().is_some() {
            // It was retried where it was read, and is no fault of this store.
            return Err(StoreError::new(code::INVALID_RESPONSE, "the source could not be read to its end"));
        }
        let Answered { output, status } = answer?;
        let etag = output.e_tag.ok_or_else(|| self.mapper.incomplete(request.name(), "an ETag"))?;
        let mut response = Response { etag: Some(etag), ..answers::of_version(status, None) };
        response.encryption.algorithm = output.server_side_encryption.map(|name| name.as_str().to_owned());
        Ok(response)
    }
}

#[cfg(test)]
#[path = "streamed_tests.rs"]
mod tests;
