//! Attacks on the pages, without a browser: sessions, forms, identifiers, headers, text that is no markup.

use crate::clocked::Clocked;
use crate::demo::Demo;
use crate::visitor::Visitor;
use solent::store::KeptKind;

#[test]
fn the_pages_stand_up_to_their_visitors() {
    let demo = Demo::start();
    a_session_is_made_at_sign_in_and_ends_at_sign_out(&demo);
    a_form_without_the_sessions_word_changes_nothing(&demo);
    a_form_from_another_site_changes_nothing(&demo);
    another_workers_family_is_not_there(&demo);
    machines_paths_need_a_certificate(&demo);
    every_answer_carries_its_headers(&demo);
    what_is_typed_comes_back_as_text(&demo);
    wrong_tries_end_in_the_same_words(&demo);
    what_cannot_be_read_is_a_page_with_its_headers(&demo);
    what_is_too_long_is_refused_and_never_a_fault(&demo);
    a_form_filled_in_under_another_purpose_does_nothing(&demo);
    what_is_sent_twice_is_there_once(&demo);
}

/// Counting a wrong try is a write; a name without one would be told by its time.
#[test]
fn a_name_that_nobody_has_is_as_much_work_as_one_that_somebody_has() {
    let house = Clocked::start();
    let mut visitor = house.walking("acc-01");
    let nothing = "nobody/sign-in";
    assert!(!house.keeps(KeptKind::Draft, nothing));
    let answer = visitor.post("/sign-in", &[("name", "nobody@example.org"), ("password", "x"), ("code", "000000")]);
    assert_eq!(answer.status, 422);
    assert!(house.keeps(KeptKind::Draft, nothing));
}

fn a_session_is_made_at_sign_in_and_ends_at_sign_out(demo: &Demo) {
    let mut visitor = Visitor::new(demo);
    // A token from outside is no session, and does not become one.
    visitor.cookie = Some("__Host-solent=0000000000000000000000000000000000000000000000000000000000000000".to_owned());
    assert_eq!(visitor.get("/families").header("location"), "/sign-in");
    visitor.cookie = Some("__Host-solent=chosen-by-somebody-else".to_owned());
    let answer = visitor.post("/demo", &[("account", "acc-05")]);
    let first = visitor.cookie.clone().expect("a cookie");
    assert!(!first.contains("chosen-by-somebody-else"));
    for part in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
        assert!(answer.cookies[0].contains(part), "{part}");
    }
    // Choosing a hat makes a new token; the old one is worth nothing after it.
    let word = visitor.get("/hat").word();
    assert_eq!(visitor.post("/hat", &[("hat", "hat-fmh"), ("word", &word)]).status, 303);
    let second = visitor.cookie.clone().expect("a cookie");
    assert_ne!(first, second);
    visitor.cookie = Some(first);
    assert_eq!(visitor.get("/families").header("location"), "/sign-in");
    visitor.cookie = Some(second.clone());
    let word = visitor.get("/families").word();
    let out = visitor.post("/sign-out", &[("word", &word)]);
    assert_eq!((out.status, out.header("clear-site-data")), (303, "\"cache\""), "nothing is left for the back button");
    visitor.cookie = Some(second);
    assert_eq!(visitor.get("/families").header("location"), "/sign-in");
}

fn a_form_without_the_sessions_word_changes_nothing(demo: &Demo) {
    let mut visitor = Visitor::walking(demo, "acc-01");
    let other = Visitor::walking(demo, "acc-02").get("/families").word();
    for word in ["", "0", other.as_str()] {
        let answer = visitor.post("/families/case-01/purpose", &[("purpose", "CIN"), ("word", word)]);
        assert_eq!(answer.status, 403);
    }
    assert_eq!(visitor.get("/families/case-01").header("location"), "/families/case-01/purpose");
}

fn a_form_from_another_site_changes_nothing(demo: &Demo) {
    let mut visitor = Visitor::walking(demo, "acc-01");
    let word = visitor.get("/families").word();
    for foreign in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://example.org")]
    {
        let fields = [("purpose", "CIN"), ("word", word.as_str())];
        let answer = visitor.post_with("/families/case-01/purpose", &fields, &[foreign]);
        assert_eq!(answer.status, 403, "{foreign:?}");
    }
}

fn another_workers_family_is_not_there(demo: &Demo) {
    let mut dsl = Visitor::walking(demo, "acc-08");
    let mut clinician = Visitor::walking(demo, "acc-06");
    let nowhere = clinician.get("/families/case-99");
    assert_eq!(nowhere.status, 404);
    for path in
        ["/families/case-01", "/families/p-03", "/families/case-01/chronology", "/families/..%2f..", "/families/%00"]
    {
        let answer = clinician.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.body, nowhere.body, "{path} must look like nothing");
    }
    // Its own is there; a purpose the role may not declare is refused.
    let word = dsl.get("/families/case-01/purpose").word();
    for purpose in ["LE", "QA", "XX", ""] {
        let answer = dsl.post("/families/case-01/purpose", &[("purpose", purpose), ("word", &word)]);
        assert!([403, 422].contains(&answer.status), "{purpose}: {}", answer.status);
    }
}

fn machines_paths_need_a_certificate(demo: &Demo) {
    let mut visitor = Visitor::walking(demo, "acc-01");
    for path in
        ["/api/v1/mailbox", "/api/v1/openapi.json", "/api/v1/nothing", "/log/log1/checkpoint", "/fhir/r4/metadata"]
    {
        let answer = visitor.get(path);
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("SOL-TRUST-REFUSED"), "{path}");
    }
}

fn every_answer_carries_its_headers(demo: &Demo) {
    let mut visitor = Visitor::walking(demo, "acc-01");
    for path in ["/", "/families", "/sign-in", "/nowhere-at-all", "/families/case-01/purpose"] {
        let answer = visitor.get(path);
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(!answer.header("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.header("location").starts_with("//"), "{path}");
    }
}

fn what_is_typed_comes_back_as_text(demo: &Demo) {
    let mut visitor = Visitor::new(demo);
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let answer = visitor.post("/sign-in", &[("name", hostile), ("password", "x"), ("code", "1")]);
    assert_eq!(answer.status, 422);
    assert!(!answer.body.contains("<script>") && !answer.body.contains("<img"));
    assert!(answer.body.contains("&lt;script&gt;") || answer.body.contains("&#60;script&#62;"));
}

fn wrong_tries_end_in_the_same_words(demo: &Demo) {
    let mut visitor = Visitor::new(demo);
    let said = |name: &str, visitor: &mut Visitor| {
        let answer = visitor.post("/sign-in", &[("name", name), ("password", "wrong wrong wrong"), ("code", "000000")]);
        answer.body.replace(name, "NAME")
    };
    let first = said("nobody@example.org", &mut visitor);
    let second = said("somebody@example.org", &mut visitor);
    assert_eq!(first, second);
}

fn what_cannot_be_read_is_a_page_with_its_headers(demo: &Demo) {
    let mut visitor = Visitor::walking(demo, "acc-01");
    let word = visitor.get("/families").word();
    let large = "a".repeat(200 * 1024);
    let nowhere = visitor.get("/nowhere-at-all");
    for path in ["/families/%ff", "/families/%c3%28/chronology", "/permissions/%ff%fe"] {
        let answer = visitor.get(path);
        assert_eq!((answer.status, &answer.body), (404, &nowhere.body), "{path}");
    }
    let style =
        visitor.get("/families").body.split("href=\"/style/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let answers = [
        (404, visitor.get("/families/%ff")),
        (405, visitor.get("/sign-out")),
        (413, visitor.post("/families/search", &[("word", &word), ("family", &large)])),
        (403, visitor.post("/families/search", &[("word", "x")])),
        (400, visitor.post("/families/search", &[("word", &word), ("family", "a\0b")])),
        (200, visitor.get(&format!("/style/{style}"))),
        (403, visitor.get("/api/v1/mailbox")),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{}", answer.body);
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{status}");
        }
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{status}");
        assert!(answer.header("permissions-policy").contains("camera=()"), "{status}");
    }
}

fn what_is_too_long_is_refused_and_never_a_fault(demo: &Demo) {
    let mut lead = Visitor::walking(demo, "acc-08");
    let word = lead.get("/concerns").word();
    let long = "a".repeat(120 * 1024);
    // Each fits the form, together they are more than a draft holds.
    for (step, field) in [("seen", "own_words"), ("question", "question"), ("child", "given"), ("when", "place")] {
        let answer = lead.post(&format!("/concerns/new/{step}"), &[("word", &word), (field, &long)]);
        assert!([400, 422].contains(&answer.status), "{step}: {}", answer.status);
    }
    assert_eq!(lead.post("/concerns/new/away", &[("word", &word)]).status, 303);
    let mut clinician = Visitor::walking(demo, "acc-07");
    clinician.state("p-01", "DC");
    let word = clinician.get("/families").word();
    let ask = [("word", word.as_str()), ("what", &long), ("why_needed", "x"), ("how_soon", "day")];
    let there = clinician.get("/families/p-01").body;
    let there = there
        .split("href=\"")
        .find(|r| r.split('"').next().is_some_and(|l| l.contains("/withheld/")))
        .expect("a marker");
    let there = there.split('"').next().unwrap().to_owned();
    let answer = clinician.post(&there, &ask);
    assert!([400, 422].contains(&answer.status), "{}", answer.status);
}

fn a_form_filled_in_under_another_purpose_does_nothing(demo: &Demo) {
    let mut worker = Visitor::walking(demo, "acc-01");
    worker.state("case-01", "CIN");
    let form = worker.get("/families/case-01/entry").body;
    assert!(form.contains("name=\"under\" value=\"CIN\""), "the form knows its purpose");
    let to = form.split("action=\"").find(|r| r.starts_with("/families/case-01/entry/")).unwrap();
    let to = to.split('"').next().unwrap().to_owned();
    // Another window.
    worker.state("case-01", "CP");
    let word = worker.get("/families").word();
    let answer = worker.post(&to, &[("word", &word), ("under", "CIN"), ("entry_account", "x")]);
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("Something changed meanwhile"));
    worker.state("case-01", "CIN");
    let word = worker.get("/families").word();
    assert_eq!(worker.post(&to, &[("word", &word), ("under", "CIN"), ("entry_account", "x")]).status, 422);
}

fn what_is_sent_twice_is_there_once(demo: &Demo) {
    let mut clinician = Visitor::walking(demo, "acc-07");
    clinician.state("p-01", "DC");
    let page = clinician.get("/families/p-01").body;
    let there = page
        .split("href=\"")
        .filter_map(|r| r.split('"').next())
        .find(|l| l.contains("/withheld/"))
        .unwrap()
        .to_owned();
    let form = clinician.get(&there);
    let soon = form.body.split("name=\"how_soon\"").nth(1).and_then(|r| r.split("value=\"").nth(1)).unwrap();
    let soon = soon.split('"').next().unwrap().to_owned();
    let word = form.word();
    let ask = [("word", word.as_str()), ("what", "The letter"), ("why_needed", "Twice canary"), ("how_soon", &soon)];
    for _ in 0..2 {
        assert_eq!(clinician.post(&there, &ask).status, 303);
    }
    assert_eq!(clinician.get("/families").body.matches("Waiting for an answer").count(), 1);
}
