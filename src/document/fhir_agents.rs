//! Which organisation stands behind a reference: its identifier is copied beside the reference.
//!
//! A referral names its sender as `requester` → PractitionerRole → Organization; the record keeps the organisation's
//! code only. Chains are followed inside the Bundle, and only from the members listed here. Copies point at where the
//! identifier stands in the message.
//!
//! # Source
//! FHIR R4, Reference: a reference may carry the logical identifier of what it refers to.

use super::{Document, Keyed, Kind, NodeId};
use std::collections::HashMap;

/// Members that name an organisation, or somebody who works for one.
const MEMBERS: [&str; 8] = [
    "requester",
    "performer",
    "sender",
    "receiver",
    "managingOrganization",
    "serviceProvider",
    "generalPractitioner",
    "careManager",
];

/// What leads from a resource to its organisation.
const LEADS: [&str; 3] = ["organization", "providedBy", "managingOrganization"];

/// The system of national organisation codes: preferred where an organisation has several identifiers.
const ODS: &str = "https://fhir.nhs.uk/Id/ods-organization-code";

/// Resources between a reference and the organisation.
const STEPS_MAX: usize = 3;

/// Copies the identifiers.
pub(super) fn name_agents(document: &mut Document, resources: &[NodeId]) {
    // Mostly nobody is named, and then nothing else is looked at.
    let members: Vec<u32> = MEMBERS.iter().filter_map(|name| document.key_number(name)).collect();
    let named = |node: &NodeId| {
        let own = document.key_number_of(*node);
        let key = own.or_else(|| document.key_number_of(document.parent(*node)?));
        document.kind(*node) == Kind::Object && key.is_some_and(|k| members.contains(&k))
    };
    let all = resources.iter().flat_map(|r| document.below(*r).skip(1));
    let candidates: Vec<NodeId> = all.filter(named).collect();
    if candidates.is_empty() {
        return;
    }
    let by_url: HashMap<&str, NodeId, Keyed> =
        resources.iter().filter_map(|r| Some((document.text_at(*r, &["@url"])?, *r))).collect();
    let one = |node: NodeId| Some((node, organisation(document, &by_url, node)?));
    let found: Vec<(NodeId, NodeId)> = candidates.into_iter().filter_map(one).collect();
    for (node, identifier) in found {
        let place = document.source_pointer(identifier);
        let copy = document.clone_under(node, Some("identifier"), identifier);
        document.set_origin(copy, &place);
    }
}

/// The identifier of the organisation behind a reference that has none of its own.
fn organisation(document: &Document, by_url: &HashMap<&str, NodeId, Keyed>, node: NodeId) -> Option<NodeId> {
    if document.member(node, "identifier").is_some() {
        return None;
    }
    let mut at = *by_url.get(document.text_at(node, &["reference"])?)?;
    for _ in 0..STEPS_MAX {
        let kind = document.parent(at).and_then(|group| document.key(group));
        if kind == Some("Organization") {
            return identifier(document, at);
        }
        let next = LEADS.iter().find_map(|lead| document.text_at(at, &[lead, "reference"]));
        at = *by_url.get(next?)?;
    }
    None
}

fn identifier(document: &Document, organisation: NodeId) -> Option<NodeId> {
    let list = document.member(organisation, "identifier").filter(|l| document.kind(*l) == Kind::Array)?;
    let usable = |i: &NodeId| document.text_at(*i, &["value"]).is_some();
    let national = |i: &NodeId| document.text_at(*i, &["system"]) == Some(ODS);
    document.children(list).find(|i| usable(i) && national(i)).or_else(|| document.children(list).find(usable))
}

#[cfg(test)]
mod tests {
    use crate::document::{Limits, fhir, json};

    #[test]
    fn the_organisation_behind_a_role_is_named_beside_the_reference() {
        let text = concat!(
            r#"{"resourceType":"Bundle","type":"collection","entry":["#,
            r#"{"fullUrl":"urn:uuid:1","resource":{"resourceType":"ServiceRequest","requester":{"reference":"urn:uuid:2"},"#,
            r#""performer":[{"reference":"urn:uuid:9"}]}},"#,
            r#"{"fullUrl":"urn:uuid:2","resource":{"resourceType":"PractitionerRole","#,
            r#""organization":{"reference":"urn:uuid:3"},"practitioner":{"reference":"urn:uuid:4"}}},"#,
            r#"{"fullUrl":"urn:uuid:3","resource":{"resourceType":"Organization","identifier":[{"value":"local"},"#,
            r#"{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"X9"}]}}]}"#
        );
        let tree = json::read(text.as_bytes(), &Limits::default()).unwrap();
        let tree = fhir::regroup(tree, text.as_bytes()).unwrap().document;
        let request = tree.at_pointer("/ServiceRequest/0/requester").unwrap();
        assert_eq!(tree.text_at(request, &["identifier", "value"]), Some("X9"));
        let leaf = tree.find(request, &["identifier", "value"]).unwrap();
        assert_eq!(tree.source_pointer(leaf), "/entry/2/resource/identifier/1/value");
        assert!(tree.at_pointer("/ServiceRequest/0/performer/0/identifier").is_none());
    }
}
