//! Watching: what was turned away before any story began, and the public face of the log.

use super::{Failure, Gateway};
use crate::audit::note::Origin;
use crate::audit::payload::{Client, Payload};
use crate::audit::tile::{TileId, TileKind, encode_hashes};
use crate::audit::{Draft, Event, Outcome};
use crate::ident::SystemId;
use crate::store::{Job, LogReader, Standing};

impl Gateway {
    /// Logs a connection or request that was refused by its certificate. Best effort: nothing was released, so a log
    /// that cannot be written changes nothing for the one refused.
    pub async fn turned_away(
        &self,
        claimed: Option<SystemId>,
        certificate: Option<String>,
        request: Option<String>,
        reason: &'static str,
    ) {
        let mut payload = Payload::new(Event::LoginFail);
        payload.client = Some(Client { system: claimed, certificate, zone: None, request });
        payload.reason = Some(reason.to_owned());
        if self.committer.commit(Job::new(Draft::new(Outcome::Deny, payload))).await.is_err() {
            tracing::error!(reason, "a refusal could not be logged");
        }
    }

    /// The newest signed checkpoint of a shard.
    ///
    /// # Errors
    /// [`Failure::NotFound`], [`Failure::Store`].
    pub async fn checkpoint(&self, shard: &str) -> Result<Vec<u8>, Failure> {
        let reader = self.shard(shard)?;
        let row = reader.shard().await?.ok_or(Failure::NotFound)?;
        let newest = self.db.cosigned(reader.log()).await?.into_iter().next();
        // The same checkpoint with the cosignatures there are.
        let cosigned = newest.filter(|(size, _, note)| *size == row.size && note.starts_with(&row.note));
        Ok(cosigned.map_or(row.note, |(_, _, note)| note).into_bytes())
    }

    /// A hash tile, by its C2SP path after `tile/`. Entry bundles are not public (audit paper §3).
    ///
    /// # Errors
    /// [`Failure::NotFound`] for another kind of tile, and for one not there (yet).
    pub async fn tile(&self, shard: &str, path: &str) -> Result<Vec<u8>, Failure> {
        let id = TileId::parse(&format!("tile/{path}")).map_err(|_| Failure::NotFound)?;
        let TileKind::Hashes(level) = id.kind else { return Err(Failure::NotFound) };
        let hashes = self.shard(shard)?.tile(level, id.index).await?.ok_or(Failure::NotFound)?;
        let wanted = hashes.get(..usize::from(id.width)).ok_or(Failure::NotFound)?;
        Ok(encode_hashes(wanted))
    }

    pub(super) fn shard(&self, name: &str) -> Result<LogReader, Failure> {
        let own = self.config().origin.as_str();
        if name != own && own.rsplit('/').next() != Some(name) {
            return Err(Failure::NotFound);
        }
        let origin = Origin::parse(own).map_err(|_| Failure::Inconsistent("the log's origin"))?;
        Ok(LogReader::new(self.db.clone(), origin))
    }

    /// What keeps the gateway from working, in words; empty means ready.
    pub async fn unready(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        match self.committer.standing() {
            Standing::Writing => {}
            Standing::Failing => missing.push("the audit log cannot be written"),
            Standing::Lost => missing.push("the audit log is not being written: restart after looking at the database"),
            Standing::Condemned => missing.push("the audit log is not what was signed: nothing is released"),
        }
        if self.db.ping().await.is_err() {
            missing.push("the database does not answer");
        }
        if self.is_disputed() {
            missing.push("a witness holds another or a larger tree of this log: it may have been set back");
        }
        missing
    }
}
