//! Whole stories, each side in a browser profile of its own.

use crate::browser::{self, Browser};
use crate::demo::Demo;
use crate::pages::look;
use crate::visitor::Visitor;

/// Walks in as somebody of the demo's start page, by the words of their button.
fn walk(browser: &Browser, demo: &Demo, account: &str) {
    browser.go(&format!("{}/demo", demo.base));
    browser.click(&format!("input[value='{account}'] + button"));
}

#[test]
fn a_schools_concern_goes_to_the_surgery_to_the_council_and_comes_back_as_one_word() {
    if !browser::there_is_one() {
        return;
    }
    let demo = Demo::start();
    let (school, surgery) = (Browser::open(true), Browser::open(true));
    let mut wrong = Vec::new();
    walk(&school, &demo, "acc-08");
    school.go(&format!("{}/concerns", demo.base));
    wrong.extend(look(&school, "concerns-empty"));
    school.click("main .button");
    // Danger first: nothing chosen is a fault; a yes shows whom to ring.
    school.click("main button");
    wrong.extend(look(&school, "concern-danger-missing"));
    school.click("#danger-1");
    school.click("main button");
    assert_eq!(school.path(), "/concerns/new/now");
    wrong.extend(look(&school, "concern-now"));
    school.click("main .button");
    school.click("#named-1");
    school.click("main button");
    wrong.extend(look(&school, "concern-child"));
    for (field, text) in [("#given", "Ellis"), ("#family", "Pryce"), ("#upn", "V899200116001")] {
        school.type_into(field, text);
    }
    school.set("#born", "2018-04-09");
    school.click("main button");
    wrong.extend(look(&school, "concern-seen"));
    school.type_into("#own_words", "I had crisps.");
    school.type_into("#seen", "Hungry again at registration; a bruise on the left arm.");
    school.click("main button");
    school.set("#when", "2026-10-05");
    school.type_into("#place", "Classroom");
    school.click("main button");
    school.click("#parents_told-2");
    school.type_into("#not_told_why", "Advice is asked for first");
    school.click("#parents_agree-2");
    school.click("main button");
    assert_eq!(school.path(), "/concerns/new/files");
    wrong.extend(look(&school, "concern-files"));
    school.click("main a.button");
    school.type_into("#question", "Should we refer now?");
    school.click("main button");
    assert_eq!(school.path(), "/concerns/new/check");
    wrong.extend(look(&school, "concern-check"));
    school.click("main button");
    let concern = school.path();
    assert!(concern.starts_with("/concerns/"));
    wrong.extend(look(&school, "concern-received"));

    walk(&surgery, &demo, "acc-10");
    assert_eq!(surgery.path(), "/surgery");
    wrong.extend(look(&surgery, "surgery-queue"));
    assert!(!surgery.text("main").contains("Pryce"), "no name in the queue");
    surgery.click("form[action$=take] button");
    wrong.extend(look(&surgery, "surgery-concern"));
    surgery.click("form[action$=ask] button");
    wrong.extend(look(&surgery, "surgery-question-missing"));
    surgery.type_into("#reply", "Has a nurse seen the bruise?");
    surgery.click("form[action$=ask] button");
    school.go(&format!("{}{concern}", demo.base));
    assert!(school.text("main").contains("Has a nurse seen the bruise?"));
    school.click("form[action$=reply] button");
    wrong.extend(look(&school, "concern-reply-missing"));
    school.type_into("#reply", "Yes, this morning.");
    school.click("form[action$=reply] button");
    // An answer needs a reason.
    surgery.go(&format!("{}/surgery", demo.base));
    surgery.click("tbody a");
    surgery.click("#answer-5");
    surgery.click("form[action$=answer] button");
    wrong.extend(look(&surgery, "surgery-reason-missing"));
    surgery.click("#answer-5");
    surgery.type_into("#reason", "An injury nobody explains.");
    surgery.click("form[action$=answer] button");
    wrong.extend(look(&surgery, "surgery-passed-on"));
    school.refresh();
    assert!(school.text(".callout").contains("Passed on"));
    wrong.extend(look(&school, "concern-passed-on"));
    surgery.click("form[action$=end] button");
    wrong.extend(look(&surgery, "surgery-outcome-missing"));
    surgery.click("#outcome-4");
    surgery.click("form[action$=end] button");
    school.refresh();
    assert!(school.text(".callout").contains("child protection"));
    wrong.extend(look(&school, "concern-closed"));
    school.go(&format!("{}/concerns", demo.base));
    wrong.extend(look(&school, "concerns"));
    surgery.go(&format!("{}/surgery", demo.base));
    wrong.extend(look(&surgery, "surgery-queue-empty"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    the_council_collects_the_contact(&demo);
}

/// The front door's own system, with its certificate: one item, in its format, with the child in it.
fn the_council_collects_the_contact(demo: &Demo) {
    let system = crate::visitor::System::new(demo, "harbourshire-contacts");
    let (_, list) = system.get("/api/v1/mailbox?wait=0");
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let items = list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    assert_eq!(items.len(), 1);
    let (status, body) = system.get(&format!("/api/v1/mailbox/{}", items[0]["id"].as_str().unwrap()));
    assert_eq!(status, 200);
    assert!(body.contains("Pryce") && body.contains("Hungry again"), "{}", body.len());
}

#[test]
fn without_names_nobody_is_looked_up_and_other_staff_see_their_own_only() {
    let demo = Demo::start();
    let mut teacher = Visitor::walking(&demo, "acc-09");
    let answers: [(&str, &[(&str, &str)]); 7] = [
        ("danger", &[("danger", "no")]),
        ("who", &[("named", "no")]),
        ("about", &[("band", "5-10"), ("phase", "primary")]),
        ("seen", &[("seen", "Often hungry")]),
        ("when", &[("when", "2026-10-05")]),
        ("knows", &[("parents_told", "yes"), ("parents_agree", "no")]),
        ("question", &[("question", "What should we do?")]),
    ];
    let submit = |visitor: &mut Visitor| {
        let word = visitor.get("/concerns").word();
        for (step, fields) in answers {
            let mut all = fields.to_vec();
            all.push(("word", word.as_str()));
            assert_eq!(visitor.post(&format!("/concerns/new/{step}"), &all).status, 303, "{step}");
        }
        visitor.post("/concerns", &[("word", &word)]).header("location").to_owned()
    };
    let own = submit(&mut teacher);
    assert!(teacher.get(&own).body.contains("With your safeguarding lead"));
    let mut lead = Visitor::walking(&demo, "acc-08");
    let leads = submit(&mut lead);
    assert_eq!(teacher.get(&leads).status, 404, "another's concern is not there");
    assert!(!teacher.get("/concerns").body.contains(&leads));
    // The surgery sees it only when the lead has taken it there.
    let mut adviser = Visitor::walking(&demo, "acc-10");
    let at_surgery = own.replace("/concerns/", "/surgery/");
    assert_eq!(adviser.get(&at_surgery).status, 404);
    let word = lead.get(&own).word();
    assert_eq!(lead.post(&format!("{own}/surgery"), &[("word", &word)]).status, 303);
    assert_eq!(adviser.get(&at_surgery).status, 200);
    // Schools' and surgery's pages are nobody else's.
    let mut worker = Visitor::walking(&demo, "acc-01");
    for path in ["/concerns", "/surgery", own.as_str(), at_surgery.as_str()] {
        assert_eq!(worker.get(path).status, 404, "{path}");
    }
}
