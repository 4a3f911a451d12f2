//! Problems of a declaration, each with its place in the file.

use std::fmt;
use std::ops::Range;

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::render;
use super::veil::without_credentials;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Severity {
    /// The file cannot be used.
    #[default]
    Error,
    /// The file can be used, but hardly means what was meant.
    Warning,
}

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in one sentence without a full stop: `unknown key "prioriti"`.
    pub message: String,
    /// Where: byte offsets into the file's text.
    pub span: Range<usize>,
    /// A few words put beside the caret; may be empty.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    /// How bad it is.
    pub severity: Severity,
}

impl Problem {
    /// A problem at `span`.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        let (message, severity) = (without_credentials(&message.into()), Severity::default());
        Self { message, span, label: String::new(), help: None, severity }
    }

    /// Makes it a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Adds the words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what to do, if there is anything to say.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

/// Everything that is wrong in one file. Never empty when returned as an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file's name, as messages show it.
    pub file: String,
    /// The file's text.
    pub source: String,
    /// The problems, by position.
    pub problems: Vec<Problem>,
}

impl Problems {
    /// The problems of `file`, put in order.
    pub fn new(file: impl Into<String>, source: impl Into<String>, mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| {
            (a.span.start, a.span.end, &a.message).cmp(&(b.span.start, b.span.end, &b.message))
        });
        problems.dedup();
        Self { file: file.into(), source: source.into(), problems }
    }

    /// Line and column of a problem, both from 1; columns count characters.
    pub fn place(&self, problem: &Problem) -> (usize, usize) {
        render::Lines::of(&self.source).place(problem.span.start)
    }

    /// The problems as plain text: `file:line:column: error: message`, the source line, a caret line and the help.
    pub fn render(&self) -> String {
        render::render(self, render::Style::PLAIN)
    }

    /// As [`Problems::render`], with ANSI colours.
    pub fn render_coloured(&self) -> String {
        render::render(self, render::Style::COLOUR)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

/// Without the file's text, which may hold secrets.
impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problems")
            .field("file", &self.file)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Problems {}

/// A list of objects with `file`, `line`, `column`, `message` and `help`.
impl Serialize for Problems {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines = render::Lines::of(&self.source);
        let mut list = serializer.serialize_seq(Some(self.problems.len()))?;
        for problem in &self.problems {
            list.serialize_element(&Placed {
                file: &self.file,
                place: lines.place(problem.span.start),
                problem,
            })?;
        }
        list.end()
    }
}

struct Placed<'a> {
    file: &'a str,
    place: (usize, usize),
    problem: &'a Problem,
}

impl Serialize for Placed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (line, column) = self.place;
        let mut object = serializer.serialize_struct("Problem", 5)?;
        object.serialize_field("file", self.file)?;
        object.serialize_field("line", &line)?;
        object.serialize_field("column", &column)?;
        object.serialize_field("message", &self.problem.message)?;
        object.serialize_field("help", &self.problem.help)?;
        object.end()
    }
}
