//! A tree to ER7 text: the usual delimiters, segments ended by CR, in the order of the schema.

use super::{Content, MessageShape, Place, escape, is_segment_name};
use crate::document::{Document, Kind, NodeId};
use std::collections::BTreeMap;

/// Greatest number of a field, repetition or component that is written: a name beyond it is no place of a message.
const NUMBER_MAX: usize = 10_000;

/// Blanks of a text that is nothing but blanks.
const BLANKS_MAX: usize = 80;

/// The field of MSH that names the character set, and what is written there when ASCII is not enough.
const CHARSET_FIELD: usize = 18;
const CHARSET: &str = "UNICODE UTF-8";

/// Field, repetition from 0, component, subcomponent.
type Spot = (usize, usize, usize, usize);

/// Writes one message.
#[must_use]
pub fn write(document: &Document, shape: &dyn MessageShape) -> Vec<u8> {
    let mut out = String::new();
    group(document, document.root(), Some(shape.root()), shape, &mut out);
    let mut head = String::new();
    if let Some(node) = document.member(document.root(), "MSH").filter(|n| document.kind(*n) == Kind::Object) {
        segment(document, node, "MSH", out.is_ascii(), &mut head);
        let whole = head.is_ascii();
        if !whole && out.is_ascii() {
            head.clear();
            segment(document, node, "MSH", false, &mut head);
        }
    }
    head.push_str(&out);
    head.into_bytes()
}

fn group(document: &Document, node: NodeId, place: Option<Place>, shape: &dyn MessageShape, out: &mut String) {
    let known = place.map(|p| shape.order(p)).unwrap_or_default();
    for name in &known {
        let Some(member) = document.member(node, name).filter(|_| *name != "MSH") else { continue };
        let inner = place.and_then(|p| shape.child(p, name)).map(|(p, _)| p);
        part(document, member, name, inner, shape, out);
    }
    for member in document.children(node) {
        let name = document.key(member).unwrap_or("");
        if !known.contains(&name) {
            part(document, member, name, None, shape, out);
        }
    }
}

fn part(
    document: &Document,
    node: NodeId,
    name: &str,
    place: Option<Place>,
    shape: &dyn MessageShape,
    out: &mut String,
) {
    let items: Vec<NodeId> = match document.kind(node) {
        Kind::Array => document.children(node).collect(),
        _ => vec![node],
    };
    // `PV1[1]` is a second PV1 where the structure has one.
    let plain = name.split('[').next().unwrap_or(name);
    for item in items.into_iter().filter(|i| document.kind(*i) == Kind::Object) {
        if is_segment_name(plain) {
            segment(document, item, plain, true, out);
        } else if place.is_some_and(|p| shape.content(p) == Content::Elements) {
            group(document, item, place, shape, out);
        }
    }
}

/// `ascii` says whether a header may leave out its character set.
fn segment(document: &Document, node: NodeId, name: &str, ascii: bool, out: &mut String) {
    let mut cells: BTreeMap<Spot, String> = BTreeMap::new();
    let head = name == "MSH";
    for field in document.children(node) {
        let Some((spot, stated)) = document.key(field).and_then(spot_of) else { continue };
        match document.kind(field) {
            Kind::Array => {
                for (i, item) in document.children(field).enumerate().filter(|(i, _)| *i < NUMBER_MAX) {
                    value(document, item, (spot.0, i, 1, 1), &mut cells);
                }
            }
            _ if stated => leaf(document, field, spot, &mut cells),
            _ => value(document, field, spot, &mut cells),
        }
    }
    out.push_str(name);
    if head {
        out.push_str(r"|^~\&");
        cells.retain(|spot, _| spot.0 > 2 && spot.0 != CHARSET_FIELD);
        if !ascii {
            cells.insert((CHARSET_FIELD, 0, 1, 1), CHARSET.to_owned());
        }
    }
    let mut here: Spot = (if head { 2 } else { 0 }, 0, 1, 1);
    for (spot, text) in cells {
        advance(&mut here, spot, out);
        out.push_str(&text);
    }
    if out.ends_with(' ') {
        // Readers take blanks at the end of a segment for nothing.
        out.pop();
        out.push_str(r"\X20\");
    }
    out.push('\r');
}

/// Separators from one spot to a later one.
fn advance(here: &mut Spot, to: Spot, out: &mut String) {
    let mut push = |sign: char, times: usize| out.extend(std::iter::repeat_n(sign, times));
    if to.0 != here.0 {
        push('|', to.0.saturating_sub(here.0));
        *here = (to.0, 0, 1, 1);
    }
    if to.1 != here.1 {
        push('~', to.1.saturating_sub(here.1));
        *here = (to.0, to.1, 1, 1);
    }
    if to.2 != here.2 {
        push('^', to.2.saturating_sub(here.2));
        *here = (to.0, to.1, to.2, 1);
    }
    push('&', to.3.saturating_sub(here.3));
    *here = to;
}

/// A field, component or subcomponent.
fn value(document: &Document, node: NodeId, spot: Spot, cells: &mut BTreeMap<Spot, String>) {
    if document.kind(node) != Kind::Object {
        return leaf(document, node, spot, cells);
    }
    for component in document.children(node) {
        let Some(number) = number_of(document.key(component)) else { continue };
        if document.kind(component) != Kind::Object {
            leaf(document, component, (spot.0, spot.1, number, 1), cells);
            continue;
        }
        for sub in document.children(component) {
            if let Some(part) = number_of(document.key(sub)) {
                leaf(document, sub, (spot.0, spot.1, number, part), cells);
            }
        }
    }
}

fn leaf(document: &Document, node: NodeId, spot: Spot, cells: &mut BTreeMap<Spot, String>) {
    let mut text = String::new();
    match (document.kind(node), document.text(node)) {
        (Kind::Null, _) => text.push_str("\"\""),
        // As it stands it would be a clearing, or nothing.
        (_, Some("\"\"")) => text.push_str(r#"\X22\""#),
        (_, Some(plain)) if !plain.is_empty() && plain.bytes().all(|b| b == b' ') => {
            text.push_str(&r"\X20\".repeat(plain.len().min(BLANKS_MAX)));
        }
        (_, Some(plain)) => escape::encode(plain, &mut text),
        _ => {}
    }
    if !text.is_empty() {
        cells.entry(spot).or_insert(text);
    }
}

fn number_of(name: Option<&str>) -> Option<usize> {
    name.and_then(|n| n.parse().ok()).filter(|n| (1..=NUMBER_MAX).contains(n))
}

/// The spot a member name gives (`5`, `8[1].2`), and whether it states more than the field.
fn spot_of(name: &str) -> Option<(Spot, bool)> {
    if let Some(field) = number_of(Some(name)) {
        return Some(((field, 0, 1, 1), false));
    }
    let (field, rest) = name.split_once('[')?;
    let (repetition, rest) = rest.split_once(']')?;
    let mut parts = rest.split('.').skip(1).map(|p| number_of(Some(p)));
    let repetition: usize = repetition.parse().ok().filter(|n| *n <= NUMBER_MAX)?;
    let component = parts.next().unwrap_or(Some(1))?;
    let sub = parts.next().unwrap_or(Some(1))?;
    Some(((number_of(Some(field))?, repetition, component, sub), true))
}
