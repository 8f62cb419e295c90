//! A gateway's live database as a log, read through its configuration.
//!
//! Owns opening it. One moment in time, and reading, are the store's ([`JudgedLog`]).

use super::{Opened, unreadable};
use crate::audit::note::RetiredKey;
use crate::audit::tile::TileId;
use crate::audit::{LogSource, Origin, SourceError, Stored};
use crate::cli::{Exit, configuration, store};
use crate::diagnostic::code;
use crate::store::{JudgedLog, LogReader};
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
    let opened = runtime.block_on(JudgedLog::open(reader, keys, mirror, runtime.handle().clone()));
    let judged = opened.map_err(|e| refuse(e.to_string()))?;
    let judged = judged.ok_or_else(|| refuse(format!("the database holds no log {origin}")))?;
    Ok(Opened { source: Box::new(DatabaseLog { judged, _runtime: runtime }), name, vkey })
}

/// The log with the runtime its queries wait on.
struct DatabaseLog {
    judged: JudgedLog,
    _runtime: Runtime,
}

impl LogSource for DatabaseLog {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        self.judged.checkpoint()
    }

    fn checkpoints(&self) -> Result<Vec<Vec<u8>>, SourceError> {
        self.judged.checkpoints()
    }

    fn retired_keys(&self) -> Result<Vec<RetiredKey>, SourceError> {
        self.judged.retired_keys()
    }

    fn entries(&self, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        self.judged.entries(visit)
    }

    fn entry(&self, index: u64, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        self.judged.entry(index, visit)
    }

    fn has_tiles(&self) -> bool {
        self.judged.has_tiles()
    }

    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, SourceError> {
        self.judged.tile(tile)
    }
}
