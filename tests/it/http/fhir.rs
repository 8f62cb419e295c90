//! The FHIR side of the contract over real mutual TLS: what the gateway says it can do, messages processed and answered by
//! messages, and errors as OperationOutcome for those who ask.

use super::gateway::{Served, prepare, start};
use super::harness::{House, exchange};
use serde_json::Value;
use solent::http::ROUTES;
use solent::peer::{Call, Method};
use std::process::Command;

const PROCESS: &str = "/fhir/r4/$process-message";
const JSON: &str = "application/fhir+json";
const DEMO: &str = "docs/demo/southdown-bundle.json";

fn bundle() -> Value {
    serde_json::from_str(&std::fs::read_to_string(format!("{}/{DEMO}", env!("CARGO_MANIFEST_DIR"))).unwrap()).unwrap()
}

/// Status and body of an answer.
fn parts(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn header(answer: &str, name: &str) -> Option<String> {
    let head = answer.split_once("\r\n\r\n").unwrap().0;
    head.lines()
        .find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned()))
}

/// Whether a resource is valid against the R4 JSON schema of the samples, where they are.
fn assert_valid_r4(resource: &Value) {
    let folder = std::env::var("SOLENT_SAMPLES").unwrap_or_else(|_| "../shared/data".to_owned());
    let Ok(text) = std::fs::read_to_string(format!("{folder}/fhir/schema/fhir.schema.json")) else { return };
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    let kind = resource["resourceType"].as_str().unwrap();
    schema.as_object_mut().unwrap().retain(|name, _| matches!(name.as_str(), "$schema" | "definitions"));
    schema["$ref"] = Value::String(format!("#/definitions/{kind}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    // The published schema's own list of versions ends before the version it is of.
    let mut resource = resource.clone();
    if resource["fhirVersion"] == "4.0.1" {
        resource["fhirVersion"] = "4.0.0".into();
    }
    let faults: Vec<String> =
        validator.iter_errors(&resource).map(|e| format!("{} {}", e.instance_path(), e)).take(5).collect();
    assert!(faults.is_empty(), "{kind}: {faults:?}");
}

#[test]
fn the_capability_statement_is_valid_and_says_what_the_routes_do() {
    let house = House::open();
    let answer = house.get("epr", "/fhir/r4/metadata");
    assert_eq!((answer.status, answer.content_type.as_str()), (200, JSON));
    let statement: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_valid_r4(&statement);
    assert_eq!(
        (statement["resourceType"].as_str(), statement["fhirVersion"].as_str()),
        (Some("CapabilityStatement"), Some("4.0.1"))
    );
    let rest = &statement["rest"][0];
    let mut said: Vec<String> = vec!["GET /fhir/r4/metadata".to_owned()];
    for operation in rest["operation"].as_array().unwrap() {
        said.push(format!("POST /fhir/r4/${}", operation["name"].as_str().unwrap()));
    }
    for resource in rest["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        for interaction in resource["interaction"].as_array().into_iter().flatten() {
            said.push(match interaction["code"].as_str().unwrap() {
                "create" => format!("POST /fhir/r4/{kind}"),
                "search-type" => format!("GET /fhir/r4/{kind}"),
                "read" => format!("GET /fhir/r4/{kind}/{{id}}"),
                other => panic!("{other}"),
            });
        }
        for operation in resource["operation"].as_array().into_iter().flatten() {
            said.push(format!("POST /fhir/r4/{kind}/${}", operation["name"].as_str().unwrap()));
        }
    }
    let routes = ROUTES.iter().filter(|r| r.path.starts_with("/fhir/")).map(|r| format!("{} {}", r.method, r.path));
    let mut routes: Vec<String> = routes.collect();
    said.sort();
    routes.sort();
    assert_eq!(said, routes);
}

#[test]
fn the_capability_statement_is_written_in_json_only() {
    let house = House::open();
    let get = |path: &str, accept: &str| {
        let headers = [("accept", accept)];
        house.client("epr").call(&Call { method: Method::Get, path, headers: &headers, body: &[] }).unwrap()
    };
    for (path, accept, status) in [
        ("/fhir/r4/metadata", "application/fhir+json", 200),
        ("/fhir/r4/metadata", "text/html, */*;q=0.1", 200),
        ("/fhir/r4/metadata", "application/fhir+xml", 406),
        ("/fhir/r4/metadata?_format=json", "application/fhir+xml", 200),
        ("/fhir/r4/metadata?_format=application/fhir+json&mode=full", "*/*", 200),
        ("/fhir/r4/metadata?_format=xml", "application/json", 406),
        ("/fhir/r4/metadata?mode=terminology", "*/*", 400),
        ("/fhir/r4/metadata?name=x", "*/*", 400),
    ] {
        let answer = get(path, accept);
        assert_eq!(answer.status, status, "{path} {accept}");
        assert_eq!(answer.content_type.starts_with("application/problem+json"), status != 200, "{path} {accept}");
    }
    let ghost = house.get("ghost", "/fhir/r4/metadata");
    assert_eq!(ghost.status, 403, "a certificate of no known system");
}

#[test]
fn errors_are_operation_outcomes_only_for_those_who_ask_for_fhir() {
    let house = House::open();
    let get = |path: &str, accept: &str| {
        let headers = [("accept", accept)];
        house.client("epr").call(&Call { method: Method::Get, path, headers: &headers, body: &[] }).unwrap()
    };
    for (path, status, code, issue) in [
        ("/fhir/r4/Patient", 404, "SOL-HTTP-ROUTE", "not-found"),
        ("/fhir/r4/Consent", 405, "SOL-HTTP-ROUTE", "not-supported"),
        ("/fhir/r4/AuditEvent", 400, "SOL-HTTP-PARAMETER", "invalid"),
    ] {
        let plain = get(path, "application/json");
        assert_eq!((plain.status, plain.content_type.as_str()), (status, "application/problem+json"), "{path}");
        let asked = get(path, "application/fhir+json;q=0.9, */*");
        assert_eq!((asked.status, asked.content_type.as_str()), (status, JSON), "{path}");
        let outcome: Value = serde_json::from_slice(&asked.body).unwrap();
        assert_valid_r4(&outcome);
        assert_eq!(outcome["issue"][0]["code"], issue, "{path}");
        assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], code, "{path}");
    }
    let elsewhere = get("/api/v1/nowhere", "application/fhir+json");
    assert_eq!(elsewhere.content_type, "application/problem+json");
    let mut stream = house.raw(Some("epr"), "http/1.1");
    let request = "GET /fhir/r4/Consent HTTP/1.1\r\nHost: x\r\nAccept: application/fhir+json\r\n\r\n";
    let answer = exchange(&mut stream, request).unwrap().to_lowercase();
    for kept in ["\r\nallow: post", "cache-control: no-store", "solent-request-id: "] {
        assert!(answer.contains(kept), "{kept}: {answer}");
    }
}

/// Sends a message for processing.
fn process(served: &Served, more: &str, message: &Value) -> String {
    served.post_to(PROCESS, "epr", JSON, more, &message.to_string())
}

#[test]
fn a_message_is_answered_by_a_message_and_the_same_one_again_by_the_same_bytes() {
    let served = start(prepare());
    let sent = bundle();
    let first =
        process(&served, "X-Request-Id: 60E0B220-8136-4CA5-AE46-1D97EF59D068\r\nX-Correlation-Id: a b\r\n", &sent);
    let (status, answer) = parts(&first);
    assert_eq!(status, 200, "{first}");
    assert_eq!(header(&first, "x-request-id").as_deref(), Some("60E0B220-8136-4CA5-AE46-1D97EF59D068"));
    assert_eq!(header(&first, "x-correlation-id"), None, "what is no id is not repeated");
    assert_valid_r4(&answer);
    let (head, outcome) = (&answer["entry"][0]["resource"], &answer["entry"][1]);
    assert_eq!((answer["type"].as_str(), head["resourceType"].as_str()), (Some("message"), Some("MessageHeader")));
    // The header has no id of its own: its address in the Bundle is the name it goes by.
    assert_eq!(head["response"]["identifier"], "994f66f7-2d18-55ef-8592-c459d93fd10c");
    assert_eq!(head["response"]["code"], "ok");
    assert_eq!(head["response"]["details"]["reference"], outcome["fullUrl"]);
    assert_eq!(outcome["resource"]["issue"][0]["severity"], "information");
    assert_eq!(head["eventCoding"]["code"], "servicerequest-response");
    assert_eq!(head["destination"][0]["endpoint"], "https://southdown.example/fhir/r4");
    assert_eq!(head["source"]["endpoint"], "https://gateway.example/fhir/r4");
    let place = header(&first, "location").unwrap();
    assert!(served.get_as("epr", &place).starts_with("HTTP/1.1 200"), "{place}");

    let again = process(&served, "", &sent);
    assert_eq!(parts(&again), (200, answer.clone()), "a replay");
    assert_eq!(served.column("SELECT id FROM message").len(), 1, "taken once");

    let mut other = sent.clone();
    other["timestamp"] = "2026-10-05T10:58:12+01:00".into();
    let (status, refused) = parts(&process(&served, "", &other));
    assert_eq!((status, refused["entry"][0]["resource"]["response"]["code"].as_str()), (409, Some("fatal-error")));
    assert_eq!(refused["entry"][1]["resource"]["issue"][0]["code"], "duplicate");
    assert_valid_r4(&refused);

    // Without an identifier of the Bundle, the header and its source name the message.
    let mut unnamed = sent;
    unnamed.as_object_mut().unwrap().remove("identifier");
    assert_eq!(parts(&process(&served, "", &unnamed)).0, 200);
    unnamed["timestamp"] = "2026-10-05T11:58:12+01:00".into();
    assert_eq!(parts(&process(&served, "", &unnamed)).0, 409);
    unnamed["entry"][0]["resource"]["id"] = "another-header".into();
    let (status, named) = parts(&process(&served, "", &unnamed));
    assert_eq!(
        (status, named["entry"][0]["resource"]["response"]["identifier"].as_str()),
        (200, Some("another-header"))
    );
}

#[test]
fn a_message_in_xml_is_answered_in_xml() {
    let served = start(prepare());
    let xml = Command::new(env!("CARGO_BIN_EXE_solent"))
        .args(["translate", "--from", "fhir-r4-json", "--to", "fhir-r4-xml", DEMO])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let xml = String::from_utf8(xml.stdout).unwrap();
    assert!(xml.contains("<MessageHeader"), "{xml:.400}");
    let answer = served.post_to(PROCESS, "epr-xml", "application/fhir+xml", "", &xml);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(header(&answer, "content-type").unwrap().starts_with("application/fhir+xml"));
    assert!(
        answer.contains("<Bundle xmlns=\"http://hl7.org/fhir\">") && answer.contains("<code value=\"ok\"/>"),
        "{answer}"
    );
    let read = served.post_to(PROCESS, "epr-xml", "application/fhir+xml", "Accept: application/fhir+json\r\n", &xml);
    assert_eq!(parts(&read).1["entry"][0]["resource"]["response"]["code"], "ok");
}

#[test]
fn what_cannot_be_processed_is_refused_without_a_value_and_leaves_nothing() {
    let served = start(prepare());
    let secret = "Zebedee";
    let mut invalid = bundle();
    invalid["entry"][1]["resource"]["birthDate"] = serde_json::json!({ secret: secret });
    let answer = process(&served, "", &invalid);
    let (status, body) = parts(&answer);
    assert_eq!(
        (status, body["entry"][0]["resource"]["response"]["code"].as_str()),
        (422, Some("fatal-error")),
        "{answer}"
    );
    let issue = &body["entry"][1]["resource"]["issue"][0];
    assert_eq!(
        (issue["code"].as_str(), issue["expression"][0].as_str()),
        (Some("invalid"), Some("entry[1].resource.birthDate"))
    );
    assert!(!answer.contains(secret), "{answer}");

    let mut collection = bundle();
    collection["type"] = "collection".into();
    let mut headless = bundle();
    headless["entry"].as_array_mut().unwrap().remove(0);
    let mut late = bundle();
    late["entry"].as_array_mut().unwrap().swap(0, 1);
    let mut nameless = bundle();
    nameless["entry"][0]["fullUrl"] = "https://southdown.example/fhir/r4/MessageHeader/a_b c".into();
    for (name, message) in [("collection", collection), ("headless", headless), ("late", late), ("nameless", nameless)]
    {
        let answer = process(&served, "", &message);
        assert!(answer.starts_with("HTTP/1.1 422") && answer.contains("application/problem+json"), "{name}: {answer}");
    }
    let good = bundle().to_string();
    for (path, system, kind, status) in [
        (PROCESS, "epr", JSON, 200),
        (&format!("{PROCESS}?async=true") as &str, "epr", JSON, 400),
        (&format!("{PROCESS}?response-url=https://a.example"), "epr", JSON, 400),
        (&format!("{PROCESS}?async=false"), "epr", JSON, 200),
        (PROCESS, "epr", "application/fhir+xml", 415),
        (PROCESS, "desk", "application/json", 415),
        (PROCESS, "epr-xml", JSON, 415),
        (PROCESS, "ghost", JSON, 403),
    ] {
        let answer = served.post_to(path, system, kind, "", &good);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path} {system} {kind}: {answer}");
    }
    let cut = served.post_to(PROCESS, "epr", JSON, "Accept: application/fhir+json\r\n", &good[..good.len() / 2]);
    assert!(cut.starts_with("HTTP/1.1 400") && cut.contains("\"OperationOutcome\""), "{cut}");
    assert_eq!(served.column("SELECT id FROM message").len(), 1, "only the good one");
    served.still_serves();
}
