//! Parameters that several operations share, with their rules.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{EventHold, Grant};

/// Tags an object may have (Amazon S3 User Guide, "Categorizing your storage using tags").
pub const MAX_TAGS: usize = 10;
/// Characters of a tag's key.
pub const MAX_TAG_KEY: usize = 128;
/// Characters of a tag's value.
pub const MAX_TAG_VALUE: usize = 256;

/// Canned ACLs of S3 (Amazon S3 User Guide, "Canned ACL").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum CannedAcl {
    /// The owner alone.
    Private,
    /// Everyone may read.
    PublicRead,
    /// Everyone may read and write.
    PublicReadWrite,
    /// Amazon EC2 may read.
    AwsExecRead,
    /// Every AWS account may read.
    AuthenticatedRead,
    /// The bucket's owner may read.
    BucketOwnerRead,
    /// The bucket's owner may do everything.
    BucketOwnerFullControl,
}

impl CannedAcl {
    /// The name in `x-amz-acl`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::PublicRead => "public-read",
            Self::PublicReadWrite => "public-read-write",
            Self::AwsExecRead => "aws-exec-read",
            Self::AuthenticatedRead => "authenticated-read",
            Self::BucketOwnerRead => "bucket-owner-read",
            Self::BucketOwnerFullControl => "bucket-owner-full-control",
        }
    }
}

/// Storage classes that an operation may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
#[allow(missing_docs, reason = "names of S3")]
pub enum StorageClass {
    Standard,
    StandardIa,
    OnezoneIa,
    IntelligentTiering,
    GlacierIr,
    Glacier,
    DeepArchive,
}

impl StorageClass {
    /// The name in `x-amz-storage-class`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::StandardIa => "STANDARD_IA",
            Self::OnezoneIa => "ONEZONE_IA",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::GlacierIr => "GLACIER_IR",
            Self::Glacier => "GLACIER",
            Self::DeepArchive => "DEEP_ARCHIVE",
        }
    }
}

/// How the store encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum SseAlgorithm {
    /// Keys of the store (SSE-S3).
    #[serde(rename = "AES256")]
    Aes256,
    /// Keys of a key management service (SSE-KMS).
    #[serde(rename = "aws:kms")]
    Kms,
}

impl SseAlgorithm {
    /// The name in `x-amz-server-side-encryption`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms => "aws:kms",
        }
    }
}

/// Algorithms of checksums that S3 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
#[allow(missing_docs, reason = "names of S3")]
pub enum ChecksumAlgorithm {
    Crc32,
    Crc32c,
    Crc64nvme,
    Sha1,
    Sha256,
    Sha512,
    Md5,
    Xxhash64,
    Xxhash3,
    Xxhash128,
}

impl ChecksumAlgorithm {
    /// The name in `x-amz-checksum-algorithm`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Md5 => "MD5",
            Self::Xxhash64 => "XXHASH64",
            Self::Xxhash3 => "XXHASH3",
            Self::Xxhash128 => "XXHASH128",
        }
    }
}

/// How strict a retention is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum LockMode {
    /// Who may bypass it, may shorten or remove it.
    Governance,
    /// Nobody can shorten or remove it.
    Compliance,
}

impl LockMode {
    /// The name in `x-amz-object-lock-mode`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }
}

/// An event hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct EventHoldParameter {
    /// ON, or OFF: it is released.
    pub status: OnOff,
    /// How strong the lock is, where nothing else says it.
    #[serde(default)]
    pub mode: Option<LockMode>,
    /// Days that the object is retained once the hold is released.
    #[serde(default)]
    #[schemars(range(min = 1, max = 36500))]
    pub days: Option<u32>,
    /// The same in years.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub years: Option<u32>,
}

/// Whether something is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
#[allow(missing_docs, reason = "names of S3")]
pub enum OnOff {
    On,
    Off,
}

impl EventHoldParameter {
    /// Checks what a schema cannot express.
    ///
    /// # Errors
    /// A sentence for the author of the job file.
    pub fn check(&self) -> Result<(), String> {
        match (self.days, self.years) {
            (Some(_), Some(_)) => Err("event-hold: give days or years, not both".to_owned()),
            _ => Ok(()),
        }
    }
}

impl From<&EventHoldParameter> for EventHold {
    fn from(hold: &EventHoldParameter) -> Self {
        Self {
            on: hold.status == OnOff::On,
            mode: hold.mode.map(|mode| mode.name().to_owned()),
            days: hold.days,
            years: hold.years,
        }
    }
}

/// Bytes of user metadata, names and values (Amazon S3 User Guide, "Working with object metadata").
pub const MAX_USER_METADATA_BYTES: usize = 2048;

/// Whether this may follow `x-amz-meta-`: a token of RFC 9110 section 5.6.2.
pub fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&byte))
}

/// One grant of an access control list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct GrantParameter {
    /// How the grantee is named.
    pub r#type: GranteeType,
    /// The canonical user ID, the e-mail address of an account, or the URI of a predefined group.
    #[schemars(length(min = 1, max = 1024))]
    pub grantee: String,
    /// What the grantee may do.
    pub permission: Permission,
}

/// How a grantee is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum GranteeType {
    /// Canonical user ID.
    Id,
    /// E-mail address of an account.
    EmailAddress,
    /// Predefined group.
    Uri,
}

/// What a grantee may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum Permission {
    /// Everything.
    FullControl,
    /// Read the object and its metadata.
    Read,
    /// Write; has no meaning for objects on Amazon S3.
    Write,
    /// Read the ACL.
    ReadAcp,
    /// Write the ACL.
    WriteAcp,
}

impl From<&GrantParameter> for Grant {
    fn from(grant: &GrantParameter) -> Self {
        let grantee_type = match grant.r#type {
            GranteeType::Id => "id",
            GranteeType::EmailAddress => "emailAddress",
            GranteeType::Uri => "uri",
        };
        let permission = match grant.permission {
            Permission::FullControl => "FULL_CONTROL",
            Permission::Read => "READ",
            Permission::Write => "WRITE",
            Permission::ReadAcp => "READ_ACP",
            Permission::WriteAcp => "WRITE_ACP",
        };
        Self {
            grantee_type: grantee_type.to_owned(),
            grantee: grant.grantee.clone(),
            permission: permission.to_owned(),
        }
    }
}

/// Checks a tag set against S3's rules.
///
/// # Errors
/// A sentence that names the first tag that breaks one.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    if tags.len() > MAX_TAGS {
        return Err(format!("{} tags are too many: an object has at most {MAX_TAGS}", tags.len()));
    }
    tags.iter().try_for_each(|(key, value)| {
        check_tag_key(key)?;
        check_text(&format!("the value of tag {key:?}"), value, 0, MAX_TAG_VALUE)
    })
}

/// Checks the key of a tag against S3's rules.
///
/// # Errors
/// A sentence that names the key and the rule.
pub fn check_tag_key(key: &str) -> Result<(), String> {
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(format!("tag {key:?}: keys that begin with \"aws:\" are reserved"));
    }
    check_text(&format!("the key of tag {key:?}"), key, 1, MAX_TAG_KEY)
}

fn check_text(what: &str, text: &str, min: usize, max: usize) -> Result<(), String> {
    let length = text.chars().count();
    if length < min || length > max {
        return Err(format!("{what} has {length} characters; {min} to {max} are allowed"));
    }
    match text.chars().find(|&character| !allowed_in_tag(character)) {
        Some(character) => Err(format!(
            "{what} contains {character:?}; letters, digits, spaces and _ . : / = + - @ are allowed"
        )),
        None => Ok(()),
    }
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, as the S3 API gives it.
fn allowed_in_tag(character: char) -> bool {
    let separator = character.is_whitespace() && !character.is_control();
    character.is_alphanumeric() || separator || "_.:/=+-@".contains(character)
}
