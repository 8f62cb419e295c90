//! FHIR R4 Consent in and out: every trap of the consent paper §6.

use super::house::{House, breaches, refused};
use serde_json::{Value, json};
use solent::exchange::{Deed, PermissionDeed};
use solent::vocabulary::Purpose;

const WREN: (&str, &str) = ("wren-sw", "council");

/// The mother's permission as another system would write it: the example E2 of the paper, for our family.
fn foreign() -> Value {
    json!({
        "resourceType": "Consent", "status": "active",
        "extension": [{"url": "urn:solent:consent:told-limits", "valueBoolean": true}],
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/mother"}, "performer": [{"reference": "Patient/mother"}],
        "policy": [{"uri": "https://example.org/wording/family-agreement/3"}],
        "provision": {"type": "permit", "period": {"start": "2026-09-14", "end": "2027-03-13"},
            "purpose": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "COC"}],
            "securityLabel": [
                {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "MH"},
                {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SUD"}],
            "data": [{"meaning": "authoredby", "reference": {"reference": "Organization/trust"}}],
            "actor": [recipient("CareTeam/green")],
            "provision": [{"type": "deny", "dataPeriod": {"end": "2024-12-31"}, "actor": [recipient("PractitionerRole/wren-sw")]}]}
    })
}

fn recipient(reference: &str) -> Value {
    json!({"role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]},
        "reference": {"reference": reference}})
}

fn import(resource: Value) -> Deed {
    Deed::Permission(PermissionDeed::Import(resource, Purpose::Cin))
}

fn with(pointer: &str, value: Value) -> Value {
    let mut resource = foreign();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = resource.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.to_owned(), value);
    }
    resource
}

async fn exported(house: &House, resource: Value) -> (Value, Value) {
    let done = house.act(WREN, import(resource)).await.unwrap();
    let id = done.body["id"].as_str().unwrap().to_owned();
    (done.body, house.act(WREN, Deed::Permission(PermissionDeed::Export(id))).await.unwrap().body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_consent_is_recorded_and_written_out_with_the_same_meaning() {
    let house = House::open().await;
    let (first, out) = exported(&house, foreign()).await;
    assert_eq!((first["broad"].as_bool(), first["status"].as_str()), (Some(false), Some("active")));
    assert_eq!(first["ends_at"], "2027-03-14T00:00:00Z", "the last day of a Period is included");
    assert_eq!((out["status"].as_str(), out["provision"]["type"].as_str()), (Some("active"), Some("permit")));
    assert_eq!(out["provision"]["securityLabel"], foreign()["provision"]["securityLabel"]);
    assert_eq!(out["provision"]["actor"], foreign()["provision"]["actor"]);
    assert_eq!(out["provision"]["data"], foreign()["provision"]["data"]);
    assert_eq!(out["provision"]["period"]["end"], "2027-03-14T00:00:00Z");
    let nested = &out["provision"]["provision"][0];
    assert_eq!((nested["type"].as_str(), nested["dataPeriod"]["end"].as_str()), (Some("deny"), Some("2024-12-31")));
    assert_eq!(nested["actor"][0]["reference"]["reference"], "Practitioner/wren");
    assert!(out.get("verification").is_none(), "excluded by PCF");
    assert!(out["policy"][0]["uri"].is_string() && out["sourceReference"].is_object());
    let (_, again) = exported(&house, out.clone()).await;
    for member in ["actor", "data", "purpose", "securityLabel", "provision", "type"] {
        assert_eq!(again["provision"][member], out["provision"][member], "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_root_type_is_taken_from_an_opt_in_or_opt_out_policy_rule_only() {
    let house = House::open().await;
    let rule = |code: &str| {
        let mut resource = with("/provision/type", Value::Null);
        resource["policyRule"] =
            json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code}]});
        resource
    };
    for (code, kind) in [("OPTIN", "permit"), ("OPTINR", "permit"), ("OPTOUT", "deny"), ("OPTOUTE", "deny")] {
        let (_, out) = exported(&house, rule(code)).await;
        assert_eq!(out["provision"]["type"], kind, "{code}");
        assert_eq!(out["status"], "active", "a refusal in force is active, not rejected");
    }
    assert_eq!(breaches(house.act(WREN, import(rule("IMPLIED"))).await), ["/provision/type"]);
    assert_eq!(breaches(house.act(WREN, import(with("/provision/type", Value::Null))).await), ["/provision/type"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_where_it_stands() {
    let house = House::open().await;
    let deeper = json!([{"type": "deny", "provision": [{"type": "permit"}]}]);
    for (pointer, value, at) in [
        ("/provision/provision", deeper, "/provision/provision/0/provision"),
        ("/provision/provision", json!([{"dataPeriod": {"end": "2024-12-31"}}]), "/provision/provision/0/type"),
        ("/provision/action", json!([]), "/provision/action"),
        ("/provision/class", json!([]), "/provision/class"),
        ("/provision/actor", json!([{"reference": {"reference": "CareTeam/green"}}]), "/provision/actor/0/role"),
        ("/provision/actor", json!([recipient("Group/g")]), "/provision/actor/0/reference"),
        ("/provision/actor", json!([recipient("PractitionerRole/nobody")]), "/provision/actor"),
        (
            "/provision/data",
            json!([{"meaning": "instance", "reference": {"reference": "Condition/1"}}]),
            "/provision/data/0/meaning",
        ),
        (
            "/provision/securityLabel",
            json!([{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]),
            "/provision/securityLabel/0",
        ),
        ("/provision/securityLabel", json!([{"system": "urn:solent:category", "code": "LOC"}]), "/categories/0"),
        ("/provision/purpose", json!([{"system": "x", "code": "y"}]), "/provision/purpose/0"),
        ("/status", json!("rejected"), "/status"),
        ("/status", json!("inactive"), "/status"),
        ("/policy", Value::Null, "/policy"),
        ("/patient", Value::Null, "/patient"),
        ("/scope", json!({"coding": [{"code": "research"}]}), "/scope"),
        ("/extension", Value::Null, "/told_limits"),
        ("/modifierExtension", json!([]), "/modifierExtension"),
    ] {
        let found = breaches(house.act(WREN, import(with(pointer, value.clone()))).await);
        assert!(found.contains(&at.to_owned()), "{pointer} {value}: {found:?}");
    }
    assert_eq!(refused(house.act(("uma-uhn", "trust"), import(foreign())).await), "D-REL");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_actor_or_author_means_anybody_and_is_marked_broad() {
    let house = House::open().await;
    let (first, out) = exported(&house, with("/provision/actor", Value::Null)).await;
    assert_eq!(first["broad"], true);
    assert!(out["provision"].get("actor").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_is_not_taken_and_said_so() {
    let house = House::open().await;
    let (first, out) = exported(&house, with("/verification", json!([{"verified": true}]))).await;
    assert_eq!(first["not_taken"], json!(["verification"]));
    assert!(out.get("verification").is_none());
}
