//! The tree: objects, arrays and scalars in one arena, each node with the byte offset it came from.
//!
//! Numbers keep their text (`1.0` stays `1.0`). Node 0 is the root. Order of members and items is kept.

use super::arena::{Arena, Keyed, Names, Piece};
use super::{GraftKeys, safe_name};
use crate::diagnostic::Position;
use std::collections::HashMap;
use std::fmt;

/// A node of one [`Document`]; meaningless in another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NodeId(u32);

impl NodeId {
    /// Position in document order of creation, from 0; usable as an index for per-node side tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Members with names.
    Object,
    /// Items in order.
    Array,
    /// Text.
    String,
    /// A number, kept as written.
    Number,
    /// `true` or `false`.
    Bool,
    /// JSON null.
    Null,
}

const NONE: u32 = u32::MAX;

/// 28 bytes. `a` and `b` are the first and last child of a container, or the piece of text of a scalar.
#[derive(Clone)]
struct Node {
    kind: Kind,
    parent: u32,
    next: u32,
    offset: u32,
    key: u32,
    a: u32,
    b: u32,
}

impl Node {
    const fn is_container(&self) -> bool {
        matches!(self.kind, Kind::Object | Kind::Array)
    }
    const fn has_text(&self) -> bool {
        matches!(self.kind, Kind::String | Kind::Number | Kind::Bool)
    }
    const fn first(&self) -> u32 {
        if self.is_container() { self.a } else { NONE }
    }
}

/// A tree of objects, arrays and scalars. `Debug` prints its size only, never content.
#[derive(Clone)]
pub struct Document {
    nodes: Vec<Node>,
    arena: Arena,
    /// Where nodes stood that a reader has moved.
    origins: HashMap<u32, Piece, Keyed>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} nodes)", self.nodes.len())
    }
}

impl Document {
    /// A document whose root is an empty node of `kind`.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let mut doc = Self::empty(0, None);
        doc.push(NONE, None, kind, "", 0);
        doc
    }
    /// As [`Document::new`], with the names of `like` known, so that what is grafted between the two keeps its numbers.
    #[must_use]
    pub fn alike(kind: Kind, like: &Self) -> Self {
        Self::sized(kind, 0, like.arena.base())
    }
    /// As [`Document::new`], with room for about this many nodes and with names that are known already.
    #[must_use]
    pub fn sized(kind: Kind, nodes: usize, names: Option<&Names>) -> Self {
        /// Bytes of text per node, about.
        const TEXT_BYTES: usize = 16;
        let mut doc = Self {
            nodes: Vec::with_capacity(nodes),
            arena: Arena::knowing(names, nodes.saturating_mul(TEXT_BYTES)),
            origins: HashMap::default(),
        };
        doc.push(NONE, None, kind, "", 0);
        doc
    }
    /// No node at all yet, with room for `text_bytes` of text: for the readers, which make the root themselves.
    pub(super) fn empty(text_bytes: usize, names: Option<&Names>) -> Self {
        /// Bytes of text per node, about: real messages have one node in twenty to thirty bytes, and half of those are names.
        const BYTES_PER_NODE: usize = 10;
        let nodes = Vec::with_capacity(text_bytes / BYTES_PER_NODE);
        Self { nodes, arena: Arena::knowing(names, text_bytes), origins: HashMap::default() }
    }
    /// The root.
    #[must_use]
    pub const fn root(&self) -> NodeId {
        NodeId(0)
    }
    /// How many nodes there are, detached ones included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }
    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index())
    }
    /// The kind of a node (Null for an id of another document).
    #[must_use]
    pub fn kind(&self, id: NodeId) -> Kind {
        self.node(id).map_or(Kind::Null, |n| n.kind)
    }
    /// Whether the node is a scalar: text, number or truth value.
    #[must_use]
    pub fn is_scalar(&self, id: NodeId) -> bool {
        matches!(self.kind(id), Kind::String | Kind::Number | Kind::Bool)
    }
    /// The text of a scalar: the string, the number as written, `true` or `false`. `None` for the rest.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<&str> {
        self.node(id).filter(|n| n.has_text()).map(|n| self.arena.get(Piece::of(n.a, n.b)))
    }
    /// The name under which the node stands in its parent object.
    #[must_use]
    pub fn key(&self, id: NodeId) -> Option<&str> {
        self.arena.key(self.node(id)?.key)
    }
    /// The number of a name in this document: equal names have equal numbers. `None` when no node has it.
    #[must_use]
    pub fn key_number(&self, name: &str) -> Option<u32> {
        self.arena.find_key(name)
    }
    /// The number of a name, given to it now when no node has it yet.
    pub fn number_key(&mut self, name: &str) -> u32 {
        self.arena.intern(name)
    }
    /// How many names the tree has besides those it knew from the start.
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.arena.key_count()
    }
    /// How many names it knew from the start; the numbers of its own begin here.
    #[must_use]
    pub fn known_names(&self) -> usize {
        self.arena.base().map_or(0, Names::len)
    }
    /// The names it knew from the start.
    #[must_use]
    pub const fn names(&self) -> Option<&Names> {
        self.arena.base()
    }
    /// Whether the tree knew these names from the start, so that their numbers are its own.
    #[must_use]
    pub fn knows(&self, names: &Names) -> bool {
        self.arena.base().is_some_and(|own| own.is(names))
    }
    /// Every name of its own, in order of the numbers.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        self.arena.names()
    }
    /// The name with this number.
    #[must_use]
    pub fn key_named(&self, number: u32) -> Option<&str> {
        self.arena.key(number)
    }
    /// The number of the name of a node; `None` for items and the root.
    #[must_use]
    pub fn key_number_of(&self, id: NodeId) -> Option<u32> {
        self.node(id).map(|n| n.key).filter(|k| *k != NONE)
    }
    /// The parent.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).map(|n| n.parent).filter(|p| *p != NONE).map(NodeId)
    }
    /// The nodes from just below the root down to `id`, put into `room`; the lowest ones when there are more than fit.
    pub fn way<'r, const ROOM: usize>(&self, id: NodeId, room: &'r mut [NodeId; ROOM]) -> &'r [NodeId] {
        let mut from = ROOM;
        let mut at = id;
        while let (Some(parent), Some(slot)) = (self.parent(at), from.checked_sub(1)) {
            if let Some(place) = room.get_mut(slot) {
                *place = at;
            }
            from = slot;
            at = parent;
        }
        room.get(from..).unwrap_or(&[])
    }
    /// Byte offset in the source the node was read from; 0 for built nodes.
    #[must_use]
    pub fn offset(&self, id: NodeId) -> usize {
        self.node(id).map_or(0, |n| n.offset as usize)
    }
    /// Members or items, in order.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let mut at = self.node(id).map_or(NONE, Node::first);
        std::iter::from_fn(move || {
            let here = self.nodes.get(at as usize)?;
            let id = NodeId(at);
            at = here.next;
            Some(id)
        })
    }
    /// Whether any node, detached ones included, is of this kind.
    pub(super) fn has_kind(&self, kind: Kind) -> bool {
        self.nodes.iter().any(|n| n.kind == kind)
    }
    /// Every node below a node, itself included, in document order.
    pub fn below(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(id), move |at| self.following(*at, id))
    }
    /// Every node of the tree under the name with this number, in order of their making: one look at each node, which is
    /// less than a walk.
    #[must_use]
    pub fn named(&self, key: u32) -> Vec<NodeId> {
        let hung = |id: &NodeId| {
            let mut at = *id;
            while let Some(parent) = self.parent(at) {
                at = parent;
            }
            at == self.root()
        };
        let all = self.nodes.iter().zip(0..).filter(|(node, _)| node.key == key);
        all.map(|(_, at)| NodeId(at)).filter(hung).collect()
    }
    /// Every scalar below a node, itself included, in document order.
    pub fn leaves(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let mut next = Some(id.0);
        std::iter::from_fn(move || {
            loop {
                let at = next?;
                let node = self.nodes.get(at as usize)?;
                next = match node.first() {
                    NONE => self.beside(at, node, id.0),
                    first => Some(first),
                };
                if node.has_text() {
                    return Some(NodeId(at));
                }
            }
        })
    }
    /// The node after all that is below this one, in document order, within the subtree of `top`.
    fn beside<'n>(&'n self, mut at: u32, mut node: &'n Node, top: u32) -> Option<u32> {
        while at != top {
            if node.next != NONE {
                return Some(node.next);
            }
            at = node.parent;
            node = self.nodes.get(at as usize)?;
        }
        None
    }
    /// The node after `id` in document order, within the subtree of `top`.
    fn following(&self, id: NodeId, top: NodeId) -> Option<NodeId> {
        let node = self.node(id)?;
        match node.first() {
            NONE => self.beside(id.0, node, top.0).map(NodeId),
            first => Some(NodeId(first)),
        }
    }
    /// Number of members or items.
    #[must_use]
    pub fn len(&self, id: NodeId) -> usize {
        self.children(id).count()
    }
    /// Whether there are no members or items.
    #[must_use]
    pub fn is_empty(&self, id: NodeId) -> bool {
        self.node(id).is_none_or(|n| n.first() == NONE)
    }
    /// The member of an object with this name.
    #[must_use]
    pub fn member(&self, id: NodeId, name: &str) -> Option<NodeId> {
        let node = self.node(id)?;
        if node.first() == NONE {
            return None;
        }
        self.member_numbered(id, self.arena.find_key(name)?)
    }
    /// As [`Document::member`], by the number of the name ([`Document::key_number`]).
    #[must_use]
    pub fn member_numbered(&self, id: NodeId, key: u32) -> Option<NodeId> {
        let mut at = self.node(id)?.first();
        while let Some(node) = self.nodes.get(at as usize) {
            if node.key == key {
                return Some(NodeId(at));
            }
            at = node.next;
        }
        None
    }
    /// The item of an array at this place, from 0.
    #[must_use]
    pub fn item(&self, id: NodeId, index: usize) -> Option<NodeId> {
        self.children(id).nth(index)
    }
    /// Follows member names from a node.
    #[must_use]
    pub fn find(&self, from: NodeId, names: &[&str]) -> Option<NodeId> {
        names.iter().try_fold(from, |at, name| self.member(at, name))
    }
    /// The text at the end of a chain of member names.
    #[must_use]
    pub fn text_at(&self, from: NodeId, names: &[&str]) -> Option<&str> {
        self.find(from, names).and_then(|n| self.text(n))
    }
    /// The same tree with these names known: every node keeps its id.
    #[must_use]
    pub fn based(&self, names: &Names) -> Self {
        let mut out = Self { nodes: self.nodes.clone(), arena: self.arena.based(names), origins: self.origins.clone() };
        let count = self.known_names().saturating_add(self.key_count());
        let numbers: Vec<u32> = (0..count)
            .map(|key| out.number_key(u32::try_from(key).ok().and_then(|k| self.key_named(k)).unwrap_or("")))
            .collect();
        for node in out.nodes.iter_mut().filter(|n| n.key != NONE) {
            node.key = numbers.get(node.key as usize).copied().unwrap_or(NONE);
        }
        out
    }
    /// Appends a node. `key` must be given exactly when the parent is an object. `text` is used by scalars only.
    pub fn add(&mut self, parent: NodeId, key: Option<&str>, kind: Kind, text: &str, offset: usize) -> NodeId {
        self.push(parent.0, key, kind, text, u32::try_from(offset).unwrap_or(0))
    }
    /// As [`Document::add`], with the number of the name ([`Document::number_key`]); `None` in an array.
    pub fn add_numbered(&mut self, parent: NodeId, key: Option<u32>, kind: Kind, text: &str, offset: usize) -> NodeId {
        self.push_numbered(parent.0, key.unwrap_or(NONE), kind, text, u32::try_from(offset).unwrap_or(0))
    }
    /// Makes the root of an [`Document::empty`] tree.
    pub(super) fn add_root(&mut self, kind: Kind, text: &str, offset: usize) -> NodeId {
        self.push(NONE, None, kind, text, u32::try_from(offset).unwrap_or(0))
    }
    /// Appends a string member to an object.
    pub fn add_text(&mut self, parent: NodeId, key: &str, text: &str) -> NodeId {
        self.add(parent, Some(key), Kind::String, text, 0)
    }
    fn push(&mut self, parent: u32, key: Option<&str>, kind: Kind, text: &str, offset: u32) -> NodeId {
        let key = key.map_or(NONE, |k| self.arena.intern(k));
        self.push_numbered(parent, key, kind, text, offset)
    }
    fn push_numbered(&mut self, parent: u32, key: u32, kind: Kind, text: &str, offset: u32) -> NodeId {
        let id = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let (a, b) = match kind {
            Kind::Object | Kind::Array | Kind::Null => (NONE, NONE),
            _ => self.arena.push(text).parts(),
        };
        self.nodes.push(Node { kind, parent: NONE, next: NONE, offset, key, a, b });
        self.append(id, parent);
        NodeId(id)
    }
    /// Hangs a node without parent under `parent`, last.
    fn append(&mut self, id: u32, parent: u32) {
        let Some(p) = self.nodes.get_mut(parent as usize).filter(|p| p.is_container()) else { return };
        let last = std::mem::replace(&mut p.b, id);
        if p.a == NONE {
            p.a = id;
        }
        if let Some(l) = self.nodes.get_mut(last as usize) {
            l.next = id;
        }
        if let Some(n) = self.nodes.get_mut(id as usize) {
            n.parent = parent;
        }
    }
    /// Replaces a scalar's kind and text; an object or array with children is left alone.
    pub fn set_scalar(&mut self, id: NodeId, kind: Kind, text: &str) {
        if !self.is_empty(id) || matches!(kind, Kind::Object | Kind::Array) {
            return;
        }
        let (a, b) = if kind == Kind::Null { (NONE, NONE) } else { self.arena.push(text).parts() };
        if let Some(n) = self.nodes.get_mut(id.index()) {
            (n.kind, n.a, n.b) = (kind, a, b);
        }
    }
    /// Takes a node out of its parent. Its id stays valid but is reachable from nowhere.
    pub fn detach(&mut self, id: NodeId) {
        let Some(parent) = self.parent(id) else { return };
        let next = self.node(id).map_or(NONE, |n| n.next);
        let before = self.children(parent).take_while(|c| *c != id).last();
        if let Some(b) = before.and_then(|b| self.nodes.get_mut(b.index())) {
            b.next = next;
        }
        if let Some(p) = self.nodes.get_mut(parent.index()) {
            if before.is_none() {
                p.a = next;
            }
            if p.b == id.0 {
                p.b = before.map_or(NONE, |b| b.0);
            }
        }
        if let Some(n) = self.nodes.get_mut(id.index()) {
            n.parent = NONE;
            n.next = NONE;
        }
    }
    /// Moves a node, with all below it, to the end of `parent` under a new name (`None` in an array).
    pub fn relocate(&mut self, id: NodeId, parent: NodeId, key: Option<&str>) {
        let key = key.map(|k| self.arena.intern(k));
        self.relocate_numbered(id, parent, key);
    }
    /// As [`Document::relocate`], with the number of the name.
    pub(super) fn relocate_numbered(&mut self, id: NodeId, parent: NodeId, key: Option<u32>) {
        let key = key.unwrap_or(NONE);
        self.detach(id);
        if let Some(n) = self.nodes.get_mut(id.index()) {
            n.key = key;
        }
        self.append(id.0, parent.0);
    }
    /// As [`Document::set_origin`], put together in place.
    pub(super) fn set_origin_of(&mut self, id: NodeId, pointer: fmt::Arguments<'_>) {
        let piece = self.arena.push_parts(pointer);
        self.origins.insert(id.0, piece);
    }
    /// Makes room for the origins of so many more nodes.
    pub(super) fn reserve_origins(&mut self, more: usize) {
        self.origins.reserve(more);
    }
    /// Remembers where a node stood in the message as it was sent, when a reader has moved it since.
    pub fn set_origin(&mut self, id: NodeId, pointer: &str) {
        self.set_origin_of(id, format_args!("{pointer}"));
    }
    /// Copies the subtree at `from` of `other` under `parent`.
    pub fn graft(&mut self, parent: NodeId, key: Option<&str>, other: &Document, from: NodeId) -> NodeId {
        let id = self.add(parent, key, other.kind(from), other.text(from).unwrap_or(""), other.offset(from));
        for child in other.children(from) {
            self.graft(id, other.key(child), other, child);
        }
        id
    }
    /// As [`Document::graft`] for many subtrees of one tree: `keys` remembers the numbers of its names.
    pub(crate) fn graft_with(
        &mut self,
        parent: NodeId,
        key: Option<u32>,
        other: &Document,
        from: NodeId,
        keys: &mut GraftKeys,
    ) -> NodeId {
        let text = other.text(from).unwrap_or("");
        let id = self.add_numbered(parent, key, other.kind(from), text, other.offset(from));
        for child in other.children(from) {
            let key = other.key_number_of(child).map(|k| keys.number(self, other, k));
            self.graft_with(id, key, other, child, keys);
        }
        id
    }
    /// Copies a subtree of this document to the end of `parent`.
    pub fn clone_under(&mut self, parent: NodeId, key: Option<&str>, from: NodeId) -> NodeId {
        let (kind, offset) = (self.kind(from), self.offset(from));
        let text = self.text(from).unwrap_or("").to_owned();
        let id = self.add(parent, key, kind, &text, offset);
        for child in self.children(from).collect::<Vec<_>>() {
            let key = self.key(child).map(str::to_owned);
            self.clone_under(id, key.as_deref(), child);
        }
        id
    }
    /// RFC 6901 JSON Pointer of a node; empty for the root.
    #[must_use]
    pub fn pointer(&self, id: NodeId) -> String {
        self.pointer_with(id, |_| None, |key| key.replace('~', "~0").replace('/', "~1"))
    }
    /// The pointer to show to people: in the message as it was sent, where a reader has moved nodes (FHIR regrouping),
    /// and with `*` for a name that may be somebody's data ([`safe_name`]).
    #[must_use]
    pub fn source_pointer(&self, id: NodeId) -> String {
        self.pointer_with(id, |n| self.origins.get(&n.0).map(|o| self.arena.get(*o)), |key| safe_name(key).to_owned())
    }
    fn pointer_with<'a>(
        &'a self,
        id: NodeId,
        origin: impl Fn(NodeId) -> Option<&'a str>,
        name: impl Fn(&str) -> String,
    ) -> String {
        let mut steps = Vec::new();
        let mut at = id;
        let head = loop {
            if let Some(known) = origin(at) {
                break known;
            }
            let Some(parent) = self.parent(at) else { break "" };
            steps.push(match self.key(at) {
                Some(key) => name(key),
                None => self.children(parent).position(|c| c == at).unwrap_or(0).to_string(),
            });
            at = parent;
        };
        steps.iter().rev().fold(head.to_owned(), |path, step| path + "/" + step)
    }
    /// The node at a JSON Pointer.
    #[must_use]
    pub fn at_pointer(&self, pointer: &str) -> Option<NodeId> {
        pointer.split('/').skip(1).try_fold(self.root(), |at, step| match self.kind(at) {
            Kind::Array => self.item(at, step.parse().ok()?),
            _ => self.member(at, &step.replace("~1", "/").replace("~0", "~")),
        })
    }
    /// Line and column of a node in the source it was read from.
    #[must_use]
    pub fn position(&self, id: NodeId, source: &[u8]) -> Position {
        Position::of(source, self.offset(id))
    }
    /// Whether two subtrees say the same: kinds, texts, names and order of items; order of members does not matter.
    #[must_use]
    pub fn same(&self, a: NodeId, other: &Document, b: NodeId) -> bool {
        if self.kind(a) != other.kind(b) || self.text(a) != other.text(b) || self.len(a) != other.len(b) {
            return false;
        }
        match self.kind(a) {
            Kind::Object => self
                .children(a)
                .all(|c| self.key(c).and_then(|k| other.member(b, k)).is_some_and(|d| self.same(c, other, d))),
            Kind::Array => self.children(a).zip(other.children(b)).all(|(c, d)| self.same(c, other, d)),
            _ => true,
        }
    }
    /// As a `serde_json` value, for schema validation. Numbers keep their text.
    #[must_use]
    pub fn to_value(&self, id: NodeId) -> serde_json::Value {
        use serde_json::Value;
        match self.kind(id) {
            Kind::Object => Value::Object(
                self.children(id).map(|c| (self.key(c).unwrap_or("").to_owned(), self.to_value(c))).collect(),
            ),
            Kind::Array => Value::Array(self.children(id).map(|c| self.to_value(c)).collect()),
            Kind::String => Value::String(self.text(id).unwrap_or("").to_owned()),
            Kind::Bool => Value::Bool(self.text(id) == Some("true")),
            Kind::Number => serde_json::from_str::<serde_json::Number>(self.text(id).unwrap_or("0"))
                .map_or(Value::Null, Value::Number),
            Kind::Null => Value::Null,
        }
    }
    /// From a `serde_json` value.
    #[must_use]
    pub fn from_value(value: &serde_json::Value) -> Self {
        let mut doc = Self::empty(0, None);
        doc.push_value(NONE, None, value);
        doc
    }
    /// Appends a `serde_json` value under `parent`.
    pub fn add_value(&mut self, parent: NodeId, key: Option<&str>, value: &serde_json::Value) -> NodeId {
        self.push_value(parent.0, key, value)
    }
    fn push_value(&mut self, parent: u32, key: Option<&str>, value: &serde_json::Value) -> NodeId {
        use serde_json::Value;
        match value {
            Value::Null => self.push(parent, key, Kind::Null, "", 0),
            Value::Bool(b) => self.push(parent, key, Kind::Bool, if *b { "true" } else { "false" }, 0),
            Value::Number(n) => self.push(parent, key, Kind::Number, &n.to_string(), 0),
            Value::String(s) => self.push(parent, key, Kind::String, s, 0),
            Value::Array(items) => {
                let id = self.push(parent, key, Kind::Array, "", 0);
                for item in items {
                    self.push_value(id.0, None, item);
                }
                id
            }
            Value::Object(members) => {
                let id = self.push(parent, key, Kind::Object, "", 0);
                for (name, item) in members {
                    self.push_value(id.0, Some(name), item);
                }
                id
            }
        }
    }
}
