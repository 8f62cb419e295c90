//! The auditor's console: search, one entry explained, questions. Nobody else finds it, and it names nobody.

use crate::browser::{self, Browser};
use crate::demo::Demo;
use crate::leaks::is_written;
use crate::pages::look;
use crate::visitor::Visitor;

/// The auditor of the demo, whose agency audits the partnership; the council's privacy officer; another agency's.
pub const AUDITOR: &str = "acc-20";
const OFFICER: &str = "acc-14";
const OTHER_OFFICER: &str = "acc-15";
/// The story's days.
pub const SPAN: &str = "from=2026-09-01&to=2026-12-31";

/// What the console may never show: names, numbers, birth dates, addresses and texts of the people of the story, and the
/// gateway's own ids of people and cases.
pub const NEVER: [&str; 16] = [
    "Dana",
    "Theo",
    "Maya",
    "Briggs",
    "Okoro",
    "9990000018",
    "9990000026",
    "9990000034",
    "2017-02-03",
    "Larkspur",
    "HZ9",
    "Wrist held",
    "depression",
    "p-01",
    "p-03",
    "case-01",
];

/// Links of a page that begin with `start`.
pub fn links(body: &str, start: &str) -> Vec<String> {
    let marked = format!("href=\"{start}");
    body.split(&marked).skip(1).map(|r| format!("{start}{}", r.split('"').next().unwrap())).collect()
}

/// Somebody of the story has looked at somebody, so that there is something to explain.
pub fn a_worker_looks(demo: &Demo) {
    let mut worker = Visitor::walking(demo, "acc-01");
    worker.state("case-01", "CIN");
    assert_eq!(worker.get("/families/case-01").status, 200);
}

fn clean(page: &crate::visitor::Answer, where_at: &str) {
    for never in NEVER {
        assert!(!is_written(&page.body, never), "{where_at} shows {never}");
        assert!(page.headers.values().all(|v| !is_written(v, never)), "{where_at} shows {never} in a header");
    }
}

#[test]
fn an_auditor_finds_explains_and_asks_without_a_name_or_any_content() {
    let demo = Demo::start();
    a_worker_looks(&demo);
    let mut auditor = Visitor::walking(&demo, AUDITOR);
    assert_eq!(auditor.get("/").header("location"), "/audit");
    let form = auditor.get("/audit");
    assert_eq!(form.status, 200);
    assert!(!form.body.contains("This search was recorded"), "nothing is searched before it is asked");
    // Days are required, and bounded.
    for wrong in ["from=&to=", "from=2026-10-05&to=", "from=2026-10-05&to=2026-10-04", "from=2020-01-01&to=2026-10-05"]
    {
        assert_eq!(auditor.get(&format!("/audit?{wrong}")).status, 422, "{wrong}");
    }
    assert_eq!(auditor.get(&format!("/audit?{SPAN}&subject=p-01")).status, 422, "people by reference only");
    let all = auditor.get(&format!("/audit?{SPAN}"));
    assert!(all.body.contains("This search was recorded"));
    clean(&all, "the search");
    let views = auditor.get(&format!("/audit?{SPAN}&event=view&actor=acc-01&outcome=partial"));
    clean(&views, "a narrower search");
    let entries = links(&views.body, "/audit/entries/");
    assert!(!entries.is_empty(), "the worker's looks are found");
    assert!(views.body.contains("Priya Nair (acc-01)") && views.body.contains("s-"), "who by name, whom by reference");
    // What does not fit is not found.
    for other in ["actor=acc-99", "event=key-rotate", "hat=hat-none", "purpose=LE", "reason=D-COI&event=view"] {
        assert!(links(&auditor.get(&format!("/audit?{SPAN}&{other}")).body, "/audit/entries/").is_empty(), "{other}");
    }
    let page = auditor.get(&entries[0]);
    clean(&page, "one entry");
    assert!(page.body.contains("received") && page.body.contains("segments about s-"), "the sentence stands first");
    let proof = auditor.get(&format!("{}/proof", entries[0]));
    assert!(proof.body.starts_with("c2sp.org/tlog-proof@v1"), "{}", proof.body.len());
    assert!(proof.header("content-disposition").starts_with("attachment"));
    // The searches are entries themselves.
    let own = auditor.get(&format!("/audit?{SPAN}&event=audit-query&actor={AUDITOR}"));
    assert!(links(&own.body, "/audit/entries/").len() >= 5);
    for question in 1..=20 {
        let path = format!("/audit/questions/Q{question}");
        assert_eq!(auditor.get(&path).status, 200, "{path}");
        let id = entries[0].rsplit('/').next().unwrap();
        let subject = page.body.split("s-").nth(1).map(|r| format!("s-{}", &r[..24])).unwrap();
        let filters = format!("{SPAN}&subject={subject}&actor=acc-01&agency=southdown-mh&entry={id}&message=none");
        let answer = auditor.get(&format!("{path}?{filters}"));
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains("This search was recorded"), "{path}");
        clean(&answer, &path);
    }
    a_search_is_kept_for_its_owner(&demo, &mut auditor);
    a_question_reaches_the_officer_and_is_answered(&demo, &mut auditor, &entries[0]);
    who_it_is_is_told_once_after_the_officer_agreed(&demo, &mut auditor, &page.body);
    nobody_else_finds_it(&demo, &entries[0]);
}

fn a_search_is_kept_for_its_owner(demo: &Demo, auditor: &mut Visitor) {
    let query = format!("{SPAN}&event=refuse");
    let word = auditor.get("/audit").word();
    let kept = auditor.post("/audit/searches", &[("word", &word), ("name", "Refusals <b>"), ("query", &query)]);
    assert_eq!(kept.header("location"), format!("/audit?{query}"));
    let page = auditor.get("/audit");
    assert!(page.body.contains("Refusals &#60;b&#62;"), "kept, as text");
    let forget = page.body.split("action=\"/audit/searches/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut officer = Visitor::walking(demo, OFFICER);
    let theirs = officer.get("/audit");
    assert!(!theirs.body.contains("Refusals"));
    let word_of_officer = theirs.word();
    assert_eq!(officer.post(&format!("/audit/searches/{forget}"), &[("word", &word_of_officer)]).status, 404);
    // A name is needed; what is no filter is not kept, and no other address comes out of it.
    let nameless = auditor.post("/audit/searches", &[("word", &word), ("name", ""), ("query", &query)]);
    assert!(nameless.header("location").ends_with("name=wrong"));
    let hostile = [("word", word.as_str()), ("name", "x"), ("query", "//evil.example/?from=2026-10-05")];
    assert_eq!(auditor.post("/audit/searches", &hostile).header("location"), "/audit?");
    assert_eq!(auditor.post(&format!("/audit/searches/{forget}"), &[("word", &word)]).status, 303);
    assert!(!auditor.get("/audit").body.contains("Refusals"));
}

fn a_question_reaches_the_officer_and_is_answered(demo: &Demo, auditor: &mut Visitor, entry: &str) {
    let word = auditor.get("/audit").word();
    let note = format!("{entry}/note");
    assert_eq!(auditor.post(&note, &[("word", &word), ("kind", "query"), ("text", "")]).status, 422);
    assert_eq!(auditor.post(&note, &[("word", &word), ("kind", "reply"), ("text", "x")]).status, 403);
    let asked = [("word", word.as_str()), ("kind", "query"), ("text", "Why on a Sunday?")];
    assert_eq!(auditor.post(&note, &asked).status, 303);
    let mut officer = Visitor::walking(demo, OFFICER);
    let page = officer.get(entry);
    assert!(page.body.contains("Why on a Sunday?"));
    let word = page.word();
    let answer = [("word", word.as_str()), ("kind", "reply"), ("text", "Duty rota.")];
    assert_eq!(officer.post(&note, &answer).status, 303);
    assert!(auditor.get(entry).body.contains("Duty rota."));
    // The other agency's officer has a view of its own: another reference for the same person.
    let mut other = Visitor::walking(demo, OTHER_OFFICER);
    let theirs = other.get(&format!("/audit?{SPAN}&event=view"));
    assert!(!links(&theirs.body, "/audit/entries/").is_empty());
    let reference = |body: &str| body.split("s-").nth(1).map(|r| r[..24].to_owned()).unwrap();
    assert!(!theirs.body.contains(&reference(&page.body)), "two views cannot be joined");
}

fn who_it_is_is_told_once_after_the_officer_agreed(demo: &Demo, auditor: &mut Visitor, entry: &str) {
    let reference = format!("s-{}", &entry.split("s-").nth(1).unwrap()[..24]);
    let word = auditor.get("/audit/reidentify").word();
    let ask = |visitor: &mut Visitor, word: &str, subject: &str, case: &str, reason: &str| {
        visitor.post("/audit/reidentify", &[("word", word), ("subject", subject), ("case", case), ("reason", reason)])
    };
    for (subject, case, reason) in [
        (reference.as_str(), "", "a complaint"),
        (&reference, "COMPLAINT-7", ""),
        ("p-01", "COMPLAINT-7", "a complaint"),
        ("s-000000000000000000000000", "COMPLAINT-7", "a complaint"),
    ] {
        assert_eq!(ask(auditor, &word, subject, case, reason).status, 422, "{subject} {case} {reason}");
    }
    assert_eq!(ask(auditor, &word, &reference, "COMPLAINT-7", "She asked who looked.").status, 303);
    let waiting = auditor.get("/audit/reidentify");
    assert!(waiting.body.contains("waits for the privacy officer") && !waiting.body.contains("Tell me now"));
    let mut officer = Visitor::walking(demo, OFFICER);
    let page = officer.get("/audit/reidentify");
    let decide = crate::crawl::actions(&page.body).into_iter().find(|a| a.ends_with("/decide")).unwrap();
    let look = decide.replace("/decide", "/look");
    // Not before, not by oneself, not by another agency's officer, not by the officer who agreed.
    assert_eq!(auditor.post(&look, &[("word", &word)]).header("location"), "/audit/reidentify");
    assert_eq!(auditor.post(&decide, &[("word", &word), ("verdict", "approve")]).status, 404);
    let mut other = Visitor::walking(demo, OTHER_OFFICER);
    let word_of_other = other.get("/audit/reidentify").word();
    assert_eq!(other.post(&decide, &[("word", &word_of_other), ("verdict", "approve")]).status, 404);
    let word_of_officer = page.word();
    assert_eq!(officer.post(&decide, &[("word", &word_of_officer), ("verdict", "approve")]).status, 303);
    assert_eq!(officer.post(&look, &[("word", &word_of_officer)]).status, 404);
    let told = auditor.post(&look, &[("word", &word)]);
    assert!(told.body.contains("Lane, born") || told.body.contains("Lane"), "told");
    let again = auditor.post(&look, &[("word", &word)]);
    assert_eq!(again.header("location"), "/audit/reidentify", "once");
    clean(&auditor.get("/audit/reidentify"), "the list afterwards");
    let own = auditor.get(&format!("/audit?{SPAN}&event=audit-reidentify"));
    assert_eq!(links(&own.body, "/audit/entries/").len(), 1, "the look is an entry");
}

fn nobody_else_finds_it(demo: &Demo, entry: &str) {
    for account in ["acc-01", "acc-03", "acc-08", "acc-09", "acc-10", "acc-17", "acc-19"] {
        let mut visitor = Visitor::walking(demo, account);
        let nowhere = visitor.get("/nowhere-at-all");
        for path in
            ["/audit", "/audit?from=2026-10-01&to=2026-10-31", "/audit/questions", "/audit/questions/Q20", entry]
        {
            let answer = visitor.get(path);
            assert_eq!((answer.status, &answer.body), (404, &nowhere.body), "{account} at {path}");
        }
        assert_eq!(visitor.get(&format!("{entry}/proof")).status, 404);
    }
    // An entry that is not there, and one that is no id, look the same to the auditor.
    let mut auditor = Visitor::walking(demo, AUDITOR);
    for path in ["/audit/entries/018f0000-0000-7000-8000-000000000000", "/audit/entries/%00", "/audit/questions/Q21"] {
        assert_eq!(auditor.get(path).status, 404, "{path}");
    }
}

#[test]
fn the_console_is_for_everybodys_eyes_and_hands() {
    if !browser::there_is_one() {
        return;
    }
    let demo = Demo::start();
    a_worker_looks(&demo);
    let browser = Browser::open(true);
    let mut wrong = Vec::new();
    browser.go(&format!("{}/demo", demo.base));
    browser.click(&format!("input[value='{AUDITOR}'] + button"));
    assert_eq!(browser.path(), "/audit");
    wrong.extend(look(&browser, "audit-search-empty"));
    let go = |path: &str| browser.go(&format!("{}{path}", demo.base));
    for (path, name) in [
        ("/audit?from=&to=".to_owned(), "audit-search-wrong"),
        (format!("/audit?{SPAN}"), "audit-search-found"),
        (format!("/audit?{SPAN}&event=key-rotate"), "audit-search-none"),
        ("/audit/questions".to_owned(), "audit-questions"),
        (format!("/audit/questions/Q6?{SPAN}"), "audit-question-refusals"),
        (format!("/audit/questions/Q20?{SPAN}"), "audit-question-sound"),
        (format!("/audit/questions/Q3?{SPAN}&actor=acc-01"), "audit-question-worker"),
        (format!("/audit/questions/Q19?{SPAN}"), "audit-question-missing"),
        ("/audit/integrity".to_owned(), "audit-integrity-green"),
        ("/audit/export".to_owned(), "audit-export"),
        (format!("/audit/charts?{SPAN}"), "audit-charts"),
        ("/audit/charts?from=&to=".to_owned(), "audit-charts-wrong"),
        ("/audit/reidentify".to_owned(), "audit-reidentify"),
    ] {
        go(&path);
        wrong.extend(look(&browser, name));
    }
    go(&format!("/audit?{SPAN}&event=view&actor=acc-01"));
    browser.click("tbody a");
    wrong.extend(look(&browser, "audit-entry"));
    browser.click("button[value=query]");
    wrong.extend(look(&browser, "audit-entry-wrong"));
    // Nothing said where a reason is needed.
    go("/audit/export");
    browser.click("main button");
    wrong.extend(look(&browser, "audit-export-wrong"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_flipped_byte_turns_the_page_red_and_a_kept_checkpoint_shows_since_when() {
    let demo = Demo::start();
    a_worker_looks(&demo);
    let mut auditor = Visitor::walking(&demo, AUDITOR);
    let green = auditor.get("/audit/integrity");
    assert!(green.body.contains("class=\"state green\""), "sound at first");
    clean(&green, "the green state");
    let note =
        green.body.split("tabindex=\"0\">").nth(1).unwrap().split("</pre>").next().unwrap().replace("&#43;", "+");
    let entry =
        links(&auditor.get(&format!("/audit?{SPAN}&event=view&actor=acc-01")).body, "/audit/entries/").remove(0);
    let id = entry.rsplit('/').next().unwrap().to_owned();
    let word = green.word();
    let check = |auditor: &mut Visitor, name: &str, value: &str| {
        auditor.post("/audit/integrity/check", &[("word", &word), (name, value)])
    };
    assert!(check(&mut auditor, "entry", &id).body.contains("is in the log as it was signed"));
    assert!(check(&mut auditor, "entry", "018f0000-0000-7000-8000-000000000000").body.contains("no such entry"));
    assert_eq!(check(&mut auditor, "entry", "").status, 422);
    // A checkpoint as somebody kept it: with the browser's line ends, cut, altered, of another log.
    let kept = note.replace('\n', "\r\n");
    assert!(check(&mut auditor, "note", &kept).body.contains("is the beginning of the log"));
    let altered = note.replacen("demo.solent.example/log1\n", "demo.solent.example/log1\n9", 1);
    assert!(check(&mut auditor, "note", &altered).body.contains("not signed with this log"));
    assert!(check(&mut auditor, "note", "<script>alert(1)</script>").body.contains("not a checkpoint of this log"));
    assert!(!check(&mut auditor, "note", "</textarea><script>").body.contains("<script>"));
    flip_one_byte(&demo, &id);
    let red = auditor.get("/audit/integrity");
    assert!(red.body.contains("class=\"state red\""), "one flipped byte");
    assert!(red.body.contains("What to do first") && red.body.contains(&id), "it names the entry");
    clean(&red, "the red state");
    assert!(check(&mut auditor, "entry", &id).body.contains("is not what was signed"));
    // Whatever else needs the entry says so too and leads to that page; it never asks to try again.
    let days = [("from", "2026-09-01"), ("to", "2026-12-31"), ("form", "csv"), ("reason", "It looks altered")];
    let taken = [&[("word", word.as_str())], &days[..]].concat();
    let worker = format!("{SPAN}&actor=acc-01");
    for stopped in [
        auditor.get(&entry),
        auditor.get(&format!("{entry}/proof")),
        auditor.get(&format!("/audit?{worker}&event=view")),
        auditor.get(&format!("/audit/questions/Q3?{worker}")),
        auditor.post("/audit/export", &taken),
    ] {
        assert_eq!(stopped.status, 500);
        assert!(stopped.body.contains("is not what was signed, or cannot be opened"), "{}", stopped.body);
        assert!(stopped.body.contains("href=\"/audit/integrity\"") && !stopped.body.contains("in a few minutes"));
        clean(&stopped, "a page that stopped");
    }
    // What does not need it is shown.
    assert_eq!(auditor.get(&format!("/audit?{SPAN}&event=key-rotate")).status, 200);
    if browser::there_is_one() {
        let browser = Browser::open(true);
        browser.go(&format!("{}/demo", demo.base));
        browser.click(&format!("input[value='{AUDITOR}'] + button"));
        browser.go(&format!("{}/audit/integrity", demo.base));
        let mut wrong = look(&browser, "audit-integrity-red");
        browser.go(&format!("{}{entry}", demo.base));
        wrong.extend(look(&browser, "audit-altered"));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn a_question_asked_wrongly_says_what_is_wrong_and_asks_nothing() {
    let demo = Demo::start();
    a_worker_looks(&demo);
    let mut auditor = Visitor::walking(&demo, AUDITOR);
    for (wrong, said) in [
        ("after=zzz", "Search again from the beginning"),
        ("after=1.x", "Search again from the beginning"),
        ("agency=nobody", "Choose an agency"),
        ("reason=nothing", "Choose a reason from the list"),
        ("role=ZZ", "Choose a role from the list"),
        ("event=nothing", "Choose what was done from the list"),
        ("category=ZZZ", "Choose a category from the list"),
    ] {
        let answer = auditor.get(&format!("/audit?{SPAN}&{wrong}"));
        assert_eq!(answer.status, 422, "{wrong}");
        assert!(answer.body.contains(said) && !answer.body.contains("was recorded in the log"), "{wrong}");
    }
    let reversed = auditor.get("/audit?from=2026-12-31&to=2026-09-01");
    assert!(reversed.status == 422 && reversed.body.contains("not before the first"));
    // What a form does not show narrows nothing: the same worker's day with and without it.
    let day = |auditor: &mut Visitor, also: &str| {
        let path = format!("/audit/questions/Q3?{SPAN}&actor=acc-01{also}");
        links(&auditor.get(&path).body, "/audit/entries/")
    };
    let whole = day(&mut auditor, "");
    assert!(!whole.is_empty());
    assert_eq!(day(&mut auditor, "&agency=southdown-mh&role=SW&event=key-rotate"), whole);
}

#[test]
fn an_answer_says_its_codes_in_words_and_that_a_count_is_not_given() {
    let demo = Demo::start();
    a_worker_looks(&demo);
    let mut auditor = Visitor::walking(&demo, AUDITOR);
    let views = auditor.get(&format!("/audit?{SPAN}&event=view&actor=acc-01"));
    // By her permission P-101 (the story's facts): recorded on 5 October, until 14 March.
    let id = links(&views.body, "/audit/entries/").remove(0).rsplit('/').next().unwrap().to_owned();
    let covered = auditor.get(&format!("/audit/questions/Q8?{SPAN}&entry={id}")).body;
    let row = covered.split("P-101").nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(row.contains(">5 October 2026") && row.contains(">14 March 2027<") && row.contains(">agreed<"), "{row}");
    assert!(covered.contains("UK GDPR Article 6"), "{covered}");
    let again = auditor.get(&format!("/audit/questions/Q2?{SPAN}&entry={id}")).body;
    assert!(again.contains("a summary, by permission"));
    let refusals = auditor.get(&format!("/audit/questions/Q6?{SPAN}")).body;
    assert!(refusals.contains(">not shown<"), "a small count is no empty cell");
    for page in [&covered, &again, &refusals] {
        for code in ["ALLOW-", "D-REL", "D-MATRIX", "PERMISSION-"] {
            assert!(!page.split("<h2>Answer").nth(1).unwrap().contains(code), "{code}");
        }
    }
}

/// A look at the log is bounded: over a long span it may find nothing yet, and says how far it came.
#[test]
fn a_search_that_stops_on_its_way_says_up_to_when_and_goes_on_from_there() {
    let demo = Demo::start();
    a_worker_looks(&demo);
    let mut auditor = Visitor::walking(&demo, AUDITOR);
    let path = format!("/audit?{SPAN}&event=view&actor=acc-01");
    let found = links(&auditor.get(&path).body, "/audit/entries/");
    // A hundred thousand of her looks in September, of which nothing is kept.
    crowd(&demo, found[0].rsplit('/').next().unwrap(), "2026-09-07T10:30:00Z");
    let page = auditor.get(&path);
    assert!(page.body.contains("Nothing found up to 7 September 2026, 11:30. The log is long: go on to look further."));
    assert!(!page.body.contains("<p>Nothing found.</p>"));
    let next = links(&page.body, "/audit?from=").pop().expect("it goes on").replace("&#38;", "&").replace("&amp;", "&");
    let next_page = auditor.get(&next);
    assert_eq!(links(&next_page.body, "/audit/entries/"), found, "and finds what comes later");
    if browser::there_is_one() {
        let browser = Browser::open(true);
        browser.go(&format!("{}/demo", demo.base));
        browser.click(&format!("input[value='{AUDITOR}'] + button"));
        browser.go(&format!("{}{path}", demo.base));
        let wrong = look(&browser, "audit-search-none-yet");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// Writes a hundred thousand rows of the index like that of an entry, at this time, in a log that keeps nothing.
fn crowd(demo: &Demo, like: &str, at: &str) {
    let at = solent::clock::Moment::parse(at).unwrap().millis();
    let path = demo.file("solent.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::Connection as _;
        let mut db = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        sqlx::query(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001) \
             INSERT INTO log_index SELECT 'nowhere.example/log', n.i, $1, x.event, x.outcome, x.flags, x.actor, x.hat, \
             x.role, x.agency, x.subject, x.case_ref, x.purpose, x.reason, x.shown_full, x.shown_part, x.shown_none, \
             x.withheld FROM n, log_index x JOIN log_entry e ON e.origin = x.origin AND e.idx = x.idx WHERE e.id = $2",
        )
        .bind(at)
        .bind(like)
        .execute(&mut db)
        .await
        .unwrap();
    });
}

/// Flips the lowest bit of the last byte of what one entry sealed, behind the gateway's back.
fn flip_one_byte(demo: &Demo, id: &str) {
    let path = demo.file("solent.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{Connection as _, Row as _};
        let mut db = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        let row = sqlx::query("SELECT sealed FROM log_entry WHERE id = $1").bind(id).fetch_one(&mut db).await.unwrap();
        let mut sealed: Vec<u8> = row.get(0);
        *sealed.last_mut().unwrap() ^= 1;
        sqlx::query("UPDATE log_entry SET sealed = $1 WHERE id = $2")
            .bind(sealed)
            .bind(id)
            .execute(&mut db)
            .await
            .unwrap();
    });
}

#[test]
fn an_export_needs_a_reason_is_guarded_marked_proved_and_an_entry_itself() {
    let demo = Demo::start();
    a_worker_looks(&demo);
    let mut auditor = Visitor::walking(&demo, AUDITOR);
    let word = auditor.get("/audit/export").word();
    let take = |visitor: &mut Visitor, word: &str, form: &str, reason: &str| {
        let days = [("from", "2026-09-01"), ("to", "2026-12-31")];
        let mut fields = vec![("word", word), ("form", form), ("reason", reason)];
        fields.extend(days);
        visitor.post("/audit/export", &fields)
    };
    assert_eq!(take(&mut auditor, &word, "csv", "").status, 422);
    assert_eq!(take(&mut auditor, &word, "xls", "a good reason").status, 400);
    let table = take(&mut auditor, &word, "csv", "Yearly review of the partnership");
    assert_eq!(table.status, 200);
    assert!(table.header("content-disposition").starts_with("attachment; filename=\"solent-audit-"));
    clean(&table, "the table");
    let mut lines = table.body.lines();
    assert!(lines.next().unwrap().ends_with(",watermark"));
    for line in lines {
        assert!(line.contains(&format!(" by {AUDITOR} at ")), "each line says where it comes from");
        assert!(!line.split(',').any(|cell| cell.starts_with(['=', '+', '-', '@'])), "no cell is a formula");
    }
    let lines = take(&mut auditor, &word, "jsonl", "Yearly review of the partnership");
    assert!(lines.body.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["watermark"].is_string()));
    let extract = take(&mut auditor, &word, "extract", "Yearly review of the partnership");
    clean(&extract, "the extract");
    let key = auditor.get("/audit/integrity").body;
    let key = key.split("demo.solent.example/log1+").nth(1).or_else(|| key.split("log1&#43;").nth(1)).unwrap();
    let key = key.split('<').next().unwrap().replace("&#43;", "+");
    let file = demo.file("extract.txt");
    let verify = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let key = format!("demo.solent.example/log1+{key}");
        let file = file.to_str().unwrap();
        let args = ["audit", "verify", "--extract", file, "--vkey", &key];
        std::process::Command::new(env!("CARGO_BIN_EXE_solent")).args(args).output().unwrap()
    };
    let sound = verify(&extract.body);
    assert!(sound.status.success(), "{}", String::from_utf8_lossy(&sound.stderr));
    assert!(!verify(&extract.body.replacen("\"partial\"", "\"allow\"", 1)).status.success());
    // Each is an entry, with the digest of the file.
    let own = auditor.get(&format!("/audit?{SPAN}&event=audit-export&actor={AUDITOR}"));
    assert_eq!(links(&own.body, "/audit/entries/").len(), 3);
    // Nobody else's form, and nobody else.
    let mut officer = Visitor::walking(&demo, OFFICER);
    assert_eq!(take(&mut officer, &word, "csv", "a good reason").status, 403);
    let mut worker = Visitor::walking(&demo, "acc-01");
    let word = worker.get("/families").word();
    assert_eq!(take(&mut worker, &word, "csv", "a good reason").status, 404);
}

#[test]
fn a_chart_its_picture_and_its_table_say_the_same_and_no_small_number() {
    let demo = Demo::start();
    a_worker_looks(&demo);
    let mut auditor = Visitor::walking(&demo, AUDITOR);
    let page = auditor.get(&format!("/audit/charts?{SPAN}"));
    clean(&page, "the charts");
    let between = |text: &str, start: &str, end: &str| -> Vec<String> {
        text.split(start).skip(1).map(|r| r.split(end).next().unwrap().to_owned()).collect()
    };
    let mut small = 0;
    let mut pictures = 0;
    for section in between(&page.body, "<section aria-labelledby", "</section>") {
        let Some(said) = between(&section, "-facts\">", "</desc>").pop() else { continue };
        pictures += 1;
        // Each row of the table, joined as the picture's words join it.
        let rows = between(section.split("<tbody>").nth(1).unwrap(), "<tr><td ", "</tr>");
        let facts: Vec<(String, String)> = rows
            .iter()
            .map(|row| {
                let cell = |c: &'_ str| {
                    c.split_once('>').map_or(c, |(_, said)| said).split("</td>").next().unwrap().to_owned()
                };
                let cells: Vec<String> = row.split("<td ").map(cell).collect();
                (cells[0].clone(), cells.last().unwrap().clone())
            })
            .collect();
        for (label, value) in &facts {
            assert!(
                said.contains(label.as_str()) && said.contains(value.as_str()),
                "{label}: {value} is in the picture"
            );
            if let Ok(number) = value.parse::<i64>() {
                assert!(number == 0 || number >= 5, "{label}: {value} is small");
            }
            small += usize::from(value == "fewer than 5");
        }
        assert_eq!(said.matches(": ").count(), facts.len(), "and nothing else is");
    }
    assert!(pictures >= 2 && small > 0, "the story has charts with small numbers: {pictures}, {small}");
    assert!(page.body.contains("Southdown mental health trust"));
}
