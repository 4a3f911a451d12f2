//! Objects for demos: ordinary keys, and among them every odd one that S3 allows.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use longshore_job::object::MAX_KEY_BYTES;
use longshore_sandbox_store::{Sandbox, SeedObject};

use crate::exit::Exit;
use crate::failure::CliError;

/// One in so many keys is an odd one.
const ODD_EVERY: u64 = 97;

/// Puts `count` objects into `bucket` and writes their manifest.
pub(crate) async fn seed(
    sandbox: &Sandbox,
    bucket: &str,
    count: u64,
    manifests: Option<&Path>,
) -> Result<(), CliError> {
    let fail =
        |error: &dyn std::fmt::Display| CliError::new(Exit::Error, format!("seeding {bucket}: {error}"));
    let objects = (0..count).map(|number| object(bucket, number));
    sandbox.seed(objects).await.map_err(|error| fail(&error))?;
    match manifests {
        Some(directory) => write_manifest(directory, bucket, count).map_err(|error| fail(&error)),
        None => Ok(()),
    }
}

fn object(bucket: &str, number: u64) -> SeedObject {
    let storage_class = if bucket.ends_with("archive") { "GLACIER" } else { "STANDARD" };
    SeedObject {
        bucket: bucket.to_owned(),
        key: key(number),
        body: format!("object {number}\n").into_bytes().into(),
        storage_class: Some(storage_class.to_owned()),
        tags: vec![("seeded".to_owned(), "yes".to_owned())],
        metadata: [("number".to_owned(), number.to_string())].into(),
    }
}

fn key(number: u64) -> String {
    let year = 2020 + number % 6;
    if number % ODD_EVERY != ODD_EVERY - 1 {
        return format!("{year}/photo-{number:06}.jpg");
    }
    let odd = match (number / ODD_EVERY) % 12 {
        0 => "with space",
        1 => "plus+plus",
        2 => "100%25 percent",
        3 => "double\"quote",
        4 => "single'quote",
        5 => "comma,comma",
        6 => "line\nfeed",
        7 => "emoji 🚢",
        8 => "ünï/cödé",
        9 => "../dots/./.",
        10 => "<xml>&amp;",
        _ => return long_key(number),
    };
    format!("{year}/{odd} {number:06}")
}

/// A key of exactly the longest length that S3 allows.
fn long_key(number: u64) -> String {
    let start = format!("long/{number:06}/");
    format!("{start}{}", "k".repeat(MAX_KEY_BYTES - start.len()))
}

fn write_manifest(directory: &Path, bucket: &str, count: u64) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut file = BufWriter::new(File::create(directory.join(format!("{bucket}.csv")))?);
    for number in 0..count {
        writeln!(file, "{bucket},{}", longshore_job::row::encode_key(&key(number)))?;
    }
    file.flush()
}
