//! Writing a permission as a FHIR R4 Consent: the root states its type (PCF), what FHIR has no member for is an extension, and
//! nothing is verified there (PCF excludes `verification`).

use super::{
    ACT_CODE, CATEGORY_SYSTEM, EXTENSION, KIND_SYSTEM, PARTICIPATION, PURPOSE_SYSTEM, ROLE_SYSTEM, SCOPE_SYSTEM,
};
use crate::sharing::facts::{Capacity, Choice, Party, Permission, Scope};
use crate::vocabulary::Category;
use serde_json::{Map, Value, json};

/// The wording when none is recorded.
const WORDING_UNKNOWN: &str = "urn:solent:wording:not-recorded";

/// The resource. `status` is the derived status; `ends` the moment it ends by time.
pub(super) fn consent(record: &Permission, status: &str, ends: Option<&str>, custodian: &str) -> Value {
    let form = record.form.as_ref();
    let wording = form.and_then(|f| f.wording.clone()).unwrap_or_else(|| WORDING_UNKNOWN.to_owned());
    let mut root = provision(record.decision, &record.scope);
    if let Value::Object(root) = &mut root {
        let mut period = Map::new();
        let start = record.valid_from.unwrap_or(record.recorded_at);
        period.insert("start".to_owned(), json!(start.to_string()));
        // A moment, because a day at the end of a Period would be included.
        period.extend(ends.map(|end| ("end".to_owned(), json!(end))));
        root.insert("period".to_owned(), Value::Object(period));
        let nested: Vec<Value> = record.exceptions.iter().map(|e| provision(e.decision, &e.scope)).collect();
        if !nested.is_empty() {
            root.insert("provision".to_owned(), json!(nested));
        }
    }
    json!({
        "resourceType": "Consent",
        "id": record.id,
        "meta": {"versionId": record.version.as_ref().map_or_else(|| "1".to_owned(), ToString::to_string)},
        "extension": extensions(record, status),
        "contained": [{"resourceType": "DocumentReference", "id": "form", "status": "current", "content": [{"attachment": {
            "title": "the signed or witnessed form", "contentType": "application/octet-stream"}}]}],
        "status": fhir_status(status),
        "scope": {"coding": [{"system": SCOPE_SYSTEM, "code": "patient-privacy"}]},
        "category": [
            {"coding": [{"system": "http://loinc.org", "code": "59284-0"}]},
            {"coding": [{"system": KIND_SYSTEM, "code": record.kind}]}],
        "patient": {"reference": format!("Patient/{}", record.subject)},
        "dateTime": record.recorded_at.to_string(),
        "performer": [{"reference": performer(record)}],
        "organization": [{"reference": format!("Organization/{custodian}")}],
        "sourceReference": {"reference": "#form"},
        "policy": [{"uri": wording}],
        "provision": root,
    })
}

/// A refusal in force is `active` with a root of type deny; `rejected` would mean that nothing is in force.
fn fhir_status(status: &str) -> &'static str {
    match status {
        "active" | "refused" => "active",
        "draft" => "draft",
        "disputed" | "review" => "proposed",
        "entered-in-error" => "entered-in-error",
        _ => "inactive",
    }
}

fn performer(record: &Permission) -> String {
    match record.capacity {
        Capacity::LaCareOrder => format!("Organization/{}", record.decider),
        _ if record.decider == record.subject.as_str() => format!("Patient/{}", record.decider),
        _ => format!("RelatedPerson/{}", record.decider),
    }
}

fn extensions(record: &Permission, status: &str) -> Vec<Value> {
    let url = |name: &str| format!("{EXTENSION}{name}");
    let mut list = vec![
        json!({"url": url("told-limits"), "valueBoolean": record.told_limits}),
        json!({"url": url("capacity"), "valueCode": record.capacity}),
        json!({"url": url("status"), "valueCode": status}),
    ];
    let form = record.form.as_ref();
    list.extend(form.map(|f| json!({"url": url("how"), "valueCode": f.how})));
    list.extend(form.and_then(|f| f.digest.as_ref()).map(|d| json!({"url": url("sha256"), "valueString": d})));
    list.extend(record.competence.as_ref().map(|id| json!({"url": url("competence"), "valueString": id})));
    let text = |value: Result<String, serde_json::Error>| value.unwrap_or_default();
    list.extend(
        record
            .pr_evidence
            .as_ref()
            .map(|e| json!({"url": url("pr-evidence"), "valueString": text(serde_json::to_string(e))})),
    );
    list.extend(
        record
            .young_person_asked
            .as_ref()
            .map(|a| json!({"url": url("young-person-asked"), "valueString": text(serde_json::to_string(a))})),
    );
    list
}

fn provision(choice: Choice, scope: &Scope) -> Value {
    let mut out = Map::new();
    let kind = match choice {
        Choice::Permit => "permit",
        Choice::Refuse => "deny",
    };
    out.insert("type".to_owned(), json!(kind));
    let mut put = |name: &str, list: Vec<Value>| {
        if !list.is_empty() {
            out.insert(name.to_owned(), Value::Array(list));
        }
    };
    let categories = scope.categories.iter().flatten().map(|c| label(*c));
    let codes = scope.labels.iter().flatten().map(|code| json!({"system": ACT_CODE, "code": code}));
    put("securityLabel", categories.chain(codes).collect());
    let purpose = |p: &crate::vocabulary::Purpose| json!({"system": PURPOSE_SYSTEM, "code": p.code()});
    put("purpose", scope.purposes.iter().flatten().map(purpose).collect());
    let actor =
        |p: &Party| json!({"role": {"coding": [{"system": PARTICIPATION, "code": "IRCP"}]}, "reference": party(p)});
    // Everybody is the absence of an actor.
    let named = |list: &Option<Vec<Party>>| -> Vec<Party> {
        let all: Vec<Party> = list.iter().flatten().cloned().collect();
        if all.iter().any(|p| p.anyone) { Vec::new() } else { all }
    };
    put("actor", named(&scope.to).iter().map(actor).collect());
    let author = |p: &Party| json!({"meaning": "authoredby", "reference": party(p)});
    let segment =
        |s: &crate::ident::SegmentId| json!({"meaning": "instance", "reference": {"identifier": {"value": s}}});
    let data = named(&scope.from).iter().map(author).chain(scope.segments.iter().flatten().map(segment)).collect();
    put("data", data);
    if let Some(period) = scope.data_period {
        let mut days = Map::new();
        days.extend(period.from.map(|d| ("start".to_owned(), json!(d.to_string()))));
        days.extend(period.to.map(|d| ("end".to_owned(), json!(d.to_string()))));
        out.insert("dataPeriod".to_owned(), Value::Object(days));
    }
    Value::Object(out)
}

/// MHL and SUB have an HL7 code that means the same; the other categories are our own.
fn label(category: Category) -> Value {
    match category {
        Category::Mhl => json!({"system": ACT_CODE, "code": "MH"}),
        Category::Sub => json!({"system": ACT_CODE, "code": "SUD"}),
        other => json!({"system": CATEGORY_SYSTEM, "code": other.code()}),
    }
}

/// The most exact thing the party names; what it names beside that is an extension, a role alone an identifier.
fn party(party: &Party) -> Value {
    let (reference, agency) = match (&party.account, &party.team, &party.agency) {
        (Some(account), _, agency) => (Some(format!("Practitioner/{account}")), agency.as_ref()),
        (None, Some(team), agency) => (Some(format!("CareTeam/{}", team.as_str())), agency.as_ref()),
        (None, None, Some(agency)) => (Some(format!("Organization/{agency}")), None),
        (None, None, None) => (None, None),
    };
    let more = |name: &str, code: &str| json!({"url": format!("{EXTENSION}{name}"), "valueCode": code});
    let extensions: Vec<Value> = [
        party.role.filter(|_| reference.is_some()).map(|role| more("role", role.code())),
        agency.map(|agency| more("agency", agency.as_str())),
    ]
    .into_iter()
    .flatten()
    .collect();
    match (reference, party.role) {
        (Some(reference), _) if extensions.is_empty() => json!({"reference": reference}),
        (Some(reference), _) => json!({"reference": reference, "extension": extensions}),
        (None, Some(role)) => json!({"identifier": {"system": ROLE_SYSTEM, "value": role.code()}}),
        (None, None) => json!({"display": "anyone"}),
    }
}
