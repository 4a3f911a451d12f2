//! Problems as text for a terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::problem::{Problem, Problems};
use super::veil::veil;

/// Longest source line that is shown, in characters; a longer one is cut around the problem.
const MAX_LINE: usize = 120;

/// ANSI sequences, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    error: &'static str,
    caret: &'static str,
    dim: &'static str,
    reset: &'static str,
}

impl Style {
    pub(super) const PLAIN: Self = Self { error: "", caret: "", dim: "", reset: "" };
    pub(super) const COLOUR: Self =
        Self { error: "\u{1b}[1;31m", caret: "\u{1b}[1;31m", dim: "\u{1b}[34m", reset: "\u{1b}[0m" };
}

/// Line and column of a byte offset, both from 1; columns count characters.
pub(super) fn place(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..floor(source, offset)).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The nearest character boundary at or before `offset`.
fn floor(source: &str, offset: usize) -> usize {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

pub(super) fn render(problems: &Problems, style: Style) -> String {
    let mut out = String::new();
    for problem in &problems.problems {
        if !out.is_empty() {
            out.push('\n');
        }
        render_one(&mut out, problems, problem, style);
    }
    out
}

fn render_one(out: &mut String, problems: &Problems, problem: &Problem, style: Style) {
    let (line, column) = place(&problems.source, problem.span.start);
    let excerpt = Excerpt::of(&problems.source, problem);
    let margin = " ".repeat(line.to_string().len());
    let Style { error, caret, dim, reset } = style;
    let label = if problem.label.is_empty() { String::new() } else { format!(" {}", problem.label) };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}:{line}:{column}: {error}error{reset}: {}", problems.file, problem.message);
    let _ = writeln!(out, "{dim}{margin} |{reset}");
    let _ = writeln!(out, "{dim}{line} |{reset} {}", excerpt.text);
    let _ = writeln!(out, "{dim}{margin} |{reset} {}{caret}{}{label}{reset}", excerpt.indent, excerpt.carets);
    if let Some(help) = &problem.help {
        let _ = writeln!(out, "{dim}{margin} ={reset} help: {help}");
    }
}

/// The line of a problem, ready to print.
struct Excerpt {
    text: String,
    indent: String,
    carets: String,
}

impl Excerpt {
    fn of(source: &str, problem: &Problem) -> Self {
        let veiled = veil(source);
        let start = floor(&veiled, problem.span.start);
        let line_start = veiled.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line = veiled.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let column = (start - line_start).min(line.len());
        let end =
            floor(&veiled, problem.span.end.max(start)).saturating_sub(line_start).clamp(column, line.len());
        let before = line.get(..column).unwrap_or_default();
        let marked = line.get(column..end).unwrap_or_default();
        let after = line.get(end..).unwrap_or_default();

        let limit = if line.chars().count() > MAX_LINE { MAX_LINE / 3 } else { MAX_LINE };
        let before = printable(&tail(before, limit));
        let marked = printable(&head(marked, limit));
        let after = printable(&head(after, limit));
        Self {
            indent: " ".repeat(before.width()),
            carets: "^".repeat(marked.width().max(1)),
            text: format!("{before}{marked}{after}").trim_end().to_owned(),
        }
    }
}

/// The first `limit` characters, and an ellipsis if there are more.
fn head(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The last `limit` characters, and an ellipsis if there are more.
fn tail(text: &str, limit: usize) -> String {
    match text.char_indices().rev().nth(limit) {
        Some((at, dropped)) => format!("…{}", text.get(at + dropped.len_utf8()..).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Tabs and control characters in a form that has a width and cannot steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}
