//! Hostile and foreign requests to the served program in the shipped formats: FHIR, census, canonical.
//!
//! What must hold: a clear error with path and position and no value, little memory, nothing learned about other agencies'
//! things, refusals in the audit log, and a gateway that still serves.

use super::gateway::{EXTRA_KIB_MAX, Served, prepare, start};
use super::harness::{get_on, raw};
use solent::clock::Clock;
use solent::trust::ca::{Authority, Holder, Validity};
use std::fmt::Write as _;

const FHIR: (&str, &str) = ("epr", "application/fhir+json");
const CENSUS: (&str, &str) = ("council", "application/xml");
/// A value that no answer, log or metric may repeat.
const SECRET: &str = "Zebedee";

fn demo(name: &str) -> String {
    std::fs::read_to_string(format!("{}/docs/demo/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn body(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Ten entities, each ten times the one before: 10^10 characters if anybody expanded them.
fn laughs() -> String {
    let mut text = String::from("<?xml version=\"1.0\"?><!DOCTYPE Message [<!ENTITY a0 \"Zebedee\">");
    for n in 1..10 {
        let _ = write!(text, "<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10));
    }
    text + "]><Message>&a9;</Message>"
}

/// A message that is refused: name, system and media type, message, status, code.
type Hostile = (&'static str, (&'static str, &'static str), String, u16, &'static str);

fn refused() -> Vec<Hostile> {
    let census = demo("harbourshire-census.xml");
    let bundle = demo("southdown-bundle.json");
    let external = "<!DOCTYPE Message [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Message>&x;</Message>";
    vec![
        ("cut off JSON", FHIR, bundle[..bundle.len() / 2].to_owned(), 400, "SOL-DOC-SYNTAX"),
        ("cut off XML", CENSUS, census[..census.len() / 2].to_owned(), 400, "SOL-DOC-SYNTAX"),
        ("no JSON at all", FHIR, SECRET.to_owned(), 400, "SOL-DOC-SYNTAX"),
        ("entity bomb", CENSUS, laughs(), 400, "SOL-DOC-FORBIDDEN"),
        ("external entity", CENSUS, external.to_owned(), 400, "SOL-DOC-FORBIDDEN"),
        ("deep JSON", FHIR, format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), 400, "SOL-DOC-LIMIT"),
        (
            "deep XML",
            CENSUS,
            format!("<Message>{}{}</Message>", "<a>".repeat(10_000), "</a>".repeat(10_000)),
            400,
            "SOL-DOC-LIMIT",
        ),
        ("wide JSON", FHIR, format!("[{}1]", "1,".repeat(3_900_000)), 400, "SOL-DOC-LIMIT"),
        ("wide XML", CENSUS, format!("<Message>{}</Message>", "<b/>".repeat(1_900_000)), 400, "SOL-DOC-LIMIT"),
        ("another JSON", FHIR, format!("{{\"resourceType\":\"{SECRET}\"}}"), 422, "SOL-"),
        ("another XML", CENSUS, format!("<Message><{SECRET}/></Message>"), 422, "SOL-SCHEMA-INVALID"),
        (
            "no child in it",
            CENSUS,
            census.replace("<Children>", "<Chldren>").replace("</Children>", "</Chldren>"),
            422,
            "SOL-SCHEMA-INVALID",
        ),
    ]
}

#[test]
fn a_hostile_message_in_any_format_gets_a_clear_error_and_costs_little_memory() {
    let served = start(prepare());
    served.still_serves();
    let before = served.peak_kib();
    for (name, (system, kind), message, status, code) in refused() {
        let answer = served.post_as(system, kind, &message);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{name}: {answer}");
        let problem = body(&answer);
        assert!(problem["code"].as_str().unwrap().starts_with(code), "{name}: {answer}");
        let place = &problem["errors"][0];
        assert!(place["position"].is_object() || place["pointer"].is_string(), "{name}: {answer}");
        assert!(!answer.contains(SECRET), "{name}: a value is repeated: {answer}");
    }
    for (system, kind) in [FHIR, CENSUS] {
        served.gigabyte_in_chunks(system, kind);
    }
    served.still_serves();
    let extra = served.peak_kib().saturating_sub(before);
    assert!(extra < EXTRA_KIB_MAX, "{extra} KiB of extra memory");
    assert!(!std::fs::read_to_string(&served.log).unwrap().contains(SECRET), "a value of a message stands in the log");
    assert!(!served.loopback("/metrics").contains(SECRET));
    assert_eq!(served.column("SELECT id FROM message"), Vec::<String>::new(), "a refused message leaves nothing");
}

/// A return of so many children: the demo's first, each with a number and a birth date of their own.
fn census_of(children: usize) -> String {
    let census = demo("harbourshire-census.xml");
    let (head, rest) = census.split_once("    <Child>").unwrap();
    let (child, rest) = rest.split_once("    </Child>").unwrap();
    let tail = &rest[rest.find("  </Children>").unwrap()..];
    let number = |n: usize| {
        let child = child.replace("HCC0000301", &format!("HCC7{n:06}")).replace("T850220417001", "UN1");
        let child = child.replace("<UPN>UN1</UPN>", "<UPNunknown>UN1</UPNunknown>");
        child.replace("2012-04-20", &format!("{}-{:02}-{:02}", 2010 + n % 12, 1 + n / 12 % 12, 1 + n / 144 % 28))
    };
    let all: String = (0..children).map(|n| format!("    <Child>{}    </Child>\n", number(n))).collect();
    format!("{head}{all}{tail}")
}

#[test]
fn a_councils_whole_census_is_taken_in_one_message_with_an_entry_for_each_child() {
    let served = start(prepare());
    let children = 2_100;
    let answer = served.post_as(CENSUS.0, CENSUS.1, &census_of(children));
    assert!(answer.starts_with("HTTP/1.1 202"), "{}", answer.chars().take(600).collect::<String>());
    let logged = served.events().iter().filter(|event| *event == "send").count();
    assert_eq!(logged, children);
    assert_eq!(served.column("SELECT CAST(count(*) AS TEXT) FROM record"), [children.to_string()]);
    served.still_serves();
}

/// The id of an answer and the answer without it: two answers that differ in nothing else teach nothing.
fn without_ids(answer: &str, id: &str) -> String {
    let problem = answer.split_once("\r\n\r\n").unwrap().1.replace(id, "ID");
    let mut problem: serde_json::Value = serde_json::from_str(&problem).unwrap();
    problem["instance"] = serde_json::Value::Null;
    problem["request_id"] = serde_json::Value::Null;
    format!("{} {problem}", answer.lines().next().unwrap())
}

#[test]
fn another_agencys_message_and_item_look_like_none_and_the_attempt_is_logged() {
    let served = start(prepare());
    let accepted = served.post_as(FHIR.0, FHIR.1, &demo("southdown-bundle.json"));
    assert!(accepted.starts_with("HTTP/1.1 202"), "{accepted}");
    let message = body(&accepted)["id"].as_str().unwrap().to_owned();
    let item = served.column("SELECT id FROM mailbox").remove(0);
    assert!(served.get_as("epr", &format!("/api/v1/messages/{message}")).starts_with("HTTP/1.1 200"));
    let absent = "0191f0c2-7c3e-7a00-8000-000000000001";
    let logged = |what: &str| {
        let events = served.events();
        assert_eq!(events.last().map(String::as_str), Some("refuse"), "{what}: {events:?}");
        events.len()
    };
    for (system, path, id) in [
        ("desk", "/api/v1/messages/", message.as_str()),
        ("epr", "/api/v1/mailbox/", item.as_str()),
        ("desk", "/api/v1/mailbox/", item.as_str()),
    ] {
        let theirs = served.get_as(system, &format!("{path}{id}"));
        let size = logged(path);
        let nobodys = served.get_as(system, &format!("{path}{absent}"));
        assert!(theirs.starts_with("HTTP/1.1 404"), "{theirs}");
        assert_eq!(without_ids(&theirs, id), without_ids(&nobodys, absent), "{path}");
        assert_eq!(logged(path), size + 1, "one entry for each attempt");
    }
    assert_eq!(served.column("SELECT state FROM mailbox"), ["due"], "another's attempt moves nothing");
    served.still_serves();
}

#[test]
fn whoever_has_no_certificate_a_foreign_or_an_expired_one_gets_nothing_and_is_logged() {
    let served = start(prepare());
    let path = "/api/v1/mailbox";
    let foreign = served.folder.join("foreign");
    let now = Clock::system().now();
    let other = Authority::create(&foreign, "Test Partnership", Validity::days(now, 90), now).unwrap();
    other.issue(&Holder::System("epr".into()), Validity::days(now, 90), now).unwrap();
    assert!(get_on(&mut raw(&served.folder, &served.folder, None, served.door, "http/1.1"), path).is_err());
    assert!(get_on(&mut raw(&foreign, &served.folder, Some("epr"), served.door, "http/1.1"), path).is_err());
    assert!(get_on(&mut served.connect_as("late"), path).is_err());
    assert!(served.get_as("ghost", path).starts_with("HTTP/1.1 403"), "known to the authority, unknown here");
    // Failed handshakes are logged beside the connection that failed.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let denied = |s: &Served| s.events().iter().filter(|e| *e == "login-fail").count();
    while denied(&served) < 4 && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    assert_eq!(denied(&served), 4, "{:?}", served.events());
    served.still_serves();
}

#[test]
fn an_export_beside_the_running_gateway_is_an_entry_that_the_gateway_writes() {
    let served = start(prepare());
    let export = |name: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_solent"))
            .args(["audit", "export", "--config", "solent.toml", "--tiles", name])
            .current_dir(&served.folder)
            .output()
            .unwrap()
    };
    let before = served.events().len();
    let done = export("tiles");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(served.events()[before..], ["audit-export"]);
    assert_eq!(served.column("SELECT id FROM log_request"), Vec::<String>::new());
    served.still_serves();
}

#[test]
fn an_item_about_nobody_is_held_for_its_sender_and_counted_but_never_delivered() {
    let served = start(prepare());
    let clean = demo("southdown-bundle.json");
    assert!(served.post_as(FHIR.0, FHIR.1, &clean).starts_with("HTTP/1.1 202"));
    let segments = || served.column("SELECT id FROM segment").len();
    let whole = segments();
    let mut bundle: serde_json::Value = serde_json::from_str(&clean).unwrap();
    let entries = bundle["entry"].as_array_mut().unwrap();
    let condition = entries.iter_mut().find(|e| e["resource"]["resourceType"] == "Condition").unwrap();
    condition["resource"]["subject"]["reference"] = "urn:uuid:00000000-0000-4000-8000-000000000000".into();
    let accepted = served.post_as(FHIR.0, FHIR.1, &bundle.to_string());
    assert!(accepted.starts_with("HTTP/1.1 202"), "{accepted}");
    let accepted = body(&accepted);
    assert_eq!(accepted["quarantined"], 1, "{accepted}");
    let id = accepted["id"].as_str().unwrap();
    let status = body(&served.get_as("epr", &format!("/api/v1/messages/{id}")));
    assert_eq!(status["quarantine"], serde_json::json!({"held": 1, "erased": 0}));
    assert_eq!(served.column("SELECT agency || ' ' || kind FROM quarantine"), ["southdown-mh no-subject"]);
    // Sealed, and no segment.
    assert_eq!(segments(), whole + whole - 1);
    assert_eq!(
        served
            .column("SELECT CAST(COUNT(*) AS TEXT) FROM quarantine WHERE instr(content, CAST('35489007' AS BLOB)) > 0"),
        ["0"]
    );
    let sends = served.column(
        "SELECT json_extract(CAST(entry AS TEXT), '$.outcome') FROM log_entry WHERE json_extract(CAST(entry AS TEXT), '$.event') = 'send'",
    );
    assert_eq!(sends, ["allow", "allow", "partial"], "one entry for the subject, one for what is held");
    let check = std::process::Command::new(env!("CARGO_BIN_EXE_solent"))
        .args(["db", "check", "--config", "solent.toml"])
        .current_dir(&served.folder)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(words.contains("southdown-mh: 1 items without a subject held in quarantine"), "{words}");
}
