//! Identifiers as newtypes, so that a person's id can never be passed where a segment's is wanted.
//!
//! Owns no rules about how ids are made; floors above make them. Debug output shows ids, which are pseudonyms or
//! configuration names, never names of people.

use std::fmt;

macro_rules! idents {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);
        impl $name {
            /// Wraps the text as it is.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self { Self(text.into()) }
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl From<&str> for $name { fn from(t: &str) -> Self { Self(t.to_owned()) } }
    )+};
}

idents! {
    /// An agency, for example `harbourshire-csc`.
    AgencyId,
    /// A connected program of an agency: one client certificate, one format.
    SystemId,
    /// A user account.
    AccountId,
    /// A hat: account + role + agency + team.
    HatId,
    /// A hub-wide pseudonymous person id.
    PersonId,
    /// A segment, unique in the store (in a record: unique within the record).
    SegmentId,
    /// An accepted message.
    MessageId,
    /// A mailbox item.
    ItemId,
    /// An audit entry (UUIDv7): also the receipt of what it allowed out.
    EntryId,
}
