//! Exported `AuditEvent`s meet the Basic Audit Log Patterns they claim, judged by a program that shares no code with ours.

use super::command::solent;
use super::database::{config, text};
use super::fixture::scratch;
use crate::store::support::{TestDb, runtime};
use solent::audit::payload::{Client, Dataset, FreeText, Hat, Item, Payload, Recipient};
use solent::audit::{Draft, Event, Outcome};
use solent::clock::{Clock, Moment};
use solent::ident::{AccountId, AgencyId, HatId, MessageId, PersonId, SegmentId, SystemId};
use solent::store::{Engine, Job};
use solent::vocabulary::{Category, Level, Purpose, Role};
use std::path::Path;
use std::process::Command;

fn payload(event: Event) -> Payload {
    let mut payload = Payload::new(event);
    payload.actor = Some(AccountId::new("amy"));
    let (id, agency) = (Some(HatId::new("amy-hat")), AgencyId::new("a"));
    payload.hat = Some(Hat { id, role: Role::Sw, agency, team: None });
    payload.client = Some(Client {
        system: Some(SystemId::new("case-system")),
        certificate: None,
        zone: None,
        request: Some("request-1".to_owned()),
    });
    payload.subject = Some(PersonId::new("child-1"));
    payload.purpose = Some(Purpose::Cin);
    payload
}

fn item(category: Category, level: Level) -> Item {
    Item {
        segment: SegmentId::new(format!("seg-{}", category.code())),
        category: Some(category),
        level,
        reason: "ALLOW-PERMISSION".to_owned(),
        limit: None,
        marker: None,
        custodian: AgencyId::new("b"),
    }
}

/// One of each kind; the profiles they are to claim, in order, `-` for none.
fn story() -> Vec<(Draft, &'static [&'static str])> {
    let two = || vec![item(Category::Mhl, Level::F), item(Category::Sub, Level::S)];
    let with = |event: Event, outcome: Outcome, change: &dyn Fn(&mut Payload)| {
        let mut payload = payload(event);
        change(&mut payload);
        Draft::new(outcome, payload)
    };
    let permitted = |p: &mut Payload| {
        p.items = two();
        p.permissions = vec!["perm-1".to_owned(), "perm-2".to_owned()];
    };
    let to_b = |p: &mut Payload| {
        p.items = two();
        p.items[0].custodian = AgencyId::new("a");
        p.recipient = Some(Recipient { agency: AgencyId::new("b"), system: None });
    };
    let typed = |p: &mut Payload| p.query = Some(FreeText::new("zebra"));
    vec![
        (with(Event::View, Outcome::Allow, &|p| p.items = vec![item(Category::Mhl, Level::F)]), &["PatientRead"]),
        (with(Event::View, Outcome::Allow, &permitted), &["PatientRead", "AuthZconsent"]),
        (with(Event::View, Outcome::Partial, &permitted), &["-", "AuthZconsent"]),
        (
            with(Event::View, Outcome::Allow, &|p| {
                p.items = vec![item(Category::Mhl, Level::F)];
                p.on_behalf_of = Some(AccountId::new("ben"));
            }),
            &["-"],
        ),
        (with(Event::Search, Outcome::Allow, &typed), &["PatientQuery"]),
        (
            with(Event::Search, Outcome::Allow, &|p| {
                typed(p);
                p.subject = None;
            }),
            &["Query"],
        ),
        (with(Event::Search, Outcome::Deny, &typed), &["-"]),
        (with(Event::Collect, Outcome::Partial, &to_b), &["PrivacyDisclosure.Source"]),
        (with(Event::View, Outcome::Allow, &to_b), &["PrivacyDisclosure.Source"]),
        (
            with(Event::Send, Outcome::Allow, &|p| {
                p.dataset = Some(Dataset { message: Some(MessageId::new("msg-1")), ..Dataset::default() });
            }),
            &["PrivacyDisclosure.Recipient"],
        ),
        (with(Event::Refuse, Outcome::Deny, &|p| p.reason = Some("D-COI".to_owned())), &["-"]),
        (with(Event::Login, Outcome::Allow, &|p| p.subject = None), &["-"]),
        (with(Event::RoleGrant, Outcome::Allow, &|p| p.subject = None), &["-"]),
    ]
}

fn judge(file: &Path) -> Option<(bool, String)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/balp.py");
    let done = Command::new("python3").arg("-I").arg(script).arg(file).output().ok()?;
    Some((done.status.success(), text(&done)))
}

#[test]
fn a_profile_is_claimed_only_when_every_constraint_of_it_holds() {
    runtime().block_on(async {
        let t = TestDb::new(Engine::Sqlite).await.unwrap();
        let clock = Clock::fixed(Moment::parse("2026-10-05T10:00:00.000Z").unwrap());
        let log = t.start_with(clock, t.options()).await.unwrap();
        let mut expected = Vec::new();
        for (draft, profiles) in story() {
            log.commit(Job::new(draft)).await.unwrap();
            expected.extend_from_slice(profiles);
        }
        log.stop().await;
        let config = config(&t);
        let args = ["--from", "2026-10-05", "--to", "2026-10-06", "--form", "fhir", "--all", "--limit", "5"];
        let done = solent(&[&["ask", "entries", "--config", config.to_str().unwrap()], args.as_slice()].concat());
        assert!(done.status.success(), "{}", text(&done));
        let lines = String::from_utf8(done.stdout).unwrap();
        let events: Vec<serde_json::Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let claimed: Vec<&str> = events
            .iter()
            .map(|e| e["meta"]["profile"][0].as_str().map_or("-", |p| p.rsplit_once("IHE.BasicAudit.").unwrap().1))
            .collect();
        assert_eq!(claimed, expected);
        use base64::Engine as _;
        for typed in ["zebra", &base64::prelude::BASE64_STANDARD.encode("zebra")] {
            assert!(!lines.contains(typed), "what was typed is not exported");
        }
        assert!(!lines.contains("child-1"));
        let file = scratch("balp").join("events.ndjson");
        std::fs::write(&file, &lines).unwrap();
        let Some((sound, said)) = judge(&file) else { return };
        assert!(sound, "{said}");
        without_any_part_the_judge_refuses(&events, &file);
        t.finish().await;
    });
}

/// The judge is no rubber stamp: without an agent, without an entity, with another code, every claim is refused.
fn without_any_part_the_judge_refuses(events: &[serde_json::Value], file: &Path) {
    for event in events.iter().filter(|e| e["meta"].is_object()) {
        let mut changed = Vec::new();
        let kind = event["type"]["code"].as_str().unwrap();
        for list in ["agent", "entity"] {
            for n in 0..event[list].as_array().unwrap().len() {
                let part = &event[list][n]["type"]["code"];
                // What a profile leaves open: a user in most, the request's id, permissions of a reading, one of several data.
                let open = match (list, kind) {
                    ("agent", "110113") => false,
                    ("agent", _) => event[list][n]["requestor"] == true,
                    (_, "rest") => part == "XrequestId" || part == "Consent",
                    _ => n > 0,
                };
                if !open {
                    let mut bad = event.clone();
                    bad[list].as_array_mut().unwrap().remove(n);
                    changed.push(bad);
                }
            }
        }
        for (pointer, value) in [
            ("/action", "U"),
            ("/type/code", "110100"),
            ("/subtype/0/code", "x"),
            ("/source/observer/identifier/value", "x"),
        ] {
            let mut bad = event.clone();
            *bad.pointer_mut(pointer).unwrap() = serde_json::json!(value);
            let observer = pointer.starts_with("/source");
            if !observer || matches!(event["type"]["code"].as_str(), Some("110106" | "110107" | "110113")) {
                changed.push(bad);
            }
        }
        for bad in changed {
            std::fs::write(file, format!("{bad}\n")).unwrap();
            let (sound, said) = judge(file).unwrap();
            assert!(!sound, "{said}: {bad}");
        }
    }
}
