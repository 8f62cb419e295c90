//! Doubtful matches: people made for the time being who may be somebody known. An officer says that they are two, or that they
//! are one; then another officer says so too, and they are joined.
//!
//! Owns the two-person rule, who stays (the one in the partnership's register, else the one known longer), and the facts that
//! name the one who goes: each names the other from the same moment, with its protections, links, permissions and ties, none of
//! which is lost. Never joins two whom one record or one fact names side by side, nor two who are both registered: somebody has
//! said that they are two. Joined they cannot be parted.
//!
//! # Source
//! Sharing rules R9, R15, R39, R62; audit paper §10 Q17; pages paper T2 (never a silent merge).

use super::alerts::AlertKind;
use super::notice::Notify;
use super::visit::account::kept;
use super::{Desk, Failure, Gateway, Visitor};
use crate::audit::payload::{Change, Payload};
use crate::audit::{Draft, Event, Outcome};
use crate::ident::{AccountId, EntryId, PersonId};
use crate::sharing::facts::Time;
use crate::sharing::lifecycle::{self, Actor, Needs};
use crate::store::{CommitError, Effect, FactSeeds, Job, KeptKind, Likeness, Refusal, ReviewRow, Section};
use crate::vocabulary::Purpose;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Doubtful matches looked through for an agency's own.
const MATCHES_MAX: i64 = 500;
/// Facts read at a time.
const PAGE: i64 = 1_000;
/// How long what the first officer said is kept, in milliseconds: a year.
const SAID_MILLIS: i64 = 366 * 86_400_000;
/// Officers that a join needs.
const OFFICERS: usize = 2;
/// How often a join is prepared anew because facts changed meanwhile.
const TRIES: usize = 8;

/// A doubtful match.
pub struct MatchCard {
    /// The line of the review list.
    pub row: ReviewRow,
    /// What both have, and whether it agrees.
    pub likeness: Vec<Likeness>,
    /// Whether an officer said that they are one person, and whether it was this visitor.
    pub said: Option<bool>,
}

/// What came of an officer's word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settled {
    /// They are two people.
    Different,
    /// They are one; another officer has to say so too.
    Said,
    /// They are one from now on.
    Joined,
    /// Something on record says that they are two people: nothing was joined.
    Two,
}

/// What the first officer said.
#[derive(Serialize, Deserialize)]
struct Said {
    by: AccountId,
    entry: EntryId,
}

impl Gateway {
    /// The agency's doubtful matches: people made for the time being who may be somebody known.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody but officers and auditors.
    pub async fn doubtful_matches(&self, visitor: &Visitor) -> Result<Vec<MatchCard>, Failure> {
        self.reads(visitor).await?;
        let agency = &visitor.worn()?.agency;
        let mut found = Vec::new();
        for row in self.db.reviews("open", MATCHES_MAX).await? {
            let segments = self.db.segments_in(std::slice::from_ref(&row.record)).await?;
            if segments.iter().any(|s| &s.custodian == agency) {
                let likeness = self.db.likeness(&row.person, &row.candidate).await?;
                let said = self.said(&row.id).await?.map(|said| said.by == visitor.account);
                found.push(MatchCard { row, likeness, said });
            }
        }
        Ok(found)
    }

    /// Whether the visitor's agency has the two officers that joining two people needs (Q17: the second is another).
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn two_officers(&self, visitor: &Visitor) -> Result<bool, Failure> {
        Ok(self.officers_of(&visitor.worn()?.agency, OFFICERS).await? >= OFFICERS)
    }

    async fn said(&self, review: &str) -> Result<Option<Said>, Failure> {
        let row = self.db.kept(&self.keys, KeptKind::Joining, review, self.clock().now()).await?;
        Ok(row.and_then(|row| serde_json::from_slice(&row.body).ok()))
    }

    /// Says whether two people are one. Said by a second officer too, they are joined.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is not in the queue; [`Failure::Refused`] for a reader, for the officer who said it first,
    /// and for one with a conflict of interest.
    pub async fn decide_match(&self, visitor: &Visitor, id: &str, same: bool) -> Result<Settled, Failure> {
        let card = self.doubtful_matches(visitor).await?.into_iter().find(|m| m.row.id == id);
        let row = card.ok_or(Failure::NotFound)?.row;
        if self.reads(visitor).await? != Desk::Officer {
            return Err(Failure::Refused { reason: "D-DELEGATE" });
        }
        let said = self.said(id).await?;
        match (same, said) {
            (false, said) => {
                let end = said.map(|_| Effect::EndKept { kind: KeptKind::Joining, id: id.to_owned() });
                let payload = about(visitor, Event::PersonUnlink, &row.person, "different");
                let job = Job::new(Draft::new(Outcome::Allow, payload)).with_effect(settle(id, "different"));
                self.committer.commit(end.into_iter().fold(job, Job::with_effect)).await?;
                Ok(Settled::Different)
            }
            (true, None) => {
                let entry = EntryId::new(Self::fresh_id());
                let said = Said { by: visitor.account.clone(), entry: entry.clone() };
                let body = serde_json::to_vec(&said).map_err(|_| Failure::Inconsistent("an officer's word"))?;
                let ends = self.clock().now().plus_millis(SAID_MILLIS);
                let owner = visitor.worn()?.agency.as_str();
                let kept = kept(KeptKind::Joining, id.to_owned(), owner, body, ends);
                let payload = about(visitor, Event::PersonLink, &row.person, "same");
                let job = Job::new(Draft::new(Outcome::Allow, payload).with_id(entry));
                self.committer.commit(job.with_effect(Effect::Keep { kept, was: Some(0) })).await?;
                Ok(Settled::Said)
            }
            (true, Some(said)) if said.by == visitor.account => {
                let mut payload = about(visitor, Event::Refuse, &row.person, "D-DELEGATE");
                payload.refers_to = vec![said.entry];
                self.committer.commit(Job::new(Draft::new(Outcome::Deny, payload))).await?;
                Err(Failure::Refused { reason: "D-DELEGATE" })
            }
            (true, Some(said)) => self.join(visitor, &row, &said).await,
        }
    }

    async fn join(&self, visitor: &Visitor, row: &ReviewRow, said: &Said) -> Result<Settled, Failure> {
        for _ in 0..TRIES {
            let state = self.facts.now(&self.db).await?;
            self.without_interest(visitor, row).await?;
            let Some((gone, kept)) = self.who_goes(&row.person, &row.candidate).await? else {
                return self.two_people(visitor, row).await;
            };
            let Some(facts) = self.facts_moved(&gone, &kept).await? else {
                return self.two_people(visitor, row).await;
            };
            let [of_kept, of_gone] = [(&kept, &gone), (&gone, &kept)].map(|(subject, other)| {
                let mut payload = about(visitor, Event::PersonLink, subject, "joined");
                payload.change = Some(Change { what: format!("people/{other}"), before: None, after: None });
                payload.refers_to = vec![said.entry.clone()];
                Draft::new(Outcome::Allow, payload)
            });
            let mut effects = vec![Effect::IfFacts { at: state }, settle(&row.id, "same")];
            effects.push(Effect::EndKept { kind: KeptKind::Joining, id: row.id.clone() });
            effects.push(Effect::JoinPeople { gone: gone.clone(), kept: kept.clone() });
            effects.extend(facts);
            effects.extend(self.drafts_moved(&gone, &kept).await?);
            let job = Job::new(of_kept).with_entry(of_gone);
            match self.committer.commit(effects.into_iter().fold(job, Job::with_effect)).await {
                Ok(_) => return Ok(Settled::Joined),
                Err(CommitError::Refused(Refusal::TwoPeople | Refusal::PersonChanged)) => {
                    return self.two_people(visitor, row).await;
                }
                Err(CommitError::Refused(Refusal::FactChanged { .. } | Refusal::KeptChanged { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Changed)
    }

    /// Nothing was joined; that somebody tried stands in the log.
    async fn two_people(&self, visitor: &Visitor, row: &ReviewRow) -> Result<Settled, Failure> {
        let payload = about(visitor, Event::PersonLink, &row.person, "two people");
        self.committer.commit(Job::new(Draft::new(Outcome::Deny, payload))).await?;
        Ok(Settled::Two)
    }

    /// An officer with a tie to either of them decides nothing (R9).
    async fn without_interest(&self, visitor: &Visitor, row: &ReviewRow) -> Result<(), Failure> {
        let hat = visitor.worn()?;
        let both = [&row.person, &row.candidate];
        let seeds = FactSeeds {
            persons: both.iter().map(|p| (*p).clone()).collect(),
            hats: vec![hat.id.clone()],
            account: Some(visitor.account.clone()),
            agencies: vec![hat.agency.clone()],
            ..FactSeeds::default()
        };
        let now = self.clock().now();
        let known = self.known(self.facts.now(&self.db).await?, &seeds).await?;
        let people: BTreeMap<PersonId, Option<String>> = both.iter().map(|p| ((*p).clone(), None)).collect();
        let world = known.world(&known.unregistered(people), &[], Time::from(now))?;
        let actor =
            Actor { account: visitor.account.clone(), hat: hat.id.clone(), purpose: Purpose::Au, at: Time::from(now) };
        for person in both {
            let Err(refused) = lifecycle::admit(&world, &self.content().policy, &actor, person, Needs::Hat) else {
                continue;
            };
            let entry = EntryId::new(Self::fresh_id());
            let payload = about(visitor, Event::Refuse, person, refused.reason.code());
            let mut job = Job::new(Draft::new(Outcome::Deny, payload).with_id(entry.clone()));
            if refused.alert {
                let alert = Notify::new(AlertKind::Conflict, entry.as_str(), &entry, now);
                job = alert.to(std::slice::from_ref(&hat.agency)).into_iter().fold(job, Job::with_effect);
            }
            self.committer.commit(job).await?;
            return Err(Failure::NotFound);
        }
        Ok(())
    }

    /// Who goes and who stays: whom the partnership has registered stays, else whom the index has known longer. `None` when
    /// both are registered: the register says that they are two.
    async fn who_goes(&self, one: &PersonId, other: &PersonId) -> Result<Option<(PersonId, PersonId)>, Failure> {
        let mut registered = Vec::new();
        for person in [one, other] {
            registered.push(self.stored::<Value>(Section::People, person.as_str()).await?.is_some());
        }
        Ok(match registered.as_slice() {
            [true, true] => None,
            [true, false] => Some((other.clone(), one.clone())),
            [false, true] => Some((one.clone(), other.clone())),
            _ => self.db.older_first(one, other).await?.map(|(older, younger)| (younger, older)),
        })
    }

    /// Every fact that names the one who goes, naming the one who stays; `None` when a fact names both.
    async fn facts_moved(&self, gone: &PersonId, kept: &PersonId) -> Result<Option<Vec<Effect>>, Failure> {
        let (gone, kept) = (gone.as_str(), kept.as_str());
        let mut effects = Vec::new();
        for section in Section::ALL {
            let mut after = String::new();
            loop {
                let rows = self.db.facts_in(&self.keys, *section, &after, PAGE).await?;
                let Some(last) = rows.last() else { break };
                after.clone_from(&last.id);
                for row in &rows {
                    let mut body = row.body.clone();
                    if !rename(&mut body, gone, kept) {
                        continue;
                    }
                    if names(&row.body, kept) {
                        return Ok(None);
                    }
                    // Facts without an id of their own are stored under the people they name.
                    let id = row.id.replace(gone, kept);
                    if id == row.id {
                        effects.push(put(*section, id, body, row.version));
                        continue;
                    }
                    effects.push(Effect::EndFact { section: *section, id: row.id.clone() });
                    match self.stored::<Value>(*section, &id).await? {
                        None => effects.push(put(*section, id, body, 0)),
                        Some((there, old)) if is_longer(*section, &body, &old) => {
                            effects.push(put(*section, id, body, there.version));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        Ok(Some(effects))
    }
}

fn about(visitor: &Visitor, event: Event, subject: &PersonId, reason: &str) -> Payload {
    let mut payload = visitor.payload(event);
    payload.subject = Some(subject.clone());
    payload.reason = Some(reason.to_owned());
    payload
}

fn settle(id: &str, state: &str) -> Effect {
    Effect::SettleReview { id: id.to_owned(), state: state.to_owned() }
}

fn put(section: Section, id: String, body: Value, version: i64) -> Effect {
    Effect::PutFact { section, id, body, expected_version: Some(version) }
}

/// Whether a fact names this person anywhere.
fn names(body: &Value, person: &str) -> bool {
    match body {
        Value::String(text) => text == person,
        Value::Array(items) => items.iter().any(|item| names(item, person)),
        Value::Object(members) => members.values().any(|value| names(value, person)),
        _ => false,
    }
}

/// Puts one person's id in the place of another's; false when there was none. The id that goes is random: nothing else is
/// called so.
fn rename(body: &mut Value, gone: &str, kept: &str) -> bool {
    match body {
        Value::String(text) if text == gone => {
            kept.clone_into(text);
            true
        }
        Value::Array(items) => rename_in(items.iter_mut(), gone, kept),
        Value::Object(members) => rename_in(members.values_mut(), gone, kept),
        _ => false,
    }
}

fn rename_in<'a>(all: impl Iterator<Item = &'a mut Value>, gone: &str, kept: &str) -> bool {
    let mut found = false;
    for value in all {
        found |= rename(value, gone, kept);
    }
    found
}

/// Of two statements of the same, whether the first withholds for longer: a tie, a conflict, a worker linked to somebody. In
/// other sections what stood with the one who stays counts.
fn is_longer(section: Section, first: &Value, other: &Value) -> bool {
    let holds = matches!(section, Section::Links | Section::Conflicts | Section::Strands);
    let end = |body: &Value| body.get("to").and_then(Value::as_str).and_then(|to| Time::parse(to).ok());
    holds
        && match (end(first), end(other)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(first), Some(other)) => first > other,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fact_names_the_other_wherever_it_named_the_one() {
        let mut body = json!({"members": ["a", {"person": "g"}], "by": "g", "note": "g and a", "deep": [{"a": ["g"]}]});
        assert!(names(&body, "g") && !names(&body, "k"));
        assert!(rename(&mut body, "g", "k"));
        assert_eq!(
            body,
            json!({"members": ["a", {"person": "k"}], "by": "k", "note": "g and a", "deep": [{"a": ["k"]}]})
        );
        assert!(!rename(&mut body, "g", "k"));
    }

    #[test]
    fn of_two_ties_the_one_that_holds_longer_counts() {
        let until = |to: Option<&str>| to.map_or_else(|| json!({}), |to| json!({"to": to}));
        let (short, long, ever) =
            (until(Some("2026-01-01T00:00:00Z")), until(Some("2027-01-01T00:00:00Z")), until(None));
        assert!(is_longer(Section::Strands, &long, &short) && is_longer(Section::Links, &ever, &long));
        assert!(!is_longer(Section::Strands, &short, &long) && !is_longer(Section::Conflicts, &long, &ever));
        assert!(!is_longer(Section::Orders, &ever, &short), "an order stays as it stood with the one who stays");
    }
}
