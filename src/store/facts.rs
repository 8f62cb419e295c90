//! Facts: who works where, who lives with whom, what was permitted. One row per item of a facts file, sealed.
//!
//! Owns storing facts and loading the **closure of one request**: every fact that a decision about these people, asked
//! under this hat, can depend on, in at most [`ROUNDS`] indexed queries, however many unrelated people there are.
//! Does not know what a fact means; `sharing` reads the bodies. Read [`FactSeeds`] and [`Db::facts_for`] first.

use super::Error;
use super::db::{Arg, Db, Row, Tx, statements};
use super::fact_cache::FactsAt;
use super::fact_refs::{Kind, names_of, refs_of};
use super::keys::Keys;
use crate::clock::Moment;
use crate::ident::{AccountId, AgencyId, HatId, PersonId, SegmentId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of the closure: the seeds; their cases, housemates and the asker's own ties; those people's ties and the hats
/// named; what defines everything named; the agencies and teams of those hats.
const ROUNDS: usize = 5;
/// Most facts one request may depend on. A large family with many workers needs a few hundred; more is refused, not cut.
const FACTS_MAX: usize = 20_000;

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// A section of the facts file that is kept in the store (segments and asks are not).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Section { $($(#[$doc])* $name),+ }
        impl Section {
            /// Every section.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// Its name in a facts file.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$name => $text),+ } }
            /// The section with this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> { match name { $($text => Some(Self::$name),)+ _ => None } }
        }
    };
}

sections! {
    /// Agencies.
    Agencies = "agencies",
    /// Teams.
    Teams = "teams",
    /// Accounts and their hats.
    Accounts = "accounts",
    /// People, as far as decisions need them.
    People = "people",
    /// Who lives together.
    Households = "households",
    /// Cases, their members and purposes.
    Cases = "cases",
    /// Ties between people.
    Links = "links",
    /// Declared conflicts of interest.
    Conflicts = "conflicts",
    /// Who holds parental responsibility.
    ParentalResponsibility = "parental_responsibility",
    /// Court orders.
    Orders = "orders",
    /// Assessments of competence and capacity.
    Assessments = "assessments",
    /// Who is protected from whom.
    Protections = "protections",
    /// Workers marked as linked to somebody.
    Strands = "strands",
    /// Sealed former identities.
    Seals = "seals",
    /// Openings by the adoption team.
    Openings = "openings",
    /// Who works with whom.
    Relationships = "relationships",
    /// One item opened to one hat.
    ItemGrants = "item_grants",
    /// Permissions.
    Permissions = "permissions",
    /// Overrides.
    Overrides = "overrides",
    /// Only in the gateway: whose caseload a custodian's segments about a person are
    /// (`custodian`, `person`, `categories`, `hats`).
    Caseloads = "caseloads",
}

/// What a request is about: where the closure starts.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FactSeeds {
    /// Everybody the segments are about, whose record they lie in, and the requester of a subject access.
    pub persons: Vec<PersonId>,
    /// The asking hat, and the hats that wrote the segments or have them in their caseload.
    pub hats: Vec<HatId>,
    /// The asking account.
    pub account: Option<AccountId>,
    /// The segments asked for (item grants and openings hang on them).
    pub segments: Vec<SegmentId>,
    /// Custodians and receiving agencies.
    pub agencies: Vec<AgencyId>,
    /// Further accounts that are named.
    pub accounts: Vec<AccountId>,
    /// Teams that are named.
    pub teams: Vec<String>,
    /// Cases that are named, with their relationships.
    pub cases: Vec<String>,
}

/// One fact.
#[derive(Clone, PartialEq)]
pub struct FactRow {
    /// Its section.
    pub section: Section,
    /// Its id within the section.
    pub id: String,
    /// Counts its replacements, from 1.
    pub version: i64,
    /// The item, as in a facts file.
    pub body: Value,
}

impl std::fmt::Debug for FactRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FactRow({}/{} v{})", self.section.name(), self.id, self.version)
    }
}

statements! {
    BY_REFS = "SELECT DISTINCT f.section, f.id, f.version, f.body FROM fact_ref r JOIN fact f ON f.section = r.section AND f.id = r.id WHERE r.ref IN (SELECT value FROM json_each($1)) LIMIT 20001",
        "SELECT DISTINCT f.section, f.id, f.version, f.body FROM fact_ref r JOIN fact f ON f.section = r.section AND f.id = r.id WHERE r.ref = ANY($1) LIMIT 20001";
    BY_REFS_AT = "SELECT f.section, f.id, f.version, f.body FROM fact_ref r JOIN fact f ON f.section = r.section AND f.id = r.id WHERE f.since <= $2 AND r.ref IN (SELECT value FROM json_each($1)) UNION SELECT p.section, p.id, p.version, p.body FROM fact_ref_past r JOIN fact_past p ON p.section = r.section AND p.id = r.id AND p.version = r.version WHERE p.since <= $2 AND p.until > $2 AND r.ref IN (SELECT value FROM json_each($1)) LIMIT 20001",
        "SELECT f.section, f.id, f.version, f.body FROM fact_ref r JOIN fact f ON f.section = r.section AND f.id = r.id WHERE f.since <= $2 AND r.ref = ANY($1) UNION SELECT p.section, p.id, p.version, p.body FROM fact_ref_past r JOIN fact_past p ON p.section = r.section AND p.id = r.id AND p.version = r.version WHERE p.since <= $2 AND p.until > $2 AND r.ref = ANY($1) LIMIT 20001";
    WITH_FACTS = "SELECT NULL, version FROM fact_clock WHERE one = 1 UNION ALL SELECT value, 0 FROM json_each($1) WHERE EXISTS (SELECT 1 FROM fact_ref WHERE ref = value)",
        "SELECT NULL::TEXT, version FROM fact_clock WHERE one = 1 UNION ALL SELECT value, 0 FROM unnest($1::TEXT[]) AS asked (value) WHERE EXISTS (SELECT 1 FROM fact_ref WHERE ref = value)";
    BY_SECTION = "SELECT section, id, version, body FROM fact WHERE section = $1 AND id > $2 ORDER BY id LIMIT ($3 + 0)";
    CHANGED = "SELECT section, id, version, body FROM fact WHERE section = $1 AND since > $2 LIMIT 20001";
    GONE = "SELECT DISTINCT p.id FROM fact_past p WHERE p.section = $1 AND p.until > $2 AND NOT EXISTS (SELECT 1 FROM fact f WHERE f.section = p.section AND f.id = p.id)";
    ONE = "SELECT section, id, version, body FROM fact WHERE section = $1 AND id = $2";
    ONE_AT = "SELECT section, id, version, body, recorded_at FROM fact WHERE section = $1 AND id = $2 AND recorded_at <= $3 UNION ALL SELECT section, id, version, body, recorded_at FROM fact_past WHERE section = $1 AND id = $2 AND recorded_at <= $3 AND replaced_at > $3 ORDER BY version DESC LIMIT 1";
    CLOCK = "SELECT version FROM fact_clock WHERE one = 1";
    TICK = "UPDATE fact_clock SET version = version + 1 WHERE one = 1";
    VERSION = "SELECT version FROM fact WHERE section = $1 AND id = $2";
    LAST_VERSION = "SELECT COALESCE(MAX(version), 0) FROM fact_past WHERE section = $1 AND id = $2";
    TO_PAST = "INSERT INTO fact_past (section, id, version, body, recorded_at, replaced_at, since, until) SELECT section, id, version, body, recorded_at, $3, since, (SELECT version FROM fact_clock WHERE one = 1) FROM fact WHERE section = $1 AND id = $2";
    REFS_TO_PAST = "INSERT INTO fact_ref_past (ref, section, id, version) SELECT r.ref, r.section, r.id, f.version FROM fact_ref r JOIN fact f ON f.section = r.section AND f.id = r.id WHERE r.section = $1 AND r.id = $2";
    DELETE = "DELETE FROM fact WHERE section = $1 AND id = $2";
    DELETE_REFS = "DELETE FROM fact_ref WHERE section = $1 AND id = $2";
    INSERT = "INSERT INTO fact (section, id, version, body, recorded_at, since) VALUES ($1, $2, $3, $4, $5, (SELECT version FROM fact_clock WHERE one = 1))";
    INSERT_REF = "INSERT INTO fact_ref (ref, section, id) VALUES ($1, $2, $3)";
}

impl Db {
    /// One fact as it stood at a moment, and when that was recorded.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Sealed`].
    pub async fn fact_at(
        &self,
        keys: &Keys,
        section: Section,
        id: &str,
        at: Moment,
    ) -> Result<Option<(FactRow, Moment)>, Error> {
        let args = [Arg::Text(section.name()), Arg::Text(id), Arg::Int(at.millis())];
        let row = self.fetch_one(&ONE_AT, &args).await?;
        let read_one = |row: Row| Ok((read(keys, &row)?, Moment::from_millis(row.int(4, "recorded_at")?)));
        row.map(read_one).transpose()
    }

    /// Every fact a decision about these seeds can depend on. Order: by section, then id.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound (never a cut list), [`Error::Sealed`], [`Error::Database`].
    pub async fn facts_for(&self, keys: &Keys, seeds: &FactSeeds) -> Result<Vec<FactRow>, Error> {
        self.facts_with(keys, seeds, None).await
    }

    /// As [`Db::facts_for`], as the facts stood at an earlier state.
    ///
    /// # Errors
    /// As [`Db::facts_for`].
    pub async fn facts_for_at(&self, keys: &Keys, seeds: &FactSeeds, at: FactsAt) -> Result<Vec<FactRow>, Error> {
        self.facts_with(keys, seeds, Some(at)).await
    }

    async fn facts_with(&self, keys: &Keys, seeds: &FactSeeds, at: Option<FactsAt>) -> Result<Vec<FactRow>, Error> {
        let mut closure = Closure::default();
        let mut wanted = seed_refs(seeds);
        for round in 0..ROUNDS {
            let fresh: Vec<String> = wanted.into_iter().filter(|r| closure.asked.insert(r.clone())).collect();
            if fresh.is_empty() {
                break;
            }
            let rows = match at {
                None => self.fetch(&BY_REFS, &[Arg::Texts(&fresh)]).await?,
                Some(at) => self.fetch(&BY_REFS_AT, &[Arg::Texts(&fresh), Arg::Int(at.counter())]).await?,
            };
            if rows.len() > FACTS_MAX || closure.facts.len() > FACTS_MAX {
                return Err(Error::TooMany { at: "facts_for", rows_max: FACTS_MAX });
            }
            wanted = closure.take(keys, &rows, round, seeds)?;
        }
        Ok(closure.facts.into_values().collect())
    }

    /// Of these references those that some fact hangs on, in order, and the counter of changes at that moment.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(super) async fn refs_with_facts(&self, refs: &[String]) -> Result<(Vec<String>, i64), Error> {
        let (mut hung, mut version) = (Vec::new(), None);
        for row in self.fetch(&WITH_FACTS, &[Arg::Texts(refs)]).await? {
            match row.text_opt(0, "ref")? {
                Some(found) => hung.push(found),
                None => version = Some(row.int(1, "version")?),
            }
        }
        hung.sort();
        Ok((hung, version.ok_or(Error::Corrupt { at: "facts_version", what: "the row" })?))
    }

    /// The facts of one section after `after`, in id order, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::Database`].
    pub async fn facts_in(
        &self,
        keys: &Keys,
        section: Section,
        after: &str,
        limit: i64,
    ) -> Result<Vec<FactRow>, Error> {
        let rows = self.fetch(&BY_SECTION, &[Arg::Text(section.name()), Arg::Text(after), Arg::Int(limit)]).await?;
        rows.iter().map(|row| read(keys, row)).collect()
    }

    /// What changed in a section after a state of the facts: what is written now, and the ids of what is gone.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound, [`Error::Sealed`], [`Error::Database`].
    pub async fn facts_changed(
        &self,
        keys: &Keys,
        section: Section,
        after: FactsAt,
    ) -> Result<(Vec<FactRow>, Vec<String>), Error> {
        let args = [Arg::Text(section.name()), Arg::Int(after.counter())];
        let rows = self.fetch(&CHANGED, &args).await?;
        if rows.len() > FACTS_MAX {
            return Err(Error::TooMany { at: "facts_changed", rows_max: FACTS_MAX });
        }
        let gone = self.fetch(&GONE, &args).await?;
        let written = rows.iter().map(|row| read(keys, row)).collect::<Result<_, _>>()?;
        Ok((written, gone.iter().map(|row| row.text(0, "id")).collect::<Result<_, _>>()?))
    }

    /// One fact.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::Database`].
    pub async fn fact(&self, keys: &Keys, section: Section, id: &str) -> Result<Option<FactRow>, Error> {
        let row = self.fetch_one(&ONE, &[Arg::Text(section.name()), Arg::Text(id)]).await?;
        row.map(|row| read(keys, &row)).transpose()
    }

    /// The relationships in which this hat is the worker, in order of section and id: the caseload, whether it is live or not.
    ///
    /// # Errors
    /// [`Error::TooMany`] beyond the bound, [`Error::Sealed`], [`Error::Database`].
    pub async fn facts_of_worker(&self, keys: &Keys, hat: &HatId) -> Result<Vec<FactRow>, Error> {
        let rows = self.fetch(&BY_REFS, &[Arg::Texts(&[Kind::Worker.about(hat.as_str())])]).await?;
        if rows.len() > FACTS_MAX {
            return Err(Error::TooMany { at: "facts_of_worker", rows_max: FACTS_MAX });
        }
        let mut facts = rows.iter().map(|row| read(keys, row)).collect::<Result<Vec<_>, _>>()?;
        facts.sort_by(|a, b| (a.section, &a.id).cmp(&(b.section, &b.id)));
        Ok(facts)
    }

    /// Grows with every change of any fact: a cached closure is good as long as this stays the same.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn facts_version(&self) -> Result<i64, Error> {
        let row = self.fetch_one(&CLOCK, &[]).await?;
        row.ok_or(Error::Corrupt { at: "facts_version", what: "the row" })?.int(0, "version")
    }
}

#[derive(Default)]
struct Closure {
    asked: BTreeSet<String>,
    facts: BTreeMap<(Section, String), FactRow>,
}

impl Closure {
    /// Keeps the rows and returns what they make worth asking next.
    fn take(&mut self, keys: &Keys, rows: &[Row], round: usize, seeds: &FactSeeds) -> Result<BTreeSet<String>, Error> {
        let mut wanted = BTreeSet::new();
        for row in rows {
            let (section, id) = place(row)?;
            if self.facts.contains_key(&(section, id.clone())) {
                continue;
            }
            let fact = read(keys, row)?;
            next_refs(&fact, round, seeds, &mut wanted);
            self.facts.insert((section, id), fact);
        }
        Ok(wanted)
    }
}

/// The references a closure starts from; they say everything that it depends on.
pub(super) fn seed_refs(seeds: &FactSeeds) -> BTreeSet<String> {
    let mut refs = BTreeSet::new();
    for person in &seeds.persons {
        refs.insert(Kind::Person.about(person.as_str()));
        refs.insert(Kind::Person.itself(person.as_str()));
    }
    for hat in &seeds.hats {
        refs.insert(Kind::Hat.about(hat.as_str()));
        refs.insert(Kind::Hat.itself(hat.as_str()));
    }
    if let Some(account) = &seeds.account {
        refs.insert(Kind::Account.about(account.as_str()));
        refs.insert(Kind::Account.itself(account.as_str()));
    }
    refs.extend(seeds.segments.iter().map(|s| Kind::Segment.about(s.as_str())));
    refs.extend(seeds.accounts.iter().map(|a| Kind::Account.itself(a.as_str())));
    refs.extend(seeds.teams.iter().map(|t| Kind::Team.itself(t)));
    refs.extend(seeds.cases.iter().flat_map(|c| [Kind::Case.itself(c), Kind::Case.about(c)]));
    refs.extend(seeds.agencies.iter().map(|a| Kind::Agency.itself(a.as_str())));
    refs
}

/// What a fact makes worth asking: always the definitions of what it names; early on also the facts about the cases it
/// names, the ties of housemates and of the asker's own person, and the work of hats that lend theirs (delegation).
fn next_refs(fact: &FactRow, round: usize, seeds: &FactSeeds, wanted: &mut BTreeSet<String>) {
    for (kind, id) in names_of(fact.section, &fact.body) {
        wanted.insert(kind.itself(&id));
        let near = round == 0;
        match (fact.section, kind) {
            (Section::Cases, _) | (_, Kind::Case) if near && kind == Kind::Case => {
                wanted.insert(Kind::Case.about(&id));
            }
            (Section::Households, Kind::Person) if round <= 1 => {
                wanted.insert(Kind::Ties.about(&id));
            }
            (Section::Accounts, Kind::Person) if seeds.account.as_ref().is_some_and(|a| a.as_str() == fact.id) => {
                wanted.insert(Kind::Ties.about(&id));
            }
            (Section::Relationships, Kind::Hat) if near && lends(fact) => {
                wanted.insert(Kind::Hat.about(&id));
            }
            _ => {}
        }
    }
    if fact.section == Section::Cases && round == 0 {
        wanted.insert(Kind::Case.about(&fact.id));
    }
}

/// Delegation and supervision: what the asker may do depends on another hat.
fn lends(fact: &FactRow) -> bool {
    fact.body.get("grantor").is_some() || fact.body.get("of").is_some()
}

fn place(row: &Row) -> Result<(Section, String), Error> {
    let section = Section::parse(&row.text(0, "section")?).ok_or(Error::Corrupt { at: "fact", what: "section" })?;
    Ok((section, row.text(1, "id")?))
}

fn read(keys: &Keys, row: &Row) -> Result<FactRow, Error> {
    let (section, id) = place(row)?;
    let version = row.int(2, "version")?;
    let body = keys.open_whole(&context(section, &id, version), &row.bytes(3, "body")?)?;
    let body = serde_json::from_slice(&body).map_err(|_| Error::Corrupt { at: "fact", what: "body" })?;
    Ok(FactRow { section, id, version, body })
}

fn context(section: Section, id: &str, version: i64) -> String {
    format!("fact {} {version} {id}", section.name())
}

/// The version of a fact now: 0 when there is none.
pub(super) async fn version(tx: &mut Tx, section: Section, id: &str) -> Result<i64, Error> {
    let row = tx.fetch_one(&VERSION, &[Arg::Text(section.name()), Arg::Text(id)]).await?;
    row.map_or(Ok(0), |row| row.int(0, "version"))
}

/// The counter of changes.
pub(super) async fn clock(tx: &mut Tx) -> Result<i64, Error> {
    let row = tx.fetch_one(&CLOCK, &[]).await?;
    row.ok_or(Error::Corrupt { at: "facts_version", what: "the row" })?.int(0, "version")
}

/// Ends a fact that has version `version`.
pub(super) async fn end(tx: &mut Tx, section: Section, id: &str, now: Moment) -> Result<(), Error> {
    let key = [Arg::Text(section.name()), Arg::Text(id)];
    tx.execute(&TICK, &[]).await?;
    tx.execute(&TO_PAST, &[key[0], key[1], Arg::Int(now.millis())]).await?;
    tx.execute(&REFS_TO_PAST, &key).await?;
    tx.execute(&DELETE, &key).await?;
    tx.execute(&DELETE_REFS, &key).await.map(drop)
}

/// Adds or replaces a fact; `current` is its version now.
pub(super) async fn put(
    tx: &mut Tx,
    keys: &Keys,
    section: Section,
    id: &str,
    body: &Value,
    now: Moment,
    current: i64,
) -> Result<(), Error> {
    let key = [Arg::Text(section.name()), Arg::Text(id)];
    if current > 0 {
        end(tx, section, id, now).await?;
    } else {
        tx.execute(&TICK, &[]).await?;
    }
    let row = tx.fetch_one(&LAST_VERSION, &key).await?.ok_or(Error::Corrupt { at: "fact", what: "version" })?;
    let version = row.int(0, "version")?.saturating_add(1);
    let text = serde_json::to_vec(body).map_err(|_| Error::Corrupt { at: "fact", what: "body" })?;
    let sealed = keys.seal_whole(&context(section, id, version), &text)?;
    tx.execute(&INSERT, &[key[0], key[1], Arg::Int(version), Arg::Bytes(&sealed), Arg::Int(now.millis())]).await?;
    for reference in refs_of(section, id, body) {
        tx.execute(&INSERT_REF, &[Arg::Text(&reference), key[0], key[1]]).await?;
    }
    Ok(())
}
