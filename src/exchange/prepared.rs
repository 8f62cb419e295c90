//! Entries that a personal assistant prepares: drafts, until the social worker confirms them (R49).
//!
//! Owns who sees a draft (its author under a live delegation, the allocated social worker, and after five working days their
//! manager, who is told that it waits), and its four steps: prepared, sent back, prepared again or taken back, confirmed. A
//! draft is no record: no decision, answer or delivery can reach it. Confirmed, it is an entry of the worker's like any other.
//!
//! # Source
//! Sharing rules R47–R49; programmes paper PA-2, PA-3, PA-5; canonical record §2 rule 14; pages paper P7.

use super::deed::{Cast, Scene, User};
use super::disclose::hex;
use super::visit::account::{kept, moment_time};
use super::written::may_prepare;
use super::{Failure, Family, Gateway, Visitor, Writing};
use crate::audit::payload::{FreeText, Payload};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::ident::{AccountId, EntryId, HatId, PersonId};
use crate::sharing::facts::{Relationship, Time};
use crate::sharing::lifecycle;
use crate::store::{CommitError, Effect, Job, Kept, KeptKind, Refusal, Section};
use crate::vocabulary::{Purpose, Role};
use serde::{Deserialize, Serialize};

/// Working days after which the manager is told that a draft waits (PA-3).
const WAITS_DAYS: u32 = 5;
/// How long a draft that was sent back is kept, in milliseconds: a year. One that waits is kept until it is confirmed.
const RETURNED_MILLIS: i64 = 366 * 86_400_000;
/// When a draft that waits ends of itself: never.
const UNTIL_CONFIRMED: Moment = Moment::from_millis(i64::MAX);
/// Longest word of what is to be mended, in characters.
const WHY_CHARS_MAX: usize = 5_000;

/// A draft. Its Debug output shows no text.
#[derive(Clone, Serialize, Deserialize)]
pub struct Prepared {
    /// Its id.
    pub id: String,
    /// The family it was written in.
    pub family: String,
    /// Whom it is about.
    pub person: PersonId,
    /// Under which purpose it was written.
    pub purpose: Purpose,
    /// What was written.
    pub writing: Writing,
    /// By whom.
    pub author: AccountId,
    /// Under which hat.
    pub hat: HatId,
    /// For which social worker.
    pub principal: AccountId,
    /// When, in milliseconds.
    pub at: i64,
    /// The entry about the preparing.
    pub entry: EntryId,
    /// What is to be mended, when it was sent back.
    pub returned: Option<String>,
    /// The version that was read; 0 for a new one.
    #[serde(skip)]
    pub version: i64,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prepared({}, version {})", self.id, self.version)
    }
}

/// The drafts of a social worker.
#[derive(Default)]
pub struct ToConfirm {
    /// Those they confirm, oldest first.
    pub own: Vec<Prepared>,
    /// Those of workers they supervise that have waited too long, oldest first.
    pub late: Vec<Prepared>,
}

impl Gateway {
    /// Whom an assistant acts for in a family. `None` for every other hat and family.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn acts_for(&self, visitor: &Visitor, family: &str) -> Result<Option<AccountId>, Failure> {
        if visitor.hat.as_ref().is_none_or(|hat| hat.role != Role::Pa) {
            return Ok(None);
        }
        let Ok(family) = self.family(visitor, family).await else { return Ok(None) };
        Ok(self.principal(&family).await?.map(|(_, principal)| principal))
    }

    /// The delegation under which an assistant has a family, and the account that granted it.
    async fn principal(&self, family: &Family) -> Result<Option<(String, AccountId)>, Failure> {
        let Some(id) = &family.delegation else { return Ok(None) };
        let Some((_, tie)) = self.stored::<Relationship>(Section::Relationships, id).await? else { return Ok(None) };
        let Some(grantor) = tie.grantor else { return Ok(None) };
        let account = self.account_of(&grantor, self.facts.now(&self.db).await?).await?;
        Ok(Some((id.clone(), account)))
    }

    /// Prepares an entry about a member of a family for the social worker. Sent twice with the same form it is one.
    ///
    /// # Errors
    /// As [`Gateway::write_entry`]; [`Failure::Conflict`] when the form was sent before with other words.
    pub async fn prepare_entry(
        &self,
        visitor: &Visitor,
        (family, person): (&str, &PersonId),
        writing: &Writing,
        form: &str,
    ) -> Result<(), Failure> {
        let hat = visitor.worn()?;
        let (family, purpose) = self.place_for(visitor, (family, person), writing, may_prepare).await?;
        let Some((delegation, principal)) = self.principal(&family).await? else {
            return Err(Failure::Refused { reason: "D-DELEGATE" });
        };
        let draft = Prepared {
            id: hex(&self.keys.hash("prepared", format!("{} {form}", visitor.account).as_bytes())),
            family: family.id,
            person: person.clone(),
            purpose,
            writing: writing.clone(),
            author: visitor.account.clone(),
            hat: hat.id.clone(),
            principal,
            at: self.clock().now().millis(),
            entry: EntryId::new(Self::fresh_id()),
            returned: None,
            version: 0,
        };
        let mut payload = about(visitor, &draft, "entry drafted");
        payload.delegation = Some(delegation);
        let job = Job::new(Draft::new(Outcome::Allow, payload).with_id(draft.entry.clone()));
        let job = job.with_effect(Effect::IfNotJoined(person.clone())).with_effect(keep(&draft, UNTIL_CONFIRMED)?);
        match self.committer.commit(job).await {
            Ok(_) => Ok(()),
            Err(CommitError::Refused(Refusal::KeptChanged { .. })) => {
                let row = self.db.kept(&self.keys, KeptKind::Prepared, &draft.id, self.clock().now()).await?;
                let same = row.and_then(|row| read(&row)).is_some_and(|first| first.writing == draft.writing);
                if same { Ok(()) } else { Err(Failure::Conflict) }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The visitor's own drafts, newest first, as far as the delegation lasts.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody but an assistant.
    pub async fn own_drafts(&self, visitor: &Visitor) -> Result<Vec<Prepared>, Failure> {
        let hat = visitor.worn()?;
        if hat.role != Role::Pa {
            return Err(Failure::NotFound);
        }
        let families = self.families(visitor).await?;
        let delegated: Vec<Family> = families.into_iter().filter(|f| f.delegation.is_some()).collect();
        let mut all = self.drafts_in(&delegated).await?;
        all.retain(|draft| draft.author == visitor.account && draft.hat == hat.id);
        Ok(all)
    }

    /// What waits for this social worker, and what has waited too long for those they supervise.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody but a social worker.
    pub async fn drafts_to_confirm(&self, visitor: &Visitor) -> Result<ToConfirm, Failure> {
        if visitor.worn()?.role != Role::Sw {
            return Err(Failure::NotFound);
        }
        let mut families = self.families(visitor).await?;
        families.retain(|f| f.kinds.iter().any(|kind| kind == "allocated"));
        let mut found = ToConfirm { own: self.drafts_in(&families).await?, late: Vec::new() };
        let overseen = self.families_overseen(visitor).await?;
        let now = moment_time(self.clock().now()).ok_or(Failure::Inconsistent("the clock has no time"))?;
        let late = |draft: &Prepared| {
            let since = Time::from(Moment::from_millis(draft.at));
            lifecycle::working_days(since, WAITS_DAYS) <= now
        };
        found.late = self.drafts_in(&overseen).await?;
        found.late.retain(|d| late(d) && !found.own.iter().any(|own| own.id == d.id));
        for list in [&mut found.own, &mut found.late] {
            list.retain(|draft| draft.returned.is_none());
            list.reverse();
        }
        Ok(found)
    }

    async fn drafts_in(&self, families: &[Family]) -> Result<Vec<Prepared>, Failure> {
        let people = families.iter().flat_map(|f| &f.members).map(|m| m.person.as_str().to_owned());
        let mut people: Vec<String> = people.collect();
        people.sort();
        people.dedup();
        let rows = self.db.kept_of_any(&self.keys, KeptKind::Prepared, &people, self.clock().now()).await?;
        Ok(rows.iter().filter_map(read).collect())
    }

    /// The family of a draft that this visitor may look at; nothing is shown or logged yet.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn family_of_draft(&self, visitor: &Visitor, id: &str) -> Result<String, Failure> {
        let draft = match visitor.worn()?.role {
            Role::Pa => self.own_drafts(visitor).await?.into_iter().find(|d| d.id == id).ok_or(Failure::NotFound)?,
            _ => self.waiting_draft(visitor, id).await?,
        };
        Ok(draft.family)
    }

    /// One draft: the author's own, or one that this social worker confirms; a look at another's is logged.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody else.
    pub async fn prepared(&self, visitor: &Visitor, id: &str) -> Result<Prepared, Failure> {
        if visitor.worn()?.role == Role::Pa {
            return self.own_drafts(visitor).await?.into_iter().find(|d| d.id == id).ok_or(Failure::NotFound);
        }
        let draft = self.waiting_draft(visitor, id).await?;
        self.confirming(visitor, &draft).await?;
        let mut payload = about(visitor, &draft, "entry drafted");
        payload.event = Event::View;
        payload.purpose = visitor.purpose(&draft.family).or(payload.purpose);
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload))).await?;
        Ok(draft)
    }

    async fn waiting_draft(&self, visitor: &Visitor, id: &str) -> Result<Prepared, Failure> {
        let mut draft =
            self.drafts_to_confirm(visitor).await?.own.into_iter().find(|d| d.id == id).ok_or(Failure::NotFound)?;
        // The person may be in a case of this worker's by now that the draft does not know of.
        let families = self.families(visitor).await?;
        let with = |f: &&Family| f.members.iter().any(|m| m.person == draft.person);
        if !families.iter().any(|f| f.id == draft.family) {
            draft.family = families.iter().find(with).ok_or(Failure::NotFound)?.id.clone();
        }
        Ok(draft)
    }

    /// Whether this visitor may confirm the draft under the purpose they said; a refusal is logged.
    async fn confirming(&self, visitor: &Visitor, draft: &Prepared) -> Result<(), Failure> {
        let purpose = visitor.purpose(&draft.family).unwrap_or(draft.purpose);
        let user = User { account: visitor.account.clone(), hat: visitor.worn()?.id.clone() };
        let cast = Cast { persons: vec![draft.person.clone()], ..Cast::default() };
        let caller = visitor.caller();
        let scene: Scene<'_> = self.scene(&caller, &user, cast).await?;
        let actor = scene.actor(purpose);
        match lifecycle::confirms(&scene.world, &scene.content.policy, &actor, &draft.person) {
            Ok(()) => Ok(()),
            Err(refused) => {
                let what = (Event::Refuse, Some(&draft.person), Some(purpose));
                Err(self.turn_away(&scene, what, refused).await)
            }
        }
    }

    /// Confirms a draft, as it was shown: it becomes an entry of this social worker's.
    ///
    /// # Errors
    /// [`Failure::Refused`] for an assistant, logged (R49); [`Failure::NotFound`] for everybody who does not confirm it;
    /// [`Failure::Changed`] when it is no longer what was shown.
    pub async fn confirm_draft(&self, visitor: &Visitor, id: &str, version: i64) -> Result<(), Failure> {
        let draft = self.decided_draft(visitor, id, version).await?;
        let mut by = about(visitor, &draft, "entry confirmed");
        by.purpose = visitor.purpose(&draft.family);
        by.refers_to = vec![draft.entry.clone()];
        let ends = (KeptKind::Prepared, draft.id.clone());
        self.put_down(visitor, &draft.writing, by, (Some(format!("prepared {}", draft.id)), Some(ends))).await
    }

    /// Sends a draft back to its author, with what is to be mended.
    ///
    /// # Errors
    /// As [`Gateway::confirm_draft`]; [`Failure::Inconsistent`] without a word, or with too many.
    pub async fn send_back(&self, visitor: &Visitor, (id, version): (&str, i64), why: &str) -> Result<(), Failure> {
        let mut draft = self.decided_draft(visitor, id, version).await?;
        if why.trim().is_empty() || why.chars().count() > WHY_CHARS_MAX {
            return Err(Failure::Inconsistent("a draft is sent back with a word"));
        }
        let mut payload = about(visitor, &draft, "entry sent back");
        payload.purpose = visitor.purpose(&draft.family);
        payload.refers_to = vec![draft.entry.clone()];
        payload.justification = Some(FreeText::new(why.trim()));
        draft.returned = Some(why.trim().to_owned());
        let ends = self.clock().now().plus_millis(RETURNED_MILLIS);
        let job = Job::new(Draft::new(Outcome::Allow, payload)).with_effect(keep(&draft, ends)?);
        self.committer.commit(job).await?;
        Ok(())
    }

    async fn decided_draft(&self, visitor: &Visitor, id: &str, version: i64) -> Result<Prepared, Failure> {
        let own = visitor.worn()?.role == Role::Pa;
        let draft = if own { self.prepared(visitor, id).await? } else { self.waiting_draft(visitor, id).await? };
        self.confirming(visitor, &draft).await?;
        visitor.purpose(&draft.family).ok_or(Failure::NotFound)?;
        if draft.version == version { Ok(draft) } else { Err(Failure::Changed) }
    }

    /// Prepares a draft again that was sent back.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody but its author, and while it waits; the rest as [`Gateway::prepare_entry`].
    pub async fn prepare_again(&self, visitor: &Visitor, id: &str, writing: &Writing) -> Result<(), Failure> {
        let mut draft = self.returned_draft(visitor, id).await?;
        if !may_prepare(visitor.worn()?.role).contains(&writing.category) {
            return Err(Failure::Refused { reason: "D-DELEGATE" });
        }
        if !writing.faults(self.clock().now()).is_empty() {
            return Err(Failure::Inconsistent("an entry with faults"));
        }
        let before = std::mem::replace(&mut draft.entry, EntryId::new(Self::fresh_id()));
        draft.writing = writing.clone();
        draft.returned = None;
        draft.at = self.clock().now().millis();
        let mut payload = about(visitor, &draft, "entry drafted");
        payload.refers_to = vec![before];
        let job = Job::new(Draft::new(Outcome::Allow, payload).with_id(draft.entry.clone()));
        self.committer.commit(job.with_effect(keep(&draft, UNTIL_CONFIRMED)?)).await?;
        Ok(())
    }

    /// Takes a draft back that was sent back: it is gone.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody but its author, and while it waits.
    pub async fn take_back(&self, visitor: &Visitor, id: &str) -> Result<(), Failure> {
        let draft = self.returned_draft(visitor, id).await?;
        let mut payload = about(visitor, &draft, "entry taken back");
        payload.refers_to = vec![draft.entry.clone()];
        let end = Effect::EndKept { kind: KeptKind::Prepared, id: draft.id };
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload)).with_effect(end)).await?;
        Ok(())
    }

    /// What makes the drafts about one person drafts about another, who is the same.
    pub(super) async fn drafts_moved(&self, gone: &PersonId, kept: &PersonId) -> Result<Vec<Effect>, Failure> {
        let rows = self.db.kept_of(&self.keys, KeptKind::Prepared, gone.as_str(), self.clock().now()).await?;
        let moved = rows.iter().filter_map(|row| Some((read(row)?, row.expires_at)));
        moved.map(|(draft, ends)| keep(&Prepared { person: kept.clone(), ..draft }, ends)).collect()
    }

    async fn returned_draft(&self, visitor: &Visitor, id: &str) -> Result<Prepared, Failure> {
        let own = self.own_drafts(visitor).await?.into_iter().find(|d| d.id == id);
        own.filter(|draft| draft.returned.is_some()).ok_or(Failure::NotFound)
    }
}

fn read(row: &Kept) -> Option<Prepared> {
    let draft: Prepared = serde_json::from_slice(&row.body).ok()?;
    Some(Prepared { version: row.version, ..draft })
}

/// Keeps a draft: one that waits until it is confirmed, one that was sent back for its time.
fn keep(draft: &Prepared, ends: Moment) -> Result<Effect, Failure> {
    let body = serde_json::to_vec(draft).map_err(|_| Failure::Inconsistent("a draft cannot be written"))?;
    let kept = kept(KeptKind::Prepared, draft.id.clone(), draft.person.as_str(), body, ends);
    Ok(Effect::Keep { kept, was: Some(draft.version) })
}

/// An entry about a draft; an assistant's says for whom (R47).
fn about(visitor: &Visitor, draft: &Prepared, what: &str) -> Payload {
    let mut payload = visitor.payload(Event::Send);
    payload.subject = Some(draft.person.clone());
    payload.purpose = Some(draft.purpose);
    payload.reason = Some(what.to_owned());
    payload.on_behalf_of = Some(draft.principal.clone()).filter(|_| draft.author == visitor.account);
    payload
}
