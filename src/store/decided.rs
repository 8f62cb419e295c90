//! What past decisions were made from: the question of each entry, sealed, and the sets of sharing rules that decided.
//!
//! Owns keeping them in the transaction of the entry, and finding them again. Does not know what is in them: `exchange`
//! writes and reads the question, `sharing` the rules. Erasing what the log holds of a person erases the questions too.

use super::Error;
use super::db::{Arg, Db, Row, Tx, statements};
use super::keys::{Digest, Keys};
use crate::clock::Moment;
use crate::config::Files;
use crate::ident::EntryId;
use std::collections::BTreeMap;

statements! {
    KEEP = "INSERT INTO decided (entry, body) VALUES ($1, $2)";
    OF = "SELECT body FROM decided WHERE entry = $1";
    ERASE = "DELETE FROM decided WHERE entry IN (SELECT id FROM log_entry WHERE origin = $1 AND key_ref = $2)";
    KEEP_RULES = "INSERT INTO policy_set (version, files, first_used) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING";
    RULES = "SELECT files FROM policy_set WHERE version = $1";
}

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

pub(super) async fn keep(tx: &mut Tx, keys: &Keys, entry: &EntryId, body: &[u8]) -> Result<(), Error> {
    let sealed = keys.seal_whole(&context(entry), body)?;
    tx.execute(&KEEP, &[Arg::Text(entry.as_str()), Arg::Bytes(&sealed)]).await.map(drop)
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
