//! The people index: hub-wide random pseudonyms, found by keyed hashes of what a message says.
//!
//! Owns the candidates of a match (everybody who shares an identifier, or birth date and name), what a new or better known
//! person adds to the index, and the review list of doubtful links. Holds hashes only: no name, number or date.

use super::Error;
use super::bulk::Bulk;
use super::db::{Arg, Db, Row, Tx, statements};
use super::effect::{NewReview, PersonChange};
use super::keys::{Digest, Keys};
use super::messages::RecordId;
use crate::clock::Moment;
use crate::ident::PersonId;
use crate::matching::{
    self, Candidate, Identifier, IdentifierToken, Scheme, Trust, Verdict, birth_key, judge, name_key,
};
use std::collections::BTreeMap;

/// Most candidates compared; more (a birth date and name shared by hundreds) is refused, not cut.
const CANDIDATES_MAX: usize = 500;

/// A person as a message presents them, in clear. Debug shows counts only.
#[derive(Clone, Default)]
pub struct Presented {
    /// Identifiers given.
    pub identifiers: Vec<Identifier>,
    /// Birth date, `YYYY-MM-DD`.
    pub birth: Option<String>,
    /// Family and given names; several when a person has several.
    pub names: Vec<(String, String)>,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({} identifiers, {} names)", self.identifiers.len(), self.names.len())
    }
}

/// Who a presented person is, and what to write for them with the message.
#[derive(Debug)]
pub struct Resolution {
    /// Known or new.
    pub person: PersonId,
    /// Whether an existing person was matched.
    pub matched: bool,
    /// What accepting the message adds to the index. For a doubt, fill in the review's record and local id.
    pub change: PersonChange,
}

/// A line of the review list.
#[derive(Clone, Debug)]
pub struct ReviewRow {
    /// Its id.
    pub id: String,
    /// The record it came with.
    pub record: RecordId,
    /// The local person id in that record.
    pub local: String,
    /// The person made for the time being.
    pub person: PersonId,
    /// Whom it may be.
    pub candidate: PersonId,
    /// Why it is in doubt: see [`matching::Reason::name`].
    pub reason: String,
    /// `open`, or what was decided.
    pub state: String,
    /// Since when.
    pub created_at: Moment,
}

statements! {
    BY_HASHES = "SELECT person FROM person_identifier WHERE verified = 1 AND hash IN ($1, $2, $3, $4, $5, $6, $7, $8) UNION SELECT person FROM person_trait WHERE kind = 'both' AND hash IN ($9, $10, $11, $12) LIMIT 501",
        "SELECT person FROM person_identifier WHERE verified AND hash IN ($1, $2, $3, $4, $5, $6, $7, $8) UNION SELECT person FROM person_trait WHERE kind = 'both' AND hash IN ($9, $10, $11, $12) LIMIT 501";
    STATES = "SELECT id, state FROM person WHERE id IN (SELECT value FROM json_each($1))", "SELECT id, state FROM person WHERE id = ANY($1)";
    IDENTIFIERS = "SELECT person, hash, scheme FROM person_identifier WHERE verified = 1 AND person IN (SELECT value FROM json_each($1))",
        "SELECT person, hash, scheme FROM person_identifier WHERE verified AND person = ANY($1)";
    TRAITS = "SELECT person, hash, kind FROM person_trait WHERE person IN (SELECT value FROM json_each($1))",
        "SELECT person, hash, kind FROM person_trait WHERE person = ANY($1)";
    INSERT = "INSERT INTO person (id, state, created_at) VALUES ($1, 'active', $2) ON CONFLICT DO NOTHING";
    INSERT_IDENTIFIER = "INSERT INTO person_identifier (hash, person, scheme, verified) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    HOLDER = "SELECT person FROM person_identifier WHERE hash = $1 AND verified = 1", "SELECT person FROM person_identifier WHERE hash = $1 AND verified";
    STATE_LOCKED = "SELECT state FROM person WHERE id = $1", "SELECT state FROM person WHERE id = $1 FOR UPDATE";
    SEAL = "UPDATE person SET state = 'sealed' WHERE id = $1";
    UNVERIFY = "UPDATE person_identifier SET verified = 0 WHERE person = $1", "UPDATE person_identifier SET verified = FALSE WHERE person = $1";
    FORGET_TRAITS = "DELETE FROM person_trait WHERE person = $1";
    REVIEW_INSERT = "INSERT INTO review (id, record, local, person, candidate, reason, state, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'open', $7) ON CONFLICT DO NOTHING";
    REVIEWS = "SELECT id, record, local, person, candidate, reason, state, created_at FROM review WHERE state = $1 ORDER BY created_at, id LIMIT $2";
    REVIEW_SETTLE = "UPDATE review SET state = $2 WHERE id = $1 AND state = 'open'";
}

static TRAIT_INSERT: Bulk =
    Bulk::new("trait insert", "INSERT INTO person_trait (hash, person, kind)", 3, "ON CONFLICT DO NOTHING");

/// Hashes a statement compares; unused places repeat the last one.
const IDENTIFIERS_MAX: usize = 8;
const NAMES_MAX: usize = 4;

impl Db {
    /// Matches a presented person against everybody known. Writes nothing.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound on candidates, [`Error::Database`].
    pub async fn resolve_person(&self, keys: &Keys, presented: &Presented) -> Result<Resolution, Error> {
        let tokens = Tokens::of(keys, presented);
        let candidates = self.candidates(&tokens).await?;
        let verdict = judge(&tokens.presented, &candidates);
        let fresh = PersonId::new(uuid_text(keys)?);
        Ok(tokens.resolution(verdict, fresh, &candidates))
    }

    /// The one person who holds this identifier (checked, or the asker's own number) with this birth date; nobody when it
    /// fails its check, when there are several, and for a sealed identity (R66).
    ///
    /// # Errors
    /// [`Error::TooMany`], [`Error::Database`].
    pub async fn find_exact(
        &self,
        keys: &Keys,
        identifier: Identifier,
        birth: &str,
    ) -> Result<Option<PersonId>, Error> {
        let presented = Presented { identifiers: vec![identifier], birth: Some(birth.to_owned()), names: Vec::new() };
        let tokens = Tokens::of(keys, &presented);
        let Some(born) = tokens.presented.birth else { return Ok(None) };
        let token = tokens.presented.identifiers.first().filter(|i| i.trust != Trust::Unverified).map(|i| i.token);
        let Some(token) = token else { return Ok(None) };
        let all = self.candidates(&tokens).await?;
        let mut found = all
            .into_iter()
            .filter(|c| !c.sealed && c.births.contains(&born) && c.identifiers.iter().any(|(t, _)| *t == token));
        Ok(found.next().filter(|_| found.next().is_none()).map(|c| c.person))
    }

    /// What the register's entry for `person` adds to the index.
    #[must_use]
    pub fn index_person(keys: &Keys, person: &PersonId, presented: &Presented) -> PersonChange {
        let tokens = Tokens::of(keys, presented);
        let traits = tokens.traits();
        let held = |i: &IdentifierToken| (i.token, i.scheme.name(), i.trust != Trust::Unverified);
        let identifiers = tokens.presented.identifiers.iter().map(held).collect();
        PersonChange { person: person.clone(), new: true, identifiers, traits, review: None }
    }

    async fn candidates(&self, tokens: &Tokens) -> Result<Vec<Candidate<PersonId>>, Error> {
        let nothing: Digest = [0; 32];
        let pad = |hashes: Vec<Digest>, places: usize| {
            let last = hashes.last().copied().unwrap_or(nothing);
            hashes.into_iter().chain(std::iter::repeat(last)).take(places).collect::<Vec<_>>()
        };
        let identifiers =
            tokens.presented.identifiers.iter().filter(|i| i.trust != Trust::Unverified).map(|i| i.token).collect();
        let hashes: Vec<Digest> =
            pad(identifiers, IDENTIFIERS_MAX).into_iter().chain(pad(tokens.both.clone(), NAMES_MAX)).collect();
        let args: Vec<Arg<'_>> = hashes.iter().map(|h| Arg::Bytes(h)).collect();
        let rows = self.fetch(&BY_HASHES, &args).await?;
        if rows.len() > CANDIDATES_MAX {
            return Err(Error::TooMany { at: "resolve_person", rows_max: CANDIDATES_MAX });
        }
        let ids = rows.iter().map(|row| row.text(0, "person")).collect::<Result<Vec<String>, Error>>()?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = BTreeMap::new();
        for row in self.fetch(&STATES, &[Arg::Texts(&ids)]).await? {
            let person = row.text(0, "id")?;
            let sealed = row.text(1, "state")? != "active";
            let blank = Candidate {
                person: PersonId::new(person.clone()),
                sealed,
                identifiers: vec![],
                births: vec![],
                names: vec![],
            };
            found.insert(person, blank);
        }
        for row in self.fetch(&IDENTIFIERS, &[Arg::Texts(&ids)]).await? {
            let scheme =
                Scheme::parse(&row.text(2, "scheme")?).ok_or(Error::Corrupt { at: "person", what: "scheme" })?;
            if let Some(candidate) = found.get_mut(&row.text(0, "person")?) {
                candidate.identifiers.push((digest(&row, 1)?, scheme));
            }
        }
        for row in self.fetch(&TRAITS, &[Arg::Texts(&ids)]).await? {
            let Some(candidate) = found.get_mut(&row.text(0, "person")?) else { continue };
            match row.text(2, "kind")?.as_str() {
                BIRTH => candidate.births.push(digest(&row, 1)?),
                NAME => candidate.names.push(digest(&row, 1)?),
                _ => {}
            }
        }
        Ok(found.into_values().collect())
    }

    /// The review list: lines in `state` (`open`), oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn reviews(&self, state: &str, limit: i64) -> Result<Vec<ReviewRow>, Error> {
        let rows = self.fetch(&REVIEWS, &[Arg::Text(state), Arg::Int(limit)]).await?;
        rows.iter()
            .map(|row| {
                Ok(ReviewRow {
                    id: row.text(0, "id")?,
                    record: RecordId::new(row.text(1, "record")?),
                    local: row.text(2, "local")?,
                    person: PersonId::new(row.text(3, "person")?),
                    candidate: PersonId::new(row.text(4, "candidate")?),
                    reason: row.text(5, "reason")?,
                    state: row.text(6, "state")?,
                    created_at: Moment::from_millis(row.int(7, "created_at")?),
                })
            })
            .collect()
    }
}

const BIRTH: &str = "birth";
const NAME: &str = "name";
const BOTH: &str = "both";

fn digest(row: &Row, column: usize) -> Result<Digest, Error> {
    row.bytes(column, "hash")?.try_into().map_err(|_| Error::Corrupt { at: "person", what: "hash" })
}

/// A random pseudonym in the form of a UUID (version 4).
fn uuid_text(keys: &Keys) -> Result<String, Error> {
    Ok(uuid::Builder::from_random_bytes(keys.random()?).into_uuid().to_string())
}

/// What is presented, as keyed hashes.
struct Tokens {
    presented: matching::Presented,
    both: Vec<Digest>,
}

impl Tokens {
    fn of(keys: &Keys, presented: &Presented) -> Self {
        let identifiers = presented.identifiers.iter().take(IDENTIFIERS_MAX).map(|i| IdentifierToken {
            token: keys.hash("identifier", i.key().as_bytes()),
            scheme: i.scheme(),
            trust: i.trust(),
        });
        let birth_text = presented.birth.as_deref().and_then(birth_key);
        let name_texts: Vec<String> =
            presented.names.iter().take(NAMES_MAX).filter_map(|(f, g)| name_key(f, g)).collect();
        let birth = birth_text.as_ref().map(|b| keys.hash(BIRTH, b.as_bytes()));
        let names = name_texts.iter().map(|n| keys.hash(NAME, n.as_bytes())).collect();
        let both = birth_text.iter().flat_map(|b| name_texts.iter().map(move |n| format!("{b}\n{n}")));
        let both = both.map(|text| keys.hash(BOTH, text.as_bytes())).collect();
        Self { presented: matching::Presented { identifiers: identifiers.collect(), birth, names }, both }
    }

    /// What to write: everything for a new person, what is new for a known one, and for a doubt a person of their own
    /// who holds none of the identifiers in doubt.
    fn resolution(self, verdict: Verdict<PersonId>, fresh: PersonId, candidates: &[Candidate<PersonId>]) -> Resolution {
        let traits = self.traits();
        let (person, matched, doubt) = match verdict {
            Verdict::Same(person) => (person, true, None),
            Verdict::New => (fresh, false, None),
            Verdict::Doubt { candidate, reason } => (fresh, false, Some((candidate, reason))),
        };
        // An identifier that somebody else holds is never taken from them; what is sealed holds nothing.
        let others = |i: &IdentifierToken| {
            let mut others = candidates.iter().filter(|c| !c.sealed && c.person != person);
            others.any(|c| c.identifiers.iter().any(|(token, _)| *token == i.token))
        };
        let held = |i: &IdentifierToken| {
            let trusted = match i.trust {
                Trust::Checked => doubt.is_none(),
                Trust::SendersOwn => true,
                Trust::Unverified => false,
            };
            trusted && !others(i)
        };
        let identifiers = self.presented.identifiers.iter().map(|i| (i.token, i.scheme.name(), held(i))).collect();
        let review = doubt.map(|(candidate, reason)| NewReview {
            record: None,
            local: String::new(),
            candidate,
            reason: reason.name(),
        });
        let change = PersonChange { person: person.clone(), new: !matched, identifiers, traits, review };
        Resolution { person, matched, change }
    }

    fn traits(&self) -> Vec<(Digest, &'static str)> {
        let births = self.presented.birth.iter().map(|h| (*h, BIRTH));
        let names = self.presented.names.iter().map(|h| (*h, NAME));
        births.chain(names).chain(self.both.iter().map(|h| (*h, BOTH))).collect()
    }
}

/// Writes a change; false when the index moved meanwhile and the match must be made again.
pub(super) async fn apply(tx: &mut Tx, keys: &Keys, change: &PersonChange, now: Moment) -> Result<bool, Error> {
    let person = Arg::Text(change.person.as_str());
    if change.new {
        tx.execute(&INSERT, &[person, Arg::Int(now.millis())]).await?;
    }
    let state = tx.fetch_one(&STATE_LOCKED, &[person]).await?.map(|row| row.text(0, "state")).transpose()?;
    if state.as_deref() != Some("active") {
        return Ok(false);
    }
    for (hash, scheme, verified) in &change.identifiers {
        let args = [Arg::Bytes(hash), person, Arg::Text(scheme), Arg::Bool(*verified)];
        if tx.execute(&INSERT_IDENTIFIER, &args).await? == 0 && *verified {
            let holder =
                tx.fetch_one(&HOLDER, &[Arg::Bytes(hash)]).await?.map(|row| row.text(0, "person")).transpose()?;
            if holder.is_some_and(|h| h != change.person.as_str()) {
                return Ok(false);
            }
        }
    }
    let traits: Vec<Arg<'_>> =
        change.traits.iter().flat_map(|(hash, kind)| [Arg::Bytes(hash), person, Arg::Text(kind)]).collect();
    TRAIT_INSERT.insert(tx, &traits).await?;
    if let Some(review) = &change.review {
        let record = review.record.as_ref().map_or("", RecordId::as_str);
        let id = uuid_text(keys)?;
        let args = [
            Arg::Text(&id),
            Arg::Text(record),
            Arg::Text(&review.local),
            person,
            Arg::Text(review.candidate.as_str()),
            Arg::Text(review.reason),
            Arg::Int(now.millis()),
        ];
        tx.execute(&REVIEW_INSERT, &args).await?;
    }
    Ok(true)
}

/// Seals a person: their identifiers and traits never match again. False when there is no such person.
pub(super) async fn seal(tx: &mut Tx, person: &PersonId) -> Result<bool, Error> {
    let person = [Arg::Text(person.as_str())];
    tx.execute(&UNVERIFY, &person).await?;
    tx.execute(&FORGET_TRAITS, &person).await?;
    Ok(tx.execute(&SEAL, &person).await? == 1)
}

/// Settles an open review; false when it is not open.
pub(super) async fn settle(tx: &mut Tx, id: &str, state: &str) -> Result<bool, Error> {
    Ok(tx.execute(&REVIEW_SETTLE, &[Arg::Text(id), Arg::Text(state)]).await? == 1)
}
