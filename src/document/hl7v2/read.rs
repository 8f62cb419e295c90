//! ER7 text to a tree, along a schema's shape.

use super::delimiters::Delimiters;
use super::line::{Line, for_positions, lines};
use super::place::{Finger, Part, Structure, Target};
use super::{Content, MessageShape, Place, Repeats, escape};
use crate::diagnostic::{Code, Diagnostic, Span, code};
use crate::document::{Document, Keyed, Kind, Limits, NodeId};
use std::borrow::Cow;
use std::collections::HashMap;

/// The field of MSH that names the character set.
const CHARSET_FIELD: usize = 18;
/// Types of OBX-2 whose repetitions in OBX-5 are the lines of one text (HL7 v2.5.1 §7.4.2.5).
const LINED_TYPES: [&str; 2] = ["TX", "FT"];
/// Warnings about segments out of order that are listed for one message.
const ODD_LISTED_MAX: usize = 10;

/// A message as a tree.
#[derive(Debug)]
pub struct Read {
    /// The tree.
    pub document: Document,
    /// What was odd: line ends, order of segments.
    pub warnings: Vec<Diagnostic>,
    /// The text with every segment on its line, which positions are counted in.
    pub source: Vec<u8>,
}

/// Reads one message.
///
/// # Errors
/// `SOL-DOC-SYNTAX` where it is no ER7, `SOL-DOC-LIMIT` past a limit.
pub fn read(text: &str, limits: &Limits, shape: &dyn MessageShape) -> Result<Read, Diagnostic> {
    let source = for_positions(text);
    let faulty = |fault: Fault| {
        Diagnostic::error(fault.code, fault.text).with_span(Span { start: fault.at, end: fault.at + 1 }, &source)
    };
    let head = text.split(['\r', '\n']).next().unwrap_or("");
    if !head.starts_with("MSH") {
        return Err(faulty(Fault {
            code: code::DOC_SYNTAX,
            text: "a message begins with the segment MSH".into(),
            at: 0,
        }));
    }
    let (signs, odd) = Delimiters::of(head)?;
    let place = |d: Diagnostic| match d.span {
        Some(span) => d.with_span(span, &source),
        None => d,
    };
    let (found, warnings) = lines(text, signs.field).map_err(&place)?;
    let mut warnings: Vec<Diagnostic> = warnings.into_iter().map(place).collect();
    warnings.extend(odd.map(|text| Diagnostic::warning(code::DOC_SYNTAX, text)));
    let mut reader = Reader::new(limits, shape, signs, text.len());
    for line in &found {
        reader.line(line).map_err(faulty)?;
    }
    warnings.extend(reader.odd.iter().take(ODD_LISTED_MAX).map(|at| {
        Diagnostic::warning(code::DOC_SYNTAX, "this segment stands out of the order of its message")
            .with_span(Span { start: *at, end: *at + 1 }, &source)
    }));
    Ok(Read { document: reader.document, warnings, source })
}

struct Fault {
    code: Code,
    text: String,
    at: usize,
}

/// Where in its segment a value stands: repetition from 0, components from 1, 0 where there is none.
#[derive(Clone, Copy)]
struct Trail {
    segment: NodeId,
    field: usize,
    repetition: usize,
    component: usize,
    sub: usize,
}

impl Trail {
    /// The name for a value the schema has no place for: `47`, or `8[1].2`.
    fn name(&self) -> String {
        let mut name = self.field.to_string();
        if self.repetition > 0 || self.component > 0 {
            name.push_str(&format!("[{}]", self.repetition));
        }
        for part in [self.component, self.sub].into_iter().filter(|p| *p > 0) {
            name.push_str(&format!(".{part}"));
        }
        name
    }
}

/// An array: how many items it has, for the limit, and the last of them that is a group or segment.
#[derive(Clone, Copy, Default)]
struct List {
    length: usize,
    last: Option<NodeId>,
}

struct Reader<'a> {
    document: Document,
    limits: &'a Limits,
    shape: &'a dyn MessageShape,
    signs: Delimiters,
    structure: &'a Structure,
    finger: Finger,
    /// The nodes of the open groups; the message first.
    groups: Vec<NodeId>,
    /// What is known of each array.
    lists: HashMap<NodeId, List, Keyed>,
    odd: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn new(limits: &'a Limits, shape: &'a dyn MessageShape, signs: Delimiters, bytes: usize) -> Self {
        let mut document = Document::empty(bytes, shape.names());
        let root = document.add_root(Kind::Object, "", 0);
        Self {
            document,
            limits,
            shape,
            signs,
            structure: shape.structure(),
            finger: Finger::new(),
            groups: vec![root],
            lists: HashMap::default(),
            odd: Vec::new(),
        }
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), Fault> {
        let (node, place) = match self.finger.find(self.structure, line.name) {
            Some(target) => self.placed(&target, line)?,
            None => (self.beside(self.document.root(), line.name, line.at)?, None),
        };
        let skip = if line.name == "MSH" { 2 } else { 1 };
        // MSH-1 is the separator itself. Character sets are resolved and stand in no tree.
        let head = line.name == "MSH";
        let lined = self.lined(line);
        for (i, (at, text)) in pieces(line.text, line.at, self.signs.field).enumerate().skip(skip) {
            let number = if head { i + 1 } else { i };
            match lined {
                Some(field) if field == number => self.field(node, place, number, at, &self.in_lines(text))?,
                _ if head && number == CHARSET_FIELD => {}
                _ => self.field(node, place, number, at, text)?,
            }
        }
        Ok(())
    }

    /// The field of a segment whose repetitions are the lines of one text: a comment's, and a text result's.
    fn lined(&self, line: &Line<'_>) -> Option<usize> {
        match line.name {
            "NTE" => Some(3),
            "OBX" => {
                let kind = line.text.split(char::from(self.signs.field)).nth(2)?;
                LINED_TYPES.contains(&kind).then_some(5)
            }
            _ => None,
        }
    }

    /// A text whose lines its sender wrote as repetitions, as one with line breaks. A cleared one is left alone.
    fn in_lines<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let sign = char::from(self.signs.repetition);
        if self.signs.repetition == 0 || !text.contains(sign) || text.split(sign).any(|part| part == "\"\"") {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.trim_end_matches(sign).replace(sign, "\n"))
    }

    /// Opens the groups of a target and makes the segment. One that stands there already and does not repeat is kept in
    /// its group, beside the first and without a place.
    fn placed(&mut self, target: &Target, line: &Line<'_>) -> Result<(NodeId, Option<Place>), Fault> {
        let mut groups: Vec<NodeId> = self.groups.iter().take(target.keep).copied().collect();
        for (depth, id) in target.open.iter().chain([&target.part]).enumerate() {
            let Some(part) = self.structure.part(*id) else { continue };
            let (repeats, segment) = (part.repeats, part.segment);
            let key = self.key_of(part);
            let parent = groups.last().copied().unwrap_or(self.document.root());
            let node = match (self.document.member_numbered(parent, key), repeats) {
                (Some(array), Repeats::UpTo(_)) => match self.lists.get(&array).and_then(|list| list.last) {
                    Some(last) if depth < target.join => last,
                    _ => self.item(array, repeats, line.at)?,
                },
                (None, Repeats::UpTo(_)) => {
                    let array = self.add(parent, Some(key), Kind::Array, "", line.at)?;
                    self.item(array, repeats, line.at)?
                }
                (Some(_), Repeats::Once) if segment => {
                    let surplus = format!("{}[1]", line.name);
                    return Ok((self.beside(parent, &surplus, line.at)?, None));
                }
                (Some(found), Repeats::Once) => found,
                (None, Repeats::Once) => self.add(parent, Some(key), Kind::Object, "", line.at)?,
            };
            groups.push(node);
        }
        let node = groups.pop().unwrap_or(self.document.root());
        self.groups = groups;
        self.finger.moved(self.structure, target);
        if target.odd {
            self.odd.push(line.at);
        }
        Ok((node, self.structure.part(target.part).map(|p| p.place)))
    }

    /// A segment the structure does not have, or has only once: an item of a list beside the others of its group.
    fn beside(&mut self, group: NodeId, name: &str, at: usize) -> Result<NodeId, Fault> {
        let array = match self.document.member(group, name) {
            Some(array) => array,
            None => {
                let key = self.document.number_key(name);
                self.add(group, Some(key), Kind::Array, "", at)?
            }
        };
        self.item(array, Repeats::UpTo(None), at)
    }

    fn field(
        &mut self,
        segment: NodeId,
        place: Option<Place>,
        number: usize,
        at: usize,
        text: &str,
    ) -> Result<(), Fault> {
        if self.signs.is_blank(text) {
            return Ok(());
        }
        let found = place.and_then(|p| self.child(p, number));
        let mut array = None;
        for (repetition, (at, text)) in pieces(text, at, self.signs.repetition).enumerate() {
            if self.signs.is_blank(text) {
                continue;
            }
            let trail = Trail { segment, field: number, repetition, component: 0, sub: 0 };
            match found {
                Some((key, inner, Repeats::Once)) if repetition == 0 => {
                    self.value(segment, Some(key), inner, at, text, trail)?
                }
                Some((key, inner, repeats @ Repeats::UpTo(_))) => {
                    let list = match array {
                        Some(list) => list,
                        None => self.add(segment, Some(key), Kind::Array, "", at)?,
                    };
                    array = Some(list);
                    self.count(list, repeats, at)?;
                    self.value(list, None, inner, at, text, trail)?;
                }
                _ => self.spill(trail, at, text)?,
            }
        }
        Ok(())
    }

    /// The number in the tree of the name of a group or segment.
    fn key_of(&mut self, part: &Part) -> u32 {
        part.key.unwrap_or_else(|| self.document.number_key(&part.name))
    }

    /// The member of a place under the number of a field or part, with the number that this name has in the tree.
    fn child(&mut self, of: Place, part: usize) -> Option<(u32, Place, Repeats)> {
        // What the shape knows has the same number in the tree, which was made with its names.
        if let Some(key) = self.structure.number(part) {
            return self.shape.child_numbered(of, key).map(|(place, repeats)| (key, place, repeats));
        }
        let name = part.to_string();
        let (place, repeats) = self.shape.child(of, &name)?;
        Some((self.document.number_key(&name), place, repeats))
    }

    /// A value at a place: an object of its parts, or a text.
    fn value(
        &mut self,
        parent: NodeId,
        key: Option<u32>,
        place: Place,
        at: usize,
        text: &str,
        trail: Trail,
    ) -> Result<(), Fault> {
        let sign = self.sign(&trail);
        if self.shape.content(place) != Content::Elements {
            return self.scalar(parent, key, at, text, trail);
        }
        let object = self.add(parent, key, Kind::Object, "", at)?;
        if sign == 0 {
            // Nothing separates parts here (MSH-2 names no sign for it): the text is the first of them.
            return match self.child(place, 1) {
                Some((key, place, _)) => self.value(object, Some(key), place, at, text, deeper(trail, 1)),
                None => self.spill(trail, at, text),
            };
        }
        for (i, (at, text)) in pieces(text, at, sign).enumerate() {
            if self.signs.is_blank(text) {
                continue;
            }
            let inner = deeper(trail, i + 1);
            match self.child(place, i + 1) {
                Some((key, place, _)) => self.value(object, Some(key), place, at, text, inner)?,
                None => self.spill(inner, at, text)?,
            }
        }
        Ok(())
    }

    /// The first part is the value; further parts, which the schema does not expect, are kept beside it.
    fn scalar(&mut self, parent: NodeId, key: Option<u32>, at: usize, text: &str, trail: Trail) -> Result<(), Fault> {
        let sign = self.sign(&trail);
        let mut first = (at, text);
        if sign != 0 {
            for (i, (at, part)) in pieces(text, at, sign).enumerate() {
                if i == 0 {
                    first = (at, part);
                } else if !self.signs.is_blank(part) {
                    self.spill(deeper(trail, i + 1), at, part)?;
                }
            }
            if first.1.len() != text.len() || trail.component == 0 {
                return match self.signs.is_blank(first.1) {
                    true => Ok(()),
                    false => self.scalar(parent, key, first.0, first.1, deeper(trail, 1)),
                };
            }
        }
        self.leaf(parent, key, first.0, first.1)
    }

    /// A value the schema has no place for, in its segment under a name that gives its place.
    fn spill(&mut self, trail: Trail, at: usize, text: &str) -> Result<(), Fault> {
        let sign = self.sign(&trail);
        let parts: Vec<(usize, &str)> = if sign == 0 { Vec::new() } else { pieces(text, at, sign).collect() };
        if parts.len() > 1 {
            for (i, (at, part)) in parts.into_iter().enumerate() {
                if !self.signs.is_blank(part) {
                    self.spill(deeper(trail, i + 1), at, part)?;
                }
            }
            return Ok(());
        }
        if trail.component == 0 && sign != 0 {
            // One component may still have subcomponents.
            let sub = deeper(trail, 1);
            if pieces(text, at, self.sign(&sub)).nth(1).is_some() && self.sign(&sub) != 0 {
                return self.spill(sub, at, text);
            }
        }
        let name = trail.name();
        if self.document.member(trail.segment, &name).is_none() {
            let key = self.document.number_key(&name);
            self.leaf(trail.segment, Some(key), at, text)?;
        }
        Ok(())
    }

    fn leaf(&mut self, parent: NodeId, key: Option<u32>, at: usize, text: &str) -> Result<(), Fault> {
        if text == "\"\"" {
            self.add(parent, key, Kind::Null, "", at)?;
        } else if text.bytes().any(|b| b == b'\r' || (b == self.signs.escape && b != 0)) {
            // A raw line end stands only in a text whose lines the sender broke.
            let plain = text.replace("\r\n", "\n").replace('\r', "\n");
            self.add(parent, key, Kind::String, &escape::decode(&plain, &self.signs), at)?;
        } else {
            self.add(parent, key, Kind::String, text, at)?;
        }
        Ok(())
    }

    /// What separates the parts of the value a trail leads to; 0 when it has none.
    const fn sign(&self, trail: &Trail) -> u8 {
        if trail.component == 0 {
            self.signs.component
        } else if trail.sub == 0 {
            self.signs.subcomponent
        } else {
            0
        }
    }

    /// A new group or segment of a list.
    fn item(&mut self, array: NodeId, repeats: Repeats, at: usize) -> Result<NodeId, Fault> {
        self.count(array, repeats, at)?;
        let item = self.add(array, None, Kind::Object, "", at)?;
        self.lists.entry(array).or_default().last = Some(item);
        Ok(item)
    }

    fn count(&mut self, array: NodeId, repeats: Repeats, at: usize) -> Result<(), Fault> {
        let most = match repeats {
            Repeats::UpTo(Some(most)) => most,
            _ => self.limits.repeats_max,
        };
        let list = self.lists.entry(array).or_default();
        list.length += 1;
        if list.length > most {
            return Err(Fault { code: code::DOC_LIMIT, text: format!("this repeats more than {most} times"), at });
        }
        Ok(())
    }

    fn add(&mut self, parent: NodeId, key: Option<u32>, kind: Kind, text: &str, at: usize) -> Result<NodeId, Fault> {
        let most = self.limits.nodes_max;
        if self.document.node_count() >= most {
            return Err(Fault { code: code::DOC_LIMIT, text: format!("the message has more than {most} values"), at });
        }
        Ok(self.document.add_numbered(parent, key, kind, text, at))
    }
}

const fn deeper(trail: Trail, part: usize) -> Trail {
    if trail.component == 0 { Trail { component: part, ..trail } } else { Trail { sub: part, ..trail } }
}

/// The parts of a text with their offsets.
///
/// A sign is ASCII, so it is looked for byte by byte: the parts are a few letters long.
fn pieces(text: &str, at: usize, sign: u8) -> impl Iterator<Item = (usize, &str)> {
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let start = from?;
        let rest = text.get(start..)?;
        let length = rest.bytes().position(|b| b == sign);
        from = length.map(|l| start + l + 1);
        Some((at + start, length.and_then(|l| rest.get(..l)).unwrap_or(rest)))
    })
}
