//! One step of what a job does to each object.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{OperationSource, OperationSpec};
use crate::filter::Filter;

/// One step of what a job does to each object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepSpec {
    /// What is done.
    pub operation: OperationSpec,
    /// How messages call the step, if the job file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// To which objects; for the others the step is skipped.
    #[serde(default, skip_serializing_if = "Filter::is_empty")]
    pub when: Filter,
    /// What becomes of a task in which the step fails.
    #[serde(default, skip_serializing_if = "OnFailure::is_default")]
    pub on_failure: OnFailure,
}

/// What becomes of a task in which a step fails. It is a failed one either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It ends there.
    #[default]
    Stop,
    /// It goes on with the next step.
    Continue,
}

impl OnFailure {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl StepSpec {
    /// How messages call the step: by its label, or by its operation.
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or_else(|| self.operation.source.short_name())
    }
}

impl OperationSource {
    /// The operation as messages name it: a built-in by its name, a plugin by its path, an installed one as `name@version`.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Builtin(name) => name.into(),
            Self::File { path, .. } => path.into(),
            Self::Installed { name, version, .. } => format!("{name}@{version}").into(),
        }
    }

    /// The same without directories and ending, or version.
    fn short_name(&self) -> &str {
        match self {
            Self::Builtin(name) | Self::Installed { name, .. } => name,
            Self::File { path, .. } => {
                let file = path.rsplit('/').next().unwrap_or(path);
                file.strip_suffix(".wasm").unwrap_or(file)
            }
        }
    }
}
