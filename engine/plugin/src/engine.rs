//! The engine that compiles plugins.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::bindings::OperationPre;
use crate::cache::Place;
use crate::compile::{self, Compiler};
use crate::linking;
use crate::machine::{Flavour, Machine};
use crate::plugin::{Plugin, describe};
use crate::{EngineLimits, Grant, Inspection, Isolation, PluginError, PluginLimits, Terms};

/// The WebAssembly engine with its limits. Make one per process.
pub struct Plugins {
    timed: Machine,
    /// Started for the first plugin that has a limit of fuel: code that counts it is slower.
    metered: OnceLock<Machine>,
    limits: EngineLimits,
    kept: Option<Place>,
    compiler: Option<Compiler>,
    /// What was compiled last: whoever inspects a plugin often loads it then.
    last: Mutex<Option<Compiled>>,
}

#[derive(Clone)]
struct Compiled {
    flavour: Flavour,
    digest: String,
    component: Component,
}

/// Who made a plugin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It ships with the engine.
    Shipped,
    /// Anybody.
    Foreign,
}

impl Plugins {
    /// Starts the engine, and a thread that counts its ticks until the engine and all its plugins are gone. It compiles in
    /// this process and keeps nothing.
    ///
    /// # Errors
    /// [`PluginError::Engine`] if this machine cannot run it.
    pub fn new(limits: EngineLimits) -> Result<Self, PluginError> {
        let timed = Machine::start(Flavour::Timed, limits.instances, limits.tick)?;
        let (metered, last) = (OnceLock::new(), Mutex::default());
        Ok(Self { timed, metered, limits, kept: None, compiler: None, last })
    }

    /// The same with what was compiled before: in the first of `directories` that can be used, once the one that it is in
    /// exists, and at most so many bytes. What was not used for longest goes first.
    #[must_use]
    pub fn with_cache(self, directories: Vec<PathBuf>, most_bytes: u64) -> Self {
        Self { kept: Some(Place::new(directories, most_bytes)), ..self }
    }

    /// The same with plugins that do not ship with the engine compiled by a child process.
    #[must_use]
    pub fn with_compiler(self, compiler: Compiler) -> Self {
        Self { compiler: Some(compiler), ..self }
    }

    /// What a plugin is: compiles it and asks it for its description of itself under these limits. See [`Plugins::load`].
    ///
    /// # Errors
    /// Every way in which `bytes` is not an operation of this contract.
    pub fn inspect(&self, bytes: &[u8], limits: &PluginLimits) -> Result<Inspection, PluginError> {
        self.inspect_from(bytes, limits, Origin::Foreign).map_err(PluginError::inert)
    }

    fn inspect_from(
        &self,
        bytes: &[u8],
        limits: &PluginLimits,
        origin: Origin,
    ) -> Result<Inspection, PluginError> {
        let machine = &self.timed;
        let Compiled { digest, component, .. } = self.compile(Flavour::Timed, bytes, origin)?;
        let pre = machine.linker.instantiate_pre(&component).and_then(OperationPre::new).map_err(misfit)?;
        // It is asked on the engine that counts time alone.
        let limits = Arc::new(PluginLimits { fuel: None, ..limits.clone() });
        let description = describe(&pre, &limits, self.limits.tick)?;
        let actions = description.grants().map_err(|reason| PluginError::Description { reason })?;
        let wasi = linking::wasi_import(&machine.engine, &component).map(|_| Grant::wasi());
        let needs = actions.iter().cloned().chain(wasi).collect();
        let imports = linking::imports(&machine.engine, &component);
        Ok(Inspection { description, needs, imports, bytes: bytes.len(), digest })
    }

    /// Compiles a plugin: a component, or a core module that carries its component type (as `cargo build --target
    /// wasm32-unknown-unknown` makes it from a crate with the SDK). It is given the interfaces that the grants of `terms`
    /// reach. Blocks for as long as compiling takes, which is up to seconds for a megabyte: not for a thread that runs tasks.
    ///
    /// # Errors
    /// Every way in which `bytes` is not an operation of this contract.
    pub fn load(&self, bytes: &[u8], terms: &Terms) -> Result<Plugin, PluginError> {
        self.load_from(bytes, terms, Origin::Foreign).map_err(PluginError::inert)
    }

    /// Loads an operation that ships with the engine: it is compiled in this process, and granted what it declares.
    ///
    /// # Errors
    /// As [`Plugins::load`].
    pub fn load_shipped(&self, bytes: &[u8]) -> Result<Plugin, PluginError> {
        let limits = PluginLimits::default();
        let grants = self.inspect_from(bytes, &limits, Origin::Shipped)?.needs;
        let terms = Terms { grants, limits, isolation: Isolation::Reuse };
        self.load_from(bytes, &terms, Origin::Shipped)
    }

    fn load_from(&self, bytes: &[u8], terms: &Terms, origin: Origin) -> Result<Plugin, PluginError> {
        let flavour = if terms.limits.fuel.is_some() { Flavour::Metered } else { Flavour::Timed };
        let machine = self.machine(flavour)?;
        let Compiled { digest, component, .. } = self.compile(flavour, bytes, origin)?;
        let wasi = linking::wasi_import(&machine.engine, &component);
        if let Some(import) = wasi.filter(|_| !terms.grants.wasi()) {
            return Err(PluginError::NotGranted { import });
        }
        let pre = linking::link(&machine.linker, &component, &terms.grants).map_err(misfit)?;
        Plugin::new(pre, digest, terms, self.limits.tick)
    }

    fn machine(&self, flavour: Flavour) -> Result<&Machine, PluginError> {
        if flavour == Flavour::Timed {
            return Ok(&self.timed);
        }
        if let Some(machine) = self.metered.get() {
            return Ok(machine);
        }
        let started = Machine::start(flavour, self.limits.instances, self.limits.tick)?;
        // Whoever was faster has started it too.
        Ok(self.metered.get_or_init(|| started))
    }

    fn compile(&self, flavour: Flavour, bytes: &[u8], origin: Origin) -> Result<Compiled, PluginError> {
        if bytes.len() > self.limits.plugin_bytes {
            return Err(PluginError::TooLarge { bytes: bytes.len(), limit: self.limits.plugin_bytes });
        }
        let digest = hex::encode(Sha256::digest(bytes));
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = last.filter(|last| (last.flavour, &last.digest) == (flavour, &digest)) {
            return Ok(last);
        }
        let engine = &self.machine(flavour)?.engine;
        let name = name_in_cache(engine, &digest);
        let component = match self.cached(engine, &name) {
            Some(component) => component,
            None => {
                let artefact = match &self.compiler {
                    Some(compiler) if origin == Origin::Foreign => compiler.compile(flavour, bytes)?,
                    _ => compile::here(engine, bytes)?,
                };
                let component = revive(engine, &artefact)?;
                if let Some(cache) = self.kept.as_ref().and_then(Place::cache) {
                    cache.keep(&name, &artefact);
                }
                component
            }
        };
        linking::check_imports(engine, &component)?;
        let compiled = Compiled { flavour, digest, component };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(compiled.clone());
        Ok(compiled)
    }

    fn cached(&self, engine: &Engine, name: &str) -> Option<Component> {
        let artefact = self.kept.as_ref()?.cache()?.find(name)?;
        revive(engine, &artefact)
            .inspect_err(|error| {
                tracing::warn!("a compiled plugin does not load and is compiled anew: {error}")
            })
            .ok()
    }
}

/// The name of a plugin's machine code: of these bytes, by this version of the compiler with these settings.
fn name_in_cache(engine: &Engine, digest: &str) -> String {
    let mut settings = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    format!("{digest}-{:016x}", settings.finish())
}

/// Machine code that this engine compiled, as a component.
#[allow(unsafe_code, reason = "wasmtime cannot know who made the machine code")]
fn revive(engine: &Engine, artefact: &[u8]) -> Result<Component, PluginError> {
    // SAFETY: the bytes are what `precompile_component` of this very program made: in this process, in a child of it that
    // wrote them to a pipe of its parent, or earlier, and then their MAC was verified (`Cache::find`).
    let component = unsafe { Component::deserialize(engine, artefact) };
    component.map_err(|error| PluginError::Compile { reason: format!("{error:#}") })
}

fn misfit(error: wasmtime::Error) -> PluginError {
    PluginError::Contract { reason: format!("{error:#}") }
}
