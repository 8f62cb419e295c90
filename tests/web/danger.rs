//! What is withheld: asking for it, opening it for safety, approving, the banner, the end, the review.

use crate::clocked::Clocked;
use crate::visitor::{Answer, Visitor};

const ANSWERS: [(&str, &str); 5] = [
    ("harm", "Her partner was seen near her home tonight"),
    ("needed", "Where she is"),
    ("why_not_less", "Nobody at the council answers"),
    ("proportionate", "One part of her record"),
    ("telling_risk", "It would raise no risk"),
];

/// The first address on a page that holds this.
pub fn link(page: &Answer, part: &str) -> String {
    let found = page.body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    found.into_iter().find(|href| href.contains(part)).unwrap_or_else(|| panic!("no link with {part}")).to_owned()
}

pub fn send(visitor: &mut Visitor, path: &str, fields: &[(&str, &str)]) -> Answer {
    let word = visitor.get("/hat").word();
    let mut all = fields.to_vec();
    all.push(("word", &word));
    visitor.post(path, &all)
}

/// A clinician of ClearWay, on the mother's record for direct care: the protected address is held by the council, and shown
/// to exist.
fn clinician(house: &Clocked) -> Visitor {
    let mut worker = house.walking("acc-07");
    worker.state("p-01", "DC");
    worker
}

/// What stands on the refuge's segment alone.
const ADDRESS: &str = "Larkspur";

#[test]
fn what_is_withheld_is_asked_for_and_its_custodian_answers() {
    let house = Clocked::start();
    let mut worker = clinician(&house);
    let page = worker.get("/families/p-01");
    assert!(!page.body.contains(ADDRESS));
    let asking = link(&page, "/withheld/LOC");
    let why = worker.get(&asking);
    assert_eq!(why.status, 200);
    assert!(why.body.contains("Harbourshire children") && !why.body.contains(ADDRESS));
    // Nothing is asked about what no marker shows, and nobody else has this page.
    assert_eq!(worker.get(&asking.replace("/LOC", "/MHN")).status, 404);
    assert_eq!(worker.get(&asking.replace("/LOC", "/XXX")).status, 404);
    let mut other = house.walking("acc-01");
    other.state("case-01", "CIN");
    assert_eq!(other.get(&asking).status, 404);
    let answer = send(&mut worker, &asking, &[("what", "May I write to her?"), ("how_soon", "days")]);
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("May I write to her?"), "what was typed is kept");
    let form = [("what", "May I write to her?"), ("why_needed", "An appointment letter"), ("how_soon", "days")];
    assert_eq!(send(&mut worker, &asking, &form).header("location"), "/families");
    let waiting = worker.get("/families");
    assert!(waiting.body.contains("Access: Protected address") && waiting.body.contains("Waiting for an answer"));
    // The council's privacy officer has it; another agency's has not, nor an auditor or a worker.
    let mut officer = house.walking("acc-14");
    let request = link(&officer.get("/review"), "/review/requests/");
    let shown = officer.get(&request);
    assert!(shown.body.contains("An appointment letter") && !shown.body.contains(ADDRESS));
    let nowhere = officer.get("/review/requests/0190");
    assert_eq!(nowhere.status, 404);
    for account in ["acc-15", "acc-16", "acc-01", "acc-19", "acc-10"] {
        assert_eq!(house.walking(account).get(&request).body, nowhere.body, "{account}");
    }
    assert_eq!(send(&mut officer, &request, &[("access_answer", "will-ring")]).status, 422, "an answer has words");
    let said = [("access_answer", "cannot-share"), ("said", "Please write to the social worker, who passes it on.")];
    assert_eq!(send(&mut officer, &request, &said).status, 303);
    assert_ne!(send(&mut officer, &request, &said).status, 303, "it is answered once");
    let answered = worker.get("/families").body;
    assert!(answered.contains("We cannot share this") && answered.contains("who passes it on"));
    assert!(!worker.get("/families/p-01").body.contains(ADDRESS), "an answer opens nothing");
    // ClearWay has no privacy officer: its manager has the queue; the council's managers are told who has theirs.
    assert!(house.walking("acc-16").get("/review").body.contains("Requests for access"));
    assert!(house.walking("acc-12").get("/review").body.contains("privacy officer, who sees to this"));
    for account in ["acc-01", "acc-08", "acc-19"] {
        assert_eq!(house.walking(account).get("/review").status, 404, "{account}");
    }
}

/// Fills in the four pages; leaves the last unsent and returns its address.
fn fill_in(worker: &mut Visitor, start: &str, imminent: &str) -> String {
    assert_eq!(send(worker, &format!("{start}/danger"), &[]).status, 422);
    assert_eq!(send(worker, &format!("{start}/danger"), &[("imminent", imminent)]).status, 303);
    let answer = send(worker, &format!("{start}/questions"), &ANSWERS[..4]);
    assert_eq!(answer.status, 422, "one answer is missing (R37)");
    assert!(answer.body.contains("Her partner was seen"), "what was typed is kept");
    assert_eq!(send(worker, &format!("{start}/check"), &[]).header("location"), format!("{start}/questions"));
    assert_eq!(send(worker, &format!("{start}/questions"), &ANSWERS).status, 303);
    for nothing in [&[][..], &[("categories", "INT")][..], &[("categories", "ADP")][..], &[("categories", "TPI")][..]] {
        assert_eq!(send(worker, &format!("{start}/scope"), nothing).status, 422, "never opened (R42): {nothing:?}");
    }
    let answer = send(worker, &format!("{start}/scope"), &[("categories", "LOC")]);
    assert_eq!(answer.header("location"), format!("{start}/check"));
    let check = worker.get(&format!("{start}/check"));
    assert!(ANSWERS.iter().all(|(_, said)| check.body.contains(said)));
    format!("{start}/check")
}

#[test]
fn an_override_is_approved_by_another_counts_down_ends_and_is_reviewed() {
    let house = Clocked::start();
    let mut worker = clinician(&house);
    let start = link(&worker.get("/families/p-01"), "/open/danger").replace("/danger", "");
    let check = fill_in(&mut worker, &start, "no");
    assert_eq!(send(&mut worker, &check, &[]).header("location"), "/families/p-01");
    assert!(worker.get("/families").body.contains("Waiting for approval"));
    assert!(!worker.get("/families/p-01").body.contains(ADDRESS), "not before it is approved (R39)");
    // Roles that may not, and other agencies' managers, have no such page.
    for account in ["acc-08", "acc-03", "acc-19"] {
        let mut other = house.walking(account);
        assert_eq!(other.get(&format!("{start}/danger")).status, 404, "{account}");
        assert_eq!(other.get("/approvals").status, 404, "{account}");
    }
    assert_eq!(worker.get("/approvals").status, 404);
    let mut lead = house.walking("acc-16");
    let waiting = link(&lead.get("/approvals"), "/approvals/");
    assert_eq!(house.walking("acc-12").get(&waiting).status, 404, "a manager of another agency");
    let shown = lead.get(&waiting);
    assert!(ANSWERS.iter().all(|(_, said)| shown.body.contains(said)));
    assert!(!shown.body.contains(ADDRESS));
    assert_eq!(send(&mut lead, &waiting, &[("also", "refuse")]).status, 422, "a refusal needs a reason");
    assert_eq!(send(&mut lead, &waiting, &[]).status, 303);
    let open = worker.get("/families/p-01");
    assert!(
        open.body.contains(ADDRESS) && open.body.contains("Opened for safety") && open.body.contains("in 23 hours")
    );
    assert!(worker.get("/families").body.contains("Opened for safety"), "the banner is on each page");
    let told = link(&open, "/told");
    assert_eq!(house.walking("acc-01").get(&told).status, 404);

    // The custodian's officer cannot close it before it is said whether she was told (R43).
    let mut officer = house.walking("acc-14");
    let card = link(&officer.get("/review"), "/review/overrides/");
    let shown = officer.get(&card);
    assert!(ANSWERS.iter().all(|(_, said)| shown.body.contains(said)), "the five answers");
    assert!(shown.body.contains("Protected address, in full"), "what was opened");
    assert!(!shown.body.contains(ADDRESS) && !shown.body.contains("Dana"));
    assert_eq!(send(&mut officer, &card, &[("verdict", "justified")]).status, 422);
    assert_eq!(house.walking("acc-15").get(&card).status, 404, "not an agency that holds anything of it");
    // An auditor reads it without what people wrote, and decides nothing.
    let mut auditor = house.walking("acc-20");
    let read = auditor.get(&card);
    assert_eq!(read.status, 200);
    assert!(!ANSWERS.iter().any(|(_, said)| read.body.contains(said)) && !read.body.contains("name=\"verdict\""));
    assert_eq!(send(&mut auditor, &card, &[("verdict", "needs-more"), ("found", "x")]).status, 404);

    assert_eq!(send(&mut worker, &told, &[("told", "no"), ("told_why", "He reads her post")]).status, 422);
    let form = [("told", "no"), ("told_why", "He reads her post"), ("told_review", "2026-11-05")];
    assert_eq!(send(&mut worker, &told, &form).status, 303);

    // 24 hours later nothing is open (R40).
    house.at("2026-10-23T08:10:00Z");
    let mut worker = clinician(&house);
    let after = worker.get("/families/p-01");
    assert!(!after.body.contains(ADDRESS) && !after.body.contains("Opened for safety:"));
    let mut officer = house.walking("acc-14");
    assert_eq!(send(&mut officer, &card, &[("verdict", "justified")]).status, 303);
    let done = officer.get(&card);
    assert!(done.body.contains("It was justified"));
    let mut auditor = house.walking("acc-20");
    assert!(auditor.get(&card).body.contains("It was justified"), "the auditor reads the verdict");
    house.events(&["ovr-request", "ovr-approve", "ovr-review", "audit-query"]);
}

#[test]
fn imminent_danger_opens_at_once_and_asks_whether_the_person_was_told() {
    let house = Clocked::start();
    let mut worker = clinician(&house);
    let start = link(&worker.get("/families/p-01"), "/open/danger").replace("/danger", "");
    let check = fill_in(&mut worker, &start, "yes");
    assert_eq!(send(&mut worker, &check, &[]).status, 303);
    assert!(worker.get("/families/p-01").body.contains(ADDRESS), "without approval (R45)");
    // Its end does not end the question (R43).
    house.at("2026-10-23T08:10:00Z");
    let mut worker = clinician(&house);
    let after = worker.get("/families/p-01");
    assert!(!after.body.contains(ADDRESS));
    let told = link(&after, "/told");
    assert_eq!(send(&mut worker, &told, &[("told", "yes"), ("told_why", "By telephone")]).status, 303);
    assert!(!worker.get("/families").body.contains("/told"));
    house.events(&["emg-use", "ovr-review"]);
}

/// Nobody of the worker's, found by a search: claimed for a day with a reason, then opened at once as life is in danger.
#[test]
fn somebody_in_danger_who_is_nobody_of_mine_is_reached_by_a_search_a_reason_and_the_five_answers() {
    let house = Clocked::start();
    let mut worker = house.walking("acc-07");
    let claim = "/claims/p-05";
    assert_eq!(worker.get(claim).status, 404, "nobody is claimed whom no search found");
    let why = [("claim_purpose", "DC"), ("claim_why", "He collapsed in our waiting room")];
    assert_eq!(send(&mut worker, claim, &why).status, 404);
    let found = send(&mut worker, "/families/search", &[("scheme", "nhs-number"), ("number", "9990000050")]);
    assert_eq!(link(&found, "/claims/"), claim);
    assert!(worker.get(claim).body.contains("Ade Okoro"));
    assert_eq!(send(&mut worker, claim, &why[..1]).status, 422);
    assert_eq!(send(&mut worker, claim, &[("claim_purpose", "LE"), why[1]]).status, 422, "a purpose of the role's");
    let word = worker.get(claim).word();
    for _ in 0..2 {
        let answer = worker.post(claim, &[why[0], why[1], ("word", &word)]);
        assert_eq!((answer.status, answer.header("location")), (303, "/families/p-05"));
    }
    assert_eq!(house.count("rel-selfclaim"), 1, "claimed twice by one button it is one claim");
    assert_eq!(worker.get("/families/p-05").status, 200);
    assert!(worker.get("/families").body.contains("claimed by you"));
    let at = |step: &str| format!("/families/p-05/people/p-05/open/{step}");
    assert_eq!(send(&mut worker, &at("danger"), &[("imminent", "yes")]).status, 303);
    assert_eq!(send(&mut worker, &at("questions"), &ANSWERS).status, 303);
    assert_eq!(send(&mut worker, &at("scope"), &[("categories", "MHL")]).status, 303);
    assert_eq!(send(&mut worker, &at("check"), &[]).status, 303);
    house.events(&["search", "rel-selfclaim", "emg-use"]);
    // Nobody else gets there by it; an hour after the search not even who searched; a day later the record is closed.
    let mut other = house.walking("acc-06");
    assert_eq!(other.get(claim).status, 404);
    house.at("2026-10-22T09:30:00Z");
    assert_eq!(house.walking("acc-07").get(claim).status, 404);
    house.at("2026-10-23T08:30:00Z");
    assert_eq!(house.walking("acc-07").get("/families/p-05").status, 404);
    // A role that may not claim is not offered it.
    let found =
        send(&mut house.walking("acc-03"), "/families/search", &[("scheme", "nhs-number"), ("number", "9990000050")]);
    assert!(!found.body.contains("/claims/"));
}
