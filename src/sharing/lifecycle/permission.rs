//! What a new permission or refusal must say, and who may decide it (consent paper §2 and §3; R12, R24–R26, R30, R33, R36).

use super::{Actor, breach, party, person};
use crate::diagnostic::Diagnostic;
use crate::sharing::facts::{
    AssessmentKind, AssessmentOutcome, Capacity, Choice, Facts, Party, Permission, PermissionKind, Scope, Time,
};
use crate::sharing::world::{Ages, Decider, PersonIx, World};
use crate::vocabulary::{Category, Purpose};

/// Categories no permission can list (consent paper §2).
pub const NEVER_LISTED: [Category; 5] = [Category::Mhn, Category::Int, Category::Adp, Category::Tpi, Category::Loc];
/// Purposes under which permission is asked (consent paper §2); MET for SXH only.
const PURPOSES: [Purpose; 4] = [Purpose::Cin, Purpose::Eh, Purpose::Dc, Purpose::Met];
/// Categories a parent's decision about which ends at 16 (R36).
const HEALTH: [Category; 5] = [Category::Hlt, Category::Mhl, Category::Mhn, Category::Sub, Category::Sxh];
/// Categories in which a young person of 13 to 15 must have been asked (consent paper §7).
const ASKED: [Category; 4] = [Category::Sxh, Category::Mhl, Category::Sub, Category::Exp];
/// Most parties, exceptions, codes or segments of one permission: more is a wildcard in disguise.
const LISTED_MAX: usize = 50;

/// Everything wrong with a new record. `facts` are those the world was made of, without the record.
#[must_use]
pub fn breaches(world: &World, facts: &Facts, record: &Permission, actor: &Actor) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    kind(record, &mut found);
    if !record.told_limits {
        found.push(breach(
            "/told_limits",
            "consent §2",
            "the person must have been told when sharing happens without permission",
        ));
    }
    base(record, &mut found);
    exceptions(record, &mut found);
    match person(world, record.subject.as_str()) {
        Some(subject) => {
            decider(world, facts, record, subject, actor, &mut found);
            asked(world, record, subject, &mut found);
            span(world, record, subject, &mut found);
        }
        None => found.push(breach("/subject", "consent §2", "nobody with this id is registered")),
    }
    replaces(facts, record, &mut found);
    found
}

/// Only agreements of the common law of confidence and to a service are kept; data-protection consent is no basis (R12).
fn kind(record: &Permission, found: &mut Vec<Diagnostic>) {
    let text = match record.kind {
        PermissionKind::Confidence | PermissionKind::Service => return,
        PermissionKind::Ukgdpr => "data-protection consent is not a basis for these purposes and is not recorded",
        PermissionKind::Treatment => "consent to treatment is not handled here and is no evidence of permission",
    };
    found.push(breach("/kind", "R12", text));
}

fn base(record: &Permission, found: &mut Vec<Diagnostic>) {
    let scope = &record.scope;
    let named = |list: Option<usize>| list.is_some_and(|n| n > 0);
    if !named(scope.categories.as_ref().map(Vec::len)) && !named(scope.labels.as_ref().map(Vec::len)) {
        found.push(breach("/categories", "R33", "a permission names its categories; there is no wildcard"));
    }
    for (pointer, list) in [("/from", &scope.from), ("/to", &scope.to)] {
        let empty = list.as_ref().is_none_or(Vec::is_empty);
        if empty && !record.imported {
            found.push(breach(pointer, "consent §2", "a permission names from whom and to whom; empty is not anyone"));
        }
    }
    if scope.purposes.as_ref().is_none_or(Vec::is_empty) {
        found.push(breach("/purposes", "consent §2", "a permission names its purposes"));
    }
    shape(scope, "", record.decision, found);
}

/// What holds for a scope wherever it stands.
fn shape(scope: &Scope, at: &str, decision: Choice, found: &mut Vec<Diagnostic>) {
    let categories = scope.categories.as_deref().unwrap_or_default();
    for (index, category) in categories.iter().enumerate() {
        if NEVER_LISTED.contains(category) {
            let text = "MHN, INT, ADP, TPI and LOC cannot be listed in a permission";
            found.push(breach(format!("{at}/categories/{index}"), "consent §2", text));
        }
        if categories.iter().take(index).any(|earlier| earlier == category) {
            found.push(breach(format!("{at}/categories/{index}"), "consent §2", "the category is listed twice"));
        }
    }
    for (index, purpose) in scope.purposes.iter().flatten().enumerate() {
        let sxh_only = !categories.is_empty() && categories.iter().all(|c| *c == Category::Sxh);
        if !PURPOSES.contains(purpose) || (*purpose == Purpose::Met && !sxh_only && at.is_empty()) {
            let text = "permission is asked for CIN, EH and DC, and for MET about SXH alone";
            found.push(breach(format!("{at}/purposes/{index}"), "consent §2", text));
        }
    }
    for (member, list) in [("from", &scope.from), ("to", &scope.to)] {
        for (index, each) in list.iter().flatten().enumerate() {
            if let Some(text) = party_fault(each, decision) {
                found.push(breach(format!("{at}/{member}/{index}"), "consent §2", text));
            }
        }
    }
    if scope.data_period.is_some_and(|p| p.from.zip(p.to).is_some_and(|(from, to)| to < from)) {
        found.push(breach(format!("{at}/data_period"), "consent §2", "the period ends before it begins"));
    }
    let lengths = [
        scope.labels.as_ref().map(Vec::len),
        scope.from.as_ref().map(Vec::len),
        scope.to.as_ref().map(Vec::len),
        scope.segments.as_ref().map(Vec::len),
    ];
    if lengths.into_iter().flatten().any(|n| n > LISTED_MAX) {
        found.push(breach(at.to_owned(), "R22", "one of the lists is too long to be a choice"));
    }
}

fn party_fault(party: &Party, decision: Choice) -> Option<&'static str> {
    let named = party.agency.is_some() || party.role.is_some() || party.team.is_some() || party.account.is_some();
    match (party.anyone, named) {
        (false, false) => Some("a party names an agency, role, team or account"),
        (true, true) => Some("anyone stands alone"),
        (true, false) if decision == Choice::Permit => Some("anyone is for refusals only"),
        _ => None,
    }
}

/// Narrower decisions inside the record, one level deep.
fn exceptions(record: &Permission, found: &mut Vec<Diagnostic>) {
    if record.exceptions.len() > LISTED_MAX {
        found.push(breach("/exceptions", "consent §2", "there are too many exceptions to be understood"));
    }
    for (index, exception) in record.exceptions.iter().enumerate() {
        let at = format!("/exceptions/{index}");
        let scope = &exception.scope;
        if *scope == Scope::default() {
            found.push(breach(at.clone(), "consent §2", "an exception names what it is about"));
        }
        shape(scope, &at, exception.decision, found);
        let wider = |inner: Option<&Vec<Category>>, outer: Option<&Vec<Category>>| {
            inner.zip(outer).is_some_and(|(inner, outer)| inner.iter().any(|c| !outer.contains(c)))
        };
        if wider(scope.categories.as_ref(), record.scope.categories.as_ref()) {
            let text = "an exception is narrower: it lists a category that the record does not";
            found.push(breach(format!("{at}/categories"), "consent §2", text));
        }
        let purposes = scope.purposes.as_ref().zip(record.scope.purposes.as_ref());
        if purposes.is_some_and(|(inner, outer)| inner.iter().any(|p| !outer.contains(p))) {
            let text = "an exception is narrower: it lists a purpose that the record does not";
            found.push(breach(format!("{at}/purposes"), "consent §2", text));
        }
    }
}

/// Who may decide (consent paper §3).
fn decider(
    world: &World,
    facts: &Facts,
    record: &Permission,
    subject: PersonIx,
    actor: &Actor,
    found: &mut Vec<Diagnostic>,
) {
    if facts.people.iter().any(|p| p.id == record.subject && p.died.is_some_and(|died| died <= actor.at)) {
        found.push(breach("/subject", "R73", "nobody decides for a person who has died; the rules stay"));
        return;
    }
    // Somebody unknown and somebody without standing are refused alike.
    let decider = party(world, &record.decider);
    let own = decider == Some(Decider::Person(subject));
    let categories = super::categories_of(&record.scope);
    let at = actor.at;
    let ages = world.ages(subject);
    let lacks = categories.iter().any(|c| world.lacks_capacity(subject, *c, at));
    let competent = |c: &Category| world.competent(subject, *c, at);
    let stands = match record.capacity {
        Capacity::SelfAdult => own && ages.adult(at) && !lacks,
        Capacity::Self16To17 => own && ages.sixteen(at) && !ages.adult(at) && !lacks,
        Capacity::SelfCompetentChild => own && !ages.sixteen(at) && categories.iter().all(competent),
        Capacity::ParentPr => match decider {
            Some(by @ Decider::Person(_)) => {
                !ages.sixteen(at)
                    && !categories.iter().any(competent)
                    && world.has_responsibility(by, subject, at)
                    && !world.under_care_order(subject, at)
            }
            _ => false,
        },
        Capacity::LaCareOrder => match decider {
            Some(Decider::Agency(agency)) => {
                !ages.sixteen(at) && !categories.iter().any(competent) && world.holds_care_order(agency, subject, at)
            }
            _ => false,
        },
        Capacity::AttorneyOrDeputy | Capacity::BestInterests => {
            !own && decider.is_some()
                && ages.sixteen(at)
                && categories.iter().all(|c| world.lacks_capacity(subject, *c, at))
        }
    };
    let perpetrator = matches!(decider, Some(Decider::Person(p)) if world.protected_from(subject, at).any(|x| x == p));
    if !stands || perpetrator {
        let text = "this decider may not decide in this capacity for this person and these categories now";
        found.push(breach("/decider", rule_of(record.capacity), text));
    }
    if record.capacity == Capacity::BestInterests && !holds_it_all(record) {
        let text =
            "in a person's best interests the service that holds the information decides, about what it holds itself";
        found.push(breach("/capacity", "consent §3", text));
    }
    evidence(facts, record, actor, found);
}

/// In the best interests of an adult the service that holds the information decides (consent paper §3), so only about what
/// it holds itself: every party in `from` is the deciding agency. Another's word would change nothing.
fn holds_it_all(record: &Permission) -> bool {
    let own = |party: &Party| party.agency.as_ref().is_some_and(|agency| agency.as_str() == record.decider);
    record.scope.from.iter().flatten().all(own)
}

const fn rule_of(capacity: Capacity) -> &'static str {
    match capacity {
        Capacity::SelfAdult => "R24",
        Capacity::Self16To17 | Capacity::AttorneyOrDeputy | Capacity::BestInterests => "R25",
        Capacity::SelfCompetentChild => "R26",
        Capacity::ParentPr | Capacity::LaCareOrder => "R30",
    }
}

/// The assessment or the proof the decider's standing rests on must be named and be of this decision.
fn evidence(facts: &Facts, record: &Permission, actor: &Actor, found: &mut Vec<Diagnostic>) {
    let wanted = match record.capacity {
        Capacity::SelfCompetentChild => Some((AssessmentKind::Competence, AssessmentOutcome::Yes, "R26")),
        Capacity::AttorneyOrDeputy | Capacity::BestInterests => {
            Some((AssessmentKind::Capacity, AssessmentOutcome::Lacks, "R25"))
        }
        _ => None,
    };
    if let Some((kind, outcome, rule)) = wanted {
        let named = record.competence.as_ref().and_then(|id| facts.assessments.iter().find(|a| &a.id == id));
        let listed = record.scope.categories.as_deref().unwrap_or_default();
        let fits = named.is_some_and(|a| {
            a.person == record.subject
                && a.kind == kind
                && a.outcome == outcome
                && a.at <= actor.at
                && !listed.is_empty()
                && listed.iter().all(|c| a.categories.contains(c))
        });
        if !fits {
            let text = "an assessment of this person for exactly this decision must be named";
            found.push(breach("/competence", rule, text));
        }
    }
    if record.capacity == Capacity::ParentPr {
        let seen = record.pr_evidence.as_ref();
        let today = actor.at.date();
        if !seen.is_some_and(|e| !e.seen_by.as_str().trim().is_empty() && e.date.0 <= today) {
            let text = "the proof of parental responsibility, who saw it and when (not in the future) must be stated";
            found.push(breach("/pr_evidence", "R30", text));
        }
    }
}

/// 13 to 15, in categories a young person usually keeps to themselves: were they asked?
fn asked(world: &World, record: &Permission, subject: PersonIx, found: &mut Vec<Diagnostic>) {
    let ages = world.ages(subject);
    let at = record.recorded_at;
    let teen = ages.thirteen(at) && !ages.sixteen(at);
    let sensitive = record.scope.categories.iter().flatten().any(|c| ASKED.contains(c));
    let parents = record.capacity == Capacity::ParentPr && record.decision == Choice::Permit;
    if teen && sensitive && parents && record.young_person_asked.is_none() {
        found.push(breach("/young_person_asked", "consent §7", "say whether the young person was asked"));
    }
    if record.young_person_asked.and_then(|a| a.at).is_some_and(|when| when > at) {
        found.push(breach("/young_person_asked/at", "consent §7", "this lies in the future"));
    }
}

/// The limits of R36, and no time travel.
fn span(world: &World, record: &Permission, subject: PersonIx, found: &mut Vec<Diagnostic>) {
    let start = record.valid_from.unwrap_or(record.recorded_at).max(record.recorded_at);
    if record.valid_to.is_some_and(|end| end <= start) {
        found.push(breach("/valid_to", "R36", "it ends before it begins, or has ended already"));
    }
    let limit = limit(record, Some(world.ages(subject)));
    if limit.is_some_and(|limit| limit <= start) {
        found.push(breach("/valid_from", "R36", "it would begin after the latest end it can have"));
    }
    if record.valid_to.zip(limit).is_some_and(|(end, limit)| end > limit) {
        let text = "the end is later than twelve months, or than the birthday at which a parent's decision ends";
        found.push(breach("/valid_to", "R36", text));
    }
}

/// The latest end R36 allows: twelve months for a permit; for a parent's decision the 16th birthday where every category is
/// of health, the 18th otherwise (a single health category ends at 16 by itself).
#[must_use]
pub(super) fn limit(record: &Permission, ages: Option<Ages>) -> Option<Time> {
    let parents = matches!(record.capacity, Capacity::ParentPr | Capacity::LaCareOrder);
    let listed = record.scope.categories.as_deref().unwrap_or_default();
    let health = !listed.is_empty() && listed.iter().all(|c| HEALTH.contains(c));
    let limits = [
        (record.decision == Choice::Permit).then(|| record.recorded_at.date_in_a_year()),
        ages.and_then(Ages::sixteenth).filter(|_| parents && health),
        ages.and_then(Ages::eighteenth).filter(|_| parents),
    ];
    limits.into_iter().flatten().min()
}

/// What it supersedes is of the same person, kind and parties (consent paper §4).
fn replaces(facts: &Facts, record: &Permission, found: &mut Vec<Diagnostic>) {
    let Some(earlier) = &record.supersedes else { return };
    let same = facts.permissions.iter().find(|p| &p.id == earlier).is_some_and(|p| {
        p.subject == record.subject
            && p.kind == record.kind
            && p.decider == record.decider
            && p.scope.from == record.scope.from
            && p.scope.to == record.scope.to
    });
    if !same {
        let text = "only a record of the same person, decider, kind, from and to can be superseded";
        found.push(breach("/supersedes", "consent §4", text));
    }
}
