//! Cosignatures of witnesses on this log's checkpoints.
//!
//! Owns one row for each witness and size: the checkpoint as the log signed it, and the witness's line. Believes nothing:
//! whoever keeps one has verified it.

use super::Error;
use super::db::{Arg, Db, Row, Tx, statements};
use super::log::count;
use crate::audit::Origin;
use std::collections::BTreeMap;

/// Newest cosignatures looked at to find the newest checkpoint with enough of them: some hours of many witnesses.
const NEWEST_MAX: i64 = 256;

/// A verified cosignature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cosignature {
    /// The witness's name.
    pub witness: String,
    /// Size of the tree it saw.
    pub size: u64,
    /// The checkpoint as signed by the log: the note without cosignatures.
    pub note: String,
    /// Its line, ended by a newline.
    pub line: String,
    /// When it says it saw it, Unix seconds.
    pub seconds: i64,
}

statements! {
    PUT = "INSERT INTO cosignature (origin, witness, size, note, line, seconds) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (origin, witness, size) DO UPDATE SET note = excluded.note, line = excluded.line, seconds = excluded.seconds";
    NEWEST = "SELECT witness, size, note, line, seconds FROM cosignature WHERE origin = $1 ORDER BY size DESC, witness LIMIT $2";
    OF_WITNESS = "SELECT witness, size, note, line, seconds FROM cosignature WHERE origin = $1 AND witness = $2 ORDER BY size DESC LIMIT 1";
}

impl Db {
    /// The newest cosignature of a witness; `None` when it never gave one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn cosignature_of(&self, origin: &Origin, witness: &str) -> Result<Option<Cosignature>, Error> {
        let args = [Arg::Text(origin.as_str()), Arg::Text(witness)];
        self.fetch_one(&OF_WITNESS, &args).await?.map(|row| one(&row)).transpose()
    }

    /// Cosigned checkpoints, newest first, with how many witnesses cosigned each.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn cosigned(&self, origin: &Origin) -> Result<Vec<(u64, usize, String)>, Error> {
        let rows = self.fetch(&NEWEST, &[Arg::Text(origin.as_str()), Arg::Int(NEWEST_MAX)]).await?;
        let mut notes: BTreeMap<u64, (usize, String)> = BTreeMap::new();
        for row in &rows {
            let found = one(row)?;
            let (number, note) = notes.entry(found.size).or_insert_with(|| (0, found.note.clone()));
            *number = number.saturating_add(1);
            note.push_str(&found.line);
        }
        Ok(notes.into_iter().rev().map(|(size, (number, note))| (size, number, note)).collect())
    }
}

fn one(row: &Row) -> Result<Cosignature, Error> {
    Ok(Cosignature {
        witness: row.text(0, "witness")?,
        size: count(row, 1)?,
        note: row.text(2, "note")?,
        line: row.text(3, "line")?,
        seconds: row.int(4, "seconds")?,
    })
}

/// Keeps a cosignature; a newer one of the same witness for the same size replaces it.
pub(super) async fn put(tx: &mut Tx, origin: &str, kept: &Cosignature) -> Result<(), Error> {
    let args = [
        Arg::Text(origin),
        Arg::Text(&kept.witness),
        Arg::Int(i64::try_from(kept.size).unwrap_or(i64::MAX)),
        Arg::Text(&kept.note),
        Arg::Text(&kept.line),
        Arg::Int(kept.seconds),
    ];
    tx.execute(&PUT, &args).await.map(drop)
}
