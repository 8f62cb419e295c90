//! Delegating to an assistant, the lead of a case, and the volunteer's one page.

use crate::clocked::Clocked;
use crate::danger::{link, send};
use solent::store::Section;

/// What stands on the refuge's segment alone.
const ADDRESS: &str = "Larkspur";

#[test]
fn an_assistant_sees_what_is_delegated_until_it_ends() {
    let house = Clocked::start();
    let mut worker = house.walking("acc-01");
    worker.state("case-01", "CIN");
    let mut assistant = house.walking("acc-17");
    assert!(assistant.get("/families").body.contains("No families are shared"));
    assert_eq!(assistant.get("/delegating").status, 404, "an assistant delegates nothing (R49)");
    let more = [("assistant", "hat-pa"), ("delegated_until", "2028-01-01"), ("delegated_why", "Supervision note")];
    assert_eq!(send(&mut worker, "/delegating/delegations", &more).status, 422, "twelve months at most (R48)");
    assert_eq!(send(&mut worker, "/delegating/delegations", &more[..1]).status, 422);
    let form = [("assistant", "hat-pa"), ("delegated_until", "2027-03-31"), ("delegated_why", "Supervision note")];
    assert_eq!(send(&mut worker, "/delegating/delegations", &form).header("location"), "/delegating");
    let mine = worker.get("/delegating");
    assert!(mine.body.contains("31 March 2027"));
    assistant.state("case-01", "CIN");
    let page = assistant.get("/families/case-01");
    assert!(page.body.contains("Dana Lane") && !page.body.contains(ADDRESS), "a PA has no protected address");
    // One address, for one task, for some hours (R50); an assistant opens nothing, and nobody beyond eight hours.
    let family = worker.get("/families/case-01");
    let items: Vec<&str> = family.body.split("href=\"").skip(1).filter(|rest| rest.contains(ADDRESS)).collect();
    let item = items.iter().filter_map(|rest| rest.split('"').next()).rfind(|href| href.contains("/item/"));
    let item = item.expect("a link to open the address").to_owned();
    assert!(!page.body.contains("/item/"));
    let form = [("assistant", "hat-pa"), ("item_task", "Take her the letter"), ("item_hours", "4")];
    assert_eq!(send(&mut assistant, &item, &form).status, 404);
    assert_eq!(send(&mut worker, &item, &[form[0], form[1], ("item_hours", "9")]).status, 422);
    assert_eq!(send(&mut worker, &item, &form).status, 303);
    assert!(assistant.get("/families/case-01").body.contains(ADDRESS));
    // Another social worker's delegation is not there; ending one's own ends the assistant's view at once.
    let page = worker.get("/delegating").body;
    let end = page.split("action=\"/delegating/delegations/").nth(1).unwrap().split('"').next().unwrap();
    let end = format!("/delegating/delegations/{end}");
    let mut manager = house.walking("acc-12");
    assert_eq!(send(&mut manager, &end, &[]).status, 404);
    assert_eq!(send(&mut worker, &end, &[]).status, 303);
    assert_eq!(assistant.get("/families/case-01").status, 404);
    house.events(&["delegate", "item-grant", "delegate-end"]);
}

#[test]
fn a_case_has_one_lead_professional_who_is_handed_over() {
    let house = Clocked::start();
    let mut worker = house.walking("acc-01");
    let lead = link(&worker.get("/delegating"), "/delegating/leads/");
    assert_eq!(worker.get("/delegating/leads/case-99").status, 404);
    assert_eq!(send(&mut worker, &lead, &[("new_lead", "hat-fsm")]).status, 422);
    let form = [("new_lead", "hat-fsm"), ("lead_why", "Plan meeting")];
    assert_eq!(send(&mut worker, &lead, &form).status, 303);
    assert!(worker.get("/delegating").body.contains(">acc-04, substance misuse specialist in the team</td>"));
    let stranger = [("new_lead", "hat-vol"), ("lead_why", "Plan meeting")];
    assert_eq!(send(&mut worker, &lead, &stranger).status, 404, "only who works on the case");
    let form = [("new_lead", "hat-fmh"), ("lead_why", "Review meeting")];
    assert_eq!(send(&mut worker, &lead, &form).status, 303);
    let page = worker.get("/delegating").body;
    assert!(page.contains(">acc-05, mental health specialist in the team</td>") && !page.contains("acc-04"));
    house.events(&["lead-change"]);
}

#[test]
fn a_volunteer_has_one_page_and_a_worry_reaches_co_ordinator_and_social_worker() {
    let house = Clocked::start();
    let mut volunteer = house.walking("acc-19");
    assert_eq!(volunteer.get("/").header("location"), "/brief");
    let before = volunteer.get("/brief");
    assert!(before.body.contains(" years old"), "an age, not a year of birth (R51)");
    assert!(before.body.contains("Theo") && !before.body.contains(ADDRESS));
    for path in
        ["/families", "/families/p-02", "/families/case-01", "/delegating", "/review", "/approvals", "/volunteers"]
    {
        assert_eq!(volunteer.get(path).status, 404, "{path}: a volunteer has nothing else (R51)");
    }
    let mut leader = house.walking("acc-18");
    let brief = link(&leader.get("/volunteers"), "/volunteers/rel-09");
    assert_eq!(volunteer.get(&brief).status, 404);
    assert_eq!(send(&mut leader, &brief, &[("brief_contact", "Text him")]).status, 422);
    let form = [
        ("brief_contact", "Text him after school"),
        ("brief_place", "The library"),
        ("brief_goals", "Back to football"),
        ("brief_emergency", "Ring Ruth"),
    ];
    assert_eq!(send(&mut leader, &brief, &form).status, 303);
    let page = volunteer.get("/brief").body;
    assert!(form.iter().all(|(_, said)| page.contains(said)));
    let hidden = ["Dana", "Kurt", "Maya", "Southdown", "Haven", "ClearWay", "case-01", ADDRESS];
    assert!(hidden.iter().all(|word| !page.contains(word)), "no other person, service or place");
    assert_eq!(send(&mut volunteer, "/brief/rel-09/worry", &[]).status, 422);
    assert_eq!(send(&mut volunteer, "/brief/rel-07/worry", &[("worry", "x")]).status, 404);
    let said = "He said he will not go home tonight";
    assert_eq!(send(&mut volunteer, "/brief/rel-09/worry", &[("worry", said)]).status, 303);
    assert_eq!(send(&mut volunteer, "/brief/rel-09/note", &[("visit_note", "We went swimming")]).status, 303);
    let own = volunteer.get("/brief").body;
    assert!(own.contains(said) && own.contains("We went swimming"), "their own words they read back");
    assert!(leader.get("/volunteers").body.contains("A volunteer is worried"));
    let mut worker = house.walking("acc-01");
    let told = link(&worker.get("/delegating"), "/notes/");
    assert!(worker.get(&told).body.contains(said), "while a case is open");
    for account in ["acc-12", "acc-14", "acc-08", "acc-19"] {
        assert_eq!(house.walking(account).get("/notes/nothing").status, 404, "{account}");
    }
    assert_eq!(house.walking("acc-12").get(&told).status, 404, "another worker is told nothing");
    // The match ends: nothing is left (R52).
    house.at("2027-04-01T09:00:00Z");
    let mut volunteer = house.walking("acc-19");
    let after = volunteer.get("/brief").body;
    assert!(after.contains("not matched with anybody") && !after.contains("Theo") && !after.contains("swimming"));
}

#[test]
fn a_case_becomes_child_protection_by_its_own_form_with_reason_and_manager() {
    let house = Clocked::start();
    let mut worker = house.walking("acc-01");
    let form = "/families/case-01/protect";
    // Stated without that form, child protection opens nothing: the page does not say that nothing is recorded.
    worker.state("case-01", "CP");
    for path in ["/families/case-01", "/families/case-01/chronology"] {
        let page = worker.get(path).body;
        assert!(page.contains("Nothing is shown for this reason.") && !page.contains("Dana"), "{path}");
    }
    assert_eq!(link(&worker.get("/families/case-01"), "/protect"), form);
    worker.state("case-01", "CIN");
    assert_eq!(link(&worker.get("/families/case-01/purpose"), "/protect"), form);
    // Others of the family, an assistant's own office, and whoever has no such family: there is no such page.
    for account in ["acc-04", "acc-08", "acc-10", "acc-14", "acc-17", "acc-19"] {
        let mut other = house.walking(account);
        assert_eq!(other.get(form).status, 404, "{account}");
        let fields = [("protect_manager", "hat-manager"), ("protect_why", "A bruise")];
        assert_eq!(send(&mut other, form, &fields).status, 404, "{account}");
    }
    let page = worker.get(form).body;
    assert!(
        page.contains("acc-12, ") && page.contains("acc-13, ") && !page.contains("acc-16"),
        "the agency's managers"
    );
    assert!(!page.contains("checked"), "nobody is chosen beforehand");
    let manager = ("protect_manager", "hat-manager");
    for fields in
        [&[][..], &[manager], &[("protect_why", "A bruise")], &[("protect_manager", "hat-fsm"), ("protect_why", "x")]]
    {
        let again = send(&mut worker, form, fields);
        assert!(again.status == 422 && again.body.contains("id=\"errors\""), "{fields:?}");
    }
    assert_eq!(
        send(&mut worker, form, &[("protect_why", "A bruise <i>")]).body.matches("A bruise &#60;i&#62;").count(),
        1
    );
    let done = send(&mut worker, form, &[manager, ("protect_why", "Strategy meeting, 22 October")]);
    assert_eq!(done.header("location"), "/families/case-01");
    let page = worker.get("/families/case-01").body;
    assert!(page.contains("child protection") && page.contains("Dana"), "the matrix switches from that moment (R17)");
    assert_eq!(worker.get(form).status, 404, "it is child protection now");
    let purposes = house.fact(Section::Cases, "case-01").unwrap()["purposes"].clone();
    let new = purposes.as_array().unwrap().iter().find(|p| p["purpose"] == "CP").unwrap();
    assert_eq!((&new["by"], &new["manager"]), (&"hat-sw".into(), &"hat-manager".into()));
    assert_eq!(new["reason"], "Strategy meeting, 22 October");
    assert!(purposes[0]["purpose"] == "CIN" && purposes[0]["to"].is_string(), "{purposes}");
    // Whoever looks for child in need sees nothing by it any more.
    let mut colleague = house.walking("acc-04");
    colleague.state("case-01", "CIN");
    assert!(colleague.get("/families/case-01").body.contains("Nothing is shown for this reason."));
    house.events(&["purpose-change"]);
}

#[test]
fn a_volunteer_with_two_matches_writes_about_the_one_whose_field_it_is() {
    let house = Clocked::start();
    house.register(&serde_json::json!({"relationships": [
        {"id": "rel-19", "kind": "match", "hat": "hat-vol", "subject": "p-03", "role": "mentor", "from": "2026-09-21", "to": "2027-03-31", "evidence": "matching meeting"},
    ]}));
    let mut volunteer = house.walking("acc-19");
    let page = volunteer.get("/brief").body;
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let once: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "{ids:?}");
    assert_eq!(page.matches("<label for=\"worry").count(), 2);
    // A fault is said at the form it was made in.
    let again = send(&mut volunteer, "/brief/rel-19/worry", &[]).body;
    let (before, after) = again.split_once("action=\"/brief/rel-19/worry\"").unwrap();
    assert!(again.contains("href=\"#worry-of-2\"") && after.contains("id=\"worry-of-2-error\""), "{again}");
    assert!(!before.contains("class=\"error\""));
}

/// The fields of an entry about Theo, as the assistant writes them.
const ENTRY: [(&str, &str); 7] = [
    ("entry_person", "p-02"),
    ("entry_when", "2026-10-12"),
    ("entry_kind", "CSN"),
    ("entry_statement", "reported"),
    ("entry_others", "no"),
    ("entry_account", "Account canary eleven"),
    ("entry_summary", "Summary canary twelve"),
];
const CANARIES: [&str; 2] = ["canary eleven", "canary twelve"];

/// The address of a page's form that holds this.
fn action(page: &crate::visitor::Answer, part: &str) -> String {
    let found = page.body.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
    found.into_iter().find(|to| to.contains(part)).unwrap_or_else(|| panic!("no form with {part}")).to_owned()
}

/// The social worker delegates, and the assistant writes a draft; returns its address.
fn drafted(house: &Clocked) -> String {
    let mut worker = house.walking("acc-01");
    let form = [("assistant", "hat-pa"), ("delegated_until", "2027-03-31"), ("delegated_why", "Supervision note")];
    assert_eq!(send(&mut worker, "/delegating/delegations", &form).status, 303);
    let mut assistant = house.walking("acc-17");
    assistant.state("case-01", "CIN");
    let form = assistant.get("/families/case-01/entry");
    assert!(form.body.contains("What you write is a draft"));
    assert!(form.body.contains("acc-17 for acc-01"), "the bar says for whom (PA-2)");
    let to = action(&form, "/entry/");
    for _ in 0..2 {
        assert_eq!(send(&mut assistant, &to, &ENTRY).header("location"), "/drafts", "sent twice it is one draft");
    }
    let mut other = ENTRY;
    other[5].1 = "Another account";
    assert_eq!(send(&mut assistant, &to, &other).status, 409);
    other[2].1 = "MHL";
    assert_eq!(send(&mut assistant, &to, &other).status, 422, "not what the social worker writes");
    let list = assistant.get("/drafts");
    assert_eq!(list.body.matches("href=\"/drafts/").count(), 1, "{}", list.body);
    link(&list, "/drafts/")
}

#[test]
fn an_assistants_entry_is_a_draft_for_two_until_the_social_worker_confirms_it() {
    let house = Clocked::start();
    let draft = drafted(&house);
    let mut assistant = house.walking("acc-17");
    assistant.state("case-01", "CIN");
    let page = assistant.get(&draft);
    assert!(CANARIES.iter().all(|c| page.body.contains(c)) && page.body.contains("It waits for the social worker"));
    assert!(page.body.contains("acc-17 for acc-01"));
    // Nobody else finds it, and it is in no chronology.
    let nowhere = house.walking("acc-12").get("/drafts/0190").body;
    for account in ["acc-01", "acc-04", "acc-08"] {
        let mut other = house.walking(account);
        other.state("case-01", "CIN");
        assert!(!other.get("/families/case-01/chronology").body.contains("canary"), "{account}");
    }
    for account in ["acc-03", "acc-04", "acc-08", "acc-12", "acc-14", "acc-19"] {
        let mut other = house.walking(account);
        assert_eq!(other.get(&draft).body, nowhere, "{account}");
        assert_eq!(send(&mut other, &format!("{draft}/1"), &[]).status, 404, "{account}");
    }
    assert_eq!(send(&mut assistant, &format!("{draft}/1"), &[]).status, 403, "an assistant approves nothing (R49)");
    assert_eq!(send(&mut assistant, &format!("{draft}/again"), &ENTRY[1..]).status, 404, "while it waits");
    // The social worker reads it, and sends it back with a word.
    let mut worker = house.walking("acc-01");
    let to_confirm = link(&worker.get("/delegating"), "/drafts/");
    assert_eq!(worker.get(&to_confirm).header("location"), "/families/case-01/purpose");
    worker.state("case-01", "CIN");
    let page = worker.get(&draft);
    assert!(CANARIES.iter().all(|c| page.body.contains(c)) && page.body.contains("Theo"));
    let decide = action(&page, "/drafts/");
    assert_eq!(send(&mut worker, &decide, &[("also", "back")]).status, 422);
    let why = [("also", "back"), ("draft_why", "Who told you?")];
    assert_eq!(send(&mut worker, &decide, &why).header("location"), "/delegating");
    assert!(worker.get("/delegating").body.contains("No draft waits for you"));
    assert_eq!(worker.get(&draft).status, 404);
    // The assistant mends it; what was shown before is not what is confirmed.
    let page = assistant.get(&draft);
    assert!(page.body.contains("Who told you?") && page.body.contains("Account canary eleven</textarea>"));
    let mut fields = ENTRY;
    fields[1].1 = "tomorrow";
    assert_eq!(send(&mut assistant, &format!("{draft}/again"), &fields[1..]).status, 422);
    fields[1].1 = "2026-10-13";
    assert_eq!(send(&mut assistant, &format!("{draft}/again"), &fields[1..]).header("location"), "/drafts");
    assert_eq!(send(&mut worker, &decide, &[]).status, 409, "it is not what was shown");
    let decide = action(&worker.get(&draft), "/drafts/");
    assert_eq!(send(&mut worker, &decide, &[]).header("location"), "/delegating");
    assert_eq!(send(&mut worker, &decide, &[]).status, 404, "confirmed once");
    let own = worker.get("/families/case-01/chronology").body;
    assert_eq!(own.matches(CANARIES[0]).count(), 1);
    assert!(own.contains("13 October 2026"));
    assert!(assistant.get("/drafts").body.contains("No drafts"));
    let mut nurse = house.walking("acc-08");
    nurse.state("case-01", "CIN");
    let seen = nurse.get("/families/case-01/chronology").body;
    assert!(seen.contains(CANARIES[1]) && !seen.contains(CANARIES[0]));
    house.events(&["send", "view", "refuse", "delegate"]);
}

#[test]
fn a_draft_follows_the_case_waits_for_no_more_than_five_days_and_ends_with_the_delegation() {
    let house = Clocked::start();
    let draft = drafted(&house);
    assert!(!house.walking("acc-12").get("/delegating").body.contains("five working days"));
    // A Thursday and five working days: the Thursday after it. The manager learns that it waits, and nothing else.
    house.at("2026-10-29T10:00:00Z");
    let late = house.walking("acc-12").get("/delegating").body;
    assert!(late.contains("five working days") && late.contains("acc-17") && !late.contains("canary"));
    assert!(!late.contains(&draft), "no link");
    assert_eq!(house.walking("acc-12").get(&draft).status, 404);
    // The case moves: the newly allocated worker confirms, the former one and the assistant have nothing.
    let ended = serde_json::json!({"relationships": [
        {"id": "rel-01", "kind": "allocated", "hat": "hat-sw", "case": "case-01", "from": "2026-09-07", "to": "2026-10-29", "evidence": "allocation record"},
        {"id": "rel-99", "kind": "allocated", "hat": "hat-on-call", "case": "case-01", "from": "2026-10-28", "evidence": "allocation record"},
    ]});
    house.register(&ended);
    for account in ["acc-01", "acc-17"] {
        assert_eq!(house.walking(account).get(&draft).status, 404, "{account}");
    }
    let mut next = house.walking("acc-13");
    next.state("case-01", "CIN");
    let to_confirm = link(&next.get("/delegating"), "/drafts/");
    let page = next.get(&to_confirm);
    assert!(CANARIES.iter().all(|c| page.body.contains(c)));
    assert_eq!(send(&mut next, &action(&page, "/drafts/"), &[]).header("location"), "/delegating");
    assert!(next.get("/families/case-01/chronology").body.contains(CANARIES[0]));
}

#[test]
fn a_draft_that_was_sent_back_can_be_taken_back_and_every_page_of_it_is_looked_at() {
    let house = Clocked::start();
    let draft = drafted(&house);
    let mut worker = house.walking("acc-01");
    worker.state("case-01", "CIN");
    let decide = action(&worker.get(&draft), "/drafts/");
    let mut assistant = house.walking("acc-17");
    assistant.state("case-01", "CIN");
    assert_eq!(send(&mut assistant, &format!("{draft}/again"), &[("also", "delete")]).status, 404, "while it waits");
    assert_eq!(send(&mut worker, &decide, &[("also", "back"), ("draft_why", "Not ours")]).status, 303);
    assert_eq!(send(&mut assistant, &format!("{draft}/again"), &[("also", "delete")]).header("location"), "/drafts");
    assert_eq!(assistant.get(&draft).status, 404);
}
