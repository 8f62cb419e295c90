//! The same facts in a running gateway give the same answers: scenario files are registered, their segments stored, and every
//! ask that an enquiry can express is asked. The audit entry's decision is compared with what the file expects.
//!
//! Not expressible as an enquiry, and left out: acts, tables, subject access, segments with an author, a caseload, places,
//! voices, a seal or a cap with dates or teams, and whoever asks without strong sign-in.

use super::house::House;
use serde_json::{Value, json};
use solent::audit::{Draft, Event, Outcome, Payload};
use solent::exchange::{Caller, Enquiry, Failure, Subject};
use solent::ident::{AccountId, AgencyId, HatId, MessageId, PersonId, SegmentId, SystemId};
use solent::sharing::facts::Facts;
use solent::store::{Effect, Job, NewMessage, NewRecord, NewSegment, RecordId};
use solent::vocabulary::{Category, Purpose};
use std::path::{Path, PathBuf};

/// Members of a segment that a stored segment cannot say, or says otherwise.
const NOT_STORED: [&str; 9] =
    ["author", "caseload", "places", "voices", "sealed", "originator", "markings", "kind", "recorded_at"];

/// Asks that end otherwise in a gateway, all of them in less or in silence, and why.
const OTHERWISE: [(&str, &str, &str); 7] = [
    ("P03-volunteers", "P3-5", "asked by the person's own hub id, without the case: no relationship comes first"),
    ("R66", "old-record", "the same as the next"),
    ("R66", "earlier-name", "a person who was sealed cannot be asked about: silent before the seal is reached"),
    ("r05-relationship", "through-one-of-the-people", "an enquiry is about one person: ask about the one who is known"),
    ("r05-relationship", "through-the-record-it-lies-in", "the same"),
    ("r09-conflict", "before-the-purpose", "the probe of the category is refused for its purpose"),
    ("r48-delegation", "somebody-elses-delegation", "the door refuses the hat before the delegation is looked at"),
];

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name).and_then(Value::as_str)
}

/// The stored form of one segment, with its authored summary beside it.
fn record(segments: &[&Value]) -> NewRecord {
    let about: Vec<&str> = list(segments[0], "about").filter_map(Value::as_str).collect();
    let owner = text(segments[0], "record_of").unwrap_or(about[0]);
    let mut people: Vec<&str> = vec![owner];
    people.extend(about.iter().filter(|p| **p != owner));
    let local = |person: &str| format!("p{}", people.iter().position(|p| *p == person).unwrap());
    let label = |segment: &Value, about: Vec<String>, category: &str| {
        let mut label = json!({"category": category, "confidentiality": "V", "custodian": segment["custodian"], "about": about,
            "third_party": "none", "basis_marker": segment.get("basis").cloned().unwrap_or(json!("reported")), "author_role": "SW"});
        if let Some(observed) = text(segment, "observed") {
            label["observed"] = json!(observed);
        }
        let codes: Vec<&str> = list(segment, "labels").filter_map(Value::as_str).collect();
        if !codes.is_empty() {
            label["sensitivity_codes"] = json!(codes);
        }
        if let Some(handling) = text(segment, "handling") {
            label["police_handling"] = json!(handling);
        }
        label
    };
    let mut content = json!({"envelope": {"message_id": "m"}, "people": [], "involvements": []});
    for (at, person) in people.iter().enumerate() {
        let role = if at == 0 { "subject" } else { "other" };
        let own = label(segments[0], vec![local(person)], "IDN");
        content["people"].as_array_mut().unwrap().push(json!({"id": local(person), "role": role, "label": own}));
    }
    let mut rows = Vec::new();
    for segment in segments {
        let id = text(segment, "id").unwrap();
        let category = text(segment, "category").unwrap();
        let mine: Vec<&str> = list(segment, "about").filter_map(Value::as_str).collect();
        let label = label(segment, mine.iter().map(|p| local(p)).collect(), category);
        let mut item = json!({"id": id, "kind": "child-in-need", "person": local(mine[0]), "label": label});
        if text(segment, "form") == Some("summary") {
            item["form"] = json!("summary");
            if segments.len() > 1 {
                item["summary_of"] = json!([segments[0]["id"]]);
            }
        }
        content["involvements"].as_array_mut().unwrap().push(item);
        rows.push(NewSegment {
            id: SegmentId::new(id),
            local: SegmentId::new(id),
            custodian: AgencyId::new(text(segment, "custodian").unwrap()),
            category: Category::parse(category),
            form: text(segment, "form").unwrap_or("full").to_owned(),
            state: "current".to_owned(),
            recorded_at: solent::clock::Moment::from_millis(0),
            about: mine.iter().map(|p| PersonId::new(*p)).collect(),
        });
    }
    NewRecord {
        id: RecordId::new(format!("rec-{}", text(segments[0], "id").unwrap())),
        content: serde_json::to_vec(&content).unwrap(),
        segments: rows,
        sent_as: None,
        persons: people.iter().map(|p| (local(p), PersonId::new(*p))).collect(),
    }
}

/// Stores what can be stored; the ids of the segments that stand for themselves.
async fn store(house: &House, file: &Value) -> Vec<String> {
    // Intelligence has a shape of its own in a record.
    let shaped = |s: &Value| text(s, "category").is_some_and(|category| category != "INT");
    let plain = |s: &&Value| NOT_STORED.iter().all(|m| s.get(*m).is_none_or(Value::is_null)) && shaped(s);
    let segments: Vec<&Value> = list(file, "segments").filter(plain).collect();
    let summaries: Vec<&str> = segments.iter().filter_map(|s| text(s, "summary")).collect();
    let mut records = Vec::new();
    let mut stored = Vec::new();
    for segment in &segments {
        let id = text(segment, "id").unwrap();
        let summary = text(segment, "summary").map(|wanted| segments.iter().find(|s| text(s, "id") == Some(wanted)));
        match summary {
            Some(None) => {}
            None if summaries.contains(&id) => {}
            Some(Some(summary)) => {
                records.push(record(&[segment, summary]));
                stored.push(id.to_owned());
            }
            None => {
                records.push(record(&[segment]));
                stored.push(id.to_owned());
            }
        }
    }
    let now = house.clock.now();
    let message = NewMessage {
        id: MessageId::new("m"),
        system: SystemId::new("test"),
        agency: AgencyId::new("test"),
        format: "canonical".to_owned(),
        received_at: now,
        body_digest: [0; 32],
        byte_length: 0,
        loss: "[]".to_owned(),
        state: "accepted".to_owned(),
        records,
        quarantined: Vec::new(),
        people: Vec::new(),
        items: Vec::new(),
        idempotency: None,
    };
    let draft = Draft::new(Outcome::Allow, Payload::new(Event::Send));
    house.committer.commit(Job::new(draft).with_effect(Effect::Accept(Box::new(message)))).await.unwrap();
    stored
}

/// What the gateway decided: level, reason, limit. `None` when the ask is not an enquiry about a stored segment.
async fn asked(
    house: &House,
    file: &Value,
    ask: &Value,
    stored: &[String],
) -> Option<(String, String, Option<String>)> {
    let wanted = text(ask, "segment")?;
    let purpose = Purpose::parse(text(ask, "purpose")?)?;
    let strong = ask.get("strong_auth").and_then(Value::as_bool).unwrap_or(true);
    if !stored.iter().any(|s| s == wanted) || purpose == Purpose::Sa || !strong || ask.get("requester").is_some() {
        return None;
    }
    let segment = list(file, "segments").find(|s| text(s, "id") == Some(wanted))?;
    let hats = list(file, "accounts").flat_map(|a| list(a, "hats"));
    let agency = hats.into_iter().find(|h| text(h, "id") == text(ask, "hat")).and_then(|h| text(h, "agency"))?;
    let named = |name: &str| text(ask, name).map(str::to_owned);
    let caller = Caller {
        system: SystemId::new(format!("{agency}-desk")),
        agency: AgencyId::new(agency),
        format: "canonical".to_owned(),
        certificate: "00".to_owned(),
        request: "r".to_owned(),
    };
    let enquiry = Enquiry {
        account: AccountId::new(text(ask, "account")?),
        hat: HatId::new(text(ask, "hat")?),
        purpose,
        subject: Subject::Person(PersonId::new(segment["about"][0].as_str()?)),
        categories: vec![Category::parse(text(segment, "category")?)?],
        override_id: named("override"),
        delegation: named("delegation"),
        opening: named("opening"),
    };
    let answer = house.gateway.enquire(caller, enquiry).await;
    if !matches!(answer, Ok(_) | Err(Failure::Refused { .. })) {
        return Some(("-".to_owned(), format!("{answer:?}"), None));
    }
    let (_, entry) = house.last_entry().await;
    if let Some(reason) = entry.reason {
        return Some(("N".to_owned(), reason, None));
    }
    let item = entry.items.iter().find(|i| i.segment.as_str() == wanted)?;
    Some((item.level.code().to_owned(), item.reason.clone(), item.limit.clone()))
}

async fn file_gives_the_same_answers(path: &Path) -> (usize, Vec<String>) {
    let bytes = std::fs::read(path).unwrap();
    let facts: Facts = crate::decide::reader().read(&bytes).unwrap();
    let file = serde_json::to_value(&facts).unwrap();
    let special = facts.config != solent::sharing::facts::Config::default();
    let agencies: Vec<(String, String)> = list(&file, "agencies")
        .map(|a| (a["id"].as_str().unwrap().to_owned(), a["kind"].as_str().unwrap().to_owned()))
        .collect();
    let mut wrong = Vec::new();
    if special || agencies.is_empty() {
        return (0, wrong);
    }
    let mut asks: Vec<&Value> = list(&file, "asks").collect();
    let at =
        |ask: &Value| solent::clock::Moment::parse(text(ask, "at").or_else(|| text(&file, "now")).unwrap()).unwrap();
    asks.sort_by_key(|ask| at(ask));
    let Some(first) = asks.first() else { return (0, wrong) };
    let house = House::with(&agencies).await;
    house.clock.set(at(first));
    house.gateway.register(&file, &AccountId::new("operator")).await.unwrap();
    let stored = store(&house, &file).await;
    let mut count = 0;
    for ask in asks {
        house.clock.set(at(ask));
        let Some((level, reason, limit)) = asked(&house, &file, ask, &stored).await else { continue };
        count += 1;
        let expect = &ask["expect"];
        let same = expect["level"] == level
            && expect["reason"] == reason
            && expect.get("limit").is_none_or(|l| l.as_str() == limit.as_deref());
        let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        let otherwise = OTHERWISE.iter().any(|(file, id, _)| *file == name && ask["id"] == *id);
        // Known to end otherwise, and never in more.
        if otherwise && level == "N" {
            continue;
        }
        if !same {
            wrong.push(format!("{} {}: {level} {reason} {limit:?}, expected {expect}", path.display(), ask["id"]));
        }
    }
    (count, wrong)
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    let mut found: Vec<PathBuf> = found.filter(|p| p.extension().is_some_and(|e| e == "yaml")).collect();
    found.sort();
    found
}

async fn all(folder: PathBuf) -> usize {
    let (mut count, mut wrong) = (0, Vec::new());
    for path in files(folder) {
        let (asks, differences) = file_gives_the_same_answers(&path).await;
        count += asks;
        wrong.extend(differences);
    }
    assert!(wrong.is_empty(), "{} of {count} asks differ:\n{}", wrong.len(), wrong.join("\n"));
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn our_scenarios_give_the_same_answers_in_a_gateway() {
    let count = all(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/sharing")).await;
    assert!(count >= 50, "only {count} asks could be expressed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_scenarios_give_the_same_answers_in_a_gateway() {
    let Ok(samples) = std::env::var("SOLENT_SAMPLES") else { return };
    all(PathBuf::from(samples).join("facts")).await;
}
