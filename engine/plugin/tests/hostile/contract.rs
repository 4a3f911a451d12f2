//! The contract, as guests written in WebAssembly text need it.

use std::path::Path;

use wit_parser::{PackageId, Resolve};

/// The contract, and its package.
pub(crate) fn contract() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/wit");
    let (package, _) = resolve.push_path(contract).unwrap();
    (resolve, package)
}

/// The plugin that a text is: a component as it stands, or a core module to which the contract's component type is added.
pub(crate) fn plugin(text: &str) -> Vec<u8> {
    plugin_in("longshore:operation/operation@0.1.0", "", text)
}

/// The same in another world, which `more` describes.
pub(crate) fn plugin_in(world: &str, more: &str, text: &str) -> Vec<u8> {
    let mut bytes = wat::parse_str(text).unwrap();
    if bytes.starts_with(b"\0asm\x01\0\0\0") {
        let (mut resolve, mut package) = contract();
        if !more.is_empty() {
            package = resolve.push_str("more.wit", more).unwrap();
        }
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        wit_component::embed_component_metadata(&mut bytes, &resolve, world, Default::default()).unwrap();
    }
    bytes
}
