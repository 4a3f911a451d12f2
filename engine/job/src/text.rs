//! Text of others, made fit for a terminal.

/// Whether a character moves a cursor, begins a line or turns the direction of writing: control characters, ends of lines and
/// paragraphs, and marks of direction (Unicode, "Bidirectional Algorithm", 2).
pub fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A line of text of others, a manifest's or a store's, that steers no terminal: what does is escaped.
pub fn printable(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match steers(character) {
            true => plain.extend(character.escape_default()),
            false => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printable_steers_nothing() {
        assert_eq!(printable("ünï 🚢 = 1"), "ünï 🚢 = 1");
        assert_eq!(
            printable("a\x1b[31mb\r\n\tc\0\u{9b}\u{202e}\u{2028}"),
            r"a\u{1b}[31mb\r\n\tc\u{0}\u{9b}\u{202e}\u{2028}"
        );
    }
}
