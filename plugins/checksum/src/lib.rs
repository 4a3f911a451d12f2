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

/// Most parts whose sizes are asked for, one request each: a task may send 1,000.
const MOST_PARTS: u32 = 900;
/// Length of an MD5.
const MD5_BYTES: usize = 16;

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
    /// Bytes of each part but the last, for COMPOSITE. Without it what HeadObject says of each part.
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

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

fn mismatch(message: String) -> Failure {
    Failure::new("ChecksumMismatch", message)
}

fn not_stored(message: String) -> Failure {
    Failure::new("ChecksumNotStored", message)
}

/// The parts are not known well enough for a checksum of theirs.
fn unknown(why: String) -> Failure {
    Failure::new("InvalidRequest", why).with_status(400)
}

/// How many parts an object was uploaded in, as its ETag says: `"…-3"`.
fn parts_in(etag: &str) -> Option<u32> {
    etag.trim_matches('"').rsplit_once('-')?.1.parse().ok()
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
        let (size, parts) = (first.size().unwrap_or(0).max(1), first.parts_count().unwrap_or(1));
        let told = head.etag().and_then(|etag| parts_in(&etag)).unwrap_or(parts);
        if told != parts {
            let why = format!(
                "the store does not say what size each of the object's {told} parts has: give part-size"
            );
            return Err(unknown(why));
        }
        if parts > MOST_PARTS {
            let why = format!(
                "the object has {parts} parts, and the size of each is asked for of at most {MOST_PARTS}: give part-size"
            );
            return Err(unknown(why));
        }
        let uneven = || {
            let why =
                "are not of one size, as far as the store says, and of such parts no checksum is computed";
            unknown(format!("the object's {parts} parts {why}: take type = \"FULL_OBJECT\""))
        };
        if count(size) != u64::from(parts) {
            return Err(uneven());
        }
        // The last one is what the others leave.
        for number in 2..parts {
            if object.head().part_number(number).send()?.size() != Some(size) {
                return Err(uneven());
            }
        }
        Ok(Parts { size, count: parts.into() })
    }

    /// What the store keeps must be what was computed.
    fn compare_stored(&self, head: &Response, base64: &str) -> Result<(), Failure> {
        let name = self.algorithm.name();
        let stored = self.stored(head)?;
        if stored.split('-').next() == base64.split('-').next() {
            return Ok(());
        }
        Err(mismatch(format!("the store keeps {name} {stored}; its bytes have {base64}")))
    }

    /// The checksum that the store keeps, if it is of what was asked for: any other says nothing about the bytes.
    fn stored(&self, head: &Response) -> Result<String, Failure> {
        let name = self.algorithm.name();
        let stored = head.checksums().into_iter().find(|(algorithm, _)| algorithm == name);
        let Some((_, value)) = stored else { return self.stored_etag(head) };
        let kind = match head.checksum_type().as_deref() {
            Some("COMPOSITE") => Type::Composite,
            Some("FULL_OBJECT") => Type::FullObject,
            // A composite one ends in the number of its parts.
            _ if value.contains('-') => Type::Composite,
            _ => Type::FullObject,
        };
        self.of_kind(kind, &format!("a {} {name} checksum", kind.name()))?;
        Ok(value)
    }

    /// An ETag that is an MD5, in base64.
    fn stored_etag(&self, head: &Response) -> Result<String, Failure> {
        let name = self.algorithm.name();
        let none = |why: &str| not_stored(format!("the store keeps no {name} checksum of the object{why}"));
        let etag = head.etag().filter(|_| self.algorithm == ChecksumAlgorithm::Md5);
        let etag = etag.ok_or_else(|| none(""))?;
        if head.sse().is_some_and(|sse| sse.starts_with("aws:kms")) {
            return Err(none(", and the ETag of one that is encrypted with a KMS key is no MD5"));
        }
        let (digest, parts) = (etag.trim_matches('"').split('-').next().unwrap_or_default(), parts_in(&etag));
        let digest = hex::decode(digest).ok().filter(|digest| digest.len() == MD5_BYTES);
        let digest = digest.ok_or_else(|| none(&format!(", and its ETag {etag} is no MD5")))?;
        let kind = if parts.is_some() { Type::Composite } else { Type::FullObject };
        self.of_kind(kind, &format!("the ETag {etag}, a {} MD5", kind.name()))?;
        Ok(STANDARD.encode(digest))
    }

    fn of_kind(&self, kind: Type, stored: &str) -> Result<(), Failure> {
        if kind == self.kind {
            return Ok(());
        }
        let (asked, other) = (self.kind.name(), kind.name());
        let message = format!(
            "the store keeps {stored}, and a {asked} one was asked for: type = \"{other}\" compares them"
        );
        Err(not_stored(message))
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
        let kind = self.kind.name();
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
