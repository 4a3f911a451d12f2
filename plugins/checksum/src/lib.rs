//! The built-in operation `checksum`: computes the checksum of each object's bytes, and compares it where asked.
//!
//! The engine reads the bytes through a hasher; none of them come here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longshore_sdk::parameters::ChecksumAlgorithm;
use longshore_sdk::template::Template;
use longshore_sdk::{Checksum, Failure, Object, Operation, Outcome, Request, Response, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `checksum`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// The algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// Whether the checksum is of the whole object or, as of an object that was uploaded in parts, of the checksums of its
    /// parts.
    #[serde(default)]
    #[schemars(extend("default" = "FULL_OBJECT"))]
    pub r#type: Type,
    /// Bytes of each part but the last, for COMPOSITE. Without it what HeadObject says of the parts.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub part_size: Option<u64>,
    /// What the checksum must be, in hexadecimal or base64: "{{column.sha256}}" for what the row says.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub expect: Option<String>,
    /// Whether the checksum must be the one that the store keeps.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub compare_stored: bool,
}

/// What the checksum is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum Type {
    /// The whole object.
    #[default]
    FullObject,
    /// The checksums of its parts.
    Composite,
}

/// The operation.
#[derive(Debug)]
pub struct ComputeChecksum {
    algorithm: ChecksumAlgorithm,
    kind: Type,
    part_size: Option<u64>,
    expect: Option<Template>,
    compare_stored: bool,
}

/// The parts that an object was uploaded in.
struct Parts {
    size: u64,
    count: u64,
}

fn mismatch(message: String) -> Failure {
    Failure::new("ChecksumMismatch", message)
}

impl ComputeChecksum {
    fn request(&self, object: &Object, part_size: Option<u64>) -> Checksum {
        object.checksum(self.algorithm.name()).composite(part_size)
    }

    /// The parts of a composite checksum: as given, or as HeadObject says.
    fn parts(&self, object: &Object, head: &Response) -> Result<Parts, Failure> {
        let whole = head.size().unwrap_or(0);
        let count = |size: u64| whole.div_ceil(size).max(1);
        if let Some(size) = self.part_size {
            return Ok(Parts { size, count: count(size) });
        }
        let first = object.head().part_number(1).send()?;
        let (size, parts) = (first.size().unwrap_or(0).max(1), u64::from(first.parts_count().unwrap_or(1)));
        if count(size) != parts {
            let message = format!(
                "the object's {parts} parts are not of one size, as far as the store says: give part-size, or type FULL_OBJECT"
            );
            return Err(Failure::new("InvalidRequest", message).with_status(400));
        }
        Ok(Parts { size, count: parts })
    }

    /// What the store keeps must be what was computed.
    fn compare_stored(&self, head: &Response, base64: &str) -> Result<(), Failure> {
        let name = self.algorithm.name();
        let stored = head.checksums().into_iter().find(|(algorithm, _)| algorithm == name);
        let stored = stored.map(|(_, value)| value).or_else(|| self.stored_etag(head));
        match stored {
            None => Err(Failure::new(
                "ChecksumNotStored",
                format!("the store keeps no {name} checksum of the object"),
            )),
            // A composite one may end in the number of its parts.
            Some(stored) if stored.split('-').next() == base64.split('-').next() => Ok(()),
            Some(stored) => {
                Err(mismatch(format!("the store keeps {name} {stored}; its bytes have {base64}")))
            }
        }
    }

    /// An ETag that is the MD5 of the bytes, in base64.
    fn stored_etag(&self, head: &Response) -> Option<String> {
        let etag = head.etag().filter(|_| self.algorithm == ChecksumAlgorithm::Md5)?;
        let digest = etag.trim_matches('"').split('-').next()?.to_owned();
        Some(STANDARD.encode(hex::decode(digest).ok()?))
    }

    fn compare_expected(&self, object: &Object, task: &Task, digest: &[u8]) -> Result<(), Failure> {
        let Some(expect) = &self.expect else { return Ok(()) };
        let expected = expect.fill(object, task)?;
        let text = expected.trim_matches('"').split('-').next().unwrap_or_default();
        let fits = |bytes: &Vec<u8>| bytes.len() == digest.len();
        // Both may have the same length: four bytes are eight characters in either.
        let bytes = hex::decode(text).ok().filter(fits).or_else(|| STANDARD.decode(text).ok().filter(fits));
        match bytes {
            Some(bytes) if bytes == digest => Ok(()),
            Some(_) => {
                Err(mismatch(format!("{expected} was expected; the bytes have {}", hex::encode(digest))))
            }
            None => {
                let name = self.algorithm.name();
                let message = format!("{expected:?} is no {name} checksum in hexadecimal or base64");
                Err(Failure::new("InvalidRequest", message).with_status(400))
            }
        }
    }

    /// The row of the result, as Amazon S3 Batch Operations writes it.
    fn row(&self, base64: &str, digest: &[u8], etag: &str) -> String {
        let kind = match self.kind {
            Type::FullObject => "FULL_OBJECT",
            Type::Composite => "COMPOSITE",
        };
        format!(
            "{{\"checksum_base64\":\"{}\",\"etag\":\"{}\",\"checksumAlgorithm\":\"{}\",\"checksumType\":\"{kind}\",\
             \"checksum_hex\":\"{}\"}}",
            base64.replace('=', "\\u003d"),
            etag.trim_matches('"'),
            self.algorithm.name(),
            hex::encode_upper(digest)
        )
    }
}

impl Operation for ComputeChecksum {
    type Parameters = Parameters;
    const NAME: &'static str = "checksum";
    const SUMMARY: &'static str = "Computes checksums of objects' bytes, and compares them.";
    const ACTIONS: &'static [&'static str] = &["s3:GetObject", "s3:GetObjectVersion"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        let Parameters { algorithm, r#type: kind, part_size, expect, compare_stored } = parameters;
        match (kind, part_size) {
            (Type::Composite, _) if algorithm == ChecksumAlgorithm::Crc64nvme => {
                return Err("CRC64NVME checksums are of the whole object only".to_owned());
            }
            (Type::FullObject, Some(_)) => return Err("part-size goes with type COMPOSITE".to_owned()),
            (_, Some(0)) => return Err("part-size must be at least 1".to_owned()),
            _ => {}
        }
        let expect = expect.map(|text| Template::parse(&text)).transpose();
        let expect = expect.map_err(|why| format!("expect: {why}"))?;
        Ok(Self { algorithm, kind, part_size, expect, compare_stored })
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![object.head().checksums().planned(), self.request(object, self.part_size).planned()]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let head = object.head().checksums().send()?;
        let parts = match self.kind {
            Type::FullObject => None,
            Type::Composite => Some(self.parts(object, &head)?),
        };
        let etag = head.etag().unwrap_or_default();
        let request = self.request(object, parts.as_ref().map(|parts| parts.size));
        let answer = request.if_match(Some(etag.as_str()).filter(|etag| !etag.is_empty())).send()?;
        let computed = answer.checksums().into_iter().next().map(|(_, value)| value).unwrap_or_default();
        let digest = STANDARD.decode(&computed).unwrap_or_default();
        if digest.is_empty() {
            return Err(Failure::new("InvalidResponse", "the engine computed no checksum"));
        }
        let base64 = match parts {
            None => computed,
            Some(Parts { count, .. }) => format!("{computed}-{count}"),
        };
        self.compare_expected(object, task, &digest)?;
        if self.compare_stored {
            self.compare_stored(&head, &base64)?;
        }
        Ok(Outcome::done_with(self.row(&base64, &digest, &etag)))
    }
}

longshore_sdk::export!(ComputeChecksum);

#[cfg(test)]
mod tests;
