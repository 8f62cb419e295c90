//! Where a log is read from: a database, a directory of tiles, a bundle. The verifier, the prover and the exporters
//! see all of them through [`LogSource`].
//!
//! Owns the trait and the shape of what a source hands over ([`Stored`]). Does no I/O itself; sources live in `store`
//! and `cli`.

use super::entry::Salt;
use super::merkle::{Hash, MerkleError};
use super::note::RetiredKey;
use super::tile::{TileId, TileSource, decode_hashes};
use std::cell::RefCell;

/// A source could not be read. Holds where (a file, a table) and what kind of failure; never content.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SourceError {
    /// File, line or table.
    pub place: String,
    /// What happened there.
    pub problem: String,
}

impl SourceError {
    /// A failure at a place.
    #[must_use]
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// The sealed part of an entry, as far as the source has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SealedPart<'a> {
    /// This source does not carry sealed parts (tiles, a bundle without payloads).
    NotCarried,
    /// Salt and payload were erased, as retention allows.
    Erased,
    /// Both are there.
    Kept {
        /// The salt.
        salt: &'a Salt,
        /// The payload's canonical bytes.
        payload: &'a [u8],
    },
    /// Nothing is stored although the key that seals it is there since before it: it was not erased but taken away.
    Gone,
    /// Something is stored but cannot be opened: altered, or its key is missing.
    Unreadable,
}

/// One stored entry with what the source keeps beside it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Index it is stored under, from 0.
    pub index: u64,
    /// The logged bytes.
    pub entry: &'a [u8],
    /// Leaf hash stored beside the entry.
    pub leaf: Option<Hash>,
    /// Id it is filed under, when the source files by id.
    pub filed_id: Option<&'a str>,
    /// Time it is filed under, milliseconds since 1970 UTC, when the source files by time.
    pub filed_time: Option<i64>,
    /// Whether the index for questions says of it what its sealed part says, when the source keeps one.
    pub index_agrees: Option<bool>,
    /// Its sealed part.
    pub sealed: SealedPart<'a>,
}

impl<'a> Stored<'a> {
    /// An entry with nothing beside it.
    #[must_use]
    pub const fn bare(index: u64, entry: &'a [u8]) -> Self {
        let sealed = SealedPart::NotCarried;
        Self { index, entry, leaf: None, filed_id: None, filed_time: None, index_agrees: None, sealed }
    }
}

/// A log to be read. All methods may be called more than once and see the same log each time.
pub trait LogSource {
    /// The latest signed checkpoint, as bytes of a note; `None` when there is none.
    ///
    /// # Errors
    /// [`SourceError`] when the source cannot be read.
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError>;

    /// Other signed checkpoints of the same log the source keeps, in any order.
    ///
    /// # Errors
    /// [`SourceError`] when the source cannot be read.
    fn checkpoints(&self) -> Result<Vec<Vec<u8>>, SourceError> {
        Ok(Vec::new())
    }

    /// Keys of the log that no longer sign, as far as the source keeps them.
    ///
    /// # Errors
    /// [`SourceError`] when the source cannot be read.
    fn retired_keys(&self) -> Result<Vec<RetiredKey>, SourceError> {
        Ok(Vec::new())
    }

    /// Hands every stored entry to `visit` in the order of its index. Entries that are missing are left out.
    ///
    /// # Errors
    /// [`SourceError`] when the source cannot be read.
    fn entries(&self, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError>;

    /// One stored entry, for a proof. The default goes through all of them.
    ///
    /// # Errors
    /// [`SourceError`] when the source cannot be read.
    fn entry(&self, index: u64, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        self.entries(&mut |stored| {
            if stored.index == index {
                visit(stored);
            }
        })
    }

    /// True when the source stores hash tiles, so that a missing one is a fault.
    fn has_tiles(&self) -> bool {
        false
    }

    /// The stored bytes of a hash tile; `None` when it is not stored.
    ///
    /// # Errors
    /// [`SourceError`] when the source cannot be read.
    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, SourceError> {
        let _ = tile;
        Ok(None)
    }
}

/// A source's tiles for proofs. A read failure is kept and can be asked for afterwards.
pub struct StoredTiles<'a, S: LogSource + ?Sized> {
    source: &'a S,
    failure: RefCell<Option<SourceError>>,
}

impl<'a, S: LogSource + ?Sized> StoredTiles<'a, S> {
    /// The tiles of `source`.
    #[must_use]
    pub const fn new(source: &'a S) -> Self {
        Self { source, failure: RefCell::new(None) }
    }
    /// The read failure behind a missing hash, if there was one.
    pub fn take_failure(&self) -> Option<SourceError> {
        self.failure.borrow_mut().take()
    }
}

impl<S: LogSource + ?Sized> TileSource for StoredTiles<'_, S> {
    fn tile(&self, tile: TileId) -> Result<Vec<Hash>, MerkleError> {
        let absent = MerkleError::Missing { level: 0, position: tile.start() };
        let bytes = match self.source.tile(tile) {
            Ok(bytes) => bytes.ok_or(absent)?,
            Err(failure) => {
                *self.failure.borrow_mut() = Some(failure);
                return Err(absent);
            }
        };
        decode_hashes(&bytes, tile.width).map_err(|_| absent)
    }
}
