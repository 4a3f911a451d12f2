//! The operations there are: the built-ins, plugin files by path, and installed plugins.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use longshore_job::config::{PluginIsolation, PluginsConfig};
use longshore_job::job_file::{CatalogEntry, OperationName};
use longshore_job::spec::{OperationSource, OperationSpec};
use longshore_job::{InstalledName, OperationCatalog};
use longshore_plugin::{Grants, Inspection, Isolation, Plugin, PluginError, PluginLimits, Plugins, Terms};
use longshore_registry::{Record, Registry};
use tokio::runtime::Handle;

use crate::catalog_settings::{CatalogSettings, size};
use crate::error::{JobFailure, OPERATION_NOT_USABLE};
use crate::plugin_file;

/// Finds and compiles operations, each once.
pub struct Catalog {
    plugins: Plugins,
    /// Most bytes of a plugin's file.
    plugin_bytes: usize,
    limits: PluginLimits,
    isolation: Isolation,
    installed: Option<Registry>,
    /// The public keys of which one must have signed a plugin; `None` if none need have.
    signers: Option<Vec<String>>,
    loaded: Mutex<BTreeMap<String, Plugin>>,
}

impl Catalog {
    /// The built-ins and plugin files, with its own WebAssembly engine: make one per process.
    ///
    /// # Errors
    /// If the WebAssembly engine cannot run on this machine.
    pub fn new(settings: &CatalogSettings) -> Result<Self, PluginError> {
        let PluginsConfig { isolation, file_bytes, require_signature, .. } = settings.plugins;
        let isolation = match isolation {
            PluginIsolation::Fresh => Isolation::Fresh,
            PluginIsolation::Reuse => Isolation::Reuse,
        };
        Ok(Self {
            plugins: settings.start()?,
            plugin_bytes: size(file_bytes),
            limits: settings.limits(),
            isolation,
            installed: None,
            signers: require_signature.then(|| settings.plugins.keys.values().cloned().collect()),
            loaded: Mutex::default(),
        })
    }

    /// The same with the plugins that are installed there.
    #[must_use]
    pub fn with_installed(self, registry: Registry) -> Self {
        Self { installed: Some(registry), ..self }
    }

    /// What compiles plugins here.
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// What plugins may use here that have no limits of their own.
    pub fn limits(&self) -> &PluginLimits {
        &self.limits
    }

    /// What a plugin file is, as the engine would run it here.
    ///
    /// # Errors
    /// If it cannot be read, or is not an operation.
    pub fn inspect(&self, path: &Path) -> Result<Inspection, String> {
        let bytes = plugin_file::read(path, self.plugin_bytes)?;
        let inspection = self.plugins.inspect(&bytes, &self.limits);
        inspection.map_err(|error| format!("{}: {error}", path.display()))
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
            OperationSource::File { sha256, .. } | OperationSource::Installed { sha256, .. } => {
                Ok(sha256.clone())
            }
        }
    }

    fn registry(&self) -> Result<&Registry, String> {
        self.installed.as_ref().ok_or_else(|| "no plugins are installed here".to_owned())
    }

    /// Whether a plugin may run here, as far as signatures go. Only what is installed has a record of one.
    fn check_signed(&self, shown: &str, record: Option<&Record>) -> Result<(), String> {
        let Some(signers) = &self.signers else { return Ok(()) };
        let required = "[plugins] require-signature is set";
        match record.map(|record| &record.signature) {
            None => Err(format!(
                "{shown}: {required}, and a plugin that is named by its path has none: install it with its signature \
                 (longshore plugin install), and name it by its name"
            )),
            Some(None) => Err(format!("{shown}: {required}, and the plugin was installed without one")),
            Some(Some(signature)) if signers.contains(&signature.key) => Ok(()),
            Some(Some(_)) => Err(format!(
                "{shown}: {required}, and the plugin is signed by a key that is none of [plugins] keys any more"
            )),
        }
    }

    /// An installed plugin as it is now.
    fn find_installed(&self, name: InstalledName<'_>) -> Result<CatalogEntry, String> {
        let registry = self.registry()?;
        let record = registry.find(name).map_err(|error| error.to_string())?;
        self.check_signed(&record.full_name(), Some(&record))?;
        // Its component is looked at now, not only when the job runs.
        registry.component(&record).map_err(|error| error.to_string())?;
        let source = OperationSource::Installed {
            name: record.name,
            version: record.version,
            sha256: record.sha256,
            grants: record.grants.into(),
        };
        Ok(CatalogEntry { source, parameters: record.parameters })
    }

    /// An installed plugin, for a job that was submitted when it had this digest and these grants.
    fn load_installed(
        &self,
        name: InstalledName<'_>,
        (sha256, grants): (&str, &[String]),
    ) -> Result<Plugin, String> {
        let registry = self.registry()?;
        let record = registry.find(name).map_err(|error| error.to_string())?;
        if record.sha256 != sha256 {
            return Err(format!(
                "{name}: the plugin was removed and another installed in its place since the job was submitted (SHA-256 was \
                 {sha256}, is {}); submit the job again to run the new one",
                record.sha256
            ));
        }
        self.check_signed(&record.full_name(), Some(&record))?;
        let component = registry.component(&record).map_err(|error| error.to_string())?;
        let submitted = Grants::try_from(grants.to_vec()).map_err(|error| format!("{name}: {error}"))?;
        let terms = record.terms(&submitted, self.third_party(Grants::default()));
        self.plugins.load(&component, &terms).map_err(|error| format!("{name}: {error}"))
    }

    fn file(&self, path: &Path, bytes: &[u8]) -> Result<Plugin, String> {
        self.check_signed(&path.display().to_string(), None)?;
        // Not kept by path: the file may change between two jobs.
        self.under_own_needs(bytes).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// A plugin that is granted what it says it needs.
    fn under_own_needs(&self, bytes: &[u8]) -> Result<Plugin, PluginError> {
        let needs = self.plugins.inspect(bytes, &self.limits)?.needs;
        self.plugins.load(bytes, &self.third_party(needs))
    }

    /// How plugins run that do not ship with the engine.
    fn third_party(&self, grants: Grants) -> Terms {
        Terms { grants, limits: self.limits.clone(), isolation: self.isolation }
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
            OperationSource::File { path, .. } => {
                let path = Path::new(path);
                plugin_file::read_again(path, self.plugin_bytes, digest)
                    .and_then(|bytes| self.file(path, &bytes))
            }
            OperationSource::Installed { name, version, sha256, grants } => {
                self.load_installed(InstalledName::Version(name, version), (sha256, grants))
            }
        };
        plugin.map_err(unusable)
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
            OperationSource::File { sha256, .. } | OperationSource::Installed { sha256, .. } => sha256,
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
            OperationName::Installed(name) => return self.find_installed(name),
            OperationName::Plugin(path) => {
                let plugin = self.file(path, &plugin_file::read(path, self.plugin_bytes)?)?;
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
