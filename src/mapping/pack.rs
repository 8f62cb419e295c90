//! Messages with several records: one tree per record, and back into one.

use crate::document::{Document, GraftKeys, Kind, NodeId};
use std::borrow::Cow;

/// A message and the list whose items each make a record.
pub struct Parts {
    message: Document,
    list: Option<(NodeId, Vec<NodeId>)>,
}

impl Parts {
    /// Finds the list; a message whose path leads nowhere, or without one, is one part.
    pub fn of(message: Document, records: &[String]) -> Self {
        let names: Vec<&str> = records.iter().map(String::as_str).collect();
        let found = if names.is_empty() { None } else { message.find(message.root(), &names) };
        let list = found.filter(|l| message.kind(*l) == Kind::Array).map(|l| (l, message.children(l).collect()));
        Self { message, list }
    }
    /// One tree per item, made when it is asked for, each with everything else of the message.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, Document>> + '_ {
        let whole = self.list.is_none().then_some(Cow::Borrowed(&self.message));
        let items = self.list.iter().flat_map(|(list, items)| {
            items.iter().map(|item| Cow::Owned(part(&self.message, *list, *item, items.len())))
        });
        whole.into_iter().chain(items)
    }
}

fn part(message: &Document, list: NodeId, item: NodeId, parts: usize) -> Document {
    /// Nodes of a record besides its share of the message: what stands around the records.
    const AROUND: usize = 32;
    let nodes = (message.node_count() / parts.max(1)).saturating_add(AROUND);
    let mut out = Document::sized(message.kind(message.root()), nodes, message.names());
    let root = out.root();
    let mut keys = GraftKeys::new(message, &out);
    copy(message, message.root(), list, item, (&mut out, root), &mut keys);
    out
}

fn copy(
    from: &Document,
    at: NodeId,
    list: NodeId,
    item: NodeId,
    (out, to): (&mut Document, NodeId),
    keys: &mut GraftKeys,
) {
    for child in from.children(at) {
        let key = from.key_number_of(child).map(|k| keys.number(out, from, k));
        if child == list {
            let array = out.add_numbered(to, key, Kind::Array, "", from.offset(child));
            out.graft_with(array, None, from, item, keys);
        } else if holds(from, child, list) {
            let inner = out.add_numbered(to, key, from.kind(child), "", from.offset(child));
            copy(from, child, list, item, (&mut *out, inner), keys);
        } else {
            out.graft_with(to, key, from, child, keys);
        }
    }
}

fn holds(document: &Document, outer: NodeId, inner: NodeId) -> bool {
    let mut at = inner;
    while let Some(parent) = document.parent(at) {
        if parent == outer {
            return true;
        }
        at = parent;
    }
    false
}

/// One message of several: the first, with the records of the others after its own.
pub fn join(messages: Vec<Document>, records: &[String]) -> Document {
    let names: Vec<&str> = records.iter().map(String::as_str).collect();
    let mut messages = messages.into_iter();
    let Some(mut first) = messages.next() else { return Document::new(Kind::Object) };
    for other in messages {
        let (Some(to), Some(from)) = (first.find(first.root(), &names), other.find(other.root(), &names)) else {
            continue;
        };
        for item in other.children(from) {
            first.graft(to, None, &other, item);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_two_records_comes_apart_and_together_again() {
        let message = Document::from_value(&serde_json::json!({"H": {"a": "1"}, "C": {"K": [{"n": "1"}, {"n": "2"}]}}));
        let whole = message.to_value(message.root());
        let path = ["C".to_owned(), "K".to_owned()];
        let parts: Vec<Document> = Parts::of(message, &path).iter().map(Cow::into_owned).collect();
        assert_eq!(parts[1].to_value(parts[1].root()), serde_json::json!({"H": {"a": "1"}, "C": {"K": [{"n": "2"}]}}));
        let joined = join(parts, &path);
        assert_eq!(joined.to_value(joined.root()), whole);
    }
}
