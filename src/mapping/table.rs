//! Code tables: one CSV each, total in each direction, with a quality per row.
//!
//! Owns reading and looking up. Totality is checked in `check::tables`, because it needs the schemas and the other
//! tables. A table used by `label by` has the columns `category` and `confidentiality` instead. Source: mapping
//! language §4.4.

use crate::diagnostic::{Diagnostic, Position, code};
use crate::document::Keyed;
use crate::vocabulary::{Category, Confidentiality};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The canonical code of a value our list has no word for; the sender's own code stands beside it.
pub const UNMAPPED: &str = "unmapped";
/// Rows of one table.
const ROWS_MAX: usize = 200_000;

/// How well a row fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quality {
    /// Same meaning.
    Exact,
    /// The other side says less.
    Broader,
    /// The other side says more.
    Narrower,
    /// Similar.
    Near,
}

/// One row of a code table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The format's code; empty when the format has none.
    pub native: String,
    /// Its words.
    pub native_text: String,
    /// Whether reading uses it.
    pub reads: bool,
    /// Whether writing uses it.
    pub writes: bool,
    /// Canonical codes, one per canonical column.
    pub canonical: Vec<String>,
    /// How well it fits.
    pub quality: Quality,
    /// Whether writing gives the native code back by itself: of two codes with one meaning only one does.
    pub returns: bool,
    /// Why it is not exact.
    pub note: String,
    /// Line in the file, from 1.
    pub line: usize,
}

/// A code table.
#[derive(Clone, Debug)]
pub struct CodeTable {
    /// File name without folder and `.csv`.
    pub name: String,
    /// The header comment.
    pub about: Header,
    /// The rows in file order.
    pub rows: Vec<Row>,
    forward: HashMap<String, usize, Keyed>,
    backward: HashMap<String, usize, Keyed>,
}

/// What the header comment says.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// Version.
    pub version: String,
    /// Name of the canonical list: tables of one list must cover the same canonical codes.
    pub canonical: String,
    /// The code system on the native side.
    pub native: String,
    /// The whole comment.
    pub text: String,
}

impl CodeTable {
    /// The row a native code is read by.
    #[must_use]
    pub fn read(&self, native: &str) -> Option<&Row> {
        self.forward.get(native).and_then(|at| self.rows.get(*at))
    }
    /// The row canonical codes are written by.
    #[must_use]
    pub fn write<S: AsRef<str>>(&self, canonical: &[S]) -> Option<&Row> {
        let at = match canonical {
            [one] => self.backward.get(one.as_ref()),
            several => self.backward.get(&several.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("|")),
        };
        at.and_then(|at| self.rows.get(*at))
    }
    /// Whether a canonical code can be written.
    #[must_use]
    pub fn writes(&self, joined: &str) -> bool {
        self.backward.contains_key(joined)
    }
}

/// Category and confidentiality of a canonical code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Given {
    /// Category.
    pub category: Category,
    /// Confidentiality.
    pub conf: Confidentiality,
}

/// A label table.
#[derive(Clone, Debug)]
pub struct LabelTable {
    rows: Vec<(String, Given)>,
    by_code: HashMap<String, usize, Keyed>,
}

impl LabelTable {
    /// The row of the first of these codes *in table order*: the table's order is the precedence.
    #[must_use]
    pub fn of<'a>(&self, codes: impl Iterator<Item = &'a str>) -> Option<Given> {
        let first = codes.filter_map(|c| self.by_code.get(c)).min()?;
        self.rows.get(*first).map(|(_, given)| *given)
    }
    /// The first code that gives this category.
    #[must_use]
    pub fn code_for(&self, category: Category) -> Option<&str> {
        self.rows.iter().find(|(_, g)| g.category == category).map(|(code, _)| code.as_str())
    }
}

/// Every table of a content set.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Code tables by name.
    pub codes: BTreeMap<String, Arc<CodeTable>>,
    /// Label tables by name.
    pub labels: BTreeMap<String, Arc<LabelTable>>,
}

impl Tables {
    /// Reads one table and files it under its name.
    ///
    /// # Errors
    /// Every row that cannot be used, with its line.
    pub fn add(&mut self, file: &str, bytes: &[u8]) -> Result<(), Vec<Diagnostic>> {
        let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".csv").to_owned();
        let sheet = Sheet::read(file, bytes).map_err(|d| vec![d])?;
        if sheet.columns.iter().any(|c| c == "category") {
            self.labels.insert(name.clone(), Arc::new(sheet.labels()?));
        } else {
            self.codes.insert(name.clone(), Arc::new(sheet.codes(name)?));
        }
        Ok(())
    }
}

struct Sheet<'a> {
    file: &'a str,
    about: Header,
    columns: Vec<String>,
    rows: Vec<(usize, csv::StringRecord)>,
}

impl<'a> Sheet<'a> {
    fn read(file: &'a str, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Diagnostic::error(code::MAP_TABLE, "the table is not UTF-8 text").with_file(file))?;
        let comment: Vec<&str> =
            text.lines().take_while(|l| l.starts_with('#')).map(|l| l.trim_start_matches('#').trim()).collect();
        let mut sheet = Self { file, about: header(&comment.join("  ")), columns: Vec::new(), rows: Vec::new() };
        if comment.is_empty() {
            return Err(
                sheet.fault(1, "the first line must be a comment: # NAME VERSION owner: … native: … canonical: …")
            );
        }
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .has_headers(true)
            .flexible(false)
            .from_reader(text.as_bytes());
        let line = |e: &csv::Error| e.position().map_or(1, |p| usize::try_from(p.line()).unwrap_or(1));
        let columns = reader.headers().map_err(|e| sheet.fault(line(&e), "the column line cannot be read"))?;
        sheet.columns = columns.iter().map(str::to_owned).collect();
        for row in reader.records() {
            let row = row.map_err(|e| sheet.fault(line(&e), "this row has another number of columns"))?;
            let at = row.position().map_or(1, |p| usize::try_from(p.line()).unwrap_or(1));
            if sheet.rows.len() >= ROWS_MAX {
                return Err(sheet.fault(at, format!("the table has more than {ROWS_MAX} rows")));
            }
            sheet.rows.push((at, row));
        }
        Ok(sheet)
    }

    fn fault(&self, line: usize, text: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code::MAP_TABLE, text).with_file(self.file).with_position(Position { line, column: 1 })
    }

    fn cell<'r>(&self, row: &'r csv::StringRecord, column: &str) -> &'r str {
        self.columns.iter().position(|c| c == column).and_then(|i| row.get(i)).unwrap_or("").trim()
    }

    fn need(&self, columns: &[&str]) -> Result<(), Vec<Diagnostic>> {
        let missing: Vec<&str> = columns.iter().copied().filter(|c| !self.columns.iter().any(|h| h == c)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(vec![
            self.fault(1, format!("the table has no column {}", missing.join(", "))).with_expected(columns.join(",")),
        ])
    }

    fn codes(self, name: String) -> Result<CodeTable, Vec<Diagnostic>> {
        self.need(&["native", "native_text", "dir", "canonical", "quality", "note"])?;
        let mut faults = Vec::new();
        let mut table = CodeTable {
            name,
            about: self.about.clone(),
            rows: Vec::new(),
            forward: HashMap::default(),
            backward: HashMap::default(),
        };
        for (line, cells) in &self.rows {
            match self.code_row(*line, cells) {
                Ok(row) => self.file_row(row, &mut table, &mut faults),
                Err(fault) => faults.push(*fault),
            }
        }
        let returns = |row: &Row| table.write(&row.canonical).is_some_and(|back| back.native == row.native);
        let returning: Vec<bool> = table.rows.iter().map(returns).collect();
        for (row, returns) in table.rows.iter_mut().zip(returning) {
            row.returns = returns;
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }

    fn code_row(&self, line: usize, cells: &csv::StringRecord) -> Result<Row, Box<Diagnostic>> {
        let (reads, writes) = match self.cell(cells, "dir") {
            "<->" => (true, true),
            "->" => (true, false),
            "<-" => (false, true),
            _ => return Err(Box::new(self.fault(line, "`dir` is none of <->, -> and <-"))),
        };
        let quality = match self.cell(cells, "quality") {
            "exact" => Quality::Exact,
            "broader" => Quality::Broader,
            "narrower" => Quality::Narrower,
            "near" => Quality::Near,
            _ => return Err(Box::new(self.fault(line, "`quality` is none of exact, broader, narrower and near"))),
        };
        let note = self.cell(cells, "note").to_owned();
        if reads && writes && quality != Quality::Exact && note.is_empty() {
            return Err(Box::new(
                self.fault(line, "a row that works both ways and is not exact needs a note that says why"),
            ));
        }
        Ok(Row {
            native: self.cell(cells, "native").to_owned(),
            native_text: self.cell(cells, "native_text").to_owned(),
            reads,
            writes,
            canonical: self.cell(cells, "canonical").split('|').map(str::to_owned).collect(),
            quality,
            returns: false,
            note,
            line,
        })
    }

    fn file_row(&self, row: Row, table: &mut CodeTable, faults: &mut Vec<Diagnostic>) {
        let at = table.rows.len();
        if row.reads && table.forward.insert(row.native.clone(), at).is_some() {
            faults.push(self.fault(row.line, "this native code is read by two rows"));
        }
        if row.writes && table.backward.insert(row.canonical.join("|"), at).is_some() {
            faults.push(self.fault(row.line, "this canonical code is written by two rows"));
        }
        let width = table.rows.first().map_or(row.canonical.len(), |r| r.canonical.len());
        if row.canonical.len() != width || row.canonical.iter().any(String::is_empty) {
            faults.push(self.fault(row.line, "every row needs the same number of canonical codes, none empty"));
        }
        table.rows.push(row);
    }

    fn labels(self) -> Result<LabelTable, Vec<Diagnostic>> {
        self.need(&["code", "category", "confidentiality"])?;
        let mut faults = Vec::new();
        let mut table = LabelTable { rows: Vec::new(), by_code: HashMap::default() };
        for (line, cells) in &self.rows {
            let category = Category::parse(self.cell(cells, "category"));
            let conf = Confidentiality::parse(self.cell(cells, "confidentiality"));
            let (Some(category), Some(conf)) = (category, conf) else {
                faults.push(self.fault(*line, "category or confidentiality is no known code"));
                continue;
            };
            if conf < category.confidentiality_floor() {
                let floor = category.confidentiality_floor();
                faults
                    .push(self.fault(*line, format!("the confidentiality is below {floor}, the floor of {category}")));
            }
            let code = self.cell(cells, "code").to_owned();
            if table.by_code.insert(code.clone(), table.rows.len()).is_some() {
                faults.push(self.fault(*line, "this code has two rows"));
            }
            table.rows.push((code, Given { category, conf }));
        }
        if faults.is_empty() { Ok(table) } else { Err(faults) }
    }
}

/// `NAME VERSION  key: words  key: words`, fields two blanks apart.
fn header(text: &str) -> Header {
    let field = |key: &str| {
        text.split("  ").map(str::trim).find_map(|part| part.strip_prefix(key)).unwrap_or("").trim().to_owned()
    };
    Header {
        version: text.split_whitespace().nth(1).unwrap_or("").to_owned(),
        canonical: field("canonical:"),
        native: field("native:"),
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "# t 1.0.0  owner: x  native: list  canonical: sex\nnative,native_text,dir,canonical,quality,note\n";

    fn table(rows: &str) -> Result<CodeTable, Vec<Diagnostic>> {
        let mut tables = Tables::default();
        tables.add("mappings/codes/t.csv", format!("{HEAD}{rows}").as_bytes())?;
        Ok(Arc::unwrap_or_clone(tables.codes.remove("t").unwrap()))
    }

    #[test]
    fn one_way_rows_stand_beside_a_two_way_row() {
        let t =
            table("M,Male,<->,male,exact,\nU,Not known,<->,unknown,exact,\nU,,<-,other,near,no word for it\n").unwrap();
        assert_eq!(t.read("U").unwrap().canonical, ["unknown"]);
        assert_eq!(t.write(&["other"]).unwrap().native, "U");
        assert_eq!(t.about.canonical, "sex");
    }

    #[test]
    fn a_code_with_two_outgoing_rows_is_refused_with_its_line() {
        let faults = table("M,,<->,male,exact,\nM,,->,other,near,\n").unwrap_err();
        assert_eq!(faults[0].position.map(|p| p.line), Some(4));
    }

    #[test]
    fn an_inexact_row_that_works_both_ways_needs_a_reason() {
        assert!(table("M,,<->,male,near,\n").is_err());
    }

    #[test]
    fn the_first_row_of_a_label_table_wins_whatever_the_order_of_codes() {
        let mut tables = Tables::default();
        let text = "# l 1 \ncode,category,confidentiality,note\nPSYTHPN,MHN,V,\nMH,MHL,R,\n";
        tables.add("mappings/codes/l.csv", text.as_bytes()).unwrap();
        let given = tables.labels["l"].of(["MH", "PSYTHPN"].into_iter()).unwrap();
        assert_eq!((given.category, given.conf), (Category::Mhn, Confidentiality::V));
    }

    #[test]
    fn a_label_below_its_floor_is_refused() {
        let mut tables = Tables::default();
        let text = "# l 1 \ncode,category,confidentiality,note\nMH,MHL,N,\n";
        assert!(tables.add("mappings/codes/l.csv", text.as_bytes()).is_err());
    }
}
