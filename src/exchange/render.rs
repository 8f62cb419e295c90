//! Writing a disclosure in the receiver's format.
//!
//! `canonical` shows all of it. Every other format gets the record as far as it can carry it, with indicators and
//! markers as hub-authored notes, because a prescriber must learn whom to ring whatever system is used.
//! Refuses to send a document its own schema does not accept.

use super::disclose::Question;
use super::released::{Rendered, WrittenBy};
use super::{ContentSet, Failure};
use crate::clock::Moment;
use crate::diagnostic::{Diagnostic, code};
use crate::document::{Document, Kind, NodeId, Style};
use crate::ident::EntryId;
use crate::mapping::WriteContext;
use crate::record::Record;
use crate::sharing::disclosure::{Disclosable, HANDLING};
use crate::vocabulary::Category;

/// The format that shows a whole disclosure.
pub(super) const CANONICAL: &str = "canonical";

/// The disclosure as bytes of the caller's format.
pub(super) fn render(
    content: &ContentSet,
    disclosable: &Disclosable,
    question: &Question,
    entry: &EntryId,
) -> Result<Rendered, Failure> {
    let format = question.caller.format.as_str();
    if format == CANONICAL {
        let value = disclosable.to_json(entry.as_str());
        let bytes = serde_json::to_vec(&value).map_err(|_| Failure::Inconsistent("a disclosure is not JSON"))?;
        return Ok(Rendered { bytes, content_type: "application/json", entry: entry.clone(), written: None });
    }
    let Some(document) = with_notices(disclosable, entry, question.at) else {
        // Nothing at all: the same empty answer whether something is withheld or nothing is there.
        return Ok(Rendered {
            bytes: Vec::new(),
            content_type: "application/octet-stream",
            entry: entry.clone(),
            written: None,
        });
    };
    let record = Record::validate(document, &content.schemas)
        .map_err(|_| Failure::Inconsistent("a redacted record is not valid"))?;
    let context = WriteContext { style: Style::Compact, ..WriteContext::at(question.at) };
    let written = content.mappings.write(format, std::slice::from_ref(&record), &context);
    let written = written.map_err(Failure::NotAcceptable)?;
    if written.loss.runs.iter().all(|run| run.carried == 0) {
        let text = "nothing of what may be released has a place in this format; ask through a system that speaks \
                    `canonical` or FHIR";
        return Err(Failure::NotAcceptable(vec![Diagnostic::error(code::EXCHANGE_FORMAT, text)]));
    }
    let by = written.loss.runs.first().map(|run| WrittenBy {
        mapping: run.mapping.clone(),
        version: run.version.clone(),
        carried: written.loss.runs.iter().map(|r| r.carried).sum(),
        reported: written.loss.runs.iter().map(|r| r.reported).sum(),
    });
    Ok(Rendered { bytes: written.bytes, content_type: written.content_type, entry: entry.clone(), written: by })
}

/// The redacted record with one note for each indicator and marker; `None` when there is nothing to say.
fn with_notices(disclosable: &Disclosable, entry: &EntryId, at: Moment) -> Option<Document> {
    if disclosable.is_silent() {
        return None;
    }
    let mut doc = disclosable.record().cloned().unwrap_or_else(|| {
        let mut doc = Document::new(Kind::Object);
        let root = doc.root();
        let envelope = doc.add(root, Some("envelope"), Kind::Object, "", 0);
        doc.add_text(envelope, "purpose", disclosable.purpose().code());
        doc.add(root, Some("people"), Kind::Array, "", 0);
        doc
    });
    if let Some(envelope) = doc.member(doc.root(), "envelope") {
        doc.add_text(envelope, "message_id", entry.as_str());
        doc.add_text(envelope, "sent_at", &at.to_string());
    }
    let mut number = 0_usize;
    for indicator in disclosable.indicators() {
        number += 1;
        let text = format!("{}: {} ({})", indicator.text, indicator.custodian, indicator.contact);
        let about = Some(indicator.about.as_str());
        notice(&mut doc, number, &Notice { what: "service involved", category: indicator.category, about, text });
    }
    for marking in disclosable.markings() {
        number += 1;
        let held = marking.custodian.as_deref().zip(marking.contact.as_deref());
        let text = match held {
            Some((custodian, contact)) => format!("{}: {custodian} ({contact})", marking.text),
            None => marking.text.clone(),
        };
        notice(
            &mut doc,
            number,
            &Notice { what: "information withheld", category: marking.category, about: None, text },
        );
    }
    Some(doc)
}

struct Notice<'a> {
    what: &'static str,
    category: Category,
    about: Option<&'a str>,
    text: String,
}

fn notice(doc: &mut Document, number: usize, notice: &Notice<'_>) {
    let root = doc.root();
    let about = match notice.about {
        Some(alias) => alias.to_owned(),
        None => first_person(doc).unwrap_or_else(|| "person".to_owned()),
    };
    ensure_person(doc, &about);
    let notes = doc.member(root, "notes").unwrap_or_else(|| doc.add(root, Some("notes"), Kind::Array, "", 0));
    let note = doc.add(notes, None, Kind::Object, "", 0);
    doc.add_text(note, "id", &format!("notice-{number}"));
    hub_label(doc, note, notice.category, &about);
    doc.add_text(note, "kind", "text");
    doc.add_text(note, "text", &format!("{} ({}): {}", notice.what, notice.category, notice.text));
}

fn first_person(doc: &Document) -> Option<String> {
    let people = doc.member(doc.root(), "people")?;
    doc.text_at(doc.item(people, 0)?, &["id"]).map(str::to_owned)
}

/// A notice must be about somebody in the record: a skeleton if nothing of them is released.
fn ensure_person(doc: &mut Document, alias: &str) {
    let root = doc.root();
    let people = doc.member(root, "people").unwrap_or_else(|| doc.add(root, Some("people"), Kind::Array, "", 0));
    if doc.children(people).any(|p| doc.text_at(p, &["id"]) == Some(alias)) {
        return;
    }
    let person = doc.add(people, None, Kind::Object, "", 0);
    doc.add_text(person, "id", alias);
    hub_label(doc, person, Category::Idn, alias);
    doc.add_text(person, "role", "subject");
}

/// The label of what the gateway itself says.
fn hub_label(doc: &mut Document, at: NodeId, category: Category, about: &str) {
    let label = doc.add(at, Some("label"), Kind::Object, "", 0);
    doc.add_text(label, "category", category.code());
    doc.add_text(label, "confidentiality", category.confidentiality_floor().code());
    doc.add_text(label, "custodian", "gateway");
    let list = doc.add(label, Some("about"), Kind::Array, "", 0);
    doc.add(list, None, Kind::String, about, 0);
    for (name, value) in [("third_party", "none"), ("basis_marker", "reported"), ("author_role", "SYS")] {
        doc.add_text(label, name, value);
    }
    let handling = doc.add(label, Some("handling"), Kind::Array, "", 0);
    for code in HANDLING {
        doc.add(handling, None, Kind::String, code, 0);
    }
    if category == Category::Int {
        doc.add_text(label, "police_handling", "P");
    }
}
