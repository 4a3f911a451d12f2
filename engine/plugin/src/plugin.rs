//! The engine that compiles plugins, and a compiled plugin.

use std::sync::Arc;

use crate::{Isolation, Lane, PluginError, PluginLimits};

/// The WebAssembly engine with its limits. Make one per process.
pub struct Plugins {
    limits: Arc<PluginLimits>,
}

impl Plugins {
    /// Starts the engine.
    ///
    /// # Errors
    /// [`PluginError::Engine`] if this machine cannot run it.
    pub fn new(limits: PluginLimits) -> Result<Self, PluginError> {
        Ok(Self { limits: Arc::new(limits) })
    }

    /// Compiles a plugin: a component, or a core module that carries its component type.
    ///
    /// # Errors
    /// Every way in which `bytes` is not an operation of this contract.
    pub fn load(&self, bytes: &[u8]) -> Result<Plugin, PluginError> {
        Err(PluginError::TooLarge { bytes: bytes.len(), limit: self.limits.plugin_bytes })
    }
}

/// One compiled operation. Cloning is cheap.
#[derive(Clone)]
pub struct Plugin {
    digest: Arc<str>,
    description: Arc<Description>,
}

impl Plugin {
    /// SHA-256 of the bytes it was loaded from, in lower-case hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the operation says about itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Makes a lane: an instance configured with the job's parameters.
    ///
    /// # Errors
    /// [`PluginError::Parameters`] if the operation refuses them, [`PluginError::Start`] if it cannot be started.
    pub async fn lane(
        &self,
        parameters: &serde_json::Value,
        isolation: Isolation,
        job_id: &str,
    ) -> Result<Lane, PluginError> {
        let _ = (parameters, isolation, job_id);
        Ok(Lane {})
    }
}

/// What an operation says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The name that job files use.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of the parameters.
    pub parameters: serde_json::Value,
    /// IAM actions the operation may need; for people writing a role.
    pub actions: Vec<String>,
}
