//! How a catalog compiles plugins, and what they may use.

use std::path::PathBuf;

use longshore_job::config::PluginsConfig;
use longshore_plugin::{CompileLimits, Compiler, EngineLimits, PluginError, PluginLimits, Plugins};

use crate::engine::count;

/// How a catalog compiles plugins, and under which terms those run that do not ship with the engine.
#[derive(Debug, Default)]
pub struct CatalogSettings {
    /// What the configuration says.
    pub plugins: PluginsConfig,
    /// Where machine code is kept: in the first of these that can be used; none means nowhere.
    pub caches: Vec<PathBuf>,
    /// Program and arguments that end in [`longshore_plugin::compile_in_child`]; `None` compiles everything in this process.
    pub compiler: Option<(PathBuf, String)>,
}

impl CatalogSettings {
    /// Starts the WebAssembly engine.
    pub(crate) fn start(&self) -> Result<Plugins, PluginError> {
        let mut plugins = Plugins::new(self.engine_limits())?;
        if !self.caches.is_empty() {
            plugins = plugins.with_cache(self.caches.clone(), self.plugins.cache_bytes);
        }
        if let Some(compiler) = self.compiler() {
            plugins = plugins.with_compiler(compiler);
        }
        Ok(plugins)
    }

    /// The limits of a plugin that does not ship with the engine.
    pub(crate) fn limits(&self) -> PluginLimits {
        let PluginsConfig { memory_bytes, table_elements, handles, requests, held_bytes, .. } = self.plugins;
        let PluginsConfig { log_bytes, message_bytes, cpu_time, task_time, fuel, .. } = self.plugins;
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
}

/// Bytes that are more than there is memory are no bound.
pub(crate) fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
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
