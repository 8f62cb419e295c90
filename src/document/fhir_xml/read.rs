//! FHIR XML to the tree of FHIR JSON.

use super::{Element, FhirShape, NAMESPACE, Place, Primitive, XHTML, is_type, place_of};
use crate::diagnostic::{Diagnostic, Span, code};
use crate::document::xml::{self, Admitted, Content, Repeats, XmlShape};
use crate::document::{Document, Kind, Limits, NodeId};

/// Elements that are lists wherever they stand.
const ALWAYS_LISTS: [&str; 3] = ["extension", "modifierExtension", "contained"];

/// Nodes of the XML tree for one of ours: an element in a list, with its attribute.
const NODES_PER_VALUE: usize = 3;

/// Reads a FHIR resource (mostly a Bundle) in XML. `text` comes from [`xml::decode`].
///
/// # Errors
/// What [`xml::read`] refuses; `SOL-SCHEMA-INVALID` when the root is no resource, an element is in another namespace, a
/// value is not in the attribute `value`, or an element stands twice that may stand once. With position and path.
pub fn read(text: &str, limits: &Limits, shape: &dyn FhirShape) -> Result<Document, Diagnostic> {
    let root = xml::root_name(text).unwrap_or_default();
    let wide = Limits { nodes_max: limits.nodes_max.saturating_mul(NODES_PER_VALUE), ..*limits };
    let tree = xml::read(text, if is_type(&root) { &root } else { "Bundle" }, &wide, Some(&Elements))?;
    let mut work = Work { tree: &tree, text, shape, out: Document::sized(Kind::Object, 0, shape.names()) };
    let to = work.out.root();
    work.resource(tree.root(), &root, to)?;
    if work.out.node_count() > limits.nodes_max {
        let text = format!("the message has more than {} values", limits.nodes_max);
        return Err(Diagnostic::error(code::DOC_LIMIT, text));
    }
    Ok(work.out)
}

/// Nothing is known of the elements while the XML is read; only their namespaces are looked at.
struct Elements;

impl XmlShape for Elements {
    fn root(&self) -> Place {
        Place(0)
    }
    fn child(&self, _: Place, _: &str) -> Option<(Place, Repeats)> {
        None
    }
    fn content(&self, _: Place) -> Content {
        Content::Elements
    }
    fn rank(&self, _: Place, _: &str) -> Option<usize> {
        None
    }
    fn admits(&self, namespace: Option<&str>, name: &str) -> Admitted {
        match (namespace, name) {
            (Some(XHTML), "div") => Admitted::Verbatim,
            (Some(NAMESPACE), _) => Admitted::Element,
            _ => Admitted::Refused,
        }
    }
}

struct Work<'a> {
    tree: &'a Document,
    text: &'a str,
    shape: &'a dyn FhirShape,
    out: Document,
}

impl Work<'_> {
    fn complain<T>(&self, node: NodeId, text: &str) -> Result<T, Diagnostic> {
        let at = self.tree.offset(node);
        Err(Diagnostic::error(code::SCHEMA_INVALID, text)
            .with_span(Span { start: at, end: at + 1 }, self.text.as_bytes())
            .with_pointer(self.tree.source_pointer(node)))
    }

    // Recursion is as deep as the message: `Limits::depth_max`.
    fn resource(&mut self, from: NodeId, kind: &str, to: NodeId) -> Result<(), Diagnostic> {
        if !is_type(kind) {
            return self.complain(from, "a FHIR message is a resource: its root element is named by its type");
        }
        let at = self.tree.offset(from);
        self.out.add(to, Some("resourceType"), Kind::String, kind, at);
        self.members(from, place_of(self.shape, kind), to)
    }

    /// The attributes and elements of `from` as members of `to`.
    fn members(&mut self, from: NodeId, place: Option<Place>, to: NodeId) -> Result<(), Diagnostic> {
        let tree = self.tree;
        for child in tree.children(from) {
            let name = tree.key(child).unwrap_or("");
            match name.strip_prefix('@') {
                Some(attribute @ ("id" | "url")) => {
                    let text = tree.text(child).unwrap_or("");
                    self.out.add(to, Some(attribute), Kind::String, text, tree.offset(child));
                }
                Some("value") => {}
                Some(_) => return self.complain(child, "the attributes of FHIR are `id`, `url` and `value`"),
                None if name == "#text" => return self.complain(child, "FHIR has no text between its elements"),
                None => self.element(child, name, place, to)?,
            }
        }
        Ok(())
    }

    /// All elements of one name in one parent.
    fn element(&mut self, list: NodeId, name: &str, place: Option<Place>, to: NodeId) -> Result<(), Diagnostic> {
        let tree = self.tree;
        let items: Vec<NodeId> = tree.children(list).collect();
        let Some(first) = items.first() else { return Ok(()) };
        if is_type(name) {
            let [one] = items.as_slice() else {
                return self.complain(list, "one resource stands here");
            };
            return self.resource(*one, name, to);
        }
        if self.out.member(to, name).is_some() {
            return self.complain(*first, "this element stands as an attribute too");
        }
        let known = place.and_then(|p| self.shape.element(p, name));
        let is_list = known.map_or(items.len() > 1 || ALWAYS_LISTS.contains(&name), |e| e.list);
        if let (false, Some(second)) = (is_list, items.get(1)) {
            return self.complain(*second, "this element may stand only once here");
        }
        let at = tree.offset(*first);
        let (values, key) = match is_list {
            true if items.iter().any(|i| self.has_value(*i, known)) => {
                (self.out.add(to, Some(name), Kind::Array, "", at), None)
            }
            _ => (to, Some(name)),
        };
        let beside = items.iter().any(|i| self.is_primitive(*i, known) && self.more(*i));
        let under = format!("_{name}");
        let (extras, extra_key) = match (beside, is_list) {
            (true, true) => (self.out.add(to, Some(&under), Kind::Array, "", at), None),
            _ => (to, Some(under.as_str())),
        };
        for item in items {
            self.item(item, name, known, values, key)?;
            if beside {
                self.extra(item, extras, extra_key)?;
            }
        }
        Ok(())
    }

    fn is_primitive(&self, item: NodeId, known: Option<Element>) -> bool {
        self.tree.kind(item) == Kind::Object
            && (self.tree.member(item, "@value").is_some() || known.is_some_and(|e| e.primitive.is_some()))
    }

    /// Whether the element adds something under its own name: everything but a primitive with extensions only.
    fn has_value(&self, item: NodeId, known: Option<Element>) -> bool {
        self.tree.member(item, "@value").is_some() || !self.is_primitive(item, known)
    }

    /// Whether a primitive has an id or extensions.
    fn more(&self, item: NodeId) -> bool {
        self.tree.children(item).any(|c| self.tree.key(c) != Some("@value"))
    }

    fn item(
        &mut self,
        item: NodeId,
        name: &str,
        known: Option<Element>,
        to: NodeId,
        key: Option<&str>,
    ) -> Result<(), Diagnostic> {
        let tree = self.tree;
        let at = tree.offset(item);
        if let Some(text) = tree.text(item) {
            if name != "div" && !text.is_empty() {
                return self.complain(item, "FHIR writes a value in the attribute `value`");
            }
            self.out.add(to, key, Kind::String, text, at);
        } else if let Some(text) = tree.text_at(item, &["@value"]) {
            self.out.add(to, key, kind_of(known.map_or_else(|| by_name(name), |e| e.primitive), text), text, at);
        } else if !self.is_primitive(item, known) {
            let object = self.out.add(to, key, Kind::Object, "", at);
            self.members(item, known.map(|e| e.place), object)?;
        } else if key.is_none() {
            self.out.add(to, None, Kind::Null, "", at);
        }
        Ok(())
    }

    /// Id and extensions of a primitive.
    fn extra(&mut self, item: NodeId, to: NodeId, key: Option<&str>) -> Result<(), Diagnostic> {
        let at = self.tree.offset(item);
        if self.tree.kind(item) == Kind::Object && self.more(item) {
            let object = self.out.add(to, key, Kind::Object, "", at);
            return self.members(item, None, object);
        }
        if key.is_none() {
            self.out.add(to, None, Kind::Null, "", at);
        }
        Ok(())
    }
}

/// What the name of a choice (`value[x]`) says where the schema says nothing, mostly in extensions.
fn by_name(name: &str) -> Option<Primitive> {
    match name.strip_prefix("value")? {
        "Boolean" => Some(Primitive::Bool),
        "Integer" | "Decimal" | "PositiveInt" | "UnsignedInt" => Some(Primitive::Number),
        _ => None,
    }
}

/// The kind a value has in JSON. What is no number stays text, so that the schema complains of it with its place.
fn kind_of(primitive: Option<Primitive>, text: &str) -> Kind {
    match primitive {
        Some(Primitive::Bool) if matches!(text, "true" | "false") => Kind::Bool,
        Some(Primitive::Number) if serde_json::from_str::<serde_json::Number>(text).is_ok() => Kind::Number,
        _ => Kind::String,
    }
}
