//! The tree: objects, arrays and scalars in one arena, each node with the byte offset it came from.
//!
//! Numbers keep their text (`1.0` stays `1.0`). Node 0 is the root. Order of members and items is kept.

use crate::diagnostic::Position;
use std::fmt;

/// A node of one [`Document`]; meaningless in another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
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

#[derive(Clone)]
struct Node {
    kind: Kind,
    parent: u32,
    first: u32,
    last: u32,
    next: u32,
    offset: u32,
    key: Option<Box<str>>,
    text: Box<str>,
}

/// A tree of objects, arrays and scalars. `Debug` prints its size only, never content.
#[derive(Clone)]
pub struct Document {
    nodes: Vec<Node>,
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
        let mut doc = Self { nodes: Vec::new() };
        doc.push(NONE, None, kind, "", 0);
        doc
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
        self.node(id).filter(|n| matches!(n.kind, Kind::String | Kind::Number | Kind::Bool)).map(|n| &*n.text)
    }
    /// The name under which the node stands in its parent object.
    #[must_use]
    pub fn key(&self, id: NodeId) -> Option<&str> {
        self.node(id)?.key.as_deref()
    }
    /// The parent.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).map(|n| n.parent).filter(|p| *p != NONE).map(NodeId)
    }
    /// Byte offset in the source the node was read from; 0 for built nodes.
    #[must_use]
    pub fn offset(&self, id: NodeId) -> usize {
        self.node(id).map_or(0, |n| n.offset as usize)
    }
    /// Members or items, in order.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let mut at = self.node(id).map_or(NONE, |n| n.first);
        std::iter::from_fn(move || {
            let here = self.nodes.get(at as usize)?;
            let id = NodeId(at);
            at = here.next;
            Some(id)
        })
    }
    /// Number of members or items.
    #[must_use]
    pub fn len(&self, id: NodeId) -> usize {
        self.children(id).count()
    }
    /// Whether there are no members or items.
    #[must_use]
    pub fn is_empty(&self, id: NodeId) -> bool {
        self.node(id).is_none_or(|n| n.first == NONE)
    }
    /// The member of an object with this name.
    #[must_use]
    pub fn member(&self, id: NodeId, name: &str) -> Option<NodeId> {
        self.children(id).find(|c| self.key(*c) == Some(name))
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
    /// Appends a node. `key` must be given exactly when the parent is an object. `text` is used by scalars only.
    pub fn add(&mut self, parent: NodeId, key: Option<&str>, kind: Kind, text: &str, offset: usize) -> NodeId {
        self.push(parent.0, key, kind, text, u32::try_from(offset).unwrap_or(0))
    }
    /// Appends a string member to an object.
    pub fn add_text(&mut self, parent: NodeId, key: &str, text: &str) -> NodeId {
        self.add(parent, Some(key), Kind::String, text, 0)
    }
    fn push(&mut self, parent: u32, key: Option<&str>, kind: Kind, text: &str, offset: u32) -> NodeId {
        let id = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        self.nodes.push(Node {
            kind,
            parent,
            first: NONE,
            last: NONE,
            next: NONE,
            offset,
            key: key.map(Into::into),
            text: text.into(),
        });
        let mut last = NONE;
        if let Some(p) = self.nodes.get_mut(parent as usize) {
            last = std::mem::replace(&mut p.last, id);
            if p.first == NONE {
                p.first = id;
            }
        }
        if let Some(l) = self.nodes.get_mut(last as usize) {
            l.next = id;
        }
        NodeId(id)
    }
    /// Replaces a scalar's kind and text; objects and arrays are left alone.
    pub fn set_scalar(&mut self, id: NodeId, kind: Kind, text: &str) {
        if let Some(n) = self.nodes.get_mut(id.index())
            && n.first == NONE
            && matches!(kind, Kind::String | Kind::Number | Kind::Bool | Kind::Null)
        {
            n.kind = kind;
            n.text = text.into();
        }
    }
    /// Takes a node out of its parent. Its id stays valid but is reachable from nowhere.
    pub fn detach(&mut self, id: NodeId) {
        let Some(parent) = self.parent(id) else { return };
        let next = self.node(id).map_or(NONE, |n| n.next);
        let before = self.children(parent).take_while(|c| *c != id).last();
        match before.and_then(|b| self.nodes.get_mut(b.index())) {
            Some(b) => b.next = next,
            None => {
                if let Some(p) = self.nodes.get_mut(parent.index()) {
                    p.first = next;
                }
            }
        }
        if let Some(p) = self.nodes.get_mut(parent.index())
            && p.last == id.0
        {
            p.last = before.map_or(NONE, |b| b.0);
        }
        if let Some(n) = self.nodes.get_mut(id.index()) {
            n.parent = NONE;
            n.next = NONE;
        }
    }
    /// Copies the subtree at `from` of `other` under `parent`.
    pub fn graft(&mut self, parent: NodeId, key: Option<&str>, other: &Document, from: NodeId) -> NodeId {
        let id = self.add(parent, key, other.kind(from), other.text(from).unwrap_or(""), other.offset(from));
        for child in other.children(from) {
            self.graft(id, other.key(child), other, child);
        }
        id
    }
    /// RFC 6901 JSON Pointer of a node; empty for the root.
    #[must_use]
    pub fn pointer(&self, id: NodeId) -> String {
        let mut steps = Vec::new();
        let mut at = id;
        while let Some(parent) = self.parent(at) {
            steps.push(match self.key(at) {
                Some(key) => key.replace('~', "~0").replace('/', "~1"),
                None => self.children(parent).position(|c| c == at).unwrap_or(0).to_string(),
            });
            at = parent;
        }
        steps.iter().rev().fold(String::new(), |path, step| path + "/" + step)
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
        let mut doc = Self { nodes: Vec::new() };
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
