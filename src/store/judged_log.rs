//! A live log judged at one moment: it may grow while it is read, and is judged by the checkpoint seen first.
//!
//! Owns that moment and what others kept of the log outside the database; reading itself is [`StoredLog`]. As that, it must
//! be used from a thread that may block.

use super::Error;
use super::keys::Keys;
use super::log::{LogReader, ShardRow};
use super::stored_log::{StoredLog, wait_for};
use crate::audit::note::RetiredKey;
use crate::audit::tile::TileId;
use crate::audit::{Checkpoint, LogSource, Note, SourceError, Stored};
use tokio::runtime::Handle;

/// A gateway's own log as it stood when this was made.
pub struct JudgedLog {
    runtime: Handle,
    reader: LogReader,
    stored: StoredLog,
    /// The checkpoint kept outside the database: the newest there was.
    mirror: Option<Vec<u8>>,
    /// The log's end when it was opened, so that everything is judged by one checkpoint.
    shard: ShardRow,
}

impl JudgedLog {
    /// The log of `reader`, now; `None` when the database holds no such log. The mirror must have been read before: the log
    /// may grow between the two, but never shrink.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn open(
        reader: LogReader,
        keys: Option<Keys>,
        mirror: Option<Vec<u8>>,
        runtime: Handle,
    ) -> Result<Option<Self>, Error> {
        let Some(shard) = reader.shard().await? else { return Ok(None) };
        let stored = StoredLog::new(reader.clone(), keys, runtime.clone());
        Ok(Some(Self { runtime, reader, stored, mirror, shard }))
    }

    /// The log's end when it was opened.
    #[must_use]
    pub const fn shard(&self) -> &ShardRow {
        &self.shard
    }

    /// True when the gateway has signed a larger log since this one was opened: what is new is not judged.
    fn has_grown(&self) -> Result<bool, SourceError> {
        let reader = self.reader.clone();
        let now = wait_for(&self.runtime, async move { reader.shard().await });
        let now = now.map_err(|e| SourceError::new("the database", e.to_string()))?;
        Ok(now.is_some_and(|shard| shard.size > self.shard.size))
    }
}

impl LogSource for JudgedLog {
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

    fn retired_keys(&self) -> Result<Vec<RetiredKey>, SourceError> {
        self.stored.retired_keys()
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
