//! Delegating to an assistant, the lead of a case, and the volunteer's one page.

use crate::clocked::Clocked;
use crate::danger::{link, send};

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
    assert!(worker.get("/delegating").body.contains("hat-fsm"));
    let stranger = [("new_lead", "hat-vol"), ("lead_why", "Plan meeting")];
    assert_eq!(send(&mut worker, &lead, &stranger).status, 404, "only who works on the case");
    let form = [("new_lead", "hat-fmh"), ("lead_why", "Review meeting")];
    assert_eq!(send(&mut worker, &lead, &form).status, 303);
    let page = worker.get("/delegating").body;
    assert!(page.contains("<td>hat-fmh</td>") && !page.contains("<td>hat-fsm</td>"));
    house.events(&["lead-change"]);
}

#[test]
fn a_volunteer_has_one_page_and_a_worry_reaches_co_ordinator_and_social_worker() {
    let house = Clocked::start();
    let mut volunteer = house.walking("acc-19");
    assert_eq!(volunteer.get("/").header("location"), "/brief");
    let before = volunteer.get("/brief");
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
