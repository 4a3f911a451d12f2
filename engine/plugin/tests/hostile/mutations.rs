//! Damaged plugins: whatever is changed in one, loading it ends in a plugin or in an error, never in a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

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

#[test]
fn no_mutation_of_a_plugin_panics() {
    let count = std::env::var("MUTATIONS").map_or(MUTATIONS, |count| count.parse().unwrap());
    let module = Guest::default().bytes();
    let component = wit_component::ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    let plugins = crate::engine();
    let mut loaded = 0;
    for number in 0..count {
        let mut bytes = if number % 2 == 0 { module.clone() } else { component.clone() };
        mutate(&mut bytes, &mut Rng::with_seed(number));
        match catch_unwind(AssertUnwindSafe(|| plugins.inspect(&bytes).is_ok())) {
            Ok(is_plugin) => loaded += u64::from(is_plugin),
            Err(_) => panic!("mutation {number} panics"),
        }
    }
    // Neither all broken nor all unharmed: else this test would show nothing.
    assert!(loaded > count / 100 && loaded < count, "{loaded} of {count} were loaded");
}
