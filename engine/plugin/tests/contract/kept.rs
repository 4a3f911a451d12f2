//! Operations that were built against the contract of each release.
//!
//! `tests/contract/VERSION` has the contract (`longshore.wit`) and an operation that calls all of it (`probe`, and `probe.wasm`, built from
//! it). Neither changes once the version is released.

use std::fs;

use wit_component::DecodedWasm;

use crate::file;
use crate::growth::kept;
use crate::wit::Contract;

fn probe(version: &str) -> Vec<u8> {
    fs::read(file("tests/contract").join(version).join("probe.wasm")).unwrap()
}

/// The parts of a contract that a component uses.
fn used(component: &[u8]) -> Contract {
    match wit_component::decode(component).unwrap() {
        DecodedWasm::Component(resolve, world) => Contract { resolve, world },
        DecodedWasm::WitPackage(..) => panic!("it is no component"),
    }
}

#[test]
fn the_probe_of_each_contract_calls_all_of_it() {
    for (version, contract) in kept() {
        assert_eq!(used(&probe(&version)).surface(), contract.surface(), "{version}");
    }
}
