//! The CSV reader: one pass over the lines, each put into the document of its key.

use super::cells::{NeverClosed, starts};
use super::{Column, Keys, Layout, ROWS, Rows};
use crate::diagnostic::{Diagnostic, Severity, Span, code};
use crate::document::{Document, Kind, Limits, Names, NodeId};
use std::collections::{HashMap, HashSet};

/// Columns of a file: the widest format we know has about 250.
pub(super) const COLUMNS_MAX: usize = 1_000;

/// Characters that may stand between cells, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Warnings about one file; a file this ragged needs a new export, not a longer list.
const WARNINGS_MAX: usize = 50;

/// Column names listed in one warning.
const LISTED_MAX: usize = 10;

/// The header cells of a file, trimmed, to choose a format by before reading.
///
/// # Errors
/// `SOL-DOC-SYNTAX` where there is no header line that can be read.
pub fn header(text: &str) -> Result<Vec<String>, Diagnostic> {
    let mut lines = Lines::new(text);
    lines.next()?.ok_or_else(no_header)?;
    Ok(lines.cells.iter().map(|c| c.trim().to_owned()).collect())
}

/// Reads the rows of a file into one document per key.
///
/// # Errors
/// `SOL-DOC-SYNTAX` (no header, no key column, a quote that never closes, cells beyond the header), `SOL-DOC-FORBIDDEN`
/// (two columns of one name, NUL), `SOL-DOC-LIMIT`; each with line and column, none with any of the text.
pub fn read(text: &str, layout: &Layout, keys: &Keys<'_>, limits: &Limits) -> Result<Rows, Diagnostic> {
    read_knowing(text, layout, keys, limits, None)
}

/// As [`read()`], into trees that know these names from the start.
///
/// # Errors
/// As [`read()`].
pub fn read_knowing(
    text: &str,
    layout: &Layout,
    keys: &Keys<'_>,
    limits: &Limits,
    names: Option<&Names>,
) -> Result<Rows, Diagnostic> {
    if let Some(at) = text.find('\0') {
        return Err(fault(code::DOC_FORBIDDEN, "a NUL character is never accepted", at, text));
    }
    let mut lines = Lines::new(text);
    lines.next()?.ok_or_else(no_header)?;
    let mut reader = Reader {
        text,
        keys,
        layout,
        limits,
        names,
        columns: Vec::new(),
        by_key: HashMap::new(),
        nodes: 0,
        open: Vec::new(),
    };
    let mut out = Rows { documents: Vec::new(), warnings: Vec::new() };
    reader.header(&lines, layout, &mut out)?;
    while lines.next()?.is_some() {
        if lines.cells.iter().all(|c| c.trim().is_empty()) {
            continue;
        }
        // Each warning costs a look at the whole file: those that would not be kept are not made.
        if lines.cells.len() < reader.columns.len() && out.warnings.len() < WARNINGS_MAX {
            let said = "this row ends before the last column: the rest counts as empty";
            out.warnings.push(warning(said, lines.at(0), text));
        }
        reader.row(&lines, &mut out)?;
        out.warnings.truncate(WARNINGS_MAX);
    }
    Ok(out)
}

pub(super) fn no_header() -> Diagnostic {
    Diagnostic::error(code::DOC_SYNTAX, "the file has no header line")
}

pub(super) fn fault(code: crate::diagnostic::Code, said: impl Into<String>, at: usize, text: &str) -> Diagnostic {
    Diagnostic::error(code, said).with_span(Span { start: at, end: at + 1 }, text.as_bytes())
}

fn warning(said: &str, at: usize, text: &str) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..fault(code::DOC_SYNTAX, said, at, text) }
}

/// The lines of a text with the places of their cells.
pub(super) struct Lines<'a> {
    text: &'a str,
    reader: csv::Reader<&'a [u8]>,
    pub(super) cells: csv::StringRecord,
    places: Vec<usize>,
    delimiter: u8,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self::cut(text, text.trim_start_matches(['\r', '\n']).lines().next().unwrap_or(""))
    }
    /// Of a text that may begin with the name of a table: its header is the line after it.
    pub(super) fn of_tables(text: &'a str) -> Self {
        let mut lines = text.lines().filter(|l| !l.trim().is_empty()).take(2);
        let first = lines.next().unwrap_or("");
        let cut = |line: &&str| line.bytes().any(|b| DELIMITERS.contains(&b) && b != b',');
        Self::cut(text, lines.next().filter(|next| !cut(&first) && cut(next)).unwrap_or(first))
    }
    /// By the delimiter that stands most often in the header line.
    fn cut(text: &'a str, head: &str) -> Self {
        let count = |d: u8| head.bytes().filter(|b| *b == d).count();
        // Of equal counts the first wins, which for a file of one column is the comma.
        let delimiter = DELIMITERS.into_iter().rev().max_by_key(|d| count(*d)).unwrap_or(b',');
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(text.as_bytes());
        Self { text, reader, cells: csv::StringRecord::new(), places: Vec::new(), delimiter }
    }
    /// The next line that is not empty.
    pub(super) fn next(&mut self) -> Result<Option<()>, Diagnostic> {
        let offset = |r: &csv::Reader<&[u8]>| usize::try_from(r.position().byte()).unwrap_or(usize::MAX);
        let begin = offset(&self.reader);
        let unreadable = |_| fault(code::DOC_SYNTAX, "this line cannot be read as cells", begin, self.text);
        if !self.reader.read_record(&mut self.cells).map_err(unreadable)? {
            return Ok(None);
        }
        let line = self.text.as_bytes().get(begin..offset(&self.reader)).unwrap_or(&[]);
        let blank = line.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let line = line.get(blank..).unwrap_or(&[]);
        starts(line, begin + blank, self.delimiter, &mut self.places).map_err(|NeverClosed(at)| {
            fault(code::DOC_SYNTAX, "the quote that begins this cell never closes", at, self.text)
        })?;
        Ok(Some(()))
    }
    /// Where a cell begins; the line's end for one that is not there.
    pub(super) fn at(&self, cell: usize) -> usize {
        self.places.get(cell).or(self.places.last()).copied().unwrap_or(0)
    }
}

/// What a column of the file is.
enum Role {
    Key,
    Shared,
    Row,
}

/// A document being filled.
struct Open {
    rows: Option<NodeId>,
    count: usize,
}

struct Reader<'a> {
    text: &'a str,
    keys: &'a Keys<'a>,
    layout: &'a Layout,
    limits: &'a Limits,
    names: Option<&'a Names>,
    columns: Vec<(String, Role)>,
    by_key: HashMap<String, usize>,
    nodes: usize,
    open: Vec<Open>,
}

impl Reader<'_> {
    fn header(&mut self, lines: &Lines<'_>, layout: &Layout, out: &mut Rows) -> Result<(), Diagnostic> {
        if lines.cells.len() > COLUMNS_MAX {
            let said = format!("the file has more than {COLUMNS_MAX} columns");
            return Err(fault(code::DOC_LIMIT, said, lines.at(COLUMNS_MAX), self.text));
        }
        let mut seen = HashSet::new();
        let mut strangers = 0;
        for (i, cell) in lines.cells.iter().enumerate() {
            let cell = cell.trim();
            let known = layout.columns.iter().find(|c| c.is_named(cell));
            strangers += usize::from(known.is_none() && !cell.is_empty() && !layout.columns.is_empty());
            let member = known.map_or(cell, |c| c.member.as_str());
            if !cell.is_empty() && !seen.insert(member.to_owned()) {
                return Err(fault(code::DOC_FORBIDDEN, "two columns have this name", lines.at(i), self.text));
            }
            let role = match member {
                m if m == self.keys.key => Role::Key,
                m if self.keys.shared.contains(&m) => Role::Shared,
                _ => Role::Row,
            };
            self.columns.push((member.to_owned(), role));
        }
        if !seen.contains(self.keys.key) {
            let wanted = layout.columns.iter().find(|c| c.member == self.keys.key);
            let wanted = wanted.and_then(|c| c.headers.first()).map_or(self.keys.key, String::as_str);
            let said = format!("the header has no column `{wanted}`, which tells whose rows are whose");
            return Err(fault(code::DOC_SYNTAX, said, lines.at(0), self.text));
        }
        let place =
            |d: Diagnostic| d.with_span(Span { start: lines.at(0), end: lines.at(0) + 1 }, self.text.as_bytes());
        let must = |c: &&Column| !seen.contains(&c.member) && !layout.optional.contains(&c.member);
        let missing: Vec<&Column> = layout.columns.iter().filter(must).collect();
        if !missing.is_empty() {
            let names: Vec<&str> =
                missing.iter().take(LISTED_MAX).filter_map(|c| c.headers.first()).map(String::as_str).collect();
            let said = format!("the header lacks {} columns of the format: `{}`", missing.len(), names.join("`, `"));
            out.warnings.push(place(Diagnostic::warning(code::DOC_SYNTAX, said)));
        }
        if strangers > 0 {
            let said = format!("{strangers} columns are not known to the format and will be reported as not mapped");
            out.warnings.push(place(Diagnostic::warning(code::DOC_SYNTAX, said)));
        }
        Ok(())
    }

    fn row(&mut self, lines: &Lines<'_>, out: &mut Rows) -> Result<(), Diagnostic> {
        let key_at = self.columns.iter().position(|(_, role)| matches!(role, Role::Key)).unwrap_or(0);
        let key = self.whole_key(key_at, lines);
        let at = self.document(&key, lines, out);
        let (Some(document), Some(open)) = (out.documents.get_mut(at), self.open.get_mut(at)) else { return Ok(()) };
        let root = document.root();
        let mut row = None;
        for (i, cell) in lines.cells.iter().enumerate() {
            let (cell, place) = (cell.trim_matches([' ', '\t']), lines.at(i));
            // Keys are compared without the white space around them, so that is how they are kept.
            let cell = if i == key_at { cell.trim() } else { cell };
            if cell.trim().is_empty() || self.layout.absent.iter().any(|word| word == cell) {
                continue;
            }
            let Some((member, role)) = self.columns.get(i).filter(|(name, _)| !name.is_empty()) else {
                let said = "this cell stands under no column of the header";
                return Err(fault(code::DOC_SYNTAX, said, place, self.text));
            };
            let once = matches!(role, Role::Key | Role::Shared);
            let known = if once { document.member(root, member) } else { None };
            if known.is_some_and(|k| document.text(k) == Some(cell)) {
                continue;
            }
            if known.is_some() && out.warnings.len() < WARNINGS_MAX {
                let said = "an earlier row of this key says something else; the earlier one counts";
                out.warnings.push(warning(said, place, self.text));
            }
            let parent = if once && known.is_none() {
                root
            } else {
                *row.get_or_insert_with(|| {
                    let rows =
                        *open.rows.get_or_insert_with(|| document.add(root, Some(ROWS), Kind::Array, "", lines.at(0)));
                    open.count += 1;
                    self.nodes += 1;
                    document.add(rows, None, Kind::Object, "", lines.at(0))
                })
            };
            document.add(parent, Some(member), Kind::String, cell, place);
            self.nodes += 1;
        }
        let rows = open.count;
        self.bounds(rows, lines.at(key_at))
    }

    fn bounds(&self, rows: usize, place: usize) -> Result<(), Diagnostic> {
        let (values_max, rows_max) = (self.limits.nodes_max, self.limits.repeats_max);
        if self.nodes > values_max {
            return Err(fault(
                code::DOC_LIMIT,
                format!("the file has more than {values_max} values"),
                place,
                self.text,
            ));
        }
        if rows > rows_max {
            return Err(fault(code::DOC_LIMIT, format!("more than {rows_max} rows have this key"), place, self.text));
        }
        Ok(())
    }

    /// What tells whose row this is: the key column, with the other key columns of the layout. Nothing where the key
    /// column itself is empty.
    fn whole_key(&self, key_at: usize, lines: &Lines<'_>) -> String {
        let cell = |at: usize| lines.cells.get(at).unwrap_or("").trim();
        let mut key = cell(key_at).to_owned();
        if key.is_empty() || self.layout.absent.contains(&key) {
            return String::new();
        }
        for (i, (member, _)) in self.columns.iter().enumerate() {
            if i != key_at && self.layout.key.contains(member) {
                // No cell can hold it: control characters end a message earlier.
                key.push('\u{1f}');
                key.push_str(cell(i));
            }
        }
        key
    }

    /// The document of a key; a new one for no key.
    fn document(&mut self, key: &str, lines: &Lines<'_>, out: &mut Rows) -> usize {
        if let Some(known) = self.by_key.get(key) {
            return *known;
        }
        let at = out.documents.len();
        if !key.is_empty() {
            self.by_key.insert(key.to_owned(), at);
        }
        let mut document = Document::empty(0, self.names);
        document.add_root(Kind::Object, "", lines.at(0));
        self.nodes += 2;
        out.documents.push(document);
        self.open.push(Open { rows: None, count: 0 });
        at
    }
}
