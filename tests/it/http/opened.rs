//! What is opened for one task over the API: an address to an assistant, a sealed file to the adoption team, a Consent from
//! another system. Each does what it says, for whom it says, for as long as it says.

use super::deeds::{ADO, Partnership, WREN, Who, body_of, text};
use serde_json::{Value, json};
use solent::peer::{Answer, Method};

const MO: Who = ("mo-pa", "council");

fn label(category: &str, confidentiality: &str, person: &str) -> Value {
    json!({"category": category, "confidentiality": confidentiality, "custodian": "trust", "about": [person],
        "third_party": "none", "basis_marker": "fact", "author_role": "CLN"})
}

/// The mother, who is known by her number, and where she stays.
fn where_she_stays() -> Value {
    let stays = json!({"id": "l", "label": label("LOC", "V", "p"), "lines": ["7 Heron Wharf"], "town": "Saltby"});
    json!({"envelope": {"message_id": "m-9"}, "people": [{"id": "p", "role": "subject", "label": label("IDN", "N", "p"),
        "birth": {"date": "1990-02-28"}, "names": [{"family": "Quill", "given": ["Rowan"]}],
        "identifiers": [{"scheme": "nhs-number", "value": "9990000107"}], "addresses": [stays]}]})
}

fn asked(at: &Partnership, who: Who, more: &Value) -> Answer {
    let mut enquiry = json!({"assertion": at.assertion(who, 0), "purpose": "CIN", "subject": {"person": "mother"},
        "categories": ["LOC"]});
    enquiry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    at.call(who.1, Method::Post, "/api/v1/enquiries", None, &enquiry)
}

/// The id of the first object that has this member.
fn id_of(value: &Value, member: &str) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(member) => map.get("id").cloned(),
        Value::Object(map) => map.values().find_map(|v| id_of(v, member)),
        Value::Array(items) => items.iter().find_map(|v| id_of(v, member)),
        _ => None,
    }
}

#[test]
fn one_address_is_opened_to_the_assistant_for_one_task_and_closes_with_its_hour() {
    let at = Partnership::open();
    at.runtime.block_on(at.house.send("trust", &where_she_stays()));
    let named = json!({"delegation": "r-mo"});
    let told = |answer: &Answer| text(answer).contains("Heron Wharf");
    assert!(!told(&asked(&at, MO, &named)), "an assistant has no place of safety without a grant");
    let own = asked(&at, WREN, &json!({}));
    assert!(told(&own), "{}", text(&own));
    let segment = id_of(&body_of(&own), "lines").unwrap();
    let grant = |segment: &Value, until: &str| {
        json!({"purpose": "CIN", "subject": {"person": "mother"}, "segment": segment, "to": "mo-pa",
            "task": "book the visit", "until": until})
    };
    let path = "/api/v1/item-grants";
    let long = at.post(WREN, path, grant(&segment, "2026-10-06T18:00:01+01:00"));
    assert_eq!(long.status, 422, "eight hours at most: {}", text(&long));
    assert_eq!(at.post(MO, path, grant(&segment, "2026-10-06T12:00:00+01:00")).status, 403, "not by the assistant");
    at.made(WREN, path, grant(&segment, "2026-10-06T12:00:00+01:00"));
    let opened = asked(&at, MO, &named);
    assert!(told(&opened), "{}", text(&opened));
    assert!(!told(&asked(&at, ("bea-dsl", "council"), &json!({}))), "to nobody else");
    at.house.at("2026-10-06T11:00:00Z");
    assert!(!told(&asked(&at, MO, &named)), "at its hour it is closed");
}

#[test]
fn the_adoption_team_opens_a_sealed_file_for_one_request_and_nobody_else_does() {
    let at = Partnership::open();
    let people: Value = serde_json::from_str(
        r#"{"people": [{"id": "aunt", "born": "1980-05-05", "family_name": "Quill", "given_name": "Ada",
            "identifiers": [{"kind": "nhs", "value": "9990000115"}]}]}"#,
    )
    .unwrap();
    let known = at.runtime.block_on(at.house.gateway.register(&people, &solent::ident::AccountId::new("operator")));
    assert!(known.is_ok(), "{known:?}");
    let mut label_of = label("ADP", "V", "p");
    label_of["custodian"] = json!("council");
    label_of["author_role"] = json!("SW");
    let mut identity = label("IDN", "N", "p");
    identity["custodian"] = json!("council");
    at.runtime.block_on(at.house.send(
        "council",
        &json!({
            "envelope": {"message_id": "m-10"},
            "people": [{"id": "p", "role": "subject", "label": identity, "birth": {"date": "1980-05-05"},
                "names": [{"family": "Quill", "given": ["Ada"]}],
                "identifiers": [{"scheme": "nhs-number", "value": "9990000115"}]}],
            "notes": [{"id": "n", "kind": "text", "label": label_of, "text": "Placed from the coast in spring."}]
        }),
    ));
    let ask = |who: Who, opening: Option<&Value>| {
        let mut enquiry = json!({"assertion": at.assertion(who, 0), "purpose": "CIN", "subject": {"person": "aunt"},
            "categories": ["ADP"]});
        if let Some(id) = opening {
            enquiry["opening"] = id.clone();
        }
        text(&at.call(who.1, Method::Post, "/api/v1/enquiries", None, &enquiry))
    };
    let opening = json!({"person": {"person": "aunt"}, "reason": "access to records"});
    assert_eq!(at.post(WREN, "/api/v1/openings", opening.clone()).status, 403, "only the adoption team");
    let made = at.post(ADO, "/api/v1/openings", opening);
    assert_eq!(made.status, 201, "{}", text(&made));
    let id = body_of(&made).pointer("/openings/0/id").cloned().unwrap();
    assert!(!ask(ADO, None).contains("from the coast"), "only when the request names it");
    assert!(ask(ADO, Some(&id)).contains("from the coast"), "{}", ask(ADO, Some(&id)));
    assert!(!ask(WREN, Some(&id)).contains("from the coast"), "not for another hat");
    at.house.at("2026-10-06T17:00:00Z");
    assert!(!ask(ADO, Some(&id)).contains("from the coast"), "eight hours later it is closed");
}

#[test]
fn a_consent_of_another_system_is_taken_in_over_the_api_and_opens_what_it_names() {
    let at = Partnership::open();
    let consent = json!({
        "resourceType": "Consent", "status": "active",
        "extension": [{"url": "urn:solent:consent:told-limits", "valueBoolean": true}],
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/mother"}, "performer": [{"reference": "Patient/mother"}],
        "policy": [{"uri": "https://example.org/wording/family-agreement/3"}],
        "provision": {"type": "permit", "period": {"start": "2026-09-14", "end": "2027-03-13"},
            "purpose": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "COC"}],
            "securityLabel": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "MH"}],
            "data": [{"meaning": "authoredby", "reference": {"reference": "Organization/trust"}}],
            "actor": [{"role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                "code": "IRCP"}]}, "reference": {"reference": "PractitionerRole/wren-sw"}}]}
    });
    let sees = || {
        let enquiry = json!({"assertion": at.assertion(WREN, 0), "purpose": "CIN", "subject": {"person": "mother"},
            "categories": ["MHL"]});
        text(&at.call("council", Method::Post, "/api/v1/enquiries", None, &enquiry)).contains("Short account")
    };
    assert!(!sees());
    let send = |kind: &str, body: &Value| {
        let assertion = at.assertion(WREN, 0);
        let headers = [("content-type", kind), ("solent-assertion", assertion.as_str())];
        let bytes = body.to_string().into_bytes();
        let call = solent::peer::Call {
            method: Method::Post,
            path: "/fhir/r4/Consent?purpose=CIN",
            headers: &headers,
            body: &bytes,
        };
        at.client("council").call(&call).unwrap()
    };
    let made = send("application/fhir+json", &consent);
    assert_eq!(made.status, 201, "{}", text(&made));
    assert!(sees(), "what it permits is open");
    let mut broken = consent.clone();
    broken["provision"]["type"] = json!("maybe");
    assert_eq!(send("application/fhir+json", &broken).status, 422);
}
