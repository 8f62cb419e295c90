//! The pages of danger, work and volunteers in a real browser: axe at every width, one heading, no sideways scrolling.

use crate::browser::{self, Browser};
use crate::clocked::Clocked;
use crate::joining;
use crate::pages::look;

struct Looking {
    house: Clocked,
    browser: Browser,
    wrong: Vec<String>,
}

impl Looking {
    fn walk(&self, account: &str) {
        self.go("/demo");
        self.browser.click(&format!("input[value='{account}'] + button"));
    }
    fn go(&self, path: &str) {
        self.browser.go(&format!("{}{path}", self.house.base));
    }
    fn look(&mut self, name: &str) {
        self.wrong.extend(look(&self.browser, name));
    }
    fn purpose(&self, family: &str, code: &str) {
        self.go(&format!("/families/{family}/purpose"));
        self.browser.click(&format!("input[value='{code}']"));
        self.browser.click("main button");
    }
}

#[test]
fn pages_of_danger_work_and_volunteers_pass_axe_at_every_width() {
    if !browser::there_is_one() {
        return;
    }
    let mut at = Looking { house: Clocked::start(), browser: Browser::open(true), wrong: Vec::new() };
    found_and_claimed(&mut at);
    asked_and_opened(&mut at);
    approved_and_reviewed(&mut at);
    delegated(&mut at);
    drafted(&mut at);
    joined(&mut at);
    volunteered(&mut at);
    assert!(at.wrong.is_empty(), "{}", at.wrong.join("\n"));
}

fn found_and_claimed(at: &mut Looking) {
    at.walk("acc-17");
    at.look("families-none");
    at.walk("acc-07");
    at.go("/families/search");
    at.browser.type_into("#number", "9990000050");
    at.browser.click("main form button");
    at.look("search-found");
    at.browser.click("a[href^='/claims/']");
    at.look("claim");
    at.browser.click("main form button");
    at.look("claim-missing");
    at.go("/families/search");
    at.browser.type_into("#number", "9990000069");
    at.browser.click("main form button");
    at.look("search-nobody");
}

fn asked_and_opened(at: &mut Looking) {
    at.walk("acc-07");
    at.purpose("p-01", "DC");
    at.look("family-with-withheld");
    at.browser.click("a[href$='/withheld/LOC']");
    at.look("withheld");
    at.browser.click("main form button");
    at.look("withheld-missing");
    at.browser.type_into("#what", "May I write to her?");
    at.browser.type_into("#why_needed", "An appointment letter");
    at.browser.click("#how_soon-2");
    at.browser.click("main form button");
    at.look("families-waiting");
    at.go("/families/p-01");
    at.browser.click("a[href$='/open/danger']");
    at.look("open-danger");
    at.browser.click("main form button");
    at.look("open-danger-missing");
    at.browser.click("#imminent-2");
    at.browser.click("main form button");
    at.look("open-questions");
    for name in ["harm", "needed", "why_not_less", "proportionate", "telling_risk"] {
        at.browser.type_into(&format!("#{name}"), "Because of tonight");
    }
    at.browser.click("main form button");
    at.look("open-scope");
    at.browser.click("input[value='LOC']");
    at.browser.click("main form button");
    at.look("open-check");
    at.browser.click("main form button");
}

fn approved_and_reviewed(at: &mut Looking) {
    at.walk("acc-16");
    at.go("/approvals");
    at.look("approvals");
    at.browser.click("tbody a");
    at.look("approval");
    at.browser.click("main form button");
    at.walk("acc-07");
    at.purpose("p-01", "DC");
    at.look("family-opened");
    at.browser.click(".banner a");
    at.look("told");
    at.browser.click("main form button");
    at.look("told-missing");
    at.walk("acc-14");
    at.go("/review");
    at.look("review");
    at.browser.click("a[href^='/review/overrides/']");
    at.look("review-override");
    at.go("/review");
    at.browser.click("a[href^='/review/requests/']");
    at.look("review-request");
    at.walk("acc-20");
    at.go("/review");
    at.look("review-auditor");
    at.walk("acc-12");
    at.go("/review");
    at.look("review-officer");
}

fn delegated(at: &mut Looking) {
    at.walk("acc-01");
    at.go("/delegating");
    at.look("work");
    at.browser.click("form[action='/delegating/delegations'] button");
    at.look("work-missing");
    at.browser.click("#assistant-1");
    at.browser.set("#delegated_until", "2027-03-31");
    at.browser.type_into("#delegated_why", "Supervision note");
    at.browser.click("form[action='/delegating/delegations'] button");
    at.look("work-delegated");
    at.browser.click("a[href^='/delegating/leads/']");
    at.look("work-lead");
    at.purpose("case-01", "CP");
    at.look("family-not-open-for-this");
    at.browser.click("a[href$='/protect']");
    at.look("protect");
    at.browser.click("main form button");
    at.look("protect-missing");
}

/// After [`delegated`]: the assistant writes, the social worker sends back and confirms.
fn drafted(at: &mut Looking) {
    at.walk("acc-17");
    at.go("/drafts");
    at.look("drafts-none");
    at.purpose("case-01", "CIN");
    at.go("/families/case-01/entry");
    at.look("entry-of-assistant");
    for choice in ["#entry_person-1", "#entry_kind-1", "#entry_statement-1", "#entry_others-2"] {
        at.browser.click(choice);
    }
    at.browser.type_into("#entry_when", "2026-10-12");
    at.browser.type_into("#entry_account", "She rang and asked for a visit in the morning.");
    at.browser.click("main form button");
    at.look("drafts");
    at.browser.click("tbody a");
    at.look("draft-waiting");
    at.walk("acc-01");
    at.purpose("case-01", "CIN");
    at.go("/delegating");
    at.look("work-drafts");
    at.browser.click("a[href^='/drafts/']");
    at.look("draft-to-confirm");
    at.browser.click("button[value=back]");
    at.look("draft-to-confirm-missing");
    at.browser.type_into("#draft_why", "Which day does she mean?");
    at.browser.click("button[value=back]");
    at.walk("acc-17");
    at.purpose("case-01", "CIN");
    at.go("/drafts");
    at.look("drafts-returned");
    at.browser.click("tbody a");
    at.look("draft-returned");
}

/// A doubtful match: nobody has said, the first officer has, the second is to.
fn joined(at: &mut Looking) {
    at.house.message(joining::COUNCIL, &joining::record(vec![joining::theo("s", "c-75")], "A visit"));
    at.house.register(&joining::second_officer());
    at.walk("acc-14");
    at.go("/review");
    at.look("review-match");
    at.browser.click("form[action^='/review/matches/'] button[value=same]");
    at.look("review-match-own");
    at.walk("acc-13");
    at.go("/review");
    at.look("review-match-other");
}

fn volunteered(at: &mut Looking) {
    at.walk("acc-18");
    at.go("/volunteers");
    at.look("volunteers");
    at.browser.click("tbody a");
    at.look("volunteer-brief-edit");
    for name in ["brief_contact", "brief_place", "brief_goals", "brief_emergency"] {
        at.browser.type_into(&format!("#{name}"), "The library");
    }
    at.browser.click("main form button");
    at.walk("acc-19");
    at.look("brief");
    at.browser.type_into("#worry", "He is afraid");
    at.browser.click("form[action$=worry] button");
    at.look("brief-told");
    at.walk("acc-18");
    at.go("/volunteers");
    at.browser.click("a[href^='/notes/']");
    at.look("note");
}
