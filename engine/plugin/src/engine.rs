//! The engine that compiles plugins.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::{Operation, OperationPre};
use crate::plugin::Plugin;
use crate::state::State;
use crate::{PluginError, PluginLimits};

/// Core instances per component: what wit-component makes of one core module is three (the module, a table of its
/// imports, and what fills it in), and a component of two languages has some more.
const CORE_INSTANCES: u32 = 8;
/// Memories and tables per component, likewise.
const MEMORIES: u32 = 2;
const TABLES: u32 = 4;

/// What a component may import: the interfaces of this contract, in any compatible version.
const IMPORTS: [&str; 3] =
    ["longshore:operation/s3@0.1.", "longshore:operation/endpoints@0.1.", "longshore:operation/host@0.1."];

/// The WebAssembly engine with its limits. Make one per process.
pub struct Plugins {
    engine: Engine,
    linker: Linker<State>,
    limits: Arc<PluginLimits>,
}

impl Plugins {
    /// Starts the engine, and a thread that counts its ticks until the engine and all its plugins are gone.
    ///
    /// # Errors
    /// [`PluginError::Engine`] if this machine cannot run it.
    pub fn new(limits: PluginLimits) -> Result<Self, PluginError> {
        let engine = start(&limits).map_err(cannot_start)?;
        let mut linker = Linker::new(&engine);
        Operation::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)
            .map_err(cannot_start)?;
        spawn_ticker(&engine, limits.tick)?;
        Ok(Self { engine, linker, limits: Arc::new(limits) })
    }

    /// Compiles a plugin: a component, or a core module that carries its component type (as `cargo build --target
    /// wasm32-unknown-unknown` makes it from a crate with the SDK). Blocks for as long as compiling takes, which is up
    /// to seconds for a megabyte: not for a thread that runs tasks.
    ///
    /// # Errors
    /// Every way in which `bytes` is not an operation of this contract.
    pub fn load(&self, bytes: &[u8]) -> Result<Plugin, PluginError> {
        self.load_anything(bytes).map_err(PluginError::inert)
    }

    fn load_anything(&self, bytes: &[u8]) -> Result<Plugin, PluginError> {
        if bytes.len() > self.limits.plugin_bytes {
            return Err(PluginError::TooLarge { bytes: bytes.len(), limit: self.limits.plugin_bytes });
        }
        let component = if is_core_module(bytes) {
            let encoded = componentize(bytes).map_err(|reason| PluginError::Contract { reason })?;
            Component::from_binary(&self.engine, &encoded)
        } else {
            Component::from_binary(&self.engine, bytes)
        };
        let component = component.map_err(|error| PluginError::NotWasm { reason: format!("{error:#}") })?;
        self.check_imports(&component)?;
        let contract = |error: wasmtime::Error| PluginError::Contract { reason: format!("{error:#}") };
        let pre = self.linker.instantiate_pre(&component).map_err(contract)?;
        let pre = OperationPre::new(pre).map_err(contract)?;
        Plugin::describe(pre, bytes, Arc::clone(&self.limits))
    }

    fn check_imports(&self, component: &Component) -> Result<(), PluginError> {
        let component = component.component_type();
        let forbidden = component
            .imports(&self.engine)
            // What the world `use`s of an interface is imported a second time, as a type of its own.
            .filter(|(_, import)| !matches!(import.ty, ComponentItem::Type(_) | ComponentItem::Resource(_)))
            .map(|(name, _)| name)
            .find(|name| !IMPORTS.iter().any(|allowed| name.starts_with(allowed)));
        match forbidden {
            Some(import) => Err(PluginError::ForbiddenImport { import: import.to_owned() }),
            None => Ok(()),
        }
    }
}

fn cannot_start(error: wasmtime::Error) -> PluginError {
    PluginError::Engine { reason: format!("{error:#}") }
}

/// A pool makes a fresh instance cheap; where its address space cannot be reserved, memory is mapped as it is needed.
fn start(limits: &PluginLimits) -> wasmtime::Result<Engine> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
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

fn pool(limits: &PluginLimits) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.instances)
        .total_core_instances(limits.instances.saturating_mul(CORE_INSTANCES))
        .total_memories(limits.instances)
        .total_tables(limits.instances.saturating_mul(2))
        .total_stacks(limits.instances)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memories_per_module(MEMORIES)
        .max_tables_per_module(TABLES)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits.table_elements);
    pool
}

/// Guests are interrupted at each tick: see [`PluginLimits::tick`].
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

fn componentize(module: &[u8]) -> Result<Vec<u8>, String> {
    let encode = || wit_component::ComponentEncoder::default().validate(true).module(module)?.encode();
    encode().map_err(|error| format!("{error:#}"))
}
