//! The contract's interface `host`, host side: the task and the log.

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::longshore::operation::host::{self, Level};
use crate::handle::TaskHandle;
use crate::state::State;
use crate::text;
use crate::watch::HostCall;

impl host::Host for State {
    fn log(&mut self, level: Level, message: String) -> Result<()> {
        let left = self.limits.log_bytes.saturating_sub(self.log_bytes);
        if left == 0 {
            return Ok(());
        }
        self.log_bytes = self.log_bytes.saturating_add(message.len());
        let message = text::cut(message, left);
        let (operation, job) = (&*self.operation, &*self.job_id);
        match level {
            Level::Error => tracing::error!(operation, job, "{message}"),
            Level::Warn => tracing::warn!(operation, job, "{message}"),
            Level::Info => tracing::info!(operation, job, "{message}"),
            Level::Debug => tracing::debug!(operation, job, "{message}"),
        }
        let level = match level {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        };
        self.watching.called(&HostCall::Logged { level, message: &message });
        Ok(())
    }
}

impl host::HostTask for State {
    fn job_id(&mut self, _: Resource<TaskHandle>) -> Result<String> {
        Ok(self.job_id.as_ref().to_owned())
    }

    fn attempt(&mut self, this: Resource<TaskHandle>) -> Result<u32> {
        Ok(self.table.get(&this)?.attempt)
    }

    fn column(&mut self, this: Resource<TaskHandle>, name: String) -> Result<Option<String>> {
        Ok(self.table.get(&this)?.columns.get(&name).map(str::to_owned))
    }

    fn now(&mut self, _: Resource<TaskHandle>) -> Result<String> {
        Ok(jiff::Timestamp::now().to_string())
    }

    fn drop(&mut self, this: Resource<TaskHandle>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
