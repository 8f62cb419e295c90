//! A gateway's live database as a log, read through its configuration.
//!
//! Owns the bridge from the store's asynchronous reader to [`LogSource`]. The log may grow while it is read: entries beyond
//! the checkpoint seen first are left out, unless they are there without any newer checkpoint.

use super::{Opened, unreadable};
use crate::audit::tile::{TileId, TileKind, encode_hashes};
use crate::audit::{Hash, LogSource, Origin, SealedPart, Signer, SourceError, Stored};
use crate::cli::{Exit, read_input};
use crate::config::Gateway;
use crate::diagnostic::{Diagnostic, code};
use crate::store::{Db, EntryRow, Error, Keys, LogReader, ShardRow};
use crate::trust::{SigningKey, read_secret};
use std::path::Path;
use tokio::runtime::Runtime;

/// Largest configuration file, in bytes.
const CONFIG_BYTES_MAX: usize = 1024 * 1024;
/// Entries read at a time.
const PAGE: i64 = 4096;

/// Opens the log of the gateway configured in `file`.
pub(super) fn open(file: &Path) -> Result<Opened, Exit> {
    let name = file.display().to_string();
    let refuse = |problem: String| unreadable(&SourceError::new(name.clone(), problem));
    let text = String::from_utf8(read_input(&name, CONFIG_BYTES_MAX)?)
        .map_err(|_| Diagnostic::error(code::CONFIG_FILE, "the file is not UTF-8").with_file(&name))?;
    let folder = std::path::absolute(file).ok().and_then(|path| path.parent().map(Path::to_owned)).unwrap_or_default();
    let gateway = Gateway::parse(&name, &text, &folder).map_err(Exit::Failed)?;
    let origin = Origin::parse(&gateway.origin).map_err(|e| refuse(e.to_string()))?;
    let seed = SigningKey::load(&gateway.audit.signing_key).ok().map(|key| key.seed());
    let vkey = seed.and_then(|seed| Signer::log(origin.clone(), &seed).ok()).map(|signer| signer.vkey().clone());
    let runtime = Runtime::new().map_err(|e| Exit::Internal(e.to_string()))?;
    let db = runtime.block_on(open_store(&gateway))?;
    let keys = if gateway.store.key_file.exists() {
        Some(Keys::load(&gateway.store.key_file).map_err(|e| refuse(format!("the store's key: {e}")))?)
    } else {
        None
    };
    let mirror = std::fs::read(&gateway.audit.checkpoint_file).ok();
    let reader = LogReader::new(db.clone(), origin.clone());
    let shard = runtime.block_on(reader.shard()).map_err(|e| refuse(e.to_string()))?;
    let shard = shard.ok_or_else(|| refuse(format!("the database holds no log {origin}")))?;
    let source = DatabaseLog { runtime, db, reader, keys, mirror, shard, name: name.clone() };
    Ok(Opened { source: Box::new(source), name, vkey })
}

/// Opens the configured database; never makes one.
async fn open_store(gateway: &Gateway) -> Result<Db, Exit> {
    let url = &gateway.store.database_url;
    if url.strip_prefix("sqlite:").is_some_and(|path| !Path::new(path.strip_prefix("//").unwrap_or(path)).is_file()) {
        return Err(unreadable(&SourceError::new("store.database_url", "there is no such database file")));
    }
    let password = match &gateway.store.password_file {
        Some(file) => {
            Some(read_secret(file).map_err(|e| unreadable(&SourceError::new("store.password_file", e.to_string())))?)
        }
        None => None,
    };
    let password = password.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::trim_end);
    let opened = Db::open(url, password).await;
    opened.map_err(|e| unreadable(&SourceError::new("store.database_url", e.to_string())))
}

struct DatabaseLog {
    runtime: Runtime,
    db: Db,
    reader: LogReader,
    keys: Option<Keys>,
    /// The checkpoint kept outside the database: the newest there was.
    mirror: Option<Vec<u8>>,
    /// The log's end when it was opened, so that everything is judged by one checkpoint.
    shard: ShardRow,
    name: String,
}

/// The sealed part of a row, owned.
enum Sealed {
    NotCarried,
    Erased,
    Unreadable,
    Kept(crate::audit::Salt, Vec<u8>),
}

impl DatabaseLog {
    fn failed(&self, error: &Error) -> SourceError {
        SourceError::new(self.name.clone(), error.to_string())
    }

    fn page(&self, from: u64, limit: i64) -> Result<Vec<EntryRow>, SourceError> {
        self.runtime.block_on(self.reader.entries(from, limit)).map_err(|e| self.failed(&e))
    }

    fn sealed(&self, row: &EntryRow) -> Result<Sealed, SourceError> {
        let Some(keys) = &self.keys else { return Ok(Sealed::NotCarried) };
        match self.runtime.block_on(self.db.payload(keys, row)) {
            Ok(Some((salt, payload))) => Ok(Sealed::Kept(salt, payload)),
            Ok(None) => Ok(Sealed::Erased),
            Err(error @ Error::Database { .. }) => Err(self.failed(&error)),
            // Anything else says that the bytes are there and do not open.
            Err(_) => Ok(Sealed::Unreadable),
        }
    }

    fn hand_over(&self, row: &EntryRow, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        let sealed = self.sealed(row)?;
        visit(Stored {
            index: row.index,
            entry: &row.entry,
            // A stored hash of the wrong length is a wrong hash.
            leaf: Some(Hash::from_slice(&row.leaf).unwrap_or_default()),
            filed_id: Some(row.id.as_str()),
            filed_time: Some(row.time.millis()),
            sealed: match &sealed {
                Sealed::NotCarried => SealedPart::NotCarried,
                Sealed::Erased => SealedPart::Erased,
                Sealed::Unreadable => SealedPart::Unreadable,
                Sealed::Kept(salt, payload) => SealedPart::Kept { salt, payload },
            },
        });
        Ok(())
    }

    /// How far to read: to the end seen first, or, when nothing newer is signed by now, to whatever is there.
    fn end(&self) -> Result<u64, SourceError> {
        let now = self.runtime.block_on(self.reader.shard()).map_err(|e| self.failed(&e))?;
        let grown = now.is_some_and(|shard| shard.size > self.shard.size);
        Ok(if grown { self.shard.size } else { u64::MAX })
    }
}

impl LogSource for DatabaseLog {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(Some(self.shard.note.clone().into_bytes()))
    }

    fn checkpoints(&self) -> Result<Vec<Vec<u8>>, SourceError> {
        let kept = self.runtime.block_on(self.reader.checkpoints()).map_err(|e| self.failed(&e))?;
        let seen_first = kept.into_iter().filter(|(size, _)| *size <= self.shard.size);
        let mut notes: Vec<Vec<u8>> = seen_first.map(|(_, note)| note.into_bytes()).collect();
        notes.extend(self.mirror.clone());
        Ok(notes)
    }

    fn entries(&self, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        let mut from = 0;
        loop {
            let rows = self.page(from, PAGE)?;
            let Some(last) = rows.last() else { return Ok(()) };
            from = last.index.saturating_add(1);
            let end = if from > self.shard.size { self.end()? } else { u64::MAX };
            for row in rows.iter().filter(|row| row.index < end) {
                self.hand_over(row, visit)?;
            }
        }
    }

    fn entry(&self, index: u64, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        match self.page(index, 1)?.first() {
            Some(row) if row.index == index => self.hand_over(row, visit),
            _ => Ok(()),
        }
    }

    fn has_tiles(&self) -> bool {
        true
    }

    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, SourceError> {
        let TileKind::Hashes(level) = tile.kind else { return Ok(None) };
        let hashes = self.runtime.block_on(self.reader.tile(level, tile.index)).map_err(|e| self.failed(&e))?;
        Ok(hashes.map(|mut hashes| {
            // The log may have grown since it was opened; what was there then does not change.
            hashes.truncate(usize::from(tile.width));
            encode_hashes(&hashes)
        }))
    }
}
