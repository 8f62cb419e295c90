//! Segments while reading: identity, label, quarantine.

use super::account::OutLeaf;
use super::{Bound, Here, Kept, Quarantined, Run, Segment};
use crate::document::{Document, Kind, NodeId};
use crate::mapping::lang::tree::{ScopeKind, Syntax};
use crate::mapping::loss::LossKind;
use crate::mapping::plan::{About, Item, Label, Scope, third_party_rank};
use crate::vocabulary::{Category, Confidentiality};
use std::borrow::Cow;
use std::rc::Rc;
use uuid::Uuid;

/// Room for what an id is made from, so that the text does not move as it grows.
const ID_BYTES: usize = 256;

/// Name space of ids made here: version-5 UUIDs of agency, system and key or position.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f4a_8c1e_52b7_5d0e_9a33_c1d9_0e7b_4f21);

/// Whether a text is the one spelling of a UUID that comes back by itself.
pub(super) fn is_canonical(parsed: Uuid, text: &str) -> bool {
    parsed.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text
}

impl<'p> Run<'p, '_> {
    /// Notes every native key before the walk, so that a reference may stand before what it refers to. On writing,
    /// notes every segment's id.
    pub(super) fn index_keys(&mut self) {
        if !self.reading() {
            return self.index_ids();
        }
        for item in &self.plan.items {
            let Item::Scope(scope) = item else { continue };
            let (Some(slot), Some(path)) = (scope.slot, &scope.id) else { continue };
            for node in self.select(self.input.root(), &scope.native) {
                let key = self.select_one(node, path).and_then(|(n, _)| self.input.text(n));
                if let Some(key) = key {
                    let (id, _) = self.id_of_key(scope, key);
                    // Two items with one key: references mean the first.
                    self.keys.entry(self.key_name(slot, key).into_owned()).or_insert((slot, id));
                }
            }
        }
    }

    /// A native key as it is noted: addresses of a Bundle are one name space, the keys of tables are one per table, so
    /// that referral 17 is never patient 17.
    fn key_name<'k>(&self, slot: usize, key: &'k str) -> Cow<'k, str> {
        match self.plan.syntax {
            Syntax::Fhir => Cow::Borrowed(key),
            _ => Cow::Owned(format!("{}\n{key}", self.plan.names.get(slot).map_or("", String::as_str))),
        }
    }

    /// Slot and id of what a native reference means, among these slots.
    pub(super) fn referred(&self, slots: &[usize], key: &str) -> Option<(usize, Rc<str>)> {
        let found = slots.iter().find_map(|slot| self.keys.get(&*self.key_name(*slot, key)));
        found.filter(|(slot, _)| slots.contains(slot)).cloned()
    }

    /// The local id of a native key, and the key to be kept when the id does not say it.
    fn id_of_key(&self, scope: &Scope, key: &str) -> (Rc<str>, Option<String>) {
        let plain = key.strip_prefix("urn:uuid:").and_then(|u| Uuid::try_parse(u).ok().map(|parsed| (u, parsed)));
        match plain {
            // Only the canonical spelling comes back by itself.
            Some((text, parsed)) if is_canonical(parsed, text) => (text.into(), None),
            _ => {
                let name = scope.slot.map_or(Cow::Borrowed(key), |slot| self.key_name(slot, key));
                (self.made_id(&["key", &name]), Some(key.to_owned()))
            }
        }
    }

    /// An id from a key or a position, never from a counter.
    fn made_id(&self, name: &[&str]) -> Rc<str> {
        let mut space = String::with_capacity(ID_BYTES);
        space.push_str(self.setting.custodian);
        for part in [self.plan.system.as_str()].iter().chain(name) {
            space.push('\n');
            space.push_str(part);
        }
        let id = Uuid::new_v5(&NAMESPACE, space.as_bytes());
        Rc::from(&*id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }

    /// Opens a segment; `false` when the item is held instead.
    pub(super) fn open_read(&mut self, scope: &'p Scope, here: Here) -> bool {
        let key_leaf = scope.id.as_ref().and_then(|p| self.select_one(here.node, p)).map(|(n, _)| n);
        let (id, key) = self.identity(scope, here, key_leaf);
        let mut segment = Segment {
            scope,
            id: id.clone(),
            frame: here.frame,
            key,
            about: Vec::new(),
            linked: Vec::new(),
            conf: None,
            unparsed: Vec::new(),
            label: None,
            node: here.node,
            keeps: false,
        };
        if let Some(slot) = scope.slot {
            self.bind(slot, Bound { id, frame: here.frame });
        }
        let (Some(about), Some(linked)) = (self.about(scope, here), self.linked(scope)) else {
            // References to it dangle: it is not in the record.
            self.written.remove(&segment.id);
            self.segments.push(segment);
            self.hold(scope, here.node, LossKind::NoSubject, "whom it is about cannot be told");
            return false;
        };
        if scope.id.is_some() {
            self.subjects.insert(segment.id.clone(), about.clone());
        }
        segment.about = about;
        segment.linked = linked;
        self.segments.push(segment);
        if let Some(leaf) = key_leaf {
            self.mark(leaf, super::account::InLeaf::Carried);
        }
        // An item that arrived is a segment even if nothing in it can be carried; a group is one only with content.
        if scope.kind == ScopeKind::Each {
            self.ensure(here.frame);
        }
        true
    }

    /// The id of a new segment, and the native key to be kept beside it.
    fn identity(&mut self, scope: &'p Scope, here: Here, key_leaf: Option<NodeId>) -> (Rc<str>, Option<String>) {
        let native = key_leaf.and_then(|n| self.input.text(n));
        if let Some(text) = native {
            let (id, key) = self.id_of_key(scope, text);
            if self.written.insert(id.clone()) {
                return (id, key);
            }
        }
        // No key, or one that an earlier item has taken.
        let mut pointer = std::mem::take(&mut self.pointer);
        pointer.clear();
        self.places_in.pointer(self.input, here.node, &mut pointer);
        let id = self.made_id(&["place", &self.place, &scope.canonical.text, &pointer]);
        self.pointer = pointer;
        self.written.insert(id.clone());
        (id, native.map(str::to_owned))
    }

    pub(super) fn bind(&mut self, slot: usize, bound: Bound) {
        if let Some(place) = self.names.get_mut(slot) {
            *place = Some(bound);
        }
    }

    /// Makes whom a segment is about and what it is linked to, if only as skeletons; `false` when one of them is unknown.
    pub(super) fn spoken_of(&mut self, scope: &'p Scope, here: Here) -> bool {
        self.about(scope, here).is_some() && self.linked(scope).is_some()
    }

    fn about(&mut self, scope: &'p Scope, here: Here) -> Option<Vec<Rc<str>>> {
        match &scope.label.as_ref()?.about {
            About::Name(slot) => {
                let bound = self.names.get(*slot)?.clone()?;
                // A person somebody speaks of exists, if only as a skeleton.
                if Some(*slot) != scope.slot {
                    self.ensure(bound.frame);
                }
                Some(vec![bound.id])
            }
            About::Ref(path, slots) => {
                let mut ids: Vec<Rc<str>> = Vec::new();
                for leaf in self.select(here.node, path) {
                    let (slot, id) = self.referred(slots, self.input.text(leaf)?)?;
                    let people = if self.plan.is_person(slot) { vec![id] } else { self.subjects_of(&id)? };
                    for person in people {
                        if !ids.contains(&person) {
                            ids.push(person);
                        }
                    }
                    self.mark(leaf, super::account::InLeaf::Carried);
                }
                (!ids.is_empty()).then_some(ids)
            }
        }
    }

    /// Whom a segment read before this one is about: what hangs on it is about the same people.
    fn subjects_of(&self, id: &str) -> Option<Vec<Rc<str>>> {
        self.subjects.get(id).cloned()
    }

    fn linked(&mut self, scope: &'p Scope) -> Option<Vec<Rc<str>>> {
        let mut ids = Vec::new();
        for (_, slot, _) in &scope.links {
            let bound = self.names.get(*slot)?.clone()?;
            self.ensure(bound.frame);
            ids.push(bound.id);
        }
        Some(ids)
    }

    /// Holds a native item back, whole.
    fn hold(&mut self, scope: &'p Scope, node: NodeId, kind: LossKind, note: &'static str) {
        if let Some(slot) = scope.slot
            && let Some(place) = self.names.get_mut(slot)
        {
            *place = None;
        }
        // A scope that shares its native object with others holds only what nobody else carries.
        self.lose_below(node, kind, scope.rule, note);
        let mut item = Document::new(Kind::Array);
        let root = item.root();
        item.graft(root, None, self.input, node);
        let path = self.path_in(node);
        self.quarantined.push(Quarantined { kind, path, item });
    }

    /// Gives a new segment its id, constants, links and an unfinished label.
    pub(super) fn dress(&mut self, at: usize, node: NodeId) {
        let Some(segment) = self.segments.get_mut(at) else { return };
        let (scope, id, key) = (segment.scope, segment.id.clone(), segment.key.take());
        let (about, linked) = (std::mem::take(&mut segment.about), std::mem::take(&mut segment.linked));
        let Some(label) = &scope.label else { return };
        let own = self.plan.own;
        self.add_own(node, own.id, Kind::String, &id, OutLeaf::Structural);
        let object = self.add_own(node, own.label, Kind::Object, "", OutLeaf::None);
        let text = |run: &mut Self, word: u32, value: &str| {
            run.add_own(object, word, Kind::String, value, OutLeaf::Structural);
        };
        text(self, own.category, "none");
        text(self, own.confidentiality, Confidentiality::V.code());
        if label.sealed {
            self.add_own(object, own.sealed, Kind::Bool, "true", OutLeaf::Structural);
        }
        text(self, own.custodian, self.setting.custodian);
        let people = self.add_own(object, own.about, Kind::Array, "", OutLeaf::None);
        for person in about {
            self.add_numbered(people, None, Kind::String, &person, OutLeaf::Structural);
        }
        text(self, own.third_party, &label.third_party);
        text(self, own.basis_marker, &label.basis);
        text(self, own.author_role, &label.author);
        if label.summary {
            self.add_own(node, own.form, Kind::String, "summary", OutLeaf::Structural);
            self.dress_summary(label, node);
        }
        if let Some(step) = scope.canonical.steps.last() {
            self.add_constants(node, step);
        }
        for ((member, _, word), id) in scope.links.iter().zip(linked) {
            let key = self.key_out(*word, member);
            self.add_numbered(node, Some(key), Kind::String, &id, OutLeaf::Structural);
        }
        if let Some(key) = key {
            let source = self.add_own(node, own.source_ref, Kind::Object, "", OutLeaf::None);
            self.add_own(source, own.system, Kind::String, &self.plan.system, OutLeaf::Structural);
            self.add_own(source, own.key, Kind::String, &key, OutLeaf::Structural);
        }
        if let Some(segment) = self.segments.get_mut(at) {
            segment.label = Some(object);
        }
    }

    fn dress_summary(&mut self, label: &Label, node: NodeId) {
        let full = label.summary_of.and_then(|slot| self.names.get(slot).cloned().flatten());
        if let Some(full) = full {
            let list = self.add(node, Some("summary_of"), Kind::Array, "", OutLeaf::None);
            self.add(list, None, Kind::String, &full.id, OutLeaf::Structural);
        }
    }

    /// Finishes the label when the block closes.
    pub(super) fn close_read(&mut self, at: usize) {
        let Some(segment) = self.segments.get(at) else { return };
        let (scope, stated) = (segment.scope, segment.conf);
        let (Some(object), Some(node)) = (segment.label, self.made(segment.frame)) else { return };
        let Some(label) = &scope.label else { return };
        self.keep_unparsed(at, node, object);
        let given = label.source.given(&|path| self.out_texts(node, path)).map(|g| (g.category, g.conf));
        if given.is_none() {
            self.remark(
                LossKind::LabelGuessed,
                None,
                Some(node),
                Some(scope.rule),
                "no row for its label: held for classification",
            );
        }
        let conf = given.map_or(Confidentiality::V, |(_, conf)| stated.map_or(conf, |s| s.max(conf)));
        let own = self.plan.own;
        self.set_label(object, own.category, given.map_or("none", |(category, _)| Category::code(category)));
        self.set_label(object, own.confidentiality, conf.code());
        self.close_extras(label, node, object);
        if scope.required.iter().any(|name| self.out.member(node, name).is_none()) {
            self.unmake(at, node);
        }
    }

    fn set_label(&mut self, object: NodeId, word: u32, text: &str) {
        if let Some(leaf) = self.own_out(object, word) {
            self.out.set_scalar(leaf, Kind::String, text);
        }
    }

    fn close_extras(&mut self, label: &Label, node: NodeId, object: NodeId) {
        let observed = label.observed.as_ref().and_then(|path| self.out_text(node, path));
        // An observed moment counts as its day.
        if let Some(day) = observed.map(|date| date.split('T').next().unwrap_or(date).to_owned()) {
            self.add(object, Some("observed"), Kind::String, &day, OutLeaf::Structural);
        }
        if !label.handling.is_empty() {
            let list = self.list_in(object, "handling");
            for code in &label.handling {
                if !self.out.children(list).any(|c| self.out.text(c) == Some(code.as_str())) {
                    self.add(list, None, Kind::String, code, OutLeaf::Structural);
                }
            }
        }
        if !label.caps.is_empty() {
            let list = self.list_in(object, "originator");
            for (level, roles) in &label.caps {
                let cap = self.add(list, None, Kind::Object, "", OutLeaf::None);
                self.add(cap, Some("max"), Kind::String, level.code(), OutLeaf::Structural);
                let names = self.add(cap, Some("roles"), Kind::Array, "", OutLeaf::None);
                for role in roles {
                    self.add(names, None, Kind::String, role, OutLeaf::Structural);
                }
            }
        }
    }

    fn list_in(&mut self, object: NodeId, name: &str) -> NodeId {
        match self.out.member(object, name) {
            Some(list) => list,
            None => self.add(object, Some(name), Kind::Array, "", OutLeaf::None),
        }
    }

    /// Values that failed their type, verbatim, with free text's suspicion that they name somebody.
    fn keep_unparsed(&mut self, at: usize, node: NodeId, object: NodeId) {
        let Some(segment) = self.segments.get_mut(at) else { return };
        let kept = std::mem::take(&mut segment.unparsed);
        if kept.is_empty() {
            return;
        }
        let list = self.add(node, Some("unparsed"), Kind::Array, "", OutLeaf::None);
        let typed = kept.iter().any(|(_, _, why)| *why == Kept::Unreadable);
        for (path, leaf, _) in kept {
            let text = self.input.text(leaf).unwrap_or("");
            let item = self.add(list, None, Kind::Object, "", OutLeaf::None);
            self.add(item, Some("path"), Kind::String, path, OutLeaf::Structural);
            self.add(item, Some("text"), Kind::String, text, OutLeaf::Structural);
        }
        let mark = self.out.member(object, "third_party").and_then(|m| self.out.text(m)).unwrap_or("none");
        if typed && third_party_rank(mark) < third_party_rank("possible") {
            self.set_label(object, self.plan.own.third_party, "possible");
        }
    }

    /// Takes a segment out that lacks a part the record requires; its item is held instead.
    fn unmake(&mut self, at: usize, node: NodeId) {
        self.held.push(node);
        self.remove(node);
        let Some(segment) = self.segments.get(at) else { return };
        let (scope, from) = (segment.scope, segment.node);
        self.written.remove(&segment.id);
        if let Some(slot) = scope.slot
            && let Some(place) = self.names.get_mut(slot)
        {
            *place = None;
        }
        let mut item = Document::new(Kind::Array);
        let root = item.root();
        item.graft(root, None, self.input, from);
        let path = self.path_in(from);
        self.quarantined.push(Quarantined { kind: LossKind::InvalidValue, path, item });
    }
}
