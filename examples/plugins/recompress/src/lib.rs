//! An operation of one's own: text, JSON and gzip files become Zstandard, under a key of their own, and only what was read back and found the
//! same takes the place of the original.
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown -p longshore-example-recompress
//! ```
//!
//! Zstandard is a tenth to a third smaller than gzip on JSON and logs, and several times as fast to read. The new object keeps metadata, tags, storage class and
//! encryption. It is read back, decoded by another library than the one that encoded it, and compared by SHA-256; not before that is
//! the original deleted, if that is wanted at all, and only if it still is what was read.

mod squeeze;

use std::io::BufRead as _;

use longshore_sdk::in_place::{self, Metadata};
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Response, Task};
use schemars::JsonSchema;
use serde::Deserialize;

use self::squeeze::{Coding, Content, Counting};

/// Bytes that are read at once. With the encoder's window and the part that is written they are far below what an operation has.
const READ_BYTES: usize = 4 << 20;
/// User metadata of the new object: the ETag of the one it was made from.
const MADE_FROM: &str = "recompressed-from";
/// Storage classes that cannot be read back at once.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// Parameters of `recompress`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// What is put after each key for the new object; a `.gz` goes before that.
    #[serde(default = "default_suffix")]
    #[schemars(length(min = 1, max = 64))]
    pub suffix: String,
    /// Level of Zstandard: higher ones are slower, and make less.
    #[serde(default = "default_level")]
    #[schemars(range(min = 1, max = 9))]
    pub level: u8,
    /// Whether new objects have `Content-Encoding: zstd`: clients that know it read the content, others find a Zstandard file.
    #[serde(default = "yes")]
    pub content_encoding: bool,
    /// Whether originals are deleted, once the new object has been read back and is the same.
    #[serde(default)]
    pub delete_original: bool,
}

fn default_suffix() -> String {
    ".zst".to_owned()
}

fn default_level() -> u8 {
    3
}

fn yes() -> bool {
    true
}

/// The operation.
#[derive(Debug)]
pub struct Recompress(Parameters);

impl Recompress {
    fn target(&self, object: &Object) -> Object<'static> {
        let key = object.key();
        let stem = key.strip_suffix(".gz").map(str::to_owned);
        let stem = stem.or_else(|| key.strip_suffix(".tgz").map(|stem| format!("{stem}.tar")));
        let key = format!("{}{}", stem.unwrap_or(key), self.0.suffix);
        object.open(&object.bucket(), &key, None)
    }

    /// Why an object is left as it is, as far as HeadObject tells.
    fn is_left(&self, object: &Object, head: &Response) -> Option<String> {
        let encoding = head.content_encoding().unwrap_or_default();
        if head.size() == Some(0) {
            return Some("it is empty".to_owned());
        }
        if object.key().ends_with(&self.0.suffix) {
            return Some(format!("its key ends in {} already", self.0.suffix));
        }
        let is_readable =
            ["", "identity", "aws-chunked", "gzip"].contains(&encoding.to_ascii_lowercase().as_str());
        (!is_readable).then(|| format!("its content is encoded: {encoding}"))
    }

    /// Whether the new object is there since a run before. Another one under its key stays.
    fn is_made(target: &Object, etag: Option<&str>) -> Result<bool, Failure> {
        match target.head().send() {
            Ok(there) => {
                let made_from = there.user_metadata().into_iter().find(|(name, _)| name == MADE_FROM);
                if made_from.is_some_and(|(_, value)| Some(value.as_str()) == etag) {
                    return Ok(true);
                }
                let message =
                    format!("there is another object s3://{}/{}, which stays", target.bucket(), target.key());
                Err(Failure::new("TargetExists", message))
            }
            Err(error) if error.http_status == Some(404) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the new object, if it is not there. What the content is; or why there is none.
    fn make(
        &self,
        object: &Object,
        head: &Response,
        target: &Object,
    ) -> Result<Result<Content, String>, Failure> {
        let etag = head.etag();
        let is_made = Self::is_made(target, etag.as_deref())?;
        let mut reader = object.reader().step(READ_BYTES);
        let coding = Coding::of(reader.fill_buf()?);
        if reader.etag() != etag.as_deref() {
            return Err(
                Failure::new("PreconditionFailed", "the object was written meanwhile").with_status(412)
            );
        }
        if coding == Coding::Zstd {
            return Ok(Err("it is Zstandard already".to_owned()));
        }
        if is_made {
            return squeeze::content_of(reader, coding).map(Ok);
        }
        let mut metadata = Metadata::of(head);
        metadata.content_encoding = self.0.content_encoding.then(|| "zstd".to_owned());
        metadata.user.insert(MADE_FROM.to_owned(), etag.unwrap_or_default());
        let tags: Vec<_> = object.get_tags().send()?.tags();
        let tags = || tags.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
        let writer = target.writer_with(|put| in_place::carry(head, &metadata, put).tags(tags()));
        let mut writer = Counting { inner: writer.if_none_match("*"), bytes: 0 };
        let content = squeeze::compress(reader, coding, &mut writer, self.0.level)?;
        if Some(writer.bytes) >= head.size() {
            return Ok(Err(format!("it would not become smaller: {} bytes", writer.bytes)));
        }
        writer.inner.finish()?;
        Ok(Ok(content))
    }

    /// Reads the new object back. One that is not the same goes again.
    fn verify(target: &Object, content: Content) -> Result<u64, Failure> {
        let mut reader = target.reader().step(READ_BYTES);
        let size = reader.size()?;
        let etag = reader.etag().map(str::to_owned);
        let found = squeeze::content_of(reader, Coding::Zstd);
        if found.as_ref() == Ok(&content) {
            return Ok(size);
        }
        if let Err(failure) = &found
            && failure.http_status.is_some()
        {
            // The store's: it says nothing about the object.
            return Err(failure.clone());
        }
        target.delete().if_match(etag.as_deref()).send()?;
        Err(Failure::new("VerificationFailed", "the new object did not hold what was written; it is deleted"))
    }
}

impl Operation for Recompress {
    type Parameters = Parameters;
    const NAME: &'static str = "recompress";
    const SUMMARY: &'static str =
        "Makes Zstandard of text, JSON and gzip files, verified before anything is deleted.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self(parameters))
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        let object = object.open(&object.bucket(), &object.key(), None);
        let target = self.target(&object);
        let mut plan = vec![
            object.head().planned(),
            target.head().planned(),
            object.get_tags().planned(),
            object.get().provisional(),
            target.get().provisional(),
            target.delete().provisional(),
        ];
        plan.extend(target.writer().planned());
        if self.0.delete_original {
            plan.push(object.delete().provisional());
        }
        plan
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        let invalid = |message: String| Err(Failure::new("InvalidRequest", message).with_status(400));
        let current = object.open(&object.bucket(), &object.key(), None);
        let head = current.head().send()?;
        if object.version_id().is_some_and(|row| head.version_id().as_deref().unwrap_or("null") != row) {
            return invalid("the row names a version that is not the current one".to_owned());
        }
        if let Some(class) = head.storage_class().filter(|class| ARCHIVES.contains(&class.as_str())) {
            return invalid(format!(
                "what is written to {class} cannot be read back: copy it to another class first"
            ));
        }
        if let Some(why) = self.is_left(&current, &head) {
            return Ok(Outcome::Skipped(why));
        }
        let target = self.target(&current);
        let content = match self.make(&current, &head, &target)? {
            Ok(content) => content,
            Err(why) => return Ok(Outcome::Skipped(why)),
        };
        let size = Self::verify(&target, content)?;
        if self.0.delete_original {
            current.delete().if_match(head.etag().as_deref()).send()?;
        }
        let before = head.size().unwrap_or(0);
        Ok(Outcome::done_with(format!("{before} bytes became {size}, of {} bytes of content", content.bytes)))
    }
}

longshore_sdk::export!(Recompress);

#[cfg(test)]
mod tests;
