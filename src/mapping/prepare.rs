//! What a record needs before it is written: a sensitivity code for segments whose category the format can only say by
//! code, where the record came from a format that says it otherwise.

use super::plan::{Item, LabelSource, Plan, Scope};
use super::table::LabelTable;
use crate::document::{Document, Kind, NodeId};
use crate::vocabulary::Category;
use std::collections::HashSet;

/// A copy with the codes added, or `None` when nothing is missing.
///
/// A rule `label by T of label.sensitivity_codes` reads the category from codes. A segment that has a category and no
/// code giving it gets the table's first code of that category, so that the label survives the way out and back.
pub fn for_writing(record: &Document, plan: &Plan) -> Option<Document> {
    let rules: Vec<(&str, &LabelTable)> = plan.items.iter().filter_map(by_codes).collect();
    let mut copy: Option<Document> = None;
    let mut done = HashSet::new();
    for (array, table) in rules {
        let Some(list) = record.member(record.root(), array) else { continue };
        for (place, segment) in record.children(list).enumerate() {
            let Some(code) = missing_code(record, segment, table) else { continue };
            if !done.insert(segment) {
                continue;
            }
            let target = copy.get_or_insert_with(|| record.clone());
            let found = target.member(target.root(), array).and_then(|l| target.item(l, place));
            if let Some(label) = found.and_then(|s| target.member(s, "label")) {
                let codes = match target.member(label, "sensitivity_codes") {
                    Some(codes) => codes,
                    None => target.add(label, Some("sensitivity_codes"), Kind::Array, "", 0),
                };
                target.add(codes, None, Kind::String, &code, 0);
            }
        }
    }
    copy
}

fn by_codes(item: &Item) -> Option<(&str, &LabelTable)> {
    let Item::Scope(Scope { canonical, label: Some(label), .. }) = item else { return None };
    match &label.source {
        LabelSource::Table(table, path) if path.text == "label.sensitivity_codes" => {
            canonical.steps.first().map(|s| (&*s.name, table))
        }
        _ => None,
    }
}

fn missing_code(record: &Document, segment: NodeId, table: &LabelTable) -> Option<String> {
    let category = Category::parse(record.text_at(segment, &["label", "category"])?)?;
    let list = record.find(segment, &["label", "sensitivity_codes"]);
    let codes: Vec<&str> = list.into_iter().flat_map(|l| record.children(l)).filter_map(|c| record.text(c)).collect();
    let given = table.of(codes.into_iter());
    if given.is_some_and(|g| g.category == category) {
        return None;
    }
    table.code_for(category).map(str::to_owned)
}
