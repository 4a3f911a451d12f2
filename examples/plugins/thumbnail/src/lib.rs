//! An operation of one's own: makes a thumbnail of each picture, as an object of its own.
//!
//! ```text
//! cargo build --release --target wasm32-unknown-unknown -p longshore-example-thumbnail
//! ```
//!
//! JPEG, PNG and WebP are read, by what their bytes are and not by the key's suffix. Dimensions are looked at before anything is decoded, so that
//! a small file that unfolds to a huge picture costs nothing. Thumbnails are upright, keep the colour profile, and
//! nothing else that cameras write: no place, no serial number.

mod picture;

use longshore_sdk::template::Template;
use longshore_sdk::{Failure, GetObject, Object, Operation, Outcome, PutObject, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

pub use self::picture::Format;
use self::picture::Wanted;

/// Most bytes of a picture's file: with what it unfolds to they must fit into the memory of an operation, 64 MiB.
const MAX_BYTES: u64 = 8 << 20;
/// User metadata of a thumbnail: the ETag of the picture, and how it was made. Whoever has them is up to date, and no picture to make a
/// thumbnail of.
const MADE_FROM: &str = "thumbnail-of";

/// Parameters of `thumbnail`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Where the thumbnails go; without it into the bucket of the picture.
    #[serde(default)]
    pub target_bucket: Option<String>,
    /// Key of each thumbnail: a template.
    #[serde(default = "default_key")]
    pub target_key: String,
    /// Pixels that a thumbnail is wide at most. Proportions stay, and nothing is enlarged.
    #[serde(default = "default_side")]
    #[schemars(range(min = 1, max = 2048))]
    pub width: u32,
    /// Pixels that a thumbnail is high at most.
    #[serde(default = "default_side")]
    #[schemars(range(min = 1, max = 2048))]
    pub height: u32,
    /// Format of the thumbnails.
    #[serde(default)]
    pub format: Format,
    /// Quality of JPEG.
    #[serde(default = "default_quality")]
    #[schemars(range(min = 1, max = 100))]
    pub quality: u8,
    /// Pixels that a picture has at most; one of more fails with `ImageTooLarge`. More need more memory than 64 MiB.
    #[serde(default = "default_pixels")]
    #[schemars(range(min = 1))]
    pub max_pixels: u64,
    /// Whether objects that are no picture fail (`NotAnImage`) or are skipped.
    #[serde(default)]
    pub skip_other_files: bool,
}

fn default_key() -> String {
    "thumbnails/{{key}}.jpg".to_owned()
}

fn default_side() -> u32 {
    256
}

fn default_quality() -> u8 {
    80
}

fn default_pixels() -> u64 {
    8_000_000
}

/// The operation.
#[derive(Debug)]
pub struct Thumbnail {
    target_bucket: Option<String>,
    target_key: Template,
    wanted: Wanted,
    skip_other_files: bool,
}

impl Thumbnail {
    fn target(&self, object: &Object, task: &Task) -> Result<Object<'static>, Failure> {
        let bucket = self.target_bucket.clone().unwrap_or_else(|| object.bucket());
        let key = self.target_key.fill(object, task)?;
        if (&bucket, &key) == (&object.bucket(), &object.key()) {
            let message = "the thumbnail would replace its picture: change target-key or target-bucket";
            return Err(Failure::new("InvalidRequest", message).with_status(400));
        }
        Ok(object.open(&bucket, &key, None))
    }

    fn get(object: &Object) -> GetObject {
        object.get().range(0, MAX_BYTES)
    }

    fn put(&self, target: &Object, body: &[u8], made_from: &str) -> PutObject {
        target
            .put(body)
            .content_type(self.wanted.format.content_type())
            .user_metadata([(MADE_FROM, made_from)])
    }

    /// Which thumbnail this is: of which bytes, made how.
    fn made_from(&self, etag: &str) -> String {
        let Wanted { width, height, format, quality, .. } = self.wanted;
        let etag = etag.trim_matches('"');
        format!("{etag} {width}x{height} {quality} {}", format.content_type())
    }

    fn other_file(&self, message: &str) -> Result<Outcome, Failure> {
        if self.skip_other_files {
            return Ok(Outcome::Skipped(message.to_owned()));
        }
        Err(Failure::new("NotAnImage", message))
    }
}

impl Operation for Thumbnail {
    type Parameters = Parameters;
    const NAME: &'static str = "thumbnail";
    const SUMMARY: &'static str = "Makes a thumbnail of each picture, as an object of its own.";
    const ACTIONS: &'static [&'static str] = &["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        let Parameters {
            target_bucket, width, height, format, quality, max_pixels, skip_other_files, ..
        } = parameters;
        let target_key =
            Template::parse(&parameters.target_key).map_err(|why| format!("target-key: {why}"))?;
        let wanted = Wanted { width, height, format, quality, max_pixels };
        Ok(Self { target_bucket, target_key, wanted, skip_other_files })
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        let mut plan = vec![object.head().planned()];
        if let Ok(target) = self.target(object, task) {
            plan.push(target.head().planned());
            plan.push(Self::get(object).planned());
            plan.push(self.put(&target, &[], "").provisional());
        }
        plan
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let target = self.target(object, task)?;
        let head = object.head().send()?;
        if head.user_metadata().iter().any(|(name, _)| name == MADE_FROM) {
            return Ok(Outcome::Skipped("it is a thumbnail itself".to_owned()));
        }
        let size = head.size().unwrap_or(0);
        if size == 0 {
            return self.other_file("it is empty");
        }
        if size > MAX_BYTES {
            return Err(Failure::new("ImageTooLarge", format!("{size} bytes; at most {MAX_BYTES} are read")));
        }
        let etag = head.etag().unwrap_or_default();
        let made_from = self.made_from(&etag);
        match target.head().send() {
            Ok(there) if there.user_metadata().contains(&(MADE_FROM.to_owned(), made_from.clone())) => {
                return Ok(Outcome::Skipped("its thumbnail is up to date".to_owned()));
            }
            Err(error) if error.http_status != Some(404) => return Err(error.into()),
            _ => {}
        }
        let bytes = Self::get(object).if_match(head.etag().as_deref()).send()?.into_body();
        let Some(thumbnail) = picture::thumbnail(bytes, self.wanted)? else {
            return self.other_file("it begins as no JPEG, PNG or WebP file does");
        };
        self.put(&target, &thumbnail, &made_from).send()?;
        Ok(Outcome::done_with(format!(
            "s3://{}/{}: {} bytes",
            target.bucket(),
            target.key(),
            thumbnail.len()
        )))
    }
}

longshore_sdk::export!(Thumbnail);

#[cfg(test)]
mod tests;
