//! A regrouped Bundle written as JSON, straight from its groups: what [`super::fhir::ungroup`] makes, without making it.
//!
//! Owns the order of members and entries only; the text of values is the JSON writer's.

use super::json::{begin, line, string, value};
use super::{Document, NodeId, Style};

/// The Bundle as JSON text: a MessageHeader first (FHIR R4 bdl-12), else in the order of the tree.
#[must_use]
pub fn write(tree: &Document, style: Style) -> Vec<u8> {
    /// Bytes of text per node, about.
    const BYTES_PER_NODE: usize = 32;
    let mut out = Vec::with_capacity(tree.node_count().saturating_mul(BYTES_PER_NODE));
    let root = tree.root();
    let mut first = true;
    out.push(b'{');
    text(&mut first, "resourceType", "Bundle", style, 1, &mut out);
    let is_group = |key: &str| key.starts_with(|c: char| c.is_ascii_uppercase());
    let mut groups = Vec::new();
    for child in tree.children(root) {
        match tree.key(child) {
            Some("entry") | None => {}
            Some(key) if is_group(key) => groups.push((key, child)),
            Some(key) => {
                begin(&mut first, Some(key), style, 1, &mut out);
                value(tree, child, style, 1, &mut out);
            }
        }
    }
    groups.sort_by_key(|(key, _)| *key != "MessageHeader");
    let rest = tree.member(root, "entry");
    if !groups.is_empty() || rest.is_some() {
        begin(&mut first, Some("entry"), style, 1, &mut out);
        entries(tree, &groups, rest, style, &mut out);
    }
    line(style, 0, &mut out);
    out.push(b'}');
    if style == Style::Pretty {
        out.push(b'\n');
    }
    out
}

fn entries(tree: &Document, groups: &[(&str, NodeId)], rest: Option<NodeId>, style: Style, out: &mut Vec<u8>) {
    let mut first = true;
    out.push(b'[');
    for (kind, group) in groups {
        for resource in tree.children(*group) {
            begin(&mut first, None, style, 2, out);
            entry(tree, kind, resource, style, out);
        }
    }
    for kept in rest.into_iter().flat_map(|r| tree.children(r)) {
        begin(&mut first, None, style, 2, out);
        value(tree, kept, style, 2, out);
    }
    if !first {
        line(style, 1, out);
    }
    out.push(b']');
}

/// One entry: its address, the resource, and what else was said about it, under the names without `@`.
fn entry(tree: &Document, kind: &str, resource: NodeId, style: Style, out: &mut Vec<u8>) {
    let mut first = true;
    out.push(b'{');
    // A relative `@url` was made here from type and id; `fullUrl` is always absolute.
    if let Some(url) = tree.text_at(resource, &["@url"]).filter(|u| u.contains(':')) {
        text(&mut first, "fullUrl", url, style, 3, out);
    }
    begin(&mut first, Some("resource"), style, 3, out);
    out.push(b'{');
    let mut inner = true;
    text(&mut inner, "resourceType", kind, style, 4, out);
    let mut beside = Vec::new();
    for child in tree.children(resource) {
        match tree.key(child).map(|k| (k, k.strip_prefix('@'))) {
            Some((_, Some("url"))) | None => {}
            Some((_, Some(name))) => beside.push((name, child)),
            Some((name, None)) => {
                begin(&mut inner, Some(name), style, 4, out);
                value(tree, child, style, 4, out);
            }
        }
    }
    line(style, 3, out);
    out.push(b'}');
    for (name, child) in beside {
        begin(&mut first, Some(name), style, 3, out);
        value(tree, child, style, 3, out);
    }
    line(style, 2, out);
    out.push(b'}');
}

fn text(first: &mut bool, key: &str, words: &str, style: Style, depth: usize, out: &mut Vec<u8>) {
    begin(first, Some(key), style, depth, out);
    string(words, out);
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Limits, fhir, json};
    use super::*;

    #[test]
    fn the_text_is_that_of_the_ungrouped_tree() {
        let full = concat!(
            r#"{"resourceType":"Bundle","type":"message","meta":{},"entry":["#,
            r#"{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"a","name":[]},"request":{"method":"POST"}},"#,
            r#"{"fullUrl":"urn:uuid:2","resource":{"resourceType":"MessageHeader"}},"#,
            r#"{"resource":{"resourceType":"Flag","id":"\u00e9\n"},"search":{"mode":"match"}},"#,
            r#"{"response":{"status":"200"}}]}"#
        );
        let small = r#"{"resourceType":"Bundle","type":"collection"}"#;
        let empty = r#"{"resourceType":"Bundle","entry":[]}"#;
        for message in [full, small, empty] {
            let tree = json::read(message.as_bytes(), &Limits::default()).unwrap();
            let grouped = fhir::regroup(tree, message.as_bytes()).unwrap().document;
            let bundle = fhir::ungroup(&grouped);
            assert_eq!(bundle.kind(bundle.root()), Kind::Object);
            for style in [Style::Compact, Style::Pretty] {
                assert_eq!(write(&grouped, style), json::write(&bundle, bundle.root(), style), "{message}");
            }
        }
    }
}
