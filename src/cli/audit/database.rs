//! A gateway's live database as a log, read through its configuration.
//!
//! Owns opening it and one moment in time: the log may grow while it is read, and is judged by the checkpoint seen first.
//! Reading itself is the store's ([`StoredLog`]).

use super::{Opened, unreadable};
use crate::audit::tile::TileId;
use crate::audit::{Checkpoint, LogSource, Note, Origin, SourceError, Stored};
use crate::cli::{Exit, configuration, store};
use crate::diagnostic::code;
use crate::store::{LogReader, ShardRow, StoredLog};
use std::path::Path;
use tokio::runtime::Runtime;

/// Opens the log of the gateway configured in `file`.
pub(super) fn open(file: &Path) -> Result<Opened, Exit> {
    let name = file.display().to_string();
    let refuse = |problem: String| unreadable(&SourceError::new(name.clone(), problem));
    let gateway = configuration::load(file)?;
    let origin = Origin::parse(&gateway.origin).map_err(|e| refuse(e.to_string()))?;
    // Without the signing key the verifier's own key must be given.
    let vkey = store::signer(&gateway).ok().map(|signer| signer.vkey().clone());
    let runtime = Runtime::new().map_err(|e| Exit::Internal(e.to_string()))?;
    let db = runtime.block_on(store::open_existing(&gateway))?;
    let keys = if gateway.store.key_file.exists() { Some(store::keys(&gateway, code::STORE_KEY)?) } else { None };
    // Read before the database: the log may grow between the two, but never shrink.
    let mirror = std::fs::read(&gateway.audit.checkpoint_file).ok();
    let reader = LogReader::new(db, origin.clone());
    let shard = runtime.block_on(reader.shard()).map_err(|e| refuse(e.to_string()))?;
    let shard = shard.ok_or_else(|| refuse(format!("the database holds no log {origin}")))?;
    let stored = StoredLog::new(reader.clone(), keys, runtime.handle().clone());
    let source = DatabaseLog { runtime, reader, stored, mirror, shard };
    Ok(Opened { source: Box::new(source), name, vkey })
}

struct DatabaseLog {
    runtime: Runtime,
    reader: LogReader,
    stored: StoredLog,
    /// The checkpoint kept outside the database: the newest there was.
    mirror: Option<Vec<u8>>,
    /// The log's end when it was opened, so that everything is judged by one checkpoint.
    shard: ShardRow,
}

impl DatabaseLog {
    /// True when the gateway has signed a larger log since this one was opened: what is new is not judged.
    fn has_grown(&self) -> Result<bool, SourceError> {
        let now = self.runtime.block_on(self.reader.shard());
        let now = now.map_err(|e| SourceError::new("the database", e.to_string()))?;
        Ok(now.is_some_and(|shard| shard.size > self.shard.size))
    }
}

impl LogSource for DatabaseLog {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(Some(self.shard.note.clone().into_bytes()))
    }

    fn checkpoints(&self) -> Result<Vec<Vec<u8>>, SourceError> {
        let mut notes = self.stored.checkpoints()?;
        // A larger one without growth stays: it shows that the log was set back.
        if self.has_grown()? {
            let size = |note: &[u8]| Checkpoint::parse(Note::parse(note).ok()?.text()).ok().map(|c| c.size);
            notes.retain(|note| size(note).is_none_or(|size| size <= self.shard.size));
        }
        notes.extend(self.mirror.clone());
        Ok(notes)
    }

    fn entries(&self, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        let mut grown = None;
        let mut failure = None;
        self.stored.entries(&mut |stored| {
            if stored.index >= self.shard.size {
                match grown.get_or_insert_with(|| self.has_grown()) {
                    Ok(false) => {}
                    Ok(true) => return,
                    Err(error) => failure = Some(error.clone()),
                }
            }
            visit(stored);
        })?;
        failure.map_or(Ok(()), Err)
    }

    fn entry(&self, index: u64, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        self.stored.entry(index, visit)
    }

    fn has_tiles(&self) -> bool {
        self.stored.has_tiles()
    }

    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, SourceError> {
        self.stored.tile(tile)
    }
}
