//! Rules of the children in need census that no schema can say: dates against each other, one part against another.
//!
//! A choice of the department's published rules, by their numbers: those about one child, and uniqueness in the return.
//! Rules that need working days, last year's return or ages are left to the department's own check. Codes and forms are
//! the schema's. A query (`Q`) is a warning.
//!
//! # Source
//! CIN census dossier, Main rules; numbers and fields of the rules for 2025-26 and 2026-27.

use super::Format;
use crate::diagnostic::{Diagnostic, Severity, Span, code};
use crate::document::{Document, Keyed, Kind, NodeId};
use std::collections::HashSet;

/// Findings reported for one return; a return this wrong needs a new export, not a longer list.
const FINDINGS_MAX: usize = 200;

/// Everything the rules say about a return, with pointer and position. `source` is the text it was read from.
pub(super) fn findings(tree: &Document, source: &[u8]) -> Vec<Diagnostic> {
    let mut check = Check { tree, source, found: Vec::new(), year: None };
    check.header();
    let children = items(tree, tree.root(), &["Children", "Child"]);
    check.unique(&children, "LAchildID", "8510", "more than one child has this id");
    check.unique(&children, "UPN", "1520", "more than one child has this UPN");
    for child in children {
        if check.found.len() >= FINDINGS_MAX {
            break;
        }
        check.child(child);
    }
    check.found
}

/// A finding of the schema with the number of the rule that says the same.
pub(super) fn numbered(finding: Diagnostic) -> Diagnostic {
    const RULES: [(&str, &str); 14] = [
        ("Sex", "4180"),
        ("GenderCurrent", "4180"),
        ("LAchildID", "1570, 1580"),
        ("Ethnicity", "4220"),
        ("Disability", "8540"),
        ("CINreferralDate", "8600"),
        ("ReferralSource", "8866"),
        ("ReferralNFA", "8568"),
        ("PrimaryNeedCode", "8650"),
        ("ReasonForClosure", "8640"),
        ("InitialCategoryOfAbuse", "8905"),
        ("LatestCategoryOfAbuse", "8910"),
        ("NumberOfPreviousCPP", "8730"),
        ("PPOutcome", "9011"),
    ];
    let named = |name: &str| RULES.iter().find(|(n, _)| *n == name).map(|(_, rule)| *rule);
    let place = finding.pointer.as_deref().unwrap_or("");
    let last = place.rsplit('/').find(|step| !step.bytes().all(|b| b.is_ascii_digit()));
    let missing = finding.message.strip_prefix('`').and_then(|m| m.strip_suffix("` is missing"));
    match missing.and_then(named).or_else(|| last.and_then(named)) {
        Some(rule) => Diagnostic { message: format!("rule {rule}: {}", finding.message), ..finding },
        None => finding,
    }
}

fn items(tree: &Document, of: NodeId, path: &[&str]) -> Vec<NodeId> {
    let Some((last, before)) = path.split_last() else { return Vec::new() };
    let list = tree.find(of, before).and_then(|n| tree.member(n, last));
    match list {
        Some(list) if tree.kind(list) == Kind::Array => tree.children(list).collect(),
        other => other.into_iter().collect(),
    }
}

struct Check<'a> {
    tree: &'a Document,
    source: &'a [u8],
    found: Vec<Diagnostic>,
    /// First and last day of the census year.
    year: Option<(String, String)>,
}

/// A date and where it stands.
type Day<'a> = Option<(NodeId, &'a str)>;

impl<'a> Check<'a> {
    fn fault(&mut self, node: NodeId, rule: &str, text: &str) {
        let at = self.tree.offset(node);
        let fault = Diagnostic::error(code::SCHEMA_INVALID, format!("rule {rule}: {text}"));
        let severity = if rule.ends_with('Q') { Severity::Warning } else { Severity::Error };
        self.found.push(
            Diagnostic { severity, ..fault }
                .with_pointer(self.tree.source_pointer(node))
                .with_span(Span { start: at, end: at + 1 }, self.source),
        );
    }

    fn text(&self, of: NodeId, name: &str) -> Option<&'a str> {
        self.tree.text_at(of, &[name])
    }

    fn day(&self, of: NodeId, name: &str) -> Day<'a> {
        let node = self.tree.member(of, name)?;
        let text = self.tree.text(node).filter(|t| Format::Date.holds(t))?;
        Some((node, text))
    }

    /// `first` must not be after `second`; shown at the first.
    fn in_order(&mut self, first: Day<'a>, second: Day<'a>, rule: &str, text: &str) {
        if let (Some((node, a)), Some((_, b))) = (first, second)
            && a > b
        {
            self.fault(node, rule, text);
        }
    }

    fn in_year(&mut self, day: Day<'a>, rule: &str, text: &str) {
        let Some((node, day)) = day else { return };
        if self.year.as_ref().is_some_and(|(first, last)| day < first.as_str() || day > last.as_str()) {
            self.fault(node, rule, text);
        }
    }

    /// Whether a day is after the census year, as far as the return says which that is.
    fn year_ended_before(&self, day: &str) -> bool {
        self.year.as_ref().is_some_and(|(_, last)| day > last.as_str())
    }

    fn header(&mut self) {
        let tree = self.tree;
        let Some(details) = tree.find(tree.root(), &["Header", "CollectionDetails"]) else { return };
        let Some((node, day)) = self.day(details, "ReferenceDate") else { return };
        let year = self.text(details, "Year").unwrap_or("");
        if day != format!("{year}-03-31") {
            self.fault(node, "100", "the reference date is not 31 March of the year");
        }
        let before = day.get(..4).and_then(|y| y.parse::<u16>().ok()).map_or(0, |y| y.saturating_sub(1));
        self.year = Some((format!("{before:04}-04-01"), day.to_owned()));
    }

    fn unique(&mut self, children: &[NodeId], name: &str, rule: &str, text: &str) {
        let mut seen: HashSet<String, Keyed> = HashSet::with_capacity_and_hasher(children.len(), Keyed);
        for child in children {
            // Each finding costs a look at the whole file: a return of doubles must not cost its square.
            if self.found.len() >= FINDINGS_MAX {
                return;
            }
            let Some(node) = self.tree.find(*child, &["ChildIdentifiers", name]) else { continue };
            if self.tree.text(node).is_some_and(|t| !seen.insert(t.to_ascii_uppercase())) {
                self.fault(node, rule, text);
            }
        }
    }

    fn child(&mut self, child: NodeId) {
        let episodes = items(self.tree, child, &["CINdetails"]);
        if let Some(ids) = self.tree.member(child, "ChildIdentifiers") {
            self.identifiers(ids, &episodes);
        }
        let disabilities = items(self.tree, child, &["ChildCharacteristics", "Disabilities", "Disability"]);
        self.disabilities(&disabilities);
        for episode in &episodes {
            self.episode(*episode, child);
        }
        let open: Vec<NodeId> = episodes
            .iter()
            .copied()
            .filter(|e| self.tree.member(*e, "CINclosureDate").is_none() && !self.is_nfa(*e))
            .collect();
        if let Some(second) = open.get(1) {
            self.fault(*second, "8815", "more than one episode is open");
        }
    }

    fn identifiers(&mut self, ids: NodeId, episodes: &[NodeId]) {
        let upn = self.tree.member(ids, "UPN");
        if let Some((node, text)) = upn.and_then(|n| Some((n, self.tree.text(n)?)))
            && !upn_letter_fits(text)
        {
            self.fault(node, "1510", "the check letter of the UPN is wrong");
        }
        if let Some(node) = self.tree.member(ids, "UPNunknown")
            && self.tree.text(node) == Some("UN7")
            && !episodes.iter().all(|e| self.is_nfa(*e))
        {
            self.fault(node, "8772", "UN7 is for referrals without further action only");
        }
        let (born, due) = (self.day(ids, "PersonBirthDate"), self.day(ids, "ExpectedPersonBirthDate"));
        // Whether it is there, not whether it can be read: a malformed date has a finding of its own.
        let given =
            |name| self.tree.member(ids, name).and_then(|n| self.tree.text(n)).is_some_and(|t| !t.trim().is_empty());
        if given("PersonBirthDate") == given("ExpectedPersonBirthDate") {
            self.fault(ids, "8525Q", "exactly one of birth date and expected birth date is given");
        }
        if let Some((node, day)) = born
            && self.year_ended_before(day)
        {
            self.fault(node, "8520", "the birth date is after the census year");
        }
        if due.is_some()
            && born.is_none()
            && let Some(sex) = self.tree.member(ids, "Sex").filter(|s| self.tree.text(*s) != Some("U"))
        {
            self.fault(sex, "8750", "the sex of an unborn child is U");
        }
        self.in_order(born, self.day(ids, "PersonDeathDate"), "8545Q", "the child died before the birth date");
    }

    fn disabilities(&mut self, list: &[NodeId]) {
        let mut seen: HashSet<&str, Keyed> = HashSet::default();
        let none = list.iter().find(|d| self.tree.text(**d) == Some("NONE")).copied();
        if let Some(node) = none.filter(|_| list.len() > 1) {
            self.fault(node, "8790", "NONE stands beside another disability");
        }
        for node in list {
            if self.tree.text(*node).is_some_and(|t| !seen.insert(t)) {
                self.fault(*node, "8794", "the same disability twice");
            }
        }
    }

    fn is_nfa(&self, episode: NodeId) -> bool {
        self.text(episode, "ReferralNFA").is_some_and(|t| t == "1" || t.eq_ignore_ascii_case("true"))
    }

    fn episode(&mut self, episode: NodeId, child: NodeId) {
        let referred = self.day(episode, "CINreferralDate");
        if let Some((node, day)) = referred
            && self.year_ended_before(day)
        {
            self.fault(node, "8600", "the referral is after the census year");
        }
        self.closure(episode, child, referred);
        if self.is_nfa(episode) {
            return self.no_further_action(episode);
        }
        if self.tree.member(episode, "PrimaryNeedCode").is_none() {
            self.fault(episode, "8610", "the primary need is missing");
        }
        let closed = self.tree.member(episode, "CINclosureDate").is_some();
        for one in items(self.tree, episode, &["Assessments"]) {
            self.assessment(one, referred, closed);
        }
        for one in items(self.tree, episode, &["Section47"]) {
            self.enquiry(one, episode, referred);
        }
        for one in items(self.tree, episode, &["ChildProtectionPlans"]) {
            self.protection_plan(one);
        }
        for one in items(self.tree, episode, &["CINPlanDates"]) {
            self.need_plan(one, referred);
        }
        self.two_open(episode, "ChildProtectionPlans", "CPPendDate", "8935", "more than one protection plan is open");
        self.two_open(episode, "CINPlanDates", "CINPlanEndDate", "4004", "more than one plan is open");
        if let Some(block) = self.tree.member(episode, "PreProceedingsandFGDM") {
            self.pre_proceedings(block);
        }
    }

    fn closure(&mut self, episode: NodeId, child: NodeId, referred: Day<'a>) {
        let date = self.tree.member(episode, "CINclosureDate");
        let reason = self.tree.member(episode, "ReasonForClosure");
        match (date, reason) {
            (Some(node), None) => self.fault(node, "8805", "a closure date without a reason"),
            (None, Some(node)) => self.fault(node, "8810", "a reason for closure without a date"),
            _ => {}
        }
        let closed = self.day(episode, "CINclosureDate");
        self.in_year(closed, "8620", "the closure is not in the census year");
        if let (Some((node, end)), Some((_, start))) = (closed, referred)
            && end < start
        {
            self.fault(node, "8630", "the closure is before the referral");
        }
        let Some(reason) = reason else { return };
        let why = self.tree.text(reason).unwrap_or("");
        let has = |name: &str| self.tree.member(episode, name).is_some();
        if matches!(why, "RC8" | "RC9") && (has("Section47") || has("ChildProtectionPlans") || has("CINPlanDates")) {
            self.fault(reason, "2990", "enquiries or plans in a case closed after assessment");
        } else if matches!(why, "RC8" | "RC9") && !has("Assessments") {
            self.fault(reason, "8825Q", "no assessment in a case closed after assessment");
        }
        if why == "RC2" && self.tree.find(child, &["ChildIdentifiers", "PersonDeathDate"]).is_none() {
            self.fault(reason, "8585Q", "closed because the child died, without a date of death");
        }
    }

    fn no_further_action(&mut self, episode: NodeId) {
        for (name, rule) in [
            ("Assessments", "8831"),
            ("Section47", "8831"),
            ("DateOfInitialCPC", "8831"),
            ("ChildProtectionPlans", "8832"),
            ("CINPlanDates", "4000"),
        ] {
            if let Some(node) = self.tree.member(episode, name) {
                let node =
                    if self.tree.kind(node) == Kind::Array { self.tree.item(node, 0).unwrap_or(node) } else { node };
                self.fault(node, rule, "activity in a referral without further action");
            }
        }
    }

    fn assessment(&mut self, one: NodeId, referred: Day<'a>, closed: bool) {
        let start = self.day(one, "AssessmentActualStartDate");
        let end = self.day(one, "AssessmentAuthorisationDate");
        self.in_order(start, end, "8608", "the assessment starts after its end");
        self.in_order(referred, start, "1103", "the assessment starts before the referral");
        self.in_year(end, "8696", "the assessment does not end in the census year");
        let finished = self.tree.member(one, "AssessmentAuthorisationDate").is_some();
        if !finished {
            self.in_year(start, "8736", "an open assessment does not start in the census year");
            if closed {
                self.fault(one, "8867", "the case is closed, the assessment is not finished");
            }
        }
        let factors = items(self.tree, one, &["FactorsIdentifiedAtAssessment", "AssessmentFactors"]);
        match (finished, factors.first().copied()) {
            (false, Some(node)) => self.fault(node, "8614", "factors of an assessment that is not finished"),
            (true, None) => self.fault(one, "8897Q", "no factors in a finished assessment"),
            _ => {}
        }
        let mut seen: HashSet<&str, Keyed> = HashSet::default();
        for node in &factors {
            let code = self.tree.text(*node).unwrap_or("");
            if !seen.insert(code) {
                self.fault(*node, "8898", "the same factor twice");
            }
            if code == "21" && factors.len() > 1 {
                self.fault(*node, "8869", "factor 21 stands beside another");
            }
            if matches!(code, "18A" | "19A") {
                self.fault(*node, if code == "18A" { "8945Q" } else { "8950Q" }, "say who did it: B or C instead of A");
            }
        }
    }

    fn enquiry(&mut self, one: NodeId, episode: NodeId, referred: Day<'a>) {
        let (start, held) = (self.day(one, "S47ActualStartDate"), self.day(one, "DateOfInitialCPC"));
        self.in_order(referred, start, "2889", "the enquiry starts before the referral");
        self.in_order(start, held, "8615", "the enquiry starts after the conference");
        self.in_order(referred, held, "1104", "the conference is before the referral");
        self.in_year(held, "8715", "the conference is not in the census year");
        if let Some((node, day)) = held
            && is_weekend(day)
        {
            self.fault(node, "8875", "the conference is at a weekend");
        }
        let both = self.tree.member(one, "DateOfInitialCPC").filter(|_| {
            self.text(episode, "DateOfInitialCPC").is_some_and(|d| self.text(one, "DateOfInitialCPC") == Some(d))
        });
        if let Some(node) = both {
            self.fault(node, "2884", "one conference is recorded twice");
        }
    }

    fn protection_plan(&mut self, one: NodeId) {
        let (start, end) = (self.day(one, "CPPstartDate"), self.day(one, "CPPendDate"));
        self.in_order(start, end, "8925", "the protection plan ends before it starts");
        self.in_year(end, "8930", "the protection plan does not end in the census year");
        if let (Some((_, a)), Some((node, b))) = (start, end)
            && a == b
        {
            self.fault(node, "8840", "the protection plan starts and ends on one day");
        }
        for review in items(self.tree, one, &["Reviews", "CPPreviewDate"]) {
            let day = self.tree.text(review).filter(|t| Format::Date.holds(t));
            if let (Some((_, start)), Some(day)) = (start, day)
                && day <= start
            {
                self.fault(review, "8841", "the review is not after the start of the plan");
            }
        }
    }

    fn need_plan(&mut self, one: NodeId, referred: Day<'a>) {
        let (start, end) = (self.day(one, "CINPlanStartDate"), self.day(one, "CINPlanEndDate"));
        self.in_order(start, end, "4011", "the plan ends before it starts");
        self.in_order(referred, start, "4015", "the plan starts before the referral");
        self.in_year(end, "4013", "the plan does not end in the census year");
        if let (Some((_, a)), Some((node, b))) = (start, end)
            && a == b
        {
            self.fault(node, "4012Q", "the plan starts and ends on one day");
        }
    }

    fn two_open(&mut self, episode: NodeId, list: &str, end: &str, rule: &str, text: &str) {
        let open: Vec<NodeId> =
            items(self.tree, episode, &[list]).into_iter().filter(|p| self.tree.member(*p, end).is_none()).collect();
        if let Some(second) = open.get(1) {
            self.fault(*second, rule, text);
        }
    }

    /// The block of 2026-27.
    fn pre_proceedings(&mut self, block: NodeId) {
        let start = self.day(block, "PPStartDate");
        let (step, court) = (self.day(block, "StepDecisionDate"), self.day(block, "CourtAppDate"));
        let (sent, letter) = (self.day(block, "LBPSentDate"), self.day(block, "LetterInitCPDate"));
        let meeting = self.day(block, "InitialPPMeetingDate");
        let days =
            [(start, "9005"), (sent, "9006"), (meeting, "9008"), (step, "9009"), (court, "9012"), (letter, "9013")];
        for (day, rule) in days {
            self.in_year(day, rule, "the date is not in the census year");
        }
        self.in_order(start, sent, "9006", "the letter is sent before the decision to start");
        self.in_order(start, step, "9009", "the step decision is before the decision to start");
        self.in_order(step, court, "9012", "the application to court is before the step decision");
        self.in_order(court, letter, "9013", "the letter is before the application to court");
        let has = |name: &str| self.tree.member(block, name).is_some();
        let (unanswered, unsaid) = (sent.is_some() && !has("FGDMMeetingOffer"), !has("FGDMMeetingFac"));
        let offered = self.text(block, "FGDMMeetingOffer") == Some("1");
        if unanswered {
            self.fault(block, "9007", "the letter was sent: say whether a family meeting was offered");
        }
        if offered && unsaid {
            self.fault(block, "9010Q", "a family meeting was offered: say whether it was held");
        }
        if meeting.is_some() && self.tree.member(block, "ReviewMeetingsCount").is_none() {
            self.fault(block, "9015Q", "a first meeting was held: say how many reviews followed");
        }
    }
}

/// Check letter of a unique pupil number; a temporary one (letter at the end) and another form are not judged here.
///
/// # Source
/// Dossier on council odds and ends, UPN.
fn upn_letter_fits(upn: &str) -> bool {
    const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let Some((letter, digits)) = upn.as_bytes().split_first() else { return true };
    if digits.len() != 12 || !digits.iter().all(u8::is_ascii_digit) {
        return true;
    }
    let sum: u32 = digits.iter().zip(2_u32..).map(|(d, weight)| u32::from(d - b'0') * weight).sum();
    LETTERS.get((sum % 23) as usize) == Some(&letter.to_ascii_uppercase())
}

fn is_weekend(day: &str) -> bool {
    use jiff::civil::{Date, Weekday};
    day.parse::<Date>().is_ok_and(|d| matches!(d.weekday(), Weekday::Saturday | Weekday::Sunday))
}
