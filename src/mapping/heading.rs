//! What every HL7 v2 message must say about itself, where the record brings none: time, control id, event time.
//!
//! # Source
//! HL7 v2.5.1 §2.14.9 (MSH-7, MSH-10 required), §3.4.1 (EVN-2 required).

use super::loss::{Direction, LossEntry, LossKind, LossReport};
use super::plan::Plan;
use super::said::Said;
use crate::clock::Moment;
use crate::document::{Document, Kind, NodeId};
use crate::schema::{Schema, Syntax};

/// Fills in MSH-7, MSH-10 and, where the structure has the segment, EVN-2 and TXA-12; each is reported as supplied.
/// `place` tells the messages of one writing apart.
pub fn complete(
    message: &mut Document,
    schema: &Schema,
    plan: &Plan,
    now: Moment,
    place: usize,
    loss: &mut LossReport,
) {
    if plan.syntax != super::lang::tree::Syntax::Hl7v2 {
        return;
    }
    let time = now.timestamp().to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string();
    let stamp = format!("{time}+0000");
    let number = format!("S{time}-{}", place.saturating_add(1));
    let known = |segment: &str| schema.shapes().step(schema.root(), segment).is_ok();
    let wanted = [
        ("MSH", &["7", "1"][..], stamp.as_str()),
        ("MSH", &["10"][..], number.as_str()),
        ("EVN", &["2", "1"][..], stamp.as_str()),
        ("TXA", &["12", "1"][..], number.as_str()),
    ];
    for (segment, way, text) in wanted {
        if known(segment) && supply(message, segment, way, text) {
            loss.push(entry(segment, way));
        }
    }
}

/// Sets a text at the end of a way of objects; `false` when one stands there.
fn supply(message: &mut Document, segment: &str, way: &[&str], text: &str) -> bool {
    let root = message.root();
    let mut at = object(message, root, segment);
    let Some((last, before)) = way.split_last() else { return false };
    for name in before {
        at = object(message, at, name);
    }
    let absent = message.member(at, last).is_none();
    if absent {
        message.add_text(at, last, text);
    }
    absent
}

fn object(message: &mut Document, parent: NodeId, name: &str) -> NodeId {
    match message.member(parent, name) {
        Some(found) => found,
        None => message.add(parent, Some(name), Kind::Object, "", 0),
    }
}

fn entry(segment: &str, way: &[&str]) -> LossEntry {
    LossEntry {
        kind: LossKind::Supplied,
        severity: LossKind::Supplied.grade(),
        direction: Direction::Write,
        path_in: String::new(),
        path_out: format!("{segment}.{}", way.join(".")),
        rule: Said::default(),
        count: 1,
        note: "made from the moment of writing; the format requires it".into(),
    }
}

/// The messages of a writing whose records go into one message: those that have the same control id. Other syntaxes make
/// one message of all.
pub fn apart(messages: Vec<Document>, syntax: Syntax) -> Vec<Vec<Document>> {
    if !matches!(syntax, Syntax::Hl7v2 { .. }) {
        return vec![messages];
    }
    let id = |m: &Document| m.text_at(m.root(), &["MSH", "10"]).map(str::to_owned);
    let mut out: Vec<Vec<Document>> = Vec::new();
    for message in messages {
        let same = |g: &&mut Vec<Document>| g.last().and_then(id).is_some_and(|i| id(&message).is_some_and(|j| i == j));
        match out.last_mut().filter(same) {
            Some(group) => group.push(message),
            None => out.push(vec![message]),
        }
    }
    out
}
