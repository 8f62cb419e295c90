//! The outside contract of the routes: statuses, headers, media types, problems.

use super::deeds::Partnership;
use super::harness::{House, NOW, ORIGIN, assertion_key, code, exchange, get_on, raw};
use solent::http::ROUTES;
use solent::trust::{Claims, sign};

#[test]
fn a_message_is_taken_with_its_media_type_or_with_its_format_named() {
    let house = House::open();
    let message = |path: &str, types: &[(&str, &str)]| house.post("epr", path, types, b"{}");
    assert_eq!(message("/api/v1/messages", &[("content-type", "application/fhir+json; charset=utf-8")]).status, 202);
    assert_eq!(message("/api/v1/messages?format=fhir-r4-json", &[]).status, 202);
    for (path, types) in [
        ("/api/v1/messages", ("content-type", "application/xml")),
        ("/api/v1/messages", ("content-type", "")),
        ("/api/v1/messages?format=cin-census", ("content-type", "application/fhir+json")),
        ("/api/v1/messages?format=canonical", ("content-type", "application/fhir+json")),
    ] {
        let answer = message(path, &[types]);
        assert_eq!((answer.status, code(&answer).as_str()), (415, "SOL-HTTP-MEDIA-TYPE"), "{path} {types:?}");
    }
    assert_eq!(house.stories.received.lock().unwrap().as_slice(), [2, 2], "a refused message reaches no story");
}

#[test]
fn a_wrong_parameter_is_refused_by_name() {
    let house = House::open();
    let json = ("content-type", "application/fhir+json");
    for key in ["", "with space", "\u{e9}", &"k".repeat(256)] {
        let headers = [json, ("idempotency-key", key)];
        let answer = house.client("epr").call(&solent::peer::Call {
            method: solent::peer::Method::Post,
            path: "/api/v1/messages",
            headers: &headers,
            body: b"{}",
        });
        let Ok(answer) = answer else { continue }; // the client's own library refuses some
        assert_eq!((answer.status, code(&answer).as_str()), (400, "SOL-HTTP-PARAMETER"), "{}", key.len());
    }
    let good = [json, ("idempotency-key", "k-1"), ("x", "y")];
    assert_eq!(house.post("epr", "/api/v1/messages", &good, b"{}").status, 202);
    for path in ["/api/v1/mailbox?wait=31", "/api/v1/mailbox?wait=-1", "/api/v1/mailbox?wiat=1"] {
        assert_eq!(code(&house.get("census", path)), "SOL-HTTP-PARAMETER", "{path}");
    }
    assert_eq!(code(&house.post("epr", "/api/v1/messages?fromat=x", &[json], b"{}")), "SOL-HTTP-PARAMETER");
}

#[test]
fn every_route_of_the_table_is_there_and_takes_no_other_method() {
    let house = House::open();
    for row in ROUTES {
        let path = row.path.replace("{id}", "x-1").replace("{shard}", "log1").replace("{path}", "0/000.p/1");
        let (right, wrong) = match row.method {
            "POST" => (house.post("epr", &path, &[], b""), house.get("epr", &path)),
            _ => (house.get("epr", &path), house.post("epr", &path, &[], b"")),
        };
        assert!(right.status < 400 || code(&right) != "SOL-HTTP-ROUTE", "{} {path} is not routed", row.method);
        assert_eq!((wrong.status, code(&wrong).as_str()), (405, "SOL-HTTP-ROUTE"), "{path}");
    }
}

#[test]
fn unknown_paths_and_climbing_paths_are_404() {
    let house = House::open();
    let mut stream = house.raw(Some("census"), "http/1.1");
    for path in [
        "/",
        "/api",
        "/api/v2/mailbox",
        "/api/v1/mailbox/",
        "/api/v1/mailbox/../../../etc/passwd",
        "/api/v1/mailbox/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/api/v1/mailbox/a%00b",
        "/log/log1/tile/../../../etc/passwd",
        "/log/log1/tile/%2e%2e/secret",
        "/log/log1/tile/entries/000",
        "/log/..%2f..%2f/checkpoint",
        "/api/v1/messages/%ff%fe",
    ] {
        let answer = get_on(&mut stream, path).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("application/problem+json"), "{path}: {answer}");
    }
    house.still_serves();
}

#[test]
fn an_unknown_item_and_another_agencys_look_the_same_but_for_the_request_id() {
    let house = House::open();
    let mut stream = house.raw(Some("census"), "http/1.1");
    let mut answers: Vec<String> = ["0191f0c2-7c3e-7a00-8000-000000000001", "no-such-item"]
        .iter()
        .map(|id| get_on(&mut stream, &format!("/api/v1/mailbox/{id}")).unwrap())
        .collect();
    for answer in &mut answers {
        assert!(answer.starts_with("HTTP/1.1 404"));
        *answer = answer.lines().filter(|l| !l.starts_with("solent-request-id") && !l.starts_with("date")).collect();
    }
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn every_answer_forbids_caching_and_sniffing_and_has_its_own_request_id() {
    let house = House::open();
    let mut stream = house.raw(Some("census"), "http/1.1");
    let mut ids = std::collections::BTreeSet::new();
    for path in ["/api/v1/mailbox", "/nowhere", "/api/v1/mailbox/x", "/api/v1/openapi.json"] {
        let answer = get_on(&mut stream, path).unwrap().to_lowercase();
        for header in [
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'",
            "strict-transport-security: max-age=63072000",
        ] {
            assert!(answer.contains(header), "{path} lacks {header}");
        }
        ids.insert(answer.lines().find(|l| l.starts_with("solent-request-id: ")).unwrap().to_owned());
    }
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_request_id_sent_by_the_client_is_not_taken_over() {
    let house = House::open();
    let mut stream = house.raw(Some("census"), "http/1.1");
    let request = "GET /api/v1/mailbox HTTP/1.1\r\nHost: x\r\nSolent-Request-Id: forged\r\n\r\n";
    assert!(!exchange(&mut stream, request).unwrap().contains("forged"));
}

#[test]
fn statuses_of_acknowledging_and_declining() {
    let house = House::open();
    assert_eq!(house.post("census", "/api/v1/mailbox/x/ack", &[], b"").status, 204);
    let declined = house.post("census", "/api/v1/mailbox/x/nack", &[], b"");
    assert_eq!((declined.status, code(&declined).as_str()), (410, "SOL-HTTP-GONE"));
}

fn assertion(jti: &str) -> String {
    let iat = NOW.millis() / 1000;
    let claims = Claims {
        iss: "epr".into(),
        sub: "grace".into(),
        hat: "grace-cln".into(),
        aud: ORIGIN.to_owned(),
        iat,
        exp: iat + 120,
        jti: jti.to_owned(),
    };
    sign(&claims, &assertion_key())
}

fn enquiry(jti: &str) -> String {
    format!(r#"{{"assertion":"{}","purpose":"CIN","subject":{{"person":"p-1"}},"categories":["MHL"]}}"#, assertion(jti))
}

#[test]
fn an_enquiry_reaches_the_story_once_and_its_refusal_carries_the_reason() {
    let house = House::open();
    let json = [("content-type", "application/json")];
    let answer = house.post("epr", "/api/v1/enquiries", &json, enquiry("a").as_bytes());
    assert_eq!((answer.status, code(&answer).as_str()), (403, "SOL-EXCHANGE-REFUSED"));
    assert!(String::from_utf8_lossy(&answer.body).contains(r#""reason":"D-REL""#));
    let again = house.post("epr", "/api/v1/enquiries", &json, enquiry("a").as_bytes());
    assert_eq!((again.status, code(&again).as_str()), (403, "SOL-TRUST-ASSERTION"), "a replayed assertion");
    // Another system cannot use it, however fresh.
    let other = house.post("census", "/api/v1/enquiries", &json, enquiry("b").as_bytes());
    assert_eq!(code(&other), "SOL-TRUST-ASSERTION");
}

#[test]
fn an_enquiry_is_read_strictly_and_its_errors_quote_nothing() {
    let house = House::open();
    let good = enquiry("strict");
    let with = |old: &str, new: &str| good.replacen(old, new, 1);
    for (body, expected) in [
        (with("\"purpose\"", "\"Zebedee\":1,\"purpose\""), "SOL-HTTP-BODY"),
        (with("\"purpose\"", "\"purpose\":\"CP\",\"purpose\""), "SOL-HTTP-BODY"),
        (with("\"CIN\"", "\"Zebedee\""), "SOL-HTTP-BODY"),
        (with("[\"MHL\"]", "[]"), "SOL-HTTP-BODY"),
        (with("[\"MHL\"]", "[\"MHL\",\"MHL\"]"), "SOL-HTTP-BODY"),
        (with("{\"person\":\"p-1\"}", "{}"), "SOL-HTTP-BODY"),
        (with("{\"person\":\"p-1\"}", "\"Zebedee\""), "SOL-HTTP-BODY"),
        ("{\"Zebedee\":1}".to_owned(), "SOL-HTTP-BODY"),
        ("{\"assertion\":\"Zebedee".to_owned(), "SOL-DOC-SYNTAX"),
        (good[..good.len() - 1].to_owned(), "SOL-DOC-SYNTAX"),
        ("[".repeat(15_000), "SOL-HTTP-BODY"),
    ] {
        let answer = house.post("epr", "/api/v1/enquiries", &[("content-type", "application/json")], body.as_bytes());
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 400, "{body:.80}: {text}");
        assert!(!text.contains("Zebedee"), "{text}");
        assert_eq!(code(&answer), expected, "{body:.80}");
    }
    let form = house.post("epr", "/api/v1/enquiries", &[("content-type", "text/plain")], good.as_bytes());
    assert_eq!(form.status, 415);
}

#[test]
fn health_and_metrics_are_on_loopback_and_name_no_id() {
    let house = House::open();
    house.get("census", "/api/v1/mailbox/0191f0c2-7c3e-7a00-8000-000000000001");
    assert!(house.loopback("/health/live").contains(r#"{"status":"live"}"#));
    assert!(house.loopback("/health/ready").contains(r#""status":"ready""#));
    let metrics = house.loopback("/metrics");
    let row = "route=\"/api/v1/mailbox/{id}\",method=\"GET\",status=\"404\"} 1";
    assert!(metrics.contains(&format!("solent_request_seconds_count{{{row}")), "{metrics}");
    assert!(!metrics.contains("0191f0c2") && !metrics.contains("census"));
    assert!(house.loopback("/nowhere").starts_with("HTTP/1.1 404"));
}

#[test]
fn health_is_probed_by_head_as_well_and_takes_no_other_method() {
    let house = House::open();
    let ask = |method: &str, path: &str| {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(house.health).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    for path in ["/health/live", "/health/ready", "/metrics"] {
        let (head, body) = ask("HEAD", path).split_once("\r\n\r\n").map(|(h, b)| (h.to_owned(), b.to_owned())).unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && body.is_empty(), "{path}: {head}");
        let other = ask("POST", path).to_lowercase();
        assert!(other.starts_with("http/1.1 405") && other.contains("allow: get, head"), "{path}: {other}");
    }
}

#[test]
fn a_machines_path_takes_no_head_and_no_options_because_a_get_may_release_something() {
    let house = House::open();
    let mut stream = house.raw(Some("epr"), "http/1.1");
    for method in ["OPTIONS", "DELETE", "BREW"] {
        let request = format!("{method} /api/v1/mailbox/x HTTP/1.1\r\nHost: x\r\n\r\n");
        let answer = exchange(&mut stream, &request).unwrap().to_lowercase();
        assert!(answer.starts_with("http/1.1 405") && answer.contains("\r\nallow: get\r\n"), "{method}: {answer}");
    }
}

#[test]
fn a_page_answers_head_as_get_without_its_body_and_names_its_methods() {
    let at = Partnership::with_pages();
    let ask = |method: &str, path: &str| {
        use std::io::{Read as _, Write as _};
        let folder = &at.house.folder;
        let mut stream = raw(folder, folder, Some("council-desk"), at.address(), "http/1.1");
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        // How the connection ends is not looked at here.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let lines = head.lines().filter(|l| !l.starts_with("solent-request-id") && !l.starts_with("date"));
        let lines = lines.filter(|l| !l.starts_with("set-cookie") && !l.starts_with("content-length"));
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        lines.sort();
        (lines, body.to_owned())
    };
    for (path, status) in [("/sign-in", "200"), ("/", "303"), ("/families", "303"), ("/no-such-page", "404")] {
        let (got, whole) = ask("GET", path);
        let (head, nothing) = ask("HEAD", path);
        assert!(got.iter().any(|l| l.starts_with(&format!("HTTP/1.1 {status}"))), "{path}: {got:?}");
        assert_eq!(head, got, "{path}");
        assert!(nothing.is_empty() && (status == "303" || !whole.is_empty()), "{path}");
    }
    for method in ["PUT", "OPTIONS", "BREW"] {
        let (head, _) = ask(method, "/sign-in");
        assert!(head.iter().any(|l| l.starts_with("HTTP/1.1 405")), "{method}: {head:?}");
        assert!(head.iter().any(|l| l == "allow: GET, HEAD, POST"), "{method}: {head:?}");
    }
    // A machine's path on the same port is no page.
    let (machine, _) = ask("HEAD", "/api/v1/mailbox");
    assert!(machine.iter().any(|l| l.starts_with("HTTP/1.1 405")), "{machine:?}");
}
