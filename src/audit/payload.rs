//! The sealed part of an entry: who, about whom, why and on what ground, in ids and codes.
//!
//! Owns the field list and its JSON spelling. Never holds a name, birth date, address, clinical or case text, password,
//! token or key: segments and people are named by pseudonymous id. Two fields are free text typed by people (`query`,
//! `justification`, and the reason in `told`); their `Debug` shows length only. Read [`Payload`] first.
//!
//! # Source
//! Solent audit paper §2 (fields) and §3 (sealing); ISO 27789:2021; RFC 8785 (spelling).

use super::canonical::{self, CanonicalError};
use super::event::Event;
use crate::ident::{AccountId, AgencyId, EntryId, HatId, ItemId, MessageId, PersonId, SegmentId, SystemId};
use crate::vocabulary::{Category, Level, Purpose, Role};
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Text a person typed; may be personal. `Debug` shows its length only.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FreeText(String);

impl FreeText {
    /// Wraps the text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text itself. For the sealed payload and for readers entitled to it, never for logs or errors.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FreeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FreeText({} bytes)", self.0.len())
    }
}

/// The hat that acted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hat {
    /// Its id, when the store knows it by one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<HatId>,
    /// Role code.
    pub role: Role,
    /// Agency.
    pub agency: AgencyId,
    /// Team within the agency.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub team: Option<String>,
}

/// What the request came through.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Client {
    /// The connected system.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system: Option<SystemId>,
    /// Fingerprint of its certificate, lower-case hex SHA-256.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<String>,
    /// Network zone, as configured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub zone: Option<String>,
    /// Request id (`X-Request-Id`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<String>,
}

/// The legal basis relied on (sharing rules §4).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Basis {
    /// UK GDPR Article 6 ground.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub art6: Option<String>,
    /// UK GDPR Article 9 or 10 condition.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub art9_10: Option<String>,
    /// Statutory gateway.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gateway: Option<String>,
    /// Ground under the common law duty of confidence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confidence: Option<String>,
}

/// The relationship relied on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Relationship {
    /// Its id.
    pub id: String,
    /// Its kind, for example `allocated`.
    pub kind: String,
}

/// Whether a withheld segment is shown as withheld.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Marker {
    /// The requester learns that something is withheld.
    Shown,
    /// The requester learns nothing.
    Silent,
}

/// The decision on one segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// The segment, unique in the store.
    pub segment: SegmentId,
    /// Its category; absent when it has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<Category>,
    /// How much was shown.
    pub level: Level,
    /// Reason code (sharing rules §5), for example `ALLOW-MATRIX`.
    pub reason: String,
    /// What made the level lower than it could be, for example `CAP-ADULT`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<String>,
    /// Shown or silent, when withheld.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub marker: Option<Marker>,
    /// Whose segment it is.
    pub custodian: AgencyId,
}

/// The policy the decision followed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Version of the sharing set in force.
    pub version: String,
    /// SHA-256 of the matrix rows used, lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub row: Option<String>,
    /// Keyed digest of what the decision was made from, which is kept beside the log, lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inputs: Option<String>,
}

/// What was sent or received, without its content.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Dataset {
    /// Mapping id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mapping: Option<String>,
    /// Mapping version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mapping_version: Option<String>,
    /// Accepted message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<MessageId>,
    /// Mailbox item.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub item: Option<ItemId>,
    /// Byte length class: see [`length_class`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub length_class: Option<u32>,
    /// Keyed digest of the exact bytes: see [`content_digest`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub content: Option<String>,
}

/// Who was to receive it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recipient {
    /// The receiving agency.
    pub agency: AgencyId,
    /// Its system.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system: Option<SystemId>,
}

/// Whether the subject was told (rules R43, R46).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Told or not.
    pub informed: Informed,
    /// Why, or why not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<FreeText>,
    /// When the decision is looked at again, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub review: Option<String>,
}

/// Whether the subject was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Informed {
    /// Told.
    Yes,
    /// Not told.
    No,
}

/// What an administrative event changed, as digests: the content itself stays out of the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// What was changed, as an id: a policy version, mapping id, account, key id.
    pub what: String,
    /// Digest before, lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// Digest after, lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<String>,
}

/// The sealed fields of one entry, about at most one person. Start from [`Payload::new`] and set what is known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payload {
    /// The true event name, also where the open part says `identity`.
    pub event: Event,
    /// Account that acted (pseudonym).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<AccountId>,
    /// Account it acted for, when work is delegated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub on_behalf_of: Option<AccountId>,
    /// Hat worn.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hat: Option<Hat>,
    /// What the request came through.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<Client>,
    /// The person it is about (pseudonym); one per entry.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<PersonId>,
    /// The case (pseudonym).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub case: Option<String>,
    /// Declared purpose.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<Purpose>,
    /// Legal basis.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub basis: Option<Basis>,
    /// Relationship relied on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub relationship: Option<Relationship>,
    /// Reason code of a decision on the whole request, for example `D-REL`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Per-segment decisions, released and withheld.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub items: Vec<Item>,
    /// Permissions relied on or changed, by id.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub permissions: Vec<String>,
    /// Override used, by id.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none", default)]
    pub override_id: Option<String>,
    /// Delegation used, by id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delegation: Option<String>,
    /// Item grant used, by id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub item_grant: Option<String>,
    /// Policy followed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<Policy>,
    /// For a search: the query as typed. May be personal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub query: Option<FreeText>,
    /// Justification where one is required. May be personal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub justification: Option<FreeText>,
    /// What was sent or received.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dataset: Option<Dataset>,
    /// Who was to receive it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recipient: Option<Recipient>,
    /// Whether the subject was told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub told: Option<Told>,
    /// What an administrative event changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change: Option<Change>,
    /// Counts, for example of a retention run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub counts: BTreeMap<String, u32>,
    /// Earlier entries this one belongs to (a delivery to its release, a review to its override).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refers_to: Vec<EntryId>,
}

impl Payload {
    /// A payload with nothing but its event.
    #[must_use]
    pub fn new(event: Event) -> Self {
        Self {
            event,
            actor: None,
            on_behalf_of: None,
            hat: None,
            client: None,
            subject: None,
            case: None,
            purpose: None,
            basis: None,
            relationship: None,
            reason: None,
            items: Vec::new(),
            permissions: Vec::new(),
            override_id: None,
            delegation: None,
            item_grant: None,
            policy: None,
            query: None,
            justification: None,
            dataset: None,
            recipient: None,
            told: None,
            change: None,
            counts: BTreeMap::new(),
            refers_to: Vec::new(),
        }
    }

    /// The canonical bytes: what the commitment is computed over.
    ///
    /// # Errors
    /// [`PayloadError::Canonical`]; cannot happen for the fields above, which hold no fractions.
    ///
    /// # Source
    /// Solent audit paper §3; RFC 8785.
    pub fn canonical_bytes(&self) -> Result<Vec<u8>, PayloadError> {
        let value = serde_json::to_value(self).map_err(|_| PayloadError::Shape)?;
        Ok(canonical::write(&value)?)
    }

    /// Reads a payload back from stored bytes. Fields a later version added are ignored.
    ///
    /// # Errors
    /// [`PayloadError::Shape`] when the bytes are not a payload; says nothing of their content.
    pub fn parse(bytes: &[u8]) -> Result<Self, PayloadError> {
        serde_json::from_slice(bytes).map_err(|_| PayloadError::Shape)
    }
}

/// Why a payload cannot be written or read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PayloadError {
    /// Not the field list of [`Payload`].
    #[error("not a sealed payload of this version")]
    Shape,
    /// No canonical form.
    #[error("the payload has no canonical form: {0}")]
    Canonical(#[from] CanonicalError),
}

/// Smallest length class, in bytes: lengths below it are told apart by nobody.
const LENGTH_CLASS_MIN: u32 = 1024;

/// The length class of `length` bytes: the next power of two, at least 1,024. An exact length can identify a message.
#[must_use]
pub fn length_class(length: usize) -> u32 {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    length.max(LENGTH_CLASS_MIN).checked_next_power_of_two().unwrap_or(u32::MAX)
}

/// Keyed digest of released or received bytes, lower-case hex: HMAC-SHA-256 under a key that is never in the log.
/// A plain SHA-256 of a short record could be guessed.
///
/// # Source
/// Solent audit paper §2 (`dataset`); RFC 2104.
#[must_use]
pub fn content_digest(key: &[u8; 32], content: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    // Separates this use from the commitment, should a caller pass an entry's salt as key.
    context.update(b"solent content digest v1\0");
    context.update(content);
    super::merkle::hex(context.sign().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Payload {
        let mut payload = Payload::new(Event::Send);
        payload.actor = Some(AccountId::new("urn:uuid:0b7c1f9e-5a0e-4a68-9d5c-2f6f1f0f7a11"));
        payload.hat = Some(Hat {
            id: None,
            role: Role::ALL[0],
            agency: AgencyId::new("harbourshire-csc"),
            team: Some("fit".to_owned()),
        });
        payload.items.push(Item {
            segment: SegmentId::new("seg-1"),
            category: Some(Category::Mhl),
            level: Level::S,
            reason: "ALLOW-PERMISSION".to_owned(),
            limit: None,
            marker: Some(Marker::Shown),
            custodian: AgencyId::new("southdown"),
        });
        payload.override_id = Some("ovr-1".to_owned());
        payload.justification = Some(FreeText::new("because \"x\"\n"));
        payload.counts.insert("erased".to_owned(), 3);
        payload
    }

    #[test]
    fn the_spelling_is_canonical_and_reads_back() {
        let payload = full();
        let bytes = payload.canonical_bytes().unwrap();
        let role = Role::ALL[0].code();
        let expected = format!(
            r#"{{"actor":"urn:uuid:0b7c1f9e-5a0e-4a68-9d5c-2f6f1f0f7a11","counts":{{"erased":3}},"event":"send","hat":{{"agency":"harbourshire-csc","role":"{role}","team":"fit"}},"items":[{{"category":"MHL","custodian":"southdown","level":"S","marker":"shown","reason":"ALLOW-PERMISSION","segment":"seg-1"}}],"justification":"because \"x\"\n","override":"ovr-1"}}"#
        );
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        assert_eq!(Payload::parse(&bytes).unwrap(), payload);
    }

    #[test]
    fn an_unknown_field_of_a_later_version_does_not_stop_reading() {
        let payload = Payload::parse(br#"{"event":"adopt-open","later":1}"#).unwrap();
        assert_eq!(payload, Payload::new(Event::AdoptOpen));
        assert_eq!(Payload::parse(b"{}"), Err(PayloadError::Shape));
    }

    #[test]
    fn debug_never_shows_what_a_person_typed() {
        let text = format!("{:?}", full());
        assert!(!text.contains("because"), "{text}");
        assert!(text.contains("FreeText(12 bytes)"));
    }

    #[test]
    fn lengths_fall_into_powers_of_two() {
        assert_eq!([0, 1024, 1025, 4096, 4097].map(length_class), [1024, 1024, 2048, 4096, 8192]);
        assert_eq!(length_class(usize::MAX), u32::MAX);
    }

    #[test]
    fn a_content_digest_depends_on_key_and_content() {
        let one = content_digest(&[1; 32], b"x");
        assert_eq!(one.len(), 64);
        assert_ne!(one, content_digest(&[2; 32], b"x"));
        assert_ne!(one, content_digest(&[1; 32], b"y"));
    }
}
