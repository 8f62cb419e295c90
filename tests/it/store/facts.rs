//! Facts: what the closure of a request holds, that it does not grow with other families, and versions.

use super::support::{TestDb, login, on_each_engine};
use serde_json::{Value, json};
use solent::ident::{AccountId, HatId, PersonId, SegmentId};
use solent::store::{CommitError, CommitterHandle, Effect, FactSeeds, Job, Refusal, Section};
use std::collections::BTreeSet;

fn put(section: Section, id: &str, body: Value) -> Effect {
    Effect::PutFact { section, id: id.to_owned(), body, expected_version: None }
}

/// The family intervention scenario, small: one family, its workers, and what hangs on them.
fn family() -> Vec<Effect> {
    vec![
        put(Section::Agencies, "csc", json!({"id": "csc", "kind": "council"})),
        put(Section::Agencies, "mh", json!({"id": "mh", "kind": "nhs"})),
        put(Section::Teams, "cin-2", json!({"id": "cin-2", "agency": "csc"})),
        put(
            Section::Accounts,
            "priya",
            json!({"id": "priya", "person": "priya-p", "hats": [{"id": "priya-sw", "role": "SW", "agency": "csc", "team": "cin-2"}]}),
        ),
        put(
            Section::Accounts,
            "amir",
            json!({"id": "amir", "hats": [{"id": "amir-cln", "role": "CLN", "agency": "mh"}]}),
        ),
        put(
            Section::Accounts,
            "mo",
            json!({"id": "mo", "hats": [{"id": "mo-sw", "role": "SW", "agency": "csc", "supervisor": true}]}),
        ),
        put(Section::Accounts, "pat", json!({"id": "pat", "hats": [{"id": "pat-pa", "role": "PA", "agency": "csc"}]})),
        put(Section::People, "dana", json!({"id": "dana", "family_name": "Lane"})),
        put(Section::People, "maya", json!({"id": "maya", "family_name": "Lane"})),
        put(Section::People, "ade", json!({"id": "ade"})),
        put(Section::People, "kurt", json!({"id": "kurt"})),
        put(Section::People, "priya-p", json!({"id": "priya-p"})),
        put(Section::Households, "home", json!({"id": "home", "members": ["dana", {"person": "maya"}]})),
        put(
            Section::Cases,
            "lane",
            json!({"id": "lane", "agency": "csc", "team": "cin-2", "members": ["dana", "maya", "kurt"], "purposes": []}),
        ),
        put(Section::Links, "l1", json!({"a": "priya-p", "b": "dana", "kind": "friend"})),
        put(Section::ParentalResponsibility, "pr1", json!({"holder": "ade", "child": "maya", "basis": "order"})),
        put(Section::Protections, "pt1", json!({"id": "pt1", "person": "dana", "against": "kurt"})),
        put(Section::Relationships, "r1", json!({"id": "r1", "kind": "allocated", "hat": "priya-sw", "case": "lane"})),
        put(Section::Relationships, "r2", json!({"id": "r2", "kind": "supervisor", "hat": "mo-sw", "of": "priya-sw"})),
        put(
            Section::Relationships,
            "r3",
            json!({"id": "r3", "kind": "delegation", "hat": "pat-pa", "grantor": "priya-sw"}),
        ),
        put(
            Section::Relationships,
            "r4",
            json!({"id": "r4", "kind": "allocated", "hat": "amir-cln", "subject": "dana"}),
        ),
        put(
            Section::Permissions,
            "P-1",
            json!({"id": "P-1", "subject": "maya", "decider": "ade", "recorded_by": "mo-sw", "from": [{"agency": "mh"}]}),
        ),
        put(Section::ItemGrants, "g1", json!({"id": "g1", "segment": "s1", "by": "priya-sw", "to": "pat-pa"})),
        put(
            Section::Caseloads,
            "mh-dana",
            json!({"custodian": "mh", "person": "dana", "categories": ["MHL"], "hats": ["amir-cln"]}),
        ),
        put(Section::Strands, "st1", json!({"hat": "priya-sw", "linked_to": "kurt", "marked_by": "mo-sw"})),
    ]
}

/// A family that has nothing to do with the first one but the same worker.
fn unrelated(n: usize) -> Vec<Effect> {
    let (person, case) = (format!("other-{n}"), format!("case-{n}"));
    vec![
        put(Section::People, &person, json!({"id": person})),
        put(Section::Households, &format!("h-{n}"), json!({"id": format!("h-{n}"), "members": [person]})),
        put(Section::Cases, &case, json!({"id": case, "agency": "csc", "members": [person], "purposes": []})),
        put(
            Section::Relationships,
            &format!("ro-{n}"),
            json!({"id": format!("ro-{n}"), "kind": "allocated", "hat": "priya-sw", "case": case}),
        ),
        put(
            Section::Permissions,
            &format!("po-{n}"),
            json!({"id": format!("po-{n}"), "subject": person, "decider": person}),
        ),
    ]
}

async fn closure(t: &TestDb, seeds: &FactSeeds) -> BTreeSet<String> {
    let rows = t.db.facts_for(&t.keys, seeds).await.unwrap();
    rows.iter().map(|row| format!("{}/{}", row.section.name(), row.id)).collect()
}

async fn seed(log: &CommitterHandle, effects: Vec<Effect>) {
    let job = effects.into_iter().fold(Job::new(login()), Job::with_effect);
    log.commit(job).await.unwrap();
}

fn request(hat: &str, account: &str) -> FactSeeds {
    FactSeeds {
        persons: vec![PersonId::from("dana")],
        hats: vec![HatId::from(hat)],
        account: Some(AccountId::from(account)),
        segments: vec![SegmentId::from("s1")],
        agencies: vec![],
        ..FactSeeds::default()
    }
}

#[test]
fn a_request_loads_what_its_decision_can_depend_on_and_nothing_of_other_families() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        seed(&log, family()).await;
        let before = closure(&t, &request("priya-sw", "priya")).await;
        for wanted in [
            "accounts/priya",
            "people/dana",
            "people/priya-p",
            "households/home",
            "people/maya",
            "links/l1",
            "cases/lane",
            "relationships/r1",
            "relationships/r4",
            "accounts/amir",
            "protections/pt1",
            "people/kurt",
            "item_grants/g1",
            "accounts/pat",
            "caseloads/mh-dana",
            "strands/st1",
            "agencies/csc",
            "teams/cin-2",
            "agencies/mh",
        ] {
            assert!(before.contains(wanted), "{wanted} is not in {before:?}");
        }
        for n in 0..40 {
            seed(&log, unrelated(n)).await;
        }
        assert_eq!(closure(&t, &request("priya-sw", "priya")).await, before);
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn a_delegate_and_a_supervisor_load_the_grantors_work_on_this_family() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        seed(&log, family()).await;
        for (hat, account, own) in [("pat-pa", "pat", "relationships/r3"), ("mo-sw", "mo", "relationships/r2")] {
            let found = closure(&t, &request(hat, account)).await;
            for wanted in [own, "relationships/r1", "accounts/priya", "cases/lane"] {
                assert!(found.contains(wanted), "{wanted} for {hat}");
            }
        }
        let maya = FactSeeds { persons: vec![PersonId::from("maya")], ..request("mo-sw", "mo") };
        let found = closure(&t, &maya).await;
        for wanted in ["permissions/P-1", "people/ade", "parental_responsibility/pr1", "households/home", "accounts/mo"]
        {
            assert!(found.contains(wanted), "{wanted}");
        }
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn facts_are_replaced_by_version_kept_as_past_and_sealed() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let clock = t.db.facts_version().await.unwrap();
        let body = |name: &str| json!({"id": "dana", "family_name": name});
        seed(&log, vec![put(Section::People, "dana", body("Lane"))]).await;
        seed(&log, vec![put(Section::People, "dana", body("Okoro"))]).await;
        let now = t.db.fact(&t.keys, Section::People, "dana").await.unwrap().unwrap();
        assert_eq!((now.version, &now.body), (2, &body("Okoro")));
        assert!(t.db.facts_version().await.unwrap() > clock + 1);
        assert!(!format!("{now:?}").contains("Okoro"));
        let stale = Effect::PutFact {
            section: Section::People,
            id: "dana".to_owned(),
            body: body("Lane"),
            expected_version: Some(1),
        };
        let refused = log.commit(Job::new(login()).with_effect(stale)).await.unwrap_err();
        assert!(matches!(refused, CommitError::Refused(Refusal::FactChanged { version: 2 })));
        seed(&log, vec![Effect::EndFact { section: Section::People, id: "dana".to_owned() }]).await;
        assert!(t.db.fact(&t.keys, Section::People, "dana").await.unwrap().is_none());
        assert!(closure(&t, &request("x", "x")).await.is_empty());
        // A fact that comes back goes on counting.
        seed(&log, vec![put(Section::People, "dana", body("Lane"))]).await;
        assert_eq!(t.db.fact(&t.keys, Section::People, "dana").await.unwrap().unwrap().version, 3);
        let moved = t.tamper("UPDATE fact SET id = 'theo' WHERE id = 'dana'").await;
        assert_eq!(moved, 1);
        assert!(
            t.db.fact(&t.keys, Section::People, "theo").await.is_err(),
            "a body moved to another fact does not open"
        );
        log.stop().await;
        t.finish().await;
    });
}

#[test]
fn what_changed_in_a_section_after_a_state_is_told_with_what_is_gone() {
    on_each_engine(|t| async move {
        let log = t.start().await.unwrap();
        let case = |id: &str, agency: &str| put(Section::Cases, id, json!({"id": id, "agency": agency}));
        let write = async |effects: Vec<Effect>| {
            log.commit(effects.into_iter().fold(Job::new(login()), Job::with_effect)).await.unwrap();
            solent::store::FactsAt::of(t.db.facts_version().await.unwrap())
        };
        let first = write(vec![case("a", "csc"), case("b", "csc"), case("c", "csc")]).await;
        let changed = async |at| {
            let (written, gone) = t.db.facts_changed(&t.keys, Section::Cases, at).await.unwrap();
            let mut written: Vec<_> =
                written.iter().map(|fact| format!("{} {}", fact.id, fact.body["agency"].as_str().unwrap())).collect();
            written.sort();
            (written, gone)
        };
        assert_eq!(changed(first).await, (vec![], vec![]));
        let elsewhere = write(vec![put(Section::People, "p", json!({"id": "p"}))]).await;
        assert_eq!(changed(first).await, (vec![], vec![]), "another section");
        let end = Effect::EndFact { section: Section::Cases, id: "b".to_owned() };
        let second = write(vec![case("a", "other"), end, case("d", "csc")]).await;
        let expected = (vec!["a other".to_owned(), "d csc".to_owned()], vec!["b".to_owned()]);
        assert_eq!(changed(elsewhere).await, expected);
        assert_eq!(changed(second).await, (vec![], vec![]));
        // Written again after its end: it is there, not gone.
        write(vec![case("b", "csc")]).await;
        assert_eq!(
            changed(elsewhere).await,
            (vec!["a other".to_owned(), "b csc".to_owned(), "d csc".to_owned()], vec![])
        );
        log.stop().await;
        t.finish().await;
    });
}
