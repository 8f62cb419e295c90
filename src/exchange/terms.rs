//! What time does to permissions and overrides: a permission's end is logged once, thirty days before it a privacy officer is
//! told (R36), and a review that is overdue is asked for again (R44).
//!
//! That a permission has ended needs nothing done here: every decision looks at its dates. This makes it known.

use super::alerts::AlertKind;
use super::notice::Notify;
use super::{Failure, Gateway};
use crate::audit::payload::Payload;
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::ident::{AccountId, AgencyId, EntryId, HatId};
use crate::sharing::facts::{Case, Permission, Person, Time};
use crate::sharing::lifecycle::status::{over, term};
use crate::store::{Effect, FactSeeds, Job, PermissionMark, Section};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

/// How often terms are looked at, in milliseconds: an hour; they are days.
const EVERY_MILLIS: i64 = 3_600_000;
/// How long before its end a permission is warned of (R36), in days.
const WARNING_DAYS: i64 = 30;
/// Facts read at a time.
const PAGE: i64 = 500;
/// Who is named as actor.
const ACTOR: &str = "system:gateway";
/// The reason word of the entry that warns of an end.
const ENDS_SOON: &str = "ends-soon";

impl Gateway {
    /// Looks at every permission and override, at most once an hour; returns how many things became known.
    pub(super) async fn keep_terms(&self, now: Moment) -> Result<usize, Failure> {
        let last = self.terms_seen_at.load(Ordering::Relaxed);
        if last != 0 && now.millis().saturating_sub(last) < EVERY_MILLIS {
            return Ok(0);
        }
        self.terms_seen_at.store(now.millis(), Ordering::Relaxed);
        let permissions = self.permissions_not_over().await?;
        let replaced: BTreeSet<String> =
            permissions.iter().filter_map(|p| p.supersedes.as_ref()).map(|id| id.as_str().to_owned()).collect();
        let mut count = 0;
        for record in permissions.iter().filter(|p| !replaced.contains(p.id.as_str())) {
            count += self.note_term(record, now).await?;
        }
        let mut after = String::new();
        loop {
            let rows = self.db.facts_in(&self.keys, Section::Overrides, &after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after.clone_from(&last.id);
            count += self.escalate_reviews(&rows, Time::from(now)).await?;
        }
    }

    async fn permissions_not_over(&self) -> Result<Vec<Permission>, Failure> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let rows = self.db.facts_in(&self.keys, Section::Permissions, &after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(found) };
            after.clone_from(&last.id);
            let read = rows.iter().filter_map(|row| serde_json::from_value::<Permission>(row.body.clone()).ok());
            found.extend(read.filter(|record| !over(record)));
        }
    }

    async fn note_term(&self, record: &Permission, now: Moment) -> Result<usize, Failure> {
        let person = self.stored::<Person>(Section::People, record.subject.as_str()).await?.map(|(_, person)| person);
        let plan = match &record.plan {
            Some(case) => self.stored::<Case>(Section::Cases, case.as_str()).await?.map(|(_, case)| case),
            None => None,
        };
        let Some(end) = term(record, person.as_ref(), plan.as_ref()) else { return Ok(0) };
        let (at, id) = (Time::from(now), record.id.as_str());
        if end <= at {
            if self.db.permission_marked(id, PermissionMark::Ended).await? {
                return Ok(0);
            }
            let mut payload = Payload::new(Event::PermExpire);
            payload.actor = Some(AccountId::new(ACTOR));
            payload.subject = Some(record.subject.clone());
            payload.permissions = vec![id.to_owned()];
            let mark = Effect::MarkPermission { permission: id.to_owned(), mark: PermissionMark::Ended };
            self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload)).with_effect(mark)).await?;
            return Ok(1);
        }
        if end > at.plus_days(WARNING_DAYS) || self.db.permission_marked(id, PermissionMark::Warned).await? {
            return Ok(0);
        }
        let entry = EntryId::new(Self::fresh_id());
        let mut payload = Payload::new(Event::PermExpire);
        payload.actor = Some(AccountId::new(ACTOR));
        payload.subject = Some(record.subject.clone());
        payload.permissions = vec![id.to_owned()];
        payload.reason = Some(ENDS_SOON.to_owned());
        let mut effects = vec![Effect::MarkPermission { permission: id.to_owned(), mark: PermissionMark::Warned }];
        if let Some(hat) = &record.recorded_by {
            let officers: Vec<AgencyId> = self.agency_of(hat).await?.into_iter().collect();
            effects.extend(Notify::new(AlertKind::PermissionEndsSoon, id, &entry, now).due(end).to(&officers));
        }
        let job = Job::new(Draft::new(Outcome::Partial, payload).with_id(entry));
        self.committer.commit(effects.into_iter().fold(job, Job::with_effect)).await?;
        Ok(1)
    }

    /// The agency of a hat.
    async fn agency_of(&self, hat: &HatId) -> Result<Option<AgencyId>, Failure> {
        let at = self.facts.now(&self.db).await?;
        let known = self.known(at, &FactSeeds { hats: vec![hat.clone()], ..FactSeeds::default() }).await?;
        let facts = known.facts();
        Ok(facts.accounts.iter().flat_map(|a| &a.hats).find(|h| &h.id == hat).map(|h| h.agency.clone()))
    }
}
