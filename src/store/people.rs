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
    self, Candidate, Identifier, IdentifierToken, Scheme, Trust, Verdict, birth_key, home_key, judge, name_key,
};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Family names with the postcode of a home that may be searched by: never a protected one (R8, R57).
    pub homes: Vec<(String, String)>,
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

/// Somebody who fits what is searched by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fitting {
    /// Who.
    pub person: PersonId,
    /// Whether a message that says as much would be matched to this person and to nobody else (R15).
    pub certain: bool,
    /// Whether one of the identifiers is this person's.
    pub holds: bool,
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
    CANDIDATES = "WITH found AS (SELECT person FROM person_identifier WHERE verified = 1 AND hash IN (SELECT unhex(value) FROM json_each($1)) UNION SELECT person FROM person_trait WHERE kind IN ('both', 'home') AND hash IN (SELECT unhex(value) FROM json_each($2)) LIMIT ($3 + 0)) SELECT id, 'state', NULL, state FROM person WHERE id IN (SELECT person FROM found) UNION ALL SELECT person, 'identifier', hash, scheme FROM person_identifier WHERE verified = 1 AND person IN (SELECT person FROM found) UNION ALL SELECT person, 'trait', hash, kind FROM person_trait WHERE person IN (SELECT person FROM found)",
        "WITH found AS (SELECT person FROM person_identifier WHERE verified AND hash = ANY($1) UNION SELECT person FROM person_trait WHERE kind IN ('both', 'home') AND hash = ANY($2) LIMIT ($3 + 0)) SELECT id, 'state', NULL, state FROM person WHERE id IN (SELECT person FROM found) UNION ALL SELECT person, 'identifier', hash, scheme FROM person_identifier WHERE verified AND person IN (SELECT person FROM found) UNION ALL SELECT person, 'trait', hash, kind FROM person_trait WHERE person IN (SELECT person FROM found)";
    HOLDERS = "SELECT hash, person FROM person_identifier WHERE verified = 1 AND hash IN (SELECT unhex(value) FROM json_each($1))",
        "SELECT hash, person FROM person_identifier WHERE verified AND hash = ANY($1)";
    ACTIVE_LOCKED = "SELECT id FROM person WHERE state = 'active' AND id IN (SELECT value FROM json_each($1))",
        "SELECT id FROM person WHERE state = 'active' AND id = ANY($1) ORDER BY id FOR UPDATE";
    SEALED_HOLDERS = "SELECT DISTINCT i.person FROM person_identifier i JOIN person p ON p.id = i.person WHERE p.state = 'sealed' AND i.hash IN (SELECT unhex(value) FROM json_each($1)) ORDER BY i.person",
        "SELECT DISTINCT i.person FROM person_identifier i JOIN person p ON p.id = i.person WHERE p.state = 'sealed' AND i.hash = ANY($1) ORDER BY i.person";
    SEAL = "UPDATE person SET state = 'sealed' WHERE id = $1";
    UNVERIFY = "UPDATE person_identifier SET verified = 0 WHERE person = $1", "UPDATE person_identifier SET verified = FALSE WHERE person = $1";
    FORGET_TRAITS = "DELETE FROM person_trait WHERE person = $1";
    REVIEWS = "SELECT id, record, local, person, candidate, reason, state, created_at FROM review WHERE state = $1 ORDER BY created_at, id LIMIT ($2 + 0)";
    REVIEW_SETTLE = "UPDATE review SET state = $2 WHERE id = $1 AND state = 'open'";
}

static INSERT: Bulk =
    Bulk::new("person insert", "INSERT INTO person (id, state, created_at)", 3, "ON CONFLICT DO NOTHING");
static IDENTIFIER_INSERT: Bulk = Bulk::new(
    "identifier insert",
    "INSERT INTO person_identifier (hash, person, scheme, verified)",
    4,
    "ON CONFLICT DO NOTHING",
);
static TRAIT_INSERT: Bulk =
    Bulk::new("trait insert", "INSERT INTO person_trait (hash, person, kind)", 3, "ON CONFLICT DO NOTHING");
static REVIEW_INSERT: Bulk = Bulk::new(
    "review insert",
    "INSERT INTO review (id, record, local, person, candidate, reason, state, created_at)",
    8,
    "ON CONFLICT DO NOTHING",
);

/// Most identifiers and names of one person that are compared.
const IDENTIFIERS_MAX: usize = 8;
const NAMES_MAX: usize = 4;
/// Most homes of one person that are searched by.
const HOMES_MAX: usize = 8;
/// People matched with one query: a message about a family takes one, a census a few hundred.
const PEOPLE_AT_ONCE: usize = 32;

impl Db {
    /// Matches a presented person against everybody known. Writes nothing.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound on candidates, [`Error::Database`].
    pub async fn resolve_person(&self, keys: &Keys, presented: &Presented) -> Result<Resolution, Error> {
        let found = self.resolve_people(keys, std::slice::from_ref(presented)).await?;
        found.into_iter().next().ok_or(Error::Corrupt { at: "resolve_person", what: "the answer" })
    }

    /// Matches the people of one message, in order, against everybody known and against those before them in the message
    /// who hold the same identifier: the answers are those of one message after the other. Writes nothing.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound on candidates, [`Error::Database`].
    pub async fn resolve_people(&self, keys: &Keys, presented: &[Presented]) -> Result<Vec<Resolution>, Error> {
        let mut answers = Vec::with_capacity(presented.len());
        let mut earlier = Earlier::default();
        for some in presented.chunks(PEOPLE_AT_ONCE) {
            let tokens: Vec<Tokens> = some.iter().map(|one| Tokens::of(keys, one)).collect();
            let known = self.candidates(&tokens, &[]).await?;
            for one in tokens {
                let candidates = earlier.candidates(&one, &known);
                if candidates.len() > CANDIDATES_MAX {
                    return Err(Error::TooMany { at: "resolve_people", rows_max: CANDIDATES_MAX });
                }
                let verdict = judge(&one.presented, &candidates);
                let fresh = PersonId::new(uuid_text(keys)?);
                let mut answer = one.resolution(verdict, fresh, &candidates);
                if let Some(stored) = known.get(&answer.person) {
                    answer.change.traits.retain(|(hash, kind)| !stored.has(hash, kind));
                }
                answers.push(earlier.note(&one, answer, &candidates));
            }
        }
        Ok(answers)
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
        let presented =
            Presented { identifiers: vec![identifier], birth: Some(birth.to_owned()), ..Presented::default() };
        let tokens = Tokens::of(keys, &presented);
        let Some(born) = tokens.presented.birth else { return Ok(None) };
        let token = tokens.presented.identifiers.first().filter(|i| i.trust != Trust::Unverified).map(|i| i.token);
        let Some(token) = token else { return Ok(None) };
        let all = self.candidates(std::slice::from_ref(&tokens), &[]).await?;
        let mut found = all
            .into_values()
            .map(|known| known.candidate)
            .filter(|c| !c.sealed && c.births.contains(&born) && c.identifiers.iter().any(|(t, _)| *t == token));
        Ok(found.next().filter(|_| found.next().is_none()).map(|c| c.person))
    }

    /// Everybody who holds one of these identifiers (checked, or the asker's own number), or has this birth date and name, or
    /// this birth date, family name and home; with several given, who fits all. By id; nobody whose identity is sealed (R66).
    ///
    /// # Errors
    /// [`Error::TooMany`], [`Error::Database`].
    pub async fn search_people(&self, keys: &Keys, presented: &Presented) -> Result<Vec<Fitting>, Error> {
        let tokens = Tokens::of(keys, presented);
        let wanted: Vec<Digest> = tokens.trusted().collect();
        let all = self.candidates(std::slice::from_ref(&tokens), &tokens.homes).await?;
        let candidates: Vec<Candidate<PersonId>> = all.values().map(|known| known.candidate.clone()).collect();
        let same = match judge(&tokens.presented, &candidates) {
            Verdict::Same(person) => Some(person),
            _ => None,
        };
        let holds = |known: &Known| known.candidate.identifiers.iter().any(|(token, _)| wanted.contains(token));
        let fits = |known: &Known| {
            let named = known.both.iter().any(|both| tokens.both.contains(both));
            let born = tokens.presented.birth.is_none_or(|born| known.candidate.births.contains(&born));
            let by_number = presented.identifiers.is_empty() || holds(known);
            let by_name = presented.names.is_empty() || named;
            let by_home = presented.homes.is_empty() || known.homes.iter().any(|home| tokens.homes.contains(home));
            !known.candidate.sealed && by_number && by_name && by_home && born
        };
        let fitting = |known: Known| Fitting {
            certain: same.as_ref() == Some(&known.candidate.person),
            holds: holds(&known),
            person: known.candidate.person,
        };
        Ok(all.into_values().filter(fits).map(fitting).collect())
    }

    /// The sealed identities that once held one of these identifiers: for the officers who keep the seal, and for no answer
    /// (R66).
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn sealed_holders(&self, keys: &Keys, identifiers: &[Identifier]) -> Result<Vec<PersonId>, Error> {
        let presented = Presented { identifiers: identifiers.to_vec(), ..Presented::default() };
        let wanted: Vec<Digest> = Tokens::of(keys, &presented).trusted().collect();
        let rows = self.fetch(&SEALED_HOLDERS, &[Arg::Hashes(&wanted)]).await?;
        rows.iter().map(|row| Ok(PersonId::new(row.text(0, "person")?))).collect()
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

    /// Everybody who shares a trusted identifier, or birth date and name, with one of these, or has one of these homes; by id.
    async fn candidates(&self, tokens: &[Tokens], homes: &[Digest]) -> Result<BTreeMap<PersonId, Known>, Error> {
        let identifiers: Vec<Digest> = tokens.iter().flat_map(Tokens::trusted).collect();
        let both: Vec<Digest> = tokens.iter().flat_map(|t| &t.both).chain(homes).copied().collect();
        if identifiers.is_empty() && both.is_empty() {
            return Ok(BTreeMap::new());
        }
        let most = CANDIDATES_MAX.saturating_mul(tokens.len());
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let rows = self.fetch(&CANDIDATES, &[Arg::Hashes(&identifiers), Arg::Hashes(&both), Arg::Int(limit)]).await?;
        let mut found: BTreeMap<PersonId, Known> = BTreeMap::new();
        for row in &rows {
            let person = PersonId::new(row.text(0, "person")?);
            let known = found.entry(person.clone()).or_insert_with(|| Known::blank(person));
            known.learn(row)?;
        }
        if found.len() > most {
            return Err(Error::TooMany { at: "resolve_people", rows_max: most });
        }
        Ok(found)
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
/// Birth date, family name and postcode in one: nobody is found by a postcode alone.
pub(super) const HOME: &str = "home";

fn digest(row: &Row, column: usize) -> Result<Digest, Error> {
    row.bytes(column, "hash")?.try_into().map_err(|_| Error::Corrupt { at: "person", what: "hash" })
}

/// A random pseudonym in the form of a UUID (version 4).
fn uuid_text(keys: &Keys) -> Result<String, Error> {
    Ok(uuid::Builder::from_random_bytes(keys.random()?).into_uuid().to_string())
}

/// A person of the index as a match needs them.
struct Known {
    candidate: Candidate<PersonId>,
    both: Vec<Digest>,
    homes: Vec<Digest>,
}

impl Known {
    /// Nothing is known yet; sealed until a row says otherwise.
    fn blank(person: PersonId) -> Self {
        let candidate = Candidate { person, sealed: true, identifiers: vec![], births: vec![], names: vec![] };
        Self { candidate, both: vec![], homes: vec![] }
    }

    /// Whether this trait is in the index.
    fn has(&self, hash: &Digest, kind: &str) -> bool {
        match kind {
            BIRTH => self.candidate.births.contains(hash),
            NAME => self.candidate.names.contains(hash),
            HOME => self.homes.contains(hash),
            _ => self.both.contains(hash),
        }
    }

    /// Adds what a row of [`CANDIDATES`] says.
    fn learn(&mut self, row: &Row) -> Result<(), Error> {
        let word = row.text(3, "word")?;
        match row.text(1, "what")?.as_str() {
            "state" => self.candidate.sealed = word != "active",
            "identifier" => {
                let scheme = Scheme::parse(&word).ok_or(Error::Corrupt { at: "person", what: "scheme" })?;
                self.candidate.identifiers.push((digest(row, 2)?, scheme));
            }
            _ => match word.as_str() {
                BIRTH => self.candidate.births.push(digest(row, 2)?),
                NAME => self.candidate.names.push(digest(row, 2)?),
                BOTH => self.both.push(digest(row, 2)?),
                HOME => self.homes.push(digest(row, 2)?),
                _ => {}
            },
        }
        Ok(())
    }
}

/// What the people before this one in the same message add to the index.
#[derive(Default)]
struct Earlier {
    people: BTreeMap<PersonId, Candidate<PersonId>>,
    holders: BTreeMap<Digest, PersonId>,
    made: BTreeSet<PersonId>,
}

impl Earlier {
    /// Everybody to compare this one with.
    fn candidates(&self, one: &Tokens, known: &BTreeMap<PersonId, Known>) -> Vec<Candidate<PersonId>> {
        let trusted: Vec<Digest> = one.trusted().collect();
        let meant = |k: &&Known| {
            k.candidate.identifiers.iter().any(|(token, _)| trusted.contains(token))
                || k.both.iter().any(|b| one.both.contains(b))
        };
        let stored = known.values().filter(meant).map(|k| (&k.candidate.person, &k.candidate));
        let mut all: BTreeMap<&PersonId, &Candidate<PersonId>> = stored.collect();
        for person in trusted.iter().filter_map(|token| self.holders.get(token)) {
            all.extend(self.people.get_key_value(person));
        }
        all.into_iter().map(|(person, stored)| self.people.get(person).unwrap_or(stored).clone()).collect()
    }

    /// Remembers what an answer adds, for those who follow.
    fn note(&mut self, one: &Tokens, mut answer: Resolution, candidates: &[Candidate<PersonId>]) -> Resolution {
        let person = answer.person.clone();
        let known = candidates.iter().find(|c| c.person == person);
        let mut after = known.cloned().unwrap_or_else(|| Candidate {
            person: person.clone(),
            sealed: false,
            identifiers: vec![],
            births: vec![],
            names: vec![],
        });
        for identifier in &one.presented.identifiers {
            let held = answer.change.identifiers.iter().any(|(t, _, held)| *held && *t == identifier.token);
            if held {
                after.identifiers.push((identifier.token, identifier.scheme));
                self.holders.insert(identifier.token, person.clone());
            }
        }
        after.births.extend(one.presented.birth);
        after.names.extend(&one.presented.names);
        if self.made.contains(&person) {
            // Known from this very message only.
            answer.matched = false;
        } else if answer.change.new {
            self.made.insert(person.clone());
        }
        self.people.insert(person, after);
        answer
    }
}

/// What is presented, as keyed hashes.
struct Tokens {
    presented: matching::Presented,
    both: Vec<Digest>,
    homes: Vec<Digest>,
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
        let home_texts = presented.homes.iter().take(HOMES_MAX).filter_map(|(family, code)| home_key(family, code));
        let homes = birth_text.iter().flat_map(|b| home_texts.clone().map(move |home| format!("{b}\n{home}")));
        let homes = homes.map(|text| keys.hash(HOME, text.as_bytes())).collect();
        Self { presented: matching::Presented { identifiers: identifiers.collect(), birth, names }, both, homes }
    }

    /// The identifiers by which somebody may be found.
    fn trusted(&self) -> impl Iterator<Item = Digest> + '_ {
        self.presented.identifiers.iter().filter(|i| i.trust != Trust::Unverified).map(|i| i.token)
    }

    /// What to write: everything for a new person, what is new for a known one, and for a doubt a person of their own
    /// who holds none of the identifiers in doubt.
    fn resolution(
        &self,
        verdict: Verdict<PersonId>,
        fresh: PersonId,
        candidates: &[Candidate<PersonId>],
    ) -> Resolution {
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
        // Of somebody known, what is there already is not written again.
        let known = candidates.iter().find(|c| c.person == person);
        let has = |i: &&IdentifierToken| known.is_some_and(|k| k.identifiers.iter().any(|(t, _)| *t == i.token));
        let identifiers = self.presented.identifiers.iter().filter(|i| !has(i));
        let identifiers = identifiers.map(|i| (i.token, i.scheme.name(), held(i))).collect();
        let review = doubt.map(|(candidate, reason)| NewReview {
            record: None,
            local: String::new(),
            candidate,
            reason: reason.name(),
        });
        let change = PersonChange { person: person.clone(), new: !matched, identifiers, traits: self.traits(), review };
        Resolution { person, matched, change }
    }

    fn traits(&self) -> Vec<(Digest, &'static str)> {
        let births = self.presented.birth.iter().map(|h| (*h, BIRTH));
        let names = self.presented.names.iter().map(|h| (*h, NAME));
        let homes = self.homes.iter().map(|h| (*h, HOME));
        births.chain(names).chain(self.both.iter().map(|h| (*h, BOTH))).chain(homes).collect()
    }
}

/// Writes changes, in order; false when the index moved meanwhile and a match must be made again. Then some of it may be
/// written: the caller undoes it.
pub(super) async fn apply(tx: &mut Tx, keys: &Keys, changes: &[&PersonChange], now: Moment) -> Result<bool, Error> {
    let fresh: Vec<&str> = changes.iter().filter(|c| c.new).map(|c| c.person.as_str()).collect();
    let args: Vec<Arg<'_>> =
        fresh.iter().flat_map(|p| [Arg::Text(p), Arg::Text("active"), Arg::Int(now.millis())]).collect();
    let all_fresh = INSERT.insert(tx, &args).await? == fresh.len() as u64;
    let doubtful = changes.iter().filter(|c| !(c.new && all_fresh));
    let mut known: Vec<String> = doubtful.map(|c| c.person.as_str().to_owned()).collect();
    known.sort();
    known.dedup();
    if !known.is_empty() && tx.fetch(&ACTIVE_LOCKED, &[Arg::Texts(&known)]).await?.len() != known.len() {
        return Ok(false);
    }
    if !hold(tx, changes).await? {
        return Ok(false);
    }
    let mut traits = Vec::new();
    for change in changes {
        let person = Arg::Text(change.person.as_str());
        traits.extend(change.traits.iter().flat_map(|(hash, kind)| [Arg::Bytes(hash), person, Arg::Text(kind)]));
    }
    TRAIT_INSERT.insert(tx, &traits).await?;
    doubt(tx, keys, changes, now).await?;
    Ok(true)
}

/// Writes identifiers; false when somebody else holds one of them.
async fn hold(tx: &mut Tx, changes: &[&PersonChange]) -> Result<bool, Error> {
    let mut all = Vec::new();
    for change in changes {
        all.extend(change.identifiers.iter().map(|(hash, scheme, held)| (hash, change, scheme, *held)));
    }
    // Every gateway on the database writes them in the same order, so that none waits for another in a circle.
    all.sort_by_key(|(hash, ..)| *hash);
    let mut args = Vec::with_capacity(all.len().saturating_mul(4));
    for (hash, change, scheme, held) in &all {
        let person = Arg::Text(change.person.as_str());
        args.extend([Arg::Bytes(hash.as_slice()), person, Arg::Text(scheme), Arg::Bool(*held)]);
    }
    if IDENTIFIER_INSERT.insert(tx, &args).await? == all.len() as u64 {
        return Ok(true);
    }
    let held: Vec<Digest> = all.iter().filter(|(.., held)| *held).map(|(hash, ..)| **hash).collect();
    let mut holders = BTreeMap::new();
    for row in tx.fetch(&HOLDERS, &[Arg::Hashes(&held)]).await? {
        holders.insert(digest(&row, 0)?, row.text(1, "person")?);
    }
    let lost = |(hash, change, _, held): &(&Digest, &&PersonChange, &&'static str, bool)| {
        *held && holders.get(*hash).is_some_and(|holder| holder != change.person.as_str())
    };
    Ok(!all.iter().any(lost))
}

/// Writes the review list's new lines.
async fn doubt(tx: &mut Tx, keys: &Keys, changes: &[&PersonChange], now: Moment) -> Result<(), Error> {
    let mut lines = Vec::new();
    for change in changes {
        if let Some(review) = &change.review {
            lines.push((uuid_text(keys)?, change.person.as_str(), review));
        }
    }
    let mut args = Vec::with_capacity(lines.len().saturating_mul(8));
    for (id, person, review) in &lines {
        args.extend([
            Arg::Text(id),
            Arg::Text(review.record.as_ref().map_or("", RecordId::as_str)),
            Arg::Text(&review.local),
            Arg::Text(person),
            Arg::Text(review.candidate.as_str()),
            Arg::Text(review.reason),
            Arg::Text("open"),
            Arg::Int(now.millis()),
        ]);
    }
    REVIEW_INSERT.insert(tx, &args).await.map(drop)
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
