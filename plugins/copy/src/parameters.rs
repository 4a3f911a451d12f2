//! The parameters of `copy` and the rules that a schema cannot express.

use std::collections::BTreeMap;

use longshore_sdk::parameters::{
    CannedAcl, ChecksumAlgorithm, EventHoldParameter, GrantParameter, LockMode, MAX_USER_METADATA_BYTES,
    Permission, SseAlgorithm, StorageClass, check_tags, is_header_name,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `copy`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Bucket of the copies; may be the source's own.
    #[schemars(
        regex(pattern = r"^[A-Za-z0-9._:-]{1,255}$"),
        extend("patternErrorMessage" = "must be the name of a bucket")
    )]
    pub target_bucket: String,
    /// Store of the copies, by its name in longshore.toml. Without it the job's own.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64), extend("format" = "longshore-store"))]
    pub target_store: Option<String>,
    /// Folder that is put before each key; a `/` is added where it does not end in one.
    #[serde(default)]
    #[schemars(
        length(min = 1, max = 1024),
        regex(pattern = r"^[^\x00]*$"),
        extend("patternErrorMessage" = "must not contain NUL")
    )]
    pub target_prefix: Option<String>,
    /// Key of each copy, before `target-prefix` is put before it: a template, `{{key_dir}}/copy-of-{{key_name}}`. Without
    /// it the source's key.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub target_key: Option<String>,
    /// Replacement in each key, after `target-key` and before `target-prefix`.
    #[serde(default)]
    pub rewrite: Option<Rewrite>,
    /// `copy`, or `move`: the source is deleted once the copy is verified. Implies `verify`.
    #[serde(default)]
    pub mode: Mode,
    /// Whether each copy is compared with its source once it is made: size, and a checksum that both have, else ETag where both
    /// are MD5 sums.
    #[serde(default)]
    pub verify: bool,
    /// `true`: what is there already is replaced; `false`: it is left alone, and the task skipped. Without it a copy replaces what is
    /// there, and a move fails where another object is.
    #[serde(default)]
    pub overwrite: Option<bool>,
    /// Whether to skip objects whose copy is there already, with the same size and ETag.
    #[serde(default)]
    pub skip_identical: bool,
    /// Only if the source has a certain ETag: that in the row's column `ETag`, or the one that it has when the task begins.
    #[serde(default)]
    pub if_match: Option<IfMatch>,
    /// Only what was modified after this time, as RFC 3339: 2025-01-31T00:00:00Z. Others fail with PreconditionFailed.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    pub modified_since: Option<String>,
    /// Only what was not modified after this time, as RFC 3339. Others fail with PreconditionFailed.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    pub unmodified_since: Option<String>,
    /// Whether the role pays for the requests, in Requester Pays buckets.
    #[serde(default)]
    pub requester_pays: bool,
    /// Checksum that the store keeps with the copies. Without it that of the source, or the store's own choice.
    #[serde(default)]
    pub checksum_algorithm: Option<ChecksumAlgorithm>,
    /// Retention of the copies, in a bucket with Object Lock. That of the source is never copied.
    #[serde(default)]
    pub lock: Option<Lock>,
    /// Whether the copies have a legal hold, in a bucket with Object Lock.
    #[serde(default)]
    pub legal_hold: Option<bool>,
    /// Event hold of the copies, in a bucket with Object Lock.
    #[serde(default)]
    pub event_hold: Option<EventHoldParameter>,
    /// Annotations of the copies: `copy` the source's, or `exclude` them. Without it the store copies them, where it knows any.
    #[serde(default)]
    pub annotations: Option<Annotations>,
    /// Where visitors of a website are sent on to: a key of the same bucket (`/page.html`) or a URL.
    #[serde(default)]
    #[schemars(
        length(min = 1, max = 2048),
        regex(pattern = r"^(/|https?://)[\x20-\x7e]*$"),
        extend("patternErrorMessage" = "must begin with /, http:// or https:// and be ASCII")
    )]
    pub redirect_location: Option<String>,
    /// How objects are copied that are too large for one request.
    #[serde(default)]
    pub multipart: Multipart,
    /// Storage class of the copies. Without it the store chooses: STANDARD.
    #[serde(default)]
    pub storage_class: Option<StorageClass>,
    /// Content headers and user metadata of the copies. Without it they are the source's.
    #[serde(default)]
    pub metadata: Option<Metadata>,
    /// Tags of the copies. Without it they are the source's.
    #[serde(default)]
    pub tags: Option<Tags>,
    /// Canned ACL of the copies. An ACL is never copied from the source.
    #[serde(default)]
    pub canned_acl: Option<CannedAcl>,
    /// Grants of the copies, instead of a canned ACL.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub grants: Vec<GrantParameter>,
    /// Encryption of the copies. Without it the target bucket's default applies.
    #[serde(default)]
    pub sse: Option<Encryption>,
}

/// Replacement in keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct Rewrite {
    /// A regular expression; what does not match stays as it is.
    #[schemars(length(min = 1, max = 1024))]
    pub pattern: String,
    /// What each match becomes: `$1` or `${name}` stands for a group, `$$` for a dollar sign.
    #[schemars(length(max = 1024))]
    pub replace: String,
}

/// What becomes of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Mode {
    /// It stays.
    #[default]
    Copy,
    /// It is deleted once the copy is verified.
    Move,
}

/// Where the ETag is from that the source must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum IfMatch {
    /// The row's column `ETag`.
    Column,
    /// HeadObject, when the task begins.
    Head,
}

/// Retention of the copies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct Lock {
    /// GOVERNANCE or COMPLIANCE.
    pub mode: LockMode,
    /// Until when, as RFC 3339: 2030-01-31T00:00:00Z.
    #[schemars(extend("format" = "date-time"))]
    pub retain_until: String,
}

/// Whether copies have the annotations of their sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Annotations {
    /// They have.
    Copy,
    /// They have none.
    Exclude,
}

impl Annotations {
    /// The name in `x-amz-object-annotation-directive`.
    pub(crate) fn directive(self) -> &'static str {
        match self {
            Self::Copy => "COPY",
            Self::Exclude => "EXCLUDE",
        }
    }
}

/// Copies in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct Multipart {
    /// Objects of more bytes are copied in parts, at least 5242880 (5 MiB). Without it those that the store refuses as too
    /// large for one request; with it each object costs one HeadObject more.
    #[serde(default)]
    #[schemars(range(min = 5_242_880, max = 5_368_709_120_u64))]
    pub threshold: Option<u64>,
    /// Bytes of each part but the last, 5242880 (5 MiB) to 5368709120 (5 GiB). Without it 128 MiB; more where there would be
    /// over 10,000 parts.
    #[serde(default)]
    #[schemars(range(min = 5_242_880, max = 5_368_709_120_u64))]
    pub part_size: Option<u64>,
}

/// Content headers and user metadata of the copies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct Metadata {
    /// `copy`: the source's; `replace`: those given here, and no others.
    pub directive: MetadataDirective,
    /// Content-Type.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub content_type: Option<String>,
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
    /// Expires, as RFC 3339: 2030-01-31T00:00:00Z.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    pub expires: Option<String>,
    /// User metadata: names without x-amz-meta-, together at most 2,048 bytes.
    #[serde(default)]
    pub user: BTreeMap<String, String>,
}

/// Whose metadata the copies have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum MetadataDirective {
    /// The source's.
    Copy,
    /// The given.
    Replace,
}

/// Tags of the copies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct Tags {
    /// `copy`: the source's; `replace`: those of `set`; `drop`: none.
    pub directive: TagDirective,
    /// The tags for `replace`.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 10))]
    pub set: BTreeMap<String, String>,
}

/// Whose tags the copies have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum TagDirective {
    /// The source's.
    Copy,
    /// The given.
    Replace,
    /// None.
    Drop,
}

/// Server-side encryption of the copies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct Encryption {
    /// AES256 or aws:kms.
    pub algorithm: SseAlgorithm,
    /// Key ID, ARN or alias for aws:kms. Without it the store uses its own key.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2000))]
    pub kms_key_id: Option<String>,
    /// Whether to use an S3 Bucket Key with aws:kms.
    #[serde(default)]
    pub bucket_key: Option<bool>,
}

impl Parameters {
    /// Whether what is there already is replaced.
    pub(crate) fn overwrites(&self) -> bool {
        self.overwrite.unwrap_or(self.mode == Mode::Copy)
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        if self.canned_acl.is_some() && !self.grants.is_empty() {
            return Err("give either canned-acl or grants, not both".to_owned());
        }
        if self.grants.iter().any(|grant| grant.permission == Permission::Write) {
            let help =
                "who may write an object, its bucket says; FULL_CONTROL is READ, READ_ACP and WRITE_ACP";
            return Err(format!("grants: S3 knows permission WRITE on buckets only: {help}"));
        }
        let renames = self.target_key.is_some() || self.rewrite.is_some();
        if self.mode == Mode::Move && renames && self.overwrites() {
            let why = "two sources may have one target key, and the first would be lost with the second";
            return Err(format!("mode \"move\" with target-key or rewrite takes no overwrite = true: {why}"));
        }
        self.event_hold.as_ref().map_or(Ok(()), EventHoldParameter::check)?;
        self.metadata.as_ref().map_or(Ok(()), Metadata::check)?;
        self.tags.as_ref().map_or(Ok(()), Tags::check)?;
        self.sse.as_ref().map_or(Ok(()), Encryption::check)
    }
}

impl Metadata {
    fn check(&self) -> Result<(), String> {
        let headers = [
            ("content-type", &self.content_type),
            ("cache-control", &self.cache_control),
            ("content-disposition", &self.content_disposition),
            ("content-encoding", &self.content_encoding),
            ("content-language", &self.content_language),
        ];
        let headers = headers.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let user = self.user.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut all = headers.clone().chain(user);
        if let Some((name, _)) = all.find(|(_, value)| value.contains(char::is_control)) {
            return Err(format!("metadata: {name} contains a control character, which no header can carry"));
        }
        if let Some((name, _)) = headers.clone().find(|(_, value)| !value.is_ascii()) {
            return Err(format!(
                "metadata: {name} is not ASCII, which stores refuse or garble; encode it (RFC 8187: filename*=UTF-8''%C3%A4)"
            ));
        }
        let given = !self.user.is_empty() || self.expires.is_some() || headers.count() > 0;
        if given && self.directive == MetadataDirective::Copy {
            return Err("metadata: the store ignores new metadata with directive \"copy\"; use \"replace\""
                .to_owned());
        }
        if let Some(name) = self.user.keys().find(|name| !is_header_name(name)) {
            return Err(format!(
                "metadata.user: {name:?} cannot be part of a header's name; use letters, digits and -_.!#$%&'*+^`|~"
            ));
        }
        let bytes: usize = self.user.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > MAX_USER_METADATA_BYTES {
            return Err(format!("metadata.user has {bytes} bytes; S3 allows {MAX_USER_METADATA_BYTES}"));
        }
        Ok(())
    }
}

impl Tags {
    fn check(&self) -> Result<(), String> {
        if self.directive != TagDirective::Replace && !self.set.is_empty() {
            return Err("tags: set goes with directive \"replace\"".to_owned());
        }
        check_tags(&self.set)
    }
}

impl Encryption {
    fn check(&self) -> Result<(), String> {
        let for_kms = self.kms_key_id.is_some() || self.bucket_key.is_some();
        if for_kms && self.algorithm != SseAlgorithm::Kms {
            return Err("sse: kms-key-id and bucket-key go with algorithm \"aws:kms\"".to_owned());
        }
        Ok(())
    }
}
