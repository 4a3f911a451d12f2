//! Brings a plugin to this machine: from a file, a URL or an OCI registry.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use longshore_job::InstalledName;
use oci_spec::distribution::Reference;
use url::Url;

use crate::error::RegistryError;
use crate::layout::digest;
use crate::{download, oci};

/// Most bytes of a signature: four lines, of which two are comments.
pub(crate) const MAX_SIGNATURE_BYTES: usize = 16 << 10;

/// What is added to the name of a file for that of its signature.
pub(crate) const SIGNATURE: &str = ".minisig";

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// `https://…`, or `http://…` where that is safe.
    Url(Url),
    /// `oci://registry/repository:tag`, or `@sha256:…`.
    Oci(Box<Reference>),
}

/// A plugin as it came.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Where it came from, without secrets: an absolute path, a URL without its query, or an OCI reference with the digest of its
    /// manifest.
    pub source: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Its signature, if there is one.
    pub signature: Option<String>,
}

/// What is wanted of a plugin that is fetched.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// SHA-256 of the file, lower-case hex.
    pub sha256: Option<&'a str>,
    /// The file of its signature; beside it, if left out.
    pub signature: Option<&'a Path>,
    /// Most bytes of the file.
    pub limit: usize,
}

impl std::str::FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(reference) = text.strip_prefix("oci://") {
            let parsed: Reference = reference.parse().map_err(|error| {
                format!("{error}; write oci://registry/repository:tag or oci://registry/repository@sha256:…")
            })?;
            if parsed.tag() == Some("latest") && !reference.ends_with(":latest") {
                return Err("name a tag or a digest: oci://registry/repository:1.0.0".to_owned());
            }
            return Ok(Self::Oci(Box::new(parsed)));
        }
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let url: Url = text.parse().map_err(|error| format!("{error}"))?;
        match url.scheme() {
            _ if !url.username().is_empty() || url.password().is_some() => {
                Err("a URL must not hold credentials: it would be kept; download the file yourself"
                    .to_owned())
            }
            "http" | "https" => Ok(Self::Url(url)),
            scheme => {
                Err(format!("{scheme}:// is not known here; a plugin comes from a file, https:// or oci://"))
            }
        }
    }
}

/// Fetches a plugin and, if there is one, its signature.
///
/// # Errors
/// If it cannot be had, or is not the expected one.
pub async fn fetch(source: &Source, expected: Expected<'_>) -> Result<Fetched, RegistryError> {
    if let Some(digits) = expected.sha256
        && !matches!(InstalledName::parse(&format!("sha256:{digits}")), Ok(InstalledName::Digest(_)))
    {
        let reason = "write the 64 lower-case hexadecimal digits of a SHA-256";
        return Err(RegistryError::not_fetched("--sha256", reason));
    }
    let mut fetched = match source {
        Source::File(path) => from_file(path, expected.limit)?,
        Source::Url(url) => download::fetch(url, expected).await?,
        Source::Oci(reference) => oci::fetch(reference, expected.limit).await?,
    };
    let found = digest(&fetched.bytes);
    if let Some(sha256) = expected.sha256.filter(|sha256| *sha256 != found) {
        let (source_name, expected) = (fetched.source, sha256.to_owned());
        return Err(RegistryError::OtherFile { source_name, expected, found });
    }
    if let Some(path) = expected.signature {
        fetched.signature = Some(text(read(path, MAX_SIGNATURE_BYTES)?, &path.display().to_string())?);
    }
    Ok(fetched)
}

fn from_file(path: &Path, limit: usize) -> Result<Fetched, RegistryError> {
    let bytes = read(path, limit)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(SIGNATURE);
    let beside = Path::new(&beside);
    let signature = if beside.exists() {
        Some(text(read(beside, MAX_SIGNATURE_BYTES)?, &beside.display().to_string())?)
    } else {
        None
    };
    let absolute = std::path::absolute(path).map_err(RegistryError::io("find", path))?;
    Ok(Fetched { source: absolute.display().to_string(), bytes, signature })
}

/// A file of at most `limit` bytes. What is none (a device has no end, a pipe may wait for one) is not opened.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, RegistryError> {
    let shown = path.display().to_string();
    let failed =
        |error: std::io::Error| RegistryError::not_fetched(&shown, format!("cannot read it: {error}"));
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(RegistryError::not_fetched(&shown, "cannot read it: it is not a file"));
    }
    let mut bytes = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path).map_err(failed)?.take(bound).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(RegistryError::not_fetched(&shown, format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// A signature as text.
pub(crate) fn text(bytes: Vec<u8>, shown: &str) -> Result<String, RegistryError> {
    String::from_utf8(bytes)
        .map_err(|_| RegistryError::not_fetched(shown, "this is no signature: it is not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_plugins_come_from() {
        let parse = |text: &str| text.parse::<Source>();
        assert_eq!(parse("a/redact.wasm"), Ok(Source::File("a/redact.wasm".into())));
        assert!(matches!(parse("https://example.com/redact.wasm"), Ok(Source::Url(_))));
        for text in ["oci://127.0.0.1:5000/team/redact:1.0.0", "oci://ghcr.io/team/redact:latest"] {
            assert!(matches!(parse(text), Ok(Source::Oci(_))), "{text}");
        }
        let digest = format!("oci://ghcr.io/team/redact@sha256:{}", "ab".repeat(32));
        assert!(matches!(parse(&digest), Ok(Source::Oci(_))));
        for (text, words) in [
            ("oci://ghcr.io/team/redact", "name a tag or a digest"),
            ("oci://", "write oci://registry/repository:tag"),
            ("s3://b/k", "s3:// is not known here"),
            ("https://a:b@example.com/x", "must not hold credentials"),
            ("https://", "empty host"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
