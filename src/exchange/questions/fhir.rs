//! Entries as FHIR R4 `AuditEvent`, in the shapes of the IHE Basic Audit Log Patterns.
//!
//! Owns the mapping of one row and of a page. Claims a BALP profile only where its invariants hold: a disclosure to another
//! agency is `PrivacyDisclosure.Source`, a reading `PatientRead`, a search `PatientQuery` or `Query`, a decision that relied on
//! a permission `AuthZconsent`. Names nobody: agents and patients are identifiers.
//!
//! # Source
//! IHE ITI BALP (IHE.BasicAudit, FHIR R4); Solent audit paper §8.

use super::{Row, Viewer};
use crate::audit::{Event, Outcome};
use crate::store::Keys;
use crate::vocabulary::{Category, Level};
use serde_json::{Value, json};

/// Code system of DICOM.
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
/// Kinds of entities.
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
/// Roles of entities.
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
/// Event types.
const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
/// Interactions.
const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
/// Lifecycle events.
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";
/// How somebody takes part.
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
/// Where profiles of BALP live.
const BALP: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
/// Types of entities that only BALP knows.
const BALP_ENTITY: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
/// Our own codes.
const OWN: &str = "urn:solent:";

/// What an event is in FHIR's words.
struct Shape {
    profile: Option<&'static str>,
    kind: (&'static str, &'static str),
    subtype: Option<(&'static str, &'static str)>,
    action: &'static str,
}

fn shape(row: &Row) -> Shape {
    let rest = (EVENT_TYPE, "rest");
    let about = row.payload.subject.is_some();
    let abroad = match (&row.payload.recipient, &row.payload.hat) {
        (Some(recipient), _) => row.payload.items.iter().any(|i| i.custodian != recipient.agency),
        _ => false,
    };
    match row.payload.event {
        Event::View if !abroad => Shape {
            profile: about.then_some("PatientRead"),
            kind: rest,
            subtype: Some((INTERACTION, "read")),
            action: "R",
        },
        Event::Search => Shape {
            profile: Some(if about { "PatientQuery" } else { "Query" }),
            kind: rest,
            subtype: Some((INTERACTION, "search-type")),
            action: "E",
        },
        Event::View | Event::Collect | Event::Export | Event::Print | Event::SubjectAccessRelease => Shape {
            profile: about.then_some("PrivacyDisclosure.Source"),
            kind: (DCM, "110106"),
            subtype: Some((LIFECYCLE, "disclose")),
            action: "R",
        },
        Event::Send => {
            Shape { profile: None, kind: (DCM, "110107"), subtype: Some((LIFECYCLE, "receive")), action: "C" }
        }
        Event::Refuse => {
            Shape { profile: None, kind: (DCM, "110113"), subtype: Some((OWN, "AuthZ-Role")), action: "E" }
        }
        Event::Login | Event::LoginFail => Shape { profile: None, kind: (DCM, "110114"), subtype: None, action: "E" },
        Event::AuditQuery | Event::AuditExport => {
            Shape { profile: None, kind: (DCM, "110101"), subtype: None, action: "R" }
        }
        _ => Shape { profile: None, kind: (DCM, "110100"), subtype: None, action: "E" },
    }
}

/// One entry as an `AuditEvent`.
#[must_use]
pub fn audit_event(row: &Row, viewer: &Viewer, keys: &Keys) -> Value {
    let shape = shape(row);
    let payload = &row.payload;
    let mut subtype: Vec<Value> = shape.subtype.iter().map(|(system, code)| coding(system, code)).collect();
    subtype.push(coding("urn:solent:event", payload.event.open_name()));
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": row.entry.id,
        "type": coding(shape.kind.0, shape.kind.1),
        "subtype": subtype,
        "action": shape.action,
        "recorded": row.entry.time.to_string(),
        "outcome": match row.outcome {
            Outcome::Allow => "0",
            Outcome::Partial => "4",
            Outcome::Deny | Outcome::Error => "8",
        },
        "agent": agents(row, &shape),
        "source": { "observer": observer(row), "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4")] },
        "entity": entities(row, viewer, keys),
    });
    if let Value::Object(members) = &mut event {
        if let Some(profile) = shape.profile {
            members.insert("meta".to_owned(), json!({ "profile": [format!("{BALP}{profile}")] }));
        }
        let words = reasons(row, viewer);
        if !words.is_empty() {
            members.insert("outcomeDesc".to_owned(), json!(words.join(" ")));
        }
        if let Some(purpose) = payload.purpose {
            members.insert(
                "purposeOfEvent".to_owned(),
                json!([{ "coding": [coding("urn:solent:purpose", purpose.code())] }]),
            );
        }
        let empty = members.get("entity").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if empty {
            members.remove("entity");
        }
    }
    event
}

/// A page of entries as a search result.
#[must_use]
pub fn bundle(events: Vec<Value>, this: &str, next: Option<&str>) -> Value {
    let mut links = vec![json!({ "relation": "self", "url": this })];
    links.extend(next.map(|url| json!({ "relation": "next", "url": url })));
    let entry: Vec<Value> = events
        .into_iter()
        .map(|event| {
            let id = event.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            json!({ "fullUrl": format!("urn:uuid:{id}"), "resource": event, "search": { "mode": "match" } })
        })
        .collect();
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "link": links });
    if let (Value::Object(members), false) = (&mut bundle, entry.is_empty()) {
        members.insert("entry".to_owned(), Value::Array(entry));
    }
    bundle
}

fn coding(system: &str, code: &str) -> Value {
    let display = match code {
        "110150" => "Application",
        "110152" => "Destination Role ID",
        "110153" => "Source Role ID",
        "110106" => "Export",
        "110107" => "Import",
        "110113" => "Security Alert",
        "110114" => "User Authentication",
        "110101" => "Audit Log Used",
        "110100" => "Application Activity",
        "rest" => "Restful Operation",
        _ => "",
    };
    if display.is_empty() {
        json!({ "system": system, "code": code })
    } else {
        json!({ "system": system, "code": code, "display": display })
    }
}

fn named(system: &str, value: &str) -> Value {
    json!({ "identifier": { "system": format!("{OWN}{system}"), "value": value } })
}

/// The gateway is who records; in a disclosure it is also the source (BALP: `source.observer = agent[source].who`).
fn observer(row: &Row) -> Value {
    named("log", &row.entry.origin)
}

fn agents(row: &Row, shape: &Shape) -> Value {
    let payload = &row.payload;
    // BALP reverses source and destination for a query: the client sends it.
    let (client, server) =
        if shape.action == "E" && shape.kind.1 == "rest" { ("110153", "110152") } else { ("110152", "110153") };
    let mut agents =
        vec![json!({ "type": { "coding": [coding(DCM, server)] }, "who": observer(row), "requestor": false })];
    if let Some(system) = payload.client.as_ref().and_then(|c| c.system.as_ref()) {
        agents.push(json!({
            "type": { "coding": [coding(DCM, client)] }, "who": named("system", system.as_str()), "requestor": false,
        }));
    } else if let Some(recipient) = &payload.recipient {
        agents.push(json!({
            "type": { "coding": [coding(DCM, client)] }, "who": named("agency", recipient.agency.as_str()), "requestor": false,
        }));
    }
    if let Some(actor) = &payload.actor {
        let mut agent = json!({
            "type": { "coding": [coding(PARTICIPATION, "IRCP")] }, "who": named("account", actor.as_str()), "requestor": true,
        });
        if let Value::Object(members) = &mut agent {
            if let Some(hat) = &payload.hat {
                members.insert("role".to_owned(), json!([{ "coding": [coding("urn:solent:role", hat.role.code())] }]));
            }
            if let Some(purpose) = payload.purpose {
                let coded = json!([{ "coding": [coding("urn:solent:purpose", purpose.code())] }]);
                members.insert("purposeOfUse".to_owned(), coded);
            }
        }
        agents.push(agent);
    }
    if let Some(principal) = &payload.on_behalf_of {
        agents.push(json!({
            "type": { "coding": [coding(PARTICIPATION, "IRCP")] }, "who": named("account", principal.as_str()), "requestor": false,
        }));
    }
    Value::Array(agents)
}

fn entities(row: &Row, viewer: &Viewer, keys: &Keys) -> Value {
    let payload = &row.payload;
    let mut entities = Vec::new();
    if let Some(subject) = &payload.subject {
        entities.push(json!({
            "what": named("person", &viewer.subject(keys, subject.as_str())),
            "type": coding(ENTITY_TYPE, "1"), "role": coding(OBJECT_ROLE, "1"),
        }));
    }
    for item in payload.items.iter().filter(|i| viewer.shows(i) && i.level != Level::N) {
        entities.push(json!({
            "what": named("segment", item.segment.as_str()),
            "type": coding(ENTITY_TYPE, "2"), "role": coding(OBJECT_ROLE, "4"),
            "securityLabel": [coding("urn:solent:category", item.category.map_or("none", Category::code))],
        }));
    }
    if payload.event == Event::Search {
        // The query as typed may hold names: that there was one is said, not what it was.
        entities.push(json!({ "type": coding(ENTITY_TYPE, "2"), "role": coding(OBJECT_ROLE, "24"), "query": "" }));
    }
    if let Some(request) = payload.client.as_ref().and_then(|c| c.request.as_ref()) {
        entities.push(json!({ "what": named("request", request), "type": coding(BALP_ENTITY, "XrequestId") }));
    }
    for permission in &payload.permissions {
        entities.push(json!({
            "what": named("permission", permission), "type": coding(ENTITY_TYPE, "2"), "role": coding(OBJECT_ROLE, "4"),
        }));
    }
    entities.retain(|e| e.get("query") != Some(&json!("")));
    Value::Array(entities)
}

/// Reason and limit codes, each once.
fn reasons(row: &Row, viewer: &Viewer) -> Vec<String> {
    let items = row.payload.items.iter().filter(|i| viewer.shows(i));
    let mut words: Vec<String> = items.flat_map(|i| [Some(i.reason.clone()), i.limit.clone()]).flatten().collect();
    words.extend(row.payload.reason.clone());
    words.sort_unstable();
    words.dedup();
    words
}
