//! The end of a run: dangling references, omissions, the sweep over what nobody spoke of, and the balance.

use super::account::{InLeaf, OutLeaf};
use super::{Done, Reach, Remark, Run, Unbalanced};
use crate::document::{Document, NodeId};
use crate::mapping::lang::tree::Syntax;
use crate::mapping::loss::{Grade, LossEntry, LossKind, LossRun};
use crate::schema::ShapeId;

impl Run<'_, '_> {
    pub(super) fn finish(mut self) -> Result<Done, Unbalanced> {
        self.drop_dangling();
        self.withdraw_held();
        self.settle_envelope();
        self.apply_later();
        self.sweep();
        self.balance()?;
        let mut leaves_in = self.leaves_below(self.input.root());
        leaves_in.retain(|l| !self.synthetic(*l));
        let carried = leaves_in.iter().filter(|l| self.state(**l) == InLeaf::Carried).count();
        let remarks = std::mem::take(&mut self.remarks);
        let entries = remarks.iter().map(|r| self.entry(r)).collect();
        let run = LossRun {
            mapping: self.plan.name.clone(),
            version: self.plan.version.clone(),
            digest: self.plan.digest.clone(),
            direction: self.direction,
            leaves_in: leaves_in.len(),
            carried,
            reported: leaves_in.len() - carried,
            leaves_out: self.leaves_of_out().len(),
        };
        Ok(Done { out: self.out, run, entries, quarantined: self.quarantined })
    }

    /// References to segments that were not written after all are taken out again.
    fn drop_dangling(&mut self) {
        for (out, id, leaf, rule) in std::mem::take(&mut self.references) {
            if self.written.contains(&id) {
                continue;
            }
            self.witnesses.retain(|(_, to, _)| *to != out);
            self.remove(out);
            self.lose(leaf, LossKind::DanglingReference, rule, "it refers to something this message does not hold");
        }
    }

    /// Values carried into a segment that was taken out again did not arrive.
    fn withdraw_held(&mut self) {
        if self.held.is_empty() {
            return;
        }
        for (from, to, rule) in std::mem::take(&mut self.witnesses) {
            if self.attached(to) {
                self.witnesses.push((from, to, rule));
            } else if self.state(from) == InLeaf::Carried {
                self.mark(from, InLeaf::Reported);
                let note = "held: the segment lacks a part the record requires";
                self.remark(LossKind::InvalidValue, Some(from), None, rule, note);
            }
        }
    }

    /// Which mapping read the record says nothing about people and is said again by whoever reads next.
    fn settle_envelope(&mut self) {
        let stamp = self.input.find(self.input.root(), &["envelope", "read_by"]);
        if let Some(stamp) = stamp.filter(|_| !self.reading()) {
            self.settle_below(stamp);
        }
    }

    fn attached(&self, node: NodeId) -> bool {
        let mut at = node;
        while let Some(parent) = self.out.parent(at) {
            at = parent;
        }
        at == self.out.root()
    }

    fn apply_later(&mut self) {
        for later in std::mem::take(&mut self.later) {
            for leaf in self.leaves_below(later.node) {
                if self.state(leaf) == InLeaf::Open && (later.reach == Reach::All || !self.matters(leaf)) {
                    self.mark(leaf, InLeaf::Reported);
                    self.remarks.push(Remark {
                        kind: later.kind,
                        from: Some(leaf),
                        to: None,
                        rule: Some(later.rule),
                        note: "",
                        words: later.words.clone(),
                    });
                }
            }
        }
    }

    /// Whether a leaf may not be overlooked by `rest`: a member its schema does not know, or one that changes the meaning
    /// of what it stands in (FHIR R4 §2.1.0.1, modifier elements and extensions).
    fn matters(&self, leaf: NodeId) -> bool {
        const MODIFIERS: [&str; 4] = ["modifierExtension", "implicitRules", "doNotPerform", "unparsed"];
        let mut way = Vec::new();
        let mut at = Some(leaf);
        while let Some(node) = at {
            way.extend(self.input.key(node));
            at = self.input.parent(node);
        }
        let mut known = Some(if self.reading() { self.plan.native } else { self.plan.canonical });
        way.iter().rev().any(|name| {
            let unknown = match known.map(|k| self.shapes.step(k, name)) {
                Some(Ok(inner)) => {
                    known = inner;
                    false
                }
                Some(Err(_)) => true,
                None => false,
            };
            unknown || MODIFIERS.contains(name)
        })
    }

    fn sweep(&mut self) {
        for leaf in self.leaves_below(self.input.root()) {
            if self.state(leaf) == InLeaf::Open {
                self.mark(leaf, InLeaf::Reported);
                if self.disagrees(leaf) {
                    let note = "rows of one key disagree in a shared column; the first was kept";
                    self.remark(LossKind::InconsistentRepeat, Some(leaf), None, None, note);
                } else {
                    self.remark(LossKind::NotMapped, Some(leaf), None, None, "no rule");
                }
            }
        }
    }

    /// Whether a leaf is the second word of a shared column of a CSV file, which its reader leaves in the row.
    fn disagrees(&self, leaf: NodeId) -> bool {
        let rows = self.input.parent(leaf).and_then(|row| self.input.parent(row));
        let named = rows.is_some_and(|r| self.input.key(r) == Some(crate::document::csv::ROWS));
        let root = self.input.root();
        let twin = self.input.key(leaf).and_then(|key| self.input.member(root, key));
        self.plan.syntax == Syntax::Csv && self.reading() && named && twin.is_some()
    }

    /// Conservation: input = carried + reported, each carried leaf with a witness that is still there, each reported
    /// leaf with an entry; output = carried + defaulted + supplied + structural.
    fn balance(&self) -> Result<(), Unbalanced> {
        let mut spoken = vec![false; self.leaves_in.len()];
        for leaf in self.remarks.iter().filter_map(|r| r.from) {
            if let Some(place) = spoken.get_mut(leaf.index()) {
                *place = true;
            }
        }
        let unaccounted_in = self
            .leaves_below(self.input.root())
            .into_iter()
            .filter(|l| match self.state(*l) {
                InLeaf::Carried => false,
                InLeaf::Reported => !spoken.get(l.index()).copied().unwrap_or(false),
                InLeaf::Open => true,
            })
            .count()
            + self
                .witnesses
                .iter()
                .filter(|(from, to, _)| self.state(*from) == InLeaf::Carried && !self.attached(*to))
                .count();
        let origin = |l: &NodeId| self.leaves_out.get(l.index()).copied().unwrap_or(OutLeaf::None);
        let unaccounted_out = self.leaves_of_out().iter().filter(|l| origin(l) == OutLeaf::None).count();
        if unaccounted_in + unaccounted_out == 0 { Ok(()) } else { Err(Unbalanced { unaccounted_in, unaccounted_out }) }
    }

    fn leaves_of_out(&self) -> Vec<NodeId> {
        let mut leaves = Vec::new();
        let mut open = vec![self.out.root()];
        while let Some(at) = open.pop() {
            if self.out.is_scalar(at) {
                leaves.push(at);
            } else {
                open.extend(self.out.children(at));
            }
        }
        leaves
    }

    fn entry(&self, remark: &Remark) -> LossEntry {
        let severity = remark.kind.grade();
        // Foreseen losses of one kind at one kind of place are counted together.
        let joined = severity == Grade::Info;
        let (native, canonical) = (self.plan.native, self.plan.canonical);
        let (shape_in, shape_out) = if self.reading() { (native, canonical) } else { (canonical, native) };
        let path = |document: &Document, node: Option<NodeId>, shape, true_places: bool| {
            node.map_or_else(String::new, |n| self.path(document, n, shape, joined, true_places))
        };
        LossEntry {
            kind: remark.kind,
            severity,
            direction: self.direction,
            path_in: path(self.input, remark.from, shape_in, self.reading()),
            path_out: path(&self.out, remark.to, shape_out, !self.reading()),
            rule: remark.rule.and_then(|r| self.plan.rules.get(r)).map_or_else(String::new, |line| {
                format!("{}:{line}", self.plan.file.rsplit('/').next().unwrap_or(&self.plan.file))
            }),
            count: 1,
            note: remark.words.clone().unwrap_or_else(|| remark.note.to_owned()),
        }
    }

    pub(super) fn path_in(&self, node: NodeId) -> String {
        let shape = if self.reading() { self.plan.native } else { self.plan.canonical };
        self.path(self.input, node, shape, false, self.reading())
    }

    /// `Patient[0].name[1].family`; names the schema does not know are not repeated, for a sender chose them.
    fn path(&self, document: &Document, node: NodeId, shape: ShapeId, joined: bool, true_places: bool) -> String {
        let mut way = vec![node];
        let mut at = node;
        while let Some(parent) = document.parent(at) {
            way.push(parent);
            at = parent;
        }
        let mut text = String::new();
        let mut known = Some(shape);
        let mut names = 0_usize;
        let records = self.setting.records;
        for node in way.iter().rev().skip(1) {
            if let Some(name) = document.key(*node) {
                let step = known.map(|k| self.shapes.step(k, name));
                if !text.is_empty() {
                    text.push('.');
                }
                names += 1;
                match step {
                    Some(Err(_)) => {
                        known = None;
                        text.push_str("(unknown member)");
                    }
                    Some(Ok(inner)) => {
                        known = inner;
                        text.push_str(name);
                    }
                    None => text.push_str("(unknown member)"),
                }
            } else {
                let parent = document.parent(*node).unwrap_or(*node);
                let in_message = true_places && !records.is_empty() && names == records.len() && self.is_records(&text);
                let place = if in_message {
                    self.setting.place
                } else {
                    document.children(parent).position(|c| c == *node).unwrap_or(0)
                };
                text.push_str(&if joined { "[*]".to_owned() } else { format!("[{place}]") });
            }
        }
        text
    }

    fn is_records(&self, text: &str) -> bool {
        text == self.setting.records.join(".")
    }
}
