//! Which content type bytes have, and whether an object's own fits them.

/// How many of an object's first bytes are looked at: the longest signatures, those of Office documents, are within the
/// first few thousand.
pub(crate) const LOOKED_AT: usize = 8 << 10;

/// Types that say nothing: what clients and stores give to objects when nobody tells them.
const UNKNOWN: [&str; 4] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/x-www-form-urlencoded",
    "application/unknown",
];

/// Names of the same type, and the one that is used here: IANA's, where there is one.
const NAMES: &[(&str, &str)] = &[
    ("application/font-sfnt", "font/sfnt"),
    ("application/font-woff", "font/woff"),
    ("application/x-font-ttf", "font/ttf"),
    ("application/x-gzip", "application/gzip"),
    ("application/x-pdf", "application/pdf"),
    ("application/x-tgz", "application/gzip"),
    ("application/x-rar-compressed", "application/vnd.rar"),
    ("application/x-zip-compressed", "application/zip"),
    ("application/xml", "text/xml"),
    ("audio/m4a", "audio/mp4"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/wave", "audio/wav"),
    ("audio/x-aiff", "audio/aiff"),
    ("audio/x-flac", "audio/flac"),
    ("audio/x-m4a", "audio/mp4"),
    ("audio/x-wav", "audio/wav"),
    ("image/heic", "image/heif"),
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/x-icon", "image/vnd.microsoft.icon"),
    ("image/x-png", "image/png"),
    ("video/x-m4v", "video/mp4"),
];

/// Types whose signature others share, since they are made of it (a `.jar` is a ZIP file, many raw photos are TIFF files), or whose signature is so short that other bytes begin so by chance.
const CAUTIOUS: [&str; 12] = [
    "application/msword",
    "application/ogg",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.microsoft.portable-executable",
    "application/x-x509-ca-cert",
    "application/zip",
    "audio/aac",
    "audio/mpeg",
    "image/bmp",
    "image/tiff",
    "video/mp4",
];

/// Types of text that have a signature. Not among them are those that browsers run: an upload must not become a page of its bucket's site
/// because of what its sender wrote into it.
const OF_TEXT: [&str; 3] = ["application/pdf", "application/rtf", "application/x-x509-ca-cert"];

/// The type that bytes have by their signature, if they have one.
pub(crate) fn by_signature(bytes: &[u8]) -> Option<&'static str> {
    let found = infer::get(bytes)?;
    let mime = match (found.extension(), canonical(found.mime_type())) {
        // Two bytes that say little; and what browsers run.
        ("obj" | "html" | "xml" | "sh" | "swf", _) => return None,
        ("ttf", _) => "font/ttf",
        ("otf", _) => "font/otf",
        ("woff2", _) => "font/woff2",
        ("m4v", _) => "video/mp4",
        (_, mime) => mime,
    };
    // "BM" begins a bitmap and "BMW" does not.
    (!is_text(bytes) || OF_TEXT.contains(&mime)).then_some(mime)
}

/// The type of text by its key's extension; plain text if that stands for none, or for something else.
pub(crate) fn of_text(bytes: &[u8], key: &str) -> Option<&'static str> {
    // A path that ends in `/` would be read without it.
    let guessed = key.rsplit('/').next().and_then(|name| mime_guess::from_path(name).first_raw());
    is_text(bytes).then(|| guessed.filter(|mime| can_be_text(mime)).unwrap_or("text/plain"))
}

/// Whether a content type says nothing about the bytes.
pub(crate) fn says_nothing(declared: Option<&str>) -> bool {
    declared.map(essence).is_none_or(|declared| declared.is_empty() || UNKNOWN.contains(&declared.as_str()))
}

/// Whether a declared type is another one than that of the bytes' signature. In doubt it is not.
pub(crate) fn is_wrong(declared: &str, signature: &'static str) -> bool {
    let declared = essence(declared);
    let declared = canonical(&declared);
    if declared == signature || (declared == "font/sfnt" && signature.starts_with("font/")) {
        return false;
    }
    // A type that has a signature, which the bytes have not.
    let has_its_own = infer::is_mime_supported(declared) && !CAUTIOUS.contains(&declared);
    let is_binary_as_text = can_be_text(declared) && !OF_TEXT.contains(&signature);
    has_its_own || is_binary_as_text || !CAUTIOUS.contains(&signature)
}

/// The type without its parameters, in lower case.
fn essence(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn canonical(mime: &str) -> &str {
    NAMES.iter().find(|(name, _)| *name == mime).map_or(mime, |(_, canonical)| canonical)
}

fn can_be_text(mime: &str) -> bool {
    mime.starts_with("text/")
        || mime.ends_with("+json")
        || mime.ends_with("+xml")
        || ["application/json", "application/javascript", "application/sql", "application/x-ndjson"]
            .contains(&mime)
}

/// Whether bytes are text in UTF-8: no control characters but those of layout. The last character may be cut off.
fn is_text(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(cut) if cut.error_len().is_none() => {
            let whole = bytes.get(..cut.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && text.chars().all(|character| !character.is_control() || "\t\n\r\u{c}\u{1b}".contains(character))
}
