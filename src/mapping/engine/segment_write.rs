//! Segments while writing: which rule may write which segment, native keys, and what the label loses.

use super::account::{InLeaf, OutLeaf};
use super::{Bound, Here, Run, Segment};
use crate::document::{Kind, NodeId};
use crate::mapping::lang::tree::{Arrow, Syntax};
use crate::mapping::loss::LossKind;
use crate::mapping::plan::{About, Field, Item, Label, Path, Scope, third_party_rank};
use crate::vocabulary::Confidentiality;
use std::collections::HashSet;
use std::rc::Rc;
use uuid::Uuid;

/// Name space of native keys for local ids that are no UUIDs.
const KEYS: Uuid = Uuid::from_u128(0x0b3d_5f6a_77c9_5a41_8e02_4c5f_1d98_ba67);

/// What every rule asks of a segment of the record being written, found once.
pub(super) struct Facts<'d> {
    id: Option<&'d str>,
    summary: bool,
    category: &'d str,
    about: Option<NodeId>,
}

impl<'p, 'd> Run<'p, 'd> {
    pub(super) fn index_ids(&mut self) {
        let input = self.input;
        self.facts_of = vec![0; input.node_count()];
        let own = self.plan.own;
        // A segment is what has a label and an id.
        let labels = match own.label.checked_sub(self.known) {
            None => input.named(own.label),
            Some(strange) => {
                self.strange_in.get(strange as usize).copied().flatten().map_or(Vec::new(), |k| input.named(k))
            }
        };
        for (label, node) in labels.into_iter().filter_map(|l| Some((l, input.parent(l)?))) {
            if let Some(id) = self.text_in(node, own.id) {
                self.by_id.insert(id, node);
                self.facts.push(Facts {
                    id: Some(id),
                    summary: self.text_in(node, own.form) == Some("summary"),
                    category: self.text_in(label, own.category).unwrap_or("none"),
                    about: self.member_in(label, own.about),
                });
                if let Some(place) = self.facts_of.get_mut(node.index()) {
                    *place = u32::try_from(self.facts.len()).unwrap_or(0);
                }
            }
        }
    }

    /// Whether this rule writes this segment: its links, form, subject and category are those the rule gives when it
    /// reads. Anything else would come back as something it was not.
    pub(super) fn eligible(&self, scope: &'p Scope, node: NodeId) -> bool {
        let Some(label) = &scope.label else { return true };
        // A segment has an id and a label; what has none is nobody's to write.
        let strange = Facts { id: None, summary: false, category: "none", about: None };
        let place = self.facts_of.get(node.index()).copied().unwrap_or(0) as usize;
        let facts = place.checked_sub(1).and_then(|at| self.facts.get(at)).unwrap_or(&strange);
        // The dearest question last.
        facts.summary == label.summary
            && !self.visited.get(node.index()).copied().unwrap_or(false)
            && self.links_fit(scope, node)
            && self.subject_fits(scope, label, facts)
            && self.category_fits(label, node, facts)
    }

    fn links_fit(&self, scope: &Scope, node: NodeId) -> bool {
        scope.links.iter().all(|(_, slot, word)| {
            let bound = self.names.get(*slot).and_then(Option::as_ref);
            bound.is_some_and(|b| self.text_in(node, *word) == Some(&*b.id))
        })
    }

    fn subject_fits(&self, scope: &Scope, label: &Label, facts: &Facts<'_>) -> bool {
        let About::Name(slot) = &label.about else { return true };
        let own = scope.slot == Some(*slot);
        let id = if own { facts.id } else { self.names.get(*slot).and_then(Option::as_ref).map(|b| &*b.id) };
        let mut people = facts.about.into_iter().flat_map(|l| self.input.children(l));
        id.is_some_and(|id| people.any(|a| self.input.text(a) == Some(id)))
    }

    fn about_ids(&self, node: NodeId) -> impl Iterator<Item = &'d str> + use<'d> {
        let input = self.input;
        let own = self.plan.own;
        let list = self.member_in(node, own.label).and_then(|label| self.member_in(label, own.about));
        list.into_iter().flat_map(|l| input.children(l)).filter_map(|a| input.text(a))
    }

    fn category_fits(&self, label: &Label, node: NodeId, facts: &Facts<'_>) -> bool {
        let given = label.source.given(&|path| self.in_texts(node, path));
        facts.category == given.map_or("none", |g| g.category.code())
    }

    /// Opens a segment; `false` when it is not written.
    pub(super) fn open_write(&mut self, scope: &'p Scope, here: Here) -> bool {
        let own = self.plan.own;
        let id: Rc<str> = self.text_in(here.node, own.id).unwrap_or("").into();
        let keeps = self.member_in(here.node, own.unparsed).or_else(|| self.member_in(here.node, own.absent)).is_some();
        let segment = Segment {
            scope,
            id: id.clone(),
            frame: here.frame,
            key: None,
            about: Vec::new(),
            linked: Vec::new(),
            conf: None,
            unparsed: Vec::new(),
            label: None,
            node: here.node,
            keeps,
        };
        self.segments.push(segment);
        self.visit(here.node);
        let sealed = self.label_text(here.node, own.sealed) == Some("true");
        if sealed || self.conf_of(here.node) > self.plan.ceiling {
            let note = if sealed { "sealed segments are never written" } else { "above what this format may carry" };
            self.lose_below(here.node, LossKind::WithheldByCeiling, scope.rule, note);
            return false;
        }
        if let Some(slot) = scope.slot {
            self.bind(slot, Bound { id: id.clone(), frame: here.frame });
            self.keys.insert(id.to_string(), (slot, Rc::from("")));
        }
        if !self.write_about_ref(scope, here) {
            self.lose_below(here.node, LossKind::NoSubject, scope.rule, "whom it is about is not in this message");
            return false;
        }
        if let Some(path) = &scope.id {
            let key = self.native_key(here.node, &id);
            let place = self.place(here.frame, path);
            self.put(&place, Kind::String, &key, OutLeaf::Structural);
            self.written.insert(id);
        }
        true
    }

    fn conf_of(&self, node: NodeId) -> Confidentiality {
        let code = self.label_text(node, self.plan.own.confidentiality);
        code.and_then(Confidentiality::parse).unwrap_or(Confidentiality::V)
    }

    /// `about ref`: the native reference to the person, who must be in the message.
    fn write_about_ref(&mut self, scope: &'p Scope, here: Here) -> bool {
        let Some(Label { about: About::Ref(path, slots), .. }) = &scope.label else { return true };
        if !slots.iter().any(|slot| self.plan.is_person(*slot)) {
            return self.hangs_on_its_own(slots, here.node);
        }
        let known = |run: &Self, id: &str| run.keys.get(id).is_some_and(|(slot, _)| slots.contains(slot));
        let several = path.steps.last().is_some_and(|s| s.array);
        let people: Vec<&str> = self.about_ids(here.node).filter(|id| known(self, id)).collect();
        let mut written = false;
        for person in people.into_iter().take(if several { usize::MAX } else { 1 }) {
            let Some(node) = self.by_id.get(person).copied() else { continue };
            let key = self.native_key(node, person);
            let place = self.place(here.frame, path);
            let made = self.put(&place, Kind::String, &key, OutLeaf::Carried);
            let Some(out) = made.or_else(|| self.said_already(here.frame, path, &key)) else { continue };
            let leaf = self
                .input
                .find(here.node, &["label", "about"])
                .and_then(|l| self.input.children(l).find(|a| self.input.text(*a) == Some(person)));
            if let Some(leaf) = leaf {
                self.carry(leaf, out, Some(scope.rule));
            }
            written = true;
        }
        written
    }

    /// The same reference, written by a block around this one over the same native object.
    fn said_already(&self, frame: usize, path: &Path, key: &str) -> Option<NodeId> {
        let start = self.made(frame)?;
        let leaf = path.steps.iter().try_fold(start, |at, step| self.out.member(at, &step.name))?;
        (self.out.text(leaf) == Some(key)).then_some(leaf)
    }

    /// `about ref` to a segment that is no person: one of the segment's links leads to such a segment, and both are
    /// about the same people. The field of that link writes the reference.
    fn hangs_on_its_own(&mut self, slots: &[usize], node: NodeId) -> bool {
        let target = self.input.children(node).find_map(|member| {
            let id = self.input.text(member).filter(|_| self.input.key(member) != Some("id"))?;
            let (slot, _) = self.keys.get(id)?;
            slots.contains(slot).then(|| self.by_id.get(id).copied()).flatten()
        });
        let Some(target) = target else { return false };
        let (mine, theirs): (HashSet<&str>, HashSet<&str>) =
            (self.about_ids(node).collect(), self.about_ids(target).collect());
        if mine != theirs {
            return false;
        }
        if let Some(list) = self.input.find(node, &["label", "about"]) {
            self.settle_below(list);
        }
        true
    }

    /// The native key of a segment: its sender's own, if it came from this system, else a UUID.
    pub(super) fn native_key(&self, node: NodeId, id: &str) -> String {
        let own = self.plan.own;
        let source = self.member_in(node, own.source_ref);
        let said = |word: u32| source.and_then(|s| self.text_in(s, word));
        let same = said(own.system) == Some(self.plan.system.as_str());
        let usable = |key: &&str| same && self.goes_back(key);
        match said(own.key).filter(usable) {
            Some(key) => key.to_owned(),
            None => {
                let uuid = Uuid::try_parse(id).ok().filter(|u| super::segment_read::is_canonical(*u, id));
                let uuid = uuid.unwrap_or_else(|| Uuid::new_v5(&KEYS, id.as_bytes()));
                uuid.urn().encode_lower(&mut Uuid::encode_buffer()).to_owned()
            }
        }
    }

    /// A relative address of a FHIR server means nothing outside it and has no place in `fullUrl`.
    fn goes_back(&self, key: &str) -> bool {
        self.plan.syntax != Syntax::Fhir || key.contains(':')
    }

    /// Accounts for what every segment has (id, links, label): made again when read, or reported.
    pub(super) fn close_write(&mut self, at: usize) {
        let Some(segment) = self.segments.get(at) else { return };
        let (scope, node) = (segment.scope, segment.node);
        let frame = segment.frame;
        let Some(label) = &scope.label else { return };
        if self.made(frame).is_none() && scope.id.is_none() {
            // Nothing of it was written: what is left open is for the drop rules and the sweep.
            return;
        }
        if self.nothing_of_its_own(scope, node) {
            // The native object is another block's: when it is read, nothing makes this segment again.
            for name in ["id", "form", "source_ref", "label"] {
                if let Some(member) = self.input.member(node, name) {
                    self.later(member, LossKind::EmptySlice, scope.rule, None);
                }
            }
            return;
        }
        let own = self.plan.own;
        for word in [own.id, own.form] {
            if let Some(member) = self.member_in(node, word) {
                self.settle_below(member);
            }
        }
        if let Some(source) = self.member_in(node, own.source_ref) {
            let own_system = self.text_in(source, own.system) == Some(self.plan.system.as_str());
            let key = self.text_in(source, own.key).unwrap_or("");
            if own_system && scope.id.is_some() && self.goes_back(key) {
                self.settle_below(source);
            }
        }
        for (_, _, word) in &scope.links {
            if let Some(link) = self.member_in(node, *word) {
                self.settle_below(link);
            }
        }
        if let Some(object) = self.member_in(node, own.label) {
            self.account_label(scope, label, node, object);
        }
    }

    /// Whether a segment that shares its native object with the block around it has put nothing there.
    pub(super) fn nothing_of_its_own(&self, scope: &Scope, node: NodeId) -> bool {
        let shared = scope.native.steps.is_empty() && !scope.native.root && scope.id.is_none();
        let carried = |member| self.any_carried_below(member);
        shared && !self.input.children(node).any(|m| self.input.key(m) != Some("label") && carried(m))
    }

    /// The text of a member of the in side.
    fn text_in(&self, node: NodeId, word: u32) -> Option<&'d str> {
        self.member_in(node, word).and_then(|leaf| self.input.text(leaf))
    }

    /// A text of the label of a segment.
    fn label_text(&self, node: NodeId, word: u32) -> Option<&'d str> {
        self.member_in(node, self.plan.own.label).and_then(|label| self.text_in(label, word))
    }

    fn account_label(&mut self, scope: &'p Scope, label: &Label, node: NodeId, object: NodeId) {
        let given = label.source.given(&|path| self.in_texts(node, path));
        let again = given.map_or(Confidentiality::V, |g| g.conf);
        let input = self.input;
        for member in input.children(object) {
            let name = input.key(member).unwrap_or("");
            let text = input.text(member).unwrap_or("");
            let comes_back = match name {
                "category" | "custodian" => true,
                "confidentiality" => self.conf_of(node) <= again,
                "sealed" => text == "false",
                "third_party" => third_party_rank(text) <= third_party_rank(&label.third_party),
                "basis_marker" => text == label.basis,
                "author_role" => text == label.author,
                "observed" => self.observed_comes_back(label, node, text),
                "originator" => self.caps_come_back(label, member),
                "police_handling" | "handling_text" => self.said_elsewhere(scope, name, text),
                _ => false,
            };
            match name {
                _ if comes_back => self.settle_below(member),
                "about" => self.account_about(scope, label, member),
                "handling" => self.account_handling(scope, label, member),
                _ => self.lose_label(scope, member),
            }
        }
    }

    fn observed_comes_back(&self, label: &Label, node: NodeId, text: &str) -> bool {
        let Some(path) = &label.observed else { return false };
        self.in_texts(node, path).first().is_some_and(|d| d.split('T').next() == Some(text))
    }

    /// Whether the originator's caps are exactly those the rule sets when it reads.
    fn caps_come_back(&self, label: &Label, list: NodeId) -> bool {
        let caps: Vec<NodeId> = self.input.children(list).collect();
        caps.len() == label.caps.len()
            && caps.iter().zip(&label.caps).all(|(cap, (level, roles))| {
                let named = self.input.member(*cap, "roles");
                let named: Vec<&str> =
                    named.into_iter().flat_map(|l| self.input.children(l)).filter_map(|r| self.input.text(r)).collect();
                self.input.len(*cap) == 2
                    && self.input.text_at(*cap, &["max"]) == Some(level.code())
                    && named == roles.iter().map(String::as_str).collect::<Vec<_>>()
            })
    }

    /// Whether this part of the label is read here from a place that another rule writes for a segment with the same
    /// words, so that it comes back.
    fn said_elsewhere(&self, scope: &Scope, name: &str, text: &str) -> bool {
        let wanted = format!("label.{name}");
        let rule = |s: &Scope, arrow: Arrow| {
            let says = |f: &Field| f.arrow == arrow && f.canonical.iter().any(|(p, _)| p.text == wanted);
            s.items.iter().any(|i| matches!(i, Item::Field(f) if says(f)))
        };
        let writers = self.plan.items.iter().filter_map(|i| match i {
            Item::Scope(s) if rule(s, Arrow::Both) => Some(s),
            _ => None,
        });
        rule(scope, Arrow::Read)
            && writers
                .flat_map(|s| self.select(self.input.root(), &s.canonical))
                .any(|node| self.input.text_at(node, &["label", name]) == Some(text))
    }

    fn account_about(&mut self, scope: &'p Scope, label: &Label, list: NodeId) {
        let bound = match &label.about {
            About::Name(slot) => self.names.get(*slot).cloned().flatten().map(|b| b.id),
            About::Ref(..) => None,
        };
        let input = self.input;
        for person in input.children(list) {
            if self.input.text(person) == bound.as_deref() && bound.is_some() {
                self.settle_below(person);
            } else if self.state(person) == InLeaf::Open {
                self.lose(person, LossKind::LabelNotCarried, scope.rule, "the format says one person only");
            }
        }
    }

    fn account_handling(&mut self, scope: &'p Scope, label: &Label, list: NodeId) {
        let input = self.input;
        for code in input.children(list) {
            if self.input.text(code).is_some_and(|t| label.handling.iter().any(|h| h == t)) {
                self.settle_below(code);
            } else {
                self.lose_label(scope, code);
            }
        }
    }

    fn lose_label(&mut self, scope: &'p Scope, member: NodeId) {
        let note = "this part of the label has no place in the format";
        for leaf in self.leaves_below(member) {
            if self.state(leaf) == InLeaf::Open {
                self.lose(leaf, LossKind::LabelNotCarried, scope.rule, note);
            }
        }
    }
}
