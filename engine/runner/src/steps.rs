//! The steps of a job's tasks, on one lane.

use std::sync::Arc;

use longshore_job::pipeline::{CONDITION_NOT_MET, step_name};
use longshore_job::spec::StepSpec;
use longshore_job::{Failure, JobSpec, ObjectId, Outcome, Row, TaskProgress};
use longshore_plugin::{Columns, Execution, Lane, PluginError};
use longshore_store::{Foreseen, Journal, Request};

use crate::condition::{self, Foresight, Knowledge};
use crate::error::{JobFailure, OPERATION_NOT_USABLE};
use crate::facts::Details;
use crate::resolve::Resolved;

/// Instances of operations that all lanes of an engine keep (count): what the plugin engine has room for, but for those that
/// are asked about parameters.
const INSTANCES: usize = 4_000;

/// The operations of a job's steps, on one lane: each is started when it is first needed.
pub(crate) struct StepLanes {
    spec: Arc<JobSpec>,
    resolved: Resolved,
    session: String,
    lanes: Vec<Option<Lane>>,
    /// How many of them it keeps.
    most: usize,
    columns: Arc<[String]>,
    /// Fuel that was used since it was last taken.
    fuel: u64,
}

/// The object of one task, and what is known about it.
pub(crate) struct Subject {
    object: ObjectId,
    columns: Columns,
    details: Details,
    /// Whether a step has run that may have changed it: then the row is out of date.
    touched: bool,
}

/// What one step of a task would do.
#[derive(Debug, Default)]
pub struct PlannedStep {
    /// How messages call it; `None` if the job has no other.
    pub name: Option<String>,
    /// Its part in the task, as far as the row tells.
    pub condition: PlannedCondition,
    /// The names of the requests that it plans, those of its condition first.
    pub requests: Vec<&'static str>,
    /// What a rehearsal says to the requests of the condition.
    pub asked: Vec<Foreseen>,
    /// What it says to the others.
    pub foreseen: Vec<Foreseen>,
}

/// What the row tells about the condition of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlannedCondition {
    /// The step runs.
    #[default]
    Met,
    /// It does not.
    NotMet,
    /// The store has to be asked first.
    Open,
}

impl StepLanes {
    /// For a lane of an engine that runs so many tasks at once. `session` is the ID of the job.
    pub(crate) fn new(spec: Arc<JobSpec>, resolved: Resolved, session: &str, slots: usize) -> Self {
        let columns = spec.manifest.columns().into();
        let lanes = spec.steps.iter().map(|_| None).collect();
        let most = INSTANCES.checked_div(slots).unwrap_or(INSTANCES).max(1);
        Self { spec, resolved, session: session.to_owned(), lanes, most, columns, fuel: 0 }
    }

    /// Starts the operation of the first step: most tasks need it, and whether it starts is known then.
    pub(crate) async fn start(&mut self) -> Result<(), PluginError> {
        self.lane(0).await.map(drop)
    }

    /// A task on `object`, which `row` names. `touched`: a step of it may have run.
    pub(crate) fn subject(&self, object: ObjectId, row: &Row, touched: bool) -> Subject {
        let columns = match self.columns.is_empty() {
            true => Columns::default(),
            false => Columns { names: Arc::clone(&self.columns), values: row.columns.clone() },
        };
        Subject { object, columns, details: Details::default(), touched }
    }

    /// Runs a step, counted from 0. Its condition is looked at before its first attempt only: after that it has begun.
    ///
    /// # Errors
    /// Its operation cannot be started any more.
    pub(crate) async fn execute(
        &mut self,
        number: usize,
        attempt: u32,
        subject: &mut Subject,
    ) -> Result<Execution, PluginError> {
        let gate = self.resolved.gate.clone();
        let steps = Arc::clone(&self.resolved.steps);
        let Subject { object, columns, details, touched } = subject;
        let condition = steps.get(number).and_then(|step| step.condition.as_ref());
        if let Some(condition) = condition.filter(|_| attempt == 1) {
            let mut known = Knowledge { row: Some(&*columns).filter(|_| !*touched), details };
            match condition::is_met(condition, object, &mut known, &gate).await {
                Ok(true) => {}
                Ok(false) => return Ok(Execution::Done(Outcome::Skipped(CONDITION_NOT_MET.to_owned()))),
                Err(failure) => return Ok(Execution::Done(Outcome::Failed(failure))),
            }
        }
        let lane = self.lane(number).await?;
        lane.set_columns(columns.clone());
        // The step may have changed the object, also if it failed.
        (*details, *touched) = (Details::default(), true);
        let execution = lane.execute(object, attempt, &gate).await;
        let used = lane.fuel().unwrap_or_default();
        self.fuel = self.fuel.saturating_add(used);
        Ok(execution)
    }

    /// The fuel that steps have used since this was last asked, as far as it is counted.
    pub(crate) fn take_fuel(&mut self) -> u64 {
        std::mem::take(&mut self.fuel)
    }

    /// Drops what a panic may have left half done.
    pub(crate) fn reset(&mut self) {
        self.lanes.iter_mut().for_each(|lane| *lane = None);
    }

    /// The dry run of a task: what its steps would send, or why it would fail. With a `journal` of the gate this also has
    /// what the policies would say.
    ///
    /// # Errors
    /// The failure that the task would have.
    pub(crate) async fn plan(
        &mut self,
        mut subject: Subject,
        journal: Option<&Journal>,
    ) -> Result<Vec<PlannedStep>, Failure> {
        let spec = Arc::clone(&self.spec);
        let (mut progress, mut plans) = (TaskProgress::default(), Vec::with_capacity(spec.steps.len()));
        while let Some(number) = progress.next(&spec.steps) {
            let planned = self.plan_step(number, &subject, journal).await;
            // Also what a step noted that would fail.
            let foreseen = journal.map(Journal::take).unwrap_or_default();
            match planned {
                Ok(plan) => {
                    subject.touched |= plan.condition != PlannedCondition::NotMet;
                    let name = spec.steps.get(number).and_then(|step| name_among(&spec.steps, number, step));
                    plans.push(PlannedStep { name, foreseen, ..plan });
                    progress.add(Outcome::Succeeded(None));
                }
                Err(failure) => progress.add(Outcome::Failed(failure)),
            }
        }
        match progress.outcome(&spec.steps) {
            Outcome::Failed(failure) => Err(failure),
            _ => Ok(plans),
        }
    }

    async fn plan_step(
        &mut self,
        number: usize,
        subject: &Subject,
        journal: Option<&Journal>,
    ) -> Result<PlannedStep, Failure> {
        let gate = self.resolved.gate.clone();
        let steps = Arc::clone(&self.resolved.steps);
        let Subject { object, columns, touched, .. } = subject;
        let foresight = match steps.get(number).and_then(|step| step.condition.as_ref()) {
            Some(condition) => {
                let row = Some(columns).filter(|_| !*touched);
                condition::foresee(condition, object, &Knowledge { row, details: &mut Details::default() })?
            }
            None => Foresight::Met,
        };
        let mut plan = PlannedStep::default();
        match foresight {
            Foresight::Met => {}
            Foresight::NotMet => return Ok(PlannedStep { condition: PlannedCondition::NotMet, ..plan }),
            Foresight::Open(requests) => {
                plan.condition = PlannedCondition::Open;
                condition::check(&requests, object, &gate).await?;
                plan.requests.extend(requests.iter().map(Request::name));
                plan.asked = journal.map(Journal::take).unwrap_or_default();
            }
        }
        let planned = self.planned(number, subject).await.map_err(|failure| match plan.condition {
            PlannedCondition::Open => {
                Failure { message: format!("{} (if the condition is met)", failure.message), ..failure }
            }
            _ => failure,
        })?;
        plan.requests.extend(planned.iter().map(Request::name));
        Ok(plan)
    }

    /// The requests that a step plans, whatever its condition, if the policies allow them all.
    ///
    /// # Errors
    /// The failure that the task would have.
    pub(crate) async fn planned(
        &mut self,
        number: usize,
        subject: &Subject,
    ) -> Result<Vec<Request>, Failure> {
        let gate = self.resolved.gate.clone();
        let lane = self.lane(number).await.map_err(|error| unusable(&error))?;
        lane.set_columns(subject.columns.clone());
        lane.plan(&subject.object, 1, &gate).await
    }

    async fn lane(&mut self, number: usize) -> Result<&mut Lane, PluginError> {
        let kept = self.lanes.iter().flatten().count();
        let missing = self.lanes.get(number).is_none_or(Option::is_none);
        if missing && kept >= self.most {
            self.reset();
        }
        let out_of_range = || PluginError::Engine { reason: format!("the job has no step {number}") };
        let step = self.resolved.steps.get(number).ok_or_else(out_of_range)?;
        let spec = self.spec.steps.get(number).ok_or_else(out_of_range)?;
        let place = self.lanes.get_mut(number).ok_or_else(out_of_range)?;
        Ok(match place {
            Some(lane) => lane,
            None => {
                let parameters = &spec.operation.parameters;
                place.insert(step.plugin.lane(parameters, &self.session).await?)
            }
        })
    }
}

/// For a dry run: its first operation is started already.
pub(crate) async fn for_planning(resolved: &Resolved, spec: &JobSpec) -> Result<StepLanes, JobFailure> {
    let mut lanes = StepLanes::new(Arc::new(spec.clone()), resolved.clone(), "plan", 1);
    let started = lanes.start().await;
    started.map_err(|error| JobFailure::new(OPERATION_NOT_USABLE, error.to_string()))?;
    Ok(lanes)
}

fn name_among(steps: &[StepSpec], number: usize, step: &StepSpec) -> Option<String> {
    (steps.len() > 1).then(|| step_name(number, step))
}

fn unusable(error: &PluginError) -> Failure {
    Failure { code: OPERATION_NOT_USABLE.to_owned(), status: None, message: error.to_string() }
}
