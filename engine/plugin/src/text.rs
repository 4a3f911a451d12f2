//! What a guest says, made fit for a report.

use longshore_job::Failure;
use longshore_job::text::{printable, steers};

use crate::bindings::longshore::operation::host;
use crate::codes;

/// Bytes of a failure code.
const MAX_CODE_BYTES: usize = 64;

/// A guest's text as one line that can steer nothing, at most `limit` bytes of it: characters that move a cursor, begin a line
/// or turn the direction of writing are escaped, and what a spreadsheet would calculate gets an apostrophe in front.
pub(crate) fn line(text: String, limit: usize) -> String {
    let text = cut(text, limit);
    let formula = is_formula(&text);
    if !formula && !text.contains(steers) {
        return text;
    }
    cut(format!("{}{}", if formula { "'" } else { "" }, printable(&text)), limit)
}

/// Whether a spreadsheet takes a cell for a formula (OWASP, "CSV Injection"; in full-width letters, too). A number calculates
/// nothing.
fn is_formula(cell: &str) -> bool {
    let Some(rest) = cell.strip_prefix(['=', '+', '-', '@', '＝', '＋', '－', '＠']) else {
        return false;
    };
    let signed = cell.starts_with(['+', '-']);
    !(signed && !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// The beginning of a guest's text within a message, in quotes. Quoting all of it could cost ten times its size.
pub(crate) fn quoted(text: &str) -> String {
    format!(
        "{:?}",
        cut(
            text.get(..text.floor_char_boundary(2 * MAX_CODE_BYTES)).unwrap_or_default().to_owned(),
            MAX_CODE_BYTES
        )
    )
}

/// `text`, at most `limit` bytes of it; what was cut ends in `…`.
fn cut(mut text: String, limit: usize) -> String {
    const ELLIPSIS: &str = "…";
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit.saturating_sub(ELLIPSIS.len())));
        text.push_str(ELLIPSIS);
    }
    text
}

/// A guest's failure. A code that is none becomes [`codes::FAILURE`]: codes are counted and grouped by.
pub(crate) fn failure(failure: host::Failure, message_bytes: usize) -> Failure {
    let host::Failure { code, message, http_status } = failure;
    if is_code(&code) {
        return Failure { code, status: http_status, message: line(message, message_bytes) };
    }
    let (code, message) = (quoted(&code), cut(message, message_bytes));
    Failure {
        code: codes::FAILURE.to_owned(),
        status: http_status,
        message: line(format!("{message} (the plugin's code {code} is none)"), message_bytes),
    }
}

/// `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, as the contract says.
fn is_code(text: &str) -> bool {
    (1..=MAX_CODE_BYTES).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_a_character() {
        assert_eq!(cut("short".to_owned(), 5), "short");
        assert_eq!(cut("longer".to_owned(), 5), "lo…");
        assert_eq!(cut("ää".to_owned(), 3), "…");
        assert_eq!(cut("äää".to_owned(), 5), "ä…");
    }

    #[test]
    fn a_line_steers_nothing() {
        assert_eq!(line("ünï 🚢 = 1".to_owned(), 99), "ünï 🚢 = 1");
        assert_eq!(
            line("a\x1b[31mb\r\n\tc\0\u{9b}\u{202e}\u{2028}".to_owned(), 99),
            r"a\u{1b}[31mb\r\n\tc\u{0}\u{9b}\u{202e}\u{2028}"
        );
        assert_eq!(line("\0".repeat(60_000), 20).len(), 20);
    }

    #[test]
    fn a_line_is_no_formula() {
        let plain = |text: &str| line(text.to_owned(), 99);
        for formula in ["=1+1", "+1+cmd|' /C calc'!A0", "-A1", "@SUM(A1)", "-", "＝1", "=-1"] {
            assert_eq!(plain(formula), format!("'{formula}"));
        }
        for text in ["-12.5", "+3", "1=1", "", " =1", "a-b"] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn a_code_that_is_none_is_replaced() {
        let guest = |code: &str| {
            failure(
                host::Failure { code: code.to_owned(), message: "why".to_owned(), http_status: Some(418) },
                1024,
            )
        };
        assert_eq!(
            guest("My.Own-Code_1"),
            Failure { code: "My.Own-Code_1".to_owned(), status: Some(418), message: "why".to_owned() }
        );
        for code in ["", "two words", "emoji🦀", "a,b", "-1", &"x".repeat(65)] {
            let failure = guest(code);
            assert_eq!(failure.code, codes::FAILURE, "{code}");
            assert!(failure.message.starts_with("why (the plugin's code"), "{}", failure.message);
        }
    }
}
