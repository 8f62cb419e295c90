//! What a FHIR Bundle needs as a whole: its confidentiality, a header when it is a message, requests when it is a
//! transaction, and a status that does not contradict an end.
//!
//! # Source
//! FHIR dossier §5: exactly one v3-Confidentiality code per resource; the high-water mark goes on `Bundle.meta.security`.
//! FHIR R4 Bundle, bdl-3 (requests), bdl-12 (header); MessageHeader: event and source endpoint are required.

use super::lang::tree::Syntax;
use super::loss::{Direction, LossEntry, LossKind, LossReport};
use super::plan::Plan;
use super::said::Said;
use crate::document::{Document, Kind, NodeId};
use crate::vocabulary::Confidentiality;
use uuid::Uuid;

const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// The event of a message whose record names none.
const EVENT: (&str, &str) = ("https://example.org/solent/CodeSystem/message-event", "record");

/// The source of a message whose record names no address.
const ENDPOINT: &str = "urn:solent:gateway";

/// Name space of the header's own address, made from the message's first resource.
const HEADERS: Uuid = Uuid::from_u128(0x5d0e_31a7_4c29_5b86_9f13_70d4_2ab8_e6c1);

/// Completes the Bundle; what is added is reported as supplied.
pub fn complete(message: &mut Document, plan: &Plan, loss: &mut LossReport) {
    if plan.syntax != Syntax::Fhir {
        return;
    }
    end_what_ended(message, loss);
    let routed = message.member(message.root(), "MessageHeader").is_some();
    if routed && defaulted(loss, "type") {
        // Where nothing says how it was packed, what has a header is a message.
        if let Some(leaf) = message.member(message.root(), "type") {
            message.set_scalar(leaf, Kind::String, "message");
        }
    }
    let kind = message.text_at(message.root(), &["type"]).unwrap_or("").to_owned();
    if routed || kind == "message" {
        header(message, loss);
    }
    if matches!(kind.as_str(), "transaction" | "batch") {
        requests(message, loss);
    }
    label(message, loss);
}

fn label(message: &mut Document, loss: &mut LossReport) {
    let root = message.root();
    if message.member(root, "meta").is_some() {
        return;
    }
    let highest = groups(message)
        .flat_map(|(_, list)| message.children(list))
        .filter_map(|resource| message.find(resource, &["meta", "security"]))
        .flat_map(|list| message.children(list))
        .filter(|coding| message.text_at(*coding, &["system"]) == Some(SYSTEM))
        .filter_map(|coding| message.text_at(coding, &["code"]).and_then(Confidentiality::parse))
        .max()
        .unwrap_or(Confidentiality::N);
    secure(message, root, highest);
    supplied(loss, "meta.security[0].code", "the highest confidentiality of the entries");
}

/// The confidentiality code of a resource.
fn secure(message: &mut Document, resource: NodeId, conf: Confidentiality) {
    let meta = message.add(resource, Some("meta"), Kind::Object, "", 0);
    let list = message.add(meta, Some("security"), Kind::Array, "", 0);
    let coding = message.add(list, None, Kind::Object, "", 0);
    message.add_text(coding, "system", SYSTEM);
    message.add_text(coding, "code", conf.code());
}

/// Resource types with the lists of their resources, in order.
fn groups(message: &Document) -> impl Iterator<Item = (&str, NodeId)> {
    let lists = message.children(message.root()).filter(|g| message.kind(*g) == Kind::Array);
    lists.filter_map(|g| Some((message.key(g)?, g)))
}

/// A message begins with a header that says event, source, and what it is about.
fn header(message: &mut Document, loss: &mut LossReport) {
    let of = |kind: &str| {
        let list = groups(message).find(|(k, _)| *k == kind).map(|(_, list)| list);
        list.and_then(|l| message.children(l).next())
    };
    let url = |node: NodeId| message.text_at(node, &["@url"]).map(str::to_owned);
    let about = ["ServiceRequest", "Patient"].iter().find_map(|kind| url(of(kind)?));
    let known = of("MessageHeader");
    let header = match known {
        Some(found) => found,
        None => {
            let list = message.add(message.root(), Some("MessageHeader"), Kind::Array, "", 0);
            message.add(list, None, Kind::Object, "", 0)
        }
    };
    if message.member(header, "meta").is_none() {
        // The envelope says nothing about people.
        secure(message, header, Confidentiality::N);
    }
    if message.member(header, "@url").is_none() {
        let name = about.clone().unwrap_or_default();
        message.add_text(header, "@url", &format!("urn:uuid:{}", Uuid::new_v5(&HEADERS, name.as_bytes())));
        supplied(loss, "MessageHeader[0].@url", "the header's own address");
    }
    if message.member(header, "eventCoding").is_none() && message.member(header, "eventUri").is_none() {
        let coding = message.add(header, Some("eventCoding"), Kind::Object, "", 0);
        message.add_text(coding, "system", EVENT.0);
        message.add_text(coding, "code", EVENT.1);
        supplied(loss, "MessageHeader[0].eventCoding.code", "the record names no event");
    }
    let source = match message.member(header, "source") {
        Some(found) => found,
        None => message.add(header, Some("source"), Kind::Object, "", 0),
    };
    if message.member(source, "endpoint").is_none() {
        message.add_text(source, "endpoint", ENDPOINT);
        supplied(loss, "MessageHeader[0].source.endpoint", "the record names no address of the sender");
    }
    if let (Some(url), None) = (about, message.member(header, "focus")) {
        let list = message.add(header, Some("focus"), Kind::Array, "", 0);
        let focus = message.add(list, None, Kind::Object, "", 0);
        message.add_text(focus, "reference", &url);
        supplied(loss, "MessageHeader[0].focus[0].reference", "what the message is about");
    }
    let destinations = message.member(header, "destination").map(|l| message.children(l).collect::<Vec<_>>());
    for destination in destinations.into_iter().flatten() {
        if message.member(destination, "endpoint").is_none() {
            message.add_text(destination, "endpoint", ENDPOINT);
            supplied(loss, "MessageHeader[0].destination[0].endpoint", "the record names no address of the receiver");
        }
    }
}

/// Each entry of a transaction says what is to be done with it: it is a new resource.
fn requests(message: &mut Document, loss: &mut LossReport) {
    let all: Vec<(String, NodeId)> = groups(message).map(|(kind, list)| (kind.to_owned(), list)).collect();
    for (kind, list) in all {
        let list: Vec<NodeId> = message.children(list).collect();
        for resource in list.into_iter().filter(|_| kind.starts_with(|c: char| c.is_ascii_uppercase())) {
            let request = message.add(resource, Some("@request"), Kind::Object, "", 0);
            message.add_text(request, "method", "POST");
            message.add_text(request, "url", &kind);
        }
        supplied(loss, &format!("{kind}[*].@request"), "every entry is created");
    }
}

/// A status that was set because the record says none is the one for an end, where there is an end.
fn end_what_ended(message: &mut Document, loss: &LossReport) {
    for (kind, status) in [("EpisodeOfCare", "finished"), ("CarePlan", "completed")] {
        let set = |place: usize| defaulted(loss, &format!("{kind}[{place}].status"));
        let list = message.member(message.root(), kind).map(|l| message.children(l).collect::<Vec<_>>());
        for (place, resource) in list.into_iter().flatten().enumerate() {
            let ended = message.find(resource, &["period", "end"]).is_some();
            if let (true, Some(leaf)) = (ended && set(place), message.member(resource, "status")) {
                message.set_scalar(leaf, Kind::String, status);
            }
        }
    }
}

/// Whether a place was filled because the record says nothing of it.
fn defaulted(loss: &LossReport, path: &str) -> bool {
    loss.entries.iter().any(|e| e.kind == LossKind::Defaulted && e.path_out == path)
}

fn supplied(loss: &mut LossReport, path: &str, note: &'static str) {
    loss.push(LossEntry {
        kind: LossKind::Supplied,
        severity: LossKind::Supplied.grade(),
        direction: Direction::Write,
        path_in: String::new(),
        path_out: path.to_owned(),
        rule: Said::default(),
        count: 1,
        note: note.into(),
    });
}
