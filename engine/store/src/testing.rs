//! Stores for tests: one that answers by script, and a layer that injects faults.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::Store;
use crate::error::StoreError;
use crate::request::Request;
use crate::response::Response;

type Answer = dyn FnMut(&Request) -> Result<Response, StoreError> + Send;

/// A store without a server: remembers what it is sent and answers by script.
pub struct FakeStore {
    answer: Mutex<Box<Answer>>,
    requests: Mutex<Vec<Request>>,
}

impl fmt::Debug for FakeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeStore").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl FakeStore {
    /// Answers each request with what `answer` makes of it.
    pub fn answering(answer: impl FnMut(&Request) -> Result<Response, StoreError> + Send + 'static) -> Self {
        Self { answer: Mutex::new(Box::new(answer)), requests: Mutex::new(Vec::new()) }
    }

    /// Answers everything with an empty 200.
    pub fn agreeable() -> Self {
        Self::answering(|_| Ok(Response { http_status: 200, ..Response::default() }))
    }

    /// Gives these answers, in order; then fails every further request with `InternalError`, final.
    pub fn scripted(answers: impl IntoIterator<Item = Result<Response, StoreError>>) -> Self {
        let mut answers: std::collections::VecDeque<_> = answers.into_iter().collect();
        Self::answering(move |request| {
            answers.pop_front().unwrap_or_else(|| {
                Err(StoreError::new(
                    "InternalError",
                    format!("the script has no answer to {}", request.name()),
                ))
            })
        })
    }

    /// What was sent so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait::async_trait]
impl Store for FakeStore {
    async fn send(&self, request: &Request) -> Result<Response, StoreError> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        (self.answer.lock().unwrap_or_else(PoisonError::into_inner))(request)
    }
}

/// Something that goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It fails before it reaches the store.
    Refuse(StoreError),
    /// It takes effect in the store, but its answer is lost.
    LoseAnswer(StoreError),
}

type Rule = dyn Fn(u64, &Request) -> Option<Fault> + Send + Sync;

/// Injects faults in front of a store.
pub struct Faulty<S> {
    inner: S,
    rule: Box<Rule>,
    count: AtomicU64,
}

impl<S: fmt::Debug> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("inner", &self.inner)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl<S> Faulty<S> {
    /// `rule` is asked about each request, with its number from 0.
    pub fn new(inner: S, rule: impl Fn(u64, &Request) -> Option<Fault> + Send + Sync + 'static) -> Self {
        Self { inner, rule: Box::new(rule), count: AtomicU64::new(0) }
    }

    /// The store behind.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

#[async_trait::async_trait]
impl<S: Store> Store for Faulty<S> {
    async fn send(&self, request: &Request) -> Result<Response, StoreError> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        match (self.rule)(number, request) {
            Some(Fault::Refuse(error)) => Err(error),
            Some(Fault::LoseAnswer(error)) => {
                // Whatever the store says to it: the caller never learns.
                let _ = self.inner.send(request).await;
                Err(error)
            }
            None => self.inner.send(request).await,
        }
    }
}
