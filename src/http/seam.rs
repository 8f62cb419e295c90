//! The types of the stories as the door uses them, until `exchange` holds them.

use crate::diagnostic::Diagnostic;
use crate::ident::{AccountId, AgencyId, EntryId, HatId, PersonId, SystemId};
use crate::vocabulary::{Category, Purpose};
use serde::Serialize;

/// Who calls.
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
/// A message as the door hands it in.
pub struct Submission {
    /// The bytes.
    pub body: Vec<u8>,
    /// The sender's key for repeats.
    pub idempotency_key: Option<String>,
}
/// The acknowledgement.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Accepted {
    /// The message's id.
    pub id: String,
    /// When it came in, RFC 3339 UTC.
    pub received_at: String,
    /// Loss reports.
    pub loss: serde_json::Value,
    /// Known people.
    pub subjects_matched: usize,
    /// Mailboxes.
    pub routed: usize,
}
/// One waiting item.
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
/// State of a message, for its sender.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MessageStatus {
    /// Its id.
    pub id: String,
}
/// Whom an enquiry is about.
#[derive(Clone, PartialEq, Eq)]
pub enum Subject {
    /// The gateway's id.
    Person(PersonId),
    /// An identifier and the birth date.
    Identifier {
        /// Scheme.
        scheme: String,
        /// Its value.
        value: String,
        /// `YYYY-MM-DD`.
        birth_date: String,
    },
}
/// A question as the door hands it in.
pub struct Enquiry {
    /// The verified user.
    pub account: AccountId,
    /// The hat worn.
    pub hat: HatId,
    /// Declared purpose.
    pub purpose: Purpose,
    /// Whom it is about.
    pub subject: Subject,
    /// What is asked for.
    pub categories: Vec<Category>,
    /// An override the user relies on.
    pub override_id: Option<String>,
    /// The delegation a personal assistant acts under.
    pub delegation: Option<String>,
    /// The opening an adoption officer relies on.
    pub opening: Option<String>,
}
/// Why a story did not end well.
#[derive(Debug)]
pub enum Failure {
    /// Not valid.
    Invalid(Vec<Diagnostic>),
    /// Key reuse.
    Conflict,
    /// Nothing here.
    NotFound,
    /// Settled.
    Gone,
    /// Refused.
    Refused {
        /// Stable reason code.
        reason: &'static str,
    },
    /// Format.
    NotAcceptable(Vec<Diagnostic>),
    /// No log.
    LogUnavailable,
    /// Inconsistent.
    Inconsistent(&'static str),
}
/// Content that may leave.
#[derive(Debug)]
pub struct Released {
    bytes: Vec<u8>,
    content_type: &'static str,
    receipt: EntryId,
}
impl Released {
    /// The receipt.
    pub const fn receipt(&self) -> &EntryId {
        &self.receipt
    }
    /// Media type.
    pub const fn content_type(&self) -> &'static str {
        self.content_type
    }
    /// Bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
