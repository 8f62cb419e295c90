//! Concerns: a school asks a social work surgery, the surgery answers, the school learns what became of it.
//!
//! Owns the three vocabularies of a concern and keeps them apart: *status* says where it is, *answer* is what the surgery said,
//! *outcome* is how it ended (the only word a school gets from other services, R82). A concern without names is never looked up
//! and never stored beside people (R83). One with names is written to the council's system as a message when the surgery passes
//! it on. Read [`Concern`] first, then `submit.rs` and `surgery.rs`.
//!
//! # Source
//! Sharing rules R82, R83; programmes paper §6 (SUR-1 to SUR-7); school concern dossier, "Front door and surgery answers".

mod attach;
mod draft_files;
mod kept;
mod pass_on;
mod submit;
mod surgery;
mod system;

pub(super) use kept::reasons;

pub use attach::{Attached, AttachedKind, FILE_BYTES_MAX, FILES_MAX};
pub use submit::{ConcernForm, NewConcern};
pub use surgery::Queued;
pub use system::SystemConcern;

use crate::ident::{AccountId, AgencyId, SystemId};
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }
        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The stable word.
            #[must_use]
            pub const fn word(self) -> &'static str { match self { $(Self::$variant => $word),+ } }
            /// The one with this word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> { match word { $($word => Some(Self::$variant),)+ _ => None } }
        }
    };
}

words! {
    /// Where a concern is: five words that everybody shares.
    Status {
        /// Submitted, nobody has it yet.
        Received = "received",
        /// Somebody has taken it.
        BeingRead = "being-read",
        /// Answered.
        Advised = "advised",
        /// With the front door, which decides.
        PassedOn = "passed-on",
        /// Ended.
        Closed = "closed",
    }
}

words! {
    /// What the surgery said: the six codes of the dossier.
    Answer {
        /// No further action.
        Nfa = "nfa",
        /// Advice to the school.
        Advice = "advice",
        /// Help that needs the family's agreement.
        EarlyHelp = "early_help",
        /// Make a contact.
        ContactMash = "contact_mash",
        /// A referral, made now.
        MashReferral = "mash_referral",
        /// Police or 999 were told.
        ImmediateDanger = "immediate_danger",
    }
}

words! {
    /// How it ended (R82).
    Outcome {
        /// Advice was given.
        Advice = "advice",
        /// Early help.
        EarlyHelp = "early-help",
        /// A child in need.
        ChildInNeed = "child-in-need",
        /// Child protection.
        ChildProtection = "child-protection",
        /// Nothing further.
        NoFurtherAction = "no-further-action",
    }
}

impl Answer {
    /// Whether the front door decides what becomes of it.
    #[must_use]
    pub const fn passes_on(self) -> bool {
        matches!(self, Self::ContactMash | Self::MashReferral | Self::ImmediateDanger)
    }
    /// The outcome it is by itself; none while the front door decides.
    #[must_use]
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Nfa => Some(Outcome::NoFurtherAction),
            Self::Advice => Some(Outcome::Advice),
            Self::EarlyHelp => Some(Outcome::EarlyHelp),
            Self::ContactMash | Self::MashReferral | Self::ImmediateDanger => None,
        }
    }
}

/// A child as the school names them; never there in a concern without names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedChild {
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// Birth date, year-month-day.
    pub born: String,
    /// Unique pupil number, if the school gave it.
    pub upn: Option<String>,
}

/// Whom a concern is about.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A named child.
    Named(NamedChild),
    /// No names: an age band and a school phase, and nothing else (R83).
    NoNames {
        /// Words such as `5-10`.
        band: String,
        /// `nursery`, `primary`, `secondary`, `college`.
        phase: String,
    },
}

/// Who is at work on a concern: one side of its thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The school.
    School,
    /// The surgery.
    Surgery,
}

/// Something said in the thread. Corrections append; nothing is overwritten.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When, milliseconds UTC.
    pub at: i64,
    /// By which side.
    pub side: Side,
    /// By whom: the account.
    pub by: AccountId,
    /// What.
    pub text: String,
}

/// What the surgery decided.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The answer.
    pub answer: Answer,
    /// Why: never empty.
    pub reason: String,
    /// Who does what by when.
    pub actions: String,
    /// When, milliseconds UTC.
    pub at: i64,
    /// By which account.
    pub by: AccountId,
}

/// One concern, whole. For the school's own people and the surgery; Debug shows its id and status only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// Its id.
    pub id: String,
    /// Whose.
    pub school: AgencyId,
    /// Who submitted it.
    pub by: AccountId,
    /// Whether it is with the school's safeguarding lead still: submitted by other staff.
    pub in_school: bool,
    /// Whom it is about.
    pub about: About,
    /// What the child said, in the child's words.
    pub own_words: String,
    /// What was seen or heard: facts.
    pub seen: String,
    /// When, as the school wrote it (year-month-day).
    pub when: String,
    /// Where.
    pub place: String,
    /// Who else knows.
    pub who_knows: String,
    /// Whether the parents were told; if not, why not.
    pub parents_told: bool,
    /// Why the parents were not told.
    pub not_told_why: String,
    /// Whether a parent agrees to the surgery looking at records.
    pub parents_agree: bool,
    /// Whether somebody is in immediate danger.
    pub danger: bool,
    /// What the school asks.
    pub question: String,
    /// Where it is.
    pub status: Status,
    /// The surgery's answer.
    pub decided: Option<Decided>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Who has taken it: the account.
    pub taken_by: Option<AccountId>,
    /// What was said.
    pub thread: Vec<Said>,
    /// When it was submitted, milliseconds UTC.
    pub submitted_at: i64,
    /// By when the surgery answers, milliseconds UTC.
    pub due_at: i64,
    /// The message it was written to the council's system as.
    pub message: Option<String>,
    /// Files that came with it, without their bytes.
    #[serde(default)]
    pub files: Vec<Attached>,
    /// The school's system that sent it, when it did not come from the pages.
    #[serde(default)]
    pub system: Option<SystemId>,
}

impl std::fmt::Debug for Concern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Concern({}, {})", self.id, self.status.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_ends_it_has_the_outcome_of_the_dossiers_table() {
        let expected = [
            (Answer::Nfa, Some(Outcome::NoFurtherAction)),
            (Answer::Advice, Some(Outcome::Advice)),
            (Answer::EarlyHelp, Some(Outcome::EarlyHelp)),
            (Answer::ContactMash, None),
            (Answer::MashReferral, None),
            (Answer::ImmediateDanger, None),
        ];
        assert_eq!(Answer::ALL.len(), expected.len());
        for (answer, outcome) in expected {
            assert_eq!(answer.outcome(), outcome);
            assert_eq!(answer.passes_on(), outcome.is_none());
        }
    }
}
