//! A compiled plugin.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::Failure;
use longshore_job::text::steers;
use longshore_store::Mandate;

use crate::bindings::OperationPre;
use crate::bindings::longshore::operation::host;
use crate::grants::Granted;
use crate::instance::Instance;
use crate::state::State;
use crate::{Grants, Isolation, Lane, PluginError, PluginLimits, Terms, text};

/// Most actions in a description.
const MAX_ACTIONS: usize = 100;
/// Most bytes of a version or an action.
const MAX_WORD_BYTES: usize = 128;

/// Most bytes of the schema of the parameters: read, it takes up to fifty times as much.
const MAX_SCHEMA_BYTES: usize = 256 << 10;

/// One compiled operation and the terms under which it runs. Cloning is cheap.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    pre: OperationPre<State>,
    digest: String,
    name: Arc<str>,
    description: Description,
    granted: Arc<Granted>,
    limits: Arc<PluginLimits>,
    isolation: Isolation,
    tick: Duration,
}

/// What an operation says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The name that job files use.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of the parameters.
    pub parameters: serde_json::Value,
    /// IAM actions the operation may need, each a [grant](crate::Grant).
    pub actions: Vec<String>,
}

impl Description {
    /// The actions, as grants.
    pub(crate) fn grants(&self) -> Result<Grants, String> {
        Grants::parse(&self.actions).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            format!("its actions: {}", errors.join("; "))
        })
    }
}

impl Plugin {
    pub(crate) fn new(
        pre: OperationPre<State>,
        digest: String,
        terms: &Terms,
        tick: Duration,
    ) -> Result<Self, PluginError> {
        let limits = Arc::new(terms.limits.clone());
        let description = describe(&pre, &limits, tick)?;
        let name: Arc<str> = description.name.as_str().into();
        let granted = Arc::new(Granted { operation: Arc::clone(&name), grants: terms.grants.clone() });
        let isolation = terms.isolation;
        Ok(Self(Arc::new(Inner { pre, digest, name, description, granted, limits, isolation, tick })))
    }

    /// SHA-256 of the bytes it was loaded from, in lower-case hex.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// What the operation says about itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// What it may do at most.
    pub fn grants(&self) -> &Grants {
        &self.0.granted.grants
    }

    /// Makes a lane: an instance configured with the job's parameters.
    ///
    /// # Errors
    /// [`PluginError::Parameters`] if the operation refuses them, [`PluginError::Start`] if it cannot be started.
    pub async fn lane(&self, parameters: &serde_json::Value, job_id: &str) -> Result<Lane, PluginError> {
        Lane::new(self.clone(), parameters.to_string(), job_id.into()).await
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    pub(crate) fn limits(&self) -> &PluginLimits {
        &self.0.limits
    }

    pub(crate) fn isolation(&self) -> Isolation {
        self.0.isolation
    }

    pub(crate) fn mandate(&self) -> Arc<dyn Mandate> {
        Arc::clone(&self.0.granted) as Arc<dyn Mandate>
    }

    pub(crate) async fn instantiate(&self, job_id: &Arc<str>) -> Result<Instance, Failure> {
        let Inner { pre, limits, name, tick, .. } = &*self.0;
        let state = State::new(Arc::clone(limits), *tick, Arc::clone(name), Arc::clone(job_id));
        Instance::new(pre, state).await
    }
}

/// Asks a component what it is.
pub(crate) fn describe(
    pre: &OperationPre<State>,
    limits: &Arc<PluginLimits>,
    tick: Duration,
) -> Result<Description, PluginError> {
    let ask = async {
        let state = State::new(Arc::clone(limits), tick, "?".into(), "".into());
        Instance::new(pre, state).await?.describe().await
    };
    let unusable = |reason| PluginError::Description { reason };
    // A guest that sleeps uses no processor time.
    let limit = limits.cpu_time;
    let answer = block_on(async { tokio::time::timeout(limit, ask).await })?;
    let answer = answer.map_err(|_| unusable(format!("it took more than {} s", limit.as_secs_f64())))?;
    let answer = answer.map_err(|failure| unusable(failure.message))?;
    check(answer, limits).map_err(unusable)
}

/// Runs a future that waits for nothing outside of it, on a thread of its own: the caller may be within a runtime.
fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> Result<T, PluginError> {
    let no_thread = |reason: String| PluginError::Engine { reason };
    std::thread::scope(|scope| {
        let run = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .map(|runtime| runtime.block_on(future))
        };
        let thread = std::thread::Builder::new().name("plugin-describe".to_owned()).spawn_scoped(scope, run);
        let thread = thread.map_err(|error| no_thread(error.to_string()))?;
        match thread.join() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(no_thread(error.to_string())),
            Err(_) => Err(no_thread("the thread that describes a plugin panicked".to_owned())),
        }
    })
}

fn check(answer: host::Description, limits: &PluginLimits) -> Result<Description, String> {
    let host::Description { name, version, summary, parameters, actions } = answer;
    if !is_name(&name) {
        let name = text::quoted(&name);
        return Err(format!("the name {name} is none: use 1 to 64 lower-case letters, digits and hyphens"));
    }
    if version.is_empty() || version.len() > MAX_WORD_BYTES {
        return Err(format!("the version has {} bytes; 1 to {MAX_WORD_BYTES} are allowed", version.len()));
    }
    if summary.len() > limits.message_bytes {
        return Err(format!(
            "the summary has {} bytes; the limit is {}",
            summary.len(),
            limits.message_bytes
        ));
    }
    if actions.len() > MAX_ACTIONS || actions.iter().any(|action| action.len() > MAX_WORD_BYTES) {
        return Err(format!(
            "there are more than {MAX_ACTIONS} actions, or longer ones than {MAX_WORD_BYTES} bytes"
        ));
    }
    if [&version, &summary].into_iter().chain(&actions).any(|word| word.contains(steers)) {
        return Err(
            "version, summary or an action contains a control character or a mark of direction".to_owned()
        );
    }
    if parameters.len() > MAX_SCHEMA_BYTES {
        return Err(format!(
            "the schema of the parameters has {} bytes; the limit is {MAX_SCHEMA_BYTES}",
            parameters.len()
        ));
    }
    let parameters: serde_json::Value = serde_json::from_str(&parameters)
        .map_err(|error| format!("the schema of the parameters is not JSON: {error}"))?;
    if !parameters.is_object() {
        return Err("the schema of the parameters is not a JSON object".to_owned());
    }
    let description = Description { name, version, summary, parameters, actions };
    description.grants()?;
    Ok(description)
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
