//! CSV, RFC 4180 and what spreadsheets make of it: rows with a header line, rows of one key as one document.
//!
//! Owns [`decode`], [`header`], [`read`] and [`write()`] (several tables in one text: `tables.rs`), and the native tree of mapping language §5.4: the key column and the
//! shared columns once at the top, the other columns of each row under `rows`. An empty cell is a missing value; a column
//! nobody knows stays as a leaf of its row. Rows of one key are one document wherever they stand in the file; where a
//! shared column says two things about one key the first is the document's and the other stays in its row. A row
//! without a key is a document of its own, so that two people without a key never become one.
//! Refuses a header without the key column, doubled columns, a quote that never closes, and cells beyond the header.
//! Cells are data: nothing here puts characters before `=` or `@`, which would change what another system reads.

mod cells;
mod decode;
mod read;
mod tables;
mod write;

pub use decode::decode;
pub use read::{header, read, read_knowing};
pub use tables::{Table, read_tables, write_tables};
pub use write::write;

use crate::diagnostic::Diagnostic;
use crate::document::Document;

/// The member under which the rows of a document stand.
pub const ROWS: &str = "rows";

/// A column of a format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Member name in the tree.
    pub member: String,
    /// Header texts that mean this column, the one to be written first; never empty.
    pub headers: Vec<String>,
}

impl Column {
    /// A column whose header is its member name.
    #[must_use]
    pub fn named(member: &str) -> Self {
        Self { member: member.to_owned(), headers: vec![member.to_owned()] }
    }
    /// Whether a header cell means this column; case and runs of white space do not matter.
    #[must_use]
    pub fn is_named(&self, cell: &str) -> bool {
        let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
        self.headers.iter().any(|h| h == cell || words(h) == words(cell))
    }
}

/// How files of a format look, from its schema.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// The columns in the order in which they are written.
    pub columns: Vec<Column>,
    /// Whether every cell is written in quotes.
    pub quote_all: bool,
    /// Whether lines are written with CR LF instead of LF.
    pub crlf: bool,
    /// Whether a byte order mark is written first.
    pub mark: bool,
    /// Columns that together tell whose rows are whose, where the key column alone does not; members of the document.
    pub key: Vec<String>,
    /// Words that stand for no value.
    pub absent: Vec<String>,
    /// Columns written only where a document has a value for them, and missed by nobody.
    pub optional: Vec<String>,
}

/// Which columns stand once per document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keys<'a> {
    /// The key: rows with the same text here are one document.
    pub key: &'a str,
    /// Columns that say the same in every row of a document.
    pub shared: &'a [&'a str],
}

/// A file read.
#[derive(Debug)]
pub struct Rows {
    /// One per key, in order of first appearance.
    pub documents: Vec<Document>,
    /// Columns missing or not known, short rows, shared columns that disagree. Without values.
    pub warnings: Vec<Diagnostic>,
}
