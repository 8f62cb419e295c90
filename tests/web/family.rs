//! One family as a picture and a table, its chronology with filters, and the operator's page.

use crate::browser::{self, Browser};
use crate::clocked::Clocked;
use crate::demo::Demo;
use crate::pages::look;
use crate::visitor::{System, Visitor};
use crate::{danger, joining};

/// The picture of a page, with its table left out.
fn picture(body: &str) -> &str {
    body.split("<svg").nth(1).and_then(|rest| rest.split("</svg>").next()).expect("a picture")
}

fn opened(demo: &Demo, account: &str) -> String {
    let mut visitor = Visitor::walking(demo, account);
    visitor.state("case-01", "CIN");
    visitor.get("/families/case-01").body
}

#[test]
fn the_picture_is_one_labelled_image_with_the_same_facts_in_the_table_below() {
    let demo = Demo::start();
    let page = opened(&demo, "acc-01");
    let image = picture(&page);
    assert!(image.contains("role=\"img\"") && image.contains("<title"), "{image}");
    for name in ["Dana", "Theo", "Maya", "Ade", "Kurt"] {
        assert!(image.contains(name), "{name}");
    }
    for fact in
        ["Dana Lane is mother of Maya Lane", "Ade Okoro is father of Theo Lane", "Theo Lane is sibling of Maya Lane"]
    {
        assert!(page.contains(fact), "{fact}");
    }
    // Who lives together, the service that works with them, whom to ring.
    assert!(page.contains("<li>Dana Lane, Theo Lane, Maya Lane</li>"));
    assert!(page.contains("Social work") && page.contains("SW-20417"));
    // No address on the picture, the protected one least of all.
    for place in ["Larkspur", "HZ9", "Street", "Road"] {
        assert!(!image.contains(place), "{place}");
    }
    // His worker's page: nobody of it is drawn beside him whom that page may not name.
    let his = opened(&demo, "acc-03");
    let facts: Vec<&str> = his.matches(" is mother of ").collect();
    assert!(facts.is_empty() || his.contains("Dana Lane"), "a tie needs both names");
    for canary in ["Larkspur", "HZ9"] {
        assert!(!crate::leaks::is_written(&his, canary), "{canary}");
    }
}

#[test]
fn a_chronology_shows_what_is_asked_for_and_services_by_month() {
    let demo = Demo::start();
    let mut visitor = Visitor::walking(&demo, "acc-01");
    visitor.state("case-01", "CIN");
    let path = "/families/case-01/chronology";
    let all = visitor.get(path).body;
    assert!(all.contains("Social work") && all.contains("Under our care for depression"));
    let only = visitor.get(&format!("{path}?category=MHL")).body;
    assert!(only.contains("Under our care for depression") && !only.contains("SW-20417"));
    assert!(only.contains("Only a part is shown."));
    let theirs = visitor.get(&format!("{path}?person=p-03")).body;
    assert!(!theirs.contains("Under our care for depression"));
    assert!(visitor.get(&format!("{path}?from=2030-01-01")).body.contains("Nothing fits."));
    let hostile = visitor.get(&format!("{path}?from=%22%3E%3Cscript%3E&agency=%3Cscript%3E"));
    assert!(hostile.status == 200 && !hostile.body.contains("<script>"), "{}", hostile.status);
    // Prints carry the reader's name.
    assert!(all.contains("Printed by Priya Nair"));
}

#[test]
fn a_search_needs_enough_and_never_finds_whose_place_is_protected() {
    let demo = Demo::start();
    let mut worker = Visitor::walking(&demo, "acc-01");
    let word = worker.get("/families/search").word();
    let mut ask = |fields: &[(&str, &str)]| {
        let mut all = fields.to_vec();
        all.push(("word", word.as_str()));
        worker.post("/families/search", &all)
    };
    let by_name = |family, given, born| [("family", family), ("given", given), ("born", born), ("scheme", "upn")];
    assert_eq!(ask(&by_name("Okoro", "", "")).status, 422, "a surname alone is refused");
    assert_eq!(ask(&by_name("Okoro", "", "1990-05-05")).status, 422);
    let found = ask(&by_name("Okoro", "Ade", "1990-05-05"));
    assert!(found.body.contains("Ade Okoro") && found.body.contains("case-01"), "{}", found.body);
    assert!(ask(&[("scheme", "nhs-number"), ("number", "9990000050")]).body.contains("Ade Okoro"));
    // Dana and her children are protected: a search answers as if nobody were there.
    let nobody = ask(&by_name("Nobody", "Atall", "1990-05-05"));
    assert!(nobody.body.contains("Nobody was found."));
    for fields in [&by_name("Lane", "Dana", "1992-03-11")[..], &[("scheme", "nhs-number"), ("number", "9990000018")]] {
        let answer = ask(fields);
        assert!(answer.status == 200 && answer.body.contains("Nobody was found."));
    }
    // A hat that searches nobody: other school staff.
    let mut teacher = Visitor::walking(&demo, "acc-09");
    let word = teacher.get("/families/search").word();
    let answer =
        teacher.post("/families/search", &[("scheme", "nhs-number"), ("number", "9990000050"), ("word", &word)]);
    assert_eq!(answer.status, 403);
}

#[test]
fn what_came_since_the_last_look_is_pointed_out() {
    let demo = Demo::start();
    let mut worker = Visitor::walking(&demo, "acc-01");
    worker.state("case-01", "CIN");
    for _ in 0..2 {
        assert!(!worker.get("/families/case-01").body.contains("New since you last looked"));
    }
    let label = |category: &str| {
        format!(
            r#"{{"category":"{category}","confidentiality":"R","custodian":"harbourshire-csc","about":["maya"],"third_party":"none","basis_marker":"fact","author_role":"SW"}}"#
        )
    };
    let sent = format!(
        r#"{{"envelope":{{"message_id":"new-1","sent_at":"2026-10-21T08:00:00Z"}},"people":[{{"id":"maya","label":{},"role":"subject","names":[{{"family":"Lane","given":["Maya"]}}],"identifiers":[{{"scheme":"nhs-number","value":"9990000018","check":"passed"}}],"birth":{{"date":"2017-02-03"}}}}],"plans":[{{"id":"plan-9","label":{},"kind":"safety-plan","start":"2026-10-12"}}]}}"#,
        label("IDN").replace("\"R\"", "\"N\""),
        label("STS"),
    );
    let (status, body) = System::new(&demo, "harbourshire-desk").post("/api/v1/messages", &sent);
    assert_eq!(status, 202, "{body}");
    let page = worker.get("/families/case-01").body;
    let fresh =
        page.split("New since you last looked").nth(1).and_then(|r| r.split("</div>").next()).expect("something new");
    assert!(fresh.contains("12 October 2026: Safety plan (Maya Lane)"), "{fresh}");
}

#[test]
fn the_operator_sees_counts_and_dates_and_nobody() {
    let demo = Demo::start();
    let mut operator = Visitor::walking(&demo, "acc-30");
    assert_eq!(operator.get("/").header("location"), "/operator");
    let page = operator.get("/operator").body;
    for words in ["southdown-rio", "Everything works.", "Items waiting", "certificate ends", "Checked at the start"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for name in ["Lane", "Briggs", "Okoro", "9990000", "p-01", "case-01"] {
        assert!(!page.contains(name), "{name}");
    }
    for account in ["acc-01", "acc-08", "acc-10", "acc-14", "acc-20"] {
        assert_eq!(Visitor::walking(&demo, account).get("/operator").status, 404, "{account}");
    }
}

#[test]
fn the_picture_the_filters_and_the_operators_page_pass_axe_at_every_width() {
    if !browser::there_is_one() {
        return;
    }
    let demo = Demo::start();
    let browser = Browser::open(true);
    let mut wrong = Vec::new();
    let go = |path: &str| browser.go(&format!("{}{path}", demo.base));
    go("/demo");
    browser.click("input[value='acc-01'] + button");
    go("/families/case-01/purpose");
    browser.click("input[value='CIN']");
    browser.click("main button");
    wrong.extend(look(&browser, "family-picture"));
    go("/families/case-01/chronology?category=MHL");
    wrong.extend(look(&browser, "chronology-filtered"));
    go("/families/case-01/chronology?from=2030-01-01");
    wrong.extend(look(&browser, "chronology-nothing-fits"));
    go("/families/case-01/entry");
    wrong.extend(look(&browser, "entry"));
    browser.click("main form button");
    wrong.extend(look(&browser, "entry-faults"));
    go("/families/search");
    wrong.extend(look(&browser, "search"));
    browser.click("main form button");
    wrong.extend(look(&browser, "search-too-little"));
    browser.click(".out button");
    go("/demo");
    browser.click("input[value='acc-30'] + button");
    wrong.extend(look(&browser, "operator"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The fields of an entry about Maya.
fn entry<'a>(word: &'a str, account: &'a str, summary: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("word", word),
        ("entry_person", "p-02"),
        ("entry_when", "2026-10-12"),
        ("entry_kind", "CSN"),
        ("entry_statement", "fact"),
        ("entry_others", "no"),
        ("entry_account", account),
        ("entry_summary", summary),
    ]
}

/// Somebody with a home, as a record says it: number, names and birth date, the category of the address, what its label adds.
fn at_home(who: [&str; 4], category: &str, label: &serde_json::Value) -> serde_json::Value {
    let [nhs, family, given, born] = who;
    let mut address = joining::label(category, nhs);
    if category == "LOC" {
        address["confidentiality"] = "V".into();
    }
    address.as_object_mut().unwrap().extend(label.as_object().unwrap().clone());
    serde_json::json!({
        "id": nhs, "label": joining::label("IDN", nhs), "role": "subject", "birth": {"date": born},
        "names": [{"family": family, "given": [given]}],
        "identifiers": [{"scheme": "nhs-number", "value": nhs, "check": "passed"}],
        "addresses": [{"id": format!("at-{nhs}"), "label": address, "postcode": "ZZ99 4AB"}],
    })
}

const ADA: [&str; 4] = ["9991000011", "Wick", "Ada", "2014-01-09"];
const DOV: [&str; 4] = ["9991000089", "Wick", "Dov", "2013-06-02"];
const EVE: [&str; 4] = ["9991000151", "Wick", "Eve", "2012-11-30"];
const HAL: [&str; 4] = ["9991000224", "Wick", "Hal", "2010-02-02"];
const FATHER: [&str; 4] = ["9990000050", "Okoro", "Ade", "1990-05-05"];

/// Five people at one postcode. Ada's is an ordinary address, and she lives with Dov; of Dov's its custodian wants less shown;
/// Eve's stands beside Hal's, which is to be hidden; the father lives with a child who is protected.
fn neighbours() -> Clocked {
    let house = Clocked::start();
    let person = |[nhs, family, given, born]: [&str; 4]| {
        let number = serde_json::json!([{"kind": "nhs", "value": nhs}]);
        serde_json::json!({"id": nhs, "born": born, "family_name": family, "given_name": given, "identifiers": number})
    };
    let all = Vec::from([ADA, DOV, EVE, HAL].map(person));
    house.register(&serde_json::json!({
        "people": all,
        "households": [
            {"id": "house-wick", "members": [ADA[0], DOV[0]]}, {"id": "house-05", "members": ["p-03", "p-05"]},
        ],
    }));
    let tell = |people: Vec<serde_json::Value>| house.message(joining::COUNCIL, &joining::record(people, "A visit"));
    let (plain, less) = (serde_json::json!({}), serde_json::json!({"originator": [{"max": "I"}]}));
    tell(vec![at_home(ADA, "ADR", &plain)]);
    tell(vec![at_home(DOV, "ADR", &less)]);
    tell(vec![at_home(EVE, "ADR", &plain), at_home(HAL, "LOC", &plain)]);
    let father = tell(vec![at_home(FATHER, "ADR", &plain)]);
    assert_eq!(father.subjects_matched, 1);
    house
}

#[test]
fn a_search_by_postcode_is_for_who_sees_addresses_and_finds_nobody_near_somebody_protected() {
    let house = neighbours();
    let asked = |account: &str, who: [&str; 4], given: &str, code: &str| {
        let fields = [("family", who[1]), ("given", given), ("born", who[3]), ("postcode", code), ("scheme", "upn")];
        let page = danger::send(&mut house.walking(account), "/families/search", &fields);
        let names = [ADA, DOV, EVE, HAL, FATHER].map(|[_, family, given, _]| format!("{given} {family}"));
        (page.status, names.into_iter().filter(|name| page.body.contains(name)).collect::<Vec<_>>())
    };
    assert_eq!(asked("acc-01", ADA, "", "zz994ab"), (200, vec!["Ada Wick".to_owned()]));
    assert_eq!(asked("acc-01", ADA, "", "ZZ99 4AC"), (200, vec![]));
    for hidden in [DOV, EVE, HAL, FATHER] {
        assert_eq!(asked("acc-01", hidden, "", "ZZ99 4AB"), (200, vec![]), "{hidden:?}");
        assert_eq!(asked("acc-01", hidden, hidden[2], "").1.len(), 1, "{hidden:?} is found by name");
    }
    // Too little, or no postcode.
    assert_eq!(asked("acc-01", ["", "Wick", "", ""], "", "ZZ99 4AB").0, 422);
    assert_eq!(asked("acc-01", ADA, "", "ZZ99").0, 422);
    // A hat that sees no address: refused whatever it asks by, and it narrows nothing.
    assert_eq!(asked("acc-03", ADA, "", "ZZ99 4AB").0, asked("acc-03", ADA, "", "").0);
    assert_eq!(asked("acc-03", ADA, "Ada", "ZZ99 4AC"), asked("acc-03", ADA, "Ada", ""));
    assert!(asked("acc-03", ADA, "", "ZZ99 4AB").1.is_empty());
}

/// Where the form of a page goes.
fn action(body: &str) -> String {
    let form = body.split("action=\"").find(|part| part.contains("/entry/")).expect("a form");
    form.split('"').next().expect("its address").to_owned()
}

#[test]
fn an_entry_is_whole_for_who_wrote_it_a_summary_for_others_and_nothing_for_whom_she_is_protected_from() {
    let demo = Demo::start();
    let mut worker = Visitor::walking(&demo, "acc-01");
    worker.state("case-01", "CIN");
    let path = "/families/case-01/chronology";
    assert!(worker.get(path).body.contains("/families/case-01/entry"));
    let form = worker.get("/families/case-01/entry");
    let (word, to) = (form.word(), action(&form.body));
    let fields = entry(&word, "Account canary seven", "Summary canary eight");
    for _ in 0..2 {
        // Sent twice it is one entry.
        let answer = worker.post(&to, &fields);
        assert_eq!((answer.status, answer.header("location")), (303, path), "{}", answer.body);
    }
    assert_eq!(worker.post(&to, &entry(&word, "Another account", "")).status, 409, "the same form with other words");
    let own = worker.get(path).body;
    assert_eq!(own.matches("Account canary seven").count(), 1, "{own}");
    assert!(own.contains("12 October 2026"));
    for account in ["acc-04", "acc-08"] {
        let mut other = Visitor::walking(&demo, account);
        other.state("case-01", "CIN");
        let seen = other.get(path).body;
        assert!(seen.contains("Summary canary eight") && !seen.contains("canary seven"), "{account}: {seen}");
    }
    let mut his = Visitor::walking(&demo, "acc-03");
    his.state("case-01", "CIN");
    assert!(!his.get(path).body.contains("canary"));
}

#[test]
fn a_services_own_entry_is_whole_for_its_writer_only_and_needs_permission_for_others() {
    let demo = Demo::start();
    let mut specialist = Visitor::walking(&demo, "acc-04");
    specialist.state("case-01", "CIN");
    let form = specialist.get("/families/case-01/entry");
    let (word, to) = (form.word(), action(&form.body));
    assert!(!form.body.contains("value=\"CSN\""), "a treatment service writes no social care record");
    let mut fields = entry(&word, "Relapse canary nine", "");
    fields[1].1 = "p-01";
    fields[3].1 = "SUB";
    assert_eq!(specialist.post(&to, &fields).status, 303);
    let path = "/families/case-01/chronology";
    assert!(specialist.get(path).body.contains("Relapse canary nine"));
    // The social worker, the school: without permission they learn that the service is involved.
    for account in ["acc-01", "acc-08"] {
        let mut other = Visitor::walking(&demo, account);
        other.state("case-01", "CIN");
        assert!(!other.get(path).body.contains("canary nine"), "{account}");
    }
}

#[test]
fn an_entry_with_faults_is_asked_again_and_nobody_writes_for_another_role_or_family() {
    let demo = Demo::start();
    let mut worker = Visitor::walking(&demo, "acc-01");
    worker.state("case-01", "CIN");
    let form = worker.get("/families/case-01/entry");
    let (word, to) = (form.word(), action(&form.body));
    for (at, bad) in [(1, "p-99"), (2, "2031-01-01"), (2, "yesterday"), (3, "MHL"), (4, "rumour"), (5, ""), (6, " ")] {
        let mut fields = entry(&word, "Kept canary", "");
        fields[at].1 = bad;
        let answer = worker.post(&to, &fields);
        assert_eq!(answer.status, 422, "{at} {bad}");
        assert!(at == 6 || answer.body.contains("Kept canary"), "what was typed is kept");
    }
    assert!(!worker.get("/families/case-01/chronology").body.contains("Kept canary"));
    assert_eq!(worker.get("/families/case-02/entry").status, 404);
    let mut assistant = Visitor::walking(&demo, "acc-17");
    assert_eq!(assistant.get("/families/case-01/entry").status, 404, "an assistant's records are drafts");
}
