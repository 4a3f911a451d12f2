//! The operations there are: the built-ins, and plugin files by path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use longshore_job::OperationCatalog;
use longshore_job::config::{PluginIsolation, PluginsConfig};
use longshore_job::job_file::{CatalogEntry, OperationName};
use longshore_job::spec::{OperationSource, OperationSpec};
use longshore_plugin::{
    Cache, CompileLimits, Compiler, EngineLimits, Isolation, Plugin, PluginError, PluginLimits, Plugins,
    Terms,
};
use tokio::runtime::Handle;

use crate::error::{JobFailure, OPERATION_NOT_USABLE};

/// How a catalog compiles plugins, and under which terms those run that do not ship with the engine.
#[derive(Debug, Default)]
pub struct CatalogSettings {
    /// What the configuration says.
    pub plugins: PluginsConfig,
    /// Where machine code is kept; `None` means nowhere.
    pub cache: Option<PathBuf>,
    /// Program and arguments that end in [`longshore_plugin::compile_in_child`]; `None` compiles everything in this process.
    pub compiler: Option<(PathBuf, String)>,
}

impl CatalogSettings {
    fn limits(&self) -> PluginLimits {
        let PluginsConfig { memory_bytes, table_elements, handles, requests, held_bytes, .. } = self.plugins;
        let PluginsConfig { log_bytes, message_bytes, cpu_time, task_time, fuel, .. } = self.plugins;
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        PluginLimits {
            memory_bytes: size(memory_bytes),
            table_elements: count(table_elements),
            handles: count(handles),
            requests,
            held_bytes: size(held_bytes),
            log_bytes: size(log_bytes),
            message_bytes: size(message_bytes),
            cpu_time,
            task_time,
            fuel,
        }
    }

    fn engine_limits(&self) -> EngineLimits {
        EngineLimits { plugin_bytes: size(self.plugins.file_bytes), ..EngineLimits::default() }
    }

    fn compiler(&self) -> Option<Compiler> {
        let (program, argument) = self.compiler.clone()?;
        let limits = CompileLimits {
            cpu_time: self.plugins.compile_time,
            time: self.plugins.compile_time,
            memory_bytes: self.plugins.compile_memory_bytes,
            ..CompileLimits::default()
        };
        Some(Compiler { program, arguments: vec![argument.into()], limits })
    }

    /// Without the cache everything works, only slower.
    fn cache(&self) -> Option<Cache> {
        let directory = self.cache.as_ref().filter(|_| self.plugins.cache_bytes > 0)?;
        Cache::open(directory, self.plugins.cache_bytes)
            .inspect_err(|error| tracing::warn!("compiled plugins are not kept: {error}"))
            .ok()
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Finds and compiles operations, each once.
pub struct Catalog {
    plugins: Plugins,
    limits: PluginLimits,
    isolation: Isolation,
    loaded: Mutex<BTreeMap<String, Plugin>>,
}

impl Catalog {
    /// An empty catalog with its own WebAssembly engine: make one per process.
    ///
    /// # Errors
    /// If the WebAssembly engine cannot run on this machine.
    pub fn new(settings: &CatalogSettings) -> Result<Self, PluginError> {
        let mut plugins = Plugins::new(settings.engine_limits())?;
        if let Some(cache) = settings.cache() {
            plugins = plugins.with_cache(cache);
        }
        if let Some(compiler) = settings.compiler() {
            plugins = plugins.with_compiler(compiler);
        }
        let isolation = match settings.plugins.isolation {
            PluginIsolation::Fresh => Isolation::Fresh,
            PluginIsolation::Reuse => Isolation::Reuse,
        };
        Ok(Self { plugins, limits: settings.limits(), isolation, loaded: Mutex::default() })
    }

    /// The built-in operation `name`.
    ///
    /// # Errors
    /// If there is none, in a sentence that lists those there are.
    pub fn builtin(&self, name: &str) -> Result<Plugin, String> {
        let builtin = longshore_builtins::get(name).ok_or_else(|| {
            format!("there is no built-in operation {name}; there are: {}", self.names().join(", "))
        })?;
        self.compiled(name, builtin.component).map_err(|error| format!("built-in operation {name}: {error}"))
    }

    /// The SHA-256 of an operation's component, lower-case hex: of a built-in as it is now, of a file as it was found.
    ///
    /// # Errors
    /// If there is no such built-in.
    pub fn digest(&self, source: &OperationSource) -> Result<String, String> {
        match source {
            OperationSource::Builtin(name) => Ok(self.builtin(name)?.digest().to_owned()),
            OperationSource::File { sha256, .. } => Ok(sha256.clone()),
        }
    }

    fn file(&self, path: &Path) -> Result<Plugin, String> {
        let shown = path.display().to_string();
        let bytes =
            std::fs::read(path).map_err(|error| format!("{shown}: cannot read the plugin: {error}"))?;
        // Not kept by path: the file may change between two jobs.
        self.under_own_needs(&bytes).map_err(|error| format!("{shown}: {error}"))
    }

    /// A plugin that is granted what it says it needs.
    fn under_own_needs(&self, bytes: &[u8]) -> Result<Plugin, PluginError> {
        let grants = self.plugins.inspect(bytes)?.needs;
        self.plugins.load(bytes, &Terms { grants, limits: self.limits.clone(), isolation: self.isolation })
    }

    fn compiled(&self, key: &str, component: &[u8]) -> Result<Plugin, PluginError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plugin) = loaded.get(key) {
            return Ok(plugin.clone());
        }
        let plugin = self.plugins.load_shipped(component)?;
        loaded.insert(key.to_owned(), plugin.clone());
        Ok(plugin)
    }

    /// The operation of a job. `digest` is the one it had at submission.
    fn load(&self, source: &OperationSource, digest: &str) -> Result<Plugin, JobFailure> {
        let unusable = |reason| JobFailure::new(OPERATION_NOT_USABLE, reason);
        let plugin = match source {
            OperationSource::Builtin(name) => self.builtin(name),
            OperationSource::File { path, .. } => self.file(Path::new(path)),
        };
        let plugin = plugin.map_err(unusable)?;
        if let (OperationSource::File { path, .. }, true) = (source, plugin.digest() != digest) {
            return Err(unusable(format!(
                "{path}: the plugin changed since the job was submitted (SHA-256 was {digest}, is {}); \
                 submit the job again to run the new one",
                plugin.digest()
            )));
        }
        Ok(plugin)
    }

    /// As [`Catalog::load`], and asks the operation itself whether it takes the parameters: it may refuse what its schema
    /// cannot express.
    pub(crate) async fn load_checked(
        &self,
        operation: &OperationSpec,
        digest: &str,
    ) -> Result<Plugin, JobFailure> {
        let plugin = self.load(&operation.source, digest)?;
        match plugin.lane(&operation.parameters, "check").await {
            Ok(_) => Ok(plugin),
            Err(error) => Err(JobFailure::new(OPERATION_NOT_USABLE, error.to_string())),
        }
    }
}

impl OperationCatalog for Catalog {
    /// Must be called on a thread of a multi-threaded tokio runtime: the operation is started to be asked.
    fn check(&self, operation: &OperationSpec) -> Result<(), String> {
        let digest = match &operation.source {
            OperationSource::Builtin(_) => "",
            OperationSource::File { sha256, .. } => sha256,
        };
        let asking = self.load_checked(operation, digest);
        let answer = tokio::task::block_in_place(|| Handle::current().block_on(asking));
        answer.map(drop).map_err(|failure| failure.reason)
    }

    fn names(&self) -> Vec<String> {
        longshore_builtins::all().iter().map(|builtin| builtin.name.to_owned()).collect()
    }

    fn find(&self, operation: OperationName<'_>) -> Result<CatalogEntry, String> {
        let (plugin, source) = match operation {
            OperationName::Builtin(name) => (self.builtin(name)?, OperationSource::Builtin(name.to_owned())),
            OperationName::Plugin(path) => {
                let plugin = self.file(path)?;
                let source = OperationSource::File {
                    path: path.display().to_string(),
                    sha256: plugin.digest().to_owned(),
                };
                (plugin, source)
            }
        };
        Ok(CatalogEntry { source, parameters: plugin.description().parameters.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_configuration_the_limits_are_the_plugin_hosts_own() {
        let settings = CatalogSettings::default();
        assert_eq!(settings.limits(), PluginLimits::default());
        assert_eq!(settings.engine_limits(), EngineLimits::default());
        let compiler =
            CatalogSettings { compiler: Some(("p".into(), "a".to_owned())), ..settings }.compiler();
        assert_eq!(compiler.map(|compiler| compiler.limits), Some(CompileLimits::default()));
    }
}
