//! Where a copy goes.

use longshore_sdk::template::Template;
use longshore_sdk::{Failure, Object, Task};
use regex_lite::{Regex, RegexBuilder};

use crate::Parameters;

/// Bytes of an object key (Amazon S3 User Guide, "Naming Amazon S3 objects").
const MAX_KEY_BYTES: usize = 1024;
/// Bytes that a compiled pattern may take: far more than keys need, far less than an instance has.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Makes the keys of copies.
#[derive(Debug)]
pub(crate) struct TargetKeys {
    template: Option<Template>,
    rewrite: Option<(Regex, String)>,
    prefix: String,
}

impl TargetKeys {
    pub(crate) fn new(parameters: &Parameters) -> Result<Self, String> {
        let template = parameters.target_key.as_deref().map(Template::parse).transpose();
        let rewrite = parameters.rewrite.as_ref().map(|rewrite| {
            let pattern = RegexBuilder::new(&rewrite.pattern).size_limit(MAX_PATTERN_BYTES).build();
            let pattern =
                pattern.map_err(|why| format!("rewrite.pattern is no regular expression: {why}"))?;
            Ok::<_, String>((pattern, rewrite.replace.clone()))
        });
        let mut prefix = parameters.target_prefix.clone().unwrap_or_default();
        // The prefix is a folder.
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        Ok(Self {
            template: template.map_err(|why| format!("target-key: {why}"))?,
            rewrite: rewrite.transpose()?,
            prefix,
        })
    }

    /// The key of one copy.
    ///
    /// # Errors
    /// If it is none that S3 allows, with the code that S3 would answer.
    pub(crate) fn of(&self, object: &Object, task: &Task) -> Result<String, Failure> {
        let mut key = match &self.template {
            Some(template) => template.fill(object, task)?,
            None => object.key(),
        };
        if let Some((pattern, replace)) = &self.rewrite {
            key = pattern.replace_all(&key, replace).into_owned();
        }
        let key = format!("{}{key}", self.prefix);
        if key.is_empty() {
            return Err(Failure::new("InvalidRequest", "the target key is empty").with_status(400));
        }
        if key.len() > MAX_KEY_BYTES {
            let message = format!("the target key has {} bytes; S3 allows {MAX_KEY_BYTES}", key.len());
            return Err(Failure::new("KeyTooLongError", message).with_status(400));
        }
        Ok(key)
    }
}
