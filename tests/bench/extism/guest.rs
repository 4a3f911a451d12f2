//! The benchmark's guest of Extism: its exports take the input and give the output as the crate extism-pdk does, by its kernel's
//! functions, eight bytes at a time.

#[path = "../guest/shard.rs"]
mod shard;

#[link(wasm_import_module = "extism:host/env")]
unsafe extern "C" {
    safe fn input_length() -> u64;
    safe fn input_load_u8(offset: u64) -> u8;
    safe fn input_load_u64(offset: u64) -> u64;
    safe fn alloc(length: u64) -> u64;
    safe fn store_u8(offset: u64, byte: u8);
    safe fn store_u64(offset: u64, word: u64);
    safe fn output_set(offset: u64, length: u64);
}

/// Answers with the shard of the key that it is given; 1 if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn shard() -> i32 {
    let input = String::from_utf8(input()).map_err(|_| "the key is not UTF-8");
    match input.and_then(|key| shard::shard(&key)) {
        Ok(answer) => output(answer.as_bytes()),
        Err(_) => return 1,
    }
    0
}

/// Does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn noop() -> i32 {
    0
}

fn input() -> Vec<u8> {
    let length = input_length();
    let words = length / 8 * 8;
    let mut input = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    (0..words).step_by(8).for_each(|offset| input.extend(input_load_u64(offset).to_le_bytes()));
    input.extend((words..length).map(|offset| input_load_u8(offset)));
    input
}

fn output(bytes: &[u8]) {
    let (words, rest) = bytes.as_chunks::<8>();
    let length = bytes.len() as u64;
    let start = alloc(length);
    (start..).step_by(8).zip(words).for_each(|(offset, word)| store_u64(offset, u64::from_le_bytes(*word)));
    (start + length - rest.len() as u64..).zip(rest).for_each(|(offset, byte)| store_u8(offset, *byte));
    output_set(start, length);
}
