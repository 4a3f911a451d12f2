//! The contract's interface `host`, host side: the task and the log.

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::longshore::operation::host::{self, Level};
use crate::handle::TaskHandle;
use crate::log;
use crate::state::State;
use crate::watch::HostCall;

impl host::Host for State {
    fn log(&mut self, level: Level, message: String) -> Result<()> {
        if let Some(message) = self.log.write(level, message) {
            self.watching.called(&HostCall::Logged { level: log::name(level), message: &message });
        }
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
