//! What an operation asked of the host, and what it was answered.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use longshore_plugin::{HostCall, Watcher};
use serde::Serialize;

/// One call of the host.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Call {
    /// A request.
    Sent(Sent),
    /// A line for the engine's log.
    Logged {
        /// `error`, `warn`, `info` or `debug`.
        level: &'static str,
        /// The line.
        message: String,
    },
}

/// A request, and its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sent {
    /// On one line: `PutObjectTagging s3://bucket/key tag=team=a`.
    pub request: String,
    /// What was set beside the object: names and values.
    pub settings: Vec<(&'static str, String)>,
    /// The store, if it is not the job's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// HTTP status of the answer.
    pub status: Option<u16>,
    /// Error code and message of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<(String, String)>,
    /// How long the answer took, in milliseconds.
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
}

fn milliseconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((took.as_secs_f64() * 1e6).round() / 1e3)
}

impl From<&HostCall<'_>> for Call {
    fn from(call: &HostCall<'_>) -> Self {
        match call {
            HostCall::Sent { request, store, answer, took } => Self::Sent(Sent {
                request: request.to_string(),
                settings: request.settings(),
                store: store.map(str::to_owned),
                status: match answer {
                    Ok(response) => Some(response.http_status),
                    Err(error) => error.status,
                },
                error: answer.err().map(|error| (error.code.clone(), error.message.clone())),
                took: *took,
            }),
            HostCall::Logged { level, message } => Self::Logged { level, message: (*message).to_owned() },
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logged { level, message } => write!(f, "log {level}: {message}"),
            Self::Sent(sent) => {
                f.write_str(&sent.request)?;
                if let Some(store) = &sent.store {
                    write!(f, " (store {store})")?;
                }
                f.write_str(" -> ")?;
                match (&sent.error, sent.status) {
                    (None, status) => write!(f, "{}", status.unwrap_or_default())?,
                    (Some((code, message)), Some(status)) => write!(f, "{status} {code}: {message}")?,
                    (Some((code, message)), None) => write!(f, "{code}: {message}")?,
                }
                write!(f, " ({} ms)", sent.took.as_millis())
            }
        }
    }
}

/// Keeps every call, and hands it on as it ends. A task's calls are bounded by the plugin limits.
pub struct Recorder {
    calls: Mutex<Vec<Call>>,
    each: Box<dyn Fn(&Call) + Send + Sync>,
}

impl Recorder {
    /// Hands each call to `each`.
    pub fn telling(each: impl Fn(&Call) + Send + Sync + 'static) -> Self {
        Self { calls: Mutex::default(), each: Box::new(each) }
    }

    /// What was called so far; none of it is kept.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl Watcher for Recorder {
    fn called(&self, call: &HostCall<'_>) {
        let call = Call::from(call);
        (self.each)(&call);
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}
