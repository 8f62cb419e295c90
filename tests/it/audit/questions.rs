//! The questions auditors ask, on both engines, against entries whose answers are known.

use super::command::solent;
use super::database::{config, text};
use crate::store::support::{TestDb, on_each_engine, signer};
use solent::audit::payload::{Change, Dataset, FreeText, Hat, Item, Marker, Payload, Recipient, Relationship};
use solent::audit::{Draft, Event, Outcome};
use solent::clock::Clock;
use solent::clock::Moment;
use solent::ident::{AccountId, AgencyId, EntryId, HatId, MessageId, PersonId, SegmentId, SystemId};
use solent::store::{Effect, Job};
use solent::vocabulary::{Category, Level, Purpose, Role};
use std::path::Path;

/// Monday 5 October 2026, 10:00 UTC.
fn monday() -> Moment {
    Moment::parse("2026-10-05T10:00:00.000Z").unwrap()
}

fn payload(event: Event, actor: &str, role: Role, agency: &str, subject: &str) -> Payload {
    let mut payload = Payload::new(event);
    payload.actor = Some(AccountId::new(actor));
    payload.hat =
        Some(Hat { id: Some(HatId::new(format!("{actor}-hat"))), role, agency: AgencyId::new(agency), team: None });
    payload.subject = Some(PersonId::new(subject));
    payload.purpose = Some(Purpose::Cin);
    payload
}

fn item(category: Category, level: Level, reason: &str, custodian: &str) -> Item {
    Item {
        segment: SegmentId::new(format!("seg-{}", category.code())),
        category: Some(category),
        level,
        reason: reason.to_owned(),
        limit: None,
        marker: Some(Marker::Silent).filter(|_| level == Level::N),
        custodian: AgencyId::new(custodian),
    }
}

/// The story of two days. Returns the id of the first view.
async fn story(t: &TestDb) -> EntryId {
    let clock = Clock::fixed(monday());
    let log = t.start_with(clock.clone(), t.options()).await.unwrap();
    let write = |draft: Draft| async { log.commit(Job::new(draft)).await.unwrap().receipt.id().clone() };
    let mut seen = payload(Event::View, "amy", Role::Sw, "a", "child-1");
    seen.relationship = Some(Relationship { id: "r1".to_owned(), kind: "allocated".to_owned() });
    seen.items = vec![
        item(Category::Mhl, Level::S, "ALLOW-PERMISSION", "b"),
        item(Category::Sub, Level::N, "D-PERMISSION", "b"),
    ];
    seen.permissions = vec!["perm-1".to_owned()];
    let first = write(Draft::new(Outcome::Partial, seen)).await;
    let mut early = payload(Event::View, "ben", Role::Sw, "a", "child-1");
    early.items = vec![item(Category::Idn, Level::F, "ALLOW-MATRIX", "a")];
    write(Draft::new(Outcome::Allow, early)).await;
    let mut start = payload(Event::RelStart, "ben", Role::Sw, "a", "child-1");
    start.purpose = None;
    write(Draft::new(Outcome::Allow, start)).await;
    let mut own = payload(Event::Refuse, "cat", Role::Sw, "a", "child-2");
    own.reason = Some("D-COI".to_owned());
    write(Draft::new(Outcome::Deny, own)).await;
    let mut withdrawn = payload(Event::PermWithdraw, "dee", Role::Sw, "b", "child-1");
    withdrawn.permissions = vec!["perm-1".to_owned()];
    write(Draft::new(Outcome::Allow, withdrawn)).await;
    clock.set(monday().plus_millis(14 * 3_600_000));
    let mut late = payload(Event::View, "vic", Role::Vol, "v", "child-1");
    late.items = vec![item(Category::Mhl, Level::F, "ALLOW-MATRIX", "b")];
    write(Draft::new(Outcome::Allow, late)).await;
    let mut secret = payload(Event::View, "pol", Role::Pol, "p", "child-1");
    secret.items = vec![item(Category::Int, Level::F, "ALLOW-OWN", "p")];
    write(Draft::new(Outcome::Allow, secret)).await;
    write(Draft::new(Outcome::Allow, payload(Event::AdoptOpen, "ada", Role::Ado, "a", "child-1"))).await;
    let mut sent = payload(Event::Collect, "eva", Role::Fmh, "b", "child-3");
    sent.dataset = Some(Dataset { message: Some(MessageId::new("msg-1")), ..Dataset::default() });
    sent.recipient = Some(Recipient { agency: AgencyId::new("b"), system: Some(SystemId::new("epr")) });
    let given = write(Draft::new(Outcome::Allow, sent)).await;
    let mut fixed = payload(Event::Correction, "eva", Role::Fmh, "b", "child-3");
    fixed.dataset = Some(Dataset { message: Some(MessageId::new("msg-1")), ..Dataset::default() });
    fixed.refers_to = vec![given];
    write(Draft::new(Outcome::Allow, fixed)).await;
    let mut search = payload(Event::Search, "amy", Role::Sw, "a", "child-9");
    search.query = Some(FreeText::new("zebra"));
    write(Draft::new(Outcome::Deny, search)).await;
    let mut role = payload(Event::RoleGrant, "mia", Role::Msh, "a", "child-9");
    role.subject = None;
    role.change = Some(Change { what: "amy".to_owned(), before: None, after: Some("ab".repeat(32)) });
    write(Draft::new(Outcome::Allow, role)).await;
    for event in [Event::OvrRequest, Event::OvrApprove, Event::OvrUse] {
        let mut one = payload(event, "amy", Role::Sw, "a", "child-1");
        one.override_id = Some("ovr-1".to_owned());
        write(Draft::new(Outcome::Allow, one)).await;
    }
    for n in 0..6 {
        let mut refused = payload(Event::View, "amy", Role::Sw, "a", &format!("other-{n}"));
        refused.items = vec![item(Category::Sub, Level::N, "D-PERMISSION", "b")];
        write(Draft::new(Outcome::Deny, refused)).await;
    }
    for (n, answer) in [(1, Some("entry confirmed")), (2, Some("entry sent back")), (3, None)] {
        let mut drafted = payload(Event::Send, "pat", Role::Pa, "a", "child-4");
        drafted.on_behalf_of = Some(AccountId::new("amy"));
        drafted.reason = Some("entry drafted".to_owned());
        let drafted = write(Draft::new(Outcome::Allow, drafted)).await;
        if let Some(answer) = answer {
            clock.set(monday().plus_millis(15 * 3_600_000 + n));
            let mut answered = payload(Event::Send, "ben", Role::Sw, "a", "child-4");
            answered.reason = Some(answer.to_owned());
            answered.refers_to = vec![drafted];
            write(Draft::new(Outcome::Allow, answered)).await;
        }
    }
    log.stop().await;
    first
}

fn ask(config: &Path, args: &[&str]) -> serde_json::Value {
    let mut all = vec!["ask"];
    all.extend_from_slice(args);
    all.extend_from_slice(&["--config", config.to_str().unwrap(), "--from", "2026-10-05", "--to", "2026-10-07"]);
    let done = solent(&all);
    assert!(done.status.success(), "{args:?}: {}", text(&done));
    let answer: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(!answer.to_string().contains("zebra"), "what was typed stays sealed");
    answer
}

fn column<'a>(answer: &'a serde_json::Value, name: &str) -> Vec<&'a str> {
    answer["rows"].as_array().unwrap().iter().map(|row| row[name].as_str().unwrap_or("-")).collect()
}

#[test]
fn each_question_is_answered_from_the_log() {
    on_each_engine(|t| async move {
        let first = story(&t).await;
        let config = config(&t);
        let who = ask(&config, &["Q1", "--subject", "child-1"]);
        assert_eq!(column(&who, "actor"), ["amy", "ben", "vic"], "neither intelligence nor adoption");
        assert_eq!(who["rows"][0]["shown"][0], "MHL:S:ALLOW-PERMISSION");
        let police = ask(&config, &["Q1", "--subject", "child-1", "--police"]);
        assert_eq!(column(&police, "actor"), ["amy", "ben", "vic", "pol"]);
        let did = ask(&config, &["Q3", "--actor", "amy"]);
        assert_eq!(did["rows"].as_array().unwrap().len(), 11);
        let loose = ask(&config, &["Q4"]);
        let ben = loose["rows"].as_array().unwrap().iter().find(|r| r["actor"] == "ben").unwrap();
        assert_eq!(ben["allocated_within_a_day"], true);
        assert!(!column(&loose, "actor").contains(&"pol"));
        let overrides = ask(&config, &["Q5"]);
        assert_eq!(overrides["rows"][0]["override"], "ovr-1");
        assert_eq!(
            (overrides["rows"][0]["uses"].as_i64(), overrides["rows"][0]["open"].as_bool()),
            (Some(1), Some(true))
        );
        let refusals = ask(&config, &["Q6"]);
        assert_eq!(refusals["summary"]["blocks_most"], "SUB");
        let sub = refusals["rows"].as_array().unwrap().iter().find(|r| r["category"] == "SUB").unwrap();
        assert_eq!((sub["reason"].as_str(), sub["count"].as_i64()), (Some("D-PERMISSION"), Some(7)));
        let whole = refusals["rows"].as_array().unwrap().iter().find(|r| r["reason"] == "D-COI").unwrap();
        assert!(whole["count"].is_null(), "a count of one points at somebody");
        let after = ask(&config, &["Q9", "--subject", "child-1"]);
        assert_eq!(after["summary"]["withdrawals_in_span"].as_array().unwrap().len(), 1);
        let received = ask(&config, &["Q10", "--message", "msg-1"]);
        assert_eq!(column(&received, "recipient"), ["b"]);
        assert!(received["rows"][0]["corrected"].is_string());
        let linked = ask(&config, &["Q11", "--subject", "child-2", "--linked", "cat"]);
        assert_eq!(column(&linked, "reason"), ["D-COI"]);
        assert_eq!(ask(&config, &["Q13"])["rows"].as_array().unwrap().len(), 1);
        let minimum = ask(&config, &["Q14"]);
        assert_eq!(minimum["rows"][0]["minimum_kept"], false);
        assert_eq!(column(&minimum, "draft"), ["-", "confirmed", "sent back", "unconfirmed"]);
        assert_eq!(minimum["summary"]["drafts_unconfirmed"], 1);
        let refused = ask(&config, &["entries", "--reason", "D-PERMISSION"]);
        assert_eq!(refused["rows"].as_array().unwrap().len(), 7, "in a segment of each");
        assert_eq!(column(&ask(&config, &["entries", "--reason", "D-COI"]), "actor"), ["cat"], "of the whole request");
        assert_eq!(column(&ask(&config, &["entries", "--reason", "ALLOW-OWN", "--police"]), "actor"), ["pol"]);
        assert_eq!(column(&ask(&config, &["Q17"]), "what"), ["amy"]);
        let receipts = t.folder.join("receipts");
        std::fs::write(&receipts, "not-ours\n").unwrap();
        let compared = ask(&config, &["Q18", "--agency", "b", "--receipts", receipts.to_str().unwrap()]);
        assert_eq!(column(&compared, "only"), ["here", "partner"]);
        let sound = ask(&config, &["Q20"]);
        assert_eq!(sound["summary"]["audit_query"], 0, "those of today are outside the span");
        let why = ask(&config, &["Q2", "--entry", first.as_str()]);
        assert_eq!(column(&why, "reason"), ["ALLOW-PERMISSION", "D-PERMISSION"]);
        let ground = ask(&config, &["Q8", "--entry", first.as_str()]);
        assert_eq!(ground["rows"][0]["valid_at_release"], false, "no such permission is on record");
        t.finish().await;
    });
}

#[test]
fn a_view_of_an_agency_sees_its_own_and_its_pseudonyms_cannot_be_joined() {
    on_each_engine(|t| async move {
        story(&t).await;
        let config = config(&t);
        let all = ask(&config, &["entries"]);
        let own = ask(&config, &["entries", "--view", "v"]);
        assert_eq!(column(&own, "actor"), ["vic"]);
        let b = ask(&config, &["entries", "--view", "b"]);
        assert_eq!(b["rows"].as_array().unwrap().iter().filter(|r| r["actor"] == "amy").count(), 7, "as custodian");
        let name = |answer: &serde_json::Value| {
            let rows = answer["rows"].as_array().unwrap();
            rows.iter().find(|r| r["actor"] == "vic").unwrap()["subject"].as_str().unwrap().to_owned()
        };
        assert!(name(&all).starts_with("s-") && name(&own).starts_with("s-"));
        assert_ne!(name(&all), name(&own));
        let back = ask(&config, &["Q1", "--subject", &name(&own), "--view", "v"]);
        assert_eq!(column(&back, "actor"), ["vic"]);
        t.finish().await;
    });
}

#[test]
fn pages_join_without_loss_and_what_is_proved_verifies_offline() {
    on_each_engine(|t| async move {
        let first = story(&t).await;
        let config = config(&t);
        let mut ids = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut args = vec!["entries", "--limit", "4"];
            if let Some(cursor) = &after {
                args.extend_from_slice(&["--after", cursor]);
            }
            let page = ask(&config, &args);
            ids.extend(column(&page, "entry").into_iter().map(str::to_owned));
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => break,
            }
        }
        let whole = ask(&config, &["entries"]);
        assert_eq!(ids, column(&whole, "entry"));
        let proof = ask(&config, &["Q19", "--entry", first.as_str()]);
        let row = &proof["rows"][0];
        let file = |name: &str, member: &str| {
            let path = t.folder.join(name);
            std::fs::write(&path, row[member].as_str().unwrap()).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (p, e, l) = (file("p", "proof"), file("e", "entry"), file("l", "payload"));
        let vkey = signer().vkey().to_string();
        let done = solent(&["verify", "--proof", &p, "--entry", &e, "--payload", &l, "--vkey", &vkey]);
        assert!(done.status.success(), "{}", text(&done));
        t.finish().await;
    });
}

#[test]
fn what_was_erased_is_said_and_the_log_still_verifies() {
    on_each_engine(|t| async move {
        story(&t).await;
        let log = t.start().await.unwrap();
        let mut run = Payload::new(Event::RetentionRun);
        run.subject = Some(PersonId::new("child-1"));
        let erase = Effect::EraseSealed { origin: crate::store::support::ORIGIN.to_owned(), key: "child-1".to_owned() };
        log.commit(Job::new(Draft::new(Outcome::Allow, run)).with_effect(erase)).await.unwrap();
        log.stop().await;
        let config = config(&t);
        let who = ask(&config, &["Q1", "--subject", "child-1"]);
        assert_eq!(who["rows"].as_array().unwrap().len(), 0);
        assert!(who["notes"].to_string().contains("have lost their sealed part"), "{}", who["notes"]);
        let sound = solent(&["verify", "--config", config.to_str().unwrap(), "--vkey", &signer().vkey().to_string()]);
        assert!(sound.status.success(), "{}", text(&sound));
        // The entry about the erasure is sealed with a fresh key, and readable.
        let later = solent(&[
            "ask",
            "entries",
            "--config",
            config.to_str().unwrap(),
            "--from",
            "2026-10-05",
            "--to",
            "2027-01-01",
            "--event",
            "retention-run",
        ]);
        assert!(text(&later).contains("retention-run"), "{}", text(&later));
        t.finish().await;
    });
}

#[test]
fn csv_lines_and_fhir_carry_the_same_ids() {
    on_each_engine(|t| async move {
        story(&t).await;
        let config = config(&t);
        let whole = ask(&config, &["entries"]);
        let ids = column(&whole, "entry");
        let form = |form: &str| {
            let done = solent(&[
                "ask",
                "entries",
                "--config",
                config.to_str().unwrap(),
                "--from",
                "2026-10-05",
                "--to",
                "2026-10-07",
                "--form",
                form,
                "--all",
            ]);
            assert!(done.status.success(), "{}", text(&done));
            String::from_utf8(done.stdout).unwrap()
        };
        assert_eq!(form("csv").lines().count(), ids.len() + 1);
        let fhir = form("fhir");
        let events: Vec<serde_json::Value> = fhir.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        // Beside an access that relied on a permission stands the decision, under the same id with a suffix.
        let own = events.iter().map(|e| e["id"].as_str().unwrap()).filter(|id| !id.ends_with("-authz"));
        assert_eq!(own.collect::<Vec<_>>(), ids);
        for event in &events {
            assert_eq!(event["resourceType"], "AuditEvent");
            let agents = event["agent"].as_array().unwrap();
            assert!(agents.iter().all(|a| a["requestor"].is_boolean()));
            assert_eq!(agents[0]["who"], event["source"]["observer"], "the recorder is an agent");
        }
        assert!(!fhir.contains("child-1") && !fhir.contains("zebra"));
        t.finish().await;
    });
}
