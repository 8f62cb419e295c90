//! The patient of a Bundle that holds none: answers of national services name the person by NHS number only.
//!
//! Where no Patient is in the Bundle and every resource speaks of one NHS number, that number stands for a Patient who has
//! nothing else. Two numbers, or none, change nothing: then nobody can be told.
//!
//! # Source
//! FHIR dossier §7: child protection information sharing answers with CareTeams whose subject is an NHS number.

use super::{Document, Kind, NodeId};

/// Members that say whom a resource is about.
const MEMBERS: [&str; 4] = ["subject", "patient", "for", "beneficiary"];

/// The system of NHS numbers.
const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";

/// Address of the patient made here, within the Bundle.
const ADDRESS: &str = "Patient/known-by-number";

/// Adds the patient.
pub(super) fn add_patient(document: &mut Document, resources: &[NodeId]) {
    let root = document.root();
    if document.member(root, "Patient").is_some() {
        return;
    }
    let mut named = Vec::new();
    let mut one: Option<NodeId> = None;
    for resource in resources {
        let about = MEMBERS.iter().find_map(|m| document.member(*resource, m));
        let Some(about) = about.filter(|a| document.member(*a, "reference").is_none()) else { continue };
        let Some(identifier) = document.member(about, "identifier") else { continue };
        let number = document.text_at(identifier, &["value"]);
        if document.text_at(identifier, &["system"]) != Some(NHS_NUMBER) || number.is_none() {
            continue;
        }
        if one.is_some_and(|first| document.text_at(first, &["value"]) != number) {
            return;
        }
        one = one.or(Some(identifier));
        named.push(about);
    }
    let Some(identifier) = one else { return };
    let (at, place) = (document.offset(identifier), document.source_pointer(identifier));
    let group = document.add(root, Some("Patient"), Kind::Array, "", at);
    let patient = document.add(group, None, Kind::Object, "", at);
    document.set_origin(patient, &place);
    document.add(patient, Some("@url"), Kind::String, ADDRESS, at);
    let list = document.add(patient, Some("identifier"), Kind::Array, "", at);
    let copy = document.clone_under(list, None, identifier);
    document.set_origin(copy, &place);
    for about in named {
        document.add(about, Some("reference"), Kind::String, ADDRESS, at);
    }
}

#[cfg(test)]
mod tests {
    use crate::document::{Limits, fhir, json};

    fn bundle(numbers: &[&str]) -> Option<String> {
        let entry = |n: &&str| {
            format!(
                r#"{{"resource":{{"resourceType":"CareTeam","subject":{{"identifier":{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{n}"}}}}}}}}"#
            )
        };
        let entries: Vec<String> = numbers.iter().map(entry).collect();
        let text = format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, entries.join(","));
        let tree = json::read(text.as_bytes(), &Limits::default()).unwrap();
        let tree = fhir::regroup(tree, text.as_bytes()).unwrap().document;
        let url = tree.text_at(tree.at_pointer("/Patient/0")?, &["@url"])?.to_owned();
        let subject = tree.at_pointer("/CareTeam/0/subject")?;
        (tree.text_at(subject, &["reference"]) == Some(url.as_str())).then_some(url)
    }

    #[test]
    fn one_number_is_one_patient_and_two_are_none() {
        assert!(bundle(&["9990000018", "9990000018"]).is_some());
        assert!(bundle(&["9990000018", "9990000026"]).is_none());
        assert!(bundle(&[]).is_none());
    }
}
