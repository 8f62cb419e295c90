//! S11 and S16: every segment has one label, first, not below the floor; summaries summarise what they say.

use super::{At, Checker, head};
use crate::diagnostic::code;
use crate::mapping::lang::tree::{self, ItemKind, Sensitivity, Which};
use crate::mapping::plan::{About, Label, LabelSource, Slot};

impl<'a> Checker<'a> {
    pub(super) fn label(
        &mut self,
        scope: &'a tree::Scope,
        item: &tree::Item,
        slot: Option<Slot>,
        inner: &At,
    ) -> Option<Label> {
        let Some(ItemKind::Label(label)) = scope.items.first().map(|i| &i.kind) else {
            self.fault(code::MAP_LABEL, head(item), "this block makes a segment and has no label as its first item");
            return None;
        };
        let source = self.label_source(&label.sensitivity, scope, inner)?;
        let about = match &label.about {
            tree::About::Name(name) => About::Name(self.bound_name(name)),
            tree::About::Ref(path, names) => {
                let found = self.path(path, inner, Which::Native)?;
                self.seen.mention(Which::Native, &found.way);
                self.seen.write(Which::Native, &found.way);
                for name in names {
                    self.want_keyed(name);
                }
                About::Ref(found.path, names.iter().map(|n| self.slot(&n.text)).collect())
            }
        };
        let observed = match &label.observed {
            Some(path) => Some(self.path(path, inner, Which::Canonical)?.path),
            None => None,
        };
        let summary_of = match &label.summary {
            Some(Some(name)) => Some(self.summary_of(name, label)),
            _ => None,
        };
        if let Some(slot) = slot {
            self.sorts.insert(slot, sort(label));
        }
        let text = |word: &Option<tree::Word>| word.as_ref().map(|w| w.text.clone());
        Some(Label {
            source,
            sealed: matches!(label.sensitivity, Sensitivity::Fixed { sealed: true, .. }),
            about,
            third_party: text(&label.third_party).unwrap_or_else(|| "none".to_owned()),
            basis: text(&label.basis).or_else(|| self.basis.clone()).unwrap_or_default(),
            author: text(&label.author).or_else(|| self.author.clone()).unwrap_or_default(),
            observed,
            handling: label.handling.iter().map(|w| w.text.clone()).collect(),
            summary: label.summary.is_some(),
            summary_of,
            caps: label.caps.iter().map(|(l, roles)| (*l, roles.iter().map(|w| w.text.clone()).collect())).collect(),
        })
    }

    fn label_source(&mut self, source: &'a Sensitivity, scope: &tree::Scope, inner: &At) -> Option<LabelSource> {
        match source {
            Sensitivity::Fixed { category, conf, .. } => {
                if *conf < category.confidentiality_floor() {
                    let floor = category.confidentiality_floor();
                    let text = format!("{category} is never below {floor}");
                    self.fault(code::MAP_LABEL, scope.items.first().map_or(scope.native.span, |i| i.span), text);
                }
                Some(LabelSource::Stated(*category, *conf))
            }
            Sensitivity::By { table, path, otherwise } => {
                let Some(found) = self.tables.labels.get(&table.text).cloned() else {
                    let names: Vec<&str> = self.tables.labels.keys().map(String::as_str).collect();
                    self.unknown(code::MAP_TABLE, table, "label table", &names);
                    return None;
                };
                self.used_tables.insert(table.text.clone());
                let place = self.path(path, inner, Which::Canonical)?;
                let otherwise = match otherwise {
                    Some(other) => Some(Box::new(self.label_source(other, scope, inner)?)),
                    None => None,
                };
                Some(LabelSource::Table(found, place.path, otherwise))
            }
        }
    }

    /// S16: a summary has the category and the subject of what it summarises.
    fn summary_of(&mut self, name: &tree::Word, label: &tree::Label) -> Slot {
        let slot = self.bound_name(name);
        if self.sorts.get(&slot).is_some_and(|s| *s != sort(label)) {
            self.fault(code::MAP_LABEL, name.span, "a summary has the category and the subject of its full segment");
        }
        slot
    }
}

fn sort(label: &tree::Label) -> (String, String) {
    let category = match &label.sensitivity {
        Sensitivity::Fixed { category, .. } => category.code().to_owned(),
        Sensitivity::By { table, .. } => table.text.clone(),
    };
    let about = match &label.about {
        tree::About::Name(name) => name.text.clone(),
        tree::About::Ref(_, names) => names.iter().map(|n| n.text.clone()).collect::<Vec<_>>().join(","),
    };
    (category, about)
}
