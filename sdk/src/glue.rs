//! Between the generated entry points and an [`Operation`]; used by [`export!`](crate::export) only.

use std::cell::OnceCell;

use crate::{Operation, Outcome, raw, raw_host};

/// The operation's description of itself.
pub fn describe<T: Operation>(version: &str) -> raw_host::Description {
    raw_host::Description {
        name: T::NAME.to_owned(),
        version: version.to_owned(),
        summary: T::SUMMARY.to_owned(),
        parameters: schemars::schema_for!(T::Parameters).to_value().to_string(),
        actions: T::ACTIONS.iter().map(|action| (*action).to_owned()).collect(),
    }
}

/// Makes an operation from parameters in JSON.
///
/// # Errors
/// A sentence that says what to change.
pub fn configure<T: Operation>(parameters: &str) -> Result<T, String> {
    // By way of a value, so that the error does not speak of lines and columns that no one sees.
    let value: serde_json::Value = serde_json::from_str(parameters).map_err(|error| error.to_string())?;
    let parameters = serde_json::from_value(value).map_err(|error| error.to_string())?;
    T::new(parameters)
}

/// Where an instance keeps its operation.
pub struct Slot<T>(OnceCell<T>);

impl<T: Operation> Slot<T> {
    /// Not configured yet.
    #[allow(clippy::new_without_default, reason = "const, for a static")]
    pub const fn new() -> Self {
        Self(OnceCell::new())
    }

    /// The contract's `configure`.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub fn configure(&self, parameters: &str) -> Result<(), String> {
        // A panic ends the instance with a bare trap: its words are worth a log line.
        std::panic::set_hook(Box::new(|panic| raw_host::log(raw_host::Level::Error, &panic.to_string())));
        self.0.set(configure(parameters)?).map_err(|_| "configured twice".to_owned())
    }

    /// The contract's `plan`.
    pub fn plan(&self, object: &raw::Object, task: &raw_host::Task) -> Vec<raw::Request> {
        let Some(operation) = self.0.get() else { return Vec::new() };
        operation.plan(&object.into(), &task.into()).into_iter().map(|request| request.0).collect()
    }

    /// The contract's `run`.
    ///
    /// # Errors
    /// The task's failure.
    pub fn run(
        &self,
        object: &raw::Object,
        task: &raw_host::Task,
    ) -> Result<raw_host::Outcome, raw_host::Failure> {
        let Some(operation) = self.0.get() else {
            return Err(raw_host::Failure {
                code: "NotConfigured".to_owned(),
                message: "run was called before configure".to_owned(),
                http_status: None,
            });
        };
        match operation.run(&object.into(), &task.into()) {
            Ok(Outcome::Done(message)) => Ok(raw_host::Outcome::Done(message)),
            Ok(Outcome::Skipped(reason)) => Ok(raw_host::Outcome::Skipped(reason)),
            Ok(Outcome::AgainAfter { seconds, note }) => {
                Ok(raw_host::Outcome::AgainAfter(raw_host::Retry { seconds, note }))
            }
            Err(failure) => Err(raw_host::Failure {
                code: failure.code,
                message: failure.message,
                http_status: failure.http_status,
            }),
        }
    }
}
