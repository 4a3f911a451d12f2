//! Conditions of steps, about one object. What the row does not tell is asked of the store, behind the role's policies, and only
//! if the condition depends on it.

use std::collections::BTreeSet;

use longshore_job::filter::{Fact, FactSource, Matcher, ObjectFacts, Verdict};
use longshore_job::{Failure, ObjectId};
use longshore_plugin::Columns;
use longshore_store::{Certainty, Gate, Request};

use crate::facts::Details;

/// A condition that cannot be decided about an object.
const CONDITION_FAILED: &str = "ConditionFailed";

/// What can be said of a condition before anything is asked.
pub(crate) enum Foresight {
    Met,
    NotMet,
    /// It may need all of these requests.
    Open(Vec<Request>),
}

/// What can be said of `condition` by what is known about `object`.
///
/// # Errors
/// It cannot be decided about this object.
pub(crate) fn foresee(
    condition: &Matcher,
    object: &ObjectId,
    known: &Knowledge<'_>,
) -> Result<Foresight, Failure> {
    Ok(match known.verdict(condition, object)? {
        Verdict::Yes => Foresight::Met,
        Verdict::No => Foresight::NotMet,
        Verdict::Unknown(_) => {
            let facts = condition.facts();
            let sources: BTreeSet<FactSource> = facts.into_iter().filter_map(Fact::object_request).collect();
            let requests = sources.into_iter().filter_map(|source| Details::request(source, object.clone()));
            Foresight::Open(requests.collect())
        }
    })
}

/// What is known about an object.
pub(crate) struct Knowledge<'a> {
    /// By its row: columns that are named as those of an inventory. `None` if they may not be true any more.
    pub row: Option<&'a Columns>,
    /// By the store.
    pub details: &'a mut Details,
}

impl Knowledge<'_> {
    fn verdict(&self, condition: &Matcher, object: &ObjectId) -> Result<Verdict, Failure> {
        let cell = |fact: Fact| self.row?.get(fact.inventory_column()?);
        let facts = self.details.beside(ObjectFacts::of_inventory(&object.key, &cell));
        condition.verdict(&facts).map_err(|error| undecided(error.to_string()))
    }
}

/// Whether `object` meets `condition`. What the store is asked for that is added to what is known.
///
/// # Errors
/// A refusal by the policies or by the store, or a condition that cannot be decided.
pub(crate) async fn is_met(
    condition: &Matcher,
    object: &ObjectId,
    known: &mut Knowledge<'_>,
    gate: &Gate,
) -> Result<bool, Failure> {
    loop {
        let fact = match known.verdict(condition, object)? {
            Verdict::Yes => return Ok(true),
            Verdict::No => return Ok(false),
            Verdict::Unknown(fact) => fact,
        };
        let source = fact.object_request().filter(|source| !known.details.have(*source));
        let request = source.and_then(|source| Some((source, Details::request(source, object.clone())?)));
        let Some((source, request)) = request else {
            return Err(undecided(format!("the condition asks for {fact}, and the store does not tell it")));
        };
        match gate.task(object.clone()).send(request).await {
            Ok(answer) => known.details.learn(source, answer),
            Err(error) => {
                let message = format!("the condition needs {}: {}", source.name(), error.message);
                return Err(Failure { code: error.code, status: error.status, message });
            }
        }
    }
}

/// Whether the policies allow the requests that a condition may need.
///
/// # Errors
/// Their refusal.
pub(crate) async fn check(requests: &[Request], object: &ObjectId, gate: &Gate) -> Result<(), Failure> {
    for request in requests {
        let checked = gate.task(object.clone()).check(request, Certainty::Exact).await;
        checked.map_err(|error| Failure {
            code: error.code,
            status: error.status,
            message: format!("the condition needs {}: {}", request.name(), error.message),
        })?;
    }
    Ok(())
}

fn undecided(message: String) -> Failure {
    Failure { code: CONDITION_FAILED.to_owned(), status: None, message }
}
