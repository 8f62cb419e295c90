//! Making the side being written: places come into being when their first value arrives, so nothing empty is left.

use super::account::OutLeaf;
use super::{Frame, Run};
use crate::document::{Kind, NodeId};
use crate::mapping::plan::{Cond, Path, Select, Step};

/// Where a leaf is to be put.
pub(super) enum Place<'p> {
    /// As a member of an object.
    Member(NodeId, &'p str),
    /// At the end of an array; `true` when it moved up because earlier places are empty.
    Item(NodeId, bool),
    /// Something stands there already.
    Taken,
}

impl<'p> Run<'p, '_> {
    /// A place below `parent` that does not exist yet.
    pub(super) fn frame(&mut self, parent: usize, path: &'p Path, fresh: bool, segment: Option<usize>) -> usize {
        // `.` is the scope itself: the same place, unless a new segment is to be made there.
        if path.steps.is_empty() && !path.root && segment.is_none() {
            return parent;
        }
        self.frames.push(Frame { parent, path: Some(path), fresh, node: None, segment });
        self.frames.len() - 1
    }

    pub(super) fn made(&self, frame: usize) -> Option<NodeId> {
        self.frames.get(frame).and_then(|f| f.node)
    }

    /// The object of a frame, made now if need be.
    pub(super) fn ensure(&mut self, frame: usize) -> NodeId {
        let root = self.out.root();
        let Some(f) = self.frames.get(frame) else { return root };
        if let Some(node) = f.node {
            return node;
        }
        let (parent, path, fresh, segment) = (f.parent, f.path, f.fresh, f.segment);
        let Some(path) = path else { return root };
        let mut node = if path.root { root } else { self.ensure(parent) };
        let last = path.steps.len().saturating_sub(1);
        for (i, step) in path.steps.iter().enumerate() {
            node = self.descend(node, step, fresh && i == last, segment);
        }
        if let Some(f) = self.frames.get_mut(frame) {
            f.node = Some(node);
        }
        if let Some(segment) = segment {
            self.dress(segment, node);
        }
        node
    }

    /// The object at one step below `node`, found or made.
    fn descend(&mut self, node: NodeId, step: &'p Step, fresh: bool, segment: Option<usize>) -> NodeId {
        if !step.array {
            return match self.out.member(node, &step.name) {
                Some(found) => found,
                None => self.add(node, Some(&step.name), Kind::Object, "", OutLeaf::None),
            };
        }
        let array = match self.out.member(node, &step.name) {
            Some(found) => found,
            None => self.add(node, Some(&step.name), Kind::Array, "", OutLeaf::None),
        };
        let found = match &step.select {
            _ if fresh => None,
            Select::Where(conds) => self.out.children(array).find(|i| self.fits_out(*i, conds)),
            Select::At(at) | Select::From(at) => self.out.item(array, *at),
            Select::All => None,
        };
        if let Some(found) = found {
            return found;
        }
        let item = self.add(array, None, Kind::Object, "", OutLeaf::None);
        // Segments carry id and label first; their constants follow in `dress`.
        if segment.is_none() {
            self.add_constants(item, step);
        }
        item
    }

    /// The constants of a selector, set on a new item.
    pub(super) fn add_constants(&mut self, item: NodeId, step: &'p Step) {
        if let Select::Where(conds) = &step.select {
            for cond in conds {
                let Some((last, before)) = cond.names.split_last() else { continue };
                let mut at = item;
                for name in before {
                    at = match self.out.member(at, name) {
                        Some(found) => found,
                        None => self.add(at, Some(name), Kind::Object, "", OutLeaf::None),
                    };
                }
                self.add(at, Some(last), cond.kind, &cond.value, OutLeaf::Structural);
            }
        }
    }

    fn fits_out(&self, item: NodeId, conds: &[Cond]) -> bool {
        conds.iter().all(|c| {
            let leaf = c.names.iter().try_fold(item, |at, name| self.out.member(at, name));
            leaf.and_then(|m| self.out.text(m)).is_some_and(|t| t == &*c.value)
        })
    }

    /// Where the leaf of `path` goes, its containers made on the way.
    pub(super) fn place(&mut self, frame: usize, path: &'p Path) -> Place<'p> {
        if path.steps.is_empty() && !path.root {
            return self.place_of_scalar_item(frame);
        }
        let Some((last, before)) = path.steps.split_last() else { return Place::Taken };
        let mut node = if path.root { self.out.root() } else { self.ensure(frame) };
        for step in before {
            node = self.descend(node, step, false, None);
        }
        self.place_step(node, last)
    }

    fn place_step(&mut self, node: NodeId, step: &'p Step) -> Place<'p> {
        if !step.array {
            return match self.out.member(node, &step.name) {
                Some(_) => Place::Taken,
                None => Place::Member(node, &step.name),
            };
        }
        let array = match self.out.member(node, &step.name) {
            Some(found) => found,
            None => self.add(node, Some(&step.name), Kind::Array, "", OutLeaf::None),
        };
        let length = self.out.len(array);
        match &step.select {
            Select::At(at) if *at < length => Place::Taken,
            Select::At(at) | Select::From(at) => Place::Item(array, *at > length),
            Select::All | Select::Where(_) => Place::Item(array, false),
        }
    }

    /// `.` inside an `each` over scalars: the item itself.
    fn place_of_scalar_item(&mut self, frame: usize) -> Place<'p> {
        let Some(f) = self.frames.get(frame) else { return Place::Taken };
        if f.node.is_some() {
            return Place::Taken;
        }
        let (parent, Some(path)) = (f.parent, f.path) else { return Place::Taken };
        let Some((last, before)) = path.steps.split_last() else { return Place::Taken };
        let mut node = if path.root { self.out.root() } else { self.ensure(parent) };
        for step in before {
            node = self.descend(node, step, false, None);
        }
        self.place_step(node, last)
    }

    /// Puts a scalar at a place.
    pub(super) fn put(&mut self, place: &Place<'p>, kind: Kind, text: &str, origin: OutLeaf) -> Option<NodeId> {
        match place {
            Place::Member(node, name) => Some(self.add(*node, Some(name), kind, text, origin)),
            Place::Item(array, _) => Some(self.add(*array, None, kind, text, origin)),
            Place::Taken => None,
        }
    }

    /// Takes a leaf of the out side out again, with containers that become empty.
    pub(super) fn remove(&mut self, node: NodeId) {
        let mut at = node;
        while let Some(parent) = self.out.parent(at) {
            self.out.detach(at);
            if !self.out.is_empty(parent) || parent == self.out.root() {
                return;
            }
            at = parent;
        }
    }
}
