//! One instance of a plugin: the calls of the contract, with what their errors mean for a task.

use std::sync::Arc;

use longshore_job::{Failure, ObjectId, Outcome};
use longshore_store::{Certainty, Request, StoreError, TaskGate};
use wasmtime::Store;
use wasmtime::component::Resource;

use crate::bindings::longshore::operation::host;
use crate::bindings::{Operation, OperationPre};
use crate::handle::{Columns, ObjectHandle, RequestHandle, TaskHandle};
use crate::state::{State, on_tick};
use crate::stop::failure_of;
use crate::watch::Watching;
use crate::{Execution, codes, text};

/// An instance that must not be used again, and the failure that this is for its task.
pub(crate) struct Broken(pub(crate) Failure);

impl From<wasmtime::Error> for Broken {
    fn from(error: wasmtime::Error) -> Self {
        Self(failure_of(&error))
    }
}

pub(crate) struct Instance {
    store: Store<State>,
    guest: Operation,
}

impl Instance {
    pub(crate) async fn new(pre: &OperationPre<State>, state: State) -> Result<Self, Failure> {
        let bytes = state.limits.held_bytes;
        // Its own handles, those that it borrows for the length of a call, and those of WASI.
        let handles = state.limits.handles.saturating_mul(3);
        let mut store = Store::new(pre.engine(), state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(bytes);
        store.set_max_component_handles(handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(on_tick);
        // What comes before the tasks is bounded by time alone.
        refuel(&mut store, u64::MAX).map_err(|error| failure_of(&error))?;
        let guest = pre.instantiate_async(&mut store).await.map_err(|error| failure_of(&error))?;
        Ok(Self { store, guest })
    }

    pub(crate) async fn describe(mut self) -> Result<host::Description, Failure> {
        self.store.set_epoch_deadline(1);
        self.guest.call_describe(&mut self.store).await.map_err(|error| failure_of(&error))
    }

    /// Gives the guest its parameters. The inner error is the guest's refusal.
    pub(crate) async fn configure(&mut self, parameters: &str) -> Result<Result<(), String>, Failure> {
        self.store.set_epoch_deadline(1);
        let answer = self.guest.call_configure(&mut self.store, parameters).await;
        let limit = self.store.data().limits.message_bytes;
        Ok(answer.map_err(|error| failure_of(&error))?.map_err(|reason| text::line(reason, limit)))
    }

    pub(crate) fn watch(&mut self, watching: Watching) {
        self.store.data_mut().watching = watching;
    }

    /// Whether the next task may use this instance.
    pub(crate) fn is_clean(&self) -> bool {
        self.store.data().is_clean()
    }

    /// plan, policy check of each planned request, run.
    pub(crate) async fn execute(
        &mut self,
        object: &ObjectId,
        attempt: u32,
        columns: &Columns,
        gate: TaskGate,
    ) -> Result<Execution, Broken> {
        let task = self.begin(object, attempt, columns)?;
        if let Err(failure) = self.allowed_plan(&task, &gate).await? {
            self.end(task)?;
            return Ok(Execution::Done(Outcome::Failed(failure)));
        }
        self.store.data_mut().gate = Some(gate);
        let (object, handle) = task.lend();
        self.store.set_epoch_deadline(1);
        let answer = self.guest.call_run(&mut self.store, object, handle).await?;
        self.store.data_mut().gate = None;
        self.end(task)?;
        Ok(self.execution_of(answer))
    }

    /// plan and policy check alone.
    pub(crate) async fn plan(
        &mut self,
        object: &ObjectId,
        attempt: u32,
        columns: &Columns,
        gate: &TaskGate,
    ) -> Result<Result<Vec<Request>, Failure>, Broken> {
        let task = self.begin(object, attempt, columns)?;
        let plan = self.allowed_plan(&task, gate).await?;
        self.end(task)?;
        Ok(plan)
    }

    /// What the guest plans for the task, or why the policies refuse it.
    async fn allowed_plan(
        &mut self,
        task: &Lent,
        gate: &TaskGate,
    ) -> Result<Result<Vec<Request>, Failure>, Broken> {
        let mut plan = Vec::new();
        for planned in self.call_plan(task).await? {
            let RequestHandle { request, provisional, store, misfit, .. } = planned;
            let certainty = if provisional { Certainty::Provisional } else { Certainty::Exact };
            let allowed = match misfit {
                Some(misfit) => Err(StoreError::new(codes::INVALID_REQUEST, misfit)),
                None => gate.check_to(store.as_deref(), &request, certainty).await,
            };
            if let Err(error) = allowed {
                return Ok(Err(self.refusal(error)));
            }
            plan.push(request);
        }
        Ok(Ok(plan))
    }

    /// Fuel that the guest used since the task began, if that is counted.
    pub(crate) fn fuel_used(&self) -> Option<u64> {
        let limit = self.store.data().limits.fuel?;
        self.store.get_fuel().ok().map(|left| limit.saturating_sub(left))
    }

    fn begin(&mut self, object: &ObjectId, attempt: u32, columns: &Columns) -> Result<Lent, Broken> {
        let fuel = self.store.data().limits.fuel.unwrap_or_default();
        refuel(&mut self.store, fuel)?;
        let state = self.store.data_mut();
        let object = Arc::new(object.clone());
        state.begin_task(Arc::clone(&object), attempt);
        let object = state.push_object(object)?;
        let task = state.push(TaskHandle { attempt, columns: columns.clone() })?;
        Ok(Lent { object, task })
    }

    fn end(&mut self, task: Lent) -> Result<(), Broken> {
        let state = self.store.data_mut();
        state.drop_object(task.object)?;
        state.table.delete(task.task).map_err(wasmtime::Error::from)?;
        Ok(())
    }

    /// A refusal may quote what the guest wrote: a name of a store, a key.
    fn refusal(&self, error: StoreError) -> Failure {
        let message = text::line(error.message, self.store.data().limits.message_bytes);
        Failure { code: error.code, status: error.status, message }
    }

    async fn call_plan(&mut self, task: &Lent) -> Result<Vec<RequestHandle>, Broken> {
        let (object, handle) = task.lend();
        self.store.set_epoch_deadline(1);
        let planned = self.guest.call_plan(&mut self.store, object, handle).await?;
        let state = self.store.data_mut();
        planned.into_iter().map(|request| state.take_request(request).map_err(Broken::from)).collect()
    }

    fn execution_of(&self, answer: Result<host::Outcome, host::Failure>) -> Execution {
        let limit = self.store.data().limits.message_bytes;
        let outcome = match answer {
            Ok(host::Outcome::Done(message)) => {
                Outcome::Succeeded(message.map(|message| text::line(message, limit)))
            }
            Ok(host::Outcome::Skipped(reason)) => Outcome::Skipped(text::line(reason, limit)),
            Ok(host::Outcome::AgainAfter(host::Retry { seconds, note })) => {
                return Execution::AgainAfter { seconds, note: text::line(note, limit) };
            }
            Err(failure) => Outcome::Failed(text::failure(failure, limit)),
        };
        Execution::Done(outcome)
    }
}

/// Sets what a guest may use from here on, if its fuel is counted.
fn refuel(store: &mut Store<State>, fuel: u64) -> wasmtime::Result<()> {
    if store.data().limits.fuel.is_some() { store.set_fuel(fuel) } else { Ok(()) }
}

/// The resources that a guest borrows while it works on a task.
struct Lent {
    object: Resource<ObjectHandle>,
    task: Resource<TaskHandle>,
}

impl Lent {
    fn lend(&self) -> (Resource<ObjectHandle>, Resource<TaskHandle>) {
        (Resource::new_borrow(self.object.rep()), Resource::new_borrow(self.task.rep()))
    }
}
