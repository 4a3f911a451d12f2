//! The engine that compiles plugins.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::OperationPre;
use crate::linking;
use crate::plugin::{Plugin, describe};
use crate::state::State;
use crate::{EngineLimits, Inspection, PluginError, PluginLimits, Terms};

/// Core instances per component: what wit-component makes of one core module is three (the module, a table of its
/// imports, and what fills it in). A guest in JavaScript (componentize-qjs) has 11; one in Python (componentize-py) 38: its
/// shared libraries, and a stub for each WASI interface that it does without.
const CORE_INSTANCES: u32 = 64;
/// Memories and tables per component, likewise: one memory and up to three tables.
const MEMORIES: u32 = 2;
const TABLES: u32 = 4;
/// Bytes that one memory can have at most: all that 32 bits address. How many a plugin may have is [`PluginLimits`]'.
const MEMORY_BYTES: usize = 1 << 32;
/// Elements that one table can have at most, likewise.
const TABLE_ELEMENTS: usize = 100_000;

/// The WebAssembly engine with its limits. Make one per process.
pub struct Plugins {
    engine: Engine,
    /// All that plugins can be given.
    linker: Linker<State>,
    limits: EngineLimits,
    /// What was compiled last, by its digest: whoever inspects a plugin often loads it then.
    compiled: Mutex<Option<(String, Component)>>,
}

impl Plugins {
    /// Starts the engine, and a thread that counts its ticks until the engine and all its plugins are gone.
    ///
    /// # Errors
    /// [`PluginError::Engine`] if this machine cannot run it.
    pub fn new(limits: EngineLimits) -> Result<Self, PluginError> {
        let engine = start(&limits).map_err(cannot_start)?;
        let linker = linking::all(&engine).map_err(cannot_start)?;
        spawn_ticker(&engine, limits.tick)?;
        Ok(Self { engine, linker, limits, compiled: Mutex::default() })
    }

    /// What a plugin is: compiles it and asks it for its description of itself, under the default limits. See
    /// [`Plugins::load`].
    ///
    /// # Errors
    /// Every way in which `bytes` is not an operation of this contract.
    pub fn inspect(&self, bytes: &[u8]) -> Result<Inspection, PluginError> {
        self.inspect_anything(bytes).map_err(PluginError::inert)
    }

    fn inspect_anything(&self, bytes: &[u8]) -> Result<Inspection, PluginError> {
        let (digest, component) = self.compile(bytes)?;
        let pre = self.linker.instantiate_pre(&component).and_then(OperationPre::new).map_err(misfit)?;
        let description = describe(&pre, &Arc::new(PluginLimits::default()), self.limits.tick)?;
        let needs = description.grants().map_err(|reason| PluginError::Description { reason })?;
        let imports = linking::imports(&self.engine, &component);
        Ok(Inspection { description, needs, imports, bytes: bytes.len(), digest })
    }

    /// Compiles a plugin: a component, or a core module that carries its component type (as `cargo build --target
    /// wasm32-unknown-unknown` makes it from a crate with the SDK). It is given the interfaces that the grants of `terms`
    /// reach. Blocks for as long as compiling takes, which is up to seconds for a megabyte: not for a thread that runs tasks.
    ///
    /// # Errors
    /// Every way in which `bytes` is not an operation of this contract.
    pub fn load(&self, bytes: &[u8], terms: &Terms) -> Result<Plugin, PluginError> {
        self.load_anything(bytes, terms).map_err(PluginError::inert)
    }

    fn load_anything(&self, bytes: &[u8], terms: &Terms) -> Result<Plugin, PluginError> {
        let (digest, component) = self.compile(bytes)?;
        let pre = linking::link(&self.linker, &component, &terms.grants).map_err(misfit)?;
        Plugin::new(pre, digest, terms, self.limits.tick)
    }

    fn compile(&self, bytes: &[u8]) -> Result<(String, Component), PluginError> {
        if bytes.len() > self.limits.plugin_bytes {
            return Err(PluginError::TooLarge { bytes: bytes.len(), limit: self.limits.plugin_bytes });
        }
        let digest = hex::encode(Sha256::digest(bytes));
        let last = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = last.filter(|(compiled, _)| *compiled == digest) {
            return Ok(last);
        }
        let component = if is_core_module(bytes) {
            let encoded = componentize(bytes).map_err(|reason| PluginError::Contract { reason })?;
            Component::from_binary(&self.engine, &encoded)
        } else {
            Component::from_binary(&self.engine, bytes)
        };
        let component = component.map_err(|error| PluginError::NotWasm { reason: format!("{error:#}") })?;
        linking::check_imports(&self.engine, &component)?;
        let compiled = (digest, component);
        *self.compiled.lock().unwrap_or_else(PoisonError::into_inner) = Some(compiled.clone());
        Ok(compiled)
    }
}

fn cannot_start(error: wasmtime::Error) -> PluginError {
    PluginError::Engine { reason: format!("{error:#}") }
}

fn misfit(error: wasmtime::Error) -> PluginError {
    PluginError::Contract { reason: format!("{error:#}") }
}

/// A pool makes a fresh instance cheap; where its address space cannot be reserved, memory is mapped as it is needed.
fn start(limits: &EngineLimits) -> wasmtime::Result<Engine> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits.instances)));
    Engine::new(&config).or_else(|error| {
        tracing::warn!("no pool of plugin instances, fresh instances will be slower: {error:#}");
        Engine::new(&self::config())
    })
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        // What no operation needs is no surface.
        .wasm_memory64(false)
        // Results must not depend on the machine.
        .wasm_relaxed_simd(false)
        .cranelift_nan_canonicalization(true);
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(TABLES))
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memories_per_module(MEMORIES)
        .max_tables_per_module(TABLES)
        .max_memory_size(MEMORY_BYTES)
        .table_elements(TABLE_ELEMENTS);
    pool
}

/// Guests are interrupted at each tick: see [`EngineLimits::tick`].
fn spawn_ticker(engine: &Engine, tick: Duration) -> Result<(), PluginError> {
    let engine = engine.weak();
    let ticker = move || {
        loop {
            std::thread::sleep(tick);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => break,
            }
        }
    };
    match std::thread::Builder::new().name("plugin-ticker".to_owned()).spawn(ticker) {
        Ok(_) => Ok(()),
        Err(error) => Err(PluginError::Engine { reason: format!("no thread for the ticker: {error}") }),
    }
}

/// The version field of a module is 1, that of a component has a layer (Component Model, "Binary Format").
fn is_core_module(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x01\0\0\0")
}

/// The encoder panics on some modules whose component type is broken: that is a refusal, too.
fn componentize(module: &[u8]) -> Result<Vec<u8>, String> {
    let encode = || wit_component::ComponentEncoder::default().validate(true).module(module)?.encode();
    match std::panic::catch_unwind(encode) {
        Ok(encoded) => encoded.map_err(|error| format!("{error:#}")),
        Err(_) => Err("its component type cannot be read".to_owned()),
    }
}
