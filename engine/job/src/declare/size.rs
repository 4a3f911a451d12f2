//! Numbers of bytes as people write them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Unreadable;

/// A number of bytes, or a text with a unit: `10 MiB` (1024-based) or `10 MB` (1000-based).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Size {
    /// Bytes.
    Bytes(u64),
    /// A number and a unit.
    Text(String),
}

impl Size {
    /// The size in bytes.
    ///
    /// # Errors
    /// What is wrong with the text, and what to write.
    pub fn in_bytes(&self) -> Result<u64, String> {
        bytes(self).map_err(|(message, help)| format!("{message}; {help}"))
    }
}

/// Units of sizes, in bytes.
const UNITS: [(&str, u64); 11] = [
    ("B", 1),
    ("", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A size in bytes.
pub(crate) fn bytes(size: &Size) -> Result<u64, Unreadable> {
    let text = match size {
        Size::Bytes(bytes) => return Ok(*bytes),
        Size::Text(text) => text,
    };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let number = digits.trim().parse::<u64>().ok();
    number.zip(factor).and_then(|(number, factor)| number.checked_mul(factor)).ok_or_else(|| {
        let help = "write bytes as a number, or a whole number with a unit: \"10 MiB\" (1024-based) or \"10 MB\" (1000-based)";
        (format!("{text:?} is no size"), help.to_owned())
    })
}
