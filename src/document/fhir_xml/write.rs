//! The tree of FHIR JSON to FHIR XML.

use super::{FhirShape, NAMESPACE, Place, is_type, place_of};
use crate::document::xml::escape;
use crate::document::{Document, Kind, NodeId, Style};

/// The order inside an entry of a Bundle, which the regrouped schema does not have.
const ENTRY: [&str; 6] = ["link", "fullUrl", "resource", "search", "request", "response"];

/// A resource as an XML document in UTF-8. Elements come in the shape's order; what has no value is left out, and so is
/// the narrative.
#[must_use]
pub fn write(document: &Document, shape: &dyn FhirShape, style: Style) -> Vec<u8> {
    let out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let mut writer = Writer { document, shape, style, out };
    writer.line();
    writer.resource(document.root(), 0);
    if style == Style::Compact {
        writer.out.push('\n');
    }
    writer.out.into_bytes()
}

struct Writer<'a> {
    document: &'a Document,
    shape: &'a dyn FhirShape,
    style: Style,
    out: String,
}

impl Writer<'_> {
    // Recursion is as deep as the tree: `Limits::depth_max` for trees that were read.
    fn resource(&mut self, node: NodeId, depth: usize) {
        let Some(kind) = self.document.text_at(node, &["resourceType"]).filter(|k| is_type(k)).map(str::to_owned)
        else {
            return;
        };
        self.indent(depth);
        self.out.push('<');
        self.out.push_str(&kind);
        if depth == 0 {
            self.attribute("xmlns", NAMESPACE);
        }
        self.out.push('>');
        self.line();
        let place = place_of(self.shape, &kind);
        self.members(node, place, true, depth + 1);
        self.close(&kind, depth);
    }

    /// The elements of an object in order.
    fn members(&mut self, node: NodeId, place: Option<Place>, is_resource: bool, depth: usize) {
        let document = self.document;
        let mut names: Vec<&str> = Vec::new();
        for child in document.children(node) {
            let name = document.key(child).map_or("", |k| k.strip_prefix('_').unwrap_or(k));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let entry = is_resource || document.member(node, "resource").is_none();
        names.sort_by_key(|name| match entry {
            true => place.and_then(|p| self.shape.rank(p, name)).unwrap_or(usize::MAX),
            false => ENTRY.iter().position(|o| o == name).unwrap_or(usize::MAX),
        });
        for name in names {
            let is_attribute = matches!(name, "id") && !is_resource || name == "url" && self.is_extension(node);
            let narrative = document.find(node, &[name, "div"]).is_some();
            if !is_attribute && !narrative && name != "resourceType" {
                self.element(node, name, place, depth);
            }
        }
    }

    /// Everything an object says under one name.
    fn element(&mut self, of: NodeId, name: &str, place: Option<Place>, depth: usize) {
        let document = self.document;
        let inner = place.and_then(|p| self.shape.element(p, name)).map(|e| e.place);
        let values = self.list(document.member(of, name));
        let extras = self.list(document.member(of, &format!("_{name}")));
        for at in 0..values.len().max(extras.len()) {
            self.one(name, values.get(at).copied(), extras.get(at).copied(), inner, depth);
        }
    }

    fn list(&self, node: Option<NodeId>) -> Vec<NodeId> {
        match node {
            Some(n) if self.document.kind(n) == Kind::Array => self.document.children(n).collect(),
            other => other.into_iter().collect(),
        }
    }

    fn one(&mut self, name: &str, value: Option<NodeId>, extra: Option<NodeId>, place: Option<Place>, depth: usize) {
        let document = self.document;
        let body = value.filter(|v| document.kind(*v) == Kind::Object).or(extra);
        let body = body.filter(|b| !self.says_nothing(*b));
        let text = value.and_then(|v| document.text(v)).filter(|t| !t.is_empty()).map(str::to_owned);
        if body.is_none() && text.is_none() {
            return;
        }
        self.indent(depth);
        self.out.push('<');
        self.out.push_str(name);
        for attribute in ["id", "url"] {
            let wanted = attribute == "id" || matches!(name, "extension" | "modifierExtension");
            let found = body.filter(|b| wanted && document.member(*b, "resourceType").is_none());
            if let Some(said) = found.and_then(|b| document.text_at(b, &[attribute])).map(str::to_owned) {
                self.attribute(attribute, &said);
            }
        }
        if let Some(text) = text {
            self.attribute("value", &text);
        }
        let before = self.out.len();
        if let Some(body) = body {
            self.out.push('>');
            self.line();
            let open = self.out.len();
            match document.member(body, "resourceType") {
                Some(_) => self.resource(body, depth + 1),
                None => self.members(body, place, false, depth + 1),
            }
            if self.out.len() > open {
                return self.close(name, depth);
            }
            self.out.truncate(before);
        }
        self.out.push_str("/>");
        self.line();
    }

    /// Whether an object is an extension, by where it stands.
    fn is_extension(&self, node: NodeId) -> bool {
        let list = self.document.parent(node).and_then(|p| self.document.key(p));
        matches!(list.or_else(|| self.document.key(node)), Some("extension" | "modifierExtension"))
    }

    fn says_nothing(&self, node: NodeId) -> bool {
        match self.document.kind(node) {
            Kind::Null => true,
            Kind::Object | Kind::Array => self.document.children(node).all(|c| self.says_nothing(c)),
            _ => self.document.text(node).is_none_or(str::is_empty),
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape(value, Some('"'), &mut self.out);
        self.out.push('"');
    }
    fn close(&mut self, name: &str, depth: usize) {
        self.indent(depth);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        self.line();
    }
    fn indent(&mut self, depth: usize) {
        if self.style == Style::Pretty {
            self.out.extend(std::iter::repeat_n(' ', depth * 2));
        }
    }
    fn line(&mut self) {
        if self.style == Style::Pretty {
            self.out.push('\n');
        }
    }
}
