//! Messages with several records: one tree per record, and back into one.

use crate::document::{Document, Kind, NodeId};

/// One tree per item of the array at `records`, each with everything else of the message; the message itself when the
/// path is empty or leads nowhere.
pub fn parts(message: Document, records: &[String]) -> Vec<Document> {
    let names: Vec<&str> = records.iter().map(String::as_str).collect();
    let list = if names.is_empty() { None } else { message.find(message.root(), &names) };
    let Some(list) = list.filter(|l| message.kind(*l) == Kind::Array) else { return vec![message] };
    let items: Vec<NodeId> = message.children(list).collect();
    items.into_iter().map(|item| part(&message, list, item)).collect()
}

fn part(message: &Document, list: NodeId, item: NodeId) -> Document {
    let mut out = Document::new(message.kind(message.root()));
    let root = out.root();
    copy(message, message.root(), list, item, &mut out, root);
    out
}

fn copy(from: &Document, at: NodeId, list: NodeId, item: NodeId, out: &mut Document, to: NodeId) {
    for child in from.children(at) {
        let key = from.key(child);
        if child == list {
            let array = out.add(to, key, Kind::Array, "", from.offset(child));
            out.graft(array, None, from, item);
        } else if holds(from, child, list) {
            let inner = out.add(to, key, from.kind(child), "", from.offset(child));
            copy(from, child, list, item, out, inner);
        } else {
            out.graft(to, key, from, child);
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
        let parts = parts(message, &path);
        assert_eq!(parts[1].to_value(parts[1].root()), serde_json::json!({"H": {"a": "1"}, "C": {"K": [{"n": "2"}]}}));
        let joined = join(parts, &path);
        assert_eq!(joined.to_value(joined.root()), whole);
    }
}
