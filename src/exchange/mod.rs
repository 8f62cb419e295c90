//! The stories of the gateway: the one floor that combines mapping, sharing, audit and store.
//!
//! Owns the order of things: `receive` ends at a stored, logged record; `disclose` starts there and ends at
//! [`Released`] bytes that could not exist without a decision and a committed audit entry. Knows nothing of HTTP.
//! Read `disclose.rs` first: the whole promise as one function.

mod access;
mod admitted;
mod alerts;
mod audit_desk;
mod break_glass;
mod claim;
mod clock_watch;
mod concern;
mod consent_r4;
mod console;
mod corrections;
mod deed;
mod delegations;
mod deliver;
mod disclose;
mod enquire;
mod entries;
mod inspect;
mod joining;
mod judged;
mod match_r4;
mod message_head;
mod notice;
mod override_desk;
mod permit;
mod pointers;
mod prepared;
mod publish;
mod questions;
mod receive;
mod register;
mod relate;
mod released;
mod render;
mod replay;
mod requests;
mod retention;
mod review_desk;
mod safeguard;
mod search;
mod self_check;
mod shelf;
mod terms;
mod unflag;
mod upkeep;
mod visit;
mod volunteer;
mod watch;
mod whom;
mod witnesses;
mod world;
mod written;

pub use crate::sharing::facts::{Party as PermissionParty, Permission, PermissionEvent, Scope as PermissionScope};
pub use access::{AccessAnswer, AccessForm, AccessOutcome, AccessRequest, Desk, HowSoon, OwnRequest, ShownMarker};
pub use alerts::{Alert, AlertKind, AlertState};
pub use audit_desk::{LogForm, LogReply, LogRequest};
pub use break_glass::{NewOverride, OverrideDeed};
pub use concern::{
    About, Answer, Attached, AttachedKind, Concern, ConcernForm, Decided, FILE_BYTES_MAX, FILES_MAX, NamedChild,
    NewConcern, Outcome as ConcernOutcome, Queued, Said, Side, Status, SystemConcern,
};
pub use console::{
    AnswerTime, Charts, Compared, Counts, EntryCheck, EntryNote, Explained, ExportForm, Exported, Figure, Ground,
    Identity, LogHealth, NoteKind, Reidentify, SavedSearch, SegmentExplained, Standing as ReidentifyStanding, Verified,
    reason_codes,
};
pub use deed::{Deed, Done, User};
pub use delegations::{Delegation, Lead};
pub use deliver::{Delivery, ItemSummary};
pub use enquire::{Enquiry, Subject};
pub use inspect::{MessageStatus, Quarantine};
pub use joining::{MatchCard, Settled};
pub use message_head::{MessageEvent, MessageHead};
pub use override_desk::{OverrideForm, OverrideSeen, OverrideState};
pub use permit::{Happening, NewAssessment, NewPermission, PermissionDeed};
pub use prepared::{Prepared, ToConfirm};
pub use questions::{
    Answer as LogAnswer, Ask, Asker, QuestionId, Row as LogRow, Viewer, audit_events, csv, fhir_bundle, json_lines,
    parse_cursor, reconcile,
};
pub use receive::{Accepted, Addressee, Submission};
pub use relate::RelationshipDeed;
pub use released::{Released, Rendered};
pub use replay::{Gone, LogDifference};
pub use retention::{Sealing, is_held, sealing_effect};
pub use review_desk::{AlertCard, OverrideCard, OverrideLine};
pub use safeguard::SafetyDeed;
pub use search::{Found, Grade, PeopleQuery};
pub use visit::{
    Age, Agreed, Change, Consequences, DecidedPermissions, Family, FamilyMember, May, NewLink, NewMeans, Operation,
    PAGES, Pending, SharedBefore, SignInFailure, SignedIn, Token, Visitor, Waiting, Worn,
};
pub use volunteer::{Brief, Match, VolunteerNote};
pub use whom::{Party as WhoDecides, Whom};
pub use witnesses::WitnessStanding;
pub use written::{Statement, Writing, may_prepare, may_write};

use crate::clock::{Clock, Moment};
use crate::config;
use crate::diagnostic::Diagnostic;
use crate::document::Limits;
use crate::ident::{AgencyId, SystemId};
use crate::mapping::Mappings;
use crate::peer::Provider;
use crate::schema::Schemas;
use crate::sharing::Policy;
use crate::store::{self, CommitterHandle, Db, FactCache, IndexKeys, Keys};
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use tokio::sync::Notify;

/// Who calls, as the client certificate says. Made by the door after it has checked the certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The connected system.
    pub system: SystemId,
    /// Its agency.
    pub agency: AgencyId,
    /// The format it speaks.
    pub format: String,
    /// SHA-256 of its certificate, lower-case hex.
    pub certificate: String,
    /// The request's id.
    pub request: String,
}

/// Schemas, mappings and rules in force together; swapped as one.
pub struct ContentSet {
    /// Schemas.
    pub schemas: Schemas,
    /// Mappings and code tables.
    pub mappings: Mappings,
    /// Sharing rules.
    pub policy: Policy,
}

/// What became of changes to the content set since the start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContentState {
    /// Changed sets that were taken.
    pub taken: u64,
    /// Changed sets that were refused.
    pub refused: u64,
    /// What is wrong with the newest one, when it was refused: code, file, line and help.
    pub faults: Vec<String>,
}

/// Findings of a refused content set that the health page lists.
const FAULTS_SHOWN_MAX: usize = 20;

/// What a gateway is made of.
pub struct Parts {
    /// Its configuration.
    pub config: config::Gateway,
    /// Schemas, mappings, rules.
    pub content: ContentSet,
    /// Its database.
    pub db: Db,
    /// Keys for content at rest.
    pub keys: Keys,
    /// The one committer of its log.
    pub committer: CommitterHandle,
    /// Where it gets the time.
    pub clock: Clock,
}

/// A running gateway: shared by all doors.
pub struct Gateway {
    config: config::Gateway,
    content: ArcSwap<ContentSet>,
    content_state: ArcSwap<ContentState>,
    db: Db,
    keys: Keys,
    committer: CommitterHandle,
    clock: Clock,
    arrivals: BTreeMap<SystemId, Arc<Notify>>,
    facts: FactCache<world::Known>,
    shelf: shelf::Shelf,
    witnesses: witnesses::Witnesses,
    last_hour: alerts::LastHour,
    integrity: console::Watch,
    charts: console::Remembered<console::ChartsKey, console::Charts>,
    counted: console::Remembered<console::CountedKey, questions::Answer>,
    led: audit_desk::Led,
    references: console::References,
    clock_watch: clock_watch::ClockWatch,
    names: IndexKeys,
    /// Where people may sign in beside local accounts.
    provider: Option<Arc<Provider>>,
    started: Moment,
    /// When the terms of permissions were last looked at, in milliseconds; 0 for never.
    terms_seen_at: AtomicI64,
    /// The version of the rules that this process has kept with a decision; empty before the first.
    kept_rules: ArcSwap<String>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gateway({})", self.config.origin)
    }
}

impl Gateway {
    /// Puts the parts together. Opens nothing.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let arrivals = parts.config.systems.iter().map(|s| (s.id.clone(), Arc::new(Notify::new()))).collect();
        let started = parts.clock.now();
        let names = IndexKeys::new(&parts.keys);
        Self {
            config: parts.config,
            content: ArcSwap::from_pointee(parts.content),
            content_state: ArcSwap::default(),
            db: parts.db,
            keys: parts.keys,
            committer: parts.committer,
            clock: parts.clock,
            arrivals,
            facts: FactCache::default(),
            shelf: shelf::Shelf::default(),
            witnesses: witnesses::Witnesses::default(),
            last_hour: alerts::LastHour::default(),
            integrity: console::Watch::default(),
            charts: console::Remembered::default(),
            counted: console::Remembered::default(),
            led: audit_desk::Led::default(),
            references: console::References::default(),
            clock_watch: clock_watch::ClockWatch::default(),
            names,
            provider: None,
            started,
            terms_seen_at: AtomicI64::new(0),
            kept_rules: ArcSwap::default(),
        }
    }
    /// With a provider at which people may sign in.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }
    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &config::Gateway {
        &self.config
    }
    /// The clock.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }
    /// The database, for the doors that only read the log.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }
    /// The keys for content at rest, for readers entitled to sealed payloads.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }
    /// The content set in force.
    #[must_use]
    pub fn content(&self) -> Arc<ContentSet> {
        self.content.load_full()
    }
    /// The content set is another for every request that starts after this; that it is, is logged already.
    pub fn replace_content(&self, content: ContentSet) {
        self.content.store(Arc::new(content));
        self.content_state.rcu(|state| ContentState {
            taken: state.taken.saturating_add(1),
            refused: state.refused,
            faults: Vec::new(),
        });
    }
    /// A changed content set has faults: the one in force stays, and health and metrics say so.
    pub fn keep_content(&self, faults: &[Diagnostic]) {
        self.content_state.rcu(|state| ContentState {
            taken: state.taken,
            refused: state.refused.saturating_add(1),
            faults: faults.iter().take(FAULTS_SHOWN_MAX).map(ToString::to_string).collect(),
        });
    }
    /// What became of changes to the content set.
    #[must_use]
    pub fn content_state(&self) -> ContentState {
        self.content_state.load().as_ref().clone()
    }
    fn limits(&self) -> Limits {
        Limits {
            bytes_max: self.config.limits.body_bytes_max,
            depth_max: self.config.limits.depth_max,
            nodes_max: self.config.limits.nodes_max,
            ..Limits::default()
        }
    }
    fn contact(&self, agency: &str) -> String {
        let found = self.config.agencies.iter().find(|a| a.id.as_str() == agency);
        found.map_or_else(|| "the agency's safeguarding contact".to_owned(), |a| a.contact.clone())
    }
    /// A fresh time-ordered id. The time part is the machine's, not the story's: ids only have to be unique.
    fn fresh_id() -> String {
        uuid::Uuid::now_v7().to_string()
    }
}

/// Why a story did not end well. The door turns each into a status; none holds a personal value.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The message is not well formed or not valid; nothing was stored.
    #[error("the message is not valid")]
    Invalid(Vec<Diagnostic>),
    /// The same idempotency key came with other bytes.
    #[error("the idempotency key was used for another body")]
    Conflict,
    /// A question to the log lacks something, or asks too much at once.
    #[error("{0}")]
    Unclear(&'static str),
    /// Others kept changing what was to be changed.
    #[error("the facts changed meanwhile")]
    Changed,
    /// Nothing here for this caller, whether or not it exists for another.
    #[error("not found")]
    NotFound,
    /// The item was acknowledged or returned: its content is no longer given out.
    #[error("no longer available")]
    Gone,
    /// The whole request is refused, and the requester may know it.
    #[error("refused: {reason}")]
    Refused {
        /// Stable reason code.
        reason: &'static str,
    },
    /// What may be released cannot be written in the caller's format.
    #[error("the caller's format cannot carry what may be released")]
    NotAcceptable(Vec<Diagnostic>),
    /// No durable audit entry, no release.
    #[error("the audit log is not available")]
    LogUnavailable,
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] store::Error),
    /// Stored state contradicts itself; refused, for a person to look at.
    #[error("stored state is inconsistent: {0}")]
    Inconsistent(&'static str),
}

impl Failure {
    /// Whether something kept cannot be opened or is not what it was when it was kept: a person has to look, trying again is
    /// no help.
    #[must_use]
    pub const fn is_alteration(&self) -> bool {
        matches!(self, Self::Inconsistent(_) | Self::Store(store::Error::Sealed(_) | store::Error::Corrupt { .. }))
    }
}

impl From<store::CommitError> for Failure {
    fn from(error: store::CommitError) -> Self {
        match error {
            store::CommitError::Refused(refusal) => refused_effect(refusal),
            _ => Self::LogUnavailable,
        }
    }
}

fn refused_effect(refusal: store::Refusal) -> Failure {
    match refusal {
        store::Refusal::IdempotencyTaken => Failure::Conflict,
        store::Refusal::FactChanged { .. } | store::Refusal::KeptChanged { .. } | store::Refusal::PersonChanged => {
            Failure::Changed
        }
        store::Refusal::Absent => Failure::NotFound,
        store::Refusal::ItemState { .. } => Failure::Gone,
        _ => Failure::Inconsistent("a change was overtaken by another"),
    }
}
