//! Finding values on the side being read: from a node along a path, through arrays by selector.

use super::Run;
use crate::document::{Kind, NodeId};
use crate::mapping::plan::{Cond, Path, Select, Step};

impl Run<'_, '_> {
    /// The nodes a path leads to from `scope`, in order. Items of an array come one by one.
    pub(super) fn select(&self, scope: NodeId, path: &Path) -> Vec<NodeId> {
        let mut nodes = vec![if path.root { self.input.root() } else { scope }];
        for step in &path.steps {
            let mut next = Vec::new();
            for node in &nodes {
                self.select_step(*node, step, &mut next);
            }
            nodes = next;
            if nodes.is_empty() {
                break;
            }
        }
        nodes
    }

    /// The first node a path leads to, and the others.
    pub(super) fn select_one(&self, scope: NodeId, path: &Path) -> Option<(NodeId, Vec<NodeId>)> {
        let mut nodes = self.select(scope, path).into_iter();
        let first = nodes.next()?;
        Some((first, nodes.collect()))
    }

    fn select_step(&self, node: NodeId, step: &Step, next: &mut Vec<NodeId>) {
        let Some(member) = self.input.member(node, &step.name) else { return };
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
        conds.iter().all(|c| self.constant(item, c).and_then(|m| self.input.text(m)).is_some_and(|t| t == &*c.value))
    }

    /// The leaf a condition looks at.
    fn constant(&self, item: NodeId, cond: &Cond) -> Option<NodeId> {
        cond.names.iter().try_fold(item, |at, name| self.input.member(at, name))
    }

    /// The constants of the selectors along the way from `scope` to `node`: carried exactly if something under them is.
    pub(super) fn constants(&self, path: &Path, node: NodeId) -> Vec<(NodeId, NodeId)> {
        let mut found = Vec::new();
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
