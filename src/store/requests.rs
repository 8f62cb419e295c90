//! Entries that another process asks the gateway to write: a command beside it may read the log, but has one writer.
//!
//! Owns the table of requests. A request is sealed with the store's key, so that only whoever holds the key can ask; it goes
//! in the transaction that writes its entry, so that it is written once. What may be asked for, `exchange` decides.

use super::Error;
use super::db::{Arg, Db, Tx, statements};
use super::keys::Keys;
use crate::audit::{Draft, Outcome, Payload};
use crate::clock::Moment;
use crate::ident::EntryId;
use serde::{Deserialize, Serialize};

/// Most requests taken at a time; nobody runs that many commands at once.
const TAKEN_MAX: i64 = 16;

statements! {
    ASK = "INSERT INTO log_request (id, origin, body, asked_at) VALUES ($1, $2, $3, $4)";
    ASKED = "SELECT id, body FROM log_request WHERE origin = $1 ORDER BY asked_at, id LIMIT ($2 + 0)";
    IS_ASKED = "SELECT id FROM log_request WHERE id = $1";
    TAKE = "DELETE FROM log_request WHERE id = $1";
}

#[derive(Serialize, Deserialize)]
struct Body {
    outcome: Outcome,
    payload: Payload,
}

impl Db {
    /// Asks the writer of the log `origin` for an entry with this id.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Sealed`].
    pub async fn ask_entry(
        &self,
        keys: &Keys,
        origin: &str,
        id: &EntryId,
        draft: &Draft,
        now: Moment,
    ) -> Result<(), Error> {
        let body = Body { outcome: draft.outcome(), payload: draft.payload().clone() };
        let body = serde_json::to_vec(&body).map_err(|_| Error::Corrupt { at: "log request", what: "body" })?;
        let sealed = keys.seal_whole(&context(origin, id), &body)?;
        let mut tx = self.begin().await?;
        let args = [Arg::Text(id.as_str()), Arg::Text(origin), Arg::Bytes(&sealed), Arg::Int(now.millis())];
        tx.execute(&ASK, &args).await?;
        tx.commit().await
    }

    /// Whether a request still waits: false once its entry is durable.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn is_asked(&self, id: &EntryId) -> Result<bool, Error> {
        Ok(self.fetch_one(&IS_ASKED, &[Arg::Text(id.as_str())]).await?.is_some())
    }

    /// Takes a request back.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn withdraw_entry(&self, id: &EntryId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        take(&mut tx, id).await?;
        tx.commit().await
    }

    /// What waits to be written into the log `origin`, oldest first. One that cannot be opened was not made with this key:
    /// its draft is `None`.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn asked_entries(&self, keys: &Keys, origin: &str) -> Result<Vec<(EntryId, Option<Draft>)>, Error> {
        let rows = self.fetch(&ASKED, &[Arg::Text(origin), Arg::Int(TAKEN_MAX)]).await?;
        rows.iter()
            .map(|row| {
                let id = EntryId::new(row.text(0, "id")?);
                let opened = keys.open_whole(&context(origin, &id), &row.bytes(1, "body")?).ok();
                let body: Option<Body> = opened.and_then(|bytes| serde_json::from_slice(&bytes).ok());
                let draft = body.map(|b| Draft::new(b.outcome, b.payload).with_id(id.clone()));
                Ok((id, draft))
            })
            .collect()
    }
}

fn context(origin: &str, id: &EntryId) -> String {
    format!("log request {origin} {id}")
}

/// Removes a request; false when it is not there.
pub(super) async fn take(tx: &mut Tx, id: &EntryId) -> Result<bool, Error> {
    Ok(tx.execute(&TAKE, &[Arg::Text(id.as_str())]).await? == 1)
}
