//! docs/host-interface.md, written from the contract.

use std::fmt::Write as _;

use wit_parser::{Docs, Function, Interface, TypeDef, TypeDefKind};

use crate::wit::{Contract, said};

const BEGINNING: &str = "\
<!-- Written from sdk/wit/longshore.wit by `UPDATE_DOCS=1 cargo test -p longshore-plugin --test contract`. -->
# The host interface

What an operation may call, and what it has to provide, whatever language it is written in. This page is written from
[the contract](../sdk/wit/longshore.wit) and says the same; types are written as there
([WIT](https://component-model.bytecodealliance.org/design/wit.html)). Those who write Rust have it as methods of
[the SDK](../sdk/src/lib.rs). [How the contract grows](ARCHITECTURE.md#how-the-contract-grows) is on another page.

";

pub(crate) fn of(contract: &Contract) -> String {
    let mut page = BEGINNING.to_owned();
    let world = &contract.resolve.worlds[contract.world];
    let package = &contract.resolve.packages[world.package.unwrap()].name;
    let _ = write!(page, "The contract is the package `{package}`, its world is `{}`.\n\n", world.name);
    for interface in contract.imports() {
        let name = interface.name.as_deref().unwrap();
        let _ =
            writeln!(page, "* [Interface `{name}`](#interface-{name}): {}", first_sentence(&interface.docs));
    }
    page.push_str("* [What an operation exports](#what-an-operation-exports)\n");
    for interface in contract.imports() {
        write_interface(&mut page, contract, interface);
    }
    page.push_str("\n## What an operation exports\n\n");
    write_functions(&mut page, contract, contract.exports());
    page
}

fn write_interface(page: &mut String, contract: &Contract, interface: &Interface) {
    let name = interface.name.as_deref().unwrap();
    let _ = write!(page, "\n## Interface `{name}`\n\n{}\n", said(&interface.docs));
    for (id, defined) in contract.types(interface) {
        write_type(page, contract, defined);
        if matches!(defined.kind, TypeDefKind::Resource) {
            write_functions(page, contract, contract.functions(interface, Some(id)));
        }
    }
    let functions: Vec<_> = contract.functions(interface, None).collect();
    if !functions.is_empty() {
        let _ = write!(page, "\n### Functions of `{name}`\n\n");
        write_functions(page, contract, functions);
    }
}

fn write_type(page: &mut String, contract: &Contract, defined: &TypeDef) {
    let (kind, name) = (defined.kind.as_str(), defined.name.as_deref().unwrap());
    let _ = write!(page, "\n### The {kind} `{name}`\n\n{}\n\n", said(&defined.docs));
    let parts = contract.parts(defined);
    if let [(_, _, docs), ..] = parts.as_slice() {
        let part = if matches!(defined.kind, TypeDefKind::Record(_)) { "field" } else { "case" };
        // An enum's cases are words that say enough.
        if docs.is_empty() && parts.iter().all(|(_, of, docs)| of.is_none() && docs.is_empty()) {
            let names: Vec<_> = parts.iter().map(|(name, ..)| format!("`{name}`")).collect();
            let _ = writeln!(page, "Cases: {}.", names.join(", "));
            return;
        }
        let _ = write!(page, "| {part} | type | meaning |\n|---|---|---|\n");
        for (name, of, docs) in &parts {
            let of = of.as_ref().map(|of| format!(" `{of}`")).unwrap_or_default();
            let _ = writeln!(page, "| `{name}` |{of} | {} |", cell(docs));
        }
    }
}

fn write_functions<'f>(
    page: &mut String,
    contract: &Contract,
    functions: impl IntoIterator<Item = &'f Function>,
) {
    page.push_str("| function | meaning |\n|---|---|\n");
    for function in functions {
        let signature = contract.signature(function);
        let _ = writeln!(page, "| `{}{signature}` | {} |", function.item_name(), cell(&function.docs));
    }
}

/// A cell of a table: what getters say by their names alone needs no words.
fn cell(docs: &Docs) -> String {
    said(docs).replace('|', "\\|")
}

fn first_sentence(docs: &Docs) -> String {
    let said = said(docs);
    said.split_once(". ").map(|(first, _)| format!("{first}.")).unwrap_or(said)
}
