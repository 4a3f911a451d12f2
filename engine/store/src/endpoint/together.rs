//! Calls that go together: those whose messages differ in nothing but their tasks become one call with all of these.
//!
//! A message is one of the invocation schemas of Amazon S3 Batch Operations (User Guide, "Invoke AWS Lambda function"). The policies
//! were asked about each; limits and retries see the common call, and each gets an answer with the results that concern it. What
//! is no such message, or a large one, goes alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use super::client::Client;
use crate::Store;
use crate::error::{StoreError, code};
use crate::request::{InvokeEndpoint, Request};
use crate::response::Response;
use crate::retry::Retrying;

const TASKS: &str = "tasks";
const RESULTS: &str = "results";
const TASK_ID: &str = "taskId";
const INVOCATION_ID: &str = "invocationId";

/// Bytes of an invocation's ID.
const ID_BYTES: usize = 16;

/// How calls of an endpoint go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Most tasks of one call, from 2.
    pub tasks: usize,
    /// How long the first waits for others.
    pub wait: Duration,
}

/// Bytes of a message that may go with others: one about an object with the longest key has a tenth of it.
const MESSAGE_BYTES: usize = 64 << 10;

/// Bytes of the messages of a call: Lambda takes 6 MB.
const CALL_BYTES: usize = 4 << 20;

type Answer = Result<Response, StoreError>;

/// A call's message, taken apart.
struct Message {
    /// What is the same in all calls of a batch: everything but ID and tasks.
    frame: Map<String, Value>,
    invocation_id: String,
    tasks: Vec<Value>,
}

/// A call, and who waits for its answer.
struct Waiting {
    body: Bytes,
    message: Message,
    answer: oneshot::Sender<Answer>,
}

/// Where calls of an endpoint meet: those of one job.
pub(super) struct Together {
    pub(super) batching: Batching,
    /// By what they have in common, as text.
    gathering: Mutex<BTreeMap<String, Vec<Waiting>>>,
}

/// What a call that joins others has to see to.
struct Turn {
    /// It is the first of its batch, which is sent after a while.
    first: bool,
    /// A batch that is sent now.
    leaving: Vec<Waiting>,
}

impl Together {
    pub(super) fn new(batching: Batching) -> Self {
        Self { batching, gathering: Mutex::default() }
    }

    /// Makes a call, together with others that come meanwhile.
    pub(super) async fn send(
        self: &Arc<Self>,
        calls: &Arc<Retrying<Client>>,
        call: &InvokeEndpoint,
    ) -> Answer {
        let Some(message) = Message::read(&call.body) else {
            return calls.send(&Request::InvokeEndpoint(call.clone())).await;
        };
        let (answer, told) = oneshot::channel();
        let (key, endpoint) = (Value::Object(message.frame.clone()).to_string(), call.endpoint.clone());
        let turn = self.join(&key, Waiting { body: call.body.clone(), message, answer });
        // On their own: whoever begins it may give up, the others still wait.
        if !turn.leaving.is_empty() {
            tokio::spawn(deliver(Arc::clone(calls), endpoint.clone(), turn.leaving));
        }
        if turn.first {
            let (together, calls) = (Arc::clone(self), Arc::clone(calls));
            tokio::spawn(async move {
                tokio::time::sleep(together.batching.wait).await;
                let batch = together.gathering().remove(&key).unwrap_or_default();
                deliver(calls, endpoint, batch).await;
            });
        }
        let lost = || StoreError::new(code::CONNECTION_LOST, "the engine gave the call up").retry();
        told.await.unwrap_or_else(|_| Err(lost()))
    }

    fn gathering(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Waiting>>> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, key: &str, waiting: Waiting) -> Turn {
        let mut gathering = self.gathering();
        let batch = gathering.entry(key.to_owned()).or_default();
        let mut leaving = match batch.as_slice() {
            // Whose result is whose could not be told, or it becomes too much.
            gathered if clash(gathered, &waiting) => std::mem::take(batch),
            _ => Vec::new(),
        };
        batch.push(waiting);
        let first = batch.len() == 1;
        if batch.len() >= self.batching.tasks {
            leaving = gathering.remove(key).unwrap_or_default();
        }
        Turn { first, leaving }
    }
}

/// Whether a call cannot go with those that have gathered.
fn clash(gathered: &[Waiting], next: &Waiting) -> bool {
    let bytes: usize = gathered.iter().map(|waiting| waiting.body.len()).sum();
    let same = |waiting: &Waiting| waiting.message.ids().any(|id| next.message.ids().any(|own| own == id));
    bytes.saturating_add(next.body.len()) > CALL_BYTES || gathered.iter().any(same)
}

/// Makes one call of several, and tells each what its answer is.
async fn deliver(calls: Arc<Retrying<Client>>, endpoint: String, mut batch: Vec<Waiting>) {
    // Nobody waits any more: the task was ended, and must not go on here.
    batch.retain(|waiting| !waiting.answer.is_closed());
    let Some(first) = batch.first() else { return };
    let (body, id) = match batch.as_slice() {
        [only] => (only.body.clone(), None),
        several => {
            let id = common_id(several);
            (joined(&first.message.frame, &id, several).into(), Some(id))
        }
    };
    let told = calls.send(&Request::InvokeEndpoint(InvokeEndpoint { endpoint, body })).await;
    let common = told.as_ref().ok().zip(id).and_then(|(response, id)| Common::read(&response.body, &id));
    for Waiting { message, answer, .. } in batch {
        let own = match (&told, &common) {
            (Ok(response), Some(common)) => Ok(Response { body: common.share(&message), ..response.clone() }),
            _ => told.clone(),
        };
        // Who gave up waiting is not told.
        let _ = answer.send(own);
    }
}

/// An opaque ID that is always the same for the same calls.
fn common_id(batch: &[Waiting]) -> String {
    let mut hash = Sha256::new();
    for waiting in batch {
        hash.update(waiting.message.invocation_id.len().to_be_bytes());
        hash.update(&waiting.message.invocation_id);
    }
    hex::encode(hash.finalize().get(..ID_BYTES).unwrap_or_default())
}

/// One message with the tasks of all.
fn joined(frame: &Map<String, Value>, id: &str, batch: &[Waiting]) -> String {
    let mut message = frame.clone();
    let tasks = batch.iter().flat_map(|waiting| waiting.message.tasks.iter().cloned());
    message.insert(TASKS.to_owned(), tasks.collect());
    message.insert(INVOCATION_ID.to_owned(), id.into());
    Value::Object(message).to_string()
}

/// The answer to a call of several.
struct Common {
    /// All but the results.
    frame: Map<String, Value>,
    /// By the ID of the task; those without are nobody's.
    results: BTreeMap<String, Vec<Value>>,
}

impl Common {
    /// `None` if it is no answer to the call: then it is handed on as it is, for whoever made one of the calls to say so.
    fn read(body: &[u8], id: &str) -> Option<Self> {
        let mut frame = serde_json::from_slice::<Map<String, Value>>(body).ok()?;
        if frame.get(INVOCATION_ID).and_then(Value::as_str) != Some(id) {
            return None;
        }
        let Some(Value::Array(all)) = frame.remove(RESULTS) else { return None };
        let mut results: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for result in all {
            if let Some(task) = result.get(TASK_ID).and_then(Value::as_str) {
                results.entry(task.to_owned()).or_default().push(result);
            }
        }
        Some(Self { frame, results })
    }

    /// What concerns one of the calls: the results of its tasks, under its ID.
    fn share(&self, message: &Message) -> Bytes {
        let mut answer = self.frame.clone();
        let own = message.ids().filter_map(|id| self.results.get(id)).flatten().cloned();
        answer.insert(RESULTS.to_owned(), own.collect());
        answer.insert(INVOCATION_ID.to_owned(), message.invocation_id.as_str().into());
        Value::Object(answer).to_string().into()
    }
}

impl Message {
    /// `None` if it is not one of the schemas, or too large to go with others.
    fn read(body: &[u8]) -> Option<Self> {
        if body.len() > MESSAGE_BYTES {
            return None;
        }
        let mut frame = serde_json::from_slice::<Map<String, Value>>(body).ok()?;
        let Some(Value::Array(tasks)) = frame.remove(TASKS) else { return None };
        let Some(Value::String(invocation_id)) = frame.remove(INVOCATION_ID) else { return None };
        let message = Self { frame, invocation_id, tasks };
        (!message.tasks.is_empty() && message.ids().count() == message.tasks.len()).then_some(message)
    }

    /// The IDs of its tasks.
    fn ids(&self) -> impl Iterator<Item = &str> {
        self.tasks.iter().filter_map(|task| task.get(TASK_ID).and_then(Value::as_str))
    }
}

#[cfg(test)]
#[path = "together_tests.rs"]
mod tests;
