//! Keeps credentials out of error messages: a file with a problem is quoted, its secrets are not.

/// Words of keys whose values are never shown, misspelt ones included.
const SECRET_WORDS: [&str; 5] = ["secret", "password", "passwd", "passphrase", "session-token"];

/// How many letters of such a word may be wrong.
const MISSPELT: usize = 2;

/// The same text, with the literal values of secret keys and the credentials in URLs replaced by `*`. Line breaks and `${…}`
/// references stay, and so does the length in bytes, so that spans still fit.
pub(super) fn veil(source: &str) -> String {
    without_credentials(&without_secret_values(source))
}

/// The same text, with each of `secrets` replaced by as many bytes of `*`.
pub(super) fn without(source: &str, secrets: &[String]) -> String {
    secrets.iter().fold(source.to_owned(), |text, secret| text.replace(secret, &"*".repeat(secret.len())))
}

/// The same text, with `user:password` in `scheme://user:password@host` replaced by `*`.
pub(super) fn without_credentials(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(after.len());
        let (authority, behind) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((credentials, host)) => {
                credentials.chars().for_each(|c| mask(&mut out, c));
                out.push('@');
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn is_secret(key: &str) -> bool {
    let key: String = key.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let key = key.trim_matches('-');
    let near =
        |text: &str| SECRET_WORDS.iter().any(|word| strsim::damerau_levenshtein(text, word) <= MISSPELT);
    near(key)
        || matches!(key, "token" | "authorization")
        || key.ends_with("-key")
        || key.split('-').any(near)
        || SECRET_WORDS.iter().any(|word| key.contains(word))
}

fn without_secret_values(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(equals) = rest.find('=') {
        let (before, after) = rest.split_at(equals + 1);
        out.push_str(before);
        rest = after;
        let key = before.rsplit(['\n', ',', '{']).next().unwrap_or_default();
        if !is_secret(key) {
            continue;
        }
        let value = after.trim_start_matches([' ', '\t']);
        out.push_str(after.get(..after.len() - value.len()).unwrap_or_default());
        let (value, behind) = value.split_at(value_length(value));
        if value.starts_with(['"', '\'']) && value.contains("${") {
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
