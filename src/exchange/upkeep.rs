//! Upkeep: what time does to mailboxes (R77). Each step is logged with what it changes.

use super::{Failure, Gateway};
use crate::audit::payload::{Dataset, Payload};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::ident::{AccountId, ItemId};
use crate::store::{
    EXPIRY_MILLIS, Effect, IDEMPOTENCY_MILLIS, Item, ItemKind, Job, NewItem, QUARANTINE_MILLIS, RETENTION_MILLIS,
};

/// Items handled in one round, so that a backlog never holds up releases for long.
const ROUND_ITEMS_MAX: i64 = 100;
/// Who is named as actor.
const ACTOR: &str = "system:gateway";

impl Gateway {
    /// One round: returns what was not collected to its sender with an alert, erases what was acknowledged long ago,
    /// erases what stood in quarantine too long, forgets old idempotency answers and what pages kept whose time is over. Returns how many items it touched; call again while that is not zero.
    ///
    /// # Errors
    /// [`Failure::LogUnavailable`], [`Failure::Store`]; what was done before stays done.
    pub async fn upkeep(&self) -> Result<usize, Failure> {
        let now = self.clock().now();
        let mut touched = 0;
        // What is erased below, or by another gateway on this database, is not to stay in memory.
        self.shelf.clear();
        for item in self.db.mailbox_expired(now, ROUND_ITEMS_MAX).await? {
            self.return_to_sender(&item, now).await?;
            touched += 1;
        }
        let settled = self.db.mailbox_settled(now.plus_millis(-RETENTION_MILLIS), ROUND_ITEMS_MAX).await?;
        for item in settled {
            let draft = entry(Event::RetentionRun, &item);
            self.committer.commit(Job::new(draft).with_effect(Effect::Purge { item: item.id.clone() })).await?;
            touched += 1;
        }
        let expired = self.db.quarantine_expired(now.plus_millis(-QUARANTINE_MILLIS), ROUND_ITEMS_MAX).await?;
        for (message, count) in expired {
            let mut payload = Payload::new(Event::RetentionRun);
            payload.actor = Some(AccountId::new(ACTOR));
            payload.dataset = Some(Dataset { message: Some(message.clone()), ..Dataset::default() });
            payload.counts = [("quarantined".to_owned(), u32::try_from(count).unwrap_or(u32::MAX))].into();
            let job = Job::new(Draft::new(Outcome::Allow, payload));
            self.committer.commit(job.with_effect(Effect::EraseQuarantine { message })).await?;
            touched += 1;
        }
        touched += self.keep_terms(now).await?;
        let before = now.plus_millis(-IDEMPOTENCY_MILLIS);
        self.committer.tidy(vec![Effect::ForgetIdempotency { before }, Effect::ForgetKept]).await?;
        Ok(touched + self.retain().await?)
    }

    async fn return_to_sender(&self, item: &Item, now: Moment) -> Result<(), Failure> {
        let notice = match item.kind {
            // An alert that nobody collects makes no further alert.
            ItemKind::ReturnNotice | ItemKind::Notice => None,
            ItemKind::Delivery => Some(notice(item, now)),
        };
        let effect = Effect::Return { item: item.id.clone(), notice };
        self.committer.commit(Job::new(entry(Event::Recall, item)).with_effect(effect)).await?;
        if let Some(notify) = self.arrivals.get(&item.from_system) {
            notify.notify_waiters();
        }
        Ok(())
    }
}

fn entry(event: Event, item: &Item) -> Draft {
    let mut payload = Payload::new(event);
    payload.actor = Some(AccountId::new(ACTOR));
    payload.dataset =
        Some(Dataset { item: Some(item.id.clone()), message: Some(item.message.clone()), ..Dataset::default() });
    payload.refers_to = item.receipt.iter().cloned().collect();
    Draft::new(Outcome::Allow, payload)
}

fn notice(item: &Item, now: Moment) -> NewItem {
    NewItem {
        id: ItemId::new(Gateway::fresh_id()),
        kind: ItemKind::ReturnNotice,
        message: item.message.clone(),
        records: Vec::new(),
        from_system: item.to_system.clone(),
        from_agency: item.from_agency.clone(),
        to_system: item.from_system.clone(),
        hat: None,
        purpose: None,
        available_at: now,
        expires_at: now.plus_millis(EXPIRY_MILLIS),
    }
}
