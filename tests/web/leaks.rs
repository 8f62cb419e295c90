//! What is withheld is absent: words of withheld segments, looked for on every page that each person of the cast can open.

use crate::crawl::{CAST, crawl, enter, state_purposes};
use crate::demo::Demo;
use crate::visitor::{Answer, Visitor};

/// Words that stand in one segment of the story, and who may read them (`docs/demo/cast.yaml`); nobody else may.
const CANARIES: [(&str, &[&str]); 4] = [
    // The refuge: the social worker and the victim-survivor's worker (LOC).
    ("Larkspur", &["acc-01", "acc-02"]),
    ("HZ9", &["acc-01", "acc-02"]),
    // What she told Haven in full (DAB at F).
    ("Wrist held", &["acc-01", "acc-02"]),
    // Her mental health summary: by her permission; not for the school, not for his worker.
    ("Under our care for depression", &["acc-01", "acc-02", "acc-04", "acc-05", "acc-06", "acc-07"]),
];
/// Who stands in for a worker of the story and may read what that worker reads (supervisor, assistant).
const AS_THE_SOCIAL_WORKER: [&str; 1] = ["acc-12"];

/// What is made by chance (nonces, tokens, hashes, signatures) stands in rows of this many letters and digits or more; no
/// word of anybody's record does. A short canary turns up in enough of them: "HZ9" once in 260,000 letters.
const BY_CHANCE_CHARS: usize = 20;

/// Whether the text says the word: anywhere but within such a row.
pub fn is_written(text: &str, word: &str) -> bool {
    let chance = |c: char| c.is_ascii_alphanumeric() || "+/=-_".contains(c);
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().rev().take_while(|c| chance(*c)).count();
        let row = before + text[at..].chars().take_while(|c| chance(*c)).count();
        row < BY_CHANCE_CHARS
    })
}

#[test]
fn a_word_by_chance_within_a_signature_is_no_leak_and_any_other_is() {
    for said in
        ["at HZ9 4QT", "<p>HZ9</p>", "HZ9", "\"postcode\":\"HZ94QT\"", "/x?q=HZ9", "Under our care for depression"]
    {
        let word = if said.starts_with("Under") { "Under our care for depression" } else { "HZ9" };
        assert!(is_written(said, word), "{said}");
    }
    assert!(!is_written("sig: kL0aHZ9xPq/8sVw2mE5tYb7nRd+1cGf==", "HZ9"));
}

#[test]
fn withheld_words_are_on_no_page_print_export_or_header_of_anybody_who_may_not_read_them() {
    let demo = Demo::start();
    let mut seen_by_social_worker = 0;
    for (account, hat) in CAST {
        let mut visitor = enter(&demo, account, hat);
        let mut pages = Vec::new();
        let mut nth = 0;
        // Every page, for every purpose that may be stated.
        loop {
            let more = state_purposes(&mut visitor, nth);
            if nth > 0 && !more {
                break;
            }
            pages.extend(crawl(&mut visitor));
            nth += 1;
        }
        // A volunteer has one (R51).
        assert!(!pages.is_empty(), "{account} has pages");
        pages.extend(files(&mut visitor, &pages));
        let found = |canary: &str| {
            let in_page = |(_, page): &&(String, Answer)| {
                is_written(&page.body, canary) || page.headers.values().any(|value| is_written(value, canary))
            };
            let at = pages.iter().find(in_page).map(|(path, _)| path.clone());
            // Nothing of it in an address either: those are kept in histories.
            at.or_else(|| pages.iter().find(|(path, _)| path.contains(canary)).map(|(path, _)| path.clone()))
        };
        for (canary, allowed) in CANARIES {
            let may = allowed.contains(&account) || AS_THE_SOCIAL_WORKER.contains(&account);
            let seen = found(canary);
            assert!(may || seen.is_none(), "{account} reads {canary} at {seen:?}");
            seen_by_social_worker += usize::from(account == "acc-01" && seen.is_some());
        }
        if READ_THE_LOG.contains(&account) {
            for never in crate::audit::NEVER {
                assert_eq!(found(never), None, "{account} reads {never}");
            }
        }
    }
    assert_eq!(seen_by_social_worker, CANARIES.len(), "the search would see them: the social worker's pages hold each");
    the_programs_own_log_holds_none(&demo);
}

/// Whose pages show the log: no name, no number, no content, no id of the gateway's own.
const READ_THE_LOG: [&str; 3] = ["acc-14", "acc-15", "acc-20"];

/// What can be downloaded: exports in every form, proofs.
fn files(visitor: &mut Visitor, pages: &[(String, Answer)]) -> Vec<(String, Answer)> {
    if visitor.get("/audit/export").status != 200 {
        return Vec::new();
    }
    let word = visitor.get("/audit/export").word();
    let mut files = Vec::new();
    for form in ["csv", "jsonl", "extract"] {
        let fields = [("word", word.as_str()), ("form", form), ("reason", "looking for leaks")];
        let days = [("from", "2026-09-01"), ("to", "2026-12-31")];
        let file = visitor.post("/audit/export", &[fields.as_slice(), days.as_slice()].concat());
        assert_eq!(file.status, 200, "{form}");
        files.push((format!("export {form}"), file));
    }
    let entry = pages.iter().map(|(path, _)| path).find(|p| p.starts_with("/audit/entries/"));
    let proof = format!("{}/proof", entry.expect("an entry was opened").trim_end_matches("/proof"));
    files.push((proof.clone(), visitor.get(&proof)));
    files
}

/// What the program writes about itself while all this happens holds no word of anybody's record.
fn the_programs_own_log_holds_none(demo: &Demo) {
    let written = demo.log();
    for (canary, _) in CANARIES {
        assert!(!written.contains(canary), "the program's own log holds {canary}");
    }
    // What is kept is sealed: the database holds none of it in clear.
    for name in ["solent.db", "solent.db-wal"] {
        let bytes = std::fs::read(demo.file(name)).unwrap_or_default();
        for (canary, _) in CANARIES {
            // "HZ9" is too short to look for in sealed bytes: chance would find it.
            let found = canary.len() > 4 && bytes.windows(canary.len()).any(|w| w == canary.as_bytes());
            assert!(!found, "{name} holds {canary} in clear");
        }
    }
}
