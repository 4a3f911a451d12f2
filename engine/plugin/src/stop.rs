//! Why the host ended a guest, and what a guest's end means for its task.

use std::time::Duration;

use longshore_job::Failure;
use wasmtime::component::ResourceTableError;

use crate::codes;

/// Why the host ended a guest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the plugin used more than {} of processor time for one task", seconds(*.0))]
    CpuTime(Duration),
    #[error(
        "the task took more than {}; a request that was under way may have taken effect",
        seconds(*.0)
    )]
    TaskTime(Duration),
    #[error("the plugin holds more things of WASI at once than it may (handles)")]
    WasiHandles,
    #[error("the plugin executed more instructions than a task may (fuel)")]
    Fuel,
    #[error("the plugin asked for more than {0} bytes of memory")]
    Memory(usize),
    #[error("the plugin asked for more than {0} table elements")]
    Tables(usize),
    #[error("the plugin holds more than {0} objects, requests and responses at once")]
    Handles(usize),
    #[error("the plugin sent more than {0} requests for one task")]
    Requests(u32),
    #[error("the plugin holds more than {0} bytes in requests and responses at once")]
    Bytes(usize),
    #[error("the plugin called send outside of run")]
    SendOutsideRun,
    #[error("the plugin called {function} of {interface}, and no action that it could need is granted")]
    NotLinked { interface: &'static str, function: String },
    #[error("{0}")]
    NotGranted(String),
}

/// How wasmtime says that the fuel for host calls is used up, for which it has no type.
const TOO_MUCH_IN_A_CALL: &str = "too much data is being copied between the host and the guest";

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

impl Stop {
    fn code(&self) -> &'static str {
        match self {
            Self::CpuTime(_) | Self::TaskTime(_) => codes::TIMEOUT,
            Self::Fuel => codes::FUEL_LIMIT,
            Self::Memory(_) | Self::Tables(_) => codes::MEMORY_LIMIT,
            Self::Handles(_) | Self::WasiHandles => codes::HANDLE_LIMIT,
            Self::Requests(_) => codes::REQUEST_LIMIT,
            Self::Bytes(_) => codes::BYTES_LIMIT,
            Self::SendOutsideRun => codes::TRAP,
            Self::NotLinked { .. } | Self::NotGranted(_) => codes::NOT_GRANTED,
        }
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self { code: stop.code().to_owned(), status: None, message: stop.to_string() }
    }
}

/// The failure that a guest's end by error is.
pub(crate) fn failure_of(error: &wasmtime::Error) -> Failure {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return Failure::from(stop.clone());
    }
    if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
        return Stop::WasiHandles.into();
    }
    if error.downcast_ref() == Some(&wasmtime::Trap::OutOfFuel) {
        return Stop::Fuel.into();
    }
    if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
        return Failure {
            code: codes::INSTANCE_LIMIT.to_owned(),
            status: None,
            message: format!("too many plugin instances at once: {error}; lower the concurrency of the jobs"),
        };
    }
    let cause = error.root_cause().to_string();
    if cause.starts_with(TOO_MUCH_IN_A_CALL) {
        let message = "the plugin passed more to the engine in one call than it may hold";
        return Failure { code: codes::BYTES_LIMIT.to_owned(), status: None, message: message.to_owned() };
    }
    // The innermost cause is the trap itself ("wasm `unreachable` instruction executed"); around it is a backtrace.
    Failure { code: codes::TRAP.to_owned(), status: None, message: format!("the plugin trapped: {cause}") }
}
