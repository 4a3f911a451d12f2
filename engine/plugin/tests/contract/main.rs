//! The contract: what it says on its page, and that it only grows.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod growth;
mod kept;
mod page;
mod wit;
#[path = "../hostile/world.rs"]
#[allow(dead_code, reason = "of what both have, each uses a part")]
mod world;

use std::path::PathBuf;
use std::{env, fs};

use wit::Contract;

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn read(path: &str) -> String {
    let path = file(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn current() -> Contract {
    Contract::parse(&read("sdk/wit/longshore.wit"))
}

#[test]
fn the_page_of_the_host_interface_says_what_the_contract_says() {
    let (page, wanted) = ("docs/host-interface.md", page::of(&current()));
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(file(page), &wanted).unwrap();
    }
    assert!(read(page) == wanted, "{page} is not up to date: UPDATE_DOCS=1 writes it anew");
}
