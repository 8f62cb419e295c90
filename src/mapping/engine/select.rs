//! Finding values on the side being read: from a node along a path, through arrays by selector.

use super::Run;
use crate::document::{Kind, NodeId};
use crate::mapping::plan::{Cond, Path, Select, Step};

/// The nodes a path leads to, in order. Nearly always none or one, which costs no list.
#[derive(Default)]
pub(super) struct Nodes {
    first: Option<NodeId>,
    rest: Vec<NodeId>,
}

impl Nodes {
    const fn one(node: NodeId) -> Self {
        Self { first: Some(node), rest: Vec::new() }
    }
    fn push(&mut self, node: NodeId) {
        match self.first {
            None => self.first = Some(node),
            Some(_) => self.rest.push(node),
        }
    }
    fn extend(&mut self, nodes: impl IntoIterator<Item = NodeId>) {
        nodes.into_iter().for_each(|n| self.push(n));
    }
    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }
    pub(super) const fn first(&self) -> Option<NodeId> {
        self.first
    }
    /// The first and the others.
    pub(super) fn split(self) -> Option<(NodeId, Vec<NodeId>)> {
        self.first.map(|first| (first, self.rest))
    }
}

impl FromIterator<NodeId> for Nodes {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        let mut found = Self::default();
        found.extend(nodes);
        found
    }
}

impl IntoIterator for Nodes {
    type Item = NodeId;
    type IntoIter = std::iter::Chain<std::option::IntoIter<NodeId>, std::vec::IntoIter<NodeId>>;
    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.rest)
    }
}

impl Run<'_, '_> {
    /// The nodes a path leads to from `scope`, in order. Items of an array come one by one.
    pub(super) fn select(&self, scope: NodeId, path: &Path) -> Nodes {
        let start = if path.root { self.input.root() } else { scope };
        let Some((first, steps)) = path.steps.split_first() else { return Nodes::one(start) };
        let mut nodes = Nodes::default();
        self.select_step(start, first, &mut nodes);
        if steps.is_empty() {
            return nodes;
        }
        for step in steps {
            if nodes.is_empty() {
                break;
            }
            if nodes.rest.is_empty() {
                let Some(one) = nodes.first.take() else { break };
                self.select_step(one, step, &mut nodes);
                continue;
            }
            let mut next = Nodes::default();
            for node in nodes {
                self.select_step(node, step, &mut next);
            }
            nodes = next;
        }
        nodes
    }

    /// The first node a path leads to, and the others.
    pub(super) fn select_one(&self, scope: NodeId, path: &Path) -> Option<(NodeId, Vec<NodeId>)> {
        self.select(scope, path).split()
    }

    /// The member of a node of the in side under a name of the plan.
    pub(super) fn member_in(&self, node: NodeId, word: u32) -> Option<NodeId> {
        let key = match word.checked_sub(self.known) {
            None => word,
            Some(own) => self.strange_in.get(own as usize).copied().flatten()?,
        };
        self.input.member_numbered(node, key)
    }

    fn select_step(&self, node: NodeId, step: &Step, next: &mut Nodes) {
        let Some(member) = self.member_in(node, step.word) else { return };
        if self.input.kind(member) != Kind::Array {
            // A schema that says "array" has been checked; a single value counts as its only item.
            if matches!(&step.select, Select::All | Select::At(0) | Select::From(0))
                || matches!(&step.select, Select::Where(conds) if self.fits(member, conds))
            {
                next.push(member);
            }
            return;
        }
        let items = self.input.children(member);
        match &step.select {
            Select::All => next.extend(items),
            Select::At(at) => next.extend(items.skip(*at).take(1)),
            Select::From(at) => next.extend(items.skip(*at)),
            Select::Where(conds) => next.extend(items.filter(|i| self.fits(*i, conds))),
        }
    }

    /// Whether an item has the constants of a selector.
    pub(super) fn fits(&self, item: NodeId, conds: &[Cond]) -> bool {
        // An empty constant means that the member is not there.
        conds.iter().all(|c| self.constant(item, c).and_then(|m| self.input.text(m)).unwrap_or("") == &*c.value)
    }

    /// The leaf a condition looks at.
    fn constant(&self, item: NodeId, cond: &Cond) -> Option<NodeId> {
        cond.words.iter().try_fold(item, |at, word| self.member_in(at, *word))
    }

    /// The constants of the selectors along the way from `scope` to `node`: carried exactly if something under them is.
    pub(super) fn constants(&self, path: &Path, node: NodeId) -> Vec<(NodeId, NodeId)> {
        let mut found = Vec::new();
        if !path.steps.iter().any(|step| matches!(step.select, Select::Where(_))) {
            return found;
        }
        let mut at = Some(node);
        // Walk up from the node, step by step from the end of the path.
        for step in path.steps.iter().rev() {
            let Some(here) = at else { break };
            if let Select::Where(conds) = &step.select {
                found.extend(conds.iter().filter_map(|c| self.constant(here, c)).map(|leaf| (leaf, here)));
            }
            let parent = self.input.parent(here);
            at = match parent {
                Some(array) if self.input.kind(array) == Kind::Array => self.input.parent(array),
                other => other,
            };
        }
        found
    }
}
