//! The keys of a log that no longer sign.
//!
//! Owns one row for each: the key and the checkpoint at which it ended, signed by it and by its successor. Believes
//! nothing: whoever reads them checks them with a key that is trusted (`audit::note::Keyring`).

use super::Error;
use super::commit::append::number;
use super::db::{Arg, Db, Row, Tx, statements};
use super::log::count;
use crate::audit::note::RetiredKey;
use crate::audit::{Origin, Vkey};
use crate::clock::Moment;

statements! {
    RETIRED_PUT = "INSERT INTO log_key (origin, vkey, size, note, retired_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (origin, vkey) DO UPDATE SET size = excluded.size, note = excluded.note, retired_at = excluded.retired_at";
    RETIRED = "SELECT vkey, size, note, retired_at FROM log_key WHERE origin = $1 ORDER BY size, vkey";
}

/// A retired key as it is stored.
#[derive(Clone, Debug)]
pub struct RetiredRow {
    /// The key and its last checkpoint.
    pub key: RetiredKey,
    /// The size at which it ended.
    pub size: u64,
    /// When.
    pub at: Moment,
}

impl Db {
    /// The keys of a log that no longer sign, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Corrupt`] when one is not a key.
    pub async fn retired_keys(&self, origin: &Origin) -> Result<Vec<RetiredRow>, Error> {
        self.fetch(&RETIRED, &[Arg::Text(origin.as_str())]).await?.iter().map(one).collect()
    }
}

fn one(row: &Row) -> Result<RetiredRow, Error> {
    let vkey = Vkey::parse(&row.text(0, "vkey")?).map_err(|_| Error::Corrupt { at: "log keys", what: "a key" })?;
    Ok(RetiredRow {
        key: RetiredKey { vkey, note: row.text(2, "note")?.into_bytes() },
        size: count(row, 1)?,
        at: Moment::from_millis(row.int(3, "retired_at")?),
    })
}

/// Writes that a key ended with this checkpoint.
pub(super) async fn retire(tx: &mut Tx, origin: &Origin, vkey: &Vkey, end: (u64, &str, Moment)) -> Result<(), Error> {
    let (size, note, at) = end;
    let vkey = vkey.to_string();
    let args =
        [Arg::Text(origin.as_str()), Arg::Text(&vkey), Arg::Int(number(size)), Arg::Text(note), Arg::Int(at.millis())];
    tx.execute(&RETIRED_PUT, &args).await.map(drop)
}
