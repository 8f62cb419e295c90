//! One family as a picture and a table, its chronology with filters, and the operator's page.

use crate::browser::{self, Browser};
use crate::demo::Demo;
use crate::pages::look;
use crate::visitor::{System, Visitor};

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
        assert!(!his.contains(canary), "{canary}");
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
