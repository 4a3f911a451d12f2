//! What a plugin is given of the contract: the interfaces that its grants reach.

use wasmtime::Engine;
use wasmtime::component::types::{
    Component as ComponentType, ComponentExtern, ComponentInstance, ComponentItem,
};
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::{Operation, OperationPre};
use crate::state::State;
use crate::stop::Stop;
use crate::{Grants, PluginError, wasi};

/// The interfaces of the contract, as this host has them.
const S3: &str = "longshore:operation/s3@0.1.0";
const ENDPOINTS: &str = "longshore:operation/endpoints@0.1.0";

/// What a component may import: the interfaces of this contract, in any compatible version.
const CONTRACT: [&str; 3] =
    ["longshore:operation/s3@0.1.", "longshore:operation/endpoints@0.1.", "longshore:operation/host@0.1."];

/// What every plugin may ask of the object of its task: it names the task, and reaches nothing.
const NAMES_OF_OBJECT: [&str; 3] =
    ["[method]object.bucket", "[method]object.key", "[method]object.version-id"];

/// A linker of the whole contract, and of WASI.
pub(crate) fn all(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    Operation::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut State| state)?;
    wasi::link(&mut linker)?;
    Ok(linker)
}

/// The interfaces that a component imports.
pub(crate) fn imports(engine: &Engine, component: &Component) -> Vec<crate::Import> {
    let interface = |(name, instance): (&str, ComponentInstance)| crate::Import {
        interface: name.to_owned(),
        functions: functions(engine, &instance),
    };
    let component = component.component_type();
    instances(engine, &component).map(interface).collect()
}

/// The first import of WASI, if there is one. Such a component is linked only if it is granted.
pub(crate) fn wasi_import(engine: &Engine, component: &Component) -> Option<String> {
    let component = component.component_type();
    let mut names = component.imports(engine).map(|(name, _)| name);
    names.find(|name| wasi::is_import(name)).map(str::to_owned)
}

/// Whether the component imports only what there is: the contract and WASI.
///
/// # Errors
/// The first import that it has not.
pub(crate) fn check_imports(engine: &Engine, component: &Component) -> Result<(), PluginError> {
    let component = component.component_type();
    let forbidden = component
        .imports(engine)
        // What the world `use`s of an interface is imported a second time, as a type of its own.
        .filter(|(_, import)| !matches!(import.ty, ComponentItem::Type(_) | ComponentItem::Resource(_)))
        .map(|(name, _)| name)
        .find(|name| !CONTRACT.iter().any(|allowed| name.starts_with(allowed)) && !wasi::is_import(name));
    match forbidden {
        Some(import) => Err(PluginError::ForbiddenImport { import: import.to_owned() }),
        None => Ok(()),
    }
}

/// The component with what `grants` reach of the contract. Of an interface that they do not reach, each function ends the
/// task: guests of some languages import all of the contract, whatever they use of it.
pub(crate) fn link(
    all: &Linker<State>,
    component: &Component,
    grants: &Grants,
) -> wasmtime::Result<OperationPre<State>> {
    // Whether it fits the contract does not depend on what is granted.
    all.instantiate_pre(component)?;
    let mut linker = all.clone();
    linker.allow_shadowing(true);
    for (host, reached) in [(S3, grants.reaches_stores()), (ENDPOINTS, grants.reaches_endpoints())] {
        if !reached {
            refuse(&mut linker, component, host)?;
        }
    }
    OperationPre::new(linker.instantiate_pre(component)?)
}

/// Puts a refusal in the place of each function of an interface that makes requests, where the component imports it.
fn refuse(linker: &mut Linker<State>, component: &Component, host: &'static str) -> wasmtime::Result<()> {
    let engine = linker.engine().clone();
    let prefix = host.trim_end_matches(|c: char| c.is_ascii_digit());
    let component = component.component_type();
    for (name, instance) in instances(&engine, &component) {
        if !name.starts_with(prefix) {
            continue;
        }
        let mut interface = linker.instance(host)?;
        for function in functions(&engine, &instance) {
            if host == ENDPOINTS || makes_requests(&function) {
                let called = function.clone();
                interface.func_new(&function, move |_, _, _, _| {
                    Err(Stop::NotLinked { interface: host, function: called.clone() }.into())
                })?;
            }
        }
    }
    Ok(())
}

/// Whether a function of the interface `s3` makes a request. The others work with requests that there are, those of endpoints too.
fn makes_requests(function: &str) -> bool {
    let of_object = function.starts_with("[method]object.") && !NAMES_OF_OBJECT.contains(&function);
    of_object || function == "open"
}

fn instances<'c>(
    engine: &'c Engine,
    component: &'c ComponentType,
) -> impl Iterator<Item = (&'c str, ComponentInstance)> {
    component.imports(engine).filter_map(|(name, import)| match import.ty {
        ComponentItem::ComponentInstance(instance) => Some((name, instance)),
        _ => None,
    })
}

fn functions(engine: &Engine, instance: &ComponentInstance) -> Vec<String> {
    let function = |(name, export): (&str, ComponentExtern<'_>)| {
        matches!(export.ty, ComponentItem::ComponentFunc(_)).then(|| name.to_owned())
    };
    instance.exports(engine).filter_map(function).collect()
}
