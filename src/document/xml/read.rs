//! The XML reader: events of `quick-xml`, and every check that a tokenizer leaves out.

use super::names::{self, Scope};
use super::{Content, Place, Repeats, XmlShape};
use crate::diagnostic::{Code, Diagnostic, Span, code};
use crate::document::{Document, Kind, Limits, NodeId, safe_name};
use quick_xml::Reader as Events;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;

/// Attributes of one element. Real messages stay below ten; the check for duplicates compares pairs.
const ATTRIBUTES_MAX: usize = 128;

/// Namespace prefixes in scope at once. Real messages stay below ten; looking one up is a walk.
const PREFIXES_MAX: usize = 64;

/// Reads one XML document whose root element is `root` (local name). `text` comes from [`super::decode`].
///
/// # Errors
/// `SOL-DOC-SYNTAX` when it is not well formed, `SOL-DOC-FORBIDDEN` for a DTD, an entity, or a forbidden character,
/// `SOL-DOC-LIMIT` past a limit, `SOL-SCHEMA-INVALID` for another root element or a second element where the shape has
/// one. Each has line, column and the path of elements, none has any text.
///
/// # Source
/// XML 1.0 (5th edition) §2 to §4; Namespaces in XML 1.0 §5.
pub fn read(text: &str, root: &str, limits: &Limits, shape: Option<&dyn XmlShape>) -> Result<Document, Diagnostic> {
    let document = Document::empty(text.len() / 2);
    let scope = Scope::default();
    let mut reader = Reader { text, root, limits, shape, document, open: Vec::new(), scope, at: 0, done: false };
    match reader.run() {
        Ok(()) => Ok(reader.document),
        Err(fault) => {
            let path = reader.open.iter().fold(String::new(), |p, f| p + "/" + safe_name(&f.name));
            let at = fault.at.unwrap_or(reader.at);
            Err(Diagnostic::error(fault.code, fault.text)
                .with_span(Span { start: at, end: at + 1 }, text.as_bytes())
                .with_pointer(path))
        }
    }
}

struct Fault {
    code: Code,
    text: String,
    at: Option<usize>,
}

fn fault<T>(code: Code, text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { code, text: text.into(), at: None })
}
fn syntax<T>(text: &str) -> Result<T, Fault> {
    fault(code::DOC_SYNTAX, text)
}

/// An element that is open.
struct Frame {
    name: String,
    place: Option<Place>,
    at: usize,
    /// Made when the first child or attribute arrives: an element with text only becomes a text.
    node: Option<NodeId>,
    text: String,
    nil: bool,
    /// Children by name number, so that a wide element costs no search.
    members: HashMap<u32, (NodeId, usize)>,
}

struct Reader<'a> {
    text: &'a str,
    root: &'a str,
    limits: &'a Limits,
    shape: Option<&'a dyn XmlShape>,
    document: Document,
    open: Vec<Frame>,
    scope: Scope,
    at: usize,
    done: bool,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        if let Some(at) = names::forbidden_char(self.text) {
            let text = "a character that XML does not permit";
            return Err(Fault { code: code::DOC_FORBIDDEN, text: text.into(), at: Some(at) });
        }
        let mut events = Events::from_str(self.text);
        events.config_mut().enable_all_checks(true);
        loop {
            self.at = offset(events.buffer_position());
            let event = events.read_event().map_err(|e| Fault {
                code: code::DOC_SYNTAX,
                text: describe(&e).into(),
                at: Some(offset(events.error_position())),
            })?;
            match event {
                Event::Start(start) => self.start(&start)?,
                Event::Empty(start) => {
                    self.start(&start)?;
                    self.end()?;
                }
                Event::End(_) => self.end()?,
                Event::Text(text) => self.characters(&text.into_inner())?,
                Event::CData(data) => {
                    if self.open.is_empty() {
                        return syntax("there is text outside the root element");
                    }
                    self.append(&data.into_inner());
                }
                Event::GeneralRef(reference) => self.reference(&reference.into_inner())?,
                Event::Decl(_) if self.at > 0 => return syntax("an XML declaration stands only at the start"),
                Event::PI(pi) if pi.target().eq_ignore_ascii_case("xml") => {
                    return syntax("this name of a processing instruction is reserved");
                }
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::DocType(_) => return fault(code::DOC_FORBIDDEN, "a document type definition is never accepted"),
                Event::Eof => break,
            }
        }
        if !self.open.is_empty() {
            return syntax("the message ends before all its elements do");
        }
        if !self.done {
            return syntax("there is no root element");
        }
        Ok(())
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        let depth = self.open.len() + 1;
        if depth > self.limits.depth_max {
            return fault(
                code::DOC_LIMIT,
                format!("the message is nested deeper than {} levels", self.limits.depth_max),
            );
        }
        if self.open.is_empty() && self.done {
            return syntax("there is a second root element");
        }
        let attributes = self.attributes(start, depth)?;
        let name = start.name();
        let (prefix, local) = self.checked(name.0)?;
        if prefix.is_some_and(|p| self.scope.resolve(p).is_none()) {
            return syntax("the prefix of this element is not declared");
        }
        let place = match self.open.last() {
            None => self.shape.map(XmlShape::root),
            Some(parent) => self.child(parent.place, local).map(|(place, _)| place),
        };
        let is_root = self.open.is_empty();
        let frame = Frame {
            name: local.to_owned(),
            place,
            at: self.at,
            node: None,
            text: String::new(),
            nil: false,
            members: HashMap::new(),
        };
        self.open.push(frame);
        if is_root {
            if self.open.last().is_some_and(|f| f.name != self.root) {
                return fault(code::SCHEMA_INVALID, format!("the root element is not `{}`", self.root));
            }
            let node = self.document.add_root(Kind::Object, "", self.at);
            if let Some(frame) = self.open.last_mut() {
                frame.node = Some(node);
            }
        }
        for (name, value) in attributes {
            match name {
                Some(name) => self.attribute(&name, &value)?,
                None => {
                    if let Some(frame) = self.open.last_mut() {
                        frame.nil = matches!(value.trim(), "true" | "1");
                    }
                }
            }
        }
        Ok(())
    }

    /// The attributes to keep, checked: `None` as name is `xsi:nil`. Binds the prefixes they declare.
    fn attributes(&mut self, start: &BytesStart<'_>, depth: usize) -> Result<Vec<(Option<String>, String)>, Fault> {
        let mut raw = Vec::new();
        for attribute in start.attributes() {
            if raw.len() >= ATTRIBUTES_MAX {
                return fault(code::DOC_LIMIT, format!("this element has more than {ATTRIBUTES_MAX} attributes"));
            }
            let Ok(attribute) = attribute else { return syntax("the attributes of this element are not well formed") };
            if attribute.value.contains('<') {
                return syntax("an attribute may not contain `<`");
            }
            let value = resolve(&attribute.value.replace(['\t', '\n', '\r'], " "))?;
            raw.push((attribute.key.0.to_owned(), value));
        }
        if !separated(start.attributes_raw()) {
            return syntax("attributes are separated by white space");
        }
        for (name, uri) in &raw {
            let prefix = match names::split(name) {
                (None, "xmlns") => "",
                (Some("xmlns"), prefix) if !uri.is_empty() => prefix,
                (Some("xmlns"), _) => return syntax("a prefix is bound to no namespace"),
                _ => continue,
            };
            if matches!(prefix, "xmlns" | "xml") || self.scope.count() >= PREFIXES_MAX {
                return syntax("this namespace declaration is not accepted");
            }
            self.scope.bind(depth, prefix, uri);
        }
        let mut kept = Vec::new();
        let mut seen: Vec<(Option<String>, String)> = Vec::new();
        for (name, value) in raw {
            let (prefix, local) = self.checked(&name)?;
            if prefix == Some("xmlns") || name == "xmlns" {
                continue;
            }
            let namespace = match prefix {
                Some(p) => match self.scope.resolve(p) {
                    Some(uri) => Some(uri),
                    None => return syntax("the prefix of an attribute is not declared"),
                },
                None => None,
            };
            let expanded = (namespace.map(str::to_owned), local.to_owned());
            if seen.contains(&expanded) {
                return syntax("this element has two attributes of one name");
            }
            if names::is_nil(namespace, local) {
                kept.push((None, value));
            } else if !names::is_location(namespace, local) {
                kept.push((Some(format!("@{name}")), value));
            }
            seen.push(expanded);
        }
        Ok(kept)
    }

    fn checked<'n>(&self, name: &'n str) -> Result<(Option<&'n str>, &'n str), Fault> {
        let (prefix, local) = names::split(name);
        if !names::is_name(local) || prefix.is_some_and(|p| !names::is_name(p)) {
            return syntax("this is not a name that XML permits");
        }
        Ok((prefix, local))
    }

    fn child(&self, parent: Option<Place>, name: &str) -> Option<(Place, Repeats)> {
        self.shape?.child(parent?, name)
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let at = self.at;
        let node = self.materialise(self.open.len().saturating_sub(1))?;
        self.room()?;
        self.document.add(node, Some(name), Kind::String, value, at);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        // quick-xml has matched the end tag with the start tag (`check_end_names`).
        let depth = self.open.len();
        let Some(frame) = self.open.last_mut() else { return syntax("an end tag without its start") };
        let text = std::mem::take(&mut frame.text);
        let (node, place, at, nil) = (frame.node, frame.place, frame.at, frame.nil);
        let content = place.and_then(|p| Some(self.shape?.content(p)));
        let text = if content == Some(Content::ExactText) { text.as_str() } else { text.trim() };
        match node {
            Some(node) => {
                if !text.is_empty() && !text.trim().is_empty() {
                    self.room()?;
                    self.document.add(node, Some("#text"), Kind::String, text, at);
                }
            }
            // An element without a value says nothing where a value is known to stand.
            None if text.is_empty() && (nil || matches!(content, Some(Content::Text | Content::ExactText))) => {}
            None if content == Some(Content::Elements) => {
                let node = self.materialise(depth - 1)?;
                if !text.is_empty() {
                    self.room()?;
                    self.document.add(node, Some("#text"), Kind::String, text, at);
                }
            }
            None => {
                self.attach(depth - 1, Kind::String, text)?;
            }
        }
        self.open.pop();
        self.scope.leave(depth);
        self.done |= self.open.is_empty();
        Ok(())
    }

    /// The node of an open element, made now if need be, with those around it.
    fn materialise(&mut self, index: usize) -> Result<NodeId, Fault> {
        match self.open.get(index).and_then(|f| f.node) {
            Some(node) => Ok(node),
            None => {
                let node = self.attach(index, Kind::Object, "")?;
                if let Some(frame) = self.open.get_mut(index) {
                    frame.node = Some(node);
                }
                Ok(node)
            }
        }
    }

    /// Hangs the open element at `index` into its parent.
    fn attach(&mut self, index: usize, kind: Kind, text: &str) -> Result<NodeId, Fault> {
        let Some(above) = index.checked_sub(1) else { return syntax("there is no root element") };
        let parent = self.materialise(above)?;
        let Some(frame) = self.open.get(index) else { return syntax("an end tag without its start") };
        let (name, at) = (frame.name.clone(), frame.at);
        let known = self.child(self.open.get(above).and_then(|f| f.place), &name);
        // Elements the schema does not name may come any number of times.
        let repeats = known.map_or(Repeats::UpTo(None), |(_, repeats)| repeats);
        let key = self.document.key_number(&name);
        let before = key.and_then(|k| self.open.get(above)?.members.get(&k).copied());
        self.room()?;
        let (slot, count) = match (repeats, before) {
            (Repeats::Once, Some(_)) => {
                let text = "this element may stand only once here";
                return Err(Fault { code: code::SCHEMA_INVALID, text: text.into(), at: Some(at) });
            }
            (Repeats::Once, None) => {
                let node = self.document.add(parent, Some(&name), kind, text, at);
                self.remember(above, node, node, 1);
                return Ok(node);
            }
            (Repeats::UpTo(_), Some(found)) => found,
            (Repeats::UpTo(_), None) => (self.document.add(parent, Some(&name), Kind::Array, "", at), 0),
        };
        let most = match repeats {
            Repeats::UpTo(Some(most)) => most,
            _ => self.limits.repeats_max,
        };
        if count >= most {
            return fault(code::DOC_LIMIT, format!("this element stands more than {most} times here"));
        }
        self.remember(above, slot, slot, count + 1);
        Ok(self.document.add(slot, None, kind, text, at))
    }

    fn remember(&mut self, index: usize, named: NodeId, slot: NodeId, count: usize) {
        if let (Some(key), Some(frame)) = (self.document.key_number_of(named), self.open.get_mut(index)) {
            frame.members.insert(key, (slot, count));
        }
    }

    /// Checks that two more nodes fit (an item may bring its array).
    fn room(&self) -> Result<(), Fault> {
        if self.document.node_count() + 2 > self.limits.nodes_max {
            return fault(code::DOC_LIMIT, format!("the message has more than {} values", self.limits.nodes_max));
        }
        Ok(())
    }

    fn characters(&mut self, raw: &str) -> Result<(), Fault> {
        if raw.contains("]]>") {
            return syntax("`]]>` must be escaped in text");
        }
        if self.open.is_empty() {
            // The mark has been cut off by `decode`; a second one is text like any other.
            return if raw.trim_matches([' ', '\t', '\n', '\r']).is_empty() {
                Ok(())
            } else {
                syntax("there is text outside the root element")
            };
        }
        self.append(raw);
        Ok(())
    }

    /// Adds text to the open element, line ends as line feeds (XML 1.0 §2.11).
    fn append(&mut self, raw: &str) {
        let Some(frame) = self.open.last_mut() else { return };
        if raw.contains('\r') {
            frame.text.push_str(&raw.replace("\r\n", "\n").replace('\r', "\n"));
        } else if !(frame.text.is_empty() && raw.trim_matches([' ', '\t', '\n']).is_empty())
            || frame.place.is_some_and(|p| self.shape.is_some_and(|s| s.content(p) == Content::ExactText))
        {
            frame.text.push_str(raw);
        }
    }

    fn reference(&mut self, name: &str) -> Result<(), Fault> {
        let letter = entity(name)?;
        match self.open.last_mut() {
            Some(frame) => frame.text.push(letter),
            None => return syntax("there is text outside the root element"),
        }
        Ok(())
    }
}

/// A character reference or one of the five entities, without `&` and `;`.
fn entity(name: &str) -> Result<char, Fault> {
    let number = match (name.strip_prefix("#x"), name.strip_prefix('#')) {
        (Some(hex), _) if !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u32::from_str_radix(hex, 16).ok()
        }
        (None, Some(digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        (_, Some(_)) => None,
        (None, None) => match name {
            "amp" => Some(u32::from('&')),
            "lt" => Some(u32::from('<')),
            "gt" => Some(u32::from('>')),
            "apos" => Some(u32::from('\'')),
            "quot" => Some(u32::from('"')),
            _ => return fault(code::DOC_FORBIDDEN, "an entity other than the five of XML is never accepted"),
        },
        (Some(_), None) => None,
    };
    match number.filter(|n| names::is_char(*n)).and_then(char::from_u32) {
        Some(letter) => Ok(letter),
        None => fault(code::DOC_FORBIDDEN, "a reference to a character that XML does not permit"),
    }
}

/// An attribute's value with its references resolved.
fn resolve(raw: &str) -> Result<String, Fault> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once(';') else { return syntax("a reference has no end") };
        out.push(entity(name)?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether white space follows each quoted value that another attribute follows.
fn separated(raw: &str) -> bool {
    let mut quote = None;
    let mut closed = false;
    for letter in raw.chars() {
        match quote {
            Some(q) if letter == q => (quote, closed) = (None, true),
            Some(_) => {}
            None if closed && !letter.is_ascii_whitespace() && letter != '/' => return false,
            None => {
                closed = false;
                if matches!(letter, '"' | '\'') {
                    quote = Some(letter);
                }
            }
        }
    }
    true
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// A sentence for an error of the tokenizer, without the names it quotes.
const fn describe(error: &quick_xml::Error) -> &'static str {
    use quick_xml::errors::IllFormedError as Ill;
    match error {
        quick_xml::Error::Syntax(_) => "the message ends inside a tag, a comment or another piece of markup",
        quick_xml::Error::IllFormed(Ill::MismatchedEndTag { .. }) => "this end tag is not that of the open element",
        quick_xml::Error::IllFormed(Ill::UnmatchedEndTag(_)) => "an end tag without its start",
        quick_xml::Error::IllFormed(Ill::DoubleHyphenInComment) => "a comment may not contain two hyphens",
        quick_xml::Error::IllFormed(Ill::UnclosedReference) => "an ampersand must be escaped",
        _ => "the message is not well-formed XML here",
    }
}
