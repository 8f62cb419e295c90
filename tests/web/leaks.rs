//! What is withheld is absent: words of withheld segments, looked for on every page that each person of the cast can open.

use crate::demo::Demo;
use crate::visitor::Visitor;

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
const CAST: [(&str, Option<&str>); 8] = [
    ("acc-01", None),
    ("acc-02", None),
    ("acc-03", None),
    ("acc-04", None),
    ("acc-05", Some("hat-fmh")),
    ("acc-06", None),
    ("acc-07", None),
    ("acc-08", None),
];

#[test]
fn withheld_words_are_on_no_page_of_anybody_who_may_not_read_them() {
    let demo = Demo::start();
    let mut seen_by_social_worker = 0;
    for (account, hat) in CAST {
        let mut visitor = Visitor::walking(&demo, account);
        if let Some(hat) = hat {
            let word = visitor.get("/hat").word();
            assert_eq!(visitor.post("/hat", &[("hat", hat), ("word", &word)]).status, 303);
        }
        let mut pages = vec![visitor.get("/families")];
        let families: Vec<String> = pages[0]
            .body
            .split("href=\"/families/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap_or_default().to_owned())
            .collect();
        assert!(!families.is_empty(), "{account} has a family");
        for family in families {
            let choice = visitor.get(&format!("/families/{family}/purpose"));
            for purpose in ["CP", "CIN", "DC", "MET", "EH"] {
                if choice.body.contains(&format!("value=\"{purpose}\"")) {
                    visitor.state(&family, purpose);
                    pages.push(visitor.get(&format!("/families/{family}")));
                    pages.push(visitor.get(&format!("/families/{family}/chronology")));
                }
            }
        }
        for (canary, allowed) in CANARIES {
            let found = pages
                .iter()
                .filter(|p| p.body.contains(canary) || p.headers.values().any(|value| value.contains(canary)));
            let found = found.count();
            assert!(found == 0 || allowed.contains(&account), "{account} reads {canary}");
            seen_by_social_worker += usize::from(account == "acc-01" && found > 0);
        }
    }
    assert_eq!(seen_by_social_worker, CANARIES.len(), "the search would see them: the social worker's pages hold each");
}
