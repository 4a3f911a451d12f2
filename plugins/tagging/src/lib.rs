//! The built-in operation `tagging`: replaces, merges, removes or deletes the tags of each object.
//!
//! `merge` and `remove` read the tag set, then write the whole of it: S3 knows no other way and no condition, so that
//! two writers at once may lose a change. They write only where something changes.

use std::collections::BTreeMap;

use longshore_sdk::parameters::{MAX_TAGS, check_tag_key, check_tags};
use longshore_sdk::template::Template;
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

type Tags = BTreeMap<String, String>;
type Templates = BTreeMap<String, Template>;

/// Parameters of `tagging`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// What to do with the tags.
    pub mode: Mode,
    /// The tags for `replace` (an empty table is `delete-all`) and `merge`. Values may be filled in for each object:
    /// "{{key_dir}}", "{{column.owner}}".
    #[serde(default)]
    #[schemars(with = "Option<Tags>", extend("maxProperties" = 10))]
    pub tags: Option<Tags>,
    /// The keys for `remove`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub keys: Option<Vec<String>>,
}

/// What to do with the tags of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Mode {
    /// The given tags and no others.
    Replace,
    /// The given tags beside those that are there; a given value wins.
    Merge,
    /// Without the given keys.
    Remove,
    /// No tags.
    DeleteAll,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Merge => "merge",
            Self::Remove => "remove",
            Self::DeleteAll => "delete-all",
        }
    }
}

/// The operation.
#[derive(Debug)]
pub enum Tagging {
    /// See [`Mode::Replace`].
    Replace(Templates),
    /// See [`Mode::Merge`].
    Merge(Templates),
    /// See [`Mode::Remove`].
    Remove(Vec<String>),
    /// See [`Mode::DeleteAll`].
    DeleteAll,
}

impl Tagging {
    /// What the tag set becomes, for the modes that depend on what it is. `more` are the given tags of this object.
    fn change(&self, mut tags: Tags, more: Tags) -> Tags {
        match self {
            Self::Merge(_) => tags.extend(more),
            Self::Remove(keys) => tags.retain(|key, _| !keys.contains(key)),
            Self::Replace(_) => tags = more,
            Self::DeleteAll => tags.clear(),
        }
        tags
    }

    /// The given tags, with the values of this object.
    fn filled(&self, object: &Object, task: &Task) -> Result<Tags, Failure> {
        let (Self::Replace(templates) | Self::Merge(templates)) = self else { return Ok(Tags::new()) };
        let values = templates.iter().map(|(key, value)| Ok((key.clone(), value.fill(object, task)?)));
        let tags = values.collect::<Result<Tags, Failure>>()?;
        // The code and the rule of PutObjectTagging, without the request.
        check_tags(&tags).map_err(|why| Failure::new("InvalidTag", why).with_status(400))?;
        Ok(tags)
    }

    /// Reads, changes and writes back.
    fn rewrite(&self, object: &Object, more: Tags) -> Result<Outcome, Failure> {
        let found: Tags =
            object.get_tags().send()?.tags().into_iter().map(|tag| (tag.key, tag.value)).collect();
        let wanted = self.change(found.clone(), more);
        if wanted == found {
            return Ok(Outcome::Skipped("tags are as wanted already".to_owned()));
        }
        if wanted.len() > MAX_TAGS {
            // The code and the rule of PutObjectTagging, without the request.
            let message = format!(
                "the object has {} tags and would have {}; S3 allows {MAX_TAGS}",
                found.len(),
                wanted.len()
            );
            return Err(Failure::new("BadRequest", message).with_status(400));
        }
        object.put_tags(wanted).send()?;
        Ok(Outcome::done())
    }
}

impl Operation for Tagging {
    type Parameters = Parameters;
    const NAME: &'static str = "tagging";
    const SUMMARY: &'static str = "Replaces, merges, removes or deletes the tags of objects.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:PutObjectTagging",
        "s3:PutObjectVersionTagging",
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging",
        "s3:DeleteObjectTagging",
        "s3:DeleteObjectVersionTagging",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        let Parameters { mode, tags, keys } = parameters;
        let name = mode.name();
        let unwanted = |what| Err(format!("mode {name:?} takes no {what}"));
        match (mode, tags, keys) {
            (Mode::Replace | Mode::Merge | Mode::DeleteAll, _, Some(_)) => unwanted("keys"),
            (Mode::Remove | Mode::DeleteAll, Some(_), _) => unwanted("tags"),
            (Mode::Replace | Mode::Merge, None, _) => Err(format!("mode {name:?} needs tags")),
            (Mode::Merge, Some(tags), _) if tags.is_empty() => {
                Err("mode \"merge\" needs at least one tag".to_owned())
            }
            // An empty set is not in every store's grammar; to delete it is.
            (Mode::Replace, Some(tags), _) if tags.is_empty() => Ok(Self::DeleteAll),
            (Mode::Replace, Some(tags), _) => templates(&tags).map(Self::Replace),
            (Mode::Merge, Some(tags), _) => templates(&tags).map(Self::Merge),
            (Mode::Remove, _, None) => Err("mode \"remove\" needs keys".to_owned()),
            (Mode::Remove, _, Some(keys)) => {
                if keys.is_empty() {
                    return Err("mode \"remove\" needs at least one key".to_owned());
                }
                keys.iter().try_for_each(|key| check_tag_key(key)).map(|()| Self::Remove(keys))
            }
            (Mode::DeleteAll, None, None) => Ok(Self::DeleteAll),
        }
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        // A value that cannot be filled in fails the task, with nothing sent.
        let Ok(tags) = self.filled(object, task) else { return Vec::new() };
        match self {
            Self::Replace(_) => vec![object.put_tags(tags).planned()],
            Self::DeleteAll => vec![object.delete_tags().planned()],
            Self::Merge(_) | Self::Remove(_) => {
                vec![
                    object.get_tags().planned(),
                    object.put_tags(self.change(Tags::new(), tags)).provisional(),
                ]
            }
        }
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let tags = self.filled(object, task)?;
        match self {
            Self::Replace(_) => object.put_tags(tags).send()?,
            Self::DeleteAll => object.delete_tags().send()?,
            Self::Merge(_) | Self::Remove(_) => return self.rewrite(object, tags),
        };
        Ok(Outcome::done())
    }
}

/// Checks what can be checked before values are filled in.
fn templates(tags: &Tags) -> Result<Templates, String> {
    let fixed = |value: &String| if value.contains("{{") { String::new() } else { value.clone() };
    check_tags(&tags.iter().map(|(key, value)| (key.clone(), fixed(value))).collect())?;
    let parse = |value: &String| Template::parse(value);
    tags.iter()
        .map(|(key, value)| Ok((key.clone(), parse(value).map_err(|why| format!("tag {key:?}: {why}"))?)))
        .collect()
}

longshore_sdk::export!(Tagging);

#[cfg(test)]
mod tests;
