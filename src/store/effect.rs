//! What a job may change besides the log: the closed list of effects, and the new rows they bring.
//!
//! Owns the shapes only; `apply` writes them, inside the committer's transaction. An effect whose precondition does not
//! hold refuses its whole job and leaves nothing. Read [`Effect`] first.

use super::facts::Section;
use super::keys::Digest;
use super::mailbox::{ItemKind, ItemState};
use super::messages::RecordId;
use super::quarantine::NewHeld;
use crate::clock::Moment;
use crate::ident::{AgencyId, EntryId, HatId, ItemId, MessageId, PersonId, SegmentId, SystemId};
use crate::vocabulary::{Category, Purpose};

/// One change that commits together with the job's audit entries.
#[derive(Debug)]
pub enum Effect {
    /// Stores an accepted message with its records, people, mailbox items and idempotency answer.
    /// Refused with [`super::Refusal::IdempotencyTaken`] when the key was used meanwhile, [`super::Refusal::PersonChanged`]
    /// when a person it wants to make or extend was changed meanwhile (match again, then retry), and
    /// [`super::Refusal::Duplicate`] when the message id exists.
    Accept(Box<NewMessage>),
    /// Puts an item into a mailbox for a message that is already stored.
    Enqueue(NewItem),
    /// Marks an item as released: `due` or `released` before (a second pick-up before the ack is another release).
    /// Stores the digest of the bytes that go out and the id of the job's first entry as its receipt.
    Release {
        /// The item.
        item: ItemId,
        /// Whose mailbox it must be in.
        system: SystemId,
        /// Keyed digest of the exact outgoing bytes.
        digest: Digest,
    },
    /// Acknowledged by the receiver: `released` before.
    Ack {
        /// The item.
        item: ItemId,
        /// Whose mailbox it must be in.
        system: SystemId,
    },
    /// Refused by the receiver: `released` before.
    Nack {
        /// The item.
        item: ItemId,
        /// Whose mailbox it must be in.
        system: SystemId,
    },
    /// Uncollected for too long: `due` or `released` before; `notice`, if given, goes to the sender's mailbox (R77).
    Return {
        /// The item.
        item: ItemId,
        /// The alert that goes to the sender.
        notice: Option<NewItem>,
    },
    /// Erases the content of the item's records that nobody still has to collect (R77); the item must be settled.
    Purge {
        /// The item.
        item: ItemId,
    },
    /// Erases the items of a message that are held in quarantine.
    EraseQuarantine {
        /// The message.
        message: MessageId,
    },
    /// The job's entry is one that another process asked for: its request goes. Refused with [`super::Refusal::Absent`]
    /// when it was taken back.
    TakeRequest {
        /// The request, which has the entry's id.
        id: EntryId,
    },
    /// Keeps a witness's cosignature, which has been verified.
    KeepCosignature {
        /// The log.
        origin: String,
        /// The cosignature.
        kept: super::cosignatures::Cosignature,
    },
    /// Erases the key that seals the entries about a person in a log, and what the index knows of them: their sealed parts
    /// can never be read again, their leaves stay. Refused with [`super::Refusal::Absent`] when there is no such key.
    EraseSealed {
        /// The log.
        origin: String,
        /// Whose key: a person's id, or `month-YYYY-MM`.
        key: String,
    },
    /// A record stands in the place of an earlier one, which is in no answer any more (R70). Refused with
    /// [`super::Refusal::Replaced`] when another stands there already.
    Replace {
        /// The earlier one.
        earlier: super::messages::RecordId,
        /// Which stands in its place.
        by: super::messages::RecordId,
    },
    /// Sets a message's state word.
    MessageState {
        /// The message.
        message: MessageId,
        /// The new state.
        state: String,
    },
    /// Adds or replaces one fact; what it replaces is kept as past.
    PutFact {
        /// Its section.
        section: Section,
        /// Its id within the section.
        id: String,
        /// The item, as in a facts file.
        body: serde_json::Value,
        /// The version it must replace: 0 for a new one, `None` when it does not matter.
        expected_version: Option<i64>,
    },
    /// Ends a fact: it becomes past. Refused with [`super::Refusal::Absent`] when there is none.
    EndFact {
        /// Its section.
        section: Section,
        /// Its id.
        id: String,
    },
    /// Makes or extends a person of the index from the partnership's register, without a message.
    IndexPerson(PersonChange),
    /// Seals a person (adoption): no message will ever be matched to them again (R66).
    SealPerson(PersonId),
    /// Two people of the index are one. Refused with [`super::Refusal::PersonChanged`] when one of them is sealed, joined or not
    /// there, and with [`super::Refusal::TwoPeople`] when one record or segment names both. Facts are for other effects.
    JoinPeople {
        /// Who is no longer found: a row that points to the other.
        gone: PersonId,
        /// Who stays.
        kept: PersonId,
    },
    /// Settles an open review.
    SettleReview {
        /// The review.
        id: String,
        /// What was decided.
        state: String,
    },
    /// Nothing: but the job is refused with [`super::Refusal::FactChanged`] when any fact changed since it was prepared, so
    /// that two at once cannot both pass a check that only one of them would.
    IfFacts {
        /// The state of the facts it was prepared from.
        at: super::fact_cache::FactsAt,
    },
    /// The job's first entry is a release that rested on these permissions.
    RestsOn {
        /// Their ids.
        permissions: Vec<String>,
        /// Who received it.
        system: SystemId,
        /// Their agency.
        agency: AgencyId,
    },
    /// Keeps what the decision of the job's first entry was made from, sealed (R78).
    KeepDecided {
        /// The question.
        body: Vec<u8>,
    },
    /// Keeps a set of sharing rules that decides, unless it is kept already (R78).
    KeepRules {
        /// Its version.
        version: String,
        /// Its files, as a JSON object of names and texts.
        files: String,
    },
    /// Keeps what the notice says that goes with a message of its own.
    Notice {
        /// The message.
        message: MessageId,
        /// A stable word.
        kind: &'static str,
        /// The id of what it is about.
        refers_to: String,
    },
    /// Notes something about a permission once. Refused with [`super::Refusal::Duplicate`] when it was noted before.
    MarkPermission {
        /// Its id.
        permission: String,
        /// What.
        mark: super::permission_use::PermissionMark,
    },
    /// Keeps something of the pages. Refused with [`super::Refusal::KeptChanged`] when another version is there than `was`.
    Keep {
        /// What, with the body it is to have; its version and moment are the store's to set.
        kept: super::page_state::Kept,
        /// The version it replaces: 0 for a new one, `None` when it does not matter.
        was: Option<i64>,
    },
    /// Ends something the pages kept. Refused with [`super::Refusal::Absent`] when it is not there.
    EndKept {
        /// Its kind.
        kind: super::page_state::KeptKind,
        /// Its id.
        id: String,
    },
    /// Ends everything of a kind that the pages kept for an owner; there may be nothing.
    EndKeptOf {
        /// The kind.
        kind: super::page_state::KeptKind,
        /// Whose.
        owner: String,
    },
    /// Gives everything of a kind kept for one owner to another, with a new end. To the same owner, it only ends later.
    HandOn {
        /// The kind.
        kind: super::page_state::KeptKind,
        /// Whose it is.
        from: String,
        /// Whose it becomes.
        to: String,
        /// From when it is no longer there.
        expires_at: Moment,
    },
    /// Refused with [`super::Refusal::PersonChanged`] when this person was joined into another.
    IfNotJoined(PersonId),
    /// Forgets what the pages kept whose time is over.
    ForgetKept,
    /// Forgets idempotency answers made before this moment.
    ForgetIdempotency {
        /// Older ones go.
        before: Moment,
    },
}

/// An accepted message.
#[derive(Debug)]
pub struct NewMessage {
    /// Its id, made by the receiver of the bytes.
    pub id: MessageId,
    /// The sending system.
    pub system: SystemId,
    /// That system's agency.
    pub agency: AgencyId,
    /// The format's name.
    pub format: String,
    /// When it came in.
    pub received_at: Moment,
    /// Keyed digest of its bytes.
    pub body_digest: Digest,
    /// Length of its bytes.
    pub byte_length: u64,
    /// The loss report as JSON.
    pub loss: String,
    /// Its state word, for example `accepted`.
    pub state: String,
    /// Its records, in order.
    pub records: Vec<NewRecord>,
    /// Items that could not become a segment.
    pub quarantined: Vec<NewHeld>,
    /// People to make or extend.
    pub people: Vec<PersonChange>,
    /// Items for the receivers' mailboxes.
    pub items: Vec<NewItem>,
    /// The answer to remember.
    pub idempotency: Option<NewIdempotency>,
}

/// A record of a message. Its Debug output shows sizes only.
pub struct NewRecord {
    /// Its id.
    pub id: RecordId,
    /// The canonical JSON.
    pub content: Vec<u8>,
    /// Its segments.
    pub segments: Vec<NewSegment>,
    /// Which local person id is which person.
    pub persons: Vec<(String, PersonId)>,
    /// What its sender calls it: see [`super::sent_as`].
    pub sent_as: Option<Digest>,
}

impl std::fmt::Debug for NewRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewRecord({}, {} bytes, {} segments)", self.id, self.content.len(), self.segments.len())
    }
}

/// A segment of a record.
#[derive(Debug)]
pub struct NewSegment {
    /// Unique in the store.
    pub id: SegmentId,
    /// Its id within the record.
    pub local: SegmentId,
    /// Whose it is.
    pub custodian: AgencyId,
    /// Its category; `None` is `none`: disclosed to nobody but its own agency.
    pub category: Option<Category>,
    /// `full` or `summary`.
    pub form: String,
    /// Its state word, for example `active`.
    pub state: String,
    /// When it was recorded.
    pub recorded_at: Moment,
    /// Whom it is about.
    pub about: Vec<PersonId>,
}

/// A change to the people index, made by [`super::Resolution`]. Hashes only.
#[derive(Debug)]
pub struct PersonChange {
    /// The person.
    pub person: PersonId,
    /// Whether the person is new.
    pub new: bool,
    /// Identifiers to add: keyed hash, scheme, whether verified.
    pub identifiers: Vec<(Digest, &'static str, bool)>,
    /// Traits to add: keyed hash and kind.
    pub traits: Vec<(Digest, &'static str)>,
    /// A doubt to put on the review list.
    pub review: Option<NewReview>,
}

/// A doubtful link for a person to look at.
#[derive(Debug)]
pub struct NewReview {
    /// The record it came with; filled in by whoever makes the record.
    pub record: Option<RecordId>,
    /// The local person id in that record.
    pub local: String,
    /// Whom it may be.
    pub candidate: PersonId,
    /// Why it is in doubt.
    pub reason: &'static str,
}

/// An item for a mailbox.
#[derive(Debug)]
pub struct NewItem {
    /// Its id.
    pub id: ItemId,
    /// What it is.
    pub kind: ItemKind,
    /// The message it comes from.
    pub message: MessageId,
    /// The records it carries, in order.
    pub records: Vec<RecordId>,
    /// Who sent it.
    pub from_system: SystemId,
    /// Their agency.
    pub from_agency: AgencyId,
    /// Whose mailbox.
    pub to_system: SystemId,
    /// The hat it is decided for, when one is named.
    pub hat: Option<HatId>,
    /// The purpose it is decided for.
    pub purpose: Option<Purpose>,
    /// From when it can be collected.
    pub available_at: Moment,
    /// When it goes back uncollected.
    pub expires_at: Moment,
}

/// An answer to repeat when the same request comes again.
#[derive(Debug)]
pub struct NewIdempotency {
    /// The system that asked.
    pub system: SystemId,
    /// Keyed hash of its key.
    pub key_hash: Digest,
    /// Keyed digest of the body.
    pub body_digest: Digest,
    /// The answer, without content.
    pub response: String,
    /// When it was given.
    pub created_at: Moment,
}

impl Effect {
    /// How many sealed contents (records, then held items; or a question) belong to this effect.
    pub(super) fn contents(&self) -> usize {
        match self {
            Self::Accept(message) => message.records.len().saturating_add(message.quarantined.len()),
            Self::KeepDecided { .. } => 1,
            _ => 0,
        }
    }
    /// The states a mailbox item may be in before this effect, and the one after; `None` for other effects.
    pub(super) fn step(&self) -> Option<(&'static [ItemState], ItemState)> {
        use ItemState::{Acked, Due, Nacked, Released, Returned};
        match self {
            Self::Release { .. } => Some((&[Due, Released], Released)),
            Self::Ack { .. } => Some((&[Released], Acked)),
            Self::Nack { .. } => Some((&[Released], Nacked)),
            Self::Return { .. } => Some((&[Due, Released], Returned)),
            _ => None,
        }
    }
}
