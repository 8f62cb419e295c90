//! The end of a run: dangling references, omissions, the sweep over what nobody spoke of, and the balance.

use super::account::{InLeaf, OutLeaf};
use super::places::Places;
use super::{Done, Reach, Remark, Run, Unbalanced};
use crate::document::{DEPTH_MAX, Document, Keyed, NodeId};
use crate::mapping::lang::tree::Syntax;
use crate::mapping::loss::{Grade, LossEntry, LossKind, LossRun};
use crate::mapping::said::Said;
use crate::schema::{ShapeId, Shapes, Words};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _};

/// Room for the way to a node: as deep as a reader goes, and the levels that regrouping adds.
pub(super) const WAY_MAX: usize = DEPTH_MAX + 8;

impl<'p> Run<'p, '_> {
    pub(super) fn finish(mut self) -> Result<Done, Unbalanced> {
        self.drop_dangling();
        self.withdraw_held();
        self.settle_envelope();
        self.apply_later();
        let (leaves_in, carried) = self.sweep();
        let leaves_out = self.balance()?;
        let fired = self.fired();
        let entries = self.entries();
        let run = LossRun {
            mapping: self.plan.name.clone(),
            version: self.plan.version.clone(),
            digest: self.plan.digest.clone(),
            direction: self.direction,
            leaves_in,
            carried,
            reported: leaves_in - carried,
            leaves_out,
            fired,
        };
        Ok(Done { out: self.out, run, entries, quarantined: self.quarantined })
    }

    /// Which rules had an effect, one bit each.
    fn fired(&self) -> Vec<u64> {
        let mut bits = vec![0_u64; self.plan.rules.len().div_ceil(64)];
        let carried = self.witnesses.iter().filter_map(|(_, _, rule)| *rule);
        for rule in carried.chain(self.remarks.iter().filter_map(|r| r.rule)) {
            if let Some(word) = bits.get_mut(rule / 64) {
                *word |= 1 << (rule % 64);
            }
        }
        bits
    }

    /// References to segments that were not written after all are taken out again.
    fn drop_dangling(&mut self) {
        let mut gone = HashSet::new();
        for (out, id, leaf, rule) in std::mem::take(&mut self.references) {
            if self.written.contains(id.as_str()) {
                continue;
            }
            gone.insert(out);
            self.remove(out);
            self.lose(leaf, LossKind::DanglingReference, rule, "it refers to something this message does not hold");
        }
        if !gone.is_empty() {
            self.witnesses.retain(|(_, to, _)| !gone.contains(to));
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
                        words: later.words,
                    });
                }
            }
        }
    }

    /// Whether a leaf may not be overlooked by `rest`: a member its schema does not know, or one that changes the meaning
    /// of what it stands in (FHIR R4 §2.1.0.1, modifier elements and extensions).
    fn matters(&self, leaf: NodeId) -> bool {
        const MODIFIERS: [&str; 5] = ["modifierExtension", "implicitRules", "doNotPerform", "link", "unparsed"];
        let mut way = [NodeId::default(); WAY_MAX];
        let way = self.input.way(leaf, &mut way);
        let mut known = Some(if self.reading() { self.plan.native } else { self.plan.canonical });
        way.iter().any(|node| {
            let Some(key) = self.input.key_number_of(*node) else { return false };
            let unknown = match known.map(|k| self.shapes.step_by_word(k, self.words_in.of(key))) {
                Some(Some(inner)) => {
                    known = inner;
                    false
                }
                Some(None) => true,
                None => false,
            };
            unknown || self.input.key_named(key).is_some_and(|name| MODIFIERS.contains(&name))
        })
    }

    /// Reports what is still open; how many values there are and how many were carried.
    fn sweep(&mut self) -> (usize, usize) {
        let (mut leaves_in, mut carried) = (0, 0);
        for leaf in self.leaves_below(self.input.root()) {
            let own = usize::from(!self.synthetic(leaf));
            leaves_in += own;
            let state = self.state(leaf);
            if state == InLeaf::Carried {
                carried += own;
            } else if state == InLeaf::Open {
                self.mark(leaf, InLeaf::Reported);
                if self.disagrees(leaf) {
                    let note = "rows of one key disagree in a shared column; the first was kept";
                    self.remark(LossKind::InconsistentRepeat, Some(leaf), None, None, note);
                } else {
                    self.remark(LossKind::NotMapped, Some(leaf), None, None, "no rule");
                }
            }
        }
        (leaves_in, carried)
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
    /// How many values there are on the out side.
    ///
    /// One walk over each side (the one over the in side is the sweep, after which nothing is open); the rest is looked
    /// up by the numbers of the leaves.
    fn balance(&self) -> Result<usize, Unbalanced> {
        let mut spoken = vec![false; self.leaves_in.len()];
        for leaf in self.remarks.iter().filter_map(|r| r.from) {
            if let Some(place) = spoken.get_mut(leaf.index()) {
                *place = true;
            }
        }
        let silent =
            self.leaves_in.iter().zip(&spoken).filter(|(state, said)| **state == InLeaf::Reported && !**said).count();
        let (mut leaves_out, mut unaccounted_out) = (0_usize, 0_usize);
        let mut there = vec![false; self.leaves_out.len()];
        for leaf in self.out.leaves(self.out.root()) {
            leaves_out += 1;
            let origin = self.leaves_out.get(leaf.index()).copied().unwrap_or(OutLeaf::None);
            unaccounted_out += usize::from(origin == OutLeaf::None);
            if let Some(place) = there.get_mut(leaf.index()) {
                *place = true;
            }
        }
        let gone = |to: NodeId| !there.get(to.index()).copied().unwrap_or(false) && !self.attached(to);
        let lost = self.witnesses.iter().filter(|(from, to, _)| self.state(*from) == InLeaf::Carried && gone(*to));
        let unaccounted_in = silent + lost.count();
        if unaccounted_in + unaccounted_out == 0 {
            Ok(leaves_out)
        } else {
            Err(Unbalanced { unaccounted_in, unaccounted_out })
        }
    }

    /// The remarks as entries of the report, equal ones of the foreseen kinds already counted together.
    fn entries(&mut self) -> Vec<LossEntry> {
        let remarks = std::mem::take(&mut self.remarks);
        let (native, canonical) = (self.plan.native, self.plan.canonical);
        let (shape_in, shape_out) = if self.reading() { (native, canonical) } else { (canonical, native) };
        let inward = Side {
            document: self.input,
            words: &self.words_in,
            shapes: self.shapes,
            shape: shape_in,
            places: std::mem::take(&mut self.places_in),
        };
        let words_out = self.shapes.words_of(&self.out);
        let outward = Side {
            document: &self.out,
            words: &words_out,
            shapes: self.shapes,
            shape: shape_out,
            places: Places::default(),
        };
        let (mut inward, mut outward) = (inward, outward);
        let records = (!self.setting.records.is_empty()).then_some((self.setting.records, self.setting.place));
        let (records_in, records_out) = if self.reading() { (records, None) } else { (None, records) };
        let mut entries: Vec<LossEntry> = Vec::with_capacity(remarks.len());
        let mut known: HashMap<u64, usize, Keyed> = HashMap::default();
        for remark in &remarks {
            let severity = remark.kind.grade();
            // Foreseen losses of one kind at one kind of place are counted together, before their places are put in words.
            let joined = severity == Grade::Info;
            if let Some(mark) = joined.then(|| self.mark_of(remark)).flatten() {
                match known.entry(mark) {
                    Entry::Occupied(twin) => {
                        if let Some(entry) = entries.get_mut(*twin.get()) {
                            entry.count = entry.count.saturating_add(1);
                        }
                        continue;
                    }
                    Entry::Vacant(free) => free.insert(entries.len()),
                };
            }
            entries.push(LossEntry {
                kind: remark.kind,
                severity,
                direction: self.direction,
                path_in: remark.from.map_or_else(String::new, |n| inward.path(n, joined, records_in)),
                path_out: remark.to.map_or_else(String::new, |n| outward.path(n, joined, records_out)),
                rule: remark.rule.and_then(|r| self.plan.rules.get(r)).cloned().unwrap_or_default(),
                count: 1,
                note: remark.words.map_or(Said::Plain(remark.note), Clone::clone),
            });
        }
        entries
    }

    /// The same for remarks that are counted together: kind, rule, and the names on the way to both places. `None` for one
    /// whose place has no list on the way, which nothing else shares.
    fn mark_of(&self, remark: &Remark<'_>) -> Option<u64> {
        let mut hasher = Keyed.build_hasher();
        hasher.write_u32(remark.kind as u32);
        hasher.write_u32(remark.rule.and_then(|r| u32::try_from(r).ok()).unwrap_or(u32::MAX));
        let mut listed = remark.kind == LossKind::Supplied;
        for (document, node) in [(self.input, remark.from), (&self.out, remark.to)] {
            let mut at = node;
            while let Some(here) = at {
                let key = document.key_number_of(here);
                listed |= key.is_none() && document.parent(here).is_some();
                hasher.write_u32(key.unwrap_or(u32::MAX));
                at = document.parent(here);
            }
            hasher.write_u32(u32::MAX);
        }
        listed.then(|| hasher.finish())
    }

    pub(super) fn path_in(&mut self, node: NodeId) -> String {
        let shape = if self.reading() { self.plan.native } else { self.plan.canonical };
        let records =
            (self.reading() && !self.setting.records.is_empty()).then_some((self.setting.records, self.setting.place));
        let places = std::mem::take(&mut self.places_in);
        let mut side = Side { document: self.input, words: &self.words_in, shapes: self.shapes, shape, places };
        let path = side.path(node, false, records);
        self.places_in = side.places;
        path
    }
}

/// One side of a run, as the report shows places in it.
struct Side<'r> {
    document: &'r Document,
    words: &'r Words,
    shapes: &'r Shapes,
    shape: ShapeId,
    places: Places,
}

impl Side<'_> {
    /// `Patient[0].name[1].family`; names the schema does not know are not repeated, for a sender chose them. `records` is
    /// the list a message was taken apart at, and the place of this record in it.
    fn path(&mut self, node: NodeId, joined: bool, records: Option<(&[String], usize)>) -> String {
        let mut way = [NodeId::default(); WAY_MAX];
        let way = self.document.way(node, &mut way);
        // Room for most paths, so that the text does not move as it grows.
        let mut text = String::with_capacity(64);
        let mut known = Some(self.shape);
        let mut names = 0_usize;
        for node in way {
            if let Some(key) = self.document.key_number_of(*node) {
                let step = known.and_then(|k| self.shapes.step_by_word(k, self.words.of(key)));
                if !text.is_empty() {
                    text.push('.');
                }
                names += 1;
                known = step.flatten();
                match step {
                    Some(_) => text.push_str(self.document.key_named(key).unwrap_or("")),
                    None => text.push_str("(unknown member)"),
                }
                continue;
            }
            let true_place = records.filter(|(list, _)| names == list.len() && is_path(&text, list));
            if joined {
                text.push_str("[*]");
            } else {
                let place = true_place.map_or_else(|| self.places.of(self.document, *node), |(_, place)| place);
                let _ = write!(text, "[{place}]");
            }
        }
        text
    }
}

/// Whether a text is these names with points between them.
fn is_path(text: &str, names: &[String]) -> bool {
    text.split('.').eq(names.iter().map(String::as_str))
}
