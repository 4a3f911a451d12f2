//! Damaged plugins: whatever is changed in one, loading it ends in a plugin or in an error, never in a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use fastrand::Rng;

use crate::guest::Guest;

/// Mutations of each run (count); `MUTATIONS` in the environment asks for another number. Many still compile, which takes most of the time.
const MUTATIONS: u64 = 100_000;

/// What lengths, indices and opcodes go wrong with.
const ODD: [u8; 10] = [0, 1, 2, 0x7f, 0x80, 0xff, 0x40, 0x60, 0x0b, 0x0d];

/// One to five small changes.
fn mutate(bytes: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..=random.usize(0..5) {
        // Half of the changes are at the front, where the structure is.
        let front = random.bool();
        let at = random.usize(0..=if front { bytes.len().min(256) } else { bytes.len() });
        let end = (at + random.usize(1..16)).min(bytes.len());
        let byte = if random.bool() { ODD[random.usize(0..ODD.len())] } else { random.u8(..) };
        match random.u8(0..8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.insert(at, byte),
            3 => {
                let copied = bytes[at..end].to_vec();
                bytes.splice(at..at, copied);
            }
            4 => bytes[at..end].iter_mut().take(1).for_each(|changed| *changed ^= 1 << (byte % 8)),
            _ => bytes[at..end].iter_mut().take(1).for_each(|changed| *changed = byte),
        }
    }
}

/// Asks the worker of this test, which is this test in a process of its own, to begin with that mutation.
const FIRST: &str = "MUTATIONS_FIRST";

/// Loads the mutations from `first` on. Says which one it is at: it may not come back.
#[allow(clippy::print_stdout, reason = "its parent reads it")]
fn load(first: u64, count: u64) {
    let module = Guest::default().bytes();
    let component = wit_component::ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    let plugins = crate::engine();
    let mut loaded = 0;
    for number in first..count {
        let mut bytes = if number % 2 == 0 { module.clone() } else { component.clone() };
        mutate(&mut bytes, &mut Rng::with_seed(number));
        println!("{AT}{number}");
        match catch_unwind(AssertUnwindSafe(|| {
            plugins.inspect(&bytes, &longshore_plugin::PluginLimits::default()).is_ok()
        })) {
            Ok(is_plugin) => loaded += u64::from(is_plugin),
            Err(_) => panic!("mutation {number} panics"),
        }
    }
    // Neither all broken nor all unharmed: else this test would show nothing.
    let tried = count - first;
    assert!(tried < 1_000 || loaded > tried / 100 && loaded < tried, "{loaded} of {tried} were loaded");
}

const AT: &str = "at mutation ";

/// The encoder of modules recurses without end on some whose component type imports itself, and no code can catch that. The engine
/// has plugins of others compiled by a child process: here the worker is what it costs.
#[test]
fn no_mutation_of_a_plugin_panics() {
    let count = std::env::var("MUTATIONS").map_or(MUTATIONS, |count| count.parse().unwrap());
    if let Ok(first) = std::env::var(FIRST) {
        return load(first.parse().unwrap(), count);
    }
    let (mut next, mut overflows) = (0, 0);
    while next < count {
        let worker = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "mutations::no_mutation_of_a_plugin_panics", "--nocapture"])
            .env(FIRST, next.to_string())
            .output()
            .unwrap();
        let (said, why) = (String::from_utf8_lossy(&worker.stdout), String::from_utf8_lossy(&worker.stderr));
        if worker.status.success() {
            break;
        }
        assert!(why.contains("has overflowed its stack"), "{}: {why}", worker.status);
        let last = said.lines().rev().find_map(|line| line.strip_prefix(AT)).unwrap();
        next = last.parse::<u64>().unwrap() + 1;
        overflows += 1;
    }
    assert!(overflows <= count / 10_000, "{overflows} of {count} overflow the compiler's stack");
}
