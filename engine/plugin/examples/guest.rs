//! Makes guests for tests/hostile: `guest IN.wat OUT.wasm` writes the plugin that a WebAssembly text is, `guest imports`
//! prints the functions that a guest may import, as a core module sees them, in JSON.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a tool of the tests")]

#[path = "../tests/hostile/contract.rs"]
mod contract;

use serde_json::{Value, json};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, FunctionKind, Resolve, WorldItem};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [text, plugin] => {
            std::fs::write(plugin, contract::plugin(&std::fs::read_to_string(text).unwrap())).unwrap();
        }
        _ => println!("{}", imports()),
    }
}

fn imports() -> Value {
    let (resolve, package) = contract::contract();
    let world = resolve.select_world(&[package], Some("operation")).unwrap();
    let interfaces = resolve.worlds[world].imports.values().filter_map(|item| match item {
        WorldItem::Interface { id, .. } => Some(*id),
        _ => None,
    });
    let of_interface = |id| {
        let functions = resolve.interfaces[id].functions.values();
        functions.map(|function| import(&resolve, &resolve.id_of(id).unwrap(), function)).collect::<Vec<_>>()
    };
    interfaces.flat_map(of_interface).collect()
}

/// Its parameters are called by what they are: `handle` (of the method's resource), `pointer`, `length`, `i32`, `i64`.
fn import(resolve: &Resolve, module: &str, function: &Function) -> Value {
    let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
    let method = matches!(function.kind, FunctionKind::Method(_));
    let parameters = signature.params.iter().enumerate().map(|(position, parameter)| match parameter {
        _ if method && position == 0 => "handle",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::Pointer => "pointer",
        WasmType::Length => "length",
        _ => "i32",
    });
    let parameters: Vec<_> = parameters.collect();
    json!({
        "module": module, "name": function.name, "parameters": parameters, "result": !signature.results.is_empty(),
    })
}
