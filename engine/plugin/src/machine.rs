//! The WebAssembly engines: how they are configured, and what runs beside them.

use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::state::State;
use crate::{PluginError, linking};

/// Core instances per component: what wit-component makes of one core module is three (the module, a table of its
/// imports, and what fills it in). A guest in JavaScript (componentize-qjs) has 11; one in Python (componentize-py) 38: its
/// shared libraries, and a stub for each WASI interface that it does without.
pub(crate) const CORE_INSTANCES: u32 = 64;
/// Memories and tables per component, likewise: one memory and up to three tables.
pub(crate) const MEMORIES: u32 = 2;
pub(crate) const TABLES: u32 = 4;
/// Bytes that one memory can have at most: all that 32 bits address. How many a plugin may have is
/// [`PluginLimits`](crate::PluginLimits)'.
const MEMORY_BYTES: usize = 1 << 32;
/// Elements that one table can have at most, likewise.
const TABLE_ELEMENTS: usize = 100_000;

/// What machine code counts while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Time only.
    Timed,
    /// Time, and the instructions that were executed: fuel.
    Metered,
}

impl Flavour {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Timed => "timed",
            Self::Metered => "metered",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Timed, Self::Metered].into_iter().find(|flavour| flavour.name() == name)
    }
}

/// An engine for machine code of one flavour, and what its plugins can be given.
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    /// All that plugins can be given.
    pub(crate) linker: Linker<State>,
}

impl Machine {
    /// Starts an engine, and a thread that counts its ticks until the engine and all its plugins are gone.
    pub(crate) fn start(flavour: Flavour, instances: u32, tick: Duration) -> Result<Self, PluginError> {
        let cannot_start = |error: wasmtime::Error| PluginError::Engine { reason: format!("{error:#}") };
        let engine = start(flavour, instances).map_err(cannot_start)?;
        let linker = linking::all(&engine).map_err(cannot_start)?;
        spawn_ticker(&engine, tick)?;
        Ok(Self { engine, linker })
    }
}

/// A pool makes a fresh instance cheap; where its address space cannot be reserved, memory is mapped as it is needed.
fn start(flavour: Flavour, instances: u32) -> wasmtime::Result<Engine> {
    let mut pooled = config(flavour);
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances)));
    Engine::new(&pooled).or_else(|error| {
        tracing::warn!("no pool of plugin instances, fresh instances will be slower: {error:#}");
        Engine::new(&config(flavour))
    })
}

/// What machine code depends on. Whether there is a pool does not matter to it.
pub(crate) fn config(flavour: Flavour) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .consume_fuel(flavour == Flavour::Metered)
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

/// Guests are interrupted at each tick: see [`EngineLimits::tick`](crate::EngineLimits::tick).
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
