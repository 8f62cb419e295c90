//! The JSON writer.

use super::read::plain_bytes;
use crate::document::{Document, Kind, NodeId, Style};

/// The subtree at `node` as JSON text in UTF-8. Members keep their order, numbers their text. `Pretty` ends with a line
/// feed, `Compact` does not.
///
/// # Source
/// RFC 8259 §7 for escapes.
#[must_use]
pub fn write(document: &Document, node: NodeId, style: Style) -> Vec<u8> {
    /// Bytes of text per node, about.
    const BYTES_PER_NODE: usize = 24;
    let mut out = Vec::with_capacity(document.node_count().saturating_mul(BYTES_PER_NODE));
    value(document, node, style, 0, &mut out);
    if style == Style::Pretty {
        out.push(b'\n');
    }
    out
}

// Recursion is as deep as the tree: `Limits::depth_max` for trees that were read.
pub(in crate::document) fn value(document: &Document, node: NodeId, style: Style, depth: usize, out: &mut Vec<u8>) {
    match document.kind(node) {
        Kind::Object => container(document, node, style, depth, out, *b"{}"),
        Kind::Array => container(document, node, style, depth, out, *b"[]"),
        Kind::String => string(document.text(node).unwrap_or(""), out),
        Kind::Number | Kind::Bool => out.extend_from_slice(document.text(node).unwrap_or("null").as_bytes()),
        Kind::Null => out.extend_from_slice(b"null"),
    }
}

fn container(document: &Document, node: NodeId, style: Style, depth: usize, out: &mut Vec<u8>, brackets: [u8; 2]) {
    let [open, close] = brackets;
    out.push(open);
    let mut first = true;
    for child in document.children(node) {
        begin(&mut first, document.key(child), style, depth + 1, out);
        value(document, child, style, depth + 1, out);
    }
    if !first {
        line(style, depth, out);
    }
    out.push(close);
}

/// What stands before a value in its container: comma, line and name.
pub(in crate::document) fn begin(first: &mut bool, key: Option<&str>, style: Style, depth: usize, out: &mut Vec<u8>) {
    if !std::mem::take(first) {
        out.push(b',');
    }
    line(style, depth, out);
    if let Some(key) = key {
        string(key, out);
        out.extend_from_slice(if style == Style::Pretty { b": " } else { b":" });
    }
}

pub(in crate::document) fn line(style: Style, depth: usize, out: &mut Vec<u8>) {
    /// A line's end and the room before the next for most depths.
    const MARGIN: &[u8; 33] = b"\n                                ";
    if style == Style::Pretty {
        match MARGIN.get(..=2 * depth) {
            Some(margin) => out.extend_from_slice(margin),
            None => {
                out.push(b'\n');
                out.resize(out.len() + 2 * depth, b' ');
            }
        }
    }
}

pub(in crate::document) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    // Runs of what stands for itself are copied whole.
    loop {
        let (plain, tail) = rest.split_at(plain_bytes(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = tail.split_first() else { break };
        escape(*byte, out);
        rest = after;
    }
    out.push(b'"');
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0C => out.extend_from_slice(b"\\f"),
        _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
    }
}
