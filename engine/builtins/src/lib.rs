//! The built-in operations, compiled from `plugins/` by the build and embedded as components.

/// One built-in operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// The name that job files use.
    pub name: &'static str,
    /// The component's bytes.
    pub component: &'static [u8],
}

static BUILTINS: [Builtin; 6] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// Every built-in operation, by name: `acl`, `copy`, `invoke`, `noop` (does nothing; measures the engine), `restore`, `tagging`.
pub fn all() -> &'static [Builtin] {
    &BUILTINS
}

/// The built-in operation of that name.
pub fn get(name: &str) -> Option<&'static Builtin> {
    all().iter().find(|builtin| builtin.name == name)
}
