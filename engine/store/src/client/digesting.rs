//! Reads a range of an object through a hasher: no more than a chunk of the connection is in memory.

use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::timeout;

use super::answers::{self, Answered};
use super::calls::{Sdk, object};
use crate::digest::{DigestSoFar, Digester};
use crate::error::StoreError;
use crate::request::{ByteRange, DigestObject, Request};
use crate::response::Response;

/// Most bytes of one request: few requests for a large object, and no more than this is read again where one fails.
const RANGE_BYTES: u64 = 64 * 1024 * 1024;
/// Status of the answer to a request for all of an object.
const OK: u16 = 200;
/// Status of the answer to a request for a range that begins behind the object's end.
const NO_SUCH_RANGE: u16 = 416;

impl Sdk {
    /// The answer of GetObject, with the checksum instead of the body or, where more is left than one request reads, how far
    /// it came. The connection may stand still for no longer than the request timeout; as a whole it takes what it takes.
    pub(super) async fn digest_object(
        &self,
        request: &Request,
        call: &DigestObject,
    ) -> Result<Response, StoreError> {
        let first = call.first();
        let range = ByteRange { first, last: Some(first.saturating_add(RANGE_BYTES - 1)) };
        let answer = match self.open(request, call, Some(range)).await {
            // An empty object has no first byte.
            Err(error) if first == 0 && error.status == Some(NO_SUCH_RANGE) => {
                self.open(request, call, None).await?
            }
            answer => answer?,
        };
        let content_range = answer.output.content_range().map(str::to_owned);
        // A store that does not know ranges sends all, which will do where all is wanted.
        let begins = content_range
            .as_deref()
            .map_or(first == 0, |range| range.starts_with(&format!("bytes {first}-")));
        if !begins {
            return Err(self.mapper.incomplete(request.name(), "the range that was asked for"));
        }
        let (mut response, digester, bytes) = self.read(request, call, answer).await?;
        let (whole, read) =
            (answers::whole_size(content_range.as_deref()).unwrap_or(bytes), first.saturating_add(bytes));
        response.size = Some(whole);
        // The ranges are the engine's own: all was asked for.
        response.http_status = OK;
        if read < whole {
            response.digest_so_far = Some(DigestSoFar::new(read, digester));
            return Ok(response);
        }
        response.checksums = vec![(call.algorithm.name(), STANDARD.encode(digester.finish()))];
        let kind = if call.part_size.is_some() { "COMPOSITE" } else { "FULL_OBJECT" };
        response.checksum_type = Some(kind.to_owned());
        Ok(response)
    }

    async fn open(
        &self,
        request: &Request,
        call: &DigestObject,
        range: Option<ByteRange>,
    ) -> Result<Answered<GetObjectOutput>, StoreError> {
        let sent = object!(self.client.get_object(), call.object)
            .set_if_match(call.if_match.clone())
            .set_range(range.map(|range| range.to_string()))
            .send();
        let answer = timeout(self.request_timeout, self.answer(request, sent)).await;
        answer.map_err(|_| self.mapper.timeout(request.name(), self.request_timeout))?
    }

    /// Reads the body, all of it, and tells how long it was.
    async fn read(
        &self,
        request: &Request,
        call: &DigestObject,
        answer: Answered<GetObjectOutput>,
    ) -> Result<(Response, Digester, u64), StoreError> {
        let stall: Duration = self.request_timeout;
        let late = || self.mapper.timeout(request.name(), stall);
        let (mut response, mut body) = answers::get(answer);
        // What the store says of checksums is about the object, and not what was asked for.
        (response.checksums, response.checksum_type) = (Vec::new(), None);
        let mut digester = match &call.after {
            Some(read) => read.digester(),
            None => Digester::new(call.algorithm, call.part_size),
        };
        let mut bytes = 0_u64;
        while let Some(chunk) = timeout(stall, body.next()).await.map_err(|_| late())? {
            let chunk = chunk.map_err(|error| self.mapper.broken_body(&error))?;
            bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            digester.update(&chunk);
        }
        if response.size.is_some_and(|size| size != bytes) {
            return Err(self.mapper.incomplete(request.name(), "all of its bytes"));
        }
        Ok((response, digester, bytes))
    }
}

#[cfg(test)]
#[path = "digesting_tests.rs"]
mod tests;
