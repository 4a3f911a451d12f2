//! Plugins from OCI registries: the part of the distribution specification that pulls, with the types and names of `oci-spec`.
//! By the engine's own client, so that every answer has a bound and every redirection is looked at.

use std::collections::HashMap;

use bytes::Bytes;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use http::{HeaderMap, HeaderValue, header};
use oci_spec::distribution::Reference;
use oci_spec::image::{Descriptor, ImageManifest};
use serde::Deserialize;
use url::Url;

use crate::download::{Answer, Asked, get, is_loopback};
use crate::error::RegistryError;
use crate::fetch::{Fetched, MAX_SIGNATURE_BYTES, SIGNATURE, text};
use crate::layout::digest;

/// Most bytes of a manifest: the least that the specification asks registries to take.
const MAX_MANIFEST_BYTES: usize = 4 << 20;

/// Most bytes of the answer that has a token.
const MAX_TOKEN_BYTES: usize = 64 << 10;

/// Media type of the manifests that an artifact has.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Media types of layers that are a component.
const WASM: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

/// Annotation with the name of a layer's file.
const TITLE: &str = "org.opencontainers.image.title";

/// Fetches a plugin, and the signature that is another layer of the artifact.
pub(crate) async fn fetch(reference: &Reference, limit: usize) -> Result<Fetched, RegistryError> {
    let source = format!("oci://{reference}");
    let failed = |reason: String| RegistryError::not_fetched(&source, longshore_http::shortened(&reason));
    let mut registry = Registry::of(reference).map_err(failed)?;
    let (manifest, sha256) = registry.manifest(reference).await.map_err(failed)?;
    let (component, signature) = layers(&manifest).map_err(failed)?;
    let bytes = registry.layer(component, limit).await.map_err(failed)?.to_vec();
    let signature = match signature {
        Some(layer) => {
            let bytes = registry.layer(layer, MAX_SIGNATURE_BYTES).await.map_err(failed)?;
            Some(text(bytes.to_vec(), &source)?)
        }
        None => None,
    };
    // By tag or digest, what is kept says which manifest it was.
    let source = match reference.digest() {
        Some(_) => source,
        None => format!("{source}@sha256:{sha256}"),
    };
    Ok(Fetched { source, bytes, signature })
}

/// One repository of a registry.
struct Registry {
    /// `https://registry/v2/repository/`.
    base: Url,
    repository: String,
    credentials: Option<(String, String)>,
    /// What requests say about who sends them, once the registry has asked.
    authorization: Option<HeaderValue>,
}

/// What a registry's token server answers.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registry {
    /// TLS, but for registries of this machine.
    fn of(reference: &Reference) -> Result<Self, String> {
        let (host, repository) = (reference.resolve_registry(), reference.repository());
        let base = |scheme: &str| {
            format!("{scheme}://{host}/v2/{repository}/").parse::<Url>().map_err(|error| error.to_string())
        };
        let plain = base("http")?;
        let base = if is_loopback(&plain) { plain } else { base("https")? };
        let credentials = credentials(host)?;
        Ok(Self { base, repository: repository.to_owned(), credentials, authorization: None })
    }

    /// The manifest of an artifact, and its SHA-256, which is compared with the one that was asked for.
    async fn manifest(&mut self, reference: &Reference) -> Result<(ImageManifest, String), String> {
        let name = reference.digest().or(reference.tag()).unwrap_or_default();
        let bytes = self.get(&format!("manifests/{name}"), MANIFEST, MAX_MANIFEST_BYTES).await?;
        let found = digest(&bytes);
        if let Some(wanted) = reference.digest().filter(|wanted| *wanted != format!("sha256:{found}")) {
            return Err(format!(
                "the registry sent another manifest: {wanted} was asked for, sha256:{found} came"
            ));
        }
        let manifest = ImageManifest::from_reader(bytes.as_ref()).map_err(|error| {
            format!("its manifest cannot be read; an index of several is not supported: {error}")
        })?;
        Ok((manifest, found))
    }

    /// The bytes of a layer, which are compared with its digest.
    async fn layer(&mut self, layer: &Descriptor, limit: usize) -> Result<Bytes, String> {
        let wanted = layer.digest().to_string();
        if usize::try_from(layer.size()).map_or(true, |size| size > limit) {
            return Err(format!("{wanted} has {} bytes, at most {limit} are taken", layer.size()));
        }
        let bytes = self.get(&format!("blobs/{wanted}"), "*/*", limit).await?;
        let found = digest(&bytes);
        if wanted != format!("sha256:{found}") {
            return Err(format!(
                "the registry sent another layer: {wanted} was asked for, sha256:{found} came"
            ));
        }
        Ok(bytes)
    }

    async fn get(&mut self, path: &str, accept: &'static str, limit: usize) -> Result<Bytes, String> {
        let url = self.base.join(path).map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let mut asked = Asked { limit, pinned: false, headers };
        let missing = || format!("the registry has no {path} of {}", self.repository);
        if let Some(authorization) = &self.authorization {
            asked.headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let challenge = match get(&url, &asked).await? {
            Answer::File(bytes) => return Ok(bytes),
            Answer::Missing => return Err(missing()),
            Answer::Unauthorized(challenge) => challenge,
        };
        let authorization = self.authorize(&challenge).await?;
        asked.headers.insert(header::AUTHORIZATION, authorization.clone());
        match get(&url, &asked).await? {
            Answer::File(bytes) => {
                self.authorization = Some(authorization);
                Ok(bytes)
            }
            Answer::Missing => Err(missing()),
            Answer::Unauthorized(_) => Err(self.refused()),
        }
    }

    /// What the registry wants to be told: the credentials themselves, or a token that its token server gives.
    async fn authorize(&self, headers: &HeaderMap) -> Result<HeaderValue, String> {
        let challenges =
            headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges = challenges.filter_map(|text| http_auth::parse_challenges(text).ok());
        for challenge in challenges.flatten() {
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                return self.basic().ok_or_else(|| self.refused());
            }
            if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let parameters = challenge.params.iter();
                let parameters = parameters
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.to_unescaped()))
                    .collect();
                return self.token(&parameters).await;
            }
        }
        Err(self.refused())
    }

    async fn token(&self, parameters: &HashMap<String, String>) -> Result<HeaderValue, String> {
        let realm = parameters.get("realm").ok_or_else(|| self.refused())?;
        let mut url: Url =
            realm.parse().map_err(|_| "the registry names a token server that is no URL".to_owned())?;
        url.query_pairs_mut().append_pair("scope", &format!("repository:{}:pull", self.repository));
        if let Some(service) = parameters.get("service") {
            url.query_pairs_mut().append_pair("service", service);
        }
        let headers = self.basic().map(|basic| (header::AUTHORIZATION, basic)).into_iter().collect();
        let asked = Asked { limit: MAX_TOKEN_BYTES, pinned: false, headers };
        let Answer::File(bytes) = get(&url, &asked).await? else { return Err(self.refused()) };
        let token: Option<Token> = serde_json::from_slice(&bytes).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        let header = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
        header.ok_or_else(|| "the registry's token server sent no token".to_owned())
    }

    fn basic(&self) -> Option<HeaderValue> {
        let (name, password) = self.credentials.as_ref()?;
        let mut header =
            HeaderValue::try_from(format!("Basic {}", base64(&format!("{name}:{password}")))).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn refused(&self) -> String {
        match &self.credentials {
            Some((name, _)) => {
                format!("the registry refuses the credentials of {name} (from the docker configuration)")
            }
            None => "the registry wants credentials: log in with 'docker login'".to_owned(),
        }
    }
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(text)
}

/// As `docker login` left them.
fn credentials(registry: &str) -> Result<Option<(String, String)>, String> {
    match docker_credential::get_credential(registry) {
        Ok(DockerCredential::UsernamePassword(name, password)) => Ok(Some((name, password))),
        Ok(DockerCredential::IdentityToken(_)) => Err(format!(
            "the docker configuration has an identity token for {registry}, which is not supported; log in with a \
             password or an access token"
        )),
        Err(
            CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError
            | CredentialRetrievalError::NoCredentialConfigured,
        ) => Ok(None),
        // Its helper's words may hold secrets.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            Err(format!("the credential helper {helper} of the docker configuration failed"))
        }
        Err(error) => Err(format!("the credentials in the docker configuration cannot be used: {error}")),
    }
}

/// The layer that is the component, and the one that is its signature.
fn layers(manifest: &ImageManifest) -> Result<(&Descriptor, Option<&Descriptor>), String> {
    let title = |layer: &Descriptor| {
        layer.annotations().as_ref().and_then(|all| all.get(TITLE)).cloned().unwrap_or_default()
    };
    let (signatures, others): (Vec<_>, Vec<_>) =
        manifest.layers().iter().partition(|layer| title(layer).ends_with(SIGNATURE));
    let is_component = |layer: &Descriptor| {
        WASM.contains(&layer.media_type().to_string().as_str()) || title(layer).ends_with(".wasm")
    };
    let components: Vec<_> = others.into_iter().filter(|layer| is_component(layer)).collect();
    match (components.as_slice(), signatures.as_slice()) {
        ([component], []) => Ok((component, None)),
        ([component], [signature]) => Ok((component, Some(signature))),
        ([], _) => Err(format!(
            "the artifact has no layer that is a plugin: one of the type {}, or whose title ends in .wasm",
            WASM.join(" or ")
        )),
        ([_], _) => Err("the artifact has several signatures".to_owned()),
        _ => Err("the artifact has several plugins; push each as an artifact of its own".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tls_but_for_registries_of_this_machine() {
        let base = |text: &str| Registry::of(&text.parse().unwrap()).unwrap().base.to_string();
        assert_eq!(base("127.0.0.1:5000/team/redact:1.0.0"), "http://127.0.0.1:5000/v2/team/redact/");
        assert_eq!(base("localhost:5000/redact:1.0.0"), "http://localhost:5000/v2/redact/");
        assert_eq!(base("registry.invalid/redact:1.0.0"), "https://registry.invalid/v2/redact/");
        assert_eq!(base("10.0.0.1:5000/redact:1.0.0"), "https://10.0.0.1:5000/v2/redact/");
    }

    #[test]
    fn the_layers_of_an_artifact() {
        let layer = |media_type: &str, title: &str| {
            json!({
                "mediaType": media_type, "size": 1, "digest": format!("sha256:{}", "ab".repeat(32)),
                "annotations": { TITLE: title },
            })
        };
        let found = |layers: &[&serde_json::Value]| {
            let config = layer("application/vnd.oci.empty.v1+json", "");
            let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers }).to_string();
            let manifest = ImageManifest::from_reader(manifest.as_bytes()).unwrap();
            super::layers(&manifest).map(|(_, signature)| signature.is_some())
        };
        let wasm = layer("application/wasm", "");
        let titled = layer("application/octet-stream", "redact.wasm");
        let signature = layer("application/octet-stream", "redact.wasm.minisig");
        let other = layer("text/plain", "README.md");
        assert_eq!(found(&[&wasm]), Ok(false));
        assert_eq!(found(&[&signature, &other, &titled]), Ok(true));
        assert!(found(&[&wasm, &titled]).unwrap_err().contains("several plugins"));
        assert!(found(&[&wasm, &signature, &signature]).unwrap_err().contains("several signatures"));
        assert!(found(&[&other]).unwrap_err().contains("no layer"));
    }
}
