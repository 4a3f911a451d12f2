//! The built-in operation `metadata`: changes content headers and user metadata of each object, by a copy in place.

mod parameters;

use longshore_sdk::in_place::{self, Change, Metadata, Original};
use longshore_sdk::lock::LockableBucket;
use longshore_sdk::parameters::MAX_USER_METADATA_BYTES;
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};

use self::parameters::{Given, Header};
pub use self::parameters::{Mode, Parameters};

/// The operation.
#[derive(Debug)]
pub struct SetMetadata {
    mode: Mode,
    given: Given,
    remove: Vec<String>,
    by_extension: bool,
    bucket: LockableBucket,
}

/// Where a header's value is.
fn slot(metadata: &mut Metadata, header: Header) -> &mut Option<String> {
    match header {
        Header::ContentType => &mut metadata.content_type,
        Header::CacheControl => &mut metadata.cache_control,
        Header::ContentDisposition => &mut metadata.content_disposition,
        Header::ContentEncoding => &mut metadata.content_encoding,
        Header::ContentLanguage => &mut metadata.content_language,
    }
}

impl SetMetadata {
    /// What the object is to have.
    fn wanted(&self, object: &Object, task: &Task, found: &Metadata) -> Result<Metadata, Failure> {
        let mut wanted = match self.mode {
            // An object always has a content type: the store would make one up.
            Mode::Replace => Metadata { content_type: found.content_type.clone(), ..Metadata::default() },
            Mode::Merge | Mode::Remove => found.clone(),
        };
        if self.by_extension
            && let Some(guessed) = guess(&object.key())
        {
            wanted.content_type = Some(guessed.to_owned());
        }
        for (header, value) in &self.given.headers {
            *slot(&mut wanted, *header) = Some(header_value(header.name(), value.fill(object, task)?)?);
        }
        if let Some(expires) = self.given.expires {
            wanted.expires = Some(expires.0.to_string());
        }
        for (name, value) in &self.given.user {
            wanted.user.insert(name.clone(), header_value(name, value.fill(object, task)?)?);
        }
        for name in &self.remove {
            remove(&mut wanted, name);
        }
        let bytes: usize = wanted.user.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > MAX_USER_METADATA_BYTES {
            let message =
                format!("user metadata would have {bytes} bytes; S3 allows {MAX_USER_METADATA_BYTES}");
            return Err(Failure::new("MetadataTooLarge", message).with_status(400));
        }
        Ok(wanted)
    }
}

/// The content type that the key's extension stands for.
fn guess(key: &str) -> Option<&'static str> {
    // A path that ends in `/` would be read without it.
    mime_guess::from_path(key.rsplit('/').next()?).first_raw()
}

fn remove(metadata: &mut Metadata, name: &str) {
    if let Some(user) = name.strip_prefix("user.") {
        metadata.user.remove(&user.to_ascii_lowercase());
    } else if name == "expires" {
        metadata.expires = None;
    } else if let Some(header) = Header::of(name) {
        *slot(metadata, header) = None;
    }
}

/// A value that a header can carry.
fn header_value(name: &str, value: String) -> Result<String, Failure> {
    match parameters::check_value(&value) {
        Ok(()) => Ok(value),
        Err(why) => Err(Failure::new("InvalidArgument", format!("{name} {why}")).with_status(400)),
    }
}

impl Operation for SetMetadata {
    type Parameters = Parameters;
    const NAME: &'static str = "metadata";
    const SUMMARY: &'static str = "Changes content headers and user metadata of objects, in place.";
    const ACTIONS: &'static [&'static str] = in_place::ACTIONS;

    fn new(parameters: Parameters) -> Result<Self, String> {
        let (mode, by_extension) = (parameters.mode, parameters.content_type_by_extension);
        let (given, remove) = parameters.checked()?;
        Ok(Self { mode, given, remove, by_extension, bucket: LockableBucket::new() })
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        in_place::plan(object, Change { metadata: Some(&Metadata::default()), ..Change::default() })
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let original = Original::read(object, &self.bucket)?;
        let found = Metadata::of(original.head());
        let wanted = self.wanted(object, task, &found)?;
        if wanted == found {
            return Ok(Outcome::Skipped("metadata are as wanted already".to_owned()));
        }
        original.copy(object, task.now(), Change { metadata: Some(&wanted), ..Change::default() })?;
        Ok(Outcome::done())
    }
}

longshore_sdk::export!(SetMetadata);

#[cfg(test)]
mod tests;
