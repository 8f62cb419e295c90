//! `Patient/$match` over real mutual TLS: what a user may find, what nobody finds, and that the two look alike to the byte.

use super::deeds::{ADO, GRAY, Partnership, WREN, Who, body_of, text};
use super::harness::code;
use serde_json::{Value, json};
use solent::audit::Event;
use solent::peer::{Answer, Method};

const MATCH: &str = "/fhir/r4/Patient/$match?purpose=CIN";
const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// The mother of the family: her number, her name, her birth date.
const MOTHER: (&str, &str, &str, &str) = ("9990000107", "Quill", "Rowan", "1990-02-28");

fn parameters(patient: Value) -> Value {
    let mut patient = patient;
    patient["resourceType"] = "Patient".into();
    json!({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient}]})
}

fn whole() -> Value {
    let (nhs, family, given, born) = MOTHER;
    json!({"identifier": [{"system": NHS, "value": nhs}], "name": [{"family": family, "given": [given]}], "birthDate": born})
}

fn number(value: &str) -> Value {
    json!({"identifier": [{"system": NHS, "value": value}]})
}

fn ask(at: &Partnership, who: Who, patient: Value) -> Answer {
    at.post(who, MATCH, parameters(patient))
}

/// The grades of the people found.
fn grades(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", text(answer));
    let body = body_of(answer);
    let entries = body["entry"].as_array().cloned().unwrap_or_default();
    assert_eq!(body["total"], entries.len());
    entries.iter().map(|e| e["search"]["extension"][0]["valueCode"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_match_says_how_sure_it_is_and_shows_no_more_than_name_and_age() {
    let at = Partnership::open();
    let found = ask(&at, WREN, whole());
    assert_eq!(grades(&found), ["certain"]);
    let patient = &body_of(&found)["entry"][0]["resource"];
    assert_eq!(patient["name"], json!([{"text": "Rowan Quill"}]));
    assert_eq!(patient["identifier"], json!([{"system": "urn:solent:person", "value": "mother"}]));
    assert_eq!(patient["extension"], json!([{"url": "urn:solent:age-in-years", "valueInteger": 36}]));
    let said = text(&found);
    assert!(!said.contains(MOTHER.0) && !said.contains(MOTHER.3), "neither number nor birth date: {said}");
    let (nhs, family, given, born) = MOTHER;
    let named = json!({"name": [{"family": family, "given": [given]}], "birthDate": born});
    assert_eq!(grades(&ask(&at, WREN, named.clone())), ["possible"], "a name and a birth date are not proof");
    assert_eq!(grades(&ask(&at, WREN, number(nhs))), ["possible"], "nor is a number alone (R15)");
    let mut half = number(nhs);
    half["birthDate"] = born.into();
    assert_eq!(grades(&ask(&at, WREN, half)), ["probable"]);
    let mut other = whole();
    other["birthDate"] = "1990-02-27".into();
    assert_eq!(grades(&ask(&at, WREN, other)), Vec::<String>::new(), "everything said must fit");

    let mut certain = parameters(named);
    certain["parameter"].as_array_mut().unwrap().push(json!({"name": "onlyCertainMatches", "valueBoolean": true}));
    assert_eq!(grades(&at.post(WREN, MATCH, certain)), Vec::<String>::new());
    // What was found is asked about by the same id.
    let enquiry = json!({
        "assertion": at.assertion(WREN, 0), "purpose": "CIN", "subject": {"person": "mother"}, "categories": ["IDN"],
    });
    assert_eq!(at.call("council", Method::Post, "/api/v1/enquiries", None, &enquiry).status, 200);
}

#[test]
fn a_match_is_logged_with_what_was_asked_before_it_is_answered_and_so_is_one_refused() {
    let at = Partnership::open();
    let answer = ask(&at, WREN, whole());
    assert_eq!(answer.status, 200);
    let last = || at.runtime.block_on(at.house.last_entry()).1;
    let logged = last();
    assert_eq!((logged.event, logged.subject.as_ref().map(|s| s.as_str())), (Event::Search, Some("mother")));
    assert_eq!(logged.query.unwrap().reveal(), "Quill | Rowan | 1990-02-28 | nhs-number | 9990000107");
    assert_eq!(logged.purpose.map(|p| p.code()), Some("CIN"));
    for little in [
        json!({"name": [{"family": "Quill"}]}),
        json!({"name": [{"family": "Quill"}], "birthDate": "1990-02-28"}),
        json!({"name": [{"family": "Quill", "given": ["Rowan"]}], "birthDate": "1990"}),
        json!({"name": [{"family": "Quill", "given": ["Rowan"]}], "gender": "female"}),
        json!({"identifier": [{"system": "https://elsewhere.example/id", "value": "9990000107"}]}),
        json!({}),
    ] {
        let refused = ask(&at, WREN, little.clone());
        assert_eq!((refused.status, code(&refused).as_str()), (400, "SOL-HTTP-PARAMETER"), "{little}");
        assert!(!text(&refused).contains("Quill"));
        let logged = last();
        assert_eq!((logged.event, logged.reason.as_deref()), (Event::Search, Some("D-REL")), "{little}");
    }
}

#[test]
fn only_roles_that_search_may_and_only_under_a_purpose_of_theirs() {
    let at = Partnership::open();
    let refused = |who: Who, path: &str| {
        let answer = at.post(who, path, parameters(whole()));
        (answer.status, body_of(&answer)["reason"].as_str().unwrap_or_default().to_owned())
    };
    let no = |reason: &str| (403, reason.to_owned());
    assert_eq!(refused(("viv-vol", "mentors"), MATCH), no("D-PURPOSE"), "a volunteer");
    assert_eq!(refused(GRAY, MATCH), no("D-PURPOSE"), "a privacy officer");
    assert_eq!(refused(ADO, MATCH), no("D-PURPOSE"), "an adoption officer");
    assert_eq!(
        refused(WREN, "/fhir/r4/Patient/$match?purpose=LE"),
        no("D-PURPOSE"),
        "a social worker is no police officer"
    );
    assert_eq!(refused(("wren-sw", "trust"), MATCH), no("D-AUTH"), "a hat of another agency");
    assert_eq!(refused(WREN, "/fhir/r4/Patient/$match"), (400, String::new()), "no purpose");
    assert_eq!(refused(WREN, "/fhir/r4/Patient/$match?purpose=XX"), (400, String::new()), "no such purpose");
    let bare = at.call("council", Method::Post, MATCH, None, &parameters(whole()));
    assert_eq!(bare.status, 400, "nobody in particular");
    let once = at.assertion(WREN, 0);
    assert_eq!(at.call("council", Method::Post, MATCH, Some(&once), &parameters(whole())).status, 200);
    let again = at.call("council", Method::Post, MATCH, Some(&once), &parameters(whole()));
    assert_eq!(code(&again), "SOL-TRUST-ASSERTION", "replayed");
}

#[test]
fn nobody_and_somebody_who_may_not_be_found_are_the_same_bytes() {
    let at = Partnership::open();
    let nobody = ask(&at, WREN, number("9990000018"));
    assert_eq!(grades(&nobody), Vec::<String>::new());
    // The worker's own tie: an officer who is the father's own account.
    let (family, given) = ("Quill", "Rowan");
    let unknown = json!({"name": [{"family": family, "given": ["Nobody"]}], "birthDate": MOTHER.3});
    assert_eq!(ask(&at, WREN, unknown).body, nobody.body);
    let tied = ask(&at, ("pike-pol", "force"), whole());
    assert_eq!((tied.status, &tied.body), (200, &nobody.body), "{}", text(&tied));

    let protect = json!({"person": {"person": "mother"}, "against": {"person": "step"}});
    at.made(GRAY, "/api/v1/protections", protect);
    for hidden in
        [whole(), number(MOTHER.0), json!({"name": [{"family": family, "given": [given]}], "birthDate": MOTHER.3})]
    {
        let answer = ask(&at, WREN, hidden);
        assert_eq!((answer.status, &answer.body), (200, &nobody.body), "{}", text(&answer));
    }
}

#[test]
fn a_number_from_before_an_adoption_finds_nobody_and_tells_the_keepers_officers() {
    let at = Partnership::open();
    let nobody = ask(&at, WREN, number("9990000018"));
    let seal = json!({"kind": "adoption", "former": {"person": "mother"}, "current": {"person": "aunt"}});
    at.made(ADO, "/api/v1/seals", seal);
    let alerts = || at.runtime.block_on(at.house.alerts("council"));
    assert_eq!(alerts().iter().filter(|kind| *kind == "adoption-probe").count(), 0);
    let answer = ask(&at, ("uma-uhn", "trust"), number(MOTHER.0));
    assert_eq!((answer.status, &answer.body), (200, &nobody.body), "{}", text(&answer));
    assert_eq!(alerts().iter().filter(|kind| *kind == "adoption-probe").count(), 1);
    assert!(!at.runtime.block_on(at.house.alerts("trust")).contains(&"adoption-probe".to_owned()));
    let enquire = |value: &str| {
        let by = json!({"identifier": {"scheme": "nhs-number", "value": value, "birth_date": MOTHER.3}});
        let body = json!({"assertion": at.assertion(WREN, 0), "purpose": "CIN", "subject": by, "categories": ["IDN"]});
        let answer = at.call("council", Method::Post, "/api/v1/enquiries", None, &body);
        (answer.status, answer.body.len())
    };
    assert_eq!(
        enquire(MOTHER.0),
        enquire("9990000018"),
        "an enquiry by the old number is one by a number never issued"
    );
    assert_eq!(alerts().iter().filter(|kind| *kind == "adoption-probe").count(), 2, "and tells the keepers as well");
    ask(&at, WREN, number("9990000026"));
    assert_eq!(alerts().iter().filter(|kind| *kind == "adoption-probe").count(), 2, "another number is no probe");
}

#[test]
fn parameters_that_are_none_are_refused_by_place_and_repeat_nothing() {
    let at = Partnership::open();
    let patient = || {
        let mut patient = whole();
        patient["resourceType"] = "Patient".into();
        patient
    };
    let with = |more: Value| {
        let mut all = parameters(whole());
        all["parameter"].as_array_mut().unwrap().push(more);
        all
    };
    for (body, pointer) in [
        (patient(), "/resourceType"),
        (json!({"resourceType": "Parameters"}), "/parameter"),
        (json!({"resourceType": "Parameters", "parameter": "Zebedee"}), "/parameter"),
        (parameters(whole())["parameter"].clone(), "/resourceType"),
        (with(json!({"name": "Zebedee"})), "/parameter/1/name"),
        (with(json!({"name": "resource", "resource": patient()})), "/parameter/1/name"),
        (with(json!({"name": "count", "valueInteger": 0})), "/parameter/1/valueInteger"),
        (with(json!({"name": "count", "valueInteger": "Zebedee"})), "/parameter/1/valueInteger"),
        (with(json!({"name": "onlyCertainMatches", "valueBoolean": "Zebedee"})), "/parameter/1/valueBoolean"),
    ] {
        let answer = at.post(WREN, MATCH, body.clone());
        let said = text(&answer);
        assert!([400, 422].contains(&answer.status), "{body}: {said}");
        assert_eq!(body_of(&answer)["pointer"], pointer, "{body}: {said}");
        assert!(!said.contains("Zebedee"), "{said}");
    }
    assert_eq!(grades(&at.post(WREN, MATCH, with(json!({"name": "count", "valueInteger": 500})))), ["certain"]);
    // A Patient of odd shapes is one of which little is said.
    let odd = json!({"identifier": 7, "name": [[], {"family": 3, "given": "x"}], "birthDate": {}});
    assert_eq!(ask(&at, WREN, odd).status, 400);
}

#[test]
fn twenty_one_people_in_an_hour_raise_an_alert_also_when_they_are_only_looked_for() {
    let at = Partnership::open();
    let more: Vec<Value> = (0..21)
        .map(|n| json!({"id": format!("p{n}"), "born": "2011-01-01", "family_name": format!("Rook{n}"), "given_name": "Lee"}))
        .collect();
    let register = async { at.house.gateway.register(&json!({"people": more}), &"operator".into()).await };
    at.runtime.block_on(register).unwrap();
    for n in 0..21 {
        let named = json!({"name": [{"family": format!("Rook{n}"), "given": ["Lee"]}], "birthDate": "2011-01-01"});
        assert_eq!(grades(&ask(&at, WREN, named)), ["possible"], "{n}");
    }
    assert!(at.runtime.block_on(at.house.alerts("council")).contains(&"bulk".to_owned()));
}
