//! Diagnostics: messages for the people who write mappings, schemas, rules, configuration, facts or messages.
//!
//! Owns: [`Code`] (the registry is `codes.rs`), [`Diagnostic`], spans, and how they are rendered. Refuses to hold a
//! personal value: name the path, the rule and the kind of thing found, never the value itself.
//! Errors for *code* live in each module as one enum; this is for people. Read [`Diagnostic`] first.

mod codes;
mod near;
mod render;

pub use codes::{Code, REGISTRY, RegistryRow, code};
pub use near::nearest;
pub use render::render;

use std::fmt;

/// A byte range in a source text, half-open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A place in a text for people: both counted from 1; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// Line and column of byte `offset` of `text`; past the end means the end.
    #[must_use]
    pub fn of(text: &[u8], offset: usize) -> Self {
        let head = text.get(..offset.min(text.len())).unwrap_or(text);
        let line = head.iter().filter(|b| **b == b'\n').count() + 1;
        let start = head.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let tail = head.get(start..).unwrap_or(&[]);
        // Continuation bytes of UTF-8 (10xxxxxx) do not start a character.
        let column = tail.iter().filter(|b| (**b & 0xC0) != 0x80).count() + 1;
        Self { line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// The input or file is refused.
    Error,
    /// Kept, but somebody should look.
    Warning,
}

/// One message to a person: what, where, what was expected, how to fix it.
#[derive(Clone, PartialEq, Debug)]
pub struct Diagnostic {
    /// Stable code, `SOL-…`.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// One sentence, lower case start, no personal value.
    pub message: String,
    /// File or input name as the user gave it (never a personal value).
    pub file: Option<String>,
    /// Byte range in that file.
    pub span: Option<Span>,
    /// Line and column of the span's start, when known.
    pub position: Option<Position>,
    /// JSON Pointer or path inside the document, when there is one.
    pub pointer: Option<String>,
    /// What was expected here.
    pub expected: Option<String>,
    /// How to fix it, or the nearest name ("did you mean").
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error with a code and a sentence; add the rest with the `with_…` methods.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            file: None,
            span: None,
            position: None,
            pointer: None,
            expected: None,
            help: None,
        }
    }
    /// As [`Diagnostic::error`], but only a warning.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }
    /// Names the file.
    #[must_use]
    pub fn with_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }
    /// Sets the span, and the position computed from the text.
    #[must_use]
    pub fn with_span(mut self, span: Span, text: &[u8]) -> Self {
        self.position = Some(Position::of(text, span.start));
        self.span = Some(span);
        self
    }
    /// Sets a position without a span.
    #[must_use]
    pub fn with_position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }
    /// Sets the JSON Pointer.
    #[must_use]
    pub fn with_pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }
    /// Says what was expected.
    #[must_use]
    pub fn with_expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }
    /// Asks "did you mean", when one of the names that exist is near to `name`.
    #[must_use]
    pub fn with_nearest<'a>(mut self, name: &str, names: impl Iterator<Item = &'a str>) -> Self {
        if let Some(near) = nearest(name, names).first() {
            self.help = Some(format!("did you mean `{near}`?"));
        }
        self
    }
    /// Says how to fix it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `CODE file:line:column pointer message; expected …; help`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(file) = &self.file {
            write!(f, " {file}")?;
            if let Some(p) = self.position {
                write!(f, ":{p}")?;
            }
        } else if let Some(p) = self.position {
            write!(f, " {p}")?;
        }
        if let Some(pointer) = &self.pointer {
            write!(f, " {}", if pointer.is_empty() { "/" } else { pointer })?;
        }
        write!(f, " {}", self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "; expected {expected}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}
