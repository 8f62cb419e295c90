//! Corrections: a record that says which earlier one of its sender it replaces (R70).
//!
//! Owns what follows from `envelope.replaces`: the earlier record is shown to nobody any more, both stay in the log, and every
//! hat that received something of it is told: a system through its mailbox, a user of the pages through the privacy officers of
//! their agency. A notice holds receipts and a hat, never a name, a category or a place. Only the sender itself replaces what it
//! sent. Read [`Gateway::correct`].

use super::alerts::AlertKind;
use super::notice::Notify;
use super::questions::{Ask, Asker, PAGE_MAX, Viewer};
use super::receive::Composed;
use super::{Caller, Failure, Gateway, entries};
use crate::audit::payload::{Change, Dataset, Recipient};
use crate::audit::{Draft, Event, Outcome};
use crate::clock::Moment;
use crate::ident::{AgencyId, EntryId, HatId, MessageId, PersonId, SegmentId, SystemId};
use crate::record::{Record, State};
use crate::store::{self, Earlier, Effect, Keys, NewRecord, RecordId, Wanted};
use crate::vocabulary::Level;
use std::collections::{BTreeMap, BTreeSet};

/// What a notice says of what was received: it was corrected, or there is nothing in its place.
pub(super) const NOTICES: [&str; 2] = ["statement-corrected", "statement-withdrawn"];
/// Entries in which something is released.
const RELEASING: [Event; 5] = [Event::View, Event::OvrUse, Event::Collect, Event::Export, Event::Print];
/// Most receipts named in one notice or entry: a daily look for half a year.
const RECEIPTS_MAX: usize = 200;

/// A record that says which earlier one it replaces.
pub(super) struct Says {
    record: RecordId,
    /// The sender's name of the earlier one.
    earlier: String,
    /// Whether anything in it holds.
    holds: bool,
}

/// What a message does to earlier ones.
#[derive(Default)]
pub(super) struct Corrected {
    pub(super) entries: Vec<Draft>,
    pub(super) effects: Vec<Effect>,
    pub(super) replaced: usize,
    /// Systems that find a notice.
    pub(super) told: Vec<SystemId>,
}

/// A hat that received something, through a system.
type Receiver = (AgencyId, Option<SystemId>, Option<HatId>);

/// Notes what the sender calls a new record and which earlier one it replaces.
pub(super) fn name(keys: &Keys, caller: &Caller, record: &Record, (new, says): (&mut NewRecord, &mut Vec<Says>)) {
    let document = record.document();
    let text = |member| document.text_at(document.root(), &["envelope", member]).filter(|text| !text.is_empty());
    new.sent_as = text("message_id").map(|name| store::sent_as(keys, (&caller.agency, &caller.system), name));
    if let Some(earlier) = text("replaces") {
        // Who somebody is stays when what was said of them is taken back.
        let mut said = record.segments().iter().filter(|segment| segment.array != "people" && segment.within.is_none());
        let holds = said.any(|segment| segment.state == State::Current);
        says.push(Says { record: new.id.clone(), earlier: earlier.to_owned(), holds });
    }
}

impl Gateway {
    /// Finds what the records of a message replace and who received it, and adds what follows. Writes nothing.
    pub(super) async fn correct(&self, caller: &Caller, composed: &mut Composed, now: Moment) -> Result<(), Failure> {
        let mut done = Corrected::default();
        let mut replaced: BTreeSet<RecordId> = BTreeSet::new();
        for says in &composed.corrections {
            let sender = (&caller.agency, &caller.system);
            for earlier in self.db.standing_for(&self.keys, sender, &says.earlier).await? {
                if !replaced.insert(earlier.record.clone()) {
                    continue;
                }
                let received = self.receivers(&earlier, now).await?;
                self.follow(caller, (says, &earlier, now), received, &mut done);
            }
        }
        done.replaced = replaced.len();
        composed.corrected = done;
        Ok(())
    }

    /// Every hat that was shown something of a record, with the entries and the people these are about.
    async fn receivers(
        &self,
        earlier: &Earlier,
        now: Moment,
    ) -> Result<BTreeMap<Receiver, Vec<(EntryId, PersonId)>>, Failure> {
        let asker = Asker::new((&self.db, &self.keys), self.config(), Viewer::operator(), now);
        let segments: BTreeSet<&SegmentId> = earlier.segments.iter().collect();
        let mut found: BTreeMap<Receiver, Vec<(EntryId, PersonId)>> = BTreeMap::new();
        for person in &earlier.people {
            let mut ask = Ask {
                from: earlier.at.millis(),
                to: now.millis().saturating_add(1),
                subject: Some(person.as_str().to_owned()),
                limit: Some(PAGE_MAX),
                ..Ask::default()
            };
            loop {
                let wanted = Wanted { events: RELEASING.to_vec(), ..asker.wanted(&ask) };
                let shown = |row: &super::questions::Row| {
                    row.payload.items.iter().any(|i| i.level > Level::N && segments.contains(&i.segment))
                };
                let (rows, next) = asker.rows(&ask, wanted, shown).await?;
                for row in rows {
                    let hat = row.payload.hat.as_ref();
                    let through = row.payload.recipient.as_ref();
                    let agency = hat.map(|h| &h.agency).or(through.map(|r| &r.agency));
                    let Some(agency) = agency.cloned() else { continue };
                    let receiver = (agency, through.and_then(|r| r.system.clone()), hat.and_then(|h| h.id.clone()));
                    found.entry(receiver).or_default().push((row.entry.id.clone(), person.clone()));
                }
                match next.as_deref().and_then(super::questions::parse_cursor) {
                    Some(after) => ask.after = Some(after),
                    None => break,
                }
            }
        }
        Ok(found)
    }

    /// The entries and notices of one replaced record.
    fn follow(
        &self,
        caller: &Caller,
        (says, earlier, now): (&Says, &Earlier, Moment),
        received: BTreeMap<Receiver, Vec<(EntryId, PersonId)>>,
        done: &mut Corrected,
    ) {
        done.effects.push(Effect::Replace { earlier: earlier.record.clone(), by: says.record.clone() });
        let head = EntryId::new(Self::fresh_id());
        let mut payload = correction(caller, &earlier.message, earlier.people.first());
        payload.change = Some(Change { what: format!("record/{}", earlier.record), before: None, after: None });
        payload.counts.insert("notices".to_owned(), u32::try_from(received.len()).unwrap_or(u32::MAX));
        done.entries.push(Draft::new(Outcome::Allow, payload).with_id(head.clone()));
        let [corrected, withdrawn] = NOTICES;
        let kind = if says.holds { corrected } else { withdrawn };
        for ((agency, system, hat), mut receipts) in received {
            receipts.truncate(RECEIPTS_MAX);
            let entry = EntryId::new(Self::fresh_id());
            let mut payload = correction(caller, &earlier.message, receipts.first().map(|(_, person)| person));
            payload.refers_to = std::iter::once(&head).chain(receipts.iter().map(|(id, _)| id)).cloned().collect();
            payload.recipient = Some(Recipient { agency: agency.clone(), system: system.clone() });
            done.entries.push(Draft::new(Outcome::Allow, payload).with_id(entry.clone()));
            match system.filter(|id| self.config().systems.iter().any(|s| s.id == *id)) {
                Some(system) => {
                    let list: Vec<&str> = receipts.iter().map(|(id, _)| id.as_str()).collect();
                    let to = vec![(system.clone(), hat)];
                    done.effects.extend(self.notice(kind, &list.join(" "), (&caller.agency, now), to));
                    done.told.push(system);
                }
                None => {
                    let alert = Notify::new(AlertKind::StatementCorrected, entry.as_str(), &entry, now).of(hat);
                    done.effects.extend(alert.to(&[agency]));
                }
            }
        }
    }

    /// Wakes these systems, which may wait for something to arrive.
    pub(super) fn wake_all(&self, systems: &[SystemId]) {
        for system in systems {
            if let Some(notify) = self.arrivals.get(system) {
                notify.notify_waiters();
            }
        }
    }
}

fn correction(caller: &Caller, message: &MessageId, subject: Option<&PersonId>) -> crate::audit::Payload {
    let mut payload = entries::by_caller(Event::Correction, caller);
    payload.actor = Some(crate::ident::AccountId::new(format!("system:{}", caller.system)));
    payload.subject = subject.cloned();
    payload.dataset = Some(Dataset { message: Some(message.clone()), ..Dataset::default() });
    payload
}
