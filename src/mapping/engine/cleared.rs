//! Values the sender has cleared (`""` in HL7 v2): `absent: cleared-by-sender` in their segment, and back.
//!
//! Only HL7 v2 has nulls that mean this; in JSON a null says nothing. Source: mapping language §5.3; canonical record §2
//! rule 8.

use super::account::OutLeaf;
use super::{Here, Run};
use crate::document::{Kind, NodeId};
use crate::mapping::lang::tree::Syntax;
use crate::mapping::plan::{Field, Scope};

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
        let mut open = vec![node];
        let mut nulls = 0_usize;
        while let Some(at) = open.pop() {
            match self.input.kind(at) {
                Kind::Null => nulls += 1,
                Kind::Object | Kind::Array => open.extend(self.input.children(at)),
                _ => return false,
            }
        }
        if nulls == 0 || !self.nulls_clear() {
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

    /// Writes the null back where the segment says that this value was cleared.
    pub(super) fn write_cleared(&mut self, field: &'p Field, here: Here) -> bool {
        if !field.restorable || !self.nulls_clear() {
            return false;
        }
        let Some((path, _)) = field.canonical.first() else { return false };
        let segment = here.segment.and_then(|at| self.segments.get(at)).map(|s| s.node);
        let absent = segment.and_then(|node| self.input.member(node, "absent"));
        let Some(leaf) = absent.and_then(|list| self.input.member(list, &path.text)) else { return false };
        if self.input.text(leaf) != Some(CLEARED) {
            return false;
        }
        let place = self.place_for(here.frame, &field.native, Some(leaf), field.rule);
        let Some(out) = self.put(&place, Kind::Null, "", OutLeaf::Carried) else { return false };
        self.carry(leaf, out, Some(field.rule));
        true
    }
}
