//! Every id a facts file names must exist, and stand once. Checked before the first decision.

use crate::sharing::facts::{self, Act, Facts, Member, Party, PermissionEvent};
use std::collections::HashSet;
use std::fmt;

/// What is wrong with an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// No item of the right section has this id, or the hat is another account's.
    Reference,
    /// Two items of one section have it.
    Duplicate,
}

/// A fault and where: a JSON Pointer into the facts, never the value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct FactsError {
    /// What is wrong.
    pub fault: Fault,
    /// Where, for example `/asks/0/segment`.
    pub pointer: String,
}

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.fault {
            Fault::Reference => "the id does not exist, or is a hat of another account",
            Fault::Duplicate => "the id stands twice in this section",
        };
        write!(f, "{} {text}", self.pointer)
    }
}

/// The kinds of thing an id can name; a reference may allow several.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Agency,
    Team,
    Account,
    Hat,
    Person,
    Case,
    Assessment,
    Opening,
    Relationship,
    Permission,
    Override,
    Segment,
}

/// Anybody who can act or decide.
const ANYBODY: &[Kind] = &[Kind::Person, Kind::Agency, Kind::Hat, Kind::Account];

struct Check<'a> {
    /// Whether a segment that is named must be there.
    segments_too: bool,
    known: Vec<(Kind, HashSet<&'a str>)>,
    references: Vec<FactsError>,
    duplicates: Vec<FactsError>,
}

/// Checks all references, then all ids.
pub(super) fn check(facts: &Facts) -> Result<(), Vec<FactsError>> {
    check_with(facts, true)
}

/// As [`check`], for facts to which each question adds its own segments.
pub(super) fn check_all_but_segments(facts: &Facts) -> Result<(), Vec<FactsError>> {
    check_with(facts, false)
}

fn check_with(facts: &Facts, segments_too: bool) -> Result<(), Vec<FactsError>> {
    let mut check = Check { segments_too, known: Vec::new(), references: Vec::new(), duplicates: Vec::new() };
    check.names(facts);
    check.parties(facts);
    check.ties(facts);
    check.consent(facts);
    check.segments(facts);
    for (at, ask) in facts.asks.iter().enumerate() {
        check.ask(facts, ask, &format!("/asks/{at}"));
    }
    // References come first: a file with both kinds of fault reports those (facts file paper §7).
    if !check.references.is_empty() {
        return Err(check.references);
    }
    if check.duplicates.is_empty() { Ok(()) } else { Err(check.duplicates) }
}

impl<'a> Check<'a> {
    fn section(&mut self, kind: Option<Kind>, ids: impl Iterator<Item = (String, &'a str)>) {
        let mut seen = HashSet::new();
        for (pointer, id) in ids {
            if !seen.insert(id) {
                self.duplicates.push(FactsError { fault: Fault::Duplicate, pointer });
            }
        }
        if let Some(kind) = kind {
            self.known.push((kind, seen));
        }
    }

    fn names(&mut self, facts: &'a Facts) {
        macro_rules! section {
            ($kind:expr, $field:ident) => {{
                let pointer = |at: usize| format!(concat!("/", stringify!($field), "/{}/id"), at);
                self.section($kind, facts.$field.iter().enumerate().map(|(at, item)| (pointer(at), item.id.as_str())));
            }};
        }
        section!(Some(Kind::Agency), agencies);
        section!(Some(Kind::Team), teams);
        section!(Some(Kind::Account), accounts);
        let hats = facts.accounts.iter().enumerate().flat_map(|(a, account)| {
            let pointer = move |h: usize| format!("/accounts/{a}/hats/{h}/id");
            account.hats.iter().enumerate().map(move |(h, hat)| (pointer(h), hat.id.as_str()))
        });
        self.section(Some(Kind::Hat), hats);
        section!(Some(Kind::Person), people);
        section!(None, households);
        section!(Some(Kind::Case), cases);
        let links = facts.links.iter().enumerate();
        self.section(None, links.filter_map(|(at, l)| Some((format!("/links/{at}/id"), l.id.as_deref()?))));
        let orders = facts.orders.iter().enumerate();
        self.section(None, orders.filter_map(|(at, o)| Some((format!("/orders/{at}/id"), o.id.as_deref()?))));
        section!(Some(Kind::Assessment), assessments);
        section!(None, protections);
        section!(None, seals);
        section!(Some(Kind::Opening), openings);
        section!(Some(Kind::Relationship), relationships);
        section!(None, item_grants);
        section!(Some(Kind::Permission), permissions);
        section!(Some(Kind::Override), overrides);
        section!(Some(Kind::Segment), segments);
        section!(None, asks);
    }

    fn one(&mut self, kinds: &[Kind], id: &str, pointer: String) {
        let waived = !self.segments_too && kinds == [Kind::Segment];
        let known = waived || self.known.iter().any(|(kind, ids)| kinds.contains(kind) && ids.contains(id));
        if !known {
            self.references.push(FactsError { fault: Fault::Reference, pointer });
        }
    }
    fn maybe(&mut self, kinds: &[Kind], id: Option<&str>, pointer: String) {
        if let Some(id) = id {
            self.one(kinds, id, pointer);
        }
    }
    fn each<'i>(&mut self, kinds: &[Kind], ids: impl Iterator<Item = &'i str>, pointer: &str) {
        for (at, id) in ids.enumerate() {
            self.one(kinds, id, format!("{pointer}/{at}"));
        }
    }
    fn members(&mut self, members: &[Member], pointer: &str) {
        for (at, member) in members.iter().enumerate() {
            let tail = if matches!(member, Member::Always(_)) { "" } else { "/person" };
            self.one(&[Kind::Person], member.person().as_str(), format!("{pointer}/{at}{tail}"));
        }
    }
    fn party(&mut self, party: &Party, pointer: &str) {
        self.maybe(&[Kind::Agency], party.agency.as_ref().map(|id| id.as_str()), format!("{pointer}/agency"));
        self.maybe(&[Kind::Team], party.team.as_ref().map(|id| id.as_str()), format!("{pointer}/team"));
        self.maybe(&[Kind::Account], party.account.as_ref().map(|id| id.as_str()), format!("{pointer}/account"));
    }

    fn parties(&mut self, facts: &Facts) {
        for (at, team) in facts.teams.iter().enumerate() {
            self.one(&[Kind::Agency], team.agency.as_str(), format!("/teams/{at}/agency"));
        }
        for (at, account) in facts.accounts.iter().enumerate() {
            let here = format!("/accounts/{at}");
            self.maybe(&[Kind::Person], account.person.as_ref().map(|id| id.as_str()), format!("{here}/person"));
            for (h, hat) in account.hats.iter().enumerate() {
                self.one(&[Kind::Agency], hat.agency.as_str(), format!("{here}/hats/{h}/agency"));
                self.maybe(&[Kind::Team], hat.team.as_ref().map(|id| id.as_str()), format!("{here}/hats/{h}/team"));
            }
        }
        for (at, household) in facts.households.iter().enumerate() {
            self.members(&household.members, &format!("/households/{at}/members"));
        }
        for (at, case) in facts.cases.iter().enumerate() {
            let here = format!("/cases/{at}");
            self.maybe(&[Kind::Agency], case.agency.as_ref().map(|id| id.as_str()), format!("{here}/agency"));
            self.maybe(&[Kind::Team], case.team.as_ref().map(|id| id.as_str()), format!("{here}/team"));
            self.members(&case.members, &format!("{here}/members"));
            for (p, purpose) in case.purposes.iter().enumerate() {
                let here = format!("{here}/purposes/{p}");
                self.maybe(ANYBODY, purpose.by.as_ref().map(|id| id.as_str()), format!("{here}/by"));
                self.maybe(ANYBODY, purpose.manager.as_ref().map(|id| id.as_str()), format!("{here}/manager"));
            }
        }
    }

    fn ties(&mut self, facts: &Facts) {
        let person = &[Kind::Person];
        for (at, link) in facts.links.iter().enumerate() {
            self.one(person, link.a.as_str(), format!("/links/{at}/a"));
            self.one(person, link.b.as_str(), format!("/links/{at}/b"));
        }
        for (at, conflict) in facts.conflicts.iter().enumerate() {
            self.one(&[Kind::Account], conflict.account.as_str(), format!("/conflicts/{at}/account"));
            self.one(person, conflict.person.as_str(), format!("/conflicts/{at}/person"));
        }
        for (at, held) in facts.parental_responsibility.iter().enumerate() {
            let here = format!("/parental_responsibility/{at}");
            self.one(&[Kind::Person, Kind::Agency], &held.holder, format!("{here}/holder"));
            self.one(person, held.child.as_str(), format!("{here}/child"));
        }
        for (at, order) in facts.orders.iter().enumerate() {
            self.one(person, order.child.as_str(), format!("/orders/{at}/child"));
            let agency = order.agency.as_ref().map(|id| id.as_str());
            self.maybe(&[Kind::Agency], agency, format!("/orders/{at}/agency"));
        }
        for (at, assessment) in facts.assessments.iter().enumerate() {
            self.one(person, assessment.person.as_str(), format!("/assessments/{at}/person"));
            let assessor = assessment.assessor.as_ref().map(|id| id.as_str());
            self.maybe(ANYBODY, assessor, format!("/assessments/{at}/assessor"));
        }
        for (at, protection) in facts.protections.iter().enumerate() {
            let here = format!("/protections/{at}");
            self.one(person, protection.person.as_str(), format!("{here}/person"));
            self.one(person, protection.against.as_str(), format!("{here}/against"));
            self.maybe(ANYBODY, protection.set_by.as_ref().map(|id| id.as_str()), format!("{here}/set_by"));
        }
        for (at, strand) in facts.strands.iter().enumerate() {
            self.one(&[Kind::Hat], strand.hat.as_str(), format!("/strands/{at}/hat"));
            self.one(person, strand.linked_to.as_str(), format!("/strands/{at}/linked_to"));
            self.one(ANYBODY, strand.marked_by.as_str(), format!("/strands/{at}/marked_by"));
        }
        for (at, seal) in facts.seals.iter().enumerate() {
            self.one(person, seal.former.as_str(), format!("/seals/{at}/former"));
            self.one(person, seal.current.as_str(), format!("/seals/{at}/current"));
            let custodian = seal.custodian.as_ref().map(|id| id.as_str());
            self.maybe(ANYBODY, custodian, format!("/seals/{at}/custodian"));
        }
        for (at, opening) in facts.openings.iter().enumerate() {
            self.one(&[Kind::Hat], opening.hat.as_str(), format!("/openings/{at}/hat"));
            self.one(&[Kind::Segment], opening.segment.as_str(), format!("/openings/{at}/segment"));
        }
        for (at, relationship) in facts.relationships.iter().enumerate() {
            self.relationship(relationship, &format!("/relationships/{at}"));
        }
        for (at, grant) in facts.item_grants.iter().enumerate() {
            let here = format!("/item_grants/{at}");
            self.one(&[Kind::Segment], grant.segment.as_str(), format!("{here}/segment"));
            self.one(&[Kind::Hat], grant.by.as_str(), format!("{here}/by"));
            self.one(&[Kind::Hat], grant.to.as_str(), format!("{here}/to"));
        }
    }

    fn relationship(&mut self, item: &facts::Relationship, here: &str) {
        let hat = &[Kind::Hat];
        let person = &[Kind::Person];
        self.one(hat, item.hat.as_str(), format!("{here}/hat"));
        self.maybe(person, item.subject.as_ref().map(|id| id.as_str()), format!("{here}/subject"));
        self.maybe(&[Kind::Case], item.case.as_ref().map(|id| id.as_str()), format!("{here}/case"));
        self.maybe(hat, item.of.as_ref().map(|id| id.as_str()), format!("{here}/of"));
        self.maybe(hat, item.grantor.as_ref().map(|id| id.as_str()), format!("{here}/grantor"));
        self.each(&[Kind::Case], item.cases.iter().map(|id| id.as_str()), &format!("{here}/cases"));
        for (at, absence) in item.absences.iter().enumerate() {
            let cover = absence.cover.as_ref().map(|id| id.as_str());
            self.maybe(ANYBODY, cover, format!("{here}/absences/{at}/cover"));
        }
        self.maybe(person, item.requester.as_ref().map(|id| id.as_str()), format!("{here}/requester"));
        self.maybe(ANYBODY, item.created_by.as_ref().map(|id| id.as_str()), format!("{here}/created_by"));
    }

    fn scope(&mut self, scope: &facts::Scope, here: &str) {
        for (name, parties) in [("from", &scope.from), ("to", &scope.to)] {
            for (at, party) in parties.iter().flatten().enumerate() {
                self.party(party, &format!("{here}/{name}/{at}"));
            }
        }
        let segments = scope.segments.iter().flatten();
        self.each(&[Kind::Segment], segments.map(|id| id.as_str()), &format!("{here}/segments"));
    }

    fn consent(&mut self, facts: &Facts) {
        let party = &[Kind::Person, Kind::Agency];
        for (at, item) in facts.permissions.iter().enumerate() {
            let here = format!("/permissions/{at}");
            self.one(&[Kind::Person], item.subject.as_str(), format!("{here}/subject"));
            self.one(party, &item.decider, format!("{here}/decider"));
            let competence = item.competence.as_ref().map(|id| id.as_str());
            self.maybe(&[Kind::Assessment], competence, format!("{here}/competence"));
            self.scope(&item.scope, &here);
            for (e, exception) in item.exceptions.iter().enumerate() {
                self.scope(&exception.scope, &format!("{here}/exceptions/{e}"));
            }
            self.maybe(&[Kind::Case], item.plan.as_ref().map(|id| id.as_str()), format!("{here}/plan"));
            self.maybe(&[Kind::Hat], item.recorded_by.as_ref().map(|id| id.as_str()), format!("{here}/recorded_by"));
            let supersedes = item.supersedes.as_ref().map(|id| id.as_str());
            self.maybe(&[Kind::Permission], supersedes, format!("{here}/supersedes"));
            for (e, event) in item.events.iter().enumerate() {
                let by = match event {
                    PermissionEvent::Withdraw { by, .. } | PermissionEvent::Object { by, .. } => Some(by.as_str()),
                    PermissionEvent::Resolve { by, .. } | PermissionEvent::EnteredInError { by, .. } => by.as_deref(),
                };
                self.maybe(ANYBODY, by, format!("{here}/events/{e}/by"));
            }
        }
        for (at, item) in facts.overrides.iter().enumerate() {
            let here = format!("/overrides/{at}");
            self.one(&[Kind::Hat], item.hat.as_str(), format!("{here}/hat"));
            self.one(&[Kind::Person], item.subject.as_str(), format!("{here}/subject"));
            self.maybe(&[Kind::Hat], item.approved_by.as_ref().map(|id| id.as_str()), format!("{here}/approved_by"));
            for (r, renewal) in item.renewals.iter().enumerate() {
                self.one(&[Kind::Hat], renewal.approved_by.as_str(), format!("{here}/renewals/{r}/approved_by"));
            }
        }
    }

    fn segments(&mut self, facts: &Facts) {
        for (at, segment) in facts.segments.iter().enumerate() {
            let here = format!("/segments/{at}");
            self.each(&[Kind::Person], segment.about.iter().map(|id| id.as_str()), &format!("{here}/about"));
            let record_of = segment.record_of.as_ref().map(|id| id.as_str());
            self.maybe(&[Kind::Person], record_of, format!("{here}/record_of"));
            self.one(&[Kind::Agency], segment.custodian.as_str(), format!("{here}/custodian"));
            self.maybe(&[Kind::Hat], segment.author.as_ref().map(|id| id.as_str()), format!("{here}/author"));
            self.each(&[Kind::Hat], segment.caseload.iter().map(|id| id.as_str()), &format!("{here}/caseload"));
            let summary = segment.summary.as_ref().map(|id| id.as_str());
            self.maybe(&[Kind::Segment], summary, format!("{here}/summary"));
            for (o, cap) in segment.originator.iter().enumerate() {
                self.party(&cap.to, &format!("{here}/originator/{o}/to"));
            }
            self.each(&[Kind::Person], segment.voices.iter().map(|id| id.as_str()), &format!("{here}/voices"));
            let by = segment.sealed.as_ref().and_then(|sealed| sealed.by.as_deref());
            self.maybe(ANYBODY, by, format!("{here}/sealed/by"));
        }
    }

    fn ask(&mut self, facts: &Facts, ask: &facts::Ask, here: &str) {
        self.one(&[Kind::Account], ask.account.as_str(), format!("{here}/account"));
        let account = facts.accounts.iter().find(|account| account.id == ask.account);
        // A hat of an unknown account is reported by the account alone.
        if account.is_some_and(|account| account.hats.iter().all(|hat| hat.id != ask.hat)) {
            let pointer = format!("{here}/hat");
            self.references.push(FactsError { fault: Fault::Reference, pointer });
        }
        self.maybe(&[Kind::Segment], ask.segment.as_ref().map(|id| id.as_str()), format!("{here}/segment"));
        self.maybe(&[Kind::Override], ask.r#override.as_ref().map(|id| id.as_str()), format!("{here}/override"));
        let delegation = ask.delegation.as_ref().map(|id| id.as_str());
        self.maybe(&[Kind::Relationship], delegation, format!("{here}/delegation"));
        self.maybe(&[Kind::Opening], ask.opening.as_ref().map(|id| id.as_str()), format!("{here}/opening"));
        self.maybe(&[Kind::Person], ask.requester.as_ref().map(|id| id.as_str()), format!("{here}/requester"));
        if let Some(act) = &ask.act {
            self.act(act, &format!("{here}/act"));
        }
    }

    fn act(&mut self, act: &Act, here: &str) {
        match act {
            Act::Search { .. } => {}
            Act::ApproveOverride { r#override } => {
                self.one(&[Kind::Override], r#override.as_str(), format!("{here}/override"));
            }
            Act::Delegate { person, account } => {
                self.one(&[Kind::Person], person.as_str(), format!("{here}/person"));
                self.one(&[Kind::Account], account.as_str(), format!("{here}/account"));
            }
            Act::AssignLead { case, hat } | Act::AssignWorker { case, hat } => {
                self.one(&[Kind::Case], case.as_str(), format!("{here}/case"));
                self.one(&[Kind::Hat], hat.as_str(), format!("{here}/hat"));
            }
            Act::ConfirmDraft { person }
            | Act::RecordPermission { person }
            | Act::SignOff { person }
            | Act::ThresholdDecision { person }
            | Act::ReadSegmentationLabel { person } => {
                self.one(&[Kind::Person], person.as_str(), format!("{here}/person"));
            }
            Act::ReadPracticeScores { account } => {
                self.one(&[Kind::Account], account.as_str(), format!("{here}/account"));
            }
            Act::Forward { segment, to } => {
                self.one(&[Kind::Segment], segment.as_str(), format!("{here}/segment"));
                self.one(&[Kind::Hat, Kind::Agency, Kind::Account], to, format!("{here}/to"));
            }
        }
    }
}
