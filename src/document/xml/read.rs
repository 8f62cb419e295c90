//! The XML reader: events of `quick-xml`, and every check that a tokenizer leaves out.

use super::attributes::{attributes, checked, entity};
use super::names::{self, Scope};
use super::{Admitted, Content, Place, Repeats, XmlShape};
use crate::diagnostic::{Code, Diagnostic, Span, code};
use crate::document::{Document, Keyed, Kind, Limits, NodeId, safe_name};
use quick_xml::Reader as Events;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;
use std::collections::HashMap;

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
    let document = Document::empty(text.len() / 2, shape.and_then(XmlShape::names));
    let scope = Scope::default();
    let mut reader = Reader {
        text,
        root,
        limits,
        shape,
        document,
        open: Vec::new(),
        scope,
        at: 0,
        end: 0,
        spare: Vec::new(),
        verbatim: None,
        done: false,
    };
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

/// Local name of the first element, to choose among schemas before reading; `None` where there is none.
#[must_use]
pub fn root_name(text: &str) -> Option<String> {
    let mut events = Events::from_str(text);
    loop {
        match events.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                return checked(start.name().0).ok().map(|(_, local)| local.to_owned());
            }
            Event::Eof | Event::End(_) | Event::DocType(_) => return None,
            _ => {}
        }
    }
}

pub(super) struct Fault {
    code: Code,
    text: String,
    at: Option<usize>,
}

pub(super) fn fault<T>(code: Code, text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { code, text: text.into(), at: None })
}
pub(super) fn syntax<T>(text: &str) -> Result<T, Fault> {
    fault(code::DOC_SYNTAX, text)
}

/// An element that is open.
struct Frame<'a> {
    name: Cow<'a, str>,
    /// The number of the name, where the tree has one for it.
    key: Option<u32>,
    place: Option<Place>,
    /// What its parent's shape says of it.
    known: Option<(Place, Repeats)>,
    at: usize,
    /// Made when the first child or attribute arrives: an element with text only becomes a text.
    node: Option<NodeId>,
    /// Mostly a piece of the message itself.
    text: Cow<'a, str>,
    nil: bool,
    members: Members,
}

/// Children of one element so far, by name number: the node that holds them and how many they are.
#[derive(Default)]
struct Members {
    few: Vec<(u32, NodeId, usize)>,
    /// Once there are too many to search one by one, so that a wide element costs no search.
    many: HashMap<u32, (NodeId, usize), Keyed>,
}

/// Names of one element that are searched one by one.
const FEW_MAX: usize = 16;

impl Members {
    fn get(&self, key: u32) -> Option<(NodeId, usize)> {
        if self.many.is_empty() {
            return self.few.iter().find(|(k, _, _)| *k == key).map(|(_, node, count)| (*node, *count));
        }
        self.many.get(&key).copied()
    }
    fn set(&mut self, key: u32, node: NodeId, count: usize) {
        if !self.many.is_empty() {
            self.many.insert(key, (node, count));
        } else if let Some(known) = self.few.iter_mut().find(|(k, _, _)| *k == key) {
            *known = (key, node, count);
        } else if self.few.len() < FEW_MAX {
            self.few.push((key, node, count));
        } else {
            self.many.extend(self.few.drain(..).map(|(key, node, count)| (key, (node, count))));
            self.many.insert(key, (node, count));
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    root: &'a str,
    limits: &'a Limits,
    shape: Option<&'a dyn XmlShape>,
    document: Document,
    open: Vec<Frame<'a>>,
    /// The lists of members of closed elements, to be used again.
    spare: Vec<Vec<(u32, NodeId, usize)>>,
    scope: Scope,
    at: usize,
    /// Where the event at hand ends.
    end: usize,
    /// Depth of the open element that is kept as text.
    verbatim: Option<usize>,
    done: bool,
}

impl<'a> Reader<'a> {
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
            self.end = offset(events.buffer_position());
            match event {
                Event::Start(start) => self.start(&start)?,
                Event::Empty(start) => {
                    self.start(&start)?;
                    self.end()?;
                }
                Event::End(_) => self.end()?,
                Event::Text(text) => self.characters(text.into_inner())?,
                Event::CData(data) => {
                    if self.open.is_empty() {
                        return syntax("there is text outside the root element");
                    }
                    self.append(data.into_inner());
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
        let known = self.shape.map(XmlShape::namespaces).unwrap_or_default();
        let attributes = attributes(&mut self.scope, start, depth, known)?;
        let name = start.name();
        let (prefix, local) = checked(name.0)?;
        if prefix.is_some_and(|p| self.scope.resolve(p).is_none()) {
            return syntax("the prefix of this element is not declared");
        }
        let full = self.name_in_tree(prefix, local, name.0.len());
        self.admit(prefix, local, depth)?;
        // Looked up once: names are met more often than anything else.
        let key = self.document.key_number(&full);
        let known = self.open.last().and_then(|parent| self.child(parent.place, key, &full));
        let place = match self.open.last() {
            None => self.shape.map(XmlShape::root),
            Some(_) => known.map(|(place, _)| place),
        };
        let is_root = self.open.is_empty();
        let frame = Frame {
            name: full,
            key,
            place,
            known,
            at: self.at,
            node: None,
            text: Cow::Borrowed(""),
            nil: false,
            members: Members { few: self.spare.pop().unwrap_or_default(), many: HashMap::default() },
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
        if self.verbatim.is_some() {
            return Ok(());
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

    /// The name as the tree has it: local, or with the prefix the vocabulary gives the namespace.
    fn full_name(&self, prefix: Option<&str>, local: &str) -> String {
        let known = self.shape.map(XmlShape::namespaces).unwrap_or_default();
        names::full(known, self.scope.resolve(prefix.unwrap_or("")), local)
    }

    /// The same, without a copy where the name stands in the message as the tree has it: after `<` and the prefix.
    fn name_in_tree(&self, prefix: Option<&str>, local: &str, length: usize) -> Cow<'a, str> {
        if self.shape.is_some_and(|s| !s.namespaces().is_empty()) {
            return Cow::Owned(self.full_name(prefix, local));
        }
        let from = self.at.saturating_add(1).saturating_add(length.saturating_sub(local.len()));
        let own = self.text.get(from..from.saturating_add(local.len())).filter(|own| *own == local);
        own.map_or_else(|| Cow::Owned(local.to_owned()), Cow::Borrowed)
    }

    /// Whether the shape takes elements of this namespace.
    fn admit(&mut self, prefix: Option<&str>, local: &str, depth: usize) -> Result<(), Fault> {
        let (None, Some(shape)) = (self.verbatim, self.shape) else { return Ok(()) };
        match shape.admits(self.scope.resolve(prefix.unwrap_or("")), local) {
            Admitted::Element => Ok(()),
            Admitted::Verbatim => {
                self.verbatim = Some(depth);
                Ok(())
            }
            Admitted::Refused => {
                let text = "this element is not in the namespace of the format";
                Err(Fault { code: code::SCHEMA_INVALID, text: text.into(), at: Some(self.at) })
            }
        }
    }

    fn child(&self, parent: Option<Place>, key: Option<u32>, name: &str) -> Option<(Place, Repeats)> {
        match key {
            Some(key) => self.shape?.child_numbered(parent?, key, name),
            None => self.shape?.child(parent?, name),
        }
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
        if let Some(kept) = self.verbatim {
            if kept == depth {
                self.keep_verbatim(depth)?;
            }
            self.close();
            self.scope.leave(depth);
            return Ok(());
        }
        let Some(frame) = self.open.last_mut() else { return syntax("an end tag without its start") };
        let text = std::mem::take(&mut frame.text);
        let (node, place, at, nil) = (frame.node, frame.place, frame.at, frame.nil);
        let content = place.and_then(|p| Some(self.shape?.content(p)));
        let text = if content == Some(Content::ExactText) { &*text } else { text.trim() };
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
        self.close();
        self.scope.leave(depth);
        self.done |= self.open.is_empty();
        Ok(())
    }

    /// Takes the innermost element off.
    fn close(&mut self) {
        let few = self.open.pop().map(|frame| frame.members.few).filter(|few| few.capacity() > 0);
        self.spare.extend(few.map(|mut few| {
            few.clear();
            few
        }));
    }

    /// Hangs the element at hand into the tree as the text it was written as.
    fn keep_verbatim(&mut self, depth: usize) -> Result<(), Fault> {
        self.verbatim = None;
        let text = self.text;
        let start = self.open.last().map_or(self.end, |f| f.at);
        self.attach(depth - 1, Kind::String, text.get(start..self.end).unwrap_or("")).map(|_| ())
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
        let (known, key, at) = (frame.known, frame.key, frame.at);
        // Elements the schema does not name may come any number of times.
        let repeats = known.map_or(Repeats::UpTo(None), |(_, repeats)| repeats);
        let key = key.unwrap_or_else(|| self.document.number_key(&frame.name));
        let before = self.open.get(above).and_then(|f| f.members.get(key));
        self.room()?;
        let (slot, count) = match (repeats, before) {
            (Repeats::Once, Some(_)) => {
                let text = "this element may stand only once here";
                return Err(Fault { code: code::SCHEMA_INVALID, text: text.into(), at: Some(at) });
            }
            (Repeats::Once, None) => {
                let node = self.document.add_numbered(parent, Some(key), kind, text, at);
                self.remember(above, key, node, 1);
                return Ok(node);
            }
            (Repeats::UpTo(_), Some(found)) => found,
            (Repeats::UpTo(_), None) => (self.document.add_numbered(parent, Some(key), Kind::Array, "", at), 0),
        };
        let most = match repeats {
            Repeats::UpTo(Some(most)) => most,
            _ => self.limits.repeats_max,
        };
        if count >= most {
            return fault(code::DOC_LIMIT, format!("this element stands more than {most} times here"));
        }
        self.remember(above, key, slot, count + 1);
        Ok(self.document.add(slot, None, kind, text, at))
    }

    fn remember(&mut self, index: usize, key: u32, slot: NodeId, count: usize) {
        if let Some(frame) = self.open.get_mut(index) {
            frame.members.set(key, slot, count);
        }
    }

    /// Checks that two more nodes fit (an item may bring its array).
    fn room(&self) -> Result<(), Fault> {
        if self.document.node_count() + 2 > self.limits.nodes_max {
            return fault(code::DOC_LIMIT, format!("the message has more than {} values", self.limits.nodes_max));
        }
        Ok(())
    }

    fn characters(&mut self, raw: Cow<'a, str>) -> Result<(), Fault> {
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
    fn append(&mut self, raw: Cow<'a, str>) {
        if self.verbatim.is_some() {
            return;
        }
        let Some(frame) = self.open.last_mut() else { return };
        if raw.contains('\r') {
            frame.text.to_mut().push_str(&raw.replace("\r\n", "\n").replace('\r', "\n"));
        } else if !(frame.text.is_empty() && raw.trim_matches([' ', '\t', '\n']).is_empty())
            || frame.place.is_some_and(|p| self.shape.is_some_and(|s| s.content(p) == Content::ExactText))
        {
            if frame.text.is_empty() {
                frame.text = raw;
            } else {
                frame.text.to_mut().push_str(&raw);
            }
        }
    }

    fn reference(&mut self, name: &str) -> Result<(), Fault> {
        let letter = entity(name)?;
        match self.open.last_mut() {
            Some(frame) => frame.text.to_mut().push(letter),
            None => return syntax("there is text outside the root element"),
        }
        Ok(())
    }
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
