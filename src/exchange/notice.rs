//! Notices and alerts: a reference to something that somebody has to look at, never a name, a category or a place (R41, R63).
//!
//! A notice goes to the mailbox of a system that received something which no longer holds (R35) or was corrected (R70). An alert is kept for the
//! privacy officers of an agency.

use super::alerts::{self, Alert, AlertKind, AlertState};
use super::deed::Scene;
use super::{Caller, Failure, Gateway};
use crate::clock::Moment;
use crate::ident::{AgencyId, EntryId, HatId, ItemId, MessageId, SystemId};
use crate::sharing::facts::Time;
use crate::store::{EXPIRY_MILLIS, Effect, Item, ItemKind, NewItem, NewMessage, PermissionUse};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Who is named as sender of a notice.
const SENDER: &str = "gateway";

/// Something for privacy officers, about an entry.
pub(super) struct Notify {
    kind: AlertKind,
    entry: EntryId,
    refers_to: String,
    at: Moment,
    due: Option<Time>,
    once: bool,
    hat: Option<HatId>,
}

impl Notify {
    /// An alert about the thing with this id.
    pub fn new(kind: AlertKind, refers_to: &str, entry: &EntryId, at: Moment) -> Self {
        Self { kind, entry: entry.clone(), refers_to: refers_to.to_owned(), at, due: None, once: false, hat: None }
    }
    /// To be dealt with by then.
    pub fn due(mut self, due: Time) -> Self {
        self.due = Some(due);
        self
    }
    /// About what reached this hat.
    pub fn of(mut self, hat: Option<HatId>) -> Self {
        self.hat = hat;
        self
    }
    /// At most one for the thing and agency.
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }
    /// The effects that keep it for the officers of these agencies.
    pub fn to(&self, agencies: &[AgencyId]) -> Vec<Effect> {
        let agencies: BTreeSet<&AgencyId> = agencies.iter().collect();
        let keep = |agency: &AgencyId| {
            let named = format!("{}.{}.{agency}", self.kind.word(), self.refers_to);
            let alert = Alert {
                id: if self.once { named } else { Gateway::fresh_id() },
                kind: self.kind,
                entry: self.entry.clone(),
                hat: self.hat.clone(),
                raised_at: self.at.to_string(),
                state: AlertState::New,
                steps: Vec::new(),
                refers_to: Some(self.refers_to.clone()),
                due: self.due.map(|due| due.to_string()),
            };
            Effect::Keep { kept: alerts::kept(&alert, agency.as_str(), self.at), was: self.once.then_some(0) }
        };
        agencies.into_iter().map(keep).collect()
    }
}

impl Gateway {
    /// Tells every system that received something because of this permission; users of the pages through their agency's
    /// officers.
    pub(super) fn tell_recipients(
        &self,
        permission: &str,
        kind: &'static str,
        uses: &[PermissionUse],
        scene: &Scene<'_>,
    ) -> Vec<Effect> {
        let (caller, at) = (scene.caller, scene.at);
        let known = |system: &&SystemId| self.config().systems.iter().any(|s| &s.id == *system);
        let systems: BTreeSet<&SystemId> = uses.iter().map(|u| &u.system).filter(known).collect();
        let others: BTreeSet<&AgencyId> =
            uses.iter().filter(|u| !systems.contains(&u.system)).map(|u| &u.agency).collect();
        let others: Vec<AgencyId> = others.into_iter().cloned().collect();
        let mut effects = Notify::new(AlertKind::PermissionWithdrawn, permission, &scene.entry, at).to(&others);
        if systems.is_empty() {
            return effects;
        }
        let to = systems.into_iter().map(|system| (system.clone(), None)).collect();
        effects.extend(self.notice(kind, permission, (&caller.agency, at), to));
        effects
    }

    /// A notice in mailboxes: its kind and what it refers to, for each system the hat it is for where one is meant.
    pub(super) fn notice(
        &self,
        kind: &'static str,
        refers_to: &str,
        (agency, at): (&AgencyId, Moment),
        to: Vec<(SystemId, Option<HatId>)>,
    ) -> [Effect; 2] {
        let message = MessageId::new(Self::fresh_id());
        let item = |(system, hat)| NewItem {
            id: ItemId::new(Self::fresh_id()),
            kind: ItemKind::Notice,
            message: message.clone(),
            records: Vec::new(),
            from_system: SystemId::new(SENDER),
            from_agency: agency.clone(),
            to_system: system,
            hat,
            purpose: None,
            available_at: at,
            expires_at: at.plus_millis(EXPIRY_MILLIS),
        };
        let items = to.into_iter().map(item).collect();
        let accepted = Effect::Accept(Box::new(NewMessage {
            id: message.clone(),
            system: SystemId::new(SENDER),
            agency: agency.clone(),
            format: "notice".to_owned(),
            received_at: at,
            body_digest: self.keys.hash("notice", refers_to.as_bytes()),
            byte_length: 0,
            loss: "[]".to_owned(),
            state: "accepted".to_owned(),
            records: Vec::new(),
            quarantined: Vec::new(),
            people: Vec::new(),
            items,
            idempotency: None,
        }));
        [accepted, Effect::Notice { message, kind, refers_to: refers_to.to_owned() }]
    }

    /// Wakes the systems that wait for something to arrive.
    pub(super) fn wake(&self, uses: &[PermissionUse]) {
        let systems: BTreeSet<&SystemId> = uses.iter().map(|u| &u.system).collect();
        for system in systems {
            if let Some(notify) = self.arrivals.get(system) {
                notify.notify_waiters();
            }
        }
    }

    /// What a notice says to this system: its kind and the receipts of what it received.
    pub(super) async fn notice_body(&self, caller: &Caller, item: &Item) -> Result<Value, Failure> {
        let found = self.db.notice(&item.message).await?;
        let (kind, permission) = found.ok_or(Failure::Inconsistent("a notice without its reference"))?;
        if super::corrections::NOTICES.contains(&kind.as_str()) {
            let receipts: Vec<&str> = permission.split(' ').collect();
            return Ok(json!({"notice": kind, "receipts": receipts, "hat": item.hat}));
        }
        let uses = self.db.permission_uses(&permission).await?;
        let receipts: Vec<&str> = uses.iter().filter(|u| u.system == caller.system).map(|u| u.entry.as_str()).collect();
        Ok(json!({"notice": kind, "receipts": receipts}))
    }
}
