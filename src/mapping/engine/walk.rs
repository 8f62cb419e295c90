//! The walk: items in order, blocks, alternatives, constants and omissions. The same for both directions.

use super::account::{InLeaf, OutLeaf};
use super::build::Place;
use super::select::Nodes;
use super::{Here, Kept, Run};
use crate::document::NodeId;
use crate::mapping::convert::Convert;
use crate::mapping::gates::{Bits, Gate, Gates};
use crate::mapping::lang::tree::{Arrow, ScopeKind, Which};
use crate::mapping::loss::LossKind;
use crate::mapping::plan::{About, Drop, Field, Fixed, Item, Path, Scope};
use std::borrow::Cow;

impl<'p> Run<'p, '_> {
    /// Every item of a block or file; constants last, because they are set only where something else is.
    pub(super) fn items(&mut self, items: &'p [Item], gates: &'p Gates, here: Here) {
        let gate = gates.way(self.direction);
        if !gate.tells {
            items.iter().for_each(|item| self.item(item, here));
            return items.iter().for_each(|item| self.constant_item(item, here));
        }
        let open = self.open_items(gate, here);
        for at in open.iter() {
            if let Some(item) = items.get(at) {
                self.item(item, here);
            }
        }
        for at in open.both(&gate.fixed).iter() {
            if let Some(item) = items.get(at) {
                self.constant_item(item, here);
            }
        }
    }

    /// The items that have anything to do at this node.
    fn open_items(&self, gate: &Gate, here: Here) -> Bits {
        let mut open = gate.always;
        if here.segment.and_then(|at| self.segments.get(at)).is_some_and(|s| s.keeps) {
            open.join(&gate.kept);
        }
        for child in self.input.children(here.node) {
            let word = self.input.key_number_of(child).and_then(|key| self.word_in(key));
            if let Some(bits) = word.and_then(|word| gate.member(word)) {
                open.join(bits);
            }
        }
        for (word, bits) in &gate.roots {
            if self.member_in(self.input.root(), *word).is_some() {
                open.join(bits);
            }
        }
        open
    }

    /// The plan's number of a name of the in side.
    fn word_in(&self, key: u32) -> Option<u32> {
        if key < self.known {
            return Some(key);
        }
        let place = self.strange_in.iter().position(|own| *own == Some(key))?;
        Some(self.known.saturating_add(u32::try_from(place).ok()?))
    }

    fn item(&mut self, item: &'p Item, here: Here) {
        match item {
            Item::Field(field) => self.field(field, here),
            Item::Scope(scope) => self.scope(scope, here),
            Item::Choice(fields) => self.choice(fields, here),
            Item::Drop(rule) => self.drop_later(rule, here),
            Item::Fixed(_) => {}
        }
    }

    fn constant_item(&mut self, item: &'p Item, here: Here) {
        if let Item::Fixed(fixed) = item {
            self.fixed(fixed, here);
        }
    }

    /// The path of a pair on the side being read.
    pub(super) fn inward<'x>(&self, native: &'x Path, canonical: &'x Path) -> &'x Path {
        if self.reading() { native } else { canonical }
    }
    fn outward<'x>(&self, native: &'x Path, canonical: &'x Path) -> &'x Path {
        if self.reading() { canonical } else { native }
    }
    pub(super) fn works(&self, arrow: Arrow) -> bool {
        match arrow {
            Arrow::Both => true,
            Arrow::Read => self.reading(),
            Arrow::Write => !self.reading(),
        }
    }

    fn scope(&mut self, scope: &'p Scope, here: Here) {
        let path = self.inward(&scope.native, &scope.canonical);
        let mut nodes = self.select(here.node, path);
        if !self.reading() && scope.label.is_some() {
            nodes = nodes.into_iter().filter(|n| self.eligible(scope, *n)).collect();
        } else if scope.kind == ScopeKind::Each && scope.label.is_some() {
            // A block without selector takes what an earlier one with a selector has left.
            nodes = nodes.into_iter().filter(|n| self.visit(*n)).collect();
        }
        let Some((first, mut rest)) = nodes.split() else {
            return self.write_cleared_list(scope, here);
        };
        if scope.kind == ScopeKind::Group {
            for extra in rest.drain(..) {
                self.later(extra, LossKind::ExtraRepeat, scope.rule, None);
            }
        }
        if self.idle(scope, first, here) {
            return;
        }
        self.enter(scope, first, Here { position: 1, ..here });
        for (i, node) in rest.into_iter().enumerate() {
            self.enter(scope, node, Here { position: i + 2, ..here });
        }
    }

    /// Whether a group over the object at hand (`group . <-> /characteristics`) finds nothing of its own there, so that no
    /// segment comes of it. Whom it speaks of exists all the same.
    fn idle(&mut self, scope: &'p Scope, node: NodeId, here: Here) -> bool {
        let Some(label) = scope.label.as_ref().filter(|_| self.reading() && scope.kind == ScopeKind::Group) else {
            return false;
        };
        let gate = scope.gates.way(self.direction);
        let nameless = scope.slot.is_none() && scope.id.is_none() && scope.native.steps.is_empty();
        let named = matches!(label.about, About::Name(_));
        if !nameless || !named || !gate.tells {
            return false;
        }
        let inner = Here { node, segment: None, ..here };
        let open = self.open_items(gate, inner);
        open.iter().all(|at| matches!(scope.items.get(at), Some(Item::Fixed(f)) if f.which == Which::Canonical))
            && self.spoken_of(scope, inner)
    }

    fn enter(&mut self, scope: &'p Scope, node: NodeId, here: Here) {
        if self.reading() && scope.kind == ScopeKind::Each && self.read_cleared_item(scope, node, here) {
            return;
        }
        let path = self.outward(&scope.native, &scope.canonical);
        let fresh = scope.kind == ScopeKind::Each || (self.reading() && scope.label.is_some());
        let segment = scope.label.as_ref().map(|_| self.segments.len());
        let dressed = segment.filter(|_| self.reading());
        let frame = self.frame(here.frame, path, fresh, dressed);
        let inner = Here { node, frame, segment: segment.or(here.segment), position: here.position };
        if segment.is_some() {
            let opened = if self.reading() { self.open_read(scope, inner) } else { self.open_write(scope, inner) };
            if !opened {
                return;
            }
        }
        self.items(&scope.items, &scope.gates, inner);
        if let Some(segment) = segment {
            if self.reading() { self.close_read(segment) } else { self.close_write(segment) }
        }
        self.settle_constants(scope, node);
    }

    /// The constants of a block's selector: carried with what stands beside them, else an empty slice.
    fn settle_constants(&mut self, scope: &'p Scope, node: NodeId) {
        let path = self.inward(&scope.native, &scope.canonical);
        let written = scope.label.is_some() && !self.reading() && !self.nothing_of_its_own(scope, node);
        for (leaf, holder) in self.constants(path, node) {
            if self.state(leaf) != InLeaf::Open {
                continue;
            }
            let empty = scope.label.is_some() && !self.reading() && !written;
            if written || !empty && self.any_carried_below(holder) {
                self.mark(leaf, InLeaf::Carried);
            } else {
                self.later(leaf, LossKind::EmptySlice, scope.rule, None);
            }
        }
    }

    fn choice(&mut self, fields: &'p [Field], here: Here) {
        if !fields.iter().any(|f| self.works(f.arrow) && self.present(f, here.node)) {
            // Nothing to choose from: defaults, and what was kept unread.
            return fields.iter().for_each(|f| self.field(f, here));
        }
        let mut chosen = false;
        // Where several code tables share one value, the first that has a code for it writes it.
        let says_it = |f: &&Field| self.has_word(f, here.node) && self.reads(f, fields, here.node);
        let able = fields.iter().filter(|f| self.works(f.arrow) && self.present(f, here.node)).find(says_it);
        let best = able.map(|f| f.rule);
        for field in fields {
            if !self.works(field.arrow) {
                continue;
            }
            let present = self.present(field, here.node);
            if present && !chosen && best == Some(field.rule) {
                chosen = true;
                self.field(field, here);
            } else if present && chosen {
                for node in self.ends(field, here.node) {
                    self.later(node, LossKind::ExtraAlternative, field.rule, None);
                }
            }
        }
        // No alternative has a value it can read: a kept unreadable one may still go back, or a default come in.
        if !chosen {
            for field in fields {
                // The first of two alternatives of one native place has settled it.
                let settled = self.reading()
                    && self.ends(field, here.node).first().is_some_and(|leaf| self.state(leaf) != InLeaf::Open);
                if !settled {
                    self.field(field, here);
                }
            }
        }
    }

    /// Whether the alternative's code table has a code for the value at hand; other alternatives always can say it.
    fn has_word(&self, field: &'p Field, scope: NodeId) -> bool {
        let (false, Convert::Code(table), [(path, _)]) = (self.reading(), &field.convert, field.canonical.as_slice())
        else {
            return true;
        };
        let Some((node, _)) = self.select_one(scope, path) else { return true };
        let own = self.input.text_at(node, &["as_recorded", "system"]) == Some(table.name.as_str());
        let code = self.code_or_text(node);
        own || code.is_some_and(|c| table.write(&[c]).is_some_and(|row| !row.native.is_empty()))
    }

    fn present(&self, field: &'p Field, scope: NodeId) -> bool {
        !self.ends(field, scope).is_empty()
    }

    /// Alternatives of one native place (a number, or a code for why there is none) differ by what they can read.
    fn reads(&self, field: &'p Field, fields: &'p [Field], scope: NodeId) -> bool {
        let twins = fields.iter().filter(|f| f.native.text == field.native.text && self.works(f.arrow)).count();
        !self.reading()
            || twins < 2
            || self.ends(field, scope).first().is_some_and(|leaf| {
                let text = self.input.text(leaf).unwrap_or("");
                let bad = |kind: LossKind| matches!(kind, LossKind::CodeUnmapped | LossKind::InvalidValue);
                let read = field.convert.read(text, self.input.kind(leaf));
                read.is_ok_and(|converted| !converted.remark.is_some_and(|(kind, _)| bad(kind)))
            })
    }

    fn ends(&self, field: &'p Field, scope: NodeId) -> Nodes {
        if self.reading() {
            return self.select(scope, &field.native);
        }
        field.canonical.iter().flat_map(|(path, _)| self.select(scope, path)).collect()
    }

    fn fixed(&mut self, fixed: &'p Fixed, here: Here) {
        let on_in_side = (fixed.which == Which::Native) == self.reading();
        if on_in_side {
            return self.expect_constant(fixed, here);
        }
        // A constant alone makes nothing: it stands beside what was carried.
        if self.made(here.frame).is_none() && !fixed.path.root {
            return;
        }
        let place = self.place(here.frame, &fixed.path);
        // The sender's own value goes back to the same system in place of our constant.
        if let Some((path, text)) = self.kept(&fixed.unparsed, here) {
            let words = self.input.text(text).unwrap_or("");
            if let Some(leaf) = self.put(&place, fixed.kind, words, OutLeaf::Carried) {
                self.carry(text, leaf, Some(fixed.rule));
                self.carry(path, leaf, Some(fixed.rule));
            }
            return;
        }
        let text = constant(fixed, here);
        if let Some(leaf) = self.put(&place, fixed.kind, &text, OutLeaf::Supplied) {
            self.remark(LossKind::Supplied, None, Some(leaf), Some(fixed.rule), "a constant of this mapping");
        }
    }

    fn expect_constant(&mut self, fixed: &'p Fixed, here: Here) {
        let expected = constant(fixed, here);
        for node in self.select(here.node, &fixed.path) {
            if self.state(node) != InLeaf::Open || !self.input.is_scalar(node) {
                continue;
            }
            if self.input.text(node) == Some(&*expected) {
                self.mark(node, InLeaf::Carried);
            } else {
                let note = "another value than the constant of this rule";
                self.lose(node, LossKind::UnexpectedConstant, fixed.rule, note);
                if let Some(segment) = here.segment.and_then(|at| self.segments.get_mut(at)) {
                    segment.unparsed.push((&fixed.unparsed, node, Kept::Constant));
                }
            }
            for (leaf, _) in self.constants(&fixed.path, node) {
                if self.state(leaf) == InLeaf::Open {
                    self.mark(leaf, InLeaf::Carried);
                }
            }
        }
    }

    fn drop_later(&mut self, rule: &'p Drop, here: Here) {
        if (rule.which == Which::Native) != self.reading() {
            return;
        }
        let words = Some(&rule.because);
        match &rule.path {
            None => self.later_rest(here.node, rule.rule, words),
            Some(path) => {
                for node in self.select(here.node, path) {
                    self.later(node, LossKind::DeclaredDrop, rule.rule, words);
                }
            }
        }
    }

    /// Where the leaf of a path goes, with the remark about places that moved up.
    pub(super) fn place_for(&mut self, frame: usize, path: &'p Path, from: Option<NodeId>, rule: usize) -> Place {
        let place = self.place(frame, path);
        if matches!(place, Place::Item(_, true)) {
            self.remark(LossKind::Normalised, from, None, Some(rule), "moved up to the first free place of its list");
        }
        place
    }
}

/// The text of a constant; without one it is the item's number.
fn constant(fixed: &Fixed, here: Here) -> Cow<'_, str> {
    match &fixed.value {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(here.position.to_string()),
    }
}
