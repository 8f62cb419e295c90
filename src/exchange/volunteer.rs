//! Volunteers: the brief a co-ordinator writes, the visit note, and "I am worried".
//!
//! Owns what a co-ordinator and a volunteer tell each other. A brief is written on purpose, never copied from a record; what
//! is shown of the person beside it is asked for and decided like everything else. All of it ends with the match (R52): a
//! volunteer without a live match has no brief, no notes and nobody to write about.
//!
//! # Source
//! Sharing rules R51, R52; programmes paper, VOL-1 to VOL-7.

use super::pointers::{Waits, Whose, point};
use super::visit::account::{hats_now, kept, moment_time};
use super::{Failure, Gateway, Visitor, Worn};
use crate::audit::payload::{FreeText, Relationship as Relied};
use crate::audit::{Draft, Event, Outcome};
use crate::ident::{AccountId, AgencyId, HatId, PersonId};
use crate::sharing::facts::{Account, Case, Relationship, RelationshipKind, Span};
use crate::store::{Effect, FactSeeds, Job, KeptKind, Section};
use crate::vocabulary::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long briefs and notes are kept, in milliseconds: a year, as long as a match may be reported on.
const KEPT_MILLIS: i64 = 366 * 86_400_000;
/// Longest text, in characters.
const TEXT_CHARS_MAX: usize = 5_000;
/// Accounts read at a time.
const PAGE: i64 = 1_000;

/// A live match.
#[derive(Clone)]
pub struct Match {
    /// Its id.
    pub id: String,
    /// The volunteer's hat.
    pub volunteer: HatId,
    /// The volunteer's account.
    pub account: AccountId,
    /// With whom.
    pub person: PersonId,
    /// Until when.
    pub until: Option<String>,
    /// What the co-ordinator wrote.
    pub brief: Option<Brief>,
}

/// What a co-ordinator chose for a volunteer. Its Debug output shows no text.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Brief {
    /// How to reach the person.
    pub contact: String,
    /// Where to meet.
    pub place: String,
    /// What the match is for.
    pub goals: String,
    /// Whom to ring when something happens.
    pub emergency: String,
}

impl std::fmt::Debug for Brief {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Brief(..)")
    }
}

/// What a volunteer wrote.
#[derive(Clone, Serialize, Deserialize)]
pub struct VolunteerNote {
    /// Its id.
    pub id: String,
    /// About which match.
    pub of: String,
    /// Whether it is a worry; else it is a visit note.
    pub worry: bool,
    /// By whom.
    pub account: AccountId,
    /// Under which hat.
    pub hat: HatId,
    /// About whom.
    pub person: PersonId,
    /// The agency whose co-ordinators read it.
    pub agency: AgencyId,
    /// The workers who are told too.
    pub told: BTreeSet<HatId>,
    /// What.
    pub text: String,
    /// When, in milliseconds.
    pub at: i64,
}

impl std::fmt::Debug for VolunteerNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VolunteerNote({})", self.id)
    }
}

impl Gateway {
    /// The live matches of the visitor, a volunteer, or of every volunteer of the visitor's agency, for a co-ordinator.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody else.
    pub async fn matches(&self, visitor: &Visitor) -> Result<Vec<Match>, Failure> {
        let hat = visitor.worn()?;
        let volunteers = match hat.role {
            Role::Vol => vec![(visitor.account.clone(), hat.clone())],
            Role::Vco => self.hats_of_role(&hat.agency, Role::Vol).await?,
            _ => return Err(Failure::NotFound),
        };
        let now = moment_time(self.clock().now()).ok_or(Failure::Inconsistent("the clock has no time"))?;
        let mut found = Vec::new();
        for (account, worn) in volunteers {
            for row in self.db.facts_of_worker(&self.keys, &worn.id).await? {
                let Ok(tie) = serde_json::from_value::<Relationship>(row.body) else { continue };
                let live = Span { from: Some(tie.from), to: tie.to }.holds(now);
                let Some(person) = tie.subject.filter(|_| live && tie.kind == RelationshipKind::Match) else {
                    continue;
                };
                let id = tie.id.as_str().to_owned();
                let brief = self.brief(&id).await?;
                let until = tie.to.map(|to| to.to_string());
                let (volunteer, account) = (worn.id.clone(), account.clone());
                found.push(Match { id, volunteer, account, person, until, brief });
            }
        }
        Ok(found)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn matched(&self, visitor: &Visitor, id: &str) -> Result<Match, Failure> {
        self.matches(visitor).await?.into_iter().find(|m| m.id == id).ok_or(Failure::NotFound)
    }

    /// The hats of a role in an agency now, with their accounts.
    pub(super) async fn hats_of_role(&self, agency: &AgencyId, role: Role) -> Result<Vec<(AccountId, Worn)>, Failure> {
        self.hats_of(agency, |hat| hat.role == role).await
    }

    /// The live hats of an agency that fit, with their teams' names.
    pub(super) async fn hats_of(
        &self,
        agency: &AgencyId,
        fits: impl Fn(&Worn) -> bool,
    ) -> Result<Vec<(AccountId, Worn)>, Failure> {
        let (now, mut after, mut found) = (self.clock().now(), String::new(), Vec::new());
        loop {
            let rows = self.db.facts_in(&self.keys, Section::Accounts, &after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            for account in rows.iter().filter_map(|row| serde_json::from_value::<Account>(row.body.clone()).ok()) {
                let own = |h: &Worn| fits(h) && &h.agency == agency;
                found.extend(hats_now(&account, now).into_iter().filter(own).map(|h| (account.id.clone(), h)));
            }
        }
        for (_, hat) in &mut found {
            self.name_teams(std::slice::from_mut(hat)).await?;
        }
        Ok(found)
    }

    async fn brief(&self, id: &str) -> Result<Option<Brief>, Failure> {
        let row = self.db.kept(&self.keys, KeptKind::Brief, id, self.clock().now()).await?;
        Ok(row.and_then(|row| serde_json::from_slice(&row.body).ok()))
    }

    /// Writes the brief of a match, as its agency's co-ordinator.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody else; [`Failure::Unclear`] for texts that are too long.
    pub async fn write_brief(&self, visitor: &Visitor, id: &str, brief: Brief) -> Result<(), Failure> {
        let of = self.matched(visitor, id).await?;
        if visitor.worn()?.role != Role::Vco {
            return Err(Failure::NotFound);
        }
        let texts = [&brief.contact, &brief.place, &brief.goals, &brief.emergency];
        if texts.iter().any(|t| t.chars().count() > TEXT_CHARS_MAX) {
            return Err(Failure::Unclear("a brief is too long"));
        }
        let body = serde_json::to_vec(&brief).map_err(|_| Failure::Inconsistent("a brief cannot be written"))?;
        let ends = self.clock().now().plus_millis(KEPT_MILLIS);
        let kept = kept(KeptKind::Brief, id.to_owned(), visitor.worn()?.agency.as_str(), body, ends);
        let payload = about(visitor, Event::Send, &of, "volunteer brief");
        let job = Job::new(Draft::new(Outcome::Allow, payload));
        self.committer.commit(job.with_effect(Effect::Keep { kept, was: None })).await?;
        Ok(())
    }

    /// Takes a visit note or a worry of a volunteer. A worry reaches the co-ordinators and, while a case of the person is
    /// open, its social workers, with this entry.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without a live match; [`Failure::Unclear`] for a text that is empty or too long.
    pub async fn volunteer_says(&self, visitor: &Visitor, id: &str, worry: bool, text: String) -> Result<(), Failure> {
        let of = self.matched(visitor, id).await?;
        let hat = visitor.worn()?.clone();
        if hat.role != Role::Vol {
            return Err(Failure::NotFound);
        }
        if text.trim().is_empty() || text.chars().count() > TEXT_CHARS_MAX {
            return Err(Failure::Unclear("a note without text"));
        }
        let now = self.clock().now();
        let told = if worry { self.workers_of(&of.person).await? } else { BTreeSet::new() };
        let note = VolunteerNote {
            id: Self::fresh_id(),
            of: of.id.clone(),
            worry,
            account: visitor.account.clone(),
            hat: hat.id.clone(),
            person: of.person.clone(),
            agency: hat.agency.clone(),
            told,
            text: text.clone(),
            at: now.millis(),
        };
        let body = serde_json::to_vec(&note).map_err(|_| Failure::Inconsistent("a note cannot be written"))?;
        let ends = now.plus_millis(KEPT_MILLIS);
        let keep =
            Effect::Keep { kept: kept(KeptKind::Note, note.id.clone(), hat.id.as_str(), body, ends), was: Some(0) };
        let what = if worry { "volunteer worry" } else { "visit note" };
        let mut payload = about(visitor, Event::Send, &of, what);
        payload.justification = Some(FreeText::new(text));
        let waits = if worry { Waits::Worry } else { Waits::Note };
        let mut job = Job::new(Draft::new(Outcome::Allow, payload)).with_effect(keep);
        job = job.with_effect(point(waits, Whose::Agency(&hat.agency), &note.id, ends));
        for worker in &note.told {
            job = job.with_effect(point(waits, Whose::Hat(worker), &note.id, ends));
        }
        self.committer.commit(job).await?;
        Ok(())
    }

    /// The social workers of the open cases a person is in.
    async fn workers_of(&self, person: &PersonId) -> Result<BTreeSet<HatId>, Failure> {
        let now = moment_time(self.clock().now()).ok_or(Failure::Inconsistent("the clock has no time"))?;
        let seeds = FactSeeds { persons: vec![person.clone()], ..FactSeeds::default() };
        let rows = self.db.facts_for(&self.keys, &seeds).await?;
        let open = rows.iter().filter(|r| r.section == Section::Cases).filter_map(|r| {
            let case: Case = serde_json::from_value(r.body.clone()).ok()?;
            let live = case.purposes.iter().any(|p| Span { from: Some(p.from), to: p.to }.holds(now));
            live.then(|| case.id.as_str().to_owned())
        });
        let cases: Vec<String> = open.collect();
        let seeds = FactSeeds { cases: cases.clone(), ..FactSeeds::default() };
        let mut found = BTreeSet::new();
        for row in self.db.facts_for(&self.keys, &seeds).await?.into_iter().chain(rows) {
            if row.section != Section::Relationships {
                continue;
            }
            let Ok(tie) = serde_json::from_value::<Relationship>(row.body) else { continue };
            let on = tie.case.as_ref().is_some_and(|case| cases.iter().any(|c| c == case.as_str()));
            if on && tie.kind == RelationshipKind::Allocated && (Span { from: Some(tie.from), to: tie.to }).holds(now) {
                found.insert(tie.hat);
            }
        }
        Ok(found)
    }

    /// What volunteers wrote that this visitor reads: their own under a live match, a co-ordinator's agency's, or the worries
    /// that a worker is told of; newest first.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn volunteer_notes(&self, visitor: &Visitor) -> Result<Vec<VolunteerNote>, Failure> {
        let hat = visitor.worn()?;
        let mut found = Vec::new();
        if hat.role == Role::Vol {
            let live: BTreeSet<String> = self.matches(visitor).await?.into_iter().map(|m| m.id).collect();
            let rows = self.db.kept_of(&self.keys, KeptKind::Note, hat.id.as_str(), self.clock().now()).await?;
            let read = rows.iter().filter_map(|row| serde_json::from_slice::<VolunteerNote>(&row.body).ok());
            found.extend(read.filter(|note| live.contains(&note.of)));
            return Ok(found);
        }
        let whose = if hat.role == Role::Vco { Whose::Agency(&hat.agency) } else { Whose::Hat(&hat.id) };
        for waits in [Waits::Worry, Waits::Note] {
            for id in self.pointed(waits, whose).await? {
                let row = self.db.kept(&self.keys, KeptKind::Note, &id, self.clock().now()).await?;
                found.extend(row.and_then(|row| serde_json::from_slice::<VolunteerNote>(&row.body).ok()));
            }
        }
        found.sort_by_key(|note| std::cmp::Reverse(note.at));
        Ok(found)
    }

    /// One of them; logged, as somebody other than the author reads it.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn volunteer_note(&self, visitor: &Visitor, id: &str) -> Result<VolunteerNote, Failure> {
        let note = self.volunteer_notes(visitor).await?.into_iter().find(|n| n.id == id).ok_or(Failure::NotFound)?;
        let mut payload = visitor.payload(Event::View);
        payload.subject = Some(note.person.clone());
        payload.reason = Some(if note.worry { "volunteer worry" } else { "visit note" }.to_owned());
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload))).await?;
        Ok(note)
    }
}

fn about(visitor: &Visitor, event: Event, of: &Match, what: &str) -> crate::audit::payload::Payload {
    let mut payload = visitor.payload(event);
    payload.subject = Some(of.person.clone());
    payload.reason = Some(what.to_owned());
    payload.relationship = Some(Relied { id: of.id.clone(), kind: "match".to_owned() });
    payload
}
