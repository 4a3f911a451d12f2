//! A stream that becomes an object.

use std::io::{self, Write};

use super::{DEFAULT_STEP, broken};
use crate::{Object, PutObject, Request, Response, StoreError, raw};

/// Fewest and most bytes of a part: the first is S3's rule for all parts but the last, the second what fits into an operation's memory.
const PARTS: std::ops::RangeInclusive<usize> = 5 << 20..=32 << 20;

/// What the object shall have beside its bytes.
type Settings<'o> = Box<dyn Fn(PutObject) -> PutObject + 'o>;

/// A stream that becomes an object once [`finish`](Self::finish) is called. Made by [`Object::writer`].
///
/// What fits into one part is sent by one PutObject, more by a multipart upload. Until `finish` the object is what it was before; a writer
/// that is dropped before, or fails, leaves nothing behind. The engine sees to that even if the operation or the engine itself dies.
pub struct ObjectWriter<'o> {
    object: &'o Object<'o>,
    settings: Settings<'o>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    part: usize,
    buffer: Vec<u8>,
    upload: Option<Upload>,
    /// Why a part was not taken: then no other is sent.
    refused: Option<StoreError>,
}

/// An upload that was begun.
struct Upload {
    id: String,
    /// How many parts were sent.
    parts: u32,
}

impl<'o> ObjectWriter<'o> {
    pub(crate) fn new(object: &'o Object<'o>, settings: Settings<'o>) -> Self {
        Self {
            object,
            settings,
            if_match: None,
            if_none_match: None,
            part: DEFAULT_STEP,
            buffer: Vec::new(),
            upload: None,
            refused: None,
        }
    }

    /// So many bytes in each part but the last: 5 to 32 MiB (the nearest of these). [`DEFAULT_STEP`](super::DEFAULT_STEP) unless this is
    /// called. A task may send 1,000 requests unless its operator says otherwise.
    #[must_use]
    pub fn part(mut self, bytes: usize) -> Self {
        self.part = bytes.clamp(*PARTS.start(), *PARTS.end());
        self
    }

    /// Only if the object that is there has this ETag; otherwise `finish` fails with `PreconditionFailed`.
    #[must_use]
    pub fn if_match<'v>(mut self, etag: impl Into<Option<&'v str>>) -> Self {
        self.if_match = etag.into().map(str::to_owned);
        self
    }

    /// `*`: only if there is no such object; otherwise `finish` fails with `PreconditionFailed`.
    #[must_use]
    pub fn if_none_match<'v>(mut self, etag: impl Into<Option<&'v str>>) -> Self {
        self.if_none_match = etag.into().map(str::to_owned);
        self
    }

    /// The requests for a plan: one or the other will be sent, with content that is not known yet. Use the first alone where
    /// the output surely fits into one part: then a role need not allow `s3:AbortMultipartUpload`.
    pub fn planned(&self) -> [Request; 2] {
        [self.put(&[]).provisional(), self.create().provisional()]
    }

    /// Makes the object of what was written.
    ///
    /// # Errors
    /// The store's error, also that of a part before. Then there is no new object.
    pub fn finish(mut self) -> Result<Response, StoreError> {
        let body = std::mem::take(&mut self.buffer);
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        if self.upload.is_none() {
            return self.put(&body).send();
        }
        if !body.is_empty() {
            self.send_part(&body)?;
        }
        let id = self.upload.as_ref().map(|upload| upload.id.clone()).unwrap_or_default();
        // Where this fails the upload is aborted as the writer is dropped.
        let answer = self.conditional(self.object.raw().complete_upload(&id)).send()?;
        self.upload = None;
        Ok(answer)
    }

    fn put(&self, body: &[u8]) -> PutObject {
        (self.settings)(self.conditional(self.object.raw().put(body)))
    }

    /// What begins an upload takes the settings of a put.
    fn create(&self) -> PutObject {
        (self.settings)(PutObject(self.object.raw().create_upload()))
    }

    /// What makes the object takes the conditions of a put.
    fn conditional(&self, request: raw::Request) -> PutObject {
        PutObject(request).if_match(self.if_match.as_deref()).if_none_match(self.if_none_match.as_deref())
    }

    /// Sends a part; the first one begins the upload.
    fn send_part(&mut self, body: &[u8]) -> Result<(), StoreError> {
        let sent = self.try_part(body);
        if let Err(error) = &sent {
            self.abort();
            self.refused = Some(error.clone());
        }
        sent
    }

    fn try_part(&mut self, body: &[u8]) -> Result<(), StoreError> {
        let begun = match self.upload.take() {
            Some(upload) => upload,
            None => Upload { id: self.create().send()?.upload_id().unwrap_or_default(), parts: 0 },
        };
        let upload = self.upload.insert(begun);
        upload.parts = upload.parts.saturating_add(1);
        raw::send(self.object.raw().upload_part(&upload.id, upload.parts, body)).map(drop)
    }

    fn abort(&mut self) {
        if let Some(upload) = self.upload.take() {
            // What cannot be aborted now the engine aborts at the end of the task, or of the job.
            let _ = self.object.abort_upload(&upload.id).send();
        }
    }
}

impl Write for ObjectWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(error) = &self.refused {
            return Err(broken(error.clone()));
        }
        if self.buffer.len() >= self.part {
            // The memory stays for the next part.
            let mut body = std::mem::take(&mut self.buffer);
            let sent = self.send_part(&body);
            body.clear();
            self.buffer = body;
            sent.map_err(broken)?;
        }
        let room = self.part.saturating_sub(self.buffer.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        Ok(taken.len())
    }

    /// Does nothing: parts are sent as they are full, and the rest by [`finish`](Self::finish).
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for ObjectWriter<'_> {
    fn drop(&mut self) {
        self.abort();
    }
}
