//! Keeps credentials out of error messages: a file with a problem is quoted, its secrets are not.

/// Words in keys whose values are never shown, misspelt neighbours included.
const SECRET_WORDS: [&str; 3] = ["secret", "password", "session-token"];

/// The same text, with the literal values of secret keys replaced by `*`. Line breaks and `${…}` references stay, and so
/// does the length in bytes, so that spans still fit.
pub(super) fn veil(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(equals) = rest.find('=') {
        let (before, after) = rest.split_at(equals + 1);
        out.push_str(before);
        rest = after;
        let key = before.rsplit(['\n', ',', '{']).next().unwrap_or_default();
        if !SECRET_WORDS.iter().any(|word| key.contains(word)) {
            continue;
        }
        let value = after.trim_start_matches([' ', '\t']);
        out.push_str(after.get(..after.len() - value.len()).unwrap_or_default());
        let (value, behind) = value.split_at(value_length(value));
        if value.contains("${") {
            out.push_str(value);
        } else {
            value.chars().for_each(|c| mask(&mut out, c));
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The length of a TOML string that starts here, in bytes; a value that is no complete string ends with its line.
fn value_length(text: &str) -> usize {
    for quote in ["\"\"\"", "'''"] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.find(quote).map_or(text.len(), |end| end + 2 * quote.len());
        }
    }
    let line = text.find('\n').unwrap_or(text.len());
    let closing = text.chars().next().filter(|c| matches!(c, '"' | '\'')).and_then(|quote| {
        let inner = text.get(1..line)?;
        let mut escaped = false;
        let end = inner.find(|c| {
            let closes = c == quote && !escaped;
            escaped = c == '\\' && quote == '"' && !escaped;
            closes
        })?;
        Some(end + 2)
    });
    closing.unwrap_or(line)
}

fn mask(out: &mut String, c: char) {
    match c {
        '\n' | '\r' | '"' | '\'' => out.push(c),
        c => out.extend(std::iter::repeat_n('*', c.len_utf8())),
    }
}
