//! People read words: no id of a hat, an account or a team where a name belongs, on any page of those who work with families,
//! schools and surgeries.

use crate::crawl::{CAST, crawl, enter, state_purposes};
use crate::danger::send;
use crate::demo::Demo;

/// What a page says: its text without tags and what is hidden from nobody.
fn said(body: &str) -> String {
    let main = body.split("<body>").nth(1).unwrap_or(body);
    let mut text = String::new();
    for part in main.split('<') {
        text.push(' ');
        text.push_str(part.split_once('>').map_or(part, |(_, words)| words));
    }
    text
}

/// The ids that a text says.
fn ids(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').map(str::to_owned);
    let is_id = |word: &String| {
        let ulid = word.len() == 26 && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        let uuid = word.len() == 36 && word.matches('-').count() == 4;
        let named = ["hat-", "acc-", "cin-2", "fit-2"].iter().any(|start| word.starts_with(start));
        named || ulid || uuid
    };
    words.filter(is_id).collect()
}

#[test]
fn a_page_for_people_says_names_and_words_and_no_ids_of_hats_accounts_or_teams() {
    let demo = Demo::start();
    // Something on every page: a delegation, a draft, a brief, a note.
    let mut worker = enter(&demo, "acc-01", None);
    worker.state("case-01", "CIN");
    let form = [("assistant", "hat-pa"), ("delegated_until", "2027-03-31"), ("delegated_why", "Supervision note")];
    assert_eq!(send(&mut worker, "/delegating/delegations", &form).status, 303);
    let mut assistant = enter(&demo, "acc-17", None);
    assistant.state("case-01", "CIN");
    let page = assistant.get("/families/case-01/entry").body;
    assert!(page.contains("Jo Whitlock for Priya Nair"), "the bar says for whom (PA-2)");
    let to =
        page.split("action=\"").filter_map(|r| r.split('"').next()).find(|a| a.contains("/entry/")).unwrap().to_owned();
    let entry = [
        ("entry_person", "p-02"),
        ("entry_when", "2026-10-12"),
        ("entry_kind", "CSN"),
        ("entry_statement", "reported"),
        ("entry_others", "no"),
        ("entry_account", "He rang."),
    ];
    assert_eq!(send(&mut assistant, &to, &entry).status, 303);
    let mut volunteer = enter(&demo, "acc-19", None);
    assert_eq!(send(&mut volunteer, "/brief/rel-09/note", &[("visit_note", "We went swimming")]).status, 303);
    let lead = [("new_lead", "hat-fsm"), ("lead_why", "Plan meeting")];
    assert_eq!(send(&mut worker, "/delegating/leads/case-01", &lead).status, 303);
    let mut seen = 0;
    for (account, hat) in CAST {
        let mut visitor = enter(&demo, account, hat);
        for nth in 0..2 {
            state_purposes(&mut visitor, nth);
            for (path, answer) in crawl(&mut visitor) {
                // The log, what officers review and a person's choices name them as they stand in the log and on the record.
                if ["/audit", "/review", "/operator", "/permissions"].iter().any(|part| path.contains(part)) {
                    continue;
                }
                seen += 1;
                let found = ids(&said(&answer.body));
                assert!(found.is_empty(), "{account} {path}: {found:?}");
            }
        }
    }
    assert!(seen > 100, "{seen}");
    let page = enter(&demo, "acc-01", None).get("/delegating").body;
    for words in ["Jo Whitlock", "Tomas Reid, substance misuse specialist in the team", "Child in need team 2"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = enter(&demo, "acc-18", None).get("/volunteers").body;
    assert!(page.contains(">Ben Sato</a>"), "{page}");
}
