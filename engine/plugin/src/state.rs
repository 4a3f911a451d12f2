//! What the host keeps for one instance: the guest's resources and what it has used up.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::ObjectId;
use longshore_job::object::MAX_KEY_BYTES;
use longshore_store::{ListedVersion, Request, Response, TaskGate};
use wasmtime::component::{Resource, ResourceTable, ResourceTableError};
use wasmtime::{ResourceLimiter, StoreContextMut, UpdateDeadline};

use crate::handle::{ObjectHandle, RequestHandle, ResponseHandle};
use crate::log::Log;
use crate::stop::Stop;
use crate::wasi::Wasi;
use crate::watch::Watching;
use crate::{PluginLimits, machine};

/// Host state of one instance.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    pub(crate) limits: Arc<PluginLimits>,
    tick: Duration,
    pub(crate) log: Log,
    pub(crate) wasi: Wasi,
    pub(crate) job_id: Arc<str>,
    /// Present while `run` runs: without it nothing can be sent.
    pub(crate) gate: Option<TaskGate>,
    pub(crate) watching: Watching,
    memory_bytes: usize,
    table_elements: usize,
    held_bytes: usize,
    requests: u32,
    cpu_time: Duration,
    /// Whether the guest waited for the store since the last tick: then that tick is no sign of work.
    waited: bool,
}

impl State {
    pub(crate) fn new(
        limits: Arc<PluginLimits>,
        tick: Duration,
        operation: Arc<str>,
        job_id: Arc<str>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            table,
            log: Log::new(Arc::clone(&operation), Arc::clone(&job_id), limits.log_bytes),
            wasi: Wasi::new(limits.handles, operation, Arc::clone(&job_id)),
            job_id,
            gate: None,
            watching: Watching::default(),
            memory_bytes: 0,
            table_elements: 0,
            held_bytes: 0,
            requests: 0,
            cpu_time: Duration::ZERO,
            waited: false,
            limits,
            tick,
        }
    }

    /// What is counted per task begins anew.
    pub(crate) fn begin_task(&mut self, object: Arc<ObjectId>, attempt: u32) {
        self.wasi.begin_task(object, attempt);
        self.log.begin_task();
        self.requests = 0;
        self.cpu_time = Duration::ZERO;
        self.waited = false;
    }

    /// Whether the guest gave everything back, so that the next task finds no trace of this one here.
    pub(crate) fn is_clean(&self) -> bool {
        self.table.is_empty()
    }

    pub(crate) fn push<T: Send + 'static>(&mut self, entry: T) -> wasmtime::Result<Resource<T>> {
        let handles = self.limits.handles;
        self.table.push(entry).map_err(|error| match error {
            ResourceTableError::Full => Stop::Handles(handles).into(),
            other => other.into(),
        })
    }

    pub(crate) fn push_object(&mut self, id: Arc<ObjectId>) -> wasmtime::Result<Resource<ObjectHandle>> {
        let held = object_bytes(&id);
        self.hold(held)?;
        self.push(ObjectHandle { id, held })
    }

    pub(crate) fn drop_object(&mut self, object: Resource<ObjectHandle>) -> wasmtime::Result<()> {
        let entry = self.table.delete(object)?;
        self.held_bytes = self.held_bytes.saturating_sub(entry.held);
        Ok(())
    }

    pub(crate) fn push_request(
        &mut self,
        request: impl Into<Request>,
        held: usize,
    ) -> wasmtime::Result<Resource<RequestHandle>> {
        self.hold(held)?;
        self.push(RequestHandle {
            request: request.into(),
            provisional: false,
            store: None,
            misfit: None,
            held,
        })
    }

    pub(crate) fn take_request(
        &mut self,
        request: Resource<RequestHandle>,
    ) -> wasmtime::Result<RequestHandle> {
        let entry = self.table.delete(request)?;
        self.held_bytes = self.held_bytes.saturating_sub(entry.held);
        Ok(entry)
    }

    pub(crate) fn push_response(&mut self, response: Response) -> wasmtime::Result<Resource<ResponseHandle>> {
        let held = response_bytes(&response);
        self.hold(held)?;
        self.push(ResponseHandle { response, held })
    }

    pub(crate) fn drop_response(&mut self, response: Resource<ResponseHandle>) -> wasmtime::Result<()> {
        let entry = self.table.delete(response)?;
        self.held_bytes = self.held_bytes.saturating_sub(entry.held);
        Ok(())
    }

    /// Changes a request by a setting that takes `bytes`. What does not fit is kept for `send` to report.
    pub(crate) fn set(
        &mut self,
        this: &Resource<RequestHandle>,
        bytes: usize,
        setting: impl FnOnce(&mut Request) -> Result<(), String>,
    ) -> wasmtime::Result<()> {
        self.hold(bytes)?;
        let entry = self.table.get_mut(this)?;
        entry.held += bytes;
        if let Err(misfit) = setting(&mut entry.request) {
            entry.misfit.get_or_insert(misfit);
        }
        Ok(())
    }

    /// Counts one request that is about to be sent.
    pub(crate) fn count_request(&mut self) -> Result<(), Stop> {
        if self.requests >= self.limits.requests {
            return Err(Stop::Requests(self.limits.requests));
        }
        self.requests += 1;
        self.waited = true;
        Ok(())
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Stop> {
        let held = self.held_bytes.saturating_add(bytes);
        if held > self.limits.held_bytes {
            return Err(Stop::Bytes(self.limits.held_bytes));
        }
        self.held_bytes = held;
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Stop> {
        if std::mem::take(&mut self.waited) {
            return Ok(());
        }
        self.cpu_time += self.tick;
        if self.cpu_time > self.limits.cpu_time { Err(Stop::CpuTime(self.limits.cpu_time)) } else { Ok(()) }
    }
}

/// What the names of an object cost.
pub(crate) fn object_bytes(id: &ObjectId) -> usize {
    id.bucket.len() + id.key.len() + id.version_id.as_ref().map_or(0, String::len)
}

/// What an answer costs: its body, and the entries of its page, each with a key as long as one may be. The rest is bounded by
/// what a server may put into the head of an answer.
fn response_bytes(response: &Response) -> usize {
    let versions = response.versions.as_ref().map_or(0, |page| page.versions.len());
    let uploads = response.uploads.as_ref().map_or(0, |page| page.uploads.len());
    let replication = response.replication.as_ref().map_or(0, String::len);
    response.body.len() + replication + (versions + uploads) * (size_of::<ListedVersion>() + MAX_KEY_BYTES)
}

/// Called at each tick of the epoch while the guest runs: counts its time, lets other tasks run.
pub(crate) fn on_tick(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    store.data_mut().tick()?;
    Ok(UpdateDeadline::Yield(1))
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // All memories of the instance together: growth only ever adds.
        let total = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory_bytes {
            return Err(Stop::Memory(self.limits.memory_bytes).into());
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements.saturating_add(desired.saturating_sub(current));
        if total > self.limits.table_elements {
            return Err(Stop::Tables(self.limits.table_elements).into());
        }
        self.table_elements = total;
        Ok(true)
    }

    // As the pool has it, also where there is none.

    fn instances(&self) -> usize {
        machine::CORE_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        machine::MEMORIES as usize
    }

    fn tables(&self) -> usize {
        machine::TABLES as usize
    }
}
