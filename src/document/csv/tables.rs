//! Several tables in one CSV text: a line with a table's name, its header line, its rows; then the next table.
//!
//! Owns [`read_tables`] and [`write_tables`], and the tree they share with the same tables as JSON: a member for each
//! table, each a list of rows. A header without a name before it is the table whose columns it has most of, so that one
//! table alone is a plain CSV file and several files may simply follow each other. Names match in any spelling of their
//! case. Refuses a header that two tables fit equally, doubled columns, and cells beyond the header.

use super::Column;
use super::read::{COLUMNS_MAX, Lines, fault, no_header};
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Document, Kind, Limits, Names, NodeId};
use std::collections::{HashMap, HashSet};

/// A table of a format.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its member name, and the texts of a name line that mean it.
    pub name: Column,
    /// Its columns in the order in which they are written.
    pub columns: Vec<Column>,
}

/// Reads the tables of a text into one document.
///
/// # Errors
/// `SOL-DOC-SYNTAX` (no header, a header of no table or of several, cells beyond the header, a quote that never closes),
/// `SOL-DOC-FORBIDDEN` (two columns of one name, NUL), `SOL-DOC-LIMIT`; with line and column, none with any of the text.
pub fn read_tables(
    text: &str,
    tables: &[Table],
    limits: &Limits,
    names: Option<&Names>,
) -> Result<Document, Diagnostic> {
    if let Some(at) = text.find('\0') {
        return Err(fault(code::DOC_FORBIDDEN, "a NUL character is never accepted", at, text));
    }
    let mut reader = Reader::new(text, tables, limits, names);
    let mut lines = Lines::of_tables(text);
    while lines.next()?.is_some() {
        if lines.cells.iter().all(|c| c.trim().is_empty()) {
            continue;
        }
        if let Some(name) = reader.name_line(&lines) {
            (reader.named, reader.open) = (Some(name), None);
        } else if reader.open.is_none() || reader.is_header(&lines) {
            reader.header(&lines)?;
        } else {
            reader.row(&lines)?;
        }
    }
    if reader.document.is_empty(reader.document.root()) { Err(no_header()) } else { Ok(reader.document) }
}

/// The table being filled.
struct Open {
    rows: NodeId,
    columns: Vec<String>,
}

struct Reader<'a> {
    text: &'a str,
    tables: &'a [Table],
    limits: &'a Limits,
    document: Document,
    /// Table names in lower case.
    by_name: HashMap<String, &'a str>,
    /// Column names of all tables in lower case.
    columns: HashSet<String>,
    named: Option<String>,
    open: Option<Open>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, tables: &'a [Table], limits: &'a Limits, names: Option<&Names>) -> Self {
        let spellings = |c: &'a Column| c.headers.iter().map(move |h| (h.to_lowercase(), c.member.as_str()));
        let mut document = Document::empty(0, names);
        document.add_root(Kind::Object, "", 0);
        Self {
            text,
            tables,
            limits,
            document,
            by_name: tables.iter().flat_map(|t| spellings(&t.name)).collect(),
            columns: tables.iter().flat_map(|t| &t.columns).flat_map(spellings).map(|(h, _)| h).collect(),
            named: None,
            open: None,
            nodes: 1,
        }
    }

    /// The table a line names: its only text is the name of a table, or is made as those are, which is a table that is
    /// not known and will be reported.
    fn name_line(&self, lines: &Lines<'_>) -> Option<String> {
        let mut said = lines.cells.iter().map(str::trim).filter(|c| !c.is_empty());
        let (Some(only), None) = (said.next(), said.next()) else { return None };
        if let Some(name) = self.by_name.get(&only.to_lowercase()) {
            return Some((*name).to_owned());
        }
        let alike = |t: &Table| stem(&t.name.member).is_some() && stem(&t.name.member) == stem(only);
        (lines.cells.len() == 1 && self.tables.iter().any(alike)).then(|| only.to_owned())
    }

    /// Whether a line below a header is the header of a next table: nothing but names of columns, two at least.
    fn is_header(&self, lines: &Lines<'_>) -> bool {
        let mut said = lines.cells.iter().map(str::trim).filter(|c| !c.is_empty()).peekable();
        let known = |c: &str| self.columns.contains(&c.to_lowercase());
        said.next().is_some_and(known) && said.peek().is_some() && said.all(known)
    }

    fn header(&mut self, lines: &Lines<'_>) -> Result<(), Diagnostic> {
        let refuse = |code, said: &str, cell| Err(fault(code, said, lines.at(cell), self.text));
        if lines.cells.len() > COLUMNS_MAX {
            let said = format!("the table has more than {COLUMNS_MAX} columns");
            return refuse(code::DOC_LIMIT, &said, COLUMNS_MAX);
        }
        let name = match self.named.take() {
            Some(name) => name,
            None => match by_columns(self.tables, lines.cells.iter().map(str::trim)) {
                Fit::One(table) => table.name.member.clone(),
                Fit::None => return refuse(code::DOC_SYNTAX, "this is the header of no table of this format", 0),
                Fit::Several => {
                    let said = "this header fits several tables equally: put the name of the table on a line before it";
                    return refuse(code::DOC_SYNTAX, said, 0);
                }
            },
        };
        let known = self.tables.iter().find(|t| t.name.member == name);
        let (mut columns, mut seen) = (Vec::new(), HashSet::new());
        for (i, cell) in lines.cells.iter().map(str::trim).enumerate() {
            let column = known.and_then(|t| t.columns.iter().find(|c| c.is_named(cell)));
            let member = column.map_or(cell, |c| c.member.as_str()).to_owned();
            if !cell.is_empty() && !seen.insert(member.clone()) {
                return refuse(code::DOC_FORBIDDEN, "two columns have this name", i);
            }
            columns.push(member);
        }
        let root = self.document.root();
        let rows = self.document.member(root, &name);
        let rows = rows.unwrap_or_else(|| self.document.add(root, Some(&name), Kind::Array, "", lines.at(0)));
        self.open = Some(Open { rows, columns });
        Ok(())
    }

    fn row(&mut self, lines: &Lines<'_>) -> Result<(), Diagnostic> {
        let Some(open) = &self.open else { return Ok(()) };
        let row = self.document.add(open.rows, None, Kind::Object, "", lines.at(0));
        self.nodes += 1;
        for (i, cell) in lines.cells.iter().map(|c| c.trim_matches([' ', '\t'])).enumerate() {
            if cell.trim().is_empty() {
                continue;
            }
            let Some(member) = open.columns.get(i).filter(|name| !name.is_empty()) else {
                let said = "this cell stands under no column of the header";
                return Err(fault(code::DOC_SYNTAX, said, lines.at(i), self.text));
            };
            self.document.add(row, Some(member), Kind::String, cell, lines.at(i));
            self.nodes += 1;
        }
        let (values_max, rows_max) = (self.limits.nodes_max, self.limits.repeats_max);
        let limit = |said: String| Err(fault(code::DOC_LIMIT, said, lines.at(0), self.text));
        if self.nodes > values_max {
            return limit(format!("the file has more than {values_max} values"));
        }
        if self.document.len(open.rows) > rows_max {
            return limit(format!("the table has more than {rows_max} rows"));
        }
        Ok(())
    }
}

/// The letters and digits tables of one data set begin with: letters, then three digits or more, as `ABC123`.
fn stem(name: &str) -> Option<&str> {
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (letters, rest) = name.split_at_checked(digits)?;
    let whole = name.bytes().all(|b| b.is_ascii_alphanumeric());
    let counted = rest.bytes().take_while(u8::is_ascii_digit).count() >= 3;
    (whole && counted && !letters.is_empty()).then_some(letters)
}

enum Fit<'t> {
    None,
    One(&'t Table),
    Several,
}

/// The table that has most of these columns; of those that have equally many the one with the fewest others.
fn by_columns<'t, 'c>(tables: &'t [Table], header: impl Iterator<Item = &'c str> + Clone) -> Fit<'t> {
    let rank = |t: &Table| {
        let common = header.clone().filter(|cell| t.columns.iter().any(|c| c.is_named(cell))).count();
        (common, usize::MAX.saturating_sub(t.columns.len()))
    };
    let ranked: Vec<_> = tables.iter().map(|t| (rank(t), t)).filter(|((common, _), _)| *common > 0).collect();
    let Some(most) = ranked.iter().map(|(rank, _)| *rank).max() else { return Fit::None };
    let mut best = ranked.iter().filter(|(rank, _)| *rank == most);
    match (best.next(), best.next()) {
        (Some((_, one)), None) => Fit::One(one),
        _ => Fit::Several,
    }
}

/// The tables of all documents as one text: for each table its name, the columns some row has, the rows; CR LF, a blank
/// line between tables. One table alone goes without its name where its header says which it is. A row that an earlier
/// document has word for word is written once.
#[must_use]
pub fn write_tables(documents: &[&Document], tables: &[Table]) -> Vec<u8> {
    let filled: Vec<Filled<'_, '_>> =
        tables.iter().map(|t| filled(documents, t)).filter(|(_, _, rows)| !rows.is_empty()).collect();
    let alone = match filled.as_slice() {
        [(table, columns, _)] => {
            let header = columns.iter().map(|c| c.member.as_str());
            matches!(by_columns(tables, header), Fit::One(one) if one.name.member == table.name.member)
        }
        _ => false,
    };
    let mut bytes = Vec::new();
    for (table, columns, rows) in filled {
        if !bytes.is_empty() {
            bytes.extend(b"\r\n");
        }
        if !alone {
            bytes.extend(table.name.member.as_bytes());
            bytes.extend(b"\r\n");
        }
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(bytes);
        // Writing to memory cannot fail, and every line has as many cells as the header.
        let _ = writer.write_record(columns.iter().map(|c| c.member.as_str()));
        for row in rows {
            let _ = writer.write_record(row);
        }
        bytes = writer.into_inner().unwrap_or_default();
    }
    bytes
}

/// A table with the columns that some row fills, and its rows.
type Filled<'d, 't> = (&'t Table, Vec<&'t Column>, Vec<Vec<&'d str>>);

fn filled<'d, 't>(documents: &[&'d Document], table: &'t Table) -> Filled<'d, 't> {
    let rows_of = |d: &'d Document| {
        let rows = d.member(d.root(), &table.name.member);
        rows.into_iter().flat_map(|r| d.children(r)).map(move |row| (d, row))
    };
    let all = || documents.iter().flat_map(|d| rows_of(d));
    let says = |c: &&Column| all().any(|(d, row)| d.text_at(row, &[&c.member]).is_some());
    let columns: Vec<&Column> = table.columns.iter().filter(says).collect();
    let (mut rows, mut earlier) = (Vec::new(), HashSet::new());
    for document in documents {
        let own: Vec<Vec<&str>> = rows_of(document)
            .map(|(d, row)| columns.iter().map(|c| d.text_at(row, &[&c.member]).unwrap_or("")).collect())
            .collect();
        let new: Vec<Vec<&str>> = own.into_iter().filter(|row: &Vec<&str>| !earlier.contains(row)).collect();
        earlier.extend(new.iter().cloned());
        rows.extend(new);
    }
    rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    (table, columns, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Vec<Table> {
        let table = |name: &str, old: &str, columns: &[&str]| {
            let mut name = Column::named(name);
            name.headers.push(old.to_owned());
            Table { name, columns: columns.iter().map(|c| Column::named(c)).collect() }
        };
        vec![
            table("TAB001People", "TAB001Persons", &["PersonID", "Born", "Postcode"]),
            table("TAB101Referral", "TAB101Ref", &["ReferralID", "PersonID", "Received"]),
            table("TAB102Team", "TAB102T", &["ReferralID", "Team"]),
        ]
    }

    fn read(text: &str) -> Result<String, Diagnostic> {
        let read = read_tables(text, &tables(), &Limits::default(), None)?;
        Ok(read.to_value(read.root()).to_string())
    }

    fn fault(text: &str) -> (crate::diagnostic::Code, usize) {
        let found = read(text).unwrap_err();
        (found.code, found.position.map_or(0, |p| p.line))
    }

    /// Columns keep the order of their header.
    const BOTH: &str = "{\"TAB001People\":[{\"PersonID\":\"P1\",\"Born\":\"2014-05-02\"}],\
                        \"TAB101Referral\":[{\"ReferralID\":\"R1\",\"PersonID\":\"P1\"}]}";

    #[test]
    fn tables_stand_under_their_names_or_under_headers_that_say_which_they_are() {
        for text in [
            "TAB001People\r\nPersonID,Born\r\nP1,2014-05-02\r\n\r\nTAB101Referral\r\nReferralID,PersonID\r\nR1,P1\r\n",
            "tab001persons,\npersonid,BORN\nP1,2014-05-02\nTAB101REF,\nReferralID,PersonID\nR1,P1\n",
            "PersonID,Born\nP1,2014-05-02\nReferralID,PersonID,Received\nR1,P1,\n",
            "TAB001People\nPersonID;Born\nP1;2014-05-02\nTAB101Referral\nReferralID;PersonID\nR1;P1\n",
        ] {
            assert_eq!(read(text).unwrap(), BOTH, "{text}");
        }
    }

    #[test]
    fn a_table_nobody_knows_is_kept_under_its_name() {
        let text = "TAB999New\nA,B\n1,2\n";
        assert_eq!(read(text).unwrap(), "{\"TAB999New\":[{\"A\":\"1\",\"B\":\"2\"}]}");
        assert_eq!(read("PersonID,Born\nP001\n").unwrap(), "{\"TAB001People\":[{\"PersonID\":\"P001\"}]}");
    }

    #[test]
    fn what_cannot_be_told_is_refused_with_its_line() {
        assert_eq!(fault("Colour,Size\n1,2\n"), (code::DOC_SYNTAX, 1));
        assert_eq!(fault("\nPersonID\nP1\n"), (code::DOC_SYNTAX, 2), "two tables of three columns have it");
        assert_eq!(fault("PersonID,Born\nP1,2014-05-02,x\n"), (code::DOC_SYNTAX, 2));
        assert_eq!(fault("PersonID,personid,Born\n"), (code::DOC_FORBIDDEN, 1));
        assert_eq!(fault(" \n"), (code::DOC_SYNTAX, 0));
        assert_eq!(fault("PersonID,Born\n\0,1\n"), (code::DOC_FORBIDDEN, 2));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let first = "TAB001People\nPersonID,Postcode\nP1,\"ZZ9 9ZZ, \"\"x\"\"\"\nTAB102Team\nReferralID,Team\nR1,A\n";
        let second = "TAB001People\nPersonID,Born\nP2,2015-01-01\nP1,\n\nTAB102Team\nReferralID,Team\nR1,A\n";
        let read = |text: &str| read_tables(text, &tables(), &Limits::default(), None).unwrap();
        let (first, second) = (read(first), read(second));
        let bytes = write_tables(&[&first, &second], &tables());
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "TAB001People\r\nPersonID,Born,Postcode\r\nP1,,\"ZZ9 9ZZ, \"\"x\"\"\"\r\nP2,2015-01-01,\r\nP1,,\r\n\r\n\
             TAB102Team\r\nReferralID,Team\r\nR1,A\r\n"
        );
        assert_eq!(write_tables(&[&read(&text)], &tables()), text.as_bytes());
    }

    #[test]
    fn one_table_alone_is_a_plain_file_where_its_header_says_which_it_is() {
        let written = |text: &str| {
            let read = read_tables(text, &tables(), &Limits::default(), None).unwrap();
            String::from_utf8(write_tables(&[&read], &tables())).unwrap()
        };
        assert_eq!(written("TAB102Team\nTeam\nA\n"), "Team\r\nA\r\n");
        assert_eq!(written("TAB101Referral\nPersonID\nP1\n"), "TAB101Referral\r\nPersonID\r\nP1\r\n");
    }

    #[test]
    fn a_table_has_as_many_rows_as_the_limits_permit() {
        let limits = Limits { repeats_max: 1, ..Limits::default() };
        let found = read_tables("PersonID,Born\nP1,x\nP2,x\n", &tables(), &limits, None).unwrap_err();
        assert_eq!(found.code, code::DOC_LIMIT);
        let limits = Limits { nodes_max: 4, ..Limits::default() };
        let found = read_tables("PersonID,Born\nP1,x\nP2,x\n", &tables(), &limits, None).unwrap_err();
        assert_eq!(found.code, code::DOC_LIMIT);
    }
}
