//! Writing effects: each inside the committer's transaction, each either done or refused.
//!
//! Owns the order in which the rows of an effect are written and the checks that can refuse it. A refusal leaves whatever
//! was written before it in the same job: the caller undoes the job (savepoint).

use super::Error;
use super::commit::Refusal;
use super::db::Tx;
use super::effect::{Effect, NewMessage};
use super::keys::{Digest, Keys, Sealed};
use super::mailbox::{self, ItemState, Out};
use super::permission_use::Used;
use super::{
    cosignatures, decided, facts, join, messages, page_state, people, permission_use, quarantine, replaced, requests,
    retention,
};
use crate::clock::Moment;
use crate::ident::{EntryId, ItemId, SystemId};

/// Why an effect was not written.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Its precondition does not hold.
    Refused(Refusal),
    /// The database failed.
    Failed(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What an effect needs to be written.
pub(super) struct Scene<'a> {
    pub(super) keys: &'a Keys,
    pub(super) now: Moment,
    /// The job's first entry: the receipt of what it releases.
    pub(super) receipt: Option<&'a EntryId>,
    /// The sealed contents of the effect's records, then of its held items, in order; or its sealed question.
    pub(super) sealed: &'a [Sealed],
}

/// Writes one effect.
pub(super) async fn apply(tx: &mut Tx, scene: &Scene<'_>, effect: &Effect) -> Result<(), Stopped> {
    match effect {
        Effect::Accept(message) => accept(tx, scene, message).await,
        Effect::Enqueue(item) => Ok(mailbox::insert(tx, &[item]).await?),
        Effect::Release { item, system, digest } => {
            move_on(tx, scene, effect, (item, Some(system)), Some((scene.receipt, digest))).await
        }
        Effect::Ack { item, system } | Effect::Nack { item, system } => {
            move_on(tx, scene, effect, (item, Some(system)), None).await
        }
        Effect::Return { item, notice } => {
            move_on(tx, scene, effect, (item, None), None).await?;
            match notice {
                Some(notice) => Ok(mailbox::insert(tx, &[notice]).await?),
                None => Ok(()),
            }
        }
        Effect::Purge { item } => purge(tx, item).await,
        Effect::EraseQuarantine { message } => present(quarantine::erase(tx, message).await? > 0),
        Effect::TakeRequest { id } => present(requests::take(tx, id).await?),
        Effect::KeepCosignature { origin, kept } => Ok(cosignatures::put(tx, origin, kept).await?),
        Effect::EraseSealed { origin, key } => present(retention::erase(tx, origin, key).await?),
        Effect::Replace { earlier, by } => match replaced::replace(tx, earlier, by).await? {
            true => Ok(()),
            false => Err(Stopped::Refused(Refusal::Replaced)),
        },
        Effect::MessageState { message, state } => present(messages::set_state(tx, message, state).await?),
        Effect::PutFact { section, id, body, expected_version } => {
            let current = facts::version(tx, *section, id).await?;
            if expected_version.is_some_and(|v| v != current) {
                return Err(Stopped::Refused(Refusal::FactChanged { version: current }));
            }
            Ok(facts::put(tx, scene.keys, *section, id, body, scene.now, current).await?)
        }
        Effect::EndFact { section, id } => {
            present(facts::version(tx, *section, id).await? > 0)?;
            Ok(facts::end(tx, *section, id, scene.now).await?)
        }
        Effect::IfFacts { at } => match facts::clock(tx).await? {
            version if at.is(version) => Ok(()),
            version => Err(Stopped::Refused(Refusal::FactChanged { version })),
        },
        Effect::RestsOn { .. }
        | Effect::KeepDecided { .. }
        | Effect::KeepRules { .. }
        | Effect::Notice { .. }
        | Effect::MarkPermission { .. } => of_decisions(tx, scene, effect).await,
        Effect::IndexPerson(change) => match people::apply(tx, scene.keys, &[change], scene.now).await? {
            true => Ok(()),
            false => Err(Stopped::Refused(Refusal::PersonChanged)),
        },
        Effect::SealPerson(person) => present(people::seal(tx, person).await?),
        Effect::JoinPeople { gone, kept } => join::join(tx, gone, kept).await?.map_err(Stopped::Refused),
        Effect::SettleReview { id, state } => present(people::settle(tx, id, state).await?),
        Effect::Keep { .. }
        | Effect::EndKept { .. }
        | Effect::EndKeptOf { .. }
        | Effect::HandOn { .. }
        | Effect::ForgetKept => of_pages(tx, scene, effect).await,
        Effect::IfNotJoined(person) => match join::is_joined(tx, person).await? {
            false => Ok(()),
            true => Err(Stopped::Refused(Refusal::PersonChanged)),
        },
        Effect::ForgetIdempotency { before } => Ok(mailbox::forget(tx, *before).await?),
    }
}

/// What is kept of decisions: what they were made from, and what became of the permissions they rested on.
async fn of_decisions(tx: &mut Tx, scene: &Scene<'_>, effect: &Effect) -> Result<(), Stopped> {
    match effect {
        Effect::RestsOn { permissions, system, agency } => match scene.receipt {
            Some(entry) => {
                Ok(permission_use::used(tx, &[Used { permissions, entry, system, agency }], scene.now).await?)
            }
            None => Ok(()),
        },
        Effect::KeepDecided { .. } => match (scene.receipt, scene.sealed.first()) {
            (Some(entry), Some(sealed)) => Ok(decided::keep(tx, &[(entry, sealed)]).await?),
            _ => Ok(()),
        },
        Effect::KeepRules { version, files } => Ok(decided::keep_rules(tx, version, files, scene.now).await?),
        Effect::Notice { message, kind, refers_to } => Ok(permission_use::notice(tx, message, kind, refers_to).await?),
        Effect::MarkPermission { permission, mark } => {
            match permission_use::mark(tx, permission, *mark, scene.now).await? {
                true => Ok(()),
                false => Err(Stopped::Refused(Refusal::Duplicate)),
            }
        }
        _ => Ok(()),
    }
}

/// What the pages keep of their own.
async fn of_pages(tx: &mut Tx, scene: &Scene<'_>, effect: &Effect) -> Result<(), Stopped> {
    match effect {
        Effect::Keep { kept, was } => keep(tx, scene, kept, *was).await,
        Effect::EndKept { kind, id } => present(page_state::end(tx, *kind, id).await?),
        Effect::EndKeptOf { kind, owner } => Ok(page_state::end_of(tx, *kind, owner).await?),
        Effect::HandOn { kind, from, to, expires_at } => {
            Ok(page_state::hand_on(tx, *kind, (from, to), *expires_at).await?)
        }
        Effect::ForgetKept => Ok(page_state::forget(tx, scene.now).await?),
        _ => Ok(()),
    }
}

async fn keep(tx: &mut Tx, scene: &Scene<'_>, kept: &page_state::Kept, was: Option<i64>) -> Result<(), Stopped> {
    let current = page_state::version(tx, kept.kind, &kept.id).await?;
    if was.is_some_and(|v| v != current) {
        return Err(Stopped::Refused(Refusal::KeptChanged { version: current }));
    }
    Ok(page_state::put(tx, scene.keys, kept, current.saturating_add(1), scene.now).await?)
}

fn present(found: bool) -> Result<(), Stopped> {
    if found { Ok(()) } else { Err(Stopped::Refused(Refusal::Absent)) }
}

/// Takes an item's step, or refuses because it is not in the system's mailbox or not in a state this effect may start from.
async fn move_on(
    tx: &mut Tx,
    scene: &Scene<'_>,
    effect: &Effect,
    (item, system): (&ItemId, Option<&SystemId>),
    release: Option<(Option<&EntryId>, &Digest)>,
) -> Result<(), Stopped> {
    let Some(step) = effect.step() else { return Ok(()) };
    if mailbox::step(tx, item, system, step, release, scene.now).await? {
        return Ok(());
    }
    let found = mailbox::locked(tx, item).await?;
    let Some((state, _)) = found.filter(|(_, owner)| system.is_none_or(|s| s == owner)) else {
        return Err(Stopped::Refused(Refusal::Absent));
    };
    Err(Stopped::Refused(Refusal::ItemState { state }))
}

async fn purge(tx: &mut Tx, item: &ItemId) -> Result<(), Stopped> {
    match mailbox::locked(tx, item).await? {
        None => Err(Stopped::Refused(Refusal::Absent)),
        Some((state @ (ItemState::Due | ItemState::Released), _)) => {
            Err(Stopped::Refused(Refusal::ItemState { state }))
        }
        Some(_) => Ok(mailbox::purge(tx, item).await.map(drop)?),
    }
}

/// Writes one message, or says exactly why not.
async fn accept(tx: &mut Tx, scene: &Scene<'_>, message: &NewMessage) -> Result<(), Stopped> {
    if let Some(answer) = &message.idempotency {
        mailbox::forget_stale(tx, answer).await?;
        if !mailbox::remember(tx, &[answer]).await? {
            return Err(Stopped::Refused(Refusal::IdempotencyTaken));
        }
    }
    if !messages::insert(tx, &[message]).await? {
        return Err(Stopped::Refused(Refusal::Duplicate));
    }
    if !accepted(tx, scene.keys, scene.now, &[(message, scene.sealed)]).await? {
        return Err(Stopped::Refused(Refusal::PersonChanged));
    }
    Ok(())
}

/// Writes many messages with a statement per table instead of one per row; false when any of them would be refused. Then
/// some of it may be written: the caller undoes it all and writes them one by one, each of which says why.
pub(super) async fn accept_all(
    tx: &mut Tx,
    keys: &Keys,
    now: Moment,
    all: &[(&NewMessage, &[Sealed])],
) -> Result<bool, Error> {
    let answers: Vec<_> = all.iter().filter_map(|(m, _)| m.idempotency.as_ref()).collect();
    let messages: Vec<_> = all.iter().map(|(m, _)| *m).collect();
    // A key whose answer is stale counts as taken here; one by one it is forgotten first.
    Ok(mailbox::remember(tx, &answers).await?
        && messages::insert(tx, &messages).await?
        && accepted(tx, keys, now, all).await?)
}

/// What the decisions of a batch leave beside their entries: questions, released items, permissions relied on.
#[derive(Default)]
pub(super) struct Decisions<'a> {
    pub(super) kept: Vec<(&'a EntryId, &'a Sealed)>,
    pub(super) out: Vec<Out<'a>>,
    pub(super) used: Vec<Used<'a>>,
}

/// Writes many decisions with a statement per table; false when an item among them cannot be released any more. Then some
/// of it is written: the caller undoes it all and writes them one by one.
pub(super) async fn decide_all(tx: &mut Tx, now: Moment, all: &Decisions<'_>) -> Result<bool, Error> {
    if !all.out.is_empty() && !mailbox::release_all(tx, &all.out, now).await? {
        return Ok(false);
    }
    decided::keep(tx, &all.kept).await?;
    permission_use::used(tx, &all.used, now).await?;
    Ok(true)
}

/// What follows a message's own row; false when a person changed meanwhile.
async fn accepted(tx: &mut Tx, keys: &Keys, now: Moment, all: &[(&NewMessage, &[Sealed])]) -> Result<bool, Error> {
    let changes: Vec<_> = all.iter().flat_map(|(m, _)| &m.people).collect();
    if !people::apply(tx, keys, &changes, now).await? {
        return Ok(false);
    }
    let (mut records, mut held, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for (message, sealed) in all {
        let (of_records, of_held) = sealed.split_at_checked(message.records.len()).unwrap_or((*sealed, &[]));
        records.push((*message, of_records));
        held.push((*message, of_held));
        items.extend(&message.items);
    }
    messages::insert_records(tx, &records).await?;
    quarantine::insert(tx, &held).await?;
    mailbox::insert(tx, &items).await?;
    Ok(true)
}
