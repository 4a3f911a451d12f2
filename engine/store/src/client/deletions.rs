//! Deletions that go together: those that wait while another is under way become one DeleteObjects request.
//!
//! Each was checked by the policies, is counted by the rate limits, is retried and fails on its own, as a DeleteObject would; only
//! the way to the store is shared. None waits for company: one that finds no other under way is sent at once.

use std::collections::btree_map::{BTreeMap, Entry};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures::{FutureExt as _, StreamExt as _, stream};
use longshore_job::ObjectId;
use tokio::sync::oneshot;

use super::answers::{self, Answered};
use super::calls::Sdk;
use super::errors::Call;
use crate::error::StoreError;
use crate::request::DeleteObject;
use crate::response::Response;

/// Objects that one request deletes (count; DeleteObjects takes no more).
const MOST: usize = 1_000;

type Answer = Result<Response, StoreError>;

/// What one request can delete together: a bucket, and whether a retention of mode GOVERNANCE is bypassed.
type Place = (String, bool);

/// A deletion, and who waits for its answer.
struct Waiting {
    call: DeleteObject,
    answer: oneshot::Sender<Answer>,
}

/// Deletions that go alone at once (count): what a store without DeleteObjects, or one that passes over them, is sent.
const ALONE: usize = 64;

/// The deletions that wait.
#[derive(Default)]
pub(super) struct Deletions {
    /// A place is there while a request for it is under way.
    queues: Mutex<BTreeMap<Place, Vec<Waiting>>>,
    /// The store has said that it knows no DeleteObjects.
    unsupported: AtomicBool,
}

impl std::fmt::Debug for Deletions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Deletions({} under way)", self.queues().len())
    }
}

impl Deletions {
    /// Whether this one may go together with others.
    pub(super) fn take(&self, call: &DeleteObject) -> bool {
        can_share(call) && !self.unsupported.load(Ordering::Relaxed)
    }

    /// Deletes, perhaps together with others.
    pub(super) async fn send(self: &Arc<Self>, sdk: &Sdk, call: &DeleteObject) -> Answer {
        let (answer, told) = oneshot::channel();
        let place = (call.object.bucket.clone(), call.bypass_governance);
        let waiting = Waiting { call: call.clone(), answer };
        if let Some(first) = self.join(&place, waiting) {
            // On its own: whoever began it may give up, the others still wait.
            tokio::spawn(Arc::clone(self).work(sdk.clone(), place, first));
        }
        told.await
            .unwrap_or_else(|_| Err(sdk.mapper.lost(Call::DELETE_OBJECTS.name, "the engine gave it up")))
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<Place, Vec<Waiting>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines up behind the request that is under way; gives the deletion back if there is none.
    fn join(&self, place: &Place, waiting: Waiting) -> Option<Waiting> {
        match self.queues().entry(place.clone()) {
            Entry::Occupied(mut queue) => {
                queue.get_mut().push(waiting);
                None
            }
            Entry::Vacant(queue) => {
                queue.insert(Vec::new());
                Some(waiting)
            }
        }
    }

    /// Sends until nothing waits any more.
    async fn work(self: Arc<Self>, sdk: Sdk, place: Place, first: Waiting) {
        let rounds = async {
            let mut batch = vec![first];
            while !batch.is_empty() {
                sdk.delete_together(&self.unsupported, &place, batch).await;
                batch = self.next(&place);
            }
        };
        if AssertUnwindSafe(rounds).catch_unwind().await.is_err() {
            // Whoever still waits is told so by the end of its channel, and tries again.
            self.queues().remove(&place);
        }
    }

    /// Those that go next; with none the place is free.
    fn next(&self, place: &Place) -> Vec<Waiting> {
        let mut queues = self.queues();
        let Some(queue) = queues.get_mut(place) else { return Vec::new() };
        // Nobody waits any more: the task was ended, and must not go on here.
        queue.retain(|waiting| !waiting.answer.is_closed());
        let batch = distinct(queue);
        if batch.is_empty() {
            queues.remove(place);
        }
        batch
    }
}

/// Takes the oldest of a queue, no object twice: their answers could not be told apart.
fn distinct(queue: &mut Vec<Waiting>) -> Vec<Waiting> {
    let (mut batch, mut rest): (Vec<Waiting>, Vec<Waiting>) = (Vec::new(), Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    for waiting in queue.drain(..) {
        let fits = batch.len() < MOST && seen.insert(name(&waiting.call.object));
        if fits { batch.push(waiting) } else { rest.push(waiting) }
    }
    *queue = rest;
    batch
}

/// Key and version, as answers name objects.
fn name(object: &ObjectId) -> (String, Option<String>) {
    (object.key.clone(), object.version_id.clone())
}

/// Whether a deletion can be one of several: without a condition, which not every store looks at there, and of names that survive
/// being written and read as XML by any of them.
fn can_share(call: &DeleteObject) -> bool {
    let plain = |name: &str| {
        name.trim() == name && !name.chars().any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
    };
    let ObjectId { key, version_id, .. } = &call.object;
    call.if_match.is_none() && plain(key) && version_id.as_ref().is_none_or(|id| !id.is_empty() && plain(id))
}

/// Whether what is wrong may be one of the objects, or the common form: each alone may fare better.
fn is_about_the_form(error: &StoreError) -> bool {
    !error.retryable
        && error.status.is_some_and(|status| (400..500).contains(&status) && status != 403 && status != 404)
}

impl Sdk {
    /// Deletes the objects of a batch, and tells each who waits.
    async fn delete_together(&self, unsupported: &AtomicBool, place: &Place, batch: Vec<Waiting>) {
        let mut answered = match batch.as_slice() {
            [_] => BTreeMap::new(),
            several => self.delete_objects(unsupported, place, several).await,
        };
        let mut alone = Vec::new();
        for waiting in batch {
            match answered.remove(&name(&waiting.call.object)) {
                // Who gave up waiting is not told.
                Some(told) => drop(waiting.answer.send(told)),
                // It is the only one, or the answer passes over it.
                None => alone.push(waiting),
            }
        }
        let each = stream::iter(alone).for_each_concurrent(ALONE, async |Waiting { call, answer }| {
            if !answer.is_closed() {
                let _ = answer.send(self.delete_alone(&call).await);
            }
        });
        each.await;
    }

    async fn delete_alone(&self, call: &DeleteObject) -> Answer {
        let request = call.clone().into();
        self.in_time("DeleteObject", self.delete_object(&request, call)).await
    }

    /// What became of each object, as far as the store says.
    async fn delete_objects(
        &self,
        unsupported: &AtomicBool,
        (bucket, bypass): &Place,
        batch: &[Waiting],
    ) -> BTreeMap<(String, Option<String>), Answer> {
        let call = Call::DELETE_OBJECTS.name;
        let attempt = self.in_time(call, self.attempt_deletions(bucket, *bypass, batch));
        match super::measured(&self.name, call, attempt).await {
            Ok(answer) => answers::deleted_together(answer.output),
            Err(error) if matches!(error.status, Some(405 | 501)) => {
                unsupported.store(true, Ordering::Relaxed);
                BTreeMap::new()
            }
            Err(error) if is_about_the_form(&error) => BTreeMap::new(),
            Err(error) => {
                batch.iter().map(|waiting| (name(&waiting.call.object), Err(error.clone()))).collect()
            }
        }
    }

    async fn in_time<T>(
        &self,
        call: &str,
        attempt: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let most = self.request_timeout;
        tokio::time::timeout(most, attempt).await.unwrap_or_else(|_| Err(self.mapper.timeout(call, most)))
    }

    async fn attempt_deletions(
        &self,
        bucket: &str,
        bypass: bool,
        batch: &[Waiting],
    ) -> Result<Answered<DeleteObjectsOutput>, StoreError> {
        let unfit =
            |why: &dyn std::fmt::Display| self.mapper.invalid(Call::DELETE_OBJECTS.name, &why.to_string());
        let identify = |Waiting { call, .. }: &Waiting| {
            let version = call.object.version_id.clone();
            ObjectIdentifier::builder().key(&call.object.key).set_version_id(version).build()
        };
        let objects = batch.iter().map(identify).collect::<Result<Vec<_>, _>>().map_err(|why| unfit(&why))?;
        let delete = Delete::builder().set_objects(Some(objects)).build().map_err(|why| unfit(&why))?;
        let sent = self
            .client
            .delete_objects()
            .bucket(bucket)
            .delete(delete)
            .set_bypass_governance_retention(bypass.then_some(true))
            .send();
        self.answer_to(Call::DELETE_OBJECTS, sent).await
    }
}

#[cfg(test)]
#[path = "deletions_tests.rs"]
mod tests;
