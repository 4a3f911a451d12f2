//! Problems as text for a terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::problem::{Problem, Problems, Severity};
use super::veil::veil;
use crate::text::steers;

/// Longest source line that is shown, in characters; a longer one is cut around the problem.
const MAX_LINE: usize = 120;

/// Most problems that are printed; a file with more of them is not a near miss.
const MAX_RENDERED: usize = 100;

/// ANSI sequences, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    error: &'static str,
    warning: &'static str,
    caret: &'static str,
    dim: &'static str,
    reset: &'static str,
}

impl Style {
    pub(super) const PLAIN: Self = Self { error: "", warning: "", caret: "", dim: "", reset: "" };
    pub(super) const COLOUR: Self = Self {
        error: "\u{1b}[1;31m",
        warning: "\u{1b}[1;33m",
        caret: "\u{1b}[1;31m",
        dim: "\u{1b}[34m",
        reset: "\u{1b}[0m",
    };
}

/// Where the lines of a text begin, to find the place of a byte offset quickly.
pub(super) struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(source: &'a str) -> Self {
        let after_breaks = source.match_indices('\n').map(|(at, _)| at + 1);
        Self { source, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The line that holds `offset`, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// Line and column of `offset`, both from 1; columns count characters.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let offset = floor(self.source, offset);
        let before = self.source.get(self.start(offset)..offset).unwrap_or_default();
        (self.line(offset), before.chars().count() + 1)
    }

    /// Where the line that holds `offset` begins.
    fn start(&self, offset: usize) -> usize {
        self.starts.get(self.line(offset).saturating_sub(1)).copied().unwrap_or(0)
    }
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
    let veiled = veil(&problems.source);
    let lines = Lines::of(&veiled);
    let mut out = String::new();
    for problem in problems.problems.iter().take(MAX_RENDERED) {
        if !out.is_empty() {
            out.push('\n');
        }
        render_one(&mut out, &problems.file, &lines, problem, style);
    }
    if let Some(more) = problems.problems.len().checked_sub(MAX_RENDERED).filter(|more| *more > 0) {
        let _ = writeln!(out, "\n{}: and {more} more", problems.file);
    }
    out
}

fn render_one(out: &mut String, file: &str, lines: &Lines<'_>, problem: &Problem, style: Style) {
    let (line, column) = lines.place(problem.span.start);
    let excerpt = Excerpt::of(lines, problem);
    let margin = " ".repeat(line.to_string().len());
    let Style { error, warning, caret, dim, reset } = style;
    let (colour, kind) = match problem.severity {
        Severity::Error => (error, "error"),
        Severity::Warning => (warning, "warning"),
    };
    let label = if problem.label.is_empty() { String::new() } else { format!(" {}", problem.label) };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{file}:{line}:{column}: {colour}{kind}{reset}: {}", problem.message);
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
    fn of(lines: &Lines<'_>, problem: &Problem) -> Self {
        let source = lines.source;
        let start = floor(source, problem.span.start);
        let line_start = lines.start(start);
        let line = source.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let column = (start - line_start).min(line.len());
        let end =
            floor(source, problem.span.end.max(start)).saturating_sub(line_start).clamp(column, line.len());
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
            c if steers(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}
