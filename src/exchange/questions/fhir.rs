//! Entries as FHIR R4 `AuditEvent`, in the shapes of the IHE Basic Audit Log Patterns.
//!
//! Owns the mapping of one row and of a page. Claims a BALP profile only where what it demands is there: a disclosure to
//! another agency is `PrivacyDisclosure.Source`, what came in `.Recipient`, a reading that was wholly allowed `PatientRead`, a
//! search `PatientQuery` or `Query`. A decision that relied on a permission is an event of its own, `AuthZconsent`, beside
//! that of the access. Names nobody: agents and patients are identifiers, and of a search as typed there is only a keyed
//! digest, because it may hold a name.
//!
//! # Source
//! IHE ITI BALP (IHE.BasicAudit, FHIR R4); Solent audit paper §8.

use super::{Row, Viewer};
use crate::audit::payload::{FreeText, Item};
use crate::audit::{Event, Outcome};
use crate::store::Keys;
use crate::vocabulary::{Category, Level};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
/// Kinds of authorization decisions.
const AUTHZ: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType";
/// Types of resources, as types of entities.
const RESOURCE: &str = "http://hl7.org/fhir/resource-types";
/// What the id of a decision's event ends with.
const DECISION_SUFFIX: &str = "-authz";
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
        Event::View | Event::OvrUse if !abroad => Shape {
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
        Event::View | Event::OvrUse | Event::Collect | Event::Export | Event::Print | Event::SubjectAccessRelease => {
            Shape {
                profile: about.then_some("PrivacyDisclosure.Source"),
                kind: (DCM, "110106"),
                subtype: Some((LIFECYCLE, "disclose")),
                action: "R",
            }
        }
        // What another agency put into a mailbox came in here.
        Event::Send => Shape {
            profile: about.then_some("PrivacyDisclosure.Recipient"),
            kind: (DCM, "110107"),
            subtype: Some((LIFECYCLE, "disclose")),
            action: "C",
        },
        Event::Refuse => {
            Shape { profile: None, kind: (DCM, "110113"), subtype: Some((AUTHZ, "AuthZ-Role")), action: "E" }
        }
        Event::Login | Event::LoginFail => Shape { profile: None, kind: (DCM, "110114"), subtype: None, action: "E" },
        Event::AuditQuery | Event::AuditExport => {
            Shape { profile: None, kind: (DCM, "110101"), subtype: None, action: "R" }
        }
        _ => Shape { profile: None, kind: (DCM, "110100"), subtype: None, action: "E" },
    }
}

/// What one entry says: the access or deed, and the decision when it relied on a permission.
#[must_use]
pub fn audit_events(row: &Row, viewer: &Viewer, keys: &Keys) -> Vec<Value> {
    std::iter::once(audit_event(row, viewer, keys)).chain(decision(row, viewer, keys)).collect()
}

/// One entry as an `AuditEvent`.
fn audit_event(row: &Row, viewer: &Viewer, keys: &Keys) -> Value {
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
        "outcome": outcome(row.outcome),
        "agent": agents(row, &shape),
        "source": { "observer": observer(row), "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4")] },
        "entity": entities(row, viewer, keys),
    });
    if let Value::Object(members) = &mut event {
        let entities = members.get("entity").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(profile) = shape.profile.filter(|profile| meets(profile, row, &entities)) {
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

/// Whether what a profile demands beyond its shape is there. A reading or search that was not wholly allowed, and one on
/// behalf of somebody (two information recipients), claims nothing.
fn meets(profile: &str, row: &Row, entities: &[Value]) -> bool {
    let has = |system: &str, code: &str| {
        let same = |e: &&Value| {
            e.pointer("/type/system") == Some(&json!(system)) && e.pointer("/type/code") == Some(&json!(code))
        };
        entities.iter().filter(same).count()
    };
    let client = row.payload.client.as_ref().is_some_and(|c| c.system.is_some());
    let wholly = row.outcome == Outcome::Allow && row.payload.on_behalf_of.is_none();
    let (patient, object) = (has(ENTITY_TYPE, "1") == 1, has(ENTITY_TYPE, "2"));
    match profile {
        "PatientRead" => client && wholly && patient && object == 1,
        "PatientQuery" => client && wholly && patient && object == 1,
        "Query" => client && wholly && object == 1,
        "PrivacyDisclosure.Source" => (client || row.payload.recipient.is_some()) && patient && entities.len() >= 2,
        "PrivacyDisclosure.Recipient" => client && patient && entities.len() >= 2,
        _ => false,
    }
}

/// The decision behind an access that relied on a permission, as `AuthZconsent`; `None` when there was none.
fn decision(row: &Row, viewer: &Viewer, keys: &Keys) -> Option<Value> {
    let payload = &row.payload;
    let (subject, actor, hat) = (payload.subject.as_ref()?, payload.actor.as_ref()?, payload.hat.as_ref()?);
    let system = payload.client.as_ref()?.system.as_ref()?;
    if payload.permissions.is_empty() {
        return None;
    }
    let mut agents = vec![
        json!({
            "type": { "coding": [coding("http://terminology.hl7.org/CodeSystem/extra-security-role-type", "authserver")] },
            "who": observer(row), "requestor": false,
        }),
        json!({
            "type": { "coding": [coding(DCM, "110150")] }, "who": named("system", system.as_str()), "requestor": false,
            "network": network(&format!("{OWN}system:{system}")),
        }),
        user(row, actor.as_str()),
    ];
    agents.push(json!({
        "type": { "coding": [coding("http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV")] },
        "who": named("agency", hat.agency.as_str()), "requestor": false,
    }));
    let mut entities = vec![patient(&viewer.subject(keys, subject.as_str()))];
    entities.extend(payload.permissions.iter().map(|id| consent(id)));
    let words = reasons(row, viewer);
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": format!("{}{DECISION_SUFFIX}", row.entry.id),
        "meta": { "profile": [format!("{BALP}AuthZconsent")] },
        "type": coding(DCM, "110113"),
        "subtype": [coding(AUTHZ, "AuthZ-Consent")],
        "action": "E",
        "recorded": row.entry.time.to_string(),
        "outcome": outcome(row.outcome),
        "agent": agents,
        "source": { "observer": observer(row), "type": [coding("http://terminology.hl7.org/CodeSystem/security-source-type", "6")] },
        "entity": entities,
    });
    if let (Value::Object(members), false) = (&mut event, words.is_empty()) {
        members.insert("outcomeDesc".to_owned(), json!(words.join(" ")));
    }
    if let (Value::Object(members), Some(purpose)) = (&mut event, payload.purpose) {
        let coded = json!([{ "coding": [coding("urn:solent:purpose", purpose.code())] }]);
        members.insert("purposeOfEvent".to_owned(), coded);
    }
    Some(event)
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "0",
        Outcome::Partial => "4",
        Outcome::Deny | Outcome::Error => "8",
    }
}

/// An agent's place in the network, as a URI: the log keeps which system it was, not its address.
fn network(uri: &str) -> Value {
    json!({ "address": uri, "type": "5" })
}

fn patient(pseudonym: &str) -> Value {
    let mut what = named("person", pseudonym);
    if let Value::Object(members) = &mut what {
        members.insert("type".to_owned(), json!("Patient"));
    }
    json!({ "what": what, "type": coding(ENTITY_TYPE, "1"), "role": coding(OBJECT_ROLE, "1") })
}

fn consent(id: &str) -> Value {
    let mut what = named("permission", id);
    if let Value::Object(members) = &mut what {
        members.insert("type".to_owned(), json!("Consent"));
    }
    json!({ "what": what, "type": coding(RESOURCE, "Consent") })
}

/// The person at the other end.
fn user(row: &Row, actor: &str) -> Value {
    let mut agent = json!({
        "type": { "coding": [coding(PARTICIPATION, "IRCP")] }, "who": named("account", actor), "requestor": true,
    });
    if let Value::Object(members) = &mut agent {
        if let Some(hat) = &row.payload.hat {
            members.insert("role".to_owned(), json!([{ "coding": [coding("urn:solent:role", hat.role.code())] }]));
        }
        if let Some(purpose) = row.payload.purpose {
            let coded = json!([{ "coding": [coding("urn:solent:purpose", purpose.code())] }]);
            members.insert("purposeOfUse".to_owned(), coded);
        }
    }
    agent
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
    // BALP reverses source and destination for a query: the client sends it. What comes in flows that way too.
    let reversed = shape.kind.1 == "110107" || (shape.action == "E" && shape.kind.1 == "rest");
    let (client, server) = if reversed { ("110153", "110152") } else { ("110152", "110153") };
    let mut agents = vec![json!({
        "type": { "coding": [coding(DCM, server)] }, "who": observer(row), "requestor": false,
        "network": network(&format!("https://{}", row.entry.origin)),
    })];
    let system = payload.client.as_ref().and_then(|c| c.system.as_ref());
    let recipient = payload.recipient.as_ref().filter(|_| system.is_none()).map(|r| ("agency", r.agency.as_str()));
    if let Some((kind, name)) = system.map(|s| ("system", s.as_str())).or(recipient) {
        agents.push(json!({
            "type": { "coding": [coding(DCM, client)] }, "who": named(kind, name), "requestor": false,
            "network": network(&format!("{OWN}{kind}:{name}")),
        }));
    }
    if let Some(actor) = &payload.actor {
        agents.push(user(row, actor.as_str()));
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
        entities.push(patient(&viewer.subject(keys, subject.as_str())));
    }
    let shown: Vec<&Item> = payload.items.iter().filter(|i| viewer.shows(i) && i.level != Level::N).collect();
    let label = |item: &Item| coding("urn:solent:category", item.category.map_or("none", Category::code));
    match (payload.event, shown.as_slice()) {
        (Event::Search, _) => {
            // The query as typed may hold names: the same words have the same digest in one view, and say nothing else.
            let typed = payload.query.as_ref().map_or("", FreeText::reveal);
            let digest =
                keys.hash("audit query", format!("{}\0{typed}", viewer.agency.as_deref().unwrap_or("")).as_bytes());
            let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
            let query = BASE64_STANDARD.encode(format!("hmac-sha-256:{hex}"));
            entities
                .push(json!({ "type": coding(ENTITY_TYPE, "2"), "role": coding(OBJECT_ROLE, "24"), "query": query }));
        }
        // A reading has one data entity (BALP): several segments are its details.
        (Event::View | Event::OvrUse, [_, _, ..]) => {
            let labels: BTreeMap<&str, Value> =
                shown.iter().map(|i| (i.category.map_or("none", Category::code), label(i))).collect();
            let detail: Vec<Value> =
                shown.iter().map(|i| json!({ "type": "segment", "valueString": i.segment })).collect();
            entities.push(json!({
                "what": named("release", row.entry.id.as_str()), "type": coding(ENTITY_TYPE, "2"),
                "role": coding(OBJECT_ROLE, "4"), "securityLabel": labels.into_values().collect::<Vec<_>>(), "detail": detail,
            }));
        }
        (_, items) => entities.extend(items.iter().map(|item| {
            json!({
                "what": named("segment", item.segment.as_str()), "type": coding(ENTITY_TYPE, "2"),
                "role": coding(OBJECT_ROLE, "4"), "securityLabel": [label(item)],
            })
        })),
    }
    if let Some(message) = payload.dataset.as_ref().and_then(|d| d.message.as_ref()).filter(|_| shown.is_empty()) {
        entities.push(json!({
            "what": named("message", message.as_str()), "type": coding(ENTITY_TYPE, "2"), "role": coding(OBJECT_ROLE, "3"),
        }));
    }
    if let Some(request) = payload.client.as_ref().and_then(|c| c.request.as_ref()) {
        entities.push(json!({ "what": named("request", request), "type": coding(BALP_ENTITY, "XrequestId") }));
    }
    entities.extend(payload.permissions.iter().map(|id| consent(id)));
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
