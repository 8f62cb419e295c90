//! Bodies meant to hurt: each is refused with a place, quickly, and within the memory promised.

use super::schemas;
use solent::diagnostic::{Diagnostic, code};
use solent::document::{DEPTH_MAX, Limits};
use solent::schema::{Strictness, Syntax};
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Extra memory one hostile body may cost, in KiB.
const EXTRA_KIB_MAX: u64 = 64 * 1024;

/// A debug build on a busy machine; the point is that nothing is quadratic.
const TIME_MAX: Duration = Duration::from_secs(20);

const XML: Syntax = Syntax::Xml { root: "Message" };

fn read(syntax: Syntax, body: &[u8]) -> Result<(), Vec<Diagnostic>> {
    let name =
        if syntax == Syntax::FhirJson { "fhir-r4-json/referral.schema.json" } else { "cin-census/message.schema.json" };
    let schema = schemas().get(name).unwrap();
    schema.read(syntax, body, &Limits::message(), Strictness::Tolerant).map(|_| ())
}

/// Makes a body.
type Body = Box<dyn Fn() -> Vec<u8>>;

fn many(start: &'static str, each: impl Fn(usize) -> String + 'static, count: usize, end: &'static str) -> Body {
    Box::new(move || {
        let mut text = start.to_owned();
        (0..count).for_each(|i| text.push_str(&each(i)));
        text.push_str(end);
        text.into_bytes()
    })
}

fn exactly(bytes: &'static [u8]) -> Body {
    Box::new(move || bytes.to_vec())
}

/// Every hostile body, by name; made on demand, so that one can be measured without the others.
fn bodies() -> Vec<(&'static str, Syntax, Body)> {
    let mut all = json_bodies();
    all.extend(xml_bodies());
    all
}

fn json_bodies() -> Vec<(&'static str, Syntax, Body)> {
    let json = Syntax::FhirJson;
    vec![
        ("json 10,000 deep", json, many("", |_| "[".into(), 10_000, "")),
        ("json 1,000,000 deep objects", json, many("", |_| "{\"a\":".into(), 1_000_000, "")),
        ("json 8 MiB of empty arrays", json, many("[[]", |_| ",[]".into(), 2_700_000, "]")),
        ("json many small arrays", json, many("[", |_| format!("[{}1],", "1,".repeat(900)), 900, "1]")),
        ("json 400,000 keys", json, many("{", |i| format!("\"k{i}\":1,"), 399_000, "\"z\":1}")),
        ("json 400,000 keys twice", json, many("{", |i| format!("\"k{}\":1,", i / 2), 399_000, "\"z\":1}")),
        ("json one long string", json, many("[\"", |_| "a".repeat(1000), 8_300, "\"]")),
        ("json over 8 MiB", json, many("", |_| " ".repeat(1024), 8 * 1024, " ")),
        (
            "json many entries",
            json,
            many("{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[", |_| "{},".into(), 400_000, "{}]}"),
        ),
        (
            "json references",
            json,
            many(
                "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[",
                |i| {
                    format!(
                        "{{\"resource\":{{\"resourceType\":\"T{i}\",\"id\":\"{i}\",\"r\":{{\"reference\":\"T{i}/{i}\"}}}}}},"
                    )
                },
                900,
                "{}]}",
            ),
        ),
        (
            "json wide resource",
            json,
            many("{\"resourceType\":\"Patient\"", |i| format!(",\"u{i}\":{{}}"), 390_000, "}"),
        ),
        (
            "json 100,000 modifier extensions",
            json,
            many("{\"resourceType\":\"Patient\",\"a\":0", |i| format!(",\"u{i}\":[{{\"url\":1}}]"), 100_000, "}"),
        ),
        ("json invalid utf-8", json, exactly(b"{\"a\":\"\xff\"}")),
        ("json truncated", json, exactly(b"{\"resourceType\":\"Bundle\",\"entry\":[{")),
        ("json nul", json, exactly(b"{\"resourceType\":\"Bundle\",\"type\":\"a\\u0000\"}")),
        ("json scalar", json, exactly(b"1")),
        ("empty", json, exactly(b"")),
    ]
}

fn xml_bodies() -> Vec<(&'static str, Syntax, Body)> {
    let laugh = |i: usize| format!("<!ENTITY lol{i} '&lol;&lol;&lol;&lol;'>");
    vec![
        (
            "xml billion laughs",
            XML,
            many("<!DOCTYPE lolz [<!ENTITY lol 'lol'>", laugh, 10, "]><Message>&lol9;</Message>"),
        ),
        (
            "xml external entity",
            XML,
            exactly(b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Message>&x;</Message>"),
        ),
        ("xml external dtd", XML, exactly(b"<!DOCTYPE Message SYSTEM 'http://example.org/x.dtd'><Message/>")),
        ("xml undeclared entity", XML, exactly(b"<Message>&x;</Message>")),
        ("xml 10,000 deep", XML, many("<Message>", |_| "<a>".into(), 10_000, "")),
        ("xml 100,000 attributes", XML, many("<Message ", |i| format!("a{i}='' "), 100_000, "/>")),
        ("xml 100,000 namespaces", XML, many("<Message ", |i| format!("xmlns:a{i}='u' "), 100_000, "/>")),
        ("xml 400,000 names", XML, many("<Message>", |i| format!("<a{i}/>"), 399_000, "</Message>")),
        ("xml 400,000 repeats", XML, many("<Message>", |_| "<a/>".into(), 399_000, "</Message>")),
        (
            "xml 400,000 empty knowns",
            XML,
            many(
                "<Message><Header><CollectionDetails>",
                |_| "<Year/>".into(),
                399_000,
                "</CollectionDetails></Header></Message>",
            ),
        ),
        ("xml 2,000,000 comments", XML, many("<Message>", |_| "<!---->".into(), 1_000_000, "</Message>")),
        ("xml 1,000,000 references", XML, many("<Message>", |_| "&amp;".into(), 1_500_000, "</Message>")),
        ("xml unclosed", XML, exactly(b"<Message><Children><Child>")),
        ("xml truncated tag", XML, exactly(b"<Message><Children")),
        ("xml two roots", XML, exactly(b"<Message/><Message/>")),
        ("xml nul", XML, exactly(b"<Message>\0</Message>")),
        ("xml nul reference", XML, exactly(b"<Message>&#0;</Message>")),
        ("xml invalid utf-8", XML, exactly(b"<Message>\xff</Message>")),
        ("xml other root", XML, exactly(b"<html/>")),
        ("xml utf-16 without mark", XML, exactly(b"<\0M\0e\0s\0s\0a\0g\0e\0/\0>\0")),
        ("empty xml", XML, exactly(b"")),
    ]
}

#[test]
fn every_hostile_body_is_answered_in_time_and_with_a_place() {
    // These are merely large: they may be read.
    let harmless = ["json wide resource", "json 100,000 modifier extensions", "json references"];
    for (name, syntax, body) in bodies() {
        let body = body();
        let start = Instant::now();
        let answer = read(syntax, &body);
        assert!(start.elapsed() < TIME_MAX, "{name} took {:?}", start.elapsed());
        if harmless.contains(&name) {
            continue;
        }
        let found = answer.expect_err(name);
        assert!(found.len() <= 51, "{name}: {}", found.len());
        let first = &found[0];
        let sized = first.code == code::DOC_LIMIT && first.message.contains("bytes");
        assert!(first.position.is_some() || sized, "{name}: {first}");
        assert!(first.to_string().len() < 600, "{name}: {first}");
    }
}

#[test]
fn limits_are_named_and_exact() {
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let read = |text: &str| solent::document::json::read(text.as_bytes(), &Limits::message());
    assert!(read(&deep(DEPTH_MAX)).is_ok());
    assert_eq!(read(&deep(DEPTH_MAX + 1)).unwrap_err().code, code::DOC_LIMIT);
    let small = Limits { nodes_max: 4, repeats_max: 2, ..Limits::message() };
    let read = |text: &str| solent::document::json::read(text.as_bytes(), &small).map_err(|d| d.code);
    assert!(read("[1,2]").is_ok());
    assert_eq!(read("[1,2,3]").unwrap_err(), code::DOC_LIMIT);
    assert!(read("{\"a\":1,\"b\":2,\"c\":3}").is_ok());
    assert_eq!(read("{\"a\":1,\"b\":2,\"c\":3,\"d\":4}").unwrap_err(), code::DOC_LIMIT);
}

/// Peak memory of this process, in KiB; Linux only.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// Run by [`hostile_bodies_cost_little_memory`] in a process of its own; nothing when run as a test.
#[test]
fn one_hostile_body() {
    let Ok(index) = std::env::var("SOLENT_TEST_BODY") else { return };
    let (_, syntax, body) = bodies().swap_remove(index.parse().unwrap());
    let body = body();
    let _ = schemas();
    // The body and the schemas are there before; what reading adds to the peak is what counts. "5" resets the peak.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = peak_kib().unwrap();
    let _ = read(syntax, &body);
    writeln!(std::io::stdout(), "extra-kib={}", peak_kib().unwrap().saturating_sub(before)).unwrap();
}

#[test]
fn hostile_bodies_cost_little_memory() {
    if peak_kib().is_none() {
        super::skipped("memory is measured on Linux only");
        return;
    }
    for (index, (name, ..)) in bodies().into_iter().enumerate() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "document::hostile::one_hostile_body"])
            .env("SOLENT_TEST_BODY", index.to_string())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let extra = text.split("extra-kib=").nth(1).and_then(|t| t.split_whitespace().next()?.parse::<u64>().ok());
        let extra = extra.unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(extra < EXTRA_KIB_MAX, "{name} cost {extra} KiB");
    }
}
