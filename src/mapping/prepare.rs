//! What a record needs before it is written: a sensitivity code for segments whose category the format can only say by
//! code, where the record came from a format that says it otherwise.

use super::plan::{Item, LabelSource, Path, Plan, Scope, Select, Step};
use crate::document::{Document, Kind, NodeId};
use crate::vocabulary::Category;
use std::collections::HashSet;

/// A copy with the codes added, or `None` when nothing is missing.
///
/// A rule `label by T of label.sensitivity_codes` reads the category from codes. A segment that has a category and no
/// code giving it gets the table's first code of that category, so that the label survives the way out and back.
pub fn for_writing(record: &Document, plan: &Plan) -> Option<Document> {
    let rules: Vec<(&Step, &LabelSource)> = plan.items.iter().filter_map(by_codes).collect();
    let mut copy: Option<Document> = None;
    let mut done = HashSet::new();
    for (step, source) in rules {
        let array = &*step.name;
        let Some(list) = record.member(record.root(), array) else { continue };
        for (place, segment) in record.children(list).enumerate() {
            if !written_by(record, segment, step) {
                continue;
            }
            let Some(code) = missing_code(record, segment, source) else { continue };
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

fn by_codes(item: &Item) -> Option<(&Step, &LabelSource)> {
    let Item::Scope(Scope { canonical, label: Some(label), .. }) = item else { return None };
    label.source.by_sensitivity()?;
    canonical.steps.first().map(|s| (s, &label.source))
}

/// Whether the rule over this list picks the segment.
fn written_by(record: &Document, segment: NodeId, step: &Step) -> bool {
    let Select::Where(conds) = &step.select else { return true };
    let leaf = |names: &[Box<str>]| names.iter().try_fold(segment, |at, name| record.member(at, name));
    conds.iter().all(|c| leaf(&c.names).and_then(|l| record.text(l)) == Some(&*c.value))
}

fn missing_code(record: &Document, segment: NodeId, source: &LabelSource) -> Option<String> {
    let category = Category::parse(record.text_at(segment, &["label", "category"])?)?;
    let given = source.given(&|path| codes(record, segment, path));
    if given.is_some_and(|g| g.category == category) {
        return None;
    }
    source.by_sensitivity()?.code_for(category).map(str::to_owned)
}

/// The codes a label table would look at.
fn codes<'r>(record: &'r Document, segment: NodeId, path: &Path) -> Vec<&'r str> {
    let mut nodes = vec![segment];
    for step in &path.steps {
        let members = nodes.into_iter().filter_map(|n| record.member(n, &step.name));
        nodes = members
            .flat_map(|n| if record.kind(n) == Kind::Array { record.children(n).collect() } else { vec![n] })
            .collect();
    }
    nodes.into_iter().filter_map(|n| record.text(n).or_else(|| record.text_at(n, &["code"]))).collect()
}
