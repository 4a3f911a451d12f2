//! Reads an object through a hasher: as large as it may be, no more than a chunk of the connection is in memory.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::timeout;

use super::answers;
use super::calls::{Sdk, object};
use crate::digest::Digester;
use crate::error::StoreError;
use crate::request::{DigestObject, Request};
use crate::response::Response;

impl Sdk {
    /// The answer of GetObject, with the checksum instead of the body. The connection may stand still for no longer than the
    /// request timeout; as a whole it takes what it takes.
    pub(super) async fn digest_object(
        &self,
        request: &Request,
        call: &DigestObject,
    ) -> Result<Response, StoreError> {
        let stall: Duration = self.request_timeout;
        let late = || self.mapper.timeout(request.name(), stall);
        let sent = object!(self.client.get_object(), call.object).set_if_match(call.if_match.clone()).send();
        let answer = timeout(stall, self.answer(request, sent)).await.map_err(|_| late())??;
        let (mut response, mut body) = answers::get(answer);
        let mut digester = Digester::new(call.algorithm, call.part_size);
        let mut bytes = 0_u64;
        while let Some(chunk) = timeout(stall, body.next()).await.map_err(|_| late())? {
            let chunk = chunk.map_err(|error| self.mapper.broken_body(&error))?;
            bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            digester.update(&chunk);
        }
        if response.size.is_some_and(|size| size != bytes) {
            return Err(self.mapper.incomplete(request.name(), "all of its bytes"));
        }
        response.checksums = vec![(call.algorithm.name(), STANDARD.encode(digester.finish()))];
        let kind = if call.part_size.is_some() { "COMPOSITE" } else { "FULL_OBJECT" };
        response.checksum_type = Some(kind.to_owned());
        Ok(response)
    }
}
