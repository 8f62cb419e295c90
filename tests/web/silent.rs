//! What is silent changes nothing: two databases, one with more silent segments, give every other person the same bytes.

use crate::crawl::{CAST, crawl, enter, state_purposes};
use crate::demo::Demo;
use crate::visitor::{Answer, System};
use std::collections::BTreeMap;

/// More of what nobody but its own people may know of: a therapy note about the mother, the daughter's refuge address, and
/// intelligence about the step-father. In the second database only.
const MORE: [(&str, &str); 3] = [
    (
        "haven-desk",
        r#"{"envelope":{"message_id":"silent-1","sent_at":"2026-10-06T09:00:00Z"},"people":[PERSON_DANA],
        "notes":[{"id":"n1","label":LABEL_MHN,"kind":"text","text":"Zylophane session held in confidence."}]}"#,
    ),
    (
        "harbourshire-desk",
        r#"{"envelope":{"message_id":"silent-2","sent_at":"2026-10-06T09:01:00Z"},"people":[PERSON_DANA_AT]}"#,
    ),
    (
        "police-desk",
        r#"{"envelope":{"message_id":"silent-3","sent_at":"2026-10-06T09:02:00Z"},"people":[PERSON_DANA],
        "notes":[{"id":"n1","label":LABEL_INT,"kind":"intelligence-product","text":"Zylophane seen near the yard."}]}"#,
    ),
];
/// Who may know of the address: their pages differ, which shows that the difference is there.
const MAY_KNOW: [&str; 2] = ["acc-01", "acc-02"];
/// The log records that messages came in; whoever reads the log sees that.
const READ_THE_LOG: [&str; 3] = ["acc-14", "acc-15", "acc-20"];

fn label(category: &str, custodian: &str, more: &str) -> String {
    let author = match custodian {
        "haven-da" => "FDV",
        "harbourshire-police" => "POL",
        _ => "SW",
    };
    format!(
        r#"{{"category":"{category}","confidentiality":"V","custodian":"{custodian}","about":["dana"],"third_party":"none","basis_marker":"reported","author_role":"{author}"{more}}}"#
    )
}

fn filled(template: &str, custodian: &str) -> String {
    let identity = label("IDN", custodian, "").replace("\"V\"", "\"N\"");
    let born = r#""birth":{"date":"1992-03-11"}"#;
    let names = r#""names":[{"family":"Lane","given":["Dana"]}]"#;
    let number = r#""identifiers":[{"scheme":"nhs-number","value":"9990000034","check":"passed"}]"#;
    let person = format!(r#"{{"id":"dana","label":{identity},"role":"subject",{names},{number},{born}"#);
    let place = label("LOC", custodian, "");
    let address = format!(
        r#","addresses":[{{"id":"a","label":{place},"lines":["Zylophane Court"],"town":"Wexcombe","postcode":"HZ8 1AA","start":"2026-10-01"}}]}}"#
    );
    template
        .replace("PERSON_DANA_AT", &format!("{person}{address}"))
        .replace("PERSON_DANA", &format!("{person}}}"))
        .replace("LABEL_MHN", &label("MHN", custodian, ""))
        .replace("LABEL_INT", &label("INT", custodian, r#","police_handling":"P""#))
}

fn agency(system: &str) -> &'static str {
    match system {
        "haven-desk" => "haven-da",
        "police-desk" => "harbourshire-police",
        _ => "harbourshire-csc",
    }
}

#[test]
fn a_silent_segment_changes_no_byte_of_anybodys_pages() {
    let (without, with) = (Demo::start(), Demo::start());
    for (system, template) in MORE {
        // Who she is they both tell of: an identity is not silent. What else is said of her only the second hears.
        let who = template.split_once(r#"],"#).map_or(template, |(who, _)| who).trim_end_matches("]}");
        let who = format!("{}]}}", who.replace("PERSON_DANA_AT", "PERSON_DANA"));
        for (demo, told) in [(&without, who.as_str()), (&with, template)] {
            let (status, body) = System::new(demo, system).post("/api/v1/messages", &filled(told, agency(system)));
            assert_eq!(status, 202, "{system}: {body}");
        }
    }
    let mut differ = Vec::new();
    for (account, hat) in CAST.into_iter().filter(|(a, _)| !READ_THE_LOG.contains(a)) {
        let (first, second) = (pages(&without, account, hat), pages(&with, account, hat));
        if first == second {
            continue;
        }
        differ.push(account);
        if !MAY_KNOW.contains(&account) {
            for (path, page) in &first {
                assert_eq!(Some(page), second.get(path), "{account} at {path}");
            }
            assert_eq!(first.len(), second.len(), "{account}");
        }
    }
    assert_eq!(differ, MAY_KNOW, "those who may know see the difference, nobody else");
}

/// A page without what differs between two demos: status, bytes, headers.
type Normal = (u16, String, Vec<(String, String)>);

/// Everything a person can open, for each purpose, with what changes by the minute taken out.
fn pages(demo: &Demo, account: &str, hat: Option<&str>) -> BTreeMap<String, Normal> {
    let mut visitor = enter(demo, account, hat);
    let mut all = BTreeMap::new();
    let mut nth = 0;
    loop {
        let more = state_purposes(&mut visitor, nth);
        if nth > 0 && !more {
            return all;
        }
        for (path, answer) in crawl(&mut visitor) {
            all.insert(format!("{nth} {}", without_ids(&path)), normal(&answer));
        }
        nth += 1;
    }
}

fn normal(answer: &Answer) -> Normal {
    let mut body = answer.body.clone();
    // The session's word, and what the clock says.
    let start = "name=\"word\" value=\"";
    let parts: Vec<String> = body.split(start).map(str::to_owned).collect();
    let rest = parts.iter().skip(1).map(|p| p.split_once('"').map_or("", |(_, rest)| rest));
    body = parts.iter().take(1).map(String::as_str).chain(rest).collect::<Vec<_>>().join(start);
    // The operator sees how long the log is: every look of anybody makes it longer.
    if let Some((before, (_, rest))) =
        body.split_once("<dt>Entries</dt><dd>").and_then(|(before, rest)| Some((before, rest.split_once('<')?)))
    {
        body = format!("{before}<dt>Entries</dt><dd>N<{rest}");
    }
    let headers = answer.headers.iter().filter(|(n, _)| !["date", "x-request-id", "set-cookie"].contains(&n.as_str()));
    let mut headers: Vec<(String, String)> = headers.map(|(n, v)| (n.clone(), v.clone())).collect();
    headers.retain(|(n, _)| n != "content-length");
    for (_, value) in &mut headers {
        *value = without_ids(value);
    }
    (answer.status, without_ids(&without_times(&body)), headers)
}

/// Ids made with the keys of one demo, as `ID`: runs of 16 or more of `0-9a-f-`.
fn without_ids(text: &str) -> String {
    let (mut out, mut run) = (String::with_capacity(text.len()), String::new());
    for c in text.chars().chain(['\0']) {
        if c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c) {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() >= 16 { "ID" } else { &run });
        run.clear();
        out.push(c);
    }
    out.pop();
    out
}

/// `09:14` as `T`: two demos start some seconds apart.
fn without_times(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let digit = |i: usize| bytes.get(i).is_some_and(char::is_ascii_digit);
        if digit(at) && digit(at + 1) && bytes.get(at + 2) == Some(&':') && digit(at + 3) && digit(at + 4) {
            out.push('T');
            at += 5;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}
