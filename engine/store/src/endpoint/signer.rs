//! Signs calls of Lambda: AWS Signature Version 4.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_s3::config::Region;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::Request;
use tokio::sync::Mutex;

use crate::client::CredentialsSource;
use crate::client::credentials::{self, Roots};
use crate::error::{StoreError, code};

/// How long before their end credentials are replaced.
const EARLY: Duration = Duration::from_secs(60);

/// How long credentials are used that do not say when they end, as in the AWS SDK.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

pub(super) struct Signer {
    what: String,
    region: String,
    provider: SharedCredentialsProvider,
    /// Asking for credentials may take a request of its own: they are kept, with the time until which they are used.
    kept: Mutex<Option<(Credentials, SystemTime)>>,
}

impl Signer {
    /// `what` is what messages call the endpoint.
    pub(super) async fn new(
        what: &str,
        source: &CredentialsSource,
        region: &str,
    ) -> Result<Self, StoreError> {
        let http = credentials::http_client(Roots::Native, 1)?;
        let provider = credentials::provider(what, source, &Region::new(region.to_owned()), http).await?;
        Ok(Self { what: what.to_owned(), region: region.to_owned(), provider, kept: Mutex::default() })
    }

    /// Adds the signature.
    pub(super) async fn sign(&self, request: &mut Request<Bytes>) -> Result<(), StoreError> {
        let credentials = self.credentials().await?;
        self.add_signature(request, credentials, SystemTime::now()).map_err(|error| {
            StoreError::new(code::INVALID_REQUEST, format!("{}: cannot be signed: {error}", self.what))
        })
    }

    async fn credentials(&self) -> Result<Credentials, StoreError> {
        let now = SystemTime::now();
        let mut kept = self.kept.lock().await;
        if let Some((credentials, until)) = kept.as_ref()
            && now < *until
        {
            return Ok(credentials.clone());
        }
        let found = self.provider.provide_credentials().await.map_err(|error| {
            let message = format!("{}: no credentials: {}", self.what, credentials::cause(&error));
            StoreError::new(code::CREDENTIALS_ERROR, message).retry()
        })?;
        let end = found.expiry().and_then(|end| end.checked_sub(EARLY));
        *kept = Some((found.clone(), end.unwrap_or(now + LIFETIME)));
        Ok(found)
    }

    fn add_signature(
        &self,
        request: &mut Request<Bytes>,
        credentials: Credentials,
        time: SystemTime,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let identity = credentials.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("lambda")
            .time(time)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = request.headers().iter().map(|(name, value)| Ok((name.as_str(), value.to_str()?)));
        let headers: Vec<_> = headers.collect::<Result<_, http::header::ToStrError>>()?;
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers.into_iter(),
            SignableBody::Bytes(request.body()),
        )?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}
