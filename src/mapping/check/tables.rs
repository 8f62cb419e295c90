//! S5: code tables are total over the lists they translate, in each direction that is used.

use super::Checker;
use crate::diagnostic::{Diagnostic, Position, Span, code};
use crate::mapping::lang::tree::Arrow;
use crate::mapping::table::{CodeTable, UNMAPPED};
use crate::schema::ShapeId;
use std::collections::BTreeSet;

impl Checker<'_> {
    /// Against the enumerations of both schemas.
    pub(super) fn table_total(
        &mut self,
        table: &CodeTable,
        native: ShapeId,
        canonical: ShapeId,
        arrow: Arrow,
        span: Span,
    ) {
        // A coded value's list stands at its `code`.
        let listed = |shape: ShapeId| {
            let code = self.shapes.object(shape).and_then(|o| o.member("code")).map_or(shape, |m| m.shape);
            let list = self.shapes.scalar(code).map(|s| s.enumeration.clone()).unwrap_or_default();
            list.into_iter().filter(|c| c != UNMAPPED).collect::<Vec<_>>()
        };
        let (natives, canonicals) = (listed(native), listed(canonical));
        let unread: Vec<String> = natives.into_iter().filter(|c| table.read(c).is_none()).collect();
        let unwritten: Vec<String> = canonicals.into_iter().filter(|c| !table.writes(c)).collect();
        if arrow != Arrow::Write && !unread.is_empty() {
            let text = format!("the code table `{}` does not read {}", table.name, unread.join(", "));
            self.fault(code::MAP_TABLE, span, text);
        }
        if arrow != Arrow::Read && !unwritten.is_empty() && table.rows.first().is_some_and(|r| r.canonical.len() == 1) {
            let text = format!("the code table `{}` does not write {}", table.name, unwritten.join(", "));
            self.fault(code::MAP_TABLE, span, text);
        }
    }

    /// Against the other tables of the same canonical list: what one format can say, every other must have a row for.
    pub(super) fn totality(&mut self) {
        for name in std::mem::take(&mut self.used_tables) {
            let Some(table) = self.tables.codes.get(&name) else { continue };
            if table.about.canonical.is_empty() {
                continue;
            }
            let same = self.tables.codes.values().filter(|t| t.about.canonical == table.about.canonical);
            let list: BTreeSet<String> = same.flat_map(|t| t.rows.iter().map(|r| r.canonical.join("|"))).collect();
            let missing: Vec<String> = list.into_iter().filter(|c| c != UNMAPPED && !table.writes(c)).collect();
            if !missing.is_empty() {
                let text = format!(
                    "the table writes no code for {} of the list `{}`",
                    missing.join(", "),
                    table.about.canonical
                );
                let fault = Diagnostic::error(code::MAP_TABLE, text)
                    .with_file(format!("mappings/codes/{name}.csv"))
                    .with_position(Position { line: 1, column: 1 })
                    .with_help(
                        "add a row with dir <- and a quality; leave `native` empty if the format has no word for it",
                    );
                self.push(fault);
            }
        }
    }
}
