//! Asking the log over the API, over real mutual TLS: who may, what is refused, pages that go on, and tiles that may be kept.

use super::deeds::{GRAY, Partnership, WREN, Who, body_of, text};
use super::harness::{exchange, get_on, raw};
use serde_json::{Value, json};
use solent::audit::Event;
use solent::ident::AccountId;
use solent::peer::Answer;
use std::collections::BTreeSet;

const AUD: Who = ("aud-aud", "council");
const SPAN: &str = "from=2026-10-01&to=2026-10-08";

/// The family's house, with auditors: one, one whose hat has ended, one whose hat is yet to come, one who has left, and an officer who
/// has left.
fn with_auditors() -> Partnership {
    let at = Partnership::open();
    let hat = |id: &str, role: &str| json!({"id": id, "role": role, "agency": "council"});
    let more = |mut one: Value, name: &str, value: &str| {
        one[name] = json!(value);
        one
    };
    let facts = json!({"accounts": [
        {"id": "aud", "hats": [hat("aud-aud", "AUD")]},
        {"id": "past", "hats": [more(hat("past-aud", "AUD"), "to", "2026-09-30")]},
        {"id": "soon", "hats": [more(hat("soon-aud", "AUD"), "from", "2026-11-01")]},
        {"id": "left", "active_to": "2026-09-30", "hats": [hat("left-aud", "AUD")]},
        {"id": "gone", "active_to": "2026-09-30", "hats": [hat("gone-prv", "PRV")]},
    ]});
    let known = at.runtime.block_on(at.house.gateway.register(&facts, &AccountId::new("operator")));
    assert!(known.is_ok(), "{known:?}");
    at
}

fn asked(at: &Partnership, who: Who, path: &str) -> Answer {
    at.get(who, path)
}

#[test]
fn only_a_hat_of_an_auditor_or_officer_that_is_worn_now_reads_the_log_and_each_attempt_is_logged() {
    let at = with_auditors();
    let entries = format!("/api/v1/audit/entries?{SPAN}");
    for who in [AUD, GRAY] {
        let answer = asked(&at, who, &entries);
        assert_eq!(answer.status, 200, "{who:?}: {}", text(&answer));
    }
    let id = body_of(&asked(&at, AUD, &entries))["rows"][0]["entry"].as_str().unwrap().to_owned();
    let refusals = at.runtime.block_on(at.house.count(Event::Refuse));
    let mut attempts = 0;
    for who in [
        WREN,
        ("past-aud", "council"),
        ("soon-aud", "council"),
        ("left-aud", "council"),
        ("gone-prv", "council"),
        ("gray-prv", "trust"),
    ] {
        for path in [
            entries.clone(),
            format!("/api/v1/audit/entries/{id}"),
            format!("/api/v1/audit/entries/{id}/proof"),
            format!("/api/v1/audit/questions/Q20?{SPAN}"),
            "/api/v1/audit/alerts".to_owned(),
            "/fhir/r4/AuditEvent?date=ge2026-10-01&date=lt2026-10-08".to_owned(),
        ] {
            let answer = asked(&at, who, &path);
            assert_eq!(
                (answer.status, body_of(&answer)["reason"].as_str()),
                (403, Some("D-AUTH")),
                "{who:?} {path}: {}",
                text(&answer)
            );
            attempts += 1;
        }
    }
    assert_eq!(at.runtime.block_on(at.house.count(Event::Refuse)), refusals + attempts);
}

#[test]
fn what_is_not_a_question_is_refused_and_asks_nothing() {
    let at = with_auditors();
    let before = at.runtime.block_on(at.house.count(Event::AuditQuery));
    let of = |query: &str| asked(&at, AUD, &format!("/api/v1/audit/entries?{query}")).status;
    for query in [
        "",
        "from=2026-10-01",
        "from=yesterday&to=2026-10-08",
        "from=2026-13-01&to=2026-10-08",
        &format!("{SPAN}&from=2026-10-02"),
        &format!("{SPAN}&limit=0"),
        &format!("{SPAN}&limit=501"),
        &format!("{SPAN}&limit=-1"),
        &format!("{SPAN}&after=x"),
        &format!("{SPAN}&after=1.2"),
        &format!("{SPAN}&form=xml"),
        &format!("{SPAN}&event=looked"),
        &format!("{SPAN}&role=BOSS"),
        &format!("{SPAN}&categories=MHL,NONE"),
        &format!("{SPAN}&purpose=FUN"),
        &format!("{SPAN}&outcome=maybe"),
        &format!("{SPAN}&zebra=1"),
        &format!("{SPAN}&actor={}", "a".repeat(1025)),
        &format!("{SPAN}&actor=%00"),
    ] {
        assert_eq!(of(query), 400, "{query}");
    }
    assert_eq!(asked(&at, AUD, &format!("/api/v1/audit/questions/Q21?{SPAN}")).status, 404);
    assert_eq!(asked(&at, AUD, &format!("/api/v1/audit/questions/q1?{SPAN}")).status, 404);
    assert_eq!(at.runtime.block_on(at.house.count(Event::AuditQuery)), before);
}

/// Head and body of a GET with an auditor's assertion.
fn whole(at: &Partnership, path: &str) -> (String, String) {
    let mut stream = raw(&at.house.folder, &at.house.folder, Some("council-desk"), at.address(), "http/1.1");
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nSolent-Assertion: {}\r\n\r\n", at.assertion(AUD, 0));
    let answer = exchange(&mut stream, &head).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn an_export_longer_than_a_page_says_where_it_goes_on_and_holds_every_row_once() {
    let at = with_auditors();
    // The questions asked before are entries of the agency's own.
    for _ in 0..11 {
        assert_eq!(asked(&at, AUD, &format!("/api/v1/audit/entries?{SPAN}")).status, 200);
    }
    let all = body_of(&asked(&at, AUD, &format!("/api/v1/audit/entries?{SPAN}&event=audit-query&limit=500")));
    let expected: Vec<&str> =
        all["rows"].as_array().unwrap().iter().map(|row| row["entry"].as_str().unwrap()).collect();
    assert!(expected.len() > 10, "{all}");
    for (form, kind) in [("csv", "text/csv; charset=utf-8"), ("jsonl", "application/x-ndjson")] {
        let mut next = Some(format!("/api/v1/audit/entries?{SPAN}&event=audit-query&limit=4&form={form}"));
        let (mut found, mut pages) = (Vec::new(), 0);
        while let Some(path) = next.take() {
            let (head, body) = whole(&at, &path);
            assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
            assert_eq!(header(&head, "content-type"), Some(kind));
            assert_eq!(header(&head, "cache-control"), Some("no-store"));
            let skip = usize::from(form == "csv");
            let rows: Vec<&str> = body.lines().skip(skip).collect();
            assert!(rows.len() <= 4, "{body}");
            found.extend(
                rows.iter().map(|row| expected.iter().position(|id| row.contains(id)).expect("a row of the answer")),
            );
            // `<address>; rel="next"`
            next = header(&head, "link").map(|link| {
                let (address, rest) = link.strip_prefix('<').and_then(|l| l.split_once('>')).unwrap();
                assert_eq!(rest, "; rel=\"next\"");
                address.to_owned()
            });
            pages += 1;
            assert!(pages < 50, "it never ends");
        }
        assert_eq!(found, (0..expected.len()).collect::<Vec<_>>(), "{form}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), expected.len());
    }
}

#[test]
fn a_tile_may_be_kept_for_ever_a_checkpoint_not_at_all_and_only_what_is_there_is_served() {
    let at = with_auditors();
    let mut stream = raw(&at.house.folder, &at.house.folder, Some("council-desk"), at.address(), "http/1.1");
    let mut of = |path: &str| {
        let answer = get_on(&mut stream, &format!("/log/{path}")).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    };
    let (head, note) = of("log1/checkpoint");
    assert_eq!(
        (header(&head, "content-type"), header(&head, "cache-control")),
        (Some("text/plain; charset=utf-8"), Some("no-store"))
    );
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    assert!((2..256).contains(&size), "{size}");
    for width in [1, size - 1, size] {
        let (head, _) = of(&format!("log1/tile/0/000.p/{width}"));
        assert!(head.starts_with("http/1.1 200"), "{width}: {head}");
        assert_eq!(header(&head, "content-type"), Some("application/octet-stream"));
        assert_eq!(header(&head, "content-length"), Some((width * 32).to_string().as_str()));
        assert_eq!(header(&head, "cache-control"), Some("public, max-age=31536000, immutable"));
    }
    for absent in [
        format!("0/000.p/{}", size + 1),
        "0/000".to_owned(),
        "0/001".to_owned(),
        "0/001.p/1".to_owned(),
        "1/000".to_owned(),
        "1/000.p/1".to_owned(),
        "0/000.p/0".to_owned(),
        "0/000.p/256".to_owned(),
        "0/000.p/01".to_owned(),
        "00/000.p/1".to_owned(),
        "64/000.p/1".to_owned(),
        "0/0.p/1".to_owned(),
        "0/x000/000.p/1".to_owned(),
        "-1/000.p/1".to_owned(),
        "data/000.p/1".to_owned(),
        format!("entries/000.p/{size}"),
        "0/000.p/1/".to_owned(),
        "0//000.p/1".to_owned(),
    ] {
        let (head, _) = of(&format!("log1/tile/{absent}"));
        assert!(head.starts_with("http/1.1 404"), "{absent}: {head}");
        assert_eq!(header(&head, "cache-control"), Some("no-store"), "{absent}: what is not there may be there soon");
    }
    assert!(of("log2/checkpoint").0.starts_with("http/1.1 404"));
    assert!(of("log2/tile/0/000.p/1").0.starts_with("http/1.1 404"));
}
