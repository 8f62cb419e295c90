//! The facts a decision rests on, as serde types: one struct per item of a facts file's section.
//!
//! Mirrors `schemas/config/facts.schema.json`, closed world. A facts file is read with [`Reader`]; the gateway fills
//! [`Facts`] from its database. A fact says what *is*; no field states a result. Names, dates of birth and free texts
//! are [`Text`] and [`Day`], whose `Debug` prints nothing of them. Read `docs/reference/facts-file.md` first.

mod ask;
mod consent;
mod file;
mod parties;
mod ties;
mod time;

pub use ask::*;
pub use consent::*;
pub use file::{FACTS_BYTES_MAX, Reader};
pub use parties::*;
pub use ties::*;
pub(crate) use time::day_start;
pub use time::{Day, Span, Time, TimeError};

use serde::{Deserialize, Serialize};
use std::fmt;

/// Names, reasons, evidence: anything a person wrote. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// Wraps the text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl From<&str> for $name { fn from(text: &str) -> Self { Self(text.to_owned()) } }
    )+};
}

ids! {
    /// A team.
    TeamId
    /// A household.
    HouseholdId
    /// A case.
    CaseId
    /// An assessment.
    AssessmentId
    /// A protection.
    ProtectionId
    /// A seal.
    SealId
    /// An opening.
    OpeningId
    /// A relationship.
    RelationshipId
    /// An item grant.
    ItemGrantId
    /// A permission record.
    PermissionId
    /// An override.
    OverrideId
    /// An ask.
    AskId
}

/// A delegation is a relationship of that kind.
pub type DelegationId = RelationshipId;

/// Everything one or several decisions rest on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each section is named as in the facts file paper §2; its type says the rest")]
pub struct Facts {
    /// The version of the shape: 1.
    pub facts: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Text>,
    /// The time of an ask that states none.
    pub now: Time,
    #[serde(default)]
    pub config: Config,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agencies: Vec<Agency>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<Team>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Account>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub households: Vec<Household>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<Case>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parental_responsibility: Vec<ParentalResponsibility>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Order>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assessments: Vec<Assessment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protections: Vec<Protection>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strands: Vec<Strand>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seals: Vec<Seal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub openings: Vec<Opening>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relationships: Vec<Relationship>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub item_grants: Vec<ItemGrant>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// The questions, in the order of the answers. The gateway may leave this empty.
    #[serde(default)]
    pub asks: Vec<Ask>,
}

impl Facts {
    /// No facts at all, at `now`: what the gateway starts filling from.
    #[must_use]
    pub fn empty(now: Time) -> Self {
        Self {
            facts: 1,
            title: None,
            source: None,
            now,
            config: Config::default(),
            agencies: Vec::new(),
            teams: Vec::new(),
            accounts: Vec::new(),
            people: Vec::new(),
            households: Vec::new(),
            cases: Vec::new(),
            links: Vec::new(),
            conflicts: Vec::new(),
            parental_responsibility: Vec::new(),
            orders: Vec::new(),
            assessments: Vec::new(),
            protections: Vec::new(),
            strands: Vec::new(),
            seals: Vec::new(),
            openings: Vec::new(),
            relationships: Vec::new(),
            item_grants: Vec::new(),
            permissions: Vec::new(),
            overrides: Vec::new(),
            segments: Vec::new(),
            asks: Vec::new(),
        }
    }
}

/// Smallest table cell that may leave, unless configured higher (R20).
const SMALL_NUMBER_DEFAULT: u64 = 5;

/// State of the gateway that a decision depends on (R79) and its configured numbers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Cells below this are suppressed (R20).
    pub small_number: u64,
    /// Whether the audit log can be written; if not, every answer is `N D-AUDIT`.
    pub log_available: bool,
    /// Seconds the clock is off; over 60: no override.
    pub clock_skew_seconds: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { small_number: SMALL_NUMBER_DEFAULT, log_available: true, clock_skew_seconds: 0.0 }
    }
}
