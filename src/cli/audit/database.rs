//! A gateway's live database as a log, read through its configuration.
//!
//! Owns opening it and one moment in time: the log may grow while it is read, and is judged by the checkpoint seen first.
//! Reading itself is the store's ([`StoredLog`]).

use super::{Opened, unreadable};
use crate::audit::tile::TileId;
use crate::audit::{Checkpoint, LogSource, Note, Origin, Signer, SourceError, Stored};
use crate::cli::{Exit, read_input};
use crate::config::Gateway;
use crate::diagnostic::{Diagnostic, code};
use crate::store::{Db, Keys, LogReader, ShardRow, StoredLog};
use crate::trust::{SigningKey, read_secret};
use std::path::Path;
use tokio::runtime::Runtime;

/// Largest configuration file, in bytes.
const CONFIG_BYTES_MAX: usize = 1024 * 1024;

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
    // Read before the database: the log may grow between the two, but never shrink.
    let mirror = std::fs::read(&gateway.audit.checkpoint_file).ok();
    let reader = LogReader::new(db, origin.clone());
    let shard = runtime.block_on(reader.shard()).map_err(|e| refuse(e.to_string()))?;
    let shard = shard.ok_or_else(|| refuse(format!("the database holds no log {origin}")))?;
    let stored = StoredLog::new(reader.clone(), keys, runtime.handle().clone());
    let source = DatabaseLog { runtime, reader, stored, mirror, shard };
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
