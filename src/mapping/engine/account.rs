//! The account: for every leaf of both documents, what became of it. A run that does not balance fails.

use super::{Later, Reach, Remark, Run};
use crate::document::{Kind, NodeId};
use crate::mapping::loss::LossKind;
use crate::mapping::plan::RuleId;
use crate::mapping::said::Said;

/// What became of a leaf of the in side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InLeaf {
    /// Nothing yet.
    Open,
    /// It made a leaf of the out side, or is one that every run makes again (ids, links, labels, constants).
    Carried,
    /// It is named in the report.
    Reported,
}

/// Where a leaf of the out side comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OutLeaf {
    /// Not a leaf, or unknown.
    None,
    /// From a leaf of the in side.
    Carried,
    /// A default.
    Defaulted,
    /// A constant.
    Supplied,
    /// Ids, links, labels, selector constants.
    Structural,
}

impl<'p, 'd> Run<'p, 'd> {
    /// Adds a node to the out side with its origin.
    pub(super) fn add(&mut self, parent: NodeId, key: Option<&str>, kind: Kind, text: &str, origin: OutLeaf) -> NodeId {
        let key = key.map(|k| self.out.number_key(k));
        self.add_numbered(parent, key, kind, text, origin)
    }
    /// The number in the out side of a name of the plan.
    pub(super) fn key_out(&mut self, word: u32, name: &str) -> u32 {
        let Some(own) = word.checked_sub(self.known) else { return word };
        match self.strange_out.get_mut(own as usize) {
            Some(Some(known)) => *known,
            Some(place) => *place.insert(self.out.number_key(name)),
            None => self.out.number_key(name),
        }
    }
    /// Adds a member whose name the engine itself knows ([`crate::mapping::plan::Own`]).
    pub(super) fn add_own(&mut self, parent: NodeId, word: u32, kind: Kind, text: &str, origin: OutLeaf) -> NodeId {
        let key = self.own_key(word);
        self.add_numbered(parent, Some(key), kind, text, origin)
    }
    /// The number in the out side of a name the engine itself knows.
    fn own_key(&mut self, word: u32) -> u32 {
        let Some(own) = word.checked_sub(self.known) else { return word };
        let plan = self.plan;
        self.key_out(word, plan.strange.get(own as usize).map_or("", String::as_str))
    }
    /// The member of a node of the out side under a name the engine itself knows.
    pub(super) fn own_out(&self, node: NodeId, word: u32) -> Option<NodeId> {
        let key = match word.checked_sub(self.known) {
            None => word,
            Some(own) => self.strange_out.get(own as usize).copied().flatten()?,
        };
        self.out.member_numbered(node, key)
    }
    /// As [`Run::add`], with the number of the name.
    pub(super) fn add_numbered(
        &mut self,
        parent: NodeId,
        key: Option<u32>,
        kind: Kind,
        text: &str,
        origin: OutLeaf,
    ) -> NodeId {
        let id = self.out.add_numbered(parent, key, kind, text, 0);
        if self.leaves_out.len() <= id.index() {
            self.leaves_out.resize(id.index() + 1, OutLeaf::None);
        }
        if let Some(slot) = self.leaves_out.get_mut(id.index()) {
            *slot = origin;
        }
        id
    }
    /// Whether a leaf of the in side was added for the writing and is not the record's own.
    pub(super) fn synthetic(&self, leaf: NodeId) -> bool {
        self.setting.added_from.is_some_and(|from| leaf.index() >= from)
    }
    pub(super) fn state(&self, leaf: NodeId) -> InLeaf {
        self.leaves_in.get(leaf.index()).copied().unwrap_or(InLeaf::Open)
    }
    pub(super) fn mark(&mut self, leaf: NodeId, state: InLeaf) {
        if let Some(slot) = self.leaves_in.get_mut(leaf.index()) {
            *slot = state;
        }
    }
    /// The in leaf arrived as the out leaf.
    pub(super) fn carry(&mut self, from: NodeId, to: NodeId, rule: Option<RuleId>) {
        self.mark(from, InLeaf::Carried);
        self.witnesses.push((from, to, rule));
    }
    /// The in leaf did not arrive.
    pub(super) fn lose(&mut self, leaf: NodeId, kind: LossKind, rule: RuleId, note: &'static str) {
        self.mark(leaf, InLeaf::Reported);
        self.remark(kind, Some(leaf), None, Some(rule), note);
    }
    /// Something to be said about a value, whatever became of it.
    pub(super) fn remark(
        &mut self,
        kind: LossKind,
        from: Option<NodeId>,
        to: Option<NodeId>,
        rule: Option<RuleId>,
        note: &'static str,
    ) {
        self.remarks.push(Remark { kind, from, to, rule, note, words: None });
    }
    /// What is still open below `node` at the end is reported as `kind`.
    pub(super) fn later(&mut self, node: NodeId, kind: LossKind, rule: RuleId, words: Option<&'p Said>) {
        self.later.push(Later { node, reach: Reach::All, kind, rule, words });
    }
    /// As [`Run::later`], for `drop … rest`.
    pub(super) fn later_rest(&mut self, node: NodeId, rule: RuleId, words: Option<&'p Said>) {
        self.later.push(Later { node, reach: Reach::Known, kind: LossKind::DeclaredDrop, rule, words });
    }
    /// Every leaf below a node of the in side, itself included.
    pub(super) fn leaves_below(&self, node: NodeId) -> impl Iterator<Item = NodeId> + use<'d> {
        self.input.leaves(node)
    }
    /// Reports every open leaf below a node, at once.
    pub(super) fn lose_below(&mut self, node: NodeId, kind: LossKind, rule: RuleId, note: &'static str) {
        for leaf in self.leaves_below(node) {
            if self.state(leaf) == InLeaf::Open {
                self.lose(leaf, kind, rule, note);
            }
        }
    }
    /// Marks every open leaf below a node as one that every run makes again.
    pub(super) fn settle_below(&mut self, node: NodeId) {
        for leaf in self.leaves_below(node) {
            if self.state(leaf) == InLeaf::Open {
                self.mark(leaf, InLeaf::Carried);
            }
        }
    }
    /// Whether a leaf below the node is carried.
    pub(super) fn any_carried_below(&self, node: NodeId) -> bool {
        self.leaves_below(node).any(|l| self.state(l) == InLeaf::Carried)
    }
}
