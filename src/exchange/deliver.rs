//! Delivering: what waits for a system, its collection, acknowledgement and refusal.
//!
//! A mailbox item is decided when it is collected, not when it was sent (R72). Whoever may not know of an item does not
//! find it in the list either. Read [`Gateway::collect`] first.

use super::disclose::{Question, Standing};
use super::world::HeldRecord;
use super::{Caller, Failure, Gateway, Released, Rendered, entries};
use crate::audit::payload::Dataset;
use crate::audit::{Draft, Event, Outcome};
use crate::ident::{AccountId, EntryId, HatId, ItemId};
use crate::store::{Effect, FactsAt, Item, ItemKind, ItemState, Job, RecordId};
use crate::vocabulary::{Category, Purpose};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Most items listed at once; the rest follows when these are acknowledged.
const LIST_ITEMS_MAX: i64 = 100;
/// Most pages of items looked through for one list: a mailbox of a thousand that may not be known of.
const PAGES_MAX: usize = 10;
/// Longest a list call waits for something to arrive, in seconds.
pub const WAIT_SECONDS_MAX: u64 = 30;

/// Records by their id.
type Shelved = BTreeMap<String, Arc<HeldRecord>>;

/// One waiting item, as the list shows it: nothing of what or whom it is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ItemSummary {
    /// Its id.
    pub id: String,
    /// Since when it waits.
    pub available_at: String,
    /// When it goes back to its sender.
    pub expires_at: String,
    /// The purpose it will be decided for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// What became of one delivery of a message, for its sender.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Delivery {
    /// The item's id.
    pub id: String,
    /// Its state word.
    pub state: String,
}

impl Gateway {
    /// What waits for the caller. With nothing there, waits for an arrival at most `wait`.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn mailbox(&self, caller: &Caller, wait: Duration) -> Result<Vec<ItemSummary>, Failure> {
        let until = Instant::now() + wait.min(Duration::from_secs(WAIT_SECONDS_MAX));
        loop {
            // Registered before the look, so that an arrival between look and wait is not missed.
            let arrival = self.arrivals.get(&caller.system).map(|n| n.clone().notified_owned());
            let found = self.waiting(caller).await?;
            let (true, Some(arrival)) = (found.is_empty() && Instant::now() < until, arrival) else { return Ok(found) };
            // What arrives may be something the caller may not know of: then it has waited as if nothing had (R59).
            if tokio::time::timeout_at(until, arrival).await.is_err() {
                return self.waiting(caller).await;
            }
        }
    }

    /// What the caller may know of, oldest first. What it may not know of takes no place in the list.
    async fn waiting(&self, caller: &Caller) -> Result<Vec<ItemSummary>, Failure> {
        let now = self.clock().now();
        let (mut shown, mut last) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let due = self.db.mailbox_due_after(&caller.system, now, last.as_ref(), LIST_ITEMS_MAX).await?;
            let facts = self.facts.now(&self.db).await?;
            let held = self.load_of(&due).await?;
            for item in &due {
                if self.may_be_listed(caller, item, &held, facts).await? {
                    shown.push(ItemSummary {
                        id: item.id.as_str().to_owned(),
                        available_at: item.available_at.to_string(),
                        expires_at: item.expires_at.to_string(),
                        purpose: item.purpose.map(|p| p.code().to_owned()),
                    });
                }
                if i64::try_from(shown.len()).is_ok_and(|n| n >= LIST_ITEMS_MAX) {
                    return Ok(shown);
                }
            }
            last = due.into_iter().next_back();
            if last.is_none() {
                break;
            }
        }
        Ok(shown)
    }

    /// The records of the deliveries among these items, by id.
    async fn load_of(&self, items: &[Item]) -> Result<Shelved, Failure> {
        let deliveries = items.iter().filter(|item| item.kind == ItemKind::Delivery);
        let ids: BTreeSet<RecordId> = deliveries.flat_map(|item| item.records.iter().cloned()).collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let held = if ids.is_empty() { Vec::new() } else { self.load(&ids).await? };
        Ok(held.into_iter().map(|record| (record.id.clone(), record)).collect())
    }

    /// An item of which the receiver would learn nothing is not hinted at (R59).
    async fn may_be_listed(
        &self,
        caller: &Caller,
        item: &Item,
        held: &Shelved,
        facts: FactsAt,
    ) -> Result<bool, Failure> {
        if item.kind != ItemKind::Delivery {
            return Ok(true);
        }
        let held: Vec<_> = item.records.iter().filter_map(|id| held.get(id.as_str()).cloned()).collect();
        if held.is_empty() {
            return Ok(false);
        }
        let question = self.question(caller, item, &held, facts).await?;
        Ok(!self.weigh(&question, &held).await?.is_silent())
    }

    /// The caller's own item, if the caller may know of it: one that was collected before, or that would tell something now.
    /// Any other looks like none (R59).
    async fn known_item(&self, caller: &Caller, id: &ItemId) -> Result<Item, Failure> {
        let (item, facts) = self.own_item(caller, id).await?;
        if item.receipt.is_some() {
            return Ok(item);
        }
        let held = self.load_of(std::slice::from_ref(&item)).await?;
        if self.may_be_listed(caller, &item, &held, facts).await? {
            return Ok(item);
        }
        self.not_here(caller).await?;
        Err(Failure::NotFound)
    }

    /// Collects an item: decides now, writes, logs, releases.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for an unknown item, another system's, and one that the caller may not know of;
    /// [`Failure::Gone`] after acknowledgement; the rest as [`Failure`] says.
    pub async fn collect(&self, caller: &Caller, id: &ItemId) -> Result<Released, Failure> {
        let (item, facts) = self.own_item(caller, id).await?;
        if !matches!(item.state, ItemState::Due | ItemState::Released) || item.expires_at <= self.clock().now() {
            self.known_item(caller, id).await?;
            return Err(Failure::Gone);
        }
        match item.kind {
            ItemKind::ReturnNotice => {
                let body = serde_json::json!({"notice": "not-collected", "message": item.message});
                return self.collect_notice(caller, item, body).await;
            }
            ItemKind::Notice => {
                let body = self.notice_body(caller, &item).await?;
                return self.collect_notice(caller, item, body).await;
            }
            ItemKind::Delivery => {}
        }
        let held = self.load(&item.records).await?;
        let question = self.question(caller, &item, &held, facts).await?;
        let weighed = self.weigh(&question, &held).await?;
        if weighed.is_silent() {
            let entry = EntryId::new(Self::fresh_id());
            self.commit_decision(self.decision_job(&entry, &question, &weighed, None)?, &weighed).await?;
            return Err(Failure::NotFound);
        }
        let (item, system) = (item.id, caller.system.clone());
        self.answer(question, weighed, |digest| Some(Effect::Release { item, system, digest })).await
    }

    /// A notice about an earlier message or release: names it, holds no content.
    async fn collect_notice(
        &self,
        caller: &Caller,
        item: Item,
        mut body: serde_json::Value,
    ) -> Result<Released, Failure> {
        let entry = EntryId::new(Self::fresh_id());
        if let serde_json::Value::Object(map) = &mut body {
            map.insert("receipt".to_owned(), serde_json::json!(entry));
        }
        let rendered = Rendered {
            bytes: body.to_string().into_bytes(),
            content_type: "application/json",
            entry: entry.clone(),
            written: None,
        };
        let mut payload = entries::by_caller(Event::Collect, caller);
        payload.dataset =
            Some(Dataset { item: Some(item.id.clone()), message: Some(item.message.clone()), ..Dataset::default() });
        let digest = self.keys.hash("released", &rendered.bytes);
        let effect = Effect::Release { item: item.id, system: caller.system.clone(), digest };
        let draft = Draft::new(Outcome::Allow, payload).with_id(entry);
        let committed = self.committer.commit(Job::new(draft).with_effect(effect)).await?;
        Released::new(rendered, committed.receipt).ok_or(Failure::Inconsistent("a receipt belongs to another entry"))
    }

    /// The receiver has it: delivery is an entry of its own.
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::Gone`] when it was not collected or is settled already.
    pub async fn acknowledge(&self, caller: &Caller, id: &ItemId) -> Result<(), Failure> {
        let item = self.known_item(caller, id).await?;
        let effect = Effect::Ack { item: id.clone(), system: caller.system.clone() };
        self.settle(caller, &item, Outcome::Allow, effect).await
    }

    /// The receiver could not use it.
    ///
    /// # Errors
    /// As [`Gateway::acknowledge`].
    pub async fn refuse_item(&self, caller: &Caller, id: &ItemId) -> Result<(), Failure> {
        let item = self.known_item(caller, id).await?;
        let effect = Effect::Nack { item: id.clone(), system: caller.system.clone() };
        self.settle(caller, &item, Outcome::Error, effect).await
    }

    async fn settle(&self, caller: &Caller, item: &Item, outcome: Outcome, effect: Effect) -> Result<(), Failure> {
        let mut payload = entries::by_caller(Event::Receipt, caller);
        payload.dataset =
            Some(Dataset { item: Some(item.id.clone()), message: Some(item.message.clone()), ..Dataset::default() });
        payload.refers_to = item.receipt.iter().cloned().collect();
        self.committer.commit(Job::new(Draft::new(outcome, payload)).with_effect(effect)).await?;
        Ok(())
    }

    /// The caller's own item, with the state of the facts. Somebody else's looks like none; the attempt is logged.
    async fn own_item(&self, caller: &Caller, id: &ItemId) -> Result<(Item, FactsAt), Failure> {
        if let Some(found) = self.db.mailbox_item_at(&caller.system, id).await? {
            return Ok(found);
        }
        self.not_here(caller).await?;
        Err(Failure::NotFound)
    }

    /// Logs that somebody asked for what is another system's, or nobody's.
    pub(super) async fn not_here(&self, caller: &Caller) -> Result<(), Failure> {
        let mut payload = entries::by_caller(Event::Refuse, caller);
        payload.reason = Some("D-AUTH".to_owned());
        self.committer.commit(Job::new(Draft::new(Outcome::Deny, payload))).await?;
        Ok(())
    }

    async fn question(
        &self,
        caller: &Caller,
        item: &Item,
        held: &[Arc<HeldRecord>],
        facts: FactsAt,
    ) -> Result<Question, Failure> {
        let hat = item.hat.clone().ok_or(Failure::Inconsistent("a mailbox item without a hat"))?;
        let purpose: Purpose = item.purpose.ok_or(Failure::Inconsistent("a mailbox item without a purpose"))?;
        let account = self.account_of(&hat, facts).await?;
        let subject = held.iter().find_map(|h| h.subject().cloned());
        let segments = held.iter().flat_map(|h| h.record.segments());
        let categories: BTreeSet<Category> = segments.filter_map(|s| s.label.category).collect();
        Ok(Question {
            caller: caller.clone(),
            event: Event::Collect,
            account,
            hat,
            purpose,
            subject: subject.ok_or(Failure::Inconsistent("a record about nobody"))?,
            standing: Standing::Known,
            categories: categories.into_iter().collect(),
            override_id: None,
            delegation: None,
            opening: None,
            item: Some(item.id.clone()),
            at: self.clock().now(),
            // A system takes in what was sent to it: R81 is about people who look.
            bulk: super::alerts::Bulk::Fine,
            keepers: Vec::new(),
            facts,
        })
    }

    /// The account that wears a hat; hats are unique over all accounts.
    pub(super) async fn account_of(&self, hat: &HatId, at: FactsAt) -> Result<AccountId, Failure> {
        let seeds = crate::store::FactSeeds { hats: vec![hat.clone()], ..Default::default() };
        let known = self.known(at, &seeds).await?;
        let wears = |body: &serde_json::Value| {
            let hats = body.get("hats").and_then(|h| h.as_array()).into_iter().flatten();
            hats.filter_map(|h| h.get("id").and_then(|i| i.as_str())).any(|id| id == hat.as_str())
        };
        let id = |body: &serde_json::Value| Some(AccountId::new(body.get("id")?.as_str()?));
        let found = known.accounts.iter().find(|body| wears(body)).and_then(id);
        // Nobody wears it: the deciding part will refuse an account it does not know.
        Ok(found.unwrap_or_else(|| AccountId::new(format!("nobody-{hat}"))))
    }
}
