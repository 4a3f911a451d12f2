//! Why a plugin cannot be loaded or made ready.

use std::mem;

use crate::text;

/// Bytes of a reason: names in a plugin may be as long as it is.
const MAX_REASON_BYTES: usize = 4 << 10;

/// Why a plugin cannot be loaded or made ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// The WebAssembly engine could not be set up on this machine.
    #[error("the WebAssembly engine could not start: {reason}")]
    Engine {
        /// What went wrong.
        reason: String,
    },
    /// More bytes than the limit.
    #[error("the plugin has {bytes} bytes; the limit is {limit}. Build it in release mode and strip it")]
    TooLarge {
        /// Size of the plugin in bytes.
        bytes: usize,
        /// `PluginLimits::plugin_bytes`.
        limit: usize,
    },
    /// Not WebAssembly, or WebAssembly that is not valid.
    #[error("this is not a WebAssembly component or module that can be loaded: {reason}")]
    NotWasm {
        /// What went wrong.
        reason: String,
    },
    /// An import that the contract does not offer.
    #[error(
        "the plugin imports {import}, which operations are not given: there are the interfaces of \
         longshore:operation@0.1.0 and, where it is granted, an empty WASI 0.2 without wasi:http. Rust needs neither: build \
         for wasm32-unknown-unknown"
    )]
    ForbiddenImport {
        /// The import's name.
        import: String,
    },
    /// An import of WASI, without the grant of it.
    #[error(
        "the plugin imports {import}, and is not granted the empty WASI world: grant it the word \"wasi\", or build it \
         without WASI"
    )]
    NotGranted {
        /// The import's name.
        import: String,
    },
    /// It could not be compiled within the limits, or the compiler failed.
    #[error("the plugin cannot be compiled: {reason}")]
    Compile {
        /// What went wrong.
        reason: String,
    },
    /// The imports or exports are not those of the contract.
    #[error("the plugin does not fit the contract longshore:operation@0.1.0: {reason}")]
    Contract {
        /// What does not fit.
        reason: String,
    },
    /// `describe` trapped, or what it returned breaks its rules.
    #[error("the plugin's description of itself cannot be used: {reason}")]
    Description {
        /// What is wrong with it.
        reason: String,
    },
    /// `configure` refused the parameters.
    #[error("operation {operation} refuses its parameters: {reason}")]
    Parameters {
        /// Name of the operation.
        operation: String,
        /// The operation's own words.
        reason: String,
    },
    /// An instance could not be made, or `configure` broke a limit.
    #[error("operation {operation} cannot be started: {code}: {reason}")]
    Start {
        /// Name of the operation.
        operation: String,
        /// One of [`crate::codes`].
        code: String,
        /// What went wrong.
        reason: String,
    },
}

impl PluginError {
    /// The same in words that steer nothing: names from a plugin that nobody has looked at yet are a part of them.
    pub(crate) fn inert(mut self) -> Self {
        if let Self::NotWasm { reason: words }
        | Self::ForbiddenImport { import: words }
        | Self::NotGranted { import: words }
        | Self::Compile { reason: words }
        | Self::Contract { reason: words }
        | Self::Description { reason: words } = &mut self
        {
            *words = text::line(mem::take(words), MAX_REASON_BYTES);
        }
        self
    }
}
