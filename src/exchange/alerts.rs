//! What a privacy officer has to look at: overrides, conflicts of interest, near misses, self-claims, bulk, samples.
//!
//! Owns when an alert is raised (in the same transaction as the entry it is about), whose queue it stands in, its states, and
//! the bulk rule: the 21st person in an hour under one hat alerts, the 101st is refused until an officer has looked. An alert
//! holds ids only. Settling one is an entry.
//!
//! # Source
//! Solent audit paper §11; sharing rules R44, R80, R81.

use super::{Failure, Gateway};
use crate::audit::payload::{Change, Hat, Payload};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::ident::{AccountId, AgencyId, EntryId, HatId};
use crate::store::{Effect, IndexKind, Job, Kept, KeptKind};
use crate::vocabulary::{Level, Role};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// How long an alert is kept: two years of quarters and their reports.
const KEPT_MILLIS: i64 = 800 * 24 * 3_600_000;
/// The span of the bulk rule.
const HOUR: i64 = 3_600_000;
/// Hats whose last hour is remembered; more than wear one in an hour.
const HATS_MAX: usize = 10_000;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }
        impl $name {
            /// The stable word.
            #[must_use]
            pub const fn word(self) -> &'static str { match self { $(Self::$variant => $text),+ } }
        }
    };
}

words! {
    /// Why somebody has to look.
    AlertKind {
        /// An override or an emergency access was used.
        Override = "override",
        /// A conflict of interest was hit.
        Conflict = "conflict",
        /// Something of a protected person was asked for by somebody linked.
        NearMiss = "near-miss",
        /// A worker claimed the relationship.
        SelfClaim = "self-claim",
        /// More than 20 people in an hour.
        Bulk = "bulk",
        /// More than 100: refused until cleared.
        BulkBlocked = "bulk-blocked",
        /// Drawn by the sampling plan.
        Sample = "sample",
        /// A custodian's review of an override is overdue (R44).
        Unreviewed = "override-unreviewed",
        /// A review of an override asks for more.
        NeedsMore = "override-needs-more",
        /// An override was found not justified.
        Incident = "incident",
        /// A holder of parental responsibility objects to a permission (R29).
        PermissionDisputed = "permission-disputed",
        /// A permission was recorded on the wrong person.
        PermissionInError = "permission-in-error",
        /// A permission ends within thirty days (R36).
        PermissionEndsSoon = "permission-ends-soon",
        /// Something was shown at the pages because of a permission that was withdrawn (R35).
        PermissionWithdrawn = "permission-withdrawn",
        /// Something that a hat of the agency was shown at the pages was corrected (R70).
        StatementCorrected = "statement-corrected",
        /// An auditor asks about an entry.
        AuditorQuery = "auditor-query",
        /// Somebody asked with the number of a sealed identity (R66).
        AdoptionProbe = "adoption-probe",
    }
}

words! {
    /// How far the looking is.
    AlertState {
        /// Nobody has looked.
        New = "new",
        /// Somebody is looking.
        Investigating = "investigating",
        /// It was right.
        Justified = "justified",
        /// It was not.
        NotJustified = "not-justified",
        /// Done with.
        Closed = "closed",
    }
}

impl AlertState {
    /// Whether an alert may go from this state to another: forward, never back to new; a verdict may only be closed.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::New, Self::Investigating | Self::Justified | Self::NotJustified)
                | (Self::Investigating, Self::Justified | Self::NotJustified)
                | (Self::Justified | Self::NotJustified, Self::Closed)
        )
    }
}

/// One alert. Ids only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: String,
    /// Why.
    pub kind: AlertKind,
    /// The entry it is about.
    pub entry: EntryId,
    /// The hat that acted.
    pub hat: Option<HatId>,
    /// When it was raised.
    pub raised_at: String,
    /// How far the looking is.
    pub state: AlertState,
    /// Who looked, when, and what state it got.
    pub steps: Vec<Step>,
    /// The id of the permission, relationship or override it is about, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<String>,
    /// When it is to be dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
}

/// One step of the looking.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// The officer's account.
    pub by: AccountId,
    /// When.
    pub at: String,
    /// The state it got.
    pub state: AlertState,
}

/// Whether a hat may see one more person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bulk {
    /// Nothing unusual.
    Fine,
    /// The first person beyond the number that alerts.
    Alert,
    /// Beyond the number that blocks.
    Blocked,
}

/// The people each hat saw in the last hour, by keyed hash.
#[derive(Default, Debug)]
pub(super) struct LastHour(Mutex<HashMap<HatId, BTreeMap<i64, i64>>>);

impl LastHour {
    fn one_more(&self, hat: &HatId, person: i64, now: i64, (alert, block): (usize, usize)) -> Bulk {
        let mut hats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hats.len() >= HATS_MAX && !hats.contains_key(hat) {
            hats.retain(|_, people| people.values().any(|at| now.saturating_sub(*at) < HOUR));
        }
        let people = hats.entry(hat.clone()).or_default();
        people.retain(|_, at| now.saturating_sub(*at) < HOUR);
        if people.insert(person, now).is_some() {
            return Bulk::Fine;
        }
        if people.len() > block {
            people.remove(&person);
            return Bulk::Blocked;
        }
        if people.len() == alert.saturating_add(1) { Bulk::Alert } else { Bulk::Fine }
    }

    fn clear(&self, hat: &HatId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(hat);
    }

    fn is_known(&self, hat: &HatId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(hat)
    }

    fn seed(&self, hat: &HatId, people: Vec<(i64, i64)>) {
        let mut hats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hats.entry(hat.clone()).or_default().extend(people);
    }
}

impl Gateway {
    /// Counts one more person under a hat. After a restart the last hour is read from the log.
    pub(super) async fn one_more_person(
        &self,
        account: &AccountId,
        hat: &HatId,
        person: &str,
    ) -> Result<Bulk, Failure> {
        let now = self.clock().now().millis();
        if !self.last_hour.is_known(hat) {
            let from = Moment::from_millis(now.saturating_sub(HOUR));
            let block = i64::try_from(self.config().limits.bulk_block).unwrap_or(i64::MAX);
            let seen = self.db.people_seen(&self.names, account.as_str(), hat.as_str(), from, block).await?;
            self.last_hour.seed(hat, seen);
        }
        let person = self.names.name(IndexKind::Subject, person);
        let bounds = (self.config().limits.bulk_alert, self.config().limits.bulk_block);
        Ok(self.last_hour.one_more(hat, person, now, bounds))
    }

    /// A person beyond the bound: refused, logged, in the officer's queue once.
    pub(super) async fn refuse_bulk(&self, mut payload: Payload, hat: Hat) -> Result<Failure, Failure> {
        let entry = EntryId::new(Self::fresh_id());
        payload.reason = Some("R81".to_owned());
        payload.hat = Some(hat.clone());
        let mut job = Job::new(Draft::new(Outcome::Deny, payload).with_id(entry.clone()));
        let open = self.alerts_of(&hat.agency).await?;
        let waits = |a: &Alert| a.kind == AlertKind::BulkBlocked && a.hat == hat.id && a.state == AlertState::New;
        if !open.iter().any(waits) {
            job = job.with_effect(self.raise(AlertKind::BulkBlocked, &entry, hat.id.as_ref(), &hat.agency));
        }
        self.committer.commit(job).await?;
        Ok(Failure::Refused { reason: "R81" })
    }

    /// The alerts an entry raises, to be kept with it.
    pub(super) fn alerts_for(&self, entry: &EntryId, payload: &Payload, bulk: Bulk) -> Vec<Effect> {
        let Some(hat) = &payload.hat else { return Vec::new() };
        let reasons: BTreeSet<&str> =
            payload.items.iter().map(|i| i.reason.as_str()).chain(payload.reason.as_deref()).collect();
        let mut kinds = Vec::new();
        if payload.override_id.is_some() || payload.event == Event::EmgUse {
            kinds.push(AlertKind::Override);
        }
        if reasons.contains("D-COI") {
            kinds.push(AlertKind::Conflict);
        }
        if reasons.contains("D-SAFE") {
            kinds.push(AlertKind::NearMiss);
        }
        if payload.relationship.as_ref().is_some_and(|r| r.kind.contains("claim")) {
            kinds.push(AlertKind::SelfClaim);
        }
        if bulk == Bulk::Alert {
            kinds.push(AlertKind::Bulk);
        }
        if kinds.is_empty() && self.is_drawn(entry, payload) {
            kinds.push(AlertKind::Sample);
        }
        let mut effects = Vec::new();
        for kind in kinds {
            effects.push(self.raise(kind, entry, hat.id.as_ref(), &hat.agency));
            // The custodian's officer reviews what an override opened (R44).
            if kind == AlertKind::Override {
                let custodians: BTreeSet<&AgencyId> = payload.items.iter().map(|i| &i.custodian).collect();
                let others = custodians.into_iter().filter(|c| **c != hat.agency);
                effects.extend(others.map(|c| self.raise(kind, entry, hat.id.as_ref(), c)));
            }
        }
        effects
    }

    /// Whether the sampling plan draws an ordinary view: by a keyed hash of its id, so that nobody can choose.
    fn is_drawn(&self, entry: &EntryId, payload: &Payload) -> bool {
        let shown = payload.event == Event::View && payload.items.iter().any(|i| i.level != Level::N);
        let [first, second, ..] = self.keys.hash("audit sample", entry.as_str().as_bytes());
        let drawn = u16::from_be_bytes([first, second]).checked_rem(100).unwrap_or(0);
        shown && usize::from(drawn) < self.config().audit.sample_views_percent
    }

    pub(super) fn raise(&self, kind: AlertKind, entry: &EntryId, hat: Option<&HatId>, owner: &AgencyId) -> Effect {
        let now = self.clock().now();
        let digest = self.keys.hash("alert", format!("{entry} {} {owner}", kind.word()).as_bytes());
        let id: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        let alert = Alert {
            id: id.clone(),
            kind,
            entry: entry.clone(),
            hat: hat.cloned(),
            raised_at: now.to_string(),
            state: AlertState::New,
            steps: Vec::new(),
            refers_to: None,
            due: None,
        };
        Effect::Keep { kept: kept(&alert, owner.as_str(), now), was: None }
    }

    /// The alerts of an agency, newest first.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn alerts_of(&self, agency: &AgencyId) -> Result<Vec<Alert>, Failure> {
        let found = self.db.kept_of(&self.keys, KeptKind::Alert, agency.as_str(), self.clock().now()).await?;
        Ok(found.iter().filter_map(|kept| serde_json::from_slice(&kept.body).ok()).collect())
    }

    /// Moves an alert of the officer's own agency on, and logs it. Justified, it clears a hat that bulk has blocked.
    ///
    /// # Errors
    /// [`Failure::Refused`] for anybody but a privacy officer, [`Failure::NotFound`], [`Failure::Conflict`] when the state does
    /// not follow or another officer was faster.
    pub async fn settle_alert(&self, by: &AccountId, hat: &Hat, id: &str, state: AlertState) -> Result<Alert, Failure> {
        if hat.role != Role::Prv {
            return Err(Failure::Refused { reason: "D-AUTH" });
        }
        let now = self.clock().now();
        let found = self.db.kept(&self.keys, KeptKind::Alert, id, now).await?;
        let found = found.filter(|kept| kept.owner == hat.agency.as_str()).ok_or(Failure::NotFound)?;
        let mut alert: Alert =
            serde_json::from_slice(&found.body).map_err(|_| Failure::Inconsistent("an alert cannot be read"))?;
        if !alert.state.may_become(state) {
            return Err(Failure::Conflict);
        }
        alert.state = state;
        alert.steps.push(Step { by: by.clone(), at: now.to_string(), state });
        let event = if alert.kind == AlertKind::Override { Event::OvrReview } else { Event::AuditQuery };
        let mut payload = Payload::new(event);
        payload.actor = Some(by.clone());
        payload.hat = Some(hat.clone());
        payload.reason = Some(state.word().to_owned());
        payload.change = Some(Change { what: format!("alert {}", alert.kind.word()), before: None, after: None });
        payload.refers_to = vec![alert.entry.clone()];
        let keep = Effect::Keep { kept: kept(&alert, hat.agency.as_str(), now), was: Some(found.version) };
        self.committer.commit(Job::new(Draft::new(Outcome::Allow, payload)).with_effect(keep)).await?;
        // Closed without that is no leave to go on.
        if let (AlertKind::BulkBlocked, AlertState::Justified, Some(hat)) = (alert.kind, state, &alert.hat) {
            self.last_hour.clear(hat);
            // An empty memory is a known one: the hour before does not come back from the log.
            self.last_hour.seed(hat, Vec::new());
        }
        Ok(alert)
    }
}

pub(super) fn kept(alert: &Alert, owner: &str, now: Moment) -> Kept {
    Kept {
        kind: KeptKind::Alert,
        id: alert.id.clone(),
        owner: owner.to_owned(),
        version: 0,
        body: serde_json::to_vec(alert).unwrap_or_default(),
        changed_at: now,
        expires_at: now.plus_millis(KEPT_MILLIS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_21st_person_alerts_and_the_101st_is_refused_until_cleared() {
        let seen = LastHour::default();
        let hat = HatId::new("h");
        let more = |person: i64, now: i64| seen.one_more(&hat, person, now, (20, 100));
        for person in 1..=20 {
            assert_eq!(more(person, 0), Bulk::Fine);
            assert_eq!(more(person, 1), Bulk::Fine, "the same person again is nobody new");
        }
        assert_eq!(more(21, 2), Bulk::Alert);
        for person in 22..=100 {
            assert_eq!(more(person, 3), Bulk::Fine);
        }
        assert_eq!(more(101, 4), Bulk::Blocked);
        assert_eq!(more(102, 4), Bulk::Blocked);
        assert_eq!(more(50, 4), Bulk::Fine, "whom the hat knows already it may see");
        seen.clear(&hat);
        assert_eq!(more(101, 5), Bulk::Fine);
        for person in 1..=100 {
            more(person, 6);
        }
        assert_eq!(more(200, 6 + HOUR), Bulk::Fine, "an hour later it starts again");
    }

    #[test]
    fn an_alert_only_goes_forward() {
        use AlertState::{Closed, Investigating, Justified, New, NotJustified};
        for (from, to, may) in [
            (New, Investigating, true),
            (Investigating, Justified, true),
            (Justified, Closed, true),
            (NotJustified, Closed, true),
            (New, Closed, false),
            (Closed, Investigating, false),
            (Justified, NotJustified, false),
            (Investigating, New, false),
        ] {
            assert_eq!(from.may_become(to), may, "{from:?} to {to:?}");
        }
    }
}
