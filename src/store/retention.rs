//! Erasing what the log holds of a person: the key that seals the entries about them goes, the entries stay.
//!
//! Owns the erasure of audit keys and the list of those old enough for it. The tree is not touched: every leaf, tile and
//! checkpoint verifies as before. Whether something may be erased is for `exchange` to decide.
//!
//! # Source
//! Solent audit paper §3 and §9 (crypto-shredding).

use super::Error;
use super::db::{Arg, Db, Tx, statements};
use super::{decided, entry_index, join};
use crate::audit::Origin;
use crate::clock::Moment;

statements! {
    KEY_ERASE = "DELETE FROM audit_key WHERE origin = $1 AND subject = $2";
    // A sealed part without its key is noise; it goes too, so that the database shrinks.
    SEALED_ERASE = "UPDATE log_entry SET sealed = NULL WHERE origin = $1 AND key_ref = $2";
    SEALED_COUNT = "SELECT COUNT(*) FROM log_entry WHERE origin = $1 AND (key_ref = $2 OR key_ref IN (SELECT id FROM person WHERE joined_to = $2)) AND sealed IS NOT NULL";
    KEYS_DUE = "SELECT k.subject FROM audit_key k WHERE k.origin = $1 AND k.created_at < $2 AND NOT EXISTS (SELECT 1 FROM log_entry e WHERE e.origin = k.origin AND e.key_ref = k.subject AND e.time >= $2) ORDER BY k.subject LIMIT $3";
}

impl Db {
    /// How many entries a key still opens, with those of whoever was joined into its person.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn sealed_with(&self, origin: &Origin, key: &str) -> Result<i64, Error> {
        let args = [Arg::Text(origin.as_str()), Arg::Text(key)];
        self.fetch_one(&SEALED_COUNT, &args).await?.map_or(Ok(0), |row| row.int(0, "count"))
    }

    /// Keys all of whose entries are older than `before`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn keys_due(&self, origin: &Origin, before: Moment, limit: i64) -> Result<Vec<String>, Error> {
        let args = [Arg::Text(origin.as_str()), Arg::Int(before.millis()), Arg::Int(limit)];
        self.fetch(&KEYS_DUE, &args).await?.iter().map(|row| row.text(0, "subject")).collect()
    }
}

/// Erases a key with everything it sealed, and those of whoever was joined into this person; false when there is none.
pub(super) async fn erase(tx: &mut Tx, origin: &str, key: &str) -> Result<bool, Error> {
    let mut found = erase_one(tx, origin, key).await?;
    for other in join::into(tx, key).await? {
        found |= erase_one(tx, origin, &other).await?;
    }
    Ok(found)
}

async fn erase_one(tx: &mut Tx, origin: &str, key: &str) -> Result<bool, Error> {
    let args = [Arg::Text(origin), Arg::Text(key)];
    if tx.execute(&KEY_ERASE, &args).await? == 0 {
        return Ok(false);
    }
    entry_index::forget(tx, origin, key).await?;
    decided::erase(tx, origin, key).await?;
    tx.execute(&SEALED_ERASE, &args).await?;
    Ok(true)
}
