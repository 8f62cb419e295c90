//! Values the sender has cleared (`""` in HL7 v2): `absent: cleared-by-sender` in their segment, and back.
//!
//! Only HL7 v2 has nulls that mean this; in JSON a null says nothing. Source: mapping language §5.3; canonical record §2
//! rule 8.

use super::account::{InLeaf, OutLeaf};
use super::build::Place;
use super::{Frame, Here, Run};
use crate::document::{Kind, NodeId};
use crate::mapping::lang::tree::{Arrow, ScopeKind, Syntax};
use crate::mapping::plan::{Field, Item, Path, Scope, Select};

/// The reason in the record.
const CLEARED: &str = "cleared-by-sender";

impl<'p> Run<'p, '_> {
    fn nulls_clear(&self) -> bool {
        self.plan.syntax == Syntax::Hl7v2
    }

    /// A null where a field reads: its segment says so.
    pub(super) fn read_cleared(&mut self, field: &'p Field, here: Here) {
        // In an item of a list the path would not say which item; a list is sent whole, so nothing is lost.
        if field.restorable
            && let Some((path, _)) = field.canonical.first()
        {
            self.say_cleared(&path.text, here);
        }
    }

    /// An item made of nulls alone clears its list; it is no item.
    pub(super) fn read_cleared_item(&mut self, scope: &'p Scope, node: NodeId, here: Here) -> bool {
        if !self.nulls_clear() {
            return false;
        }
        let kinds = || self.input.below(node).map(|at| self.input.kind(at));
        if kinds().any(|kind| !matches!(kind, Kind::Null | Kind::Object | Kind::Array))
            || kinds().all(|k| k != Kind::Null)
        {
            return false;
        }
        self.say_cleared(&scope.canonical.text, here);
        true
    }

    fn say_cleared(&mut self, path: &str, here: Here) {
        let Some(frame) = here.segment.and_then(|at| self.segments.get(at)).map(|s| s.frame) else { return };
        if !self.nulls_clear() {
            return;
        }
        let node = self.ensure(frame);
        let absent = match self.out.member(node, "absent") {
            Some(found) => found,
            None => self.add(node, Some("absent"), Kind::Object, "", OutLeaf::None),
        };
        if self.out.member(absent, path).is_none() {
            self.add(absent, Some(path), Kind::String, CLEARED, OutLeaf::Structural);
        }
    }

    /// Writes the one null item that clears a list, where the segment says that the whole list was cleared and the
    /// record has no items for it.
    pub(super) fn write_cleared_list(&mut self, scope: &'p Scope, here: Here) {
        if self.reading() || scope.kind != ScopeKind::Each || !self.nulls_clear() || scope.native.root {
            return;
        }
        let Some((last, before)) = scope.native.steps.split_last() else { return };
        // An item of nulls alone has no constants: only a block that takes such an item may write it.
        let bare = match &last.select {
            Select::Where(conds) => conds.iter().all(|c| c.value.is_empty()),
            _ => true,
        };
        let Some(leaf) = self.cleared(&scope.canonical.text, here) else { return };
        let Some(inner) = first_leaf(&scope.items).filter(|_| bare) else { return };
        let mut node = self.ensure(here.frame);
        for step in before {
            node = self.descend(node, step, false, None);
        }
        let Place::Member(node, key) = self.place_list(node, last) else { return };
        let list = self.add_numbered(node, Some(key), Kind::Array, "", OutLeaf::None);
        let item = self.add(list, None, Kind::Object, "", OutLeaf::None);
        self.frames.push(Frame { parent: here.frame, path: None, fresh: false, node: Some(item), segment: None });
        let place = self.place(self.frames.len() - 1, inner);
        if let Some(out) = self.put(&place, Kind::Null, "", OutLeaf::Carried) {
            self.carry(leaf, out, Some(scope.rule));
        }
    }

    /// The leaf with which the segment being written says that what stands under this path was cleared.
    fn cleared(&self, path: &str, here: Here) -> Option<NodeId> {
        let segment = here.segment.and_then(|at| self.segments.get(at))?.node;
        let leaf = self.input.member(self.input.member(segment, "absent")?, path)?;
        (self.input.text(leaf) == Some(CLEARED) && self.state(leaf) == InLeaf::Open).then_some(leaf)
    }

    /// Writes the null back where the segment says that this value was cleared.
    pub(super) fn write_cleared(&mut self, field: &'p Field, here: Here) -> bool {
        if !field.restorable || !self.nulls_clear() {
            return false;
        }
        let Some((path, _)) = field.canonical.first() else { return false };
        let Some(leaf) = self.cleared(&path.text, here) else { return false };
        let place = self.place_for(here.frame, &field.native, Some(leaf), field.rule);
        let Some(out) = self.put(&place, Kind::Null, "", OutLeaf::Carried) else { return false };
        self.carry(leaf, out, Some(field.rule));
        true
    }
}

/// The native path of the first field of a block that is written: where its items begin.
fn first_leaf(items: &[Item]) -> Option<&Path> {
    items.iter().find_map(|item| match item {
        Item::Field(field) if field.arrow == Arrow::Both && !field.native.root => Some(&field.native),
        Item::Choice(fields) => fields.iter().find(|f| f.arrow == Arrow::Both).map(|f| &f.native),
        _ => None,
    })
}
