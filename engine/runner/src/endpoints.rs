//! The endpoints of the engine configuration, as tasks call them.

use longshore_job::EngineConfig;
use longshore_job::config::{EndpointConfig, EndpointWay, signing_key};
use longshore_store::{self as store, Batching, EndpointKind, Endpoints, RateLimits};

use crate::engine::count;
use crate::error::{JobFailure, OPERATION_NOT_USABLE};
use crate::store::{credentials, rate_limits};

/// Every endpoint. Nothing is sent, and nothing looked up, before the first call.
pub(crate) fn endpoints(config: &EngineConfig) -> Result<Endpoints, JobFailure> {
    let configs = config.endpoints.iter().map(|(name, endpoint)| {
        let lanes = config.engine.concurrency;
        let lanes = endpoint.concurrency.map_or(lanes, |most| most.min(lanes));
        settings(name, endpoint, rate_limits(lanes, endpoint.requests_per_second))
    });
    Endpoints::new(configs.collect())
        .map_err(|error| JobFailure::new(OPERATION_NOT_USABLE, error.to_string()))
}

fn settings(name: &str, endpoint: &EndpointConfig, rate: RateLimits) -> store::EndpointConfig {
    let kind = match &endpoint.way {
        EndpointWay::Lambda { function, url, credentials: source } => EndpointKind::Lambda {
            function: function.clone(),
            url: url.clone(),
            credentials: source.as_ref().map(credentials),
        },
        EndpointWay::Webhook { url, token, headers, secret } => EndpointKind::Webhook {
            url: url.clone(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.clone(), value.reveal().to_owned()))
                .chain(
                    token
                        .iter()
                        .map(|token| ("authorization".to_owned(), format!("Bearer {}", token.reveal()))),
                )
                .collect(),
            key: secret.as_ref().map(|secret| signing_key(secret).unwrap_or_default()),
        },
    };
    store::EndpointConfig {
        name: name.to_owned(),
        kind,
        timeout: endpoint.timeout,
        answer_bytes: count(endpoint.answer_bytes),
        rate,
        batching: endpoint.batching.map(|(tasks, wait)| Batching { tasks: count(tasks), wait }),
    }
}
