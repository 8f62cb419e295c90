//! What a FHIR Bundle needs as a whole: its own confidentiality, the high-water mark of its entries.
//!
//! # Source
//! FHIR dossier §5: exactly one v3-Confidentiality code per resource; the high-water mark goes on `Bundle.meta.security`.

use super::lang::tree::Syntax;
use super::loss::{Direction, LossEntry, LossKind, LossReport};
use super::plan::Plan;
use crate::document::{Document, Kind, NodeId};
use crate::vocabulary::Confidentiality;

const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// Labels the Bundle; reported as supplied.
pub fn label(message: &mut Document, plan: &Plan, loss: &mut LossReport) {
    let root = message.root();
    if plan.syntax != Syntax::Fhir || message.member(root, "meta").is_some() {
        return;
    }
    let groups: Vec<NodeId> = message.children(root).filter(|g| message.kind(*g) == Kind::Array).collect();
    let highest = groups
        .iter()
        .flat_map(|g| message.children(*g))
        .filter_map(|resource| message.find(resource, &["meta", "security"]))
        .flat_map(|list| message.children(list).collect::<Vec<_>>())
        .filter(|coding| message.text_at(*coding, &["system"]) == Some(SYSTEM))
        .filter_map(|coding| message.text_at(coding, &["code"]).and_then(Confidentiality::parse))
        .max()
        .unwrap_or(Confidentiality::N);
    let meta = message.add(root, Some("meta"), Kind::Object, "", 0);
    let list = message.add(meta, Some("security"), Kind::Array, "", 0);
    let coding = message.add(list, None, Kind::Object, "", 0);
    message.add_text(coding, "system", SYSTEM);
    message.add_text(coding, "code", highest.code());
    loss.push(LossEntry {
        kind: LossKind::Supplied,
        severity: LossKind::Supplied.grade(),
        direction: Direction::Write,
        path_in: String::new(),
        path_out: "meta.security[0].code".to_owned(),
        rule: String::new(),
        count: 1,
        note: "the highest confidentiality of the entries".to_owned(),
    });
}
