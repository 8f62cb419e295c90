//! Reads the five CSV files, naming file, line and column of every fault.

use super::{
    CATEGORIES, CategoryRow, Cell, Column, Consulted, LegalBasis, Once, PURPOSES, PurposeRow, ROLES, RoleRow, Withheld,
};
use crate::config::Files;
use crate::diagnostic::{Diagnostic, Position, code};
use crate::vocabulary::{Category, Confidentiality, Level, Purpose, Role};
use std::sync::Arc;

/// Purposes with a matrix (sharing rules §6); AN, AU and SA have none (R20, R80, R75).
const MATRIX_PURPOSES: [Purpose; 7] =
    [Purpose::Cp, Purpose::Cin, Purpose::Eh, Purpose::Dc, Purpose::Met, Purpose::Le, Purpose::Qa];

/// One row with its place, and where its faults go.
struct Row<'a> {
    file: &'static str,
    line: usize,
    head: &'a csv::StringRecord,
    fields: csv::StringRecord,
}

impl Row<'_> {
    fn text(&self, column: &str) -> &str {
        let at = self.head.iter().position(|name| name == column);
        at.and_then(|at| self.fields.get(at)).unwrap_or("")
    }
    fn fault(&self, column: &str, expected: &str) -> Diagnostic {
        fault(self.file, format!("column `{column}` has a value that is not known"))
            .with_position(Position { line: self.line, column: 1 })
            .with_expected(expected)
    }
    fn code<T>(
        &self,
        column: &str,
        parse: fn(&str) -> Option<T>,
        what: &str,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<T> {
        let value = parse(self.text(column));
        if value.is_none() {
            faults.push(self.fault(column, what));
        }
        value
    }
    fn yes_no(&self, column: &str, faults: &mut Vec<Diagnostic>) -> bool {
        let parse = |text: &str| match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        };
        self.code(column, parse, "yes or no", faults).unwrap_or(false)
    }
    fn words(&self, column: &str) -> Vec<String> {
        self.text(column).split_whitespace().map(str::to_owned).collect()
    }
    fn codes<T>(&self, column: &str, parse: fn(&str) -> Option<T>, what: &str, faults: &mut Vec<Diagnostic>) -> Vec<T> {
        let parsed: Vec<Option<T>> = self.text(column).split_whitespace().map(parse).collect();
        if parsed.iter().any(Option::is_none) {
            faults.push(self.fault(column, what));
        }
        parsed.into_iter().flatten().collect()
    }
}

fn fault(file: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code::RULES_FILE, message).with_file(file)
}

/// Calls `each` for every row of a CSV file with the columns named.
fn rows(
    files: &Files,
    file: &'static str,
    columns: &[&str],
    faults: &mut Vec<Diagnostic>,
    mut each: impl FnMut(Row<'_>, &mut Vec<Diagnostic>),
) {
    let Some(bytes) = files.get(file) else {
        faults.push(fault(file, "the file is missing"));
        return;
    };
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(bytes);
    let head = match reader.headers() {
        Ok(head) => head.clone(),
        Err(_) => csv::StringRecord::new(),
    };
    for column in columns {
        if !head.iter().any(|name| name == *column) {
            faults.push(fault(file, format!("column `{column}` is missing")).with_expected(columns.join(",")));
            return;
        }
    }
    if head.len() != columns.len() {
        faults.push(fault(file, "there is a column that is not known").with_expected(columns.join(",")));
    }
    for record in reader.records() {
        match record {
            Ok(fields) => {
                let line = fields.position().map_or(0, |p| usize::try_from(p.line()).unwrap_or(0));
                each(Row { file, line, head: &head, fields }, faults);
            }
            Err(error) => {
                let line = error.position().map_or(0, |p| usize::try_from(p.line()).unwrap_or(0));
                let place = Position { line, column: 1 };
                faults.push(fault(file, "the row has another number of fields than the head").with_position(place));
            }
        }
    }
}

/// The levels by purpose and role; `None` when the file cannot be used at all.
pub(super) type Matrix = Box<[[Option<Box<Column>>; ROLES]; PURPOSES]>;

const MATRIX: &str = "sharing/matrix.csv";

pub(super) fn matrix(files: &Files, faults: &mut Vec<Diagnostic>) -> Option<Matrix> {
    type Draft = [[Option<[Option<Cell>; CATEGORIES]>; ROLES]; PURPOSES];
    let mut draft: Box<Draft> = Box::new(std::array::from_fn(|_| std::array::from_fn(|_| None)));
    let head = ["purpose", "role", "category", "with_permission", "without_permission", "override"];
    rows(files, MATRIX, &head, faults, |row, faults| {
        let purpose = row.code("purpose", Purpose::parse, "a purpose with a matrix", faults);
        let role = row.code("role", Role::parse, "a role code", faults);
        let category = row.code("category", Category::parse, "a category code", faults);
        let with = row.code("with_permission", Level::parse, "F, S, I or N", faults);
        let without = row.code("without_permission", Level::parse, "F, S, I or N", faults);
        let raisable = row.yes_no("override", faults);
        let (Some(purpose), Some(role), Some(category)) = (purpose, role, category) else { return };
        let (Some(with), Some(without)) = (with, without) else { return };
        if !MATRIX_PURPOSES.contains(&purpose) {
            faults.push(row.fault("purpose", "CP, CIN, EH, DC, MET, LE or QA: the others have no matrix"));
            return;
        }
        if with < without {
            faults.push(row.fault("with_permission", "a level not below without_permission"));
        }
        let column = draft.get_mut(purpose.index()).and_then(|roles| roles.get_mut(role.index()));
        let Some(column) = column else { return };
        let cells = column.get_or_insert_with(|| [None; CATEGORIES]);
        let Some(slot) = cells.get_mut(category.index()) else { return };
        if slot.replace(Cell { with, without, raisable }).is_some() {
            faults.push(row.fault("category", "each purpose, role and category once"));
        }
    });
    complete(&draft, faults)
}

/// Every column that exists has all 23 categories, and every matrix purpose has a column.
fn complete(
    draft: &[[Option<[Option<Cell>; CATEGORIES]>; ROLES]; PURPOSES],
    faults: &mut Vec<Diagnostic>,
) -> Option<Matrix> {
    let before = faults.len();
    let mut matrix: Matrix = Box::new(std::array::from_fn(|_| std::array::from_fn(|_| None)));
    for ((purpose, roles), out) in Purpose::ALL.iter().zip(draft).zip(matrix.iter_mut()) {
        if MATRIX_PURPOSES.contains(purpose) && roles.iter().all(Option::is_none) {
            faults.push(fault(MATRIX, format!("purpose {purpose} has no column")));
        }
        for ((role, cells), out) in Role::ALL.iter().zip(roles).zip(out.iter_mut()) {
            let Some(cells) = cells else { continue };
            for (category, cell) in Category::ALL.iter().zip(cells) {
                if cell.is_none() {
                    faults.push(fault(MATRIX, format!("column {purpose} x {role} lacks category {category}")));
                }
            }
            let shut = Cell { with: Level::N, without: Level::N, raisable: false };
            *out = Some(Box::new(cells.map(|cell| cell.unwrap_or(shut))));
        }
    }
    (faults.len() == before).then_some(matrix)
}

pub(super) fn caps(files: &Files, faults: &mut Vec<Diagnostic>) -> [[Option<Level>; CATEGORIES]; ROLES] {
    let mut caps = [[None; CATEGORIES]; ROLES];
    rows(files, "sharing/caps.csv", &["role", "category", "cap"], faults, |row, faults| {
        let role = row.code("role", Role::parse, "a role code", faults);
        let category = row.code("category", Category::parse, "a category code", faults);
        let cap = row.code("cap", Level::parse, "F, S, I or N", faults);
        let (Some(role), Some(category), Some(cap)) = (role, category, cap) else { return };
        let slot = caps.get_mut(role.index()).and_then(|roles| roles.get_mut(category.index()));
        if slot.is_some_and(|slot| slot.replace(cap).is_some()) {
            faults.push(row.fault("category", "each role and category once"));
        }
    });
    caps
}

/// Collects rows keyed by a closed vocabulary; every member exactly once.
struct Keyed<T> {
    file: &'static str,
    slots: Vec<Option<T>>,
}

impl<T> Keyed<T> {
    fn new(file: &'static str, len: usize) -> Self {
        Self { file, slots: std::iter::repeat_with(|| None).take(len).collect() }
    }
    fn put(&mut self, at: usize, value: T, row: &Row<'_>, faults: &mut Vec<Diagnostic>) {
        if self.slots.get_mut(at).is_some_and(|slot| slot.replace(value).is_some()) {
            faults.push(row.fault("code", "each code once"));
        }
    }
    fn finish(self, codes: &[&str], faults: &mut Vec<Diagnostic>) -> Vec<T> {
        for (slot, name) in self.slots.iter().zip(codes) {
            if slot.is_none() {
                faults.push(fault(self.file, format!("there is no row for {name}")));
            }
        }
        self.slots.into_iter().flatten().collect()
    }
}

pub(super) fn categories(files: &Files, faults: &mut Vec<Diagnostic>) -> Vec<CategoryRow> {
    let file = "sharing/categories.csv";
    let mut keyed = Keyed::new(file, CATEGORIES);
    let head = [
        "code",
        "name",
        "confidentiality",
        "hl7_codes",
        "withheld",
        "may_be_permitted",
        "summary_fields",
        "retention_class",
        "indicator",
    ];
    rows(files, file, &head, faults, |row, faults| {
        let Some(category) = row.code("code", Category::parse, "a category code", faults) else { return };
        let floor = row.code("confidentiality", Confidentiality::parse, "N, R or V", faults);
        if floor.is_some_and(|floor| floor < category.confidentiality_floor()) {
            faults.push(row.fault("confidentiality", "at least the category's default"));
        }
        let withheld = |text: &str| match text {
            "silent" => Some(Withheld::Silent),
            "shown" => Some(Withheld::Shown),
            "shown-for-all" => Some(Withheld::ShownForAll),
            _ => None,
        };
        let Some(withheld) = row.code("withheld", withheld, "silent, shown or shown-for-all", faults) else { return };
        let value = CategoryRow {
            name: row.text("name").to_owned(),
            hl7_codes: row.words("hl7_codes"),
            withheld,
            may_be_permitted: row.yes_no("may_be_permitted", faults),
            summary_fields: row.words("summary_fields"),
            retention_class: row.text("retention_class").to_owned(),
            indicator: row.text("indicator").to_owned(),
        };
        keyed.put(category.index(), value, &row, faults);
    });
    keyed.finish(&Category::ALL.iter().map(|c| c.code()).collect::<Vec<_>>(), faults)
}

pub(super) fn purposes(files: &Files, faults: &mut Vec<Diagnostic>) -> Vec<PurposeRow> {
    let file = "sharing/purposes.csv";
    let mut keyed = Keyed::new(file, PURPOSES);
    let head = ["code", "name", "hl7_code", "art6", "art9_10", "gateway", "confidence", "permission_consulted"];
    rows(files, file, &head, faults, |row, faults| {
        let Some(purpose) = row.code("code", Purpose::parse, "a purpose code", faults) else { return };
        for column in ["art6", "art9_10", "gateway", "confidence"] {
            if row.text(column).is_empty() {
                faults.push(row.fault(column, "a legal ground: every disclosure entry names all four (R11)"));
            }
        }
        let consulted = match row.text("permission_consulted") {
            "none" => Consulted::None,
            "all" => Consulted::All,
            _ => Consulted::Only(row.codes(
                "permission_consulted",
                Category::parse,
                "none, all, or category codes",
                faults,
            )),
        };
        let basis = LegalBasis {
            art6: row.text("art6").to_owned(),
            art9_10: row.text("art9_10").to_owned(),
            gateway: row.text("gateway").to_owned(),
            confidence: row.text("confidence").to_owned(),
        };
        let (name, hl7_code) = (row.text("name").to_owned(), row.text("hl7_code").to_owned());
        keyed.put(purpose.index(), PurposeRow { name, hl7_code, basis: Arc::new(basis), consulted }, &row, faults);
    });
    keyed.finish(&Purpose::ALL.iter().map(|c| c.code()).collect::<Vec<_>>(), faults)
}

pub(super) fn roles(files: &Files, faults: &mut Vec<Diagnostic>) -> Vec<RoleRow> {
    let file = "sharing/roles.csv";
    let mut keyed = Keyed::new(file, ROLES);
    let head =
        ["code", "name", "self_claim", "override_purposes", "emg", "may_approve", "records_permission", "searches"];
    rows(files, file, &head, faults, |row, faults| {
        let Some(role) = row.code("code", Role::parse, "a role code", faults) else { return };
        let value = RoleRow {
            name: row.text("name").to_owned(),
            self_claim: row.yes_no("self_claim", faults),
            override_purposes: row.codes("override_purposes", Purpose::parse, "purpose codes", faults),
            emg: row.yes_no("emg", faults),
            may_approve: row.yes_no("may_approve", faults),
            records_permission: row.yes_no("records_permission", faults),
            searches: row.yes_no("searches", faults),
        };
        keyed.put(role.index(), value, &row, faults);
    });
    keyed.finish(&Role::ALL.iter().map(|c| c.code()).collect::<Vec<_>>(), faults)
}

/// What an unreachable row would mean: nothing allowed.
pub(super) fn no_role() -> &'static RoleRow {
    static ROW: Once<RoleRow> = Once::new();
    ROW.get_or_init(|| RoleRow {
        name: String::new(),
        self_claim: false,
        override_purposes: Vec::new(),
        emg: false,
        may_approve: false,
        records_permission: false,
        searches: false,
    })
}

/// As [`no_role`].
pub(super) fn no_category() -> &'static CategoryRow {
    static ROW: Once<CategoryRow> = Once::new();
    ROW.get_or_init(|| CategoryRow {
        name: String::new(),
        hl7_codes: Vec::new(),
        withheld: Withheld::Silent,
        may_be_permitted: false,
        summary_fields: Vec::new(),
        retention_class: String::new(),
        indicator: String::new(),
    })
}

/// As [`no_role`].
pub(super) fn no_purpose() -> &'static PurposeRow {
    static ROW: Once<PurposeRow> = Once::new();
    ROW.get_or_init(|| PurposeRow {
        name: String::new(),
        hl7_code: String::new(),
        basis: Arc::new(LegalBasis {
            art6: String::new(),
            art9_10: String::new(),
            gateway: String::new(),
            confidence: String::new(),
        }),
        consulted: Consulted::All,
    })
}
