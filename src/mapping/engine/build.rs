//! Making the side being written: places come into being when their first value arrives, so nothing empty is left.

use super::account::OutLeaf;
use super::{Frame, Run};
use crate::document::{Kind, NodeId};
use crate::mapping::plan::{Cond, Path, Select, Step};

/// Where a leaf is to be put.
pub(super) enum Place {
    /// As a member of an object, by the number of its name.
    Member(NodeId, u32),
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
    pub(super) fn descend(&mut self, node: NodeId, step: &'p Step, fresh: bool, segment: Option<usize>) -> NodeId {
        let kind = if step.array { Kind::Array } else { Kind::Object };
        let key = self.key_out(step.word, &step.name);
        let made = match self.out.member_numbered(node, key) {
            Some(found) => found,
            None => self.add_numbered(node, Some(key), kind, "", OutLeaf::None),
        };
        if !step.array {
            return made;
        }
        let array = made;
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
            for cond in conds.iter().filter(|c| !c.value.is_empty()) {
                let mut at = item;
                let count = cond.words.len();
                for (place, (word, name)) in (1..).zip(cond.words.iter().zip(&cond.names)) {
                    let key = self.key_out(*word, name);
                    if place == count {
                        self.add_numbered(at, Some(key), cond.kind, &cond.value, OutLeaf::Structural);
                        continue;
                    }
                    at = match self.out.member_numbered(at, key) {
                        Some(found) => found,
                        None => self.add_numbered(at, Some(key), Kind::Object, "", OutLeaf::None),
                    };
                }
            }
        }
    }

    fn fits_out(&self, item: NodeId, conds: &[Cond]) -> bool {
        conds.iter().all(|c| {
            let leaf = c.words.iter().zip(&c.names).try_fold(item, |at, (word, name)| {
                let key = match word.checked_sub(self.known) {
                    None => *word,
                    Some(own) => {
                        let known = self.strange_out.get(own as usize).copied().flatten();
                        known.or_else(|| self.out.key_number(name))?
                    }
                };
                self.out.member_numbered(at, key)
            });
            leaf.and_then(|m| self.out.text(m)).unwrap_or("") == &*c.value
        })
    }

    /// Where the leaf of `path` goes, its containers made on the way.
    pub(super) fn place(&mut self, frame: usize, path: &'p Path) -> Place {
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

    /// Where a list goes that does not exist yet.
    pub(super) fn place_list(&mut self, node: NodeId, step: &'p Step) -> Place {
        let key = self.key_out(step.word, &step.name);
        if self.out.member_numbered(node, key).is_some() { Place::Taken } else { Place::Member(node, key) }
    }

    fn place_step(&mut self, node: NodeId, step: &'p Step) -> Place {
        let key = self.key_out(step.word, &step.name);
        let found = self.out.member_numbered(node, key);
        if !step.array {
            return if found.is_some() { Place::Taken } else { Place::Member(node, key) };
        }
        let array = match found {
            Some(found) => found,
            None => self.add_numbered(node, Some(key), Kind::Array, "", OutLeaf::None),
        };
        match &step.select {
            // Counting the items is a walk: only a numbered place needs it.
            Select::At(at) | Select::From(at) => match (&step.select, self.out.len(array)) {
                (Select::At(_), length) if *at < length => Place::Taken,
                (_, length) => Place::Item(array, *at > length),
            },
            Select::All | Select::Where(_) => Place::Item(array, false),
        }
    }

    /// `.` inside an `each` over scalars: the item itself.
    fn place_of_scalar_item(&mut self, frame: usize) -> Place {
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
    pub(super) fn put(&mut self, place: &Place, kind: Kind, text: &str, origin: OutLeaf) -> Option<NodeId> {
        match place {
            Place::Member(node, key) => Some(self.add_numbered(*node, Some(*key), kind, text, origin)),
            Place::Item(array, _) => Some(self.add_numbered(*array, None, kind, text, origin)),
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
