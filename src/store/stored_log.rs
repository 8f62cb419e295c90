//! A stored log as `audit` reads one: the verifier, the prover and the exporters of floor 2 see the database through this.
//!
//! Owns the bridge from their synchronous reading to the database: each call waits for a query on the runtime it was made
//! with, so it must be used from a thread that may block (`spawn_blocking`, a command), never from an async task. When the
//! runtime ends first, what is being read ends as unreadable.

use super::Error;
use super::check::Finding;
use super::entry_index::IndexKeys;
use super::index_check::{Filed, agrees};
use super::keys::{DataKey, Keys};
use super::log::{EntryRow, LogReader};
use crate::audit::note::RetiredKey;
use crate::audit::source::{LogSource, SealedPart, SourceError, Stored};
use crate::audit::tile::{TileId, TileKind};
use crate::audit::verify::{Expected, verify};
use crate::audit::{Hash, Salt, Vkey};
use crate::clock::Moment;
use crate::diagnostic::{Diagnostic, code};
use std::cell::RefCell;
use std::collections::BTreeMap;
use tokio::runtime::Handle;

/// Entries read at a time.
const PAGE: i64 = 1_024;
/// Subjects' keys kept unwrapped while reading: a county's worth of busy subjects.
const SUBJECTS_MAX: usize = 10_000;

/// One log of a database, for `audit`.
pub struct StoredLog {
    reader: LogReader,
    keys: Option<Keys>,
    runtime: Handle,
    subjects: RefCell<BTreeMap<String, Option<(DataKey, Moment)>>>,
    names: Option<IndexKeys>,
}

impl StoredLog {
    /// Reads through `reader` on `runtime`. With keys, sealed parts are opened (and so checked) too.
    #[must_use]
    pub fn new(reader: LogReader, keys: Option<Keys>, runtime: Handle) -> Self {
        let names = keys.as_ref().map(IndexKeys::new);
        Self { reader, keys, runtime, subjects: RefCell::default(), names }
    }

    /// Asks the log with a reader of its own.
    fn wait<T, F>(&self, what: impl FnOnce(LogReader) -> F) -> Result<T, SourceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        wait_for(&self.runtime, what(self.reader.clone())).map_err(|e| SourceError::new("the database", e.to_string()))
    }

    /// Opens a sealed part; each subject's key is fetched once.
    fn open(&self, keys: &Keys, row: &EntryRow) -> Result<Opened, Error> {
        let Some(subject) = row.key_ref() else { return Ok(Opened::Gone) };
        let mut known = self.subjects.borrow_mut();
        if !known.contains_key(subject) {
            if known.len() >= SUBJECTS_MAX {
                known.clear();
            }
            let (db, keys) = (self.reader.db().clone(), keys.clone());
            let (origin, whose) = (row.origin.clone(), subject.to_owned());
            let key = wait_for(&self.runtime, async move { db.subject_key(&keys, &origin, &whose).await })?;
            known.insert(subject.to_owned(), key);
        }
        match known.get(subject) {
            Some(Some((key, made))) => match row.open(key)? {
                Some((salt, payload)) => Ok(Opened::Kept(salt, payload)),
                // A later entry about the same person made this key: what came before it was erased. In the same
                // millisecond it cannot be told, and no false alarm is raised.
                None if *made >= row.time => Ok(Opened::Erased),
                None => Ok(Opened::Gone),
            },
            _ => Ok(Opened::Erased),
        }
    }

    fn show(
        &self,
        row: &EntryRow,
        filed: Option<&Filed>,
        visit: &mut dyn FnMut(Stored<'_>),
    ) -> Result<(), SourceError> {
        let opened = match &self.keys {
            None => None,
            Some(keys) => match self.open(keys, row) {
                Ok(found) => Some(Ok(found)),
                Err(Error::Sealed(_) | Error::Corrupt { .. }) => Some(Err(())),
                Err(error) => return Err(SourceError::new("the database", error.to_string())),
            },
        };
        let sealed = match &opened {
            None => SealedPart::NotCarried,
            Some(Ok(Opened::Erased)) => SealedPart::Erased,
            Some(Ok(Opened::Gone)) => SealedPart::Gone,
            Some(Ok(Opened::Kept(salt, payload))) => SealedPart::Kept { salt, payload },
            Some(Err(())) => SealedPart::Unreadable,
        };
        let index_agrees = match (&self.names, filed, &sealed) {
            (Some(names), Some(filed), SealedPart::Kept { payload, .. }) => Some(agrees(names, filed, row, payload)),
            _ => None,
        };
        visit(Stored {
            index: row.index,
            entry: &row.entry,
            leaf: Hash::from_slice(&row.leaf),
            filed_id: Some(row.id.as_str()),
            filed_time: Some(row.time.millis()),
            index_agrees,
            sealed,
        });
        Ok(())
    }
}

/// Waits for work that is done on the runtime. The runtime may end first, with what is asked of it: then the work is dropped,
/// and that is an answer too.
pub(super) fn wait_for<T, F>(runtime: &Handle, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let (done, told) = std::sync::mpsc::sync_channel(1);
    runtime.spawn(async move { drop(done.send(work.await)) });
    let ended = || Error::Database { at: "log", kind: "the program is ending".to_owned() };
    told.recv().unwrap_or_else(|_| Err(ended()))
}

/// What became of a sealed part.
enum Opened {
    Kept(Salt, Vec<u8>),
    Erased,
    Gone,
}

impl LogSource for StoredLog {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        let shard = self.wait(|log| async move { log.shard().await })?;
        Ok(shard.map(|shard| shard.note.into_bytes()).filter(|note| !note.is_empty()))
    }

    fn checkpoints(&self) -> Result<Vec<Vec<u8>>, SourceError> {
        let kept = self.wait(|log| async move { log.checkpoints().await })?.into_values();
        let cosigned = self.wait(|log| async move { log.db().cosigned(log.origin()).await })?;
        let cosigned = cosigned.into_iter().map(|(_, _, note)| note);
        Ok(kept.chain(cosigned).map(String::into_bytes).collect())
    }

    fn retired_keys(&self) -> Result<Vec<RetiredKey>, SourceError> {
        let rows = self.wait(|log| async move { log.db().retired_keys(log.origin()).await })?;
        Ok(rows.into_iter().map(|row| row.key).collect())
    }

    fn entries(&self, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        let mut next = 0;
        loop {
            let page = self.wait(move |log| async move { log.entries(next, PAGE).await })?;
            let Some(last) = page.last() else { return Ok(()) };
            let from = next;
            next = last.index.saturating_add(1);
            let filed = match &self.names {
                Some(_) => Some(self.wait(move |log| async move { log.filed(from, next).await })?),
                None => None,
            };
            for row in &page {
                self.show(row, filed.as_ref(), visit)?;
            }
        }
    }

    fn entry(&self, index: u64, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        match self.wait(move |log| async move { log.entries(index, 1).await })?.first() {
            Some(row) if row.index == index => self.show(row, None, visit),
            _ => Ok(()),
        }
    }

    fn has_tiles(&self) -> bool {
        true
    }

    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, SourceError> {
        let TileKind::Hashes(level) = tile.kind else { return Ok(None) };
        let hashes = self.wait(move |log| async move { log.tile(level, tile.index).await })?;
        let width = usize::from(tile.width);
        Ok(hashes.and_then(|all| Some(all.get(..width)?.iter().flat_map(|h| h.0).collect())))
    }
}

impl LogReader {
    /// What `audit::verify` says about a log that did not pass the fast check; the fast check's own words when it finds
    /// nothing (the mirror), or cannot read.
    pub(super) async fn explain(&self, keys: &[Vkey], mirror: Option<&[u8]>, found: &[Finding]) -> Vec<Diagnostic> {
        let source = StoredLog::new(self.clone(), None, Handle::current());
        let expected = Expected { keys: keys.to_vec(), held: mirror.map(<[u8]>::to_vec).into_iter().collect() };
        let report = tokio::task::spawn_blocking(move || verify(&source, &expected, &mut |_| {})).await;
        let own = || found.iter().map(Finding::diagnostic).collect();
        match report {
            Ok(Ok(report)) if !report.is_sound() => report.findings.iter().map(|f| f.diagnostic()).collect(),
            Ok(Err(error)) => {
                let mut all: Vec<Diagnostic> = own();
                all.push(Diagnostic::error(code::AUDIT_SOURCE, error.to_string()));
                all
            }
            _ => own(),
        }
    }
}
