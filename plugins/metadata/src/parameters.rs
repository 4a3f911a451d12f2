//! The parameters of `metadata` and the rules that a schema cannot express.

use std::collections::BTreeMap;

use longshore_sdk::parameters::is_header_name;
use longshore_sdk::template::Template;
use longshore_sdk::time::Moment;
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `metadata`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// What to do with the metadata.
    pub mode: Mode,
    /// Content-Type.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub content_type: Option<String>,
    /// Whether the Content-Type follows from the key's extension. One that is not known leaves it as it is.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub content_type_by_extension: bool,
    /// Cache-Control.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub cache_control: Option<String>,
    /// Content-Disposition.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub content_disposition: Option<String>,
    /// Content-Encoding.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub content_encoding: Option<String>,
    /// Content-Language.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub content_language: Option<String>,
    /// Expires: a date, which begins at midnight UTC, or an RFC 3339 time.
    #[serde(default)]
    #[schemars(with = "Option<Moment>")]
    pub expires: Option<Moment>,
    /// User metadata: names without x-amz-meta-.
    #[serde(default)]
    pub user: BTreeMap<String, String>,
    /// For `remove`: cache-control, content-disposition, content-encoding, content-language, expires, or user.NAME.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub names: Vec<String>,
}

/// What to do with the metadata of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Mode {
    /// The given and no others; the Content-Type stays unless one is given.
    Replace,
    /// The given beside those that are there; a given value wins.
    Merge,
    /// Without the given names.
    Remove,
}

/// Headers that are text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    ContentType,
    CacheControl,
    ContentDisposition,
    ContentEncoding,
    ContentLanguage,
}

impl Header {
    const ALL: [Self; 5] = [
        Self::ContentType,
        Self::CacheControl,
        Self::ContentDisposition,
        Self::ContentEncoding,
        Self::ContentLanguage,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ContentType => "content-type",
            Self::CacheControl => "cache-control",
            Self::ContentDisposition => "content-disposition",
            Self::ContentEncoding => "content-encoding",
            Self::ContentLanguage => "content-language",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|header| header.name() == name)
    }
}

/// What is given, checked.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) headers: Vec<(Header, Template)>,
    pub(crate) expires: Option<Moment>,
    pub(crate) user: BTreeMap<String, Template>,
}

/// Whether a header can carry the value.
pub(crate) fn check_value(value: &str) -> Result<(), String> {
    if value.contains(char::is_control) {
        return Err("contains a control character, which no header can carry".to_owned());
    }
    if !value.is_ascii() {
        return Err("is not ASCII, which stores refuse or garble; encode it (RFC 8187, RFC 2047)".to_owned());
    }
    Ok(())
}

fn template(name: &str, value: &str) -> Result<Template, String> {
    check_value(value).map_err(|why| format!("{name} {why}"))?;
    Template::parse(value).map_err(|why| format!("{name}: {why}"))
}

impl Parameters {
    /// What is given, and the names to remove.
    pub(crate) fn checked(self) -> Result<(Given, Vec<String>), String> {
        let names = removable(self.mode, self.names)?;
        let values = [
            self.content_type,
            self.cache_control,
            self.content_disposition,
            self.content_encoding,
            self.content_language,
        ];
        let mut headers = Vec::new();
        for (header, value) in Header::ALL.into_iter().zip(values) {
            if let Some(value) = value {
                headers.push((header, template(header.name(), &value)?));
            }
        }
        let mut user = BTreeMap::new();
        for (name, value) in &self.user {
            if !is_header_name(name) {
                return Err(format!(
                    "user: {name:?} cannot be part of a header's name; use letters, digits and -_.!#$%&'*+^`|~"
                ));
            }
            // S3 keeps names in lower case.
            user.insert(name.to_ascii_lowercase(), template(&format!("user.{name}"), value)?);
        }
        let given = !headers.is_empty() || self.expires.is_some() || !user.is_empty();
        match self.mode {
            Mode::Remove if given || self.content_type_by_extension => {
                Err("mode \"remove\" takes names only".to_owned())
            }
            Mode::Merge if !given && !self.content_type_by_extension => {
                Err("mode \"merge\" needs something to merge".to_owned())
            }
            _ if self.content_type_by_extension
                && headers.iter().any(|(header, _)| *header == Header::ContentType) =>
            {
                Err("give either content-type or content-type-by-extension".to_owned())
            }
            _ => Ok((Given { headers, expires: self.expires, user }, names)),
        }
    }
}

fn removable(mode: Mode, names: Vec<String>) -> Result<Vec<String>, String> {
    match (mode, names.is_empty()) {
        (Mode::Remove, true) => return Err("mode \"remove\" needs names".to_owned()),
        (Mode::Replace | Mode::Merge, false) => return Err("names go with mode \"remove\"".to_owned()),
        _ => {}
    }
    for name in &names {
        let known = name == "expires"
            || Header::of(name).is_some_and(|header| header != Header::ContentType)
            || name.strip_prefix("user.").is_some_and(is_header_name);
        if !known {
            return Err(format!(
                "names: {name:?} cannot be removed; cache-control, content-disposition, content-encoding, \
                 content-language, expires and user.NAME can"
            ));
        }
    }
    Ok(names)
}
