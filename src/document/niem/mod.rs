//! NIEM 6 messages: one tree for the JSON form and the XML form, and back to either.
//!
//! Owns [`from_json`], [`from_xml`], [`to_json`] and [`to_xml`]. The tree is that of the JSON form without its outer object:
//! prefixed names, `@id` for `structures:id`, `structures:ref` and `structures:uri`, a list wherever the schema has one,
//! truth values and numbers as such. [`marks`](self::marks) adds what a mapping cannot work out: whom a part without a
//! reference is about, and who must be protected. Names beginning with `@` are ours but `@id`.
//! Refuses a context that binds a prefix to another namespace. Read the dossier on police messages, §8 rules (a) to (f).

mod marks;

pub use marks::findings;

use super::xml::{Place, Repeats, XmlShape};
use super::{Document, Kind, NodeId};
use crate::diagnostic::{Diagnostic, Span, code};
use std::collections::HashMap;

/// Members that are texts in a message and objects here (`@text`), so that a mark can stand beside the text.
const TEXTS: [&str; 4] = ["pn:VoiceOfChildText", "pn:CircumstancesText", "pn:ActionTakenText", "pn:VulnerabilityText"];

/// The tree of a JSON message.
///
/// # Errors
/// `SOL-SCHEMA-INVALID` when the outer object is not `{"@context", root}`, or the context binds a prefix otherwise.
pub fn from_json(
    document: &Document,
    root: &str,
    source: &[u8],
    shape: &dyn XmlShape,
) -> Result<Document, Vec<Diagnostic>> {
    let outer = document.root();
    let complain = |node: NodeId, text: String| {
        let at = document.offset(node);
        Diagnostic::error(code::SCHEMA_INVALID, text)
            .with_span(Span { start: at, end: at + 1 }, source)
            .with_pointer(document.source_pointer(node))
    };
    let Some(body) = document.member(outer, root).filter(|b| document.kind(*b) == Kind::Object) else {
        return Err(vec![complain(outer, format!("`{root}` is missing, or is no object"))]);
    };
    let mut faults = Vec::new();
    for child in document.children(outer).filter(|c| *c != body) {
        if document.key(child) != Some("@context") {
            faults.push(complain(child, format!("only `@context` stands beside `{root}`")));
        }
    }
    match document.member(outer, "@context").filter(|c| document.kind(*c) == Kind::Object) {
        None => faults.push(complain(outer, "`@context` is missing, or is no object".to_owned())),
        Some(context) => faults.extend(bindings(document, context, shape).into_iter().map(|n| {
            complain(n, "this prefix is bound to another namespace than NIEM 6 and the notification have".to_owned())
        })),
    }
    if let Some(own) =
        document.children(body).find(|c| document.key(*c).is_some_and(|k| k.starts_with('@') && k != "@id"))
    {
        faults.push(complain(own, "a member name that is none of the format's stands here".to_owned()));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut copy = Copy {
        from: document,
        out: Document::sized(Kind::Object, 0, shape.names()),
        shape,
        xml: false,
        known_as: HashMap::new(),
    };
    let to = copy.out.root();
    copy.members(body, to, Some(shape.root()));
    let mut out = copy.out;
    for child in document.children(body).collect::<Vec<_>>() {
        let pointer = document.source_pointer(child);
        if let Some(made) = document.key(child).and_then(|k| out.member(out.root(), k)) {
            out.set_origin(made, &pointer);
        }
    }
    Ok(marks::marked(out))
}

/// Bindings of the context that are not those of the vocabulary. A prefix that the vocabulary lacks is nobody's.
fn bindings(document: &Document, context: NodeId, shape: &dyn XmlShape) -> Vec<NodeId> {
    let known = shape.namespaces();
    let wrong = |c: &NodeId| {
        let uri = known.iter().find(|(prefix, _)| document.key(*c) == Some(prefix)).map(|(_, uri)| uri.as_str());
        uri.is_some_and(|uri| document.text(*c) != Some(uri))
    };
    let missing = known.iter().any(|(p, _)| p != "structures" && document.member(context, p).is_none());
    let mut found: Vec<NodeId> = document.children(context).filter(wrong).collect();
    found.extend(missing.then_some(context));
    found
}

/// The tree of an XML message that was read with the shape's prefixes.
#[must_use]
pub fn from_xml(document: &Document, shape: &dyn XmlShape) -> Document {
    let known_as = aliases(document);
    let mut copy =
        Copy { from: document, out: Document::sized(Kind::Object, 0, shape.names()), shape, xml: true, known_as };
    let to = copy.out.root();
    copy.members(document.root(), to, Some(shape.root()));
    marks::marked(copy.out)
}

/// An object with both `structures:id` and `structures:uri` is known by its URI, whichever refers to it.
fn aliases(document: &Document) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut open = vec![document.root()];
    while let Some(node) = open.pop() {
        open.extend(document.children(node));
        let attribute = |name: &str| document.text_at(node, &[name]).map(str::to_owned);
        if let (Some(id), Some(uri)) = (attribute("@structures:id"), attribute("@structures:uri")) {
            found.insert(id, uri);
        }
    }
    found
}

/// A copy on the way: lists where the shape has them, `@id` for references, kinds as the shape says.
struct Copy<'a> {
    from: &'a Document,
    out: Document,
    shape: &'a dyn XmlShape,
    xml: bool,
    known_as: HashMap<String, String>,
}

impl Copy<'_> {
    fn members(&mut self, node: NodeId, to: NodeId, place: Option<Place>) {
        let from = self.from;
        for child in from.children(node) {
            let key = from.key(child).unwrap_or("");
            if self.xml && key.starts_with('@') {
                self.attribute(key, from.text(child).unwrap_or(""), from.offset(child), to);
                continue;
            }
            let known = place.and_then(|p| self.shape.child(p, key));
            let inner = known.map(|(p, _)| p);
            let lists = known.is_some_and(|(_, repeats)| matches!(repeats, Repeats::UpTo(_)));
            let wrap = TEXTS.contains(&key);
            match from.kind(child) {
                Kind::Array => {
                    let list = self.out.add(to, Some(key), Kind::Array, "", from.offset(child));
                    for item in from.children(child) {
                        self.item(item, list, None, inner, wrap);
                    }
                }
                _ if lists => {
                    let list = self.out.add(to, Some(key), Kind::Array, "", from.offset(child));
                    let made = self.item(child, list, None, inner, wrap);
                    self.out.set_origin(made, &from.source_pointer(child));
                }
                _ => {
                    self.item(child, to, Some(key), inner, wrap);
                }
            }
        }
    }

    fn item(&mut self, node: NodeId, to: NodeId, key: Option<&str>, place: Option<Place>, wrap: bool) -> NodeId {
        let from = self.from;
        let at = from.offset(node);
        if wrap && from.is_scalar(node) {
            let object = self.out.add(to, key, Kind::Object, "", at);
            self.out.add(object, Some("@text"), from.kind(node), from.text(node).unwrap_or(""), at);
            return object;
        }
        match from.kind(node) {
            // Text with a language or a metadata attribute: the text counts.
            Kind::Object if self.xml && self.is_text(node, place) => {
                let text = from.text_at(node, &["#text"]).unwrap_or("");
                if wrap {
                    let object = self.out.add(to, key, Kind::Object, "", at);
                    self.out.add(object, Some("@text"), Kind::String, text, at);
                    return object;
                }
                self.scalar(to, key, Kind::String, text, at, place)
            }
            Kind::Object => {
                let object = self.out.add(to, key, Kind::Object, "", at);
                self.members(node, object, place);
                object
            }
            Kind::Array => {
                let list = self.out.add(to, key, Kind::Array, "", at);
                from.children(node).for_each(|c| {
                    self.item(c, list, None, place, false);
                });
                list
            }
            kind => self.scalar(to, key, kind, from.text(node).unwrap_or(""), at, place),
        }
    }

    fn is_text(&self, node: NodeId, place: Option<Place>) -> bool {
        let text = place.is_some_and(|p| self.shape.content(p) != super::xml::Content::Elements);
        self.from.member(node, "#text").is_some()
            && (text || self.from.children(node).all(|c| self.from.key(c).is_some_and(|k| k.starts_with(['@', '#']))))
    }

    fn scalar(
        &mut self,
        to: NodeId,
        key: Option<&str>,
        kind: Kind,
        text: &str,
        at: usize,
        place: Option<Place>,
    ) -> NodeId {
        let wanted = place.filter(|_| self.xml && kind == Kind::String).and_then(|p| self.shape.scalar_kind(p));
        let (kind, text) = match (wanted, text) {
            (Some(Kind::Bool), "true" | "1") => (Kind::Bool, "true"),
            (Some(Kind::Bool), "false" | "0") => (Kind::Bool, "false"),
            (Some(Kind::Number), digits) if is_number(digits) => (Kind::Number, digits),
            _ => (kind, text),
        };
        self.out.add(to, key, kind, text, at)
    }

    /// `structures:id`, `ref` and `uri` become `@id`; other attributes keep their names, for the schema to judge.
    fn attribute(&mut self, name: &str, text: &str, at: usize, to: NodeId) {
        let id = match name {
            "@structures:id" | "@structures:ref" => match self.known_as.get(text) {
                Some(uri) => uri.clone(),
                None => format!("#{text}"),
            },
            "@structures:uri" => text.to_owned(),
            _ => {
                self.out.add(to, Some(name), Kind::String, text, at);
                return;
            }
        };
        if self.out.member(to, "@id").is_none() {
            self.out.add(to, Some("@id"), Kind::String, &id, at);
        }
    }
}

/// Whether a text is a number as JSON writes them.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.len() <= 18
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

/// The JSON message of a tree: context and root outside, single values for lists of one, members in the shape's order.
#[must_use]
pub fn to_json(tree: &Document, root: &str, shape: &dyn XmlShape) -> Document {
    let mut out = Document::alike(Kind::Object, tree);
    let outer = out.root();
    let context = out.add(outer, Some("@context"), Kind::Object, "", 0);
    // The JSON form uses no name of `structures`.
    for (prefix, uri) in shape.namespaces().iter().filter(|(p, _)| p != "structures") {
        out.add_text(context, prefix, uri);
    }
    let body = out.add(outer, Some(root), Kind::Object, "", 0);
    write_members(tree, tree.root(), &mut out, body, Some(shape.root()), shape, Form::Json);
    out
}

/// The XML tree of a tree: attributes for `@id`. The writer puts elements into the shape's order.
#[must_use]
pub fn to_xml(tree: &Document, shape: &dyn XmlShape) -> Document {
    let mut out = Document::alike(Kind::Object, tree);
    let to = out.root();
    write_members(tree, tree.root(), &mut out, to, Some(shape.root()), shape, Form::Xml);
    out
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Json,
    Xml,
}

// Recursion is as deep as the tree, which the readers bound.
fn write_members(
    tree: &Document,
    node: NodeId,
    out: &mut Document,
    to: NodeId,
    place: Option<Place>,
    shape: &dyn XmlShape,
    form: Form,
) {
    let mut members: Vec<NodeId> = tree.children(node).collect();
    members.sort_by_key(|c| place.and_then(|p| shape.rank(p, tree.key(*c)?)).unwrap_or(usize::MAX));
    let others = members.iter().any(|c| tree.key(*c).is_some_and(|k| !k.starts_with('@')));
    for child in members {
        let Some(key) = tree.key(child) else { continue };
        if key == "@id" {
            let (name, text) = attribute(tree.text(child).unwrap_or(""), others, form);
            out.add(to, Some(name), Kind::String, text, 0);
            continue;
        }
        if key.starts_with('@') {
            continue;
        }
        let inner = place.and_then(|p| shape.child(p, key)).map(|(p, _)| p);
        if tree.kind(child) != Kind::Array {
            write_item(tree, child, out, to, Some(key), inner, shape, form);
        } else if form == Form::Json && tree.len(child) == 1 {
            tree.children(child).for_each(|c| write_item(tree, c, out, to, Some(key), inner, shape, form));
        } else {
            let list = out.add(to, Some(key), Kind::Array, "", 0);
            tree.children(child).for_each(|c| write_item(tree, c, out, list, None, inner, shape, form));
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "one step of a recursive copy; a struct would only rename them")]
fn write_item(
    tree: &Document,
    node: NodeId,
    out: &mut Document,
    to: NodeId,
    key: Option<&str>,
    place: Option<Place>,
    shape: &dyn XmlShape,
    form: Form,
) {
    if let Some(text) = tree.member(node, "@text") {
        out.add(to, key, Kind::String, tree.text(text).unwrap_or(""), 0);
    } else if tree.kind(node) == Kind::Object {
        let object = out.add(to, key, Kind::Object, "", 0);
        write_members(tree, node, out, object, place, shape, form);
    } else {
        out.add(to, key, tree.kind(node), tree.text(node).unwrap_or(""), 0);
    }
}

/// How an id is written: in JSON as it is; in XML by kind, since only a name can be an XML id.
fn attribute(id: &str, others: bool, form: Form) -> (&'static str, &str) {
    let name = id.strip_prefix('#').filter(|n| {
        n.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && n.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    });
    match (form, name) {
        (Form::Json, _) => ("@id", id),
        (Form::Xml, Some(name)) if others => ("@structures:id", name),
        (Form::Xml, Some(name)) => ("@structures:ref", name),
        (Form::Xml, None) => ("@structures:uri", id),
    }
}
