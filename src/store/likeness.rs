//! How two people of the index are alike: which identifiers and traits both have, and whether they agree.
//!
//! Owns the comparison for a reviewer of a doubtful match. Values are keyed hashes here: what they are is not known, only
//! whether they are the same.

use super::Error;
use super::db::{Arg, Db, statements};
use crate::ident::PersonId;
use std::collections::{BTreeMap, BTreeSet};

/// One thing two people both have.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Likeness {
    /// The scheme of an identifier, or `birth`, `name`, `both` (name and birth date together).
    pub what: String,
    /// Whether it is the same.
    pub agrees: bool,
}

statements! {
    IDENTIFIERS = "SELECT scheme, hash FROM person_identifier WHERE person = $1";
    TRAITS = "SELECT kind, hash FROM person_trait WHERE person = $1 AND kind <> 'home'";
}

impl Db {
    /// What two people both have, in order of its name.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn likeness(&self, one: &PersonId, other: &PersonId) -> Result<Vec<Likeness>, Error> {
        let (first, second) = (self.marks(one).await?, self.marks(other).await?);
        let both = first.iter().filter_map(|(what, hashes)| Some((what, hashes, second.get(what)?)));
        let likeness = both.map(|(what, hashes, others)| Likeness {
            what: what.clone(),
            agrees: hashes.intersection(others).next().is_some(),
        });
        Ok(likeness.collect())
    }

    async fn marks(&self, person: &PersonId) -> Result<BTreeMap<String, BTreeSet<Vec<u8>>>, Error> {
        let mut found: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for (statement, what) in [(&IDENTIFIERS, "scheme"), (&TRAITS, "kind")] {
            for row in self.fetch(statement, &[Arg::Text(person.as_str())]).await? {
                found.entry(row.text(0, what)?).or_default().insert(row.bytes(1, "hash")?);
            }
        }
        Ok(found)
    }
}
