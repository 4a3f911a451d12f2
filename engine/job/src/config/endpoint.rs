//! `[endpoint.NAME]`: what tasks may call beside the store.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::file::{EndpointKind, EndpointSection};
use super::notify::webhook_key;
use super::{Credentials, resolve};
use crate::declare::{Declaration, duration, pointer};
use crate::secret::Secret;

/// Bounds of `timeout`: a task may take 15 minutes in all, and so may a function of AWS Lambda.
const TIMEOUT_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15 * 60));

/// Bounds of `batch-wait`: it adds to the time of every call.
const BATCH_WAIT_BOUNDS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(10));

/// Headers that are the engine's.
const OWN_HEADERS: [&str; 8] = [
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// Something that tasks may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointConfig {
    /// What it speaks.
    pub way: EndpointWay,
    /// Most time for one attempt.
    pub timeout: Duration,
    /// Most bytes of an answer.
    pub answer_bytes: u32,
    /// Most calls at once; `None` means no bound but the engine's concurrency.
    pub concurrency: Option<u32>,
    /// Most calls per second; `None` means no bound.
    pub requests_per_second: Option<u32>,
    /// Most tasks of one call, and how long the first waits for others; `None` means that each has its own.
    pub batching: Option<(u32, Duration)>,
}

/// What an endpoint speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EndpointWay {
    /// The Invoke API of AWS Lambda.
    Lambda {
        /// ARN of the function, perhaps with a version or alias.
        function: String,
        /// Server that speaks the API; `None` means Amazon's.
        url: Option<String>,
        /// Whose signature calls carry; `None` means none.
        credentials: Option<Credentials>,
    },
    /// A plain POST.
    Webhook {
        /// Where to.
        url: String,
        /// Bearer token.
        token: Option<Secret>,
        /// Further headers.
        headers: BTreeMap<String, Secret>,
        /// Key of the signature, base64; `None` means that calls are not signed.
        secret: Option<Secret>,
    },
}

impl EndpointWay {
    /// The secrets that it holds.
    pub(super) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Lambda { credentials, .. } => credentials.iter().flat_map(Credentials::secrets).collect(),
            Self::Webhook { token, headers, secret, .. } => {
                let headers = headers.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value);
                headers.chain(token).chain(secret).collect()
            }
        }
    }
}

/// Parts of a header's name by which its value is a secret. Others hold words that job files may well have, too.
const SECRET_HEADERS: [&str; 6] = ["auth", "key", "token", "secret", "password", "cookie"];

fn is_secret(header: &str) -> bool {
    SECRET_HEADERS.iter().any(|part| header.contains(part))
}

/// Resolves one endpoint, adding what is wrong with it to `declaration`.
pub(super) fn endpoint(
    section: EndpointSection,
    at: &str,
    declaration: &mut Declaration<'_>,
) -> Option<EndpointConfig> {
    let timeout =
        duration::read(&section.timeout, &pointer::join(at, "timeout"), TIMEOUT_BOUNDS, declaration);
    let (answer_bytes, concurrency) = (section.answer_bytes, section.concurrency);
    let requests_per_second = section.requests_per_second;
    let wait =
        duration::read(&section.batch_wait, &pointer::join(at, "batch-wait"), BATCH_WAIT_BOUNDS, declaration);
    let batching = wait.map(|wait| Some((section.batch_tasks, wait)).filter(|(tasks, _)| *tasks > 1));
    let way = match section.kind? {
        EndpointKind::Lambda => lambda(section, at, declaration),
        EndpointKind::Webhook => webhook(section, at, declaration),
    };
    Some(EndpointConfig {
        way: way?,
        timeout: timeout?,
        answer_bytes,
        concurrency,
        requests_per_second,
        batching: batching?,
    })
}

fn lambda(section: EndpointSection, at: &str, declaration: &mut Declaration<'_>) -> Option<EndpointWay> {
    let of_webhooks = [
        ("token", section.token.is_some()),
        ("headers", !section.headers.is_empty()),
        ("secret", section.secret.is_some()),
    ];
    let mut fits = only_of("webhook", of_webhooks, at, declaration);
    if section.url.as_ref().is_some_and(|url| url.contains('?')) {
        let problem = "the URL of a server of Lambda's API has no query";
        declaration.problem_at_value(&pointer::join(at, "url"), problem, None);
        fits = false;
    }
    let credentials = section.credentials.map(resolve::credentials);
    // Amazon takes no call without a signature.
    let credentials = credentials.or_else(|| section.url.is_none().then_some(Credentials::DefaultChain));
    let function = needed(section.function, "function", "lambda", at, declaration)?;
    fits.then_some(EndpointWay::Lambda { function, url: section.url, credentials })
}

fn webhook(section: EndpointSection, at: &str, declaration: &mut Declaration<'_>) -> Option<EndpointWay> {
    let of_lambda =
        [("function", section.function.is_some()), ("credentials", section.credentials.is_some())];
    let mut fits = only_of("lambda", of_lambda, at, declaration);
    let mut headers = BTreeMap::new();
    for (name, value) in section.headers {
        fits &= header_fits(&name, &value, &pointer::join(at, "headers"), declaration);
        headers.insert(name.to_ascii_lowercase(), Secret::new(value));
    }
    let token = section.token.map(Secret::new);
    if let Some(token) = &token {
        fits &= header_value_fits(token.reveal(), &pointer::join(at, "token"), declaration);
        if headers.contains_key("authorization") {
            let problem = "\"token\" is the header \"authorization\", which is among \"headers\" already";
            declaration.problem_at_value(&pointer::join(at, "token"), problem, None);
            fits = false;
        }
    }
    let secret = section.secret.map(|secret| webhook_key(secret, at, declaration));
    let url = needed(section.url, "url", "webhook", at, declaration)?;
    // A secret that was given and is none must not become none.
    let secret = match secret {
        Some(secret) => Some(secret?),
        None => None,
    };
    fits.then_some(EndpointWay::Webhook { url, token, headers, secret })
}

fn needed(
    value: Option<String>,
    key: &str,
    kind: &str,
    at: &str,
    declaration: &mut Declaration<'_>,
) -> Option<String> {
    if value.is_none() && !declaration.declares(&pointer::join(at, key)) {
        declaration.problem_at_key(at, format!("an endpoint of kind {kind:?} needs {key:?}"), None);
    }
    value
}

/// Whether none of the keys of the other `kind` is there.
fn only_of<const N: usize>(
    kind: &str,
    keys: [(&str, bool); N],
    at: &str,
    declaration: &mut Declaration<'_>,
) -> bool {
    for (key, _) in keys.iter().filter(|(_, given)| *given) {
        let problem = format!("{key:?} is for endpoints of kind {kind:?}");
        declaration.problem_at_key(&pointer::join(at, key), problem, None);
    }
    keys.iter().all(|(_, given)| !given)
}

fn header_fits(name: &str, value: &str, at: &str, declaration: &mut Declaration<'_>) -> bool {
    let at = pointer::join(at, name);
    if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        declaration.problem_at_key(&at, format!("the header {name:?} is the engine's own"), None);
        return false;
    }
    header_value_fits(value, &at, declaration)
}

/// Whether HTTP can carry the value (RFC 9110 section 5.5); of what may be a secret nothing is shown.
fn header_value_fits(value: &str, at: &str, declaration: &mut Declaration<'_>) -> bool {
    let fits = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !fits {
        let problem =
            format!("{} is no value of a header: it may have ASCII characters only", pointer::name(at));
        declaration.problem_at_value(at, problem, None);
    }
    fits
}
