//! What schools do beyond the form: files, a concern told twice, a school's own system.

use crate::danger;
use crate::demo::Demo;
use crate::visitor::{System, Visitor};
use serde_json::{Value, json};

const DOCUMENT: &[u8] = b"%PDF-1.7 a scan of the body map";

fn post(system: &System, sent: &Value) -> (u16, Value) {
    let (status, body) = system.post("/api/v1/concerns", &sent.to_string());
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn concern(id: &str, system: &System) -> (u16, Value) {
    let sent = json!({
        "concernId": id, "sourceSystem": "own", "occurredAt": "2026-10-05T09:10:00",
        "child": {"upn": "V899200116001", "surname": "Pryce", "forename": "Ellis", "dob": "2018-04-09"},
        "detail": "Hungry again at registration", "parentsInformed": false,
        "parentsInformedReasonIfNot": "Advice is asked for first", "dslInformed": true
    });
    post(system, &sent)
}

/// A concern of the demo's school, sent by its own system; where it is on the lead's pages.
fn sent(demo: &Demo) -> (System, String) {
    let system = System::new(demo, "school-office");
    let (status, body) = concern("C-1", &system);
    assert_eq!(status, 202, "{body}");
    let id = body["id"].as_str().unwrap().to_owned();
    (system, id)
}

#[test]
fn a_schools_system_sends_a_concern_and_reads_back_the_answer_and_the_outcome() {
    let demo = Demo::start();
    let (system, id) = sent(&demo);
    // The same again is the same; other content under the same id is not taken.
    assert_eq!(concern("C-1", &system).1["id"], json!(id));
    let other = json!({"concernId": "C-1", "occurredAt": "2026-10-06", "detail": "Another", "parentsInformed": true,
        "child": {"surname": "Pryce", "forename": "Ellis", "dob": "2018-04-09"}});
    assert_eq!(post(&system, &other).0, 409);
    let incomplete = json!({"concernId": "C-2", "child": {"surname": "Pryce"}, "detail": "x"});
    let (status, problem) = post(&system, &incomplete);
    assert_eq!(status, 422, "{problem}");
    assert!(problem.to_string().contains("/child/dob") && !problem.to_string().contains("Pryce"), "{problem}");
    // Only the system that sent it reads it back; a system that is no school's sends none.
    let stranger = System::new(&demo, "police-desk");
    assert_eq!(stranger.get(&format!("/api/v1/concerns/{id}")).0, 404);
    assert_eq!(concern("C-9", &stranger).0, 403);
    // The surgery answers; the school's system learns it.
    let mut adviser = Visitor::walking(&demo, "acc-10");
    let word = adviser.get(&format!("/surgery/{id}")).word();
    assert_eq!(adviser.post(&format!("/surgery/{id}/take"), &[("word", &word)]).status, 303);
    let read =
        |system: &System| -> Value { serde_json::from_str(&system.get(&format!("/api/v1/concerns/{id}")).1).unwrap() };
    assert_eq!(read(&system)["status"], "being-read");
    let answer = [("answer", "advice"), ("reason", "Talk to the parents first."), ("actions", ""), ("word", &word)];
    assert_eq!(adviser.post(&format!("/surgery/{id}/answer"), &answer).status, 303);
    let after = read(&system);
    assert_eq!((&after["answer"], &after["outcome"]), (&json!("advice"), &json!("advice")));
    // Without names: no name is stored, and the school's lead sees the same words.
    let nameless = json!({"concernId": "C-3", "occurredAt": "2026-10-06", "detail": "Often tired",
        "parentsInformed": true, "child": {"ageBand": "5-10", "schoolPhase": "primary"}});
    assert_eq!(post(&system, &nameless).0, 202);
    assert!(Visitor::walking(&demo, "acc-08").get("/concerns").body.contains("without names"));
}

#[test]
fn files_are_told_by_their_content_and_handed_out_as_downloads() {
    let demo = Demo::start();
    let (_, id) = sent(&demo);
    let mut lead = Visitor::walking(&demo, "acc-08");
    let here = format!("/concerns/{id}");
    let word = lead.get(&here).word();
    for (name, bytes) in
        [("a.pdf", &b"MZ\x90\x00"[..]), ("a.png", b"PK\x03\x04"), ("a.txt", b""), ("b.svg", b"\x00<svg>")]
    {
        let refused = lead.post_file(&format!("{here}/files"), &word, name, bytes);
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.body.contains("at most 5 MB"));
    }
    assert_eq!(lead.post_file(&format!("{here}/files"), "wrong", "a.pdf", DOCUMENT).status, 403);
    let large = vec![b'a'; 5 * 1024 * 1024 + 1];
    assert_eq!(lead.post_file(&format!("{here}/files"), &word, "a.txt", &large).status, 422);
    let hostile = "<b>Ellis</b>.pdf";
    assert_eq!(lead.post_file(&format!("{here}/files"), &word, hostile, DOCUMENT).status, 303);
    let page = lead.get(&here).body;
    assert!(page.contains("Ellis") && !page.contains("<b>"));
    let file = page.split("/files/").nth(1).and_then(|r| r.split('"').next()).expect("a file").to_owned();
    let mut adviser = Visitor::walking(&demo, "acc-10");
    for (visitor, place) in [(&mut lead, "concerns"), (&mut adviser, "surgery")] {
        let got = visitor.get(&format!("/{place}/{id}/files/{file}"));
        assert_eq!((got.status, got.body.as_bytes()), (200, DOCUMENT));
        assert_eq!(got.header("content-type"), "application/octet-stream");
        assert_eq!(got.header("content-disposition"), "attachment; filename=\"file.pdf\"");
        assert!(got.header("content-security-policy").starts_with("sandbox"));
        assert_eq!(got.header("x-content-type-options"), "nosniff");
    }
    // Nobody else's: other staff of the school, a worker of the council.
    for account in ["acc-09", "acc-01"] {
        let mut other = Visitor::walking(&demo, account);
        assert_eq!(other.get(&format!("{here}/files/{file}")).status, 404, "{account}");
    }
    assert_eq!(lead.get(&format!("{here}/files/no-such-file")).status, 404);
}

#[test]
fn a_concern_told_twice_is_pointed_out_among_the_schools_own() {
    let demo = Demo::start();
    let (_, id) = sent(&demo);
    let answers: [(&str, &[(&str, &str)]); 4] = [
        ("danger", &[("danger", "no")]),
        ("who", &[("named", "yes")]),
        ("child", &[("given", "Ellis"), ("family", "pryce"), ("born", "2018-04-09")]),
        ("when", &[("when", "2026-10-07")]),
    ];
    let check = |visitor: &mut Visitor| {
        let word = visitor.get("/concerns").word();
        for (step, fields) in answers {
            let mut all = fields.to_vec();
            all.push(("word", word.as_str()));
            assert_eq!(visitor.post(&format!("/concerns/new/{step}"), &all).status, 303, "{step}");
        }
        visitor.get("/concerns/new/check").body
    };
    assert!(check(&mut Visitor::walking(&demo, "acc-08")).contains(&format!("/concerns/{id}")));
    // Other staff read back their own only: the lead's concern is not pointed out to them.
    let teacher = check(&mut Visitor::walking(&demo, "acc-09"));
    assert!(!teacher.contains(&id) && !teacher.contains("Your school sent"));
}

/// Answers every question of the form, with or without names; returns the visitor's word.
fn answered(visitor: &mut Visitor, named: bool) -> String {
    let word = visitor.get("/concerns").word();
    let child: (&str, &[(&str, &str)]) = match named {
        true => ("child", &[("given", "Ellis"), ("family", "Pryce"), ("born", "2018-04-09")]),
        false => ("about", &[("band", "5-10"), ("phase", "primary")]),
    };
    let steps: [(&str, &[(&str, &str)]); 7] = [
        ("danger", &[("danger", "no")]),
        ("who", &[("named", if named { "yes" } else { "no" })]),
        child,
        ("seen", &[("own_words", ""), ("seen", "A bruise")]),
        ("when", &[("when", "2026-10-07")]),
        ("knows", &[("parents_told", "yes"), ("parents_agree", "yes")]),
        ("question", &[("question", "What now?")]),
    ];
    for (step, fields) in steps {
        let mut all = fields.to_vec();
        all.push(("word", word.as_str()));
        assert_eq!(visitor.post(&format!("/concerns/new/{step}"), &all).status, 303, "{step}");
    }
    word
}

/// The files that a page links to.
fn files_of(page: &str, before: &str) -> Vec<String> {
    let links = page.split(before).skip(1).filter_map(|rest| rest.split('"').next());
    links.filter(|file| !file.contains('/')).map(str::to_owned).collect()
}

const DRAFT: &str = "/concerns/new/files";
const LINK: &str = "href=\"/concerns/new/files/";

#[test]
fn files_of_a_draft_are_kept_with_it_sent_with_it_and_nobody_elses() {
    let demo = Demo::start();
    let mut lead = Visitor::walking(&demo, "acc-08");
    let word = answered(&mut lead, true);
    for (name, bytes, status) in [
        ("a.exe", &b"MZ\x90\x00"[..], 422),
        ("empty.txt", b"", 422),
        ("map.pdf", DOCUMENT, 303),
        ("<b>note</b>.txt", b"seen at lunch", 303),
    ] {
        assert_eq!(lead.post_file(DRAFT, &word, name, bytes).status, status, "{name}");
    }
    assert_eq!(lead.post_file(DRAFT, "wrong", "map.pdf", DOCUMENT).status, 403);
    let large = vec![b'a'; 5 * 1024 * 1024 + 64 * 1024];
    let refused = lead.post_file(DRAFT, &word, "large.txt", &large);
    assert_eq!(refused.status, 413);
    assert!(refused.body.contains("at most 5 MB"), "the page says what is taken");
    // Another day, another session: they are there, as downloads, and somebody else has none of it.
    let mut later = Visitor::walking(&demo, "acc-08");
    assert!(later.get("/concerns").body.contains("not sent yet"));
    let page = later.get(DRAFT).body;
    let files = files_of(&page, LINK);
    assert_eq!(files.len(), 2, "{page}");
    assert!(page.contains("map.pdf") && !page.contains("<b>"));
    let got = later.get(&format!("{DRAFT}/{}", files[0]));
    assert_eq!((got.status, got.body.as_bytes()), (200, DOCUMENT));
    assert_eq!(got.header("content-type"), "application/octet-stream");
    assert!(got.header("content-security-policy").starts_with("sandbox"));
    for account in ["acc-09", "acc-10", "acc-01"] {
        let mut other = Visitor::walking(&demo, account);
        assert_eq!(other.get(&format!("{DRAFT}/{}", files[0])).status, 404, "{account}");
        let theirs = other.get("/hat").word();
        other.post(&format!("{DRAFT}/{}/away", files[0]), &[("word", &theirs)]);
    }
    let word = later.get(DRAFT).word();
    assert_eq!(later.post(&format!("{DRAFT}/{}/away", files[1]), &[("word", &word)]).status, 303);
    assert_eq!(later.get(&format!("{DRAFT}/{}", files[1])).status, 404, "gone");
    assert!(later.get("/concerns/new/check").body.contains("map.pdf"));
    // Sent twice by a double click it is one concern, with its file; the draft and its addresses are gone.
    let sent = later.post("/concerns", &[("word", &word)]);
    let concern = sent.header("location").to_owned();
    assert!(sent.status == 303 && concern.len() > "/concerns/".len(), "{concern}");
    assert_eq!(later.post("/concerns", &[("word", &word)]).header("location"), concern);
    assert_eq!(later.get("/concerns").body.matches("Ellis Pryce").count(), 1);
    let page = later.get(&concern).body;
    let kept = files_of(&page, &format!("href=\"{concern}/files/"));
    assert_eq!(kept, files[..1]);
    assert_eq!(later.get(&format!("{concern}/files/{}", kept[0])).body.as_bytes(), DOCUMENT);
    assert_eq!(
        Visitor::walking(&demo, "acc-10")
            .get(&format!("/surgery/{id}/files/{}", kept[0], id = &concern["/concerns/".len()..]))
            .status,
        200
    );
    assert_eq!(later.get(&format!("{DRAFT}/{}", kept[0])).status, 404);
    assert!(files_of(&later.get(DRAFT).body, LINK).is_empty());
}

#[test]
fn a_draft_holds_ten_files_goes_with_them_and_sends_none_without_names() {
    let demo = Demo::start();
    let mut teacher = Visitor::walking(&demo, "acc-09");
    let word = answered(&mut teacher, true);
    for number in 0..10 {
        assert_eq!(teacher.post_file(DRAFT, &word, &format!("{number}.pdf"), DOCUMENT).status, 303);
    }
    assert_eq!(teacher.post_file(DRAFT, &word, "eleven.pdf", DOCUMENT).status, 422);
    let files = files_of(&teacher.get(DRAFT).body, LINK);
    assert_eq!(files.len(), 10);
    assert_eq!(teacher.post("/concerns/new/away", &[("word", &word)]).header("location"), "/concerns");
    assert!(!teacher.get("/concerns").body.contains("not sent yet"));
    assert!(files.iter().all(|file| teacher.get(&format!("{DRAFT}/{file}")).status == 404));
    // Without names nothing is sent that may say who the child is (R83).
    answered(&mut teacher, true);
    assert_eq!(teacher.post_file(DRAFT, &word, "map.pdf", DOCUMENT).status, 303);
    answered(&mut teacher, false);
    assert!(teacher.get("/concerns/new/check").body.contains("Without names no file is sent"));
    let concern = teacher.post("/concerns", &[("word", &word)]).header("location").to_owned();
    let page = teacher.get(&concern).body;
    assert!(!page.contains("map.pdf") && !page.contains("type=\"file\""), "{page}");
    assert_eq!(teacher.post_file(&format!("{concern}/files"), &word, "map.pdf", DOCUMENT).status, 422);
}

/// A form of the surgery, what is sent with it, where its faults lead, and what is kept.
type Faulty = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str], &'static [&'static str]);

/// A concern of the demo's school at the surgery; the lead, the adviser, and its address on each side.
fn at_surgery(demo: &Demo) -> (Visitor, Visitor, String, String) {
    let (_, id) = sent(demo);
    let (lead, adviser) = (Visitor::walking(demo, "acc-08"), Visitor::walking(demo, "acc-10"));
    (lead, adviser, format!("/concerns/{id}"), format!("/surgery/{id}"))
}

#[test]
fn an_empty_form_of_a_concern_says_what_is_missing_and_keeps_what_was_typed() {
    let demo = Demo::start();
    let (mut lead, mut adviser, here, there) = at_surgery(&demo);
    assert_eq!(danger::send(&mut adviser, &format!("{there}/take"), &[]).status, 303);
    let faults: [Faulty; 5] = [
        ("ask", &[("reply", " ")], &["#reply"], &[]),
        ("answer", &[], &["#answer-1", "#reason"], &[]),
        ("answer", &[("actions", "Ring the nurse")], &["#answer-1", "#reason"], &["Ring the nurse"]),
        ("answer", &[("answer", "mash_referral")], &["#reason"], &["value=\"mash_referral\" checked"]),
        ("answer", &[("reason", "An injury")], &["#answer-1"], &["An injury</textarea>"]),
    ];
    for (form, fields, links, kept) in faults {
        let page = danger::send(&mut adviser, &format!("{there}/{form}"), fields);
        assert_eq!(page.status, 422, "{form}");
        assert!(page.body.contains("There is a problem: advise or pass on"), "{form}");
        let summary = page.body.split("id=\"errors\"").nth(1).and_then(|r| r.split("</div>").next()).unwrap();
        for link in links {
            let at = link.trim_start_matches('#');
            assert!(summary.contains(&format!("href=\"{link}\"")), "{form}: {summary}");
            assert!(page.body.contains(&format!("id=\"{at}\"")), "{form}: the link leads to the field");
            assert!(page.body.contains(&format!("id=\"{}-error\"", at.trim_end_matches("-1"))), "{form}: beside it");
        }
        assert_eq!(summary.matches("href=").count(), links.len(), "{form}: {summary}");
        assert!(kept.iter().all(|words| page.body.contains(words)), "{form}: {}", page.body);
    }
    // Nothing was said and nothing decided.
    assert!(lead.get(&here).body.contains("Being read") && !lead.get(&here).body.contains("Questions and answers"));
    let reply = danger::send(&mut lead, &format!("{here}/reply"), &[]);
    assert!(reply.status == 422 && reply.body.contains("href=\"#reply\"") && reply.body.contains("id=\"reply-error\""));
    // How it ended has to be chosen, too.
    let answer = [("answer", "contact_mash"), ("reason", "Looks like neglect")];
    assert_eq!(danger::send(&mut adviser, &format!("{there}/answer"), &answer).status, 303);
    let end = danger::send(&mut adviser, &format!("{there}/end"), &[]);
    assert!(end.status == 422 && end.body.contains("href=\"#outcome-1\"") && end.body.contains("id=\"outcome-1\""));
    assert!(lead.get(&here).body.contains("Passed on"));
}

#[test]
fn a_school_reads_who_has_its_concern_and_what_happens_next() {
    let demo = Demo::start();
    let (mut lead, mut adviser, here, there) = at_surgery(&demo);
    let reads = |visitor: &mut Visitor, words: &[&str]| {
        for path in ["/concerns", here.as_str()] {
            let page = visitor.get(path).body;
            assert!(words.iter().all(|w| page.contains(w)), "{path}: {words:?}");
        }
    };
    reads(&mut lead, &["The surgery; nobody has taken it yet", "An adviser takes it."]);
    assert_eq!(danger::send(&mut adviser, &format!("{there}/take"), &[]).status, 303);
    reads(&mut lead, &["An adviser of the surgery", "asks you for more, or answers"]);
    assert_eq!(danger::send(&mut adviser, &format!("{there}/ask"), &[("reply", "When?")]).status, 303);
    reads(&mut lead, &["The surgery asked you for more"]);
    let answer = [("answer", "contact_mash"), ("reason", "Looks like neglect")];
    assert_eq!(danger::send(&mut adviser, &format!("{there}/answer"), &answer).status, 303);
    reads(&mut lead, &["Another service", "Passed to another service; they will contact you if they need more."]);
    assert_eq!(danger::send(&mut adviser, &format!("{there}/end"), &[("outcome", "early-help")]).status, 303);
    reads(&mut lead, &["Nobody; it is closed", "early help"]);
}

#[test]
fn an_adviser_takes_the_next_concern_and_sorts_the_queue() {
    let demo = Demo::start();
    let system = System::new(&demo, "school-office");
    let mut ids = Vec::new();
    for (id, born) in [("C-1", "2009-04-09"), ("C-2", "2018-04-09")] {
        let sent = json!({
            "concernId": id, "occurredAt": "2026-10-05T09:10:00", "detail": "Hungry",
            "child": {"surname": "Pryce", "forename": "Ellis", "dob": born},
            "parentsInformed": false, "parentsInformedReasonIfNot": "Advice first", "dslInformed": true
        });
        let (status, body) = post(&system, &sent);
        assert_eq!(status, 202, "{body}");
        ids.push(body["id"].as_str().unwrap().to_owned());
    }
    let mut adviser = Visitor::walking(&demo, "acc-10");
    let order =
        |page: &str| ids.iter().map(|id| page.find(&format!("href=\"/surgery/{id}\"")).unwrap()).collect::<Vec<_>>();
    let queue = adviser.get("/surgery").body;
    assert!(order(&queue).is_sorted(), "by when an answer is due, then by arrival");
    assert!(!order(&adviser.get("/surgery?by=age").body).is_sorted(), "the younger child first");
    for odd in ["/surgery?by=nothing", "/surgery?by=%22%3E", "/surgery?other=1"] {
        assert!(order(&adviser.get(odd).body).is_sorted(), "{odd}");
    }
    // The next is the first that nobody has, however the list is sorted.
    for id in &ids {
        let page = adviser.get("/surgery?by=age").body;
        let take = format!("/surgery/{id}/take");
        assert!(page.contains(&format!("action=\"{take}\"")) && page.matches("/take\"").count() == 1, "{page}");
        assert_eq!(danger::send(&mut adviser, &take, &[]).header("location"), format!("/surgery/{id}"));
    }
    assert!(!adviser.get("/surgery").body.contains("/take\""), "nothing is left to take");
}
