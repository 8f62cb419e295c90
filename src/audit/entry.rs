//! One entry of the log: the open bytes that are hashed, and the sealed bytes they commit to.
//!
//! Owns the way from a [`Draft`] (what happened) through [`Sealed`] (payload, salt and commitment fixed) to [`Entry`]
//! (the exact bytes of the leaf). Each step's value can be made only by the step before it. Takes id, salt and time as
//! parameters; stores nothing. Refuses entries over 65,535 bytes and ids that are not UUIDv7.
//!
//! # Source
//! Solent audit paper §2, §3; RFC 9562 §5.7 (UUIDv7); RFC 2104 (HMAC); C2SP tlog-tiles (entry length).

use super::event::{Event, Outcome};
use super::merkle::{Hash, digit, hex, leaf_hash, unhex};
use super::note::Origin;
use super::payload::{Payload, PayloadError};
use crate::clock::Moment;
use crate::ident::EntryId;
use ring::hmac;
use std::fmt;
use zeroize::Zeroize;

/// Largest entry, in bytes: the length prefix of an entry bundle is 16 bits (C2SP tlog-tiles).
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// Largest sealed payload, in bytes: room for several thousand segment decisions; more is a mistake upstream.
pub const PAYLOAD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The version of the entry format.
const VERSION: &str = "1";

/// Why an entry cannot be made or read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryError {
    /// The id is not a lower-case UUIDv7.
    #[error("the entry id is not a lower-case UUIDv7")]
    Id,
    /// The time is outside the years 0000 to 9999.
    #[error("the entry time cannot be written as RFC 3339 with milliseconds")]
    Time,
    /// The payload is larger than [`PAYLOAD_BYTES_MAX`].
    #[error("the sealed payload is larger than {PAYLOAD_BYTES_MAX} bytes")]
    PayloadTooLarge,
    /// The entry is larger than [`ENTRY_BYTES_MAX`].
    #[error("the entry is larger than {ENTRY_BYTES_MAX} bytes")]
    TooLarge,
    /// The payload cannot be written.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// Stored bytes are not an entry in canonical form; names the member that is wrong.
    #[error("not an entry in canonical form: member {0}")]
    Malformed(&'static str),
}

/// 32 fresh random bytes that keep a commitment from being guessed. `Debug` shows nothing; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Wraps 32 random bytes, fresh for one entry.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The bytes, to be stored encrypted.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Drop for Salt {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The commitment: HMAC-SHA-256 with the salt as key over the payload's canonical bytes.
///
/// # Source
/// Solent audit paper §3; RFC 2104.
#[must_use]
pub fn commitment(salt: &Salt, payload: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes()), payload);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    out
}

/// A fresh entry id from the time and ten random bytes.
///
/// # Source
/// RFC 9562 §5.7
#[must_use]
pub fn new_id(at: Moment, random: &[u8; 10]) -> EntryId {
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    let id = uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid();
    EntryId::new(id.hyphenated().to_string())
}

/// What happened, before it is sealed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    outcome: Outcome,
    payload: Payload,
    id: Option<EntryId>,
}

impl Draft {
    /// An entry to be: the payload names its event.
    #[must_use]
    pub fn new(outcome: Outcome, payload: Payload) -> Self {
        Self { outcome, payload, id: None }
    }
    /// With an id chosen beforehand, because it stands in what will be released (its receipt). Whoever seals a draft uses
    /// this id if there is one and makes a fresh one otherwise.
    #[must_use]
    pub fn with_id(mut self, id: EntryId) -> Self {
        self.id = Some(id);
        self
    }
    /// The id chosen beforehand, if any.
    #[must_use]
    pub const fn id(&self) -> Option<&EntryId> {
        self.id.as_ref()
    }
    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }
    /// The sealed fields to be.
    #[must_use]
    pub const fn payload(&self) -> &Payload {
        &self.payload
    }
    /// Fixes payload bytes, salt and commitment.
    ///
    /// # Errors
    /// [`EntryError::Id`] when `id` is no UUIDv7, [`EntryError::PayloadTooLarge`], [`EntryError::Payload`].
    pub fn seal(self, id: EntryId, salt: Salt) -> Result<Sealed, EntryError> {
        if !is_uuid_v7(id.as_str()) {
            return Err(EntryError::Id);
        }
        let payload = self.payload.canonical_bytes()?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(EntryError::PayloadTooLarge);
        }
        let commit = commitment(&salt, &payload);
        Ok(Sealed { id, event: self.payload.event, outcome: self.outcome, payload, salt, commit })
    }
}

/// A sealed entry that waits for its place in a log: everything but time and origin is fixed.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    id: EntryId,
    event: Event,
    outcome: Outcome,
    payload: Vec<u8>,
    salt: Salt,
    commit: [u8; 32],
}

impl Sealed {
    /// The entry's id: the receipt of what it allows.
    #[must_use]
    pub const fn id(&self) -> &EntryId {
        &self.id
    }
    /// The true event (the open bytes may say `identity`).
    #[must_use]
    pub const fn event(&self) -> Event {
        self.event
    }
    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }
    /// The payload's canonical bytes, to be stored encrypted.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
    /// The salt, to be stored encrypted.
    #[must_use]
    pub const fn salt(&self) -> &Salt {
        &self.salt
    }
    /// The commitment in the open part.
    #[must_use]
    pub const fn commit(&self) -> &[u8; 32] {
        &self.commit
    }
    /// The exact bytes of the leaf in log `log`. `time` is when it is appended; the caller keeps it from ever
    /// decreasing within the log.
    ///
    /// # Errors
    /// [`EntryError::Time`] outside the years 0000 to 9999; [`EntryError::TooLarge`].
    ///
    /// # Source
    /// Solent audit paper §3
    pub fn entry(&self, log: &Origin, time: Moment) -> Result<Entry, EntryError> {
        let time_text = time.to_string();
        if parse_time(&time_text).is_none() {
            return Err(EntryError::Time);
        }
        // Member order and spelling are RFC 8785's: ASCII names in byte order; no value needs an escape, because event
        // and outcome are ours, the id is a UUID and an origin cannot hold a quote, backslash or control character.
        let bytes = format!(
            r#"{{"commit":"{}","event":"{}","id":"{}","log":"{}","outcome":"{}","time":"{time_text}","v":{VERSION}}}"#,
            hex(&self.commit),
            self.event.open_name(),
            self.id,
            log,
            self.outcome,
        )
        .into_bytes();
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLarge);
        }
        Ok(Entry { leaf: leaf_hash(&bytes), bytes, time })
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} {} {}, payload {} bytes)", self.id, self.event, self.outcome, self.payload.len())
    }
}

/// The bytes of one leaf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    bytes: Vec<u8>,
    leaf: Hash,
    time: Moment,
}

impl Entry {
    /// The logged bytes: canonical JSON of the open part.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// The bytes, owned.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
    /// The leaf hash of those bytes.
    #[must_use]
    pub const fn leaf(&self) -> Hash {
        self.leaf
    }
    /// When it is appended.
    #[must_use]
    pub const fn time(&self) -> Moment {
        self.time
    }
}

/// The open part, read back from stored bytes without copying.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenEntry<'a> {
    /// Commitment to the sealed part.
    pub commit: [u8; 32],
    /// Open event name: an [`Event`]'s [`Event::open_name`].
    pub event: &'a str,
    /// UUIDv7.
    pub id: &'a str,
    /// Log origin.
    pub log: &'a str,
    /// How it ended.
    pub outcome: Outcome,
    /// When it was appended.
    pub time: Moment,
}

impl<'a> OpenEntry<'a> {
    /// Reads an entry that is in canonical form, byte for byte.
    ///
    /// # Errors
    /// [`EntryError::TooLarge`]; [`EntryError::Malformed`] naming the first member that is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| EntryError::Malformed("encoding"))?;
        let rest = text.strip_prefix('{').ok_or(EntryError::Malformed("object"))?;
        let (commit, rest) = member(rest, "commit")?;
        let (event, rest) = member(rest, "event")?;
        let (id, rest) = member(rest, "id")?;
        let (log, rest) = member(rest, "log")?;
        let (outcome, rest) = member(rest, "outcome")?;
        let (time, rest) = member(rest, "time")?;
        if rest != "\"v\":1}" {
            return Err(EntryError::Malformed("v"));
        }
        if !Event::is_open_name(event) {
            return Err(EntryError::Malformed("event"));
        }
        if !is_uuid_v7(id) {
            return Err(EntryError::Malformed("id"));
        }
        if !Origin::is_valid(log) {
            return Err(EntryError::Malformed("log"));
        }
        Ok(Self {
            commit: unhex(commit).ok_or(EntryError::Malformed("commit"))?,
            event,
            id,
            log,
            outcome: Outcome::parse(outcome).ok_or(EntryError::Malformed("outcome"))?,
            time: parse_time(time).ok_or(EntryError::Malformed("time"))?,
        })
    }

    /// The id of bytes that are no longer an entry, if it can still be read: to name what was altered.
    #[must_use]
    pub fn legible_id(bytes: &'a [u8]) -> Option<&'a str> {
        const BEFORE: &[u8] = b"\"id\":\"";
        let at = bytes.windows(BEFORE.len()).position(|window| window == BEFORE)?;
        let start = at.saturating_add(BEFORE.len());
        let id = std::str::from_utf8(bytes.get(start..start.saturating_add(36))?).ok()?;
        is_uuid_v7(id).then_some(id)
    }

    /// The id as a number, for comparing many.
    #[must_use]
    pub fn id_number(&self) -> u128 {
        self.id.bytes().filter(|b| *b != b'-').fold(0_u128, |sum, b| (sum << 4) | u128::from(nibble(b).unwrap_or(0)))
    }

    /// True when `salt` and `payload` are what this entry committed to.
    #[must_use]
    pub fn commits_to(&self, salt: &Salt, payload: &[u8]) -> bool {
        commitment(salt, payload) == self.commit
    }
}

/// Takes `"name":"value",` off the front. A value never holds an escape in canonical entries, so the next quote ends it.
fn member<'a>(text: &'a str, name: &'static str) -> Result<(&'a str, &'a str), EntryError> {
    let wrong = EntryError::Malformed(name);
    let rest = text.strip_prefix('"').and_then(|t| t.strip_prefix(name)).and_then(|t| t.strip_prefix("\":\""));
    let rest = rest.ok_or(wrong)?;
    let end = rest.find('"').ok_or(wrong)?;
    let (value, rest) = rest.split_at_checked(end).ok_or(wrong)?;
    Ok((value, rest.strip_prefix("\",").ok_or(wrong)?))
}

const fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Lower-case hyphenated UUID, version 7, variant 10 (RFC 9562 §4, §5.7).
pub(crate) fn is_uuid_v7(text: &str) -> bool {
    let Ok(bytes) = <&[u8; 36]>::try_from(text.as_bytes()) else { return false };
    let [
        a @ ..,
        b'-',
        b1,
        b2,
        b3,
        b4,
        b'-',
        b'7',
        c1,
        c2,
        c3,
        b'-',
        d1 @ (b'8' | b'9' | b'a' | b'b'),
        d2,
        d3,
        d4,
        b'-',
        e1,
        e2,
        e3,
        e4,
        e5,
        e6,
        e7,
        e8,
        e9,
        e10,
        e11,
        e12,
    ] = bytes
    else {
        return false;
    };
    let rest = [b1, b2, b3, b4, c1, c2, c3, d1, d2, d3, d4, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12];
    let worst = a.iter().chain(rest).fold(0, |worst, byte| worst | digit(*byte));
    worst < 16
}

/// Reads exactly `YYYY-MM-DDThh:mm:ss.mmmZ`. A general parser would accept other spellings, and costs five times more.
fn parse_time(text: &str) -> Option<Moment> {
    let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'.', f1, f2, f3, b'Z'] =
        *bytes
    else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    let millis = number(&[f1, f2, f3])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the leap day is last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(Moment::from_millis((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "audit.example.org/log1";
    const ID: &str = "018f0000-0000-7000-8000-000000000001";

    fn salt() -> Salt {
        Salt::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap()))
    }

    /// Audit paper §7, "Sealed entry": payload, commitment, entry and leaf.
    #[test]
    fn the_sealed_entry_of_the_paper_is_reproduced() {
        let payload = r#"{"actor":"urn:uuid:0b7c1f9e-5a0e-4a68-9d5c-2f6f1f0f7a11","agency":"harbourshire-csc","categories":[{"c":"MHL","level":"S","reason":"ALLOW-PERMISSION"},{"c":"MHN","level":"N","reason":"D-MATRIX"}],"decision":"partial","override":null,"policy":"matrix-2026.1","purpose":"CIN","relationship":"allocated","role":"FDV","subject":"urn:uuid:7d9f1f1a-93f3-4c4e-8f0a-5d6d2b0e9c21"}"#;
        let canonical = super::super::canonical::write(&serde_json::from_str(payload).unwrap()).unwrap();
        assert_eq!(canonical, payload.as_bytes());
        let commit = commitment(&salt(), payload.as_bytes());
        assert_eq!(hex(&commit), "3571f061668c876c1b6d6e707e905e631a8a656b8d4e3a3053208578d17b80c3");
        let sealed = Sealed {
            id: EntryId::new(ID),
            event: Event::View,
            outcome: Outcome::Partial,
            payload: payload.as_bytes().to_vec(),
            salt: salt(),
            commit,
        };
        let time = Moment::parse("2026-10-05T09:30:00.000Z").unwrap();
        let entry = sealed.entry(&Origin::parse(ORIGIN).unwrap(), time).unwrap();
        let expected = r#"{"commit":"3571f061668c876c1b6d6e707e905e631a8a656b8d4e3a3053208578d17b80c3","event":"view","id":"018f0000-0000-7000-8000-000000000001","log":"audit.example.org/log1","outcome":"partial","time":"2026-10-05T09:30:00.000Z","v":1}"#;
        assert_eq!(std::str::from_utf8(entry.bytes()).unwrap(), expected);
        assert_eq!(entry.leaf().to_string(), "60cdc8777a53dac573849944f2f7c518f4881ba223fd611f4152c0fe6fe83585");
        let open = OpenEntry::parse(entry.bytes()).unwrap();
        assert!(open.commits_to(&salt(), payload.as_bytes()));
        assert_eq!(
            (open.id, open.log, open.event, open.outcome, open.time),
            (ID, ORIGIN, "view", Outcome::Partial, time)
        );
        assert_eq!(open.id_number(), 0x018f_0000_0000_7000_8000_0000_0000_0001);
        // The open bytes are what RFC 8785 makes of the same members.
        let value = serde_json::from_slice(entry.bytes()).unwrap();
        assert_eq!(super::super::canonical::write(&value).unwrap(), entry.bytes());
    }

    #[test]
    fn an_adoption_entry_says_identity_openly_and_its_name_inside() {
        let sealed = Draft::new(Outcome::Allow, Payload::new(Event::AdoptOpen)).seal(EntryId::new(ID), salt()).unwrap();
        let entry = sealed.entry(&Origin::parse(ORIGIN).unwrap(), Moment::from_millis(0)).unwrap();
        let text = std::str::from_utf8(entry.bytes()).unwrap();
        assert!(text.contains(r#""event":"identity""#) && !text.contains("adopt"), "{text}");
        assert_eq!(sealed.payload(), br#"{"event":"adopt-open"}"#);
        assert_eq!(OpenEntry::parse(entry.bytes()).unwrap().event, "identity");
    }

    #[test]
    fn any_changed_byte_of_an_entry_is_malformed_or_another_entry() {
        let sealed = Draft::new(Outcome::Allow, Payload::new(Event::View)).seal(EntryId::new(ID), salt()).unwrap();
        let entry = sealed.entry(&Origin::parse(ORIGIN).unwrap(), Moment::from_millis(0)).unwrap();
        let good = OpenEntry::parse(entry.bytes()).unwrap();
        for at in 0..entry.bytes().len() {
            for bit in 0..8 {
                let mut bytes = entry.bytes().to_vec();
                bytes[at] ^= 1 << bit;
                if let Ok(open) = OpenEntry::parse(&bytes) {
                    assert_ne!(open, good, "byte {at} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn other_spellings_of_an_entry_are_refused() {
        let good = r#"{"commit":"3571f061668c876c1b6d6e707e905e631a8a656b8d4e3a3053208578d17b80c3","event":"view","id":"018f0000-0000-7000-8000-000000000001","log":"audit.example.org/log1","outcome":"partial","time":"2026-10-05T09:30:00.000Z","v":1}"#;
        assert!(OpenEntry::parse(good.as_bytes()).is_ok());
        for (from, to, member) in [
            ("{\"commit", "{ \"commit", "commit"),
            ("3571f0", "3571F0", "commit"),
            ("\"view\"", "\"adopt-open\"", "event"),
            ("\"view\"", "\"peek\"", "event"),
            ("-7000-", "-4000-", "id"),
            ("018f", "018F", "id"),
            ("org/log1", "org log1", "log"),
            ("partial", "maybe", "outcome"),
            ("00.000Z", "00.000z", "time"),
            ("00.000Z", "00Z", "time"),
            ("10-05T", "02-30T", "time"),
            ("\"v\":1", "\"v\":2", "v"),
            ("\"v\":1}", "\"v\":1} ", "v"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_eq!(OpenEntry::parse(bad.as_bytes()), Err(EntryError::Malformed(member)), "{from} -> {to}");
        }
        assert_eq!(OpenEntry::parse(&vec![b' '; ENTRY_BYTES_MAX + 1]), Err(EntryError::TooLarge));
    }

    #[test]
    fn ids_must_be_version_7() {
        let draft = || Draft::new(Outcome::Allow, Payload::new(Event::View));
        for bad in ["", "018f0000-0000-4000-8000-000000000001", "018F0000-0000-7000-8000-000000000001", &ID[..35]] {
            assert_eq!(draft().seal(EntryId::new(bad), salt()), Err(EntryError::Id), "{bad}");
        }
        let id = new_id(Moment::parse("2026-10-05T09:30:00.000Z").unwrap(), &[0xFF; 10]);
        assert!(is_uuid_v7(id.as_str()), "{id}");
        assert!(draft().seal(id, salt()).is_ok());
    }

    #[test]
    fn an_oversized_payload_is_refused() {
        let mut payload = Payload::new(Event::Search);
        payload.query = Some(super::super::payload::FreeText::new("x".repeat(PAYLOAD_BYTES_MAX)));
        let result = Draft::new(Outcome::Allow, payload).seal(EntryId::new(ID), salt());
        assert_eq!(result, Err(EntryError::PayloadTooLarge));
    }

    #[test]
    fn times_read_back_exactly_over_the_whole_calendar() {
        for text in [
            "0000-01-01T00:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00.000Z",
            "2000-02-29T12:00:00.001Z",
            "2100-03-01T00:00:00.000Z",
            "9999-12-30T21:59:59.999Z",
        ] {
            assert_eq!(parse_time(text), Moment::parse(text), "{text}");
            assert_eq!(parse_time(text).unwrap().to_string(), text);
        }
        for bad in [
            "2100-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-00T00:00:00.000Z",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn debug_shows_neither_salt_nor_payload() {
        let mut payload = Payload::new(Event::Search);
        payload.query = Some(super::super::payload::FreeText::new("zebra"));
        let sealed = Draft::new(Outcome::Deny, payload).seal(EntryId::new(ID), salt()).unwrap();
        assert_eq!(
            format!("{sealed:?} {:?}", sealed.salt()),
            format!("Sealed({ID} search deny, payload 34 bytes) Salt(..)")
        );
    }
}
