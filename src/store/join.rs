//! Two people of the index who are one: everything that names the one names the other from now on.
//!
//! Owns the rows of the index, of records, segments and reviews; facts are changed by the same job, by whoever knows what they
//! say. The one who goes stays as a row that points to the one who stays, so that what was logged about them can be found, held
//! and erased with it. Refuses people who are sealed or joined already, and two who stand in one record: it says that they
//! are two.

use super::Error;
use super::commit::Refusal;
use super::db::{Arg, Db, Tx, statements};
use crate::ident::PersonId;
use std::collections::BTreeSet;

statements! {
    BOTH_ACTIVE = "SELECT id FROM person WHERE state = 'active' AND id IN ($1, $2)",
        "SELECT id FROM person WHERE state = 'active' AND id IN ($1, $2) ORDER BY id FOR UPDATE";
    IN_ONE_RECORD = "SELECT a.record FROM record_person a JOIN record_person b ON b.record = a.record WHERE a.person = $1 AND b.person = $2 LIMIT 1";
    IN_ONE_SEGMENT = "SELECT a.segment FROM segment_person a JOIN segment_person b ON b.segment = a.segment WHERE a.person = $1 AND b.person = $2 LIMIT 1";
    // Whoever remembers a record must read it anew.
    RECORDS_CHANGED = "UPDATE record SET joins = joins + 1 WHERE id IN (SELECT record FROM record_person WHERE person = $1)";
    RECORDS = "UPDATE record_person SET person = $2 WHERE person = $1";
    SEGMENTS = "UPDATE segment_person SET person = $2 WHERE person = $1";
    IDENTIFIERS = "SELECT hash, scheme, verified FROM person_identifier WHERE person = $1",
        "SELECT hash, scheme, CASE WHEN verified THEN 1::BIGINT ELSE 0::BIGINT END FROM person_identifier WHERE person = $1";
    IDENTIFIERS_END = "DELETE FROM person_identifier WHERE person = $1";
    // A number that was the one's for certain is so for both.
    IDENTIFIER = "INSERT INTO person_identifier (hash, person, scheme, verified) VALUES ($1, $2, $3, $4) ON CONFLICT (hash, person) DO UPDATE SET verified = MAX(verified, excluded.verified)",
        "INSERT INTO person_identifier (hash, person, scheme, verified) VALUES ($1, $2, $3, $4) ON CONFLICT (hash, person) DO UPDATE SET verified = person_identifier.verified OR excluded.verified";
    TRAITS = "INSERT INTO person_trait (hash, person, kind) SELECT hash, $2, kind FROM person_trait WHERE person = $1 ON CONFLICT DO NOTHING",
        "INSERT INTO person_trait (hash, person, kind) SELECT hash, $2::TEXT, kind FROM person_trait WHERE person = $1 ON CONFLICT DO NOTHING";
    TRAITS_END = "DELETE FROM person_trait WHERE person = $1";
    REVIEWS_BETWEEN = "UPDATE review SET state = 'joined' WHERE state = 'open' AND ((person = $1 AND candidate = $2) OR (person = $2 AND candidate = $1))";
    REVIEWS_OF = "UPDATE review SET person = $2 WHERE person = $1 AND candidate <> $2 AND NOT EXISTS (SELECT 1 FROM review o WHERE o.person = $2 AND o.candidate = review.candidate)";
    REVIEWS_WITH = "UPDATE review SET candidate = $2 WHERE candidate = $1 AND person <> $2 AND NOT EXISTS (SELECT 1 FROM review o WHERE o.candidate = $2 AND o.person = review.person)";
    // The same pair is on the list already, or was decided.
    REVIEWS_TWICE = "UPDATE review SET state = 'joined' WHERE state = 'open' AND (person = $1 OR candidate = $1)";
    EARLIER = "UPDATE person SET joined_to = $2 WHERE joined_to = $1";
    GOES = "UPDATE person SET state = 'joined', joined_to = $2 WHERE id = $1";
    ONE_WITH = "SELECT id FROM person WHERE joined_to = $1 UNION SELECT joined_to FROM person WHERE id = $1 AND joined_to IS NOT NULL ORDER BY 1";
    INTO = "SELECT id FROM person WHERE joined_to = $1 ORDER BY id";
    JOINED = "SELECT joined_to FROM person WHERE id = $1 AND joined_to IS NOT NULL",
        "SELECT joined_to FROM person WHERE id = $1 AND joined_to IS NOT NULL FOR SHARE";
    SURVIVOR = "SELECT joined_to FROM person WHERE id = $1 AND joined_to IS NOT NULL";
    AGES = "SELECT id FROM person WHERE id IN ($1, $2) ORDER BY created_at, id";
}

impl Db {
    /// The ids under which this person was known too: those who were joined into them, or the one they were joined into.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn one_with(&self, person: &str) -> Result<Vec<String>, Error> {
        self.fetch(&ONE_WITH, &[Arg::Text(person)]).await?.iter().map(|row| row.text(0, "id")).collect()
    }

    /// Whom this person was joined into; `None` for everybody who is there under their own id.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn joined_into(&self, person: &PersonId) -> Result<Option<PersonId>, Error> {
        let row = self.fetch_one(&SURVIVOR, &[Arg::Text(person.as_str())]).await?;
        row.map(|row| row.text(0, "joined_to").map(PersonId::new)).transpose()
    }

    /// Every other id under which this person was or is known, however many were joined into one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn known_as(&self, person: &str) -> Result<Vec<String>, Error> {
        let mut all: BTreeSet<String> = self.one_with(person).await?.into_iter().collect();
        // Whoever was joined into somebody points to them at once, however often that one was joined: two steps reach all.
        for id in all.clone() {
            all.extend(self.one_with(&id).await?);
        }
        all.remove(person);
        Ok(all.into_iter().collect())
    }

    /// Of two people the one whom the index has known longer, then the other; `None` when it does not know both.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn older_first(&self, one: &PersonId, other: &PersonId) -> Result<Option<(PersonId, PersonId)>, Error> {
        let rows = self.fetch(&AGES, &[Arg::Text(one.as_str()), Arg::Text(other.as_str())]).await?;
        match rows.as_slice() {
            [older, younger] => Ok(Some((PersonId::new(older.text(0, "id")?), PersonId::new(younger.text(0, "id")?)))),
            _ => Ok(None),
        }
    }
}

/// Whoever was joined into this person.
pub(super) async fn into(tx: &mut Tx, person: &str) -> Result<Vec<String>, Error> {
    tx.fetch(&INTO, &[Arg::Text(person)]).await?.iter().map(|row| row.text(0, "id")).collect()
}

/// Whether this person was joined into another.
pub(super) async fn is_joined(tx: &mut Tx, person: &PersonId) -> Result<bool, Error> {
    Ok(tx.fetch_one(&JOINED, &[Arg::Text(person.as_str())]).await?.is_some())
}

/// Makes one of two people; says why not.
pub(super) async fn join(tx: &mut Tx, gone: &PersonId, kept: &PersonId) -> Result<Result<(), Refusal>, Error> {
    let pair = [Arg::Text(gone.as_str()), Arg::Text(kept.as_str())];
    let [one, _] = pair;
    if tx.fetch(&BOTH_ACTIVE, &pair).await?.len() != 2 {
        return Ok(Err(Refusal::PersonChanged));
    }
    let together = [&IN_ONE_RECORD, &IN_ONE_SEGMENT];
    for statement in together {
        if tx.fetch_one(statement, &pair).await?.is_some() {
            return Ok(Err(Refusal::TwoPeople));
        }
    }
    tx.execute(&RECORDS_CHANGED, &[one]).await?;
    tx.execute(&RECORDS, &pair).await?;
    tx.execute(&SEGMENTS, &pair).await?;
    identifiers(tx, gone, kept).await?;
    tx.execute(&TRAITS, &pair).await?;
    tx.execute(&TRAITS_END, &[one]).await?;
    tx.execute(&REVIEWS_BETWEEN, &pair).await?;
    tx.execute(&REVIEWS_OF, &pair).await?;
    tx.execute(&REVIEWS_WITH, &pair).await?;
    tx.execute(&REVIEWS_TWICE, &[one]).await?;
    tx.execute(&EARLIER, &pair).await?;
    tx.execute(&GOES, &pair).await?;
    Ok(Ok(()))
}

/// Moves identifiers. Only one person holds a number for certain, so those of the one who goes are taken away first.
async fn identifiers(tx: &mut Tx, gone: &PersonId, kept: &PersonId) -> Result<(), Error> {
    let rows = tx.fetch(&IDENTIFIERS, &[Arg::Text(gone.as_str())]).await?;
    tx.execute(&IDENTIFIERS_END, &[Arg::Text(gone.as_str())]).await?;
    for row in rows {
        let (hash, scheme) = (row.bytes(0, "hash")?, row.text(1, "scheme")?);
        let verified = row.int(2, "verified")? != 0;
        let args = [Arg::Bytes(&hash), Arg::Text(kept.as_str()), Arg::Text(&scheme), Arg::Bool(verified)];
        tx.execute(&IDENTIFIER, &args).await?;
    }
    Ok(())
}
