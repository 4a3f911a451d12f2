//! Texts that are filled in for each object: `{{key_dir}}/copy-of-{{key_name}}`.

use crate::{Failure, Object, Task};

/// A text with places that are filled in from the object and its row.
///
/// | place | what stands there |
/// |---|---|
/// | `{{bucket}}`, `{{key}}`, `{{version_id}}` | as the row names them; the key decoded |
/// | `{{key_dir}}` | the key up to its last `/`, without it; empty where it has none |
/// | `{{key_name}}` | the key after its last `/` |
/// | `{{key_stem}}`, `{{key_ext}}` | the name before and after its last `.`; a name that has none, or only at its beginning, has no extension |
/// | `{{column.NAME}}` | what the row says in the manifest's column NAME |
///
/// ```
/// use longshore_sdk::template::Template;
/// use longshore_sdk::testing::FakeStore;
///
/// let template = Template::parse("{{key_dir}}/{{column.owner}}-{{key_stem}}.{{key_ext}}").unwrap();
/// let store = FakeStore::new();
/// let (object, task) = (store.object("photos", "2025/07/cat.jpg"), store.task_with([("owner", "ann")]));
/// assert_eq!(template.fill(&object, &task).unwrap(), "2025/07/ann-cat.jpg");
/// assert!(Template::parse("{{kez}}").unwrap_err().contains("there is no {{kez}}"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Bucket,
    Key,
    VersionId,
    KeyDir,
    KeyName,
    KeyStem,
    KeyExt,
    Column(String),
}

const KNOWN: &str = "bucket, key, key_dir, key_name, key_stem, key_ext, version_id and column.NAME";

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A sentence about a place that is not closed, or that stands for nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) =
                after.split_once("}}").ok_or_else(|| format!("{text:?}: a {{{{ has no }}}} after it"))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Place(Place::parse(name.trim())?));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The text for one object.
    ///
    /// # Errors
    /// If the row does not say what a place stands for.
    pub fn fill(&self, object: &Object, task: &Task) -> Result<String, Failure> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Place(place) => filled.push_str(&place.value(object, task)?),
            }
        }
        Ok(filled)
    }
}

impl Place {
    fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "bucket" => Self::Bucket,
            "key" => Self::Key,
            "version_id" => Self::VersionId,
            "key_dir" => Self::KeyDir,
            "key_name" => Self::KeyName,
            "key_stem" => Self::KeyStem,
            "key_ext" => Self::KeyExt,
            _ => match name.strip_prefix("column.") {
                Some(column) if !column.is_empty() => Self::Column(column.to_owned()),
                _ => return Err(format!("there is no {{{{{name}}}}}; there are {KNOWN}")),
            },
        })
    }

    fn value(&self, object: &Object, task: &Task) -> Result<String, Failure> {
        let missing = |what: String| Failure::new("InvalidRequest", what).with_status(400);
        match self {
            Self::Bucket => Ok(object.bucket()),
            Self::Key => Ok(object.key()),
            Self::VersionId => object
                .version_id()
                .ok_or_else(|| missing("the row has no version ID for the template".to_owned())),
            Self::KeyDir => Ok(split(&object.key()).0.to_owned()),
            Self::KeyName => Ok(split(&object.key()).1.to_owned()),
            Self::KeyStem => Ok(extension(split(&object.key()).1).0.to_owned()),
            Self::KeyExt => Ok(extension(split(&object.key()).1).1.to_owned()),
            Self::Column(name) => task.column(name).ok_or_else(|| {
                missing(format!("the row has no value in column {name:?}, which the template needs"))
            }),
        }
    }
}

/// Directory and name.
fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('/').unwrap_or(("", key))
}

/// Stem and extension.
fn extension(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, extension),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeStore;

    fn filled(template: &str, key: &str) -> String {
        let store = FakeStore::new();
        let task = store.task_with([("owner", "ann")]);
        Template::parse(template).unwrap().fill(&store.object("b", key), &task).unwrap()
    }

    #[test]
    fn every_place() {
        let all = "{{bucket}}|{{key}}|{{key_dir}}|{{key_name}}|{{key_stem}}|{{key_ext}}|{{ column.owner }}";
        assert_eq!(filled(all, "a/b/c.tar.gz"), "b|a/b/c.tar.gz|a/b|c.tar.gz|c.tar|gz|ann");
        assert_eq!(filled(all, "plain"), "b|plain||plain|plain||ann");
        assert_eq!(filled(all, "d/.hidden"), "b|d/.hidden|d|.hidden|.hidden||ann");
        assert_eq!(filled(all, "ends/"), "b|ends/|ends||||ann");
        assert_eq!(filled("{} }} {x}", "k"), "{} }} {x}");
        assert_eq!(filled("{{key}}", "{{bucket}} ü"), "{{bucket}} ü");
    }

    #[test]
    fn what_is_none_is_said() {
        for (template, words) in [
            ("{{", "has no }}"),
            ("a{{key}}{{key", "has no }}"),
            ("{{}}", "there is no {{}}"),
            ("{{column.}}", "there is no {{column.}}"),
            ("{{Key}}", "there are bucket, key"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(error.contains(words), "{template}: {error}");
        }
        let store = FakeStore::new();
        for template in ["{{column.other}}", "{{version_id}}"] {
            let failure =
                Template::parse(template).unwrap().fill(&store.object("b", "k"), &store.task()).unwrap_err();
            assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidRequest", Some(400)));
        }
    }
}
