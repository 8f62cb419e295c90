//! What past decisions were made from: the question of each entry, sealed, and the sets of sharing rules that decided.
//!
//! Owns keeping them in the transaction of the entry, and finding them again. Does not know what is in them: `exchange`
//! writes and reads the question, `sharing` the rules. Erasing what the log holds of a person erases the questions too.

use super::Error;
use super::bulk::Bulk;
use super::db::{Arg, Db, Row, Tx, statements};
use super::keys::{Digest, Keys, Sealed};
use crate::clock::Moment;
use crate::config::Files;
use crate::ident::EntryId;
use std::collections::BTreeMap;

statements! {
    OF = "SELECT body FROM decided WHERE entry = $1";
    ERASE = "DELETE FROM decided WHERE entry IN (SELECT id FROM log_entry WHERE origin = $1 AND key_ref = $2)";
    KEEP_RULES = "INSERT INTO policy_set (version, files, first_used) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING";
    RULES = "SELECT files FROM policy_set WHERE version = $1";
}

static KEEP: Bulk = Bulk::new("decided insert", "INSERT INTO decided (entry, body)", 2, "");

impl Db {
    /// What the decision of an entry was made from; `None` for an entry without one, or an erased one.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::Database`].
    pub async fn decided(&self, keys: &Keys, entry: &EntryId) -> Result<Option<Vec<u8>>, Error> {
        let row = self.fetch_one(&OF, &[Arg::Text(entry.as_str())]).await?;
        let open = |row: Row| Ok(keys.open_whole(&context(entry), &row.bytes(0, "body")?)?);
        row.map(open).transpose()
    }

    /// The sharing rules of a version that has decided something.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Database`].
    pub async fn rules_of(&self, version: &str) -> Result<Option<Files>, Error> {
        let Some(row) = self.fetch_one(&RULES, &[Arg::Text(version)]).await? else { return Ok(None) };
        let files: BTreeMap<String, String> = serde_json::from_str(&row.text(0, "files")?)
            .map_err(|_| Error::Corrupt { at: "policy_set", what: "files" })?;
        let mut found = Files::default();
        files.into_iter().for_each(|(name, text)| found.insert(name, text.into_bytes()));
        Ok(Some(found))
    }
}

/// The keyed digest of a question, for its entry to hold.
#[must_use]
pub fn decided_digest(keys: &Keys, body: &[u8]) -> Digest {
    keys.hash("decided", body)
}

/// A question sealed, outside the committer.
pub(super) fn seal(keys: &Keys, entry: &EntryId, body: &[u8]) -> Result<Sealed, Error> {
    Ok(keys.seal(&context(entry), body)?)
}

/// Writes questions, each with the entry of its decision.
pub(super) async fn keep(tx: &mut Tx, all: &[(&EntryId, &Sealed)]) -> Result<(), Error> {
    let whole = |sealed: &Sealed| [sealed.wrapped_key.as_slice(), sealed.content.as_slice()].concat();
    let bodies: Vec<(&EntryId, Vec<u8>)> = all.iter().map(|(entry, sealed)| (*entry, whole(sealed))).collect();
    let args: Vec<Arg<'_>> =
        bodies.iter().flat_map(|(entry, body)| [Arg::Text(entry.as_str()), Arg::Bytes(body)]).collect();
    KEEP.insert(tx, &args).await.map(drop)
}

pub(super) async fn keep_rules(tx: &mut Tx, version: &str, files: &str, now: Moment) -> Result<(), Error> {
    tx.execute(&KEEP_RULES, &[Arg::Text(version), Arg::Text(files), Arg::Int(now.millis())]).await.map(drop)
}

/// Erases the questions of the entries sealed with a key.
pub(super) async fn erase(tx: &mut Tx, origin: &str, key: &str) -> Result<(), Error> {
    tx.execute(&ERASE, &[Arg::Text(origin), Arg::Text(key)]).await.map(drop)
}

fn context(entry: &EntryId) -> String {
    format!("decided {entry}")
}
