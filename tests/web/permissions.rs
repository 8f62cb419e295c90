//! Permissions at the pages: what a person has decided, recording a decision, taking it back.

use crate::browser::{self, Browser};
use crate::demo::Demo;
use crate::pages::look;
use crate::visitor::{Answer, Visitor};

const DANA: &str = "/families/case-01/people/p-01/permissions";
const MAYA: &str = "/families/case-01/people/p-03/permissions";
/// Her mental health summary, which social workers read by her permission P-101.
const SUMMARY: &str = "Under our care for depression";

/// Answers questions of the form in order.
fn answers(visitor: &mut Visitor, base: &str, steps: &[(&str, &[(&str, &str)])]) -> Answer {
    let word = visitor.get(&format!("{base}/new/why")).word();
    let mut last = None;
    for (step, fields) in steps {
        let mut all = fields.to_vec();
        all.push(("word", word.as_str()));
        let answer = visitor.post(&format!("{base}/new/{step}"), &all);
        assert_eq!(answer.status, 303, "{step}: {}", answer.body);
        last = Some(answer);
    }
    last.expect("a step")
}

fn send(visitor: &mut Visitor, base: &str) -> Answer {
    let word = visitor.get(&format!("{base}/new/check")).word();
    visitor.post(base, &[("word", &word)])
}

/// What is the same in every decision of these tests.
const REST: [(&str, &[(&str, &str)]); 8] = [
    ("from", &[("p_from", "southdown-mh")]),
    ("to", &[("p_to", "harbourshire-csc")]),
    ("roles", &[("p_roles", "SW")]),
    ("purposes", &[("p_purposes", "CIN")]),
    ("until", &[("p_until", "")]),
    ("how", &[("p_how", "signed-paper")]),
    ("language", &[("p_language", "English"), ("p_interpreter", "no")]),
    ("evidence", &[("p_kept", "family file, page 4")]),
];

#[test]
fn a_permission_taken_back_while_another_has_the_page_open_is_gone_at_the_next_load() {
    let demo = Demo::start();
    let mut reader = Visitor::walking(&demo, "acc-01");
    reader.state("case-01", "CIN");
    assert!(reader.get("/families/case-01").body.contains(SUMMARY));
    let mut worker = Visitor::walking(&demo, "acc-02");
    worker.state("case-01", "CIN");
    assert!(worker.get(DANA).body.contains("/permissions/P-101\""), "it names her team's domestic abuse specialist");
    let form = worker.get(&format!("{DANA}/P-101/withdraw"));
    // Before it is done: what stops, what goes on, what cannot be recalled, from the log.
    for words in ["What stops now", "only that a service is involved", "serious harm", "social worker, Harbourshire"] {
        assert!(form.body.contains(words), "{words}");
    }
    let done = worker.post(&format!("{DANA}/P-101/withdraw"), &[("how", "spoken-witnessed"), ("word", &form.word())]);
    assert_eq!((done.status, done.header("location")), (303, format!("{DANA}/P-101").as_str()));
    let after = reader.get("/families/case-01").body;
    assert!(!after.contains(SUMMARY), "the summary is gone");
    assert!(after.contains("the permission was withdrawn"), "and the page says why");
    let one = worker.get(&format!("{DANA}/P-101")).body;
    assert!(one.contains("taken back") && one.contains("What was already shared"), "{one}");
    // A second time there is nothing to take back.
    assert_eq!(worker.get(&format!("{DANA}/P-101/withdraw")).status, 404);
}

#[test]
fn what_is_left_out_of_a_permission_is_kept_back_and_said() {
    let demo = Demo::start();
    let mut worker = Visitor::walking(&demo, "acc-01");
    worker.state("case-01", "CIN");
    let decided =
        [("why", &[("p_why", "help")][..]), ("decision", &[("p_decision", "permit")]), ("able", &[("p_able", "yes")])];
    answers(&mut worker, DANA, &decided);
    answers(&mut worker, DANA, &[("categories", &[("p_categories", "MHL"), ("p_categories", "SUB")])]);
    answers(&mut worker, DANA, &REST);
    let word = worker.get(&format!("{DANA}/new/but")).word();
    let mut but = |fields: &[(&str, &str)]| {
        let mut all = fields.to_vec();
        all.push(("word", &word));
        worker.post(&format!("{DANA}/new/but"), &all).status
    };
    assert_eq!(but(&[("p_but_categories", "MHL"), ("p_but_categories", "SUB")]), 422, "all but all");
    assert_eq!(but(&[("p_but_categories", "EDU")]), 422, "not among what is agreed to");
    assert_eq!(but(&[("p_but_roles", "FDV")]), 422, "not among whom it is for");
    assert_eq!(but(&[("p_but_more", "yes")]), 422, "more of nothing");
    let first = [("p_but_categories", "SUB"), ("p_but_roles", "SW"), ("p_but_before", "2025-01-01")];
    assert_eq!(but(&[&first[..], &[("p_but_more", "yes")]].concat()), 303);
    let second = worker.get(&format!("{DANA}/new/but-2")).body;
    assert!(second.contains("p_but_categories_2") && !second.contains(" checked"), "nothing is chosen beforehand");
    answers(&mut worker, DANA, &[("but-2", &[("p_but_before_2", "2020-06-01")])]);
    answers(&mut worker, DANA, &[("told", &[("p_told", "yes")])]);
    let check = worker.get(&format!("{DANA}/new/check")).body;
    assert!(check.contains("Nothing from before this day") && check.contains("1 January 2025"), "{check}");
    assert_eq!(send(&mut worker, DANA).status, 303);
    assert_eq!(send(&mut worker, DANA).status, 303, "sent twice by one button");
    let list = worker.get(DANA).body;
    assert!(list.contains("31 December 2024") && list.contains("31 May 2020") && list.contains("But"), "{list}");
    assert_eq!(list.matches("31 December 2024").count(), 1, "and recorded once");
}

#[test]
fn a_decision_is_recorded_by_whom_the_law_lets_decide() {
    let demo = Demo::start();
    let mut worker = Visitor::walking(&demo, "acc-01");
    worker.state("case-01", "CIN");
    permission_is_not_needed_to_protect_a_child(&mut worker);
    let parent = |id: &'static str, worker: &mut Visitor| {
        answers(
            worker,
            MAYA,
            &[
                ("why", &[("p_why", "help")]),
                ("decision", &[("p_decision", "permit")]),
                ("self", &[("p_self", "no")]),
                ("parent", &[("p_parent", id)]),
                (
                    "proof",
                    &[("p_document", "birth-certificate"), ("p_seen_by", "Priya Nair"), ("p_seen_on", "2026-09-10")],
                ),
                ("categories", &[("p_categories", "MHL"), ("p_categories", "HLT")]),
            ],
        );
        answers(worker, MAYA, &REST);
        answers(worker, MAYA, &[("told", &[("p_told", "yes")])]);
        send(worker, MAYA)
    };
    // E5: the step-father has no parental responsibility.
    let refused = parent("p-04", &mut worker);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("may not decide for Maya"), "{}", refused.body);
    // Her mother has.
    assert_eq!(parent("p-01", &mut worker).status, 303);
    let list = worker.get(MAYA).body;
    for words in ["Agreed", "Mental health, Health", "family file, page 4", "Dana Lane: with parental responsibility"] {
        assert!(list.contains(words), "{words}: {list}");
    }
    assert!(!list.contains("P-101"), "nobody else's choices");
    the_father_objects_and_it_is_disputed(&mut worker, &list);
    a_competent_child_decides_after_an_assessment(&mut worker);
}

fn permission_is_not_needed_to_protect_a_child(worker: &mut Visitor) {
    let end = answers(worker, MAYA, &[("why", &[("p_why", "at-risk")])]);
    assert_eq!(end.header("location"), format!("{MAYA}/new/not-needed"));
    let page = worker.get(end.header("location")).body;
    assert!(page.contains("You do not need permission for this") && page.contains("Nothing was recorded here"));
    assert!(worker.get(MAYA).body.contains("Nothing recorded."));
}

fn the_father_objects_and_it_is_disputed(worker: &mut Visitor, list: &str) {
    let id = list.split(&format!("href=\"{MAYA}/")).filter_map(|r| r.split('"').next()).find(|r| r.len() > 30).unwrap();
    let id = id.split('/').next().unwrap();
    let form = worker.get(&format!("{MAYA}/{id}/dispute"));
    assert!(form.body.contains("Ade Okoro") && !form.body.contains("checked"));
    // The step-father's objection is none.
    let word = form.word();
    let kurt = worker.post(&format!("{MAYA}/{id}/dispute"), &[("by", "p-04"), ("word", &word)]);
    assert_eq!(kurt.status, 422);
    let ade = worker.post(&format!("{MAYA}/{id}/dispute"), &[("by", "p-05"), ("word", &word)]);
    assert_eq!(ade.status, 303);
    assert!(worker.get(MAYA).body.contains("disputed"));
}

fn a_competent_child_decides_after_an_assessment(worker: &mut Visitor) {
    let theo = "/families/case-01/people/p-02/permissions";
    answers(
        worker,
        theo,
        &[
            ("why", &[("p_why", "help")]),
            ("decision", &[("p_decision", "refuse")]),
            ("self", &[("p_self", "yes")]),
            ("what", &[("p_what", "Named the school and his key worker")]),
            ("reasons", &[("p_reasons", "So that they stop asking")]),
            ("follows", &[("p_follows", "Less help at school")]),
            ("if-no", &[("p_if_no", "Nothing changes")]),
            ("pressure", &[("p_pressure", "None seen")]),
            ("outcome", &[("p_outcome", "yes")]),
            ("categories", &[("p_categories", "SUB")]),
        ],
    );
    answers(worker, theo, &REST);
    answers(worker, theo, &[("told", &[("p_told", "yes")])]);
    assert_eq!(send(worker, theo).status, 303);
    let list = worker.get(theo).body;
    assert!(list.contains("Said no") && list.contains("decided alone, found able to"), "{list}");
}

#[test]
fn answers_that_are_missing_are_named_and_nothing_is_chosen_beforehand() {
    let demo = Demo::start();
    let mut worker = Visitor::walking(&demo, "acc-01");
    // Without a purpose the purpose is asked first.
    assert_eq!(worker.get(DANA).header("location"), "/families/case-01/purpose");
    worker.state("case-01", "CIN");
    let word = worker.get(&format!("{DANA}/new/why")).word();
    for step in ["why", "decision", "able", "categories", "from", "to", "purposes", "how", "language", "told"] {
        let page = worker.get(&format!("{DANA}/new/{step}"));
        assert!(!page.body.contains(" checked"), "{step}");
        let again = worker.post(&format!("{DANA}/new/{step}"), &[("word", &word)]);
        assert_eq!(again.status, 422, "{step}");
        assert!(again.body.contains("id=\"errors\""), "{step}");
    }
    let hostile = "<script>alert(1)</script>";
    let again = worker.post(&format!("{DANA}/new/categories"), &[("p_categories", hostile), ("word", &word)]);
    assert_eq!(again.status, 422);
    assert!(!again.body.contains(hostile));
    for category in ["MHN", "INT", "ADP", "TPI", "LOC"] {
        let again = worker.post(&format!("{DANA}/new/categories"), &[("p_categories", category), ("word", &word)]);
        assert_eq!(again.status, 422, "{category} cannot be listed");
    }
}

#[test]
fn permissions_are_on_no_page_of_whom_they_do_not_concern() {
    let demo = Demo::start();
    // Her refusal names the school: there is nothing of it for the school's lead.
    let mut lead = Visitor::walking(&demo, "acc-08");
    lead.state("case-01", "CIN");
    let page = lead.get(DANA);
    assert!(!page.body.contains("P-102") && !page.body.contains("Said no"), "{}", page.body);
    assert_eq!(lead.get(&format!("{DANA}/P-102")).status, 404);
    assert_eq!(lead.get(&format!("{DANA}/P-101/withdraw")).status, 404);
    // Others: no family, no page; and it looks like every missing page.
    let mut adviser = Visitor::walking(&demo, "acc-10");
    let missing = adviser.get("/families/case-99").body;
    let paths = [DANA.to_owned(), format!("{DANA}/P-101"), format!("{DANA}/new/why"), "/permissions/P-101".to_owned()];
    for path in paths {
        let answer = adviser.get(&path);
        assert_eq!((answer.status, &answer.body), (404, &missing), "{path}");
    }
    // A record stands under its own person only.
    let mut worker = Visitor::walking(&demo, "acc-01");
    worker.state("case-01", "CIN");
    assert_eq!(worker.get(&format!("{MAYA}/P-101")).status, 404);
    assert_eq!(worker.get("/families/case-01/people/p-99/permissions").status, 404);
}

#[test]
fn every_page_of_permissions_passes_axe_at_every_width() {
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
    for (path, name) in [
        (DANA.to_owned(), "permissions"),
        (MAYA.to_owned(), "permissions-empty"),
        (format!("{DANA}/P-101"), "permission"),
        (format!("{DANA}/P-101-A"), "permission-withdrawn"),
        (format!("{DANA}/P-101/withdraw"), "permission-withdraw"),
        (format!("{DANA}/P-102/withdraw"), "permission-withdraw-refusal"),
        (format!("{DANA}/P-101/error"), "permission-error"),
        (format!("{DANA}/new/why"), "permission-why"),
        (format!("{DANA}/new/categories"), "permission-categories"),
        (format!("{MAYA}/new/proof"), "permission-proof"),
        (format!("{DANA}/new/check"), "permission-check-open"),
    ] {
        go(&path);
        wrong.extend(look(&browser, name));
    }
    go(&format!("{DANA}/new/categories"));
    browser.click("#p_categories-1");
    browser.click("#p_categories-2");
    browser.click("main button");
    go(&format!("{DANA}/new/but"));
    wrong.extend(look(&browser, "permission-but"));
    go(&format!("{DANA}/new/to"));
    browser.click("main button");
    wrong.extend(look(&browser, "permission-to-missing"));
    go(&format!("{DANA}/new/why"));
    browser.click("#p_why-2");
    browser.click("main button");
    wrong.extend(look(&browser, "permission-not-needed"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
