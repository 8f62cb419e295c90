//! The XML writer.

use super::{Place, XmlShape};
use crate::document::{Document, Kind, NodeId, Style};

/// The subtree at `node` as an XML document with root element `root`, in UTF-8 with a declaration. Elements come in the
/// shape's order, unknown ones after; arrays become repeated elements; what has no value is left out, save where the shape wants
/// it empty ([`XmlShape::blanks`]).
///
/// # Source
/// XML 1.0 §2.4 for escapes; CIN census dossier ("Omit an element that has no value").
#[must_use]
pub fn write(document: &Document, node: NodeId, root: &str, shape: Option<&dyn XmlShape>, style: Style) -> Vec<u8> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let writer = Writer { document, shape, style };
    writer.element(node, root, shape.map(XmlShape::root), 0, &mut out);
    if style == Style::Compact {
        out.push('\n');
    }
    out.into_bytes()
}

struct Writer<'a> {
    document: &'a Document,
    shape: Option<&'a dyn XmlShape>,
    style: Style,
}

impl Writer<'_> {
    // Recursion is as deep as the tree: `Limits::depth_max` for trees that were read.
    fn element(&self, node: NodeId, name: &str, place: Option<Place>, depth: usize, out: &mut String) {
        if self.says_nothing(node) && depth > 0 {
            return;
        }
        self.indent(depth, out);
        out.push('<');
        out.push_str(name);
        if depth == 0 {
            for (prefix, uri) in self.shape.map(XmlShape::namespaces).unwrap_or_default() {
                out.push_str(&format!(" xmlns:{prefix}=\""));
                escape(uri, Some('"'), out);
                out.push('"');
            }
        }
        let members = self.members(node, place);
        for (key, value) in &members {
            if let (Some(name), Some(text)) = (key.strip_prefix('@'), value.and_then(|v| self.document.text(v))) {
                out.push(' ');
                out.push_str(name);
                out.push_str("=\"");
                escape(text, Some('"'), out);
                out.push('"');
            }
        }
        if self.document.is_scalar(node) {
            out.push('>');
            escape(self.document.text(node).unwrap_or(""), None, out);
        } else if !self.children(&members, place, depth, out) {
            out.push_str("/>");
            return self.line(out);
        }
        out.push_str("</");
        out.push_str(name);
        out.push('>');
        self.line(out);
    }

    /// Writes the content of an object; whether there was any. The start tag is closed when there was.
    fn children(
        &self,
        members: &[(&str, Option<NodeId>)],
        place: Option<Place>,
        depth: usize,
        out: &mut String,
    ) -> bool {
        let blanks = self.blanks(place);
        let mut opened = false;
        let mut elements = false;
        for (key, value) in members.iter().copied() {
            if key.starts_with('@') || value.is_none_or(|v| self.says_nothing(v)) && !blanks.contains(&key) {
                continue;
            }
            if !opened {
                out.push('>');
                opened = true;
            }
            if key == "#text" {
                escape(value.and_then(|v| self.document.text(v)).unwrap_or(""), None, out);
                continue;
            }
            if !elements {
                self.line(out);
                elements = true;
            }
            let Some(value) = value.filter(|v| !self.says_nothing(*v)) else {
                self.blank(key, depth + 1, out);
                continue;
            };
            let inner = place.and_then(|p| self.shape?.child(p, key)).map(|(p, _)| p);
            match self.document.kind(value) {
                Kind::Array => {
                    self.document.children(value).for_each(|item| self.element(item, key, inner, depth + 1, out));
                }
                _ => self.element(value, key, inner, depth + 1, out),
            }
        }
        if elements {
            self.indent(depth, out);
        }
        opened
    }

    fn blank(&self, name: &str, depth: usize, out: &mut String) {
        self.indent(depth, out);
        out.push('<');
        out.push_str(name);
        out.push_str("/>");
        self.line(out);
    }

    fn blanks(&self, place: Option<Place>) -> Vec<&str> {
        self.shape.zip(place).map(|(shape, place)| shape.blanks(place)).unwrap_or_default()
    }

    /// The members in writing order, and between them those that are written empty.
    fn members(&self, node: NodeId, place: Option<Place>) -> Vec<(&str, Option<NodeId>)> {
        let mut members: Vec<(&str, Option<NodeId>)> =
            self.document.children(node).filter_map(|c| Some((self.document.key(c)?, Some(c)))).collect();
        if let (Some(place), Some(shape)) = (place, self.shape) {
            for name in self.blanks(Some(place)) {
                if members.iter().all(|(key, _)| *key != name) {
                    members.push((name, None));
                }
            }
            members.sort_by_cached_key(|(key, _)| shape.rank(place, key).unwrap_or(usize::MAX));
        }
        members
    }

    fn says_nothing(&self, node: NodeId) -> bool {
        match self.document.kind(node) {
            Kind::Null => true,
            Kind::Object | Kind::Array => self.document.children(node).all(|c| self.says_nothing(c)),
            _ => self.document.text(node).is_none_or(str::is_empty),
        }
    }

    fn indent(&self, depth: usize, out: &mut String) {
        if self.style == Style::Pretty {
            out.extend(std::iter::repeat_n(' ', depth * 2));
        }
    }
    fn line(&self, out: &mut String) {
        if self.style == Style::Pretty {
            out.push('\n');
        }
    }
}

/// Escapes text, and `quote` where it would end an attribute. A character XML cannot hold (a control character that
/// came with HL7 v2 or JSON) becomes U+FFFD: a reader sees that something stood there, and no text becomes empty.
pub(in crate::document) fn escape(text: &str, quote: Option<char>, out: &mut String) {
    let plain = |b: u8| matches!(b, 0x20..=0x7F) && !matches!(b, b'&' | b'<' | b'>' | b'"');
    if text.bytes().all(plain) {
        return out.push_str(text);
    }
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if quote == Some('"') => out.push_str("&quot;"),
            // A reader would turn these into a space or a line feed.
            '\t' | '\n' if quote.is_some() => out.push_str(if letter == '\t' { "&#9;" } else { "&#10;" }),
            '\r' => out.push_str("&#13;"),
            other if super::names::is_char(u32::from(other)) => out.push(other),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
}
