//! The contract only grows: what a release had, every later one has, unchanged.

use std::fs;

use crate::wit::Contract;
use crate::{current, file};

/// What is not as it was: a sentence for each thing.
fn broken(before: &Contract, after: &Contract) -> Vec<String> {
    let (before, after) = (before.surface(), after.surface());
    let mut broken = Vec::new();
    for (place, was) in &before {
        match after.get(place) {
            None => broken.push(format!("{place} {was} is gone")),
            Some(is) if is != was => broken.push(format!("{place} was {was} and is {is}")),
            Some(_) => {}
        }
    }
    // The engine calls what it knows of: an operation that was built before has no others.
    let more = after.iter().filter(|(place, _)| place.starts_with("export ") && !before.contains_key(*place));
    broken
        .extend(more.map(|(place, _)| format!("{place} is new, and operations that are built have it not")));
    broken
}

/// The contracts of releases, and the one that the next release will have.
pub(crate) fn kept() -> Vec<(String, Contract)> {
    let folders = fs::read_dir(file("tests/contract")).unwrap().map(|entry| entry.unwrap());
    let versions = folders.filter(|entry| entry.file_type().unwrap().is_dir());
    let kept = versions.map(|entry| {
        let text = fs::read_to_string(entry.path().join("longshore.wit")).unwrap();
        (entry.file_name().into_string().unwrap(), Contract::parse(&text))
    });
    kept.collect()
}

#[test]
fn the_contract_has_all_that_it_ever_had() {
    let kept = kept();
    assert!(!kept.is_empty(), "there is no kept contract");
    for (version, before) in kept {
        assert_eq!(broken(&before, &current()), Vec::<String>::new(), "since {version}");
    }
}

#[test]
fn the_contract_of_today_is_kept_under_its_version() {
    let today = current();
    let kept = kept().into_iter().find(|(version, _)| *version == today.version());
    let (version, kept) = kept.unwrap_or_else(|| panic!("tests/contract/{} is missing", today.version()));
    let advice =
        "if it is released, what is new needs a new version; if not, copy sdk/wit/longshore.wit there";
    assert_eq!(kept.surface(), today.surface(), "tests/contract/{version}: {advice}");
}

const BEFORE: &str = "
    package a:b@0.1.0;
    interface i {
        record r { x: string }
        variant v { one(u32) }
        enum e { a }
        resource o { get: func(x: u32) -> option<string>; put: func(); }
        free: func(o: borrow<o>) -> result<r, v>;
    }
    world w { import i; export run: func() -> u32; }";

/// What is broken where this is written instead of that.
fn change(from: &str, to: &str) -> Vec<String> {
    assert!(BEFORE.contains(from));
    broken(&Contract::parse(BEFORE), &Contract::parse(&BEFORE.replacen(from, to, 1)))
}

#[test]
fn more_is_no_break() {
    assert_eq!(change("put: func();", "put: func(); more: func() -> u64;"), [""; 0]);
    assert_eq!(change("enum e", "record more { y: u8 } enum e"), [""; 0]);
    assert_eq!(change("resource o", "other: func(); resource o"), [""; 0]);
    assert_eq!(
        change("world w { import i;", "interface j { f: func(); } world w { import i; import j;"),
        [""; 0]
    );
}

#[test]
fn less_and_other_are_breaks() {
    assert_eq!(change("put: func();", ""), ["i.o.put () is gone"]);
    assert_eq!(
        change("x: u32", "x: u64"),
        ["i.o.get was (x: u32) -> option<string> and is (x: u64) -> option<string>"]
    );
    assert_eq!(change("-> option<string>", ""), ["i.o.get was (x: u32) -> option<string> and is (x: u32)"]);
    assert_eq!(
        change("x: string", "x: string, y: u8"),
        ["i.r was record {x: string} and is record {x: string, y: u8}"]
    );
    assert_eq!(
        change("one(u32)", "one(u32), two"),
        ["i.v was variant {one: u32} and is variant {one: u32, two}"]
    );
    assert_eq!(change("enum e { a }", "enum e { a, b }"), ["i.e was enum {a} and is enum {a, b}"]);
    assert_eq!(
        change("export run", "export more: func(); export run"),
        ["export more is new, and operations that are built have it not"]
    );
    assert_eq!(change("func() -> u32", "func() -> u64"), ["export run was () -> u32 and is () -> u64"]);
}
