//! The hash tiles a source stores, and which of them are wrong.
//!
//! Owns [`StoredHashes`]. Level 0 serves as the record of what was logged; every level is checked against the tree.

use super::{Finding, FindingKind};
use crate::audit::merkle::{Hash, NodeSource as _, Tree};
use crate::audit::source::{LogSource, SourceError};
use crate::audit::tile::{TileId, TileKind, hash_tiles};

/// The tiles a source stores.
#[derive(Default)]
pub(super) struct StoredHashes {
    /// Level 0 in order, with a hash of zeros where a tile is missing or has the wrong length.
    pub(super) leaves: Vec<Hash>,
    /// Every hash of the level is there.
    pub(super) complete: bool,
    /// Tiles that differ from those of the entries found: decided once it is known which are right.
    upper: Vec<(TileId, Option<Vec<u8>>)>,
    pub(super) findings: Vec<Finding>,
}

impl StoredHashes {
    pub(super) fn read<S: LogSource + ?Sized>(source: &S, size: u64) -> Result<Option<Self>, SourceError> {
        if !source.has_tiles() || size == 0 {
            return Ok(None);
        }
        let mut this = Self { complete: true, ..Self::default() };
        for tile in hash_tiles(size) {
            let bytes = source.tile(tile)?;
            if tile.kind != TileKind::Hashes(0) {
                this.upper.push((tile, bytes));
                continue;
            }
            let width = usize::from(tile.width);
            let (found, rest) = bytes.as_deref().unwrap_or_default().as_chunks::<32>();
            let whole = found.len() == width && rest.is_empty();
            if bytes.is_none() {
                this.findings.push(Finding { index: None, id: None, kind: FindingKind::TileMissing { tile } });
            } else if !whole {
                let at = u16::try_from(found.len().min(width)).unwrap_or(u16::MAX);
                this.findings.push(Finding { index: None, id: None, kind: FindingKind::TileAltered { tile, at } });
            }
            this.complete &= whole;
            this.leaves.extend(found.iter().copied().map(Hash).chain(std::iter::repeat(Hash::default())).take(width));
        }
        Ok(Some(this))
    }

    /// Tiles that are not those of the tree over `logged`.
    pub(super) fn differing(&self, logged: &Tree, size: u64) -> Vec<Finding> {
        let mut out = Vec::new();
        for tile in hash_tiles(size).filter(|t| t.kind == TileKind::Hashes(0)) {
            let start = usize::try_from(tile.start()).unwrap_or(usize::MAX);
            let stored = self.leaves.get(start..start.saturating_add(usize::from(tile.width))).unwrap_or_default();
            let right = logged.leaves().get(start..start.saturating_add(usize::from(tile.width))).unwrap_or_default();
            if let Some(at) = stored.iter().zip(right).position(|(a, b)| a != b) {
                out.push(tile_altered(tile, at));
            }
        }
        for (tile, bytes) in &self.upper {
            let Some(bytes) = bytes else {
                out.push(Finding { index: None, id: None, kind: FindingKind::TileMissing { tile: *tile } });
                continue;
            };
            let TileKind::Hashes(level) = tile.kind else { continue };
            let right = (0..u64::from(tile.width))
                .map(|i| logged.node(u32::from(level) * 8, tile.start() + i).unwrap_or_default());
            let (stored, rest) = bytes.as_chunks::<32>();
            let wrong = right.enumerate().find(|(i, hash)| stored.get(*i) != Some(&hash.0)).map(|(i, _)| i);
            let extra = (!rest.is_empty() || stored.len() > usize::from(tile.width)).then_some(usize::from(tile.width));
            if let Some(at) = wrong.or(extra) {
                out.push(tile_altered(*tile, at));
            }
        }
        out
    }
}

fn tile_altered(tile: TileId, at: usize) -> Finding {
    let at = u16::try_from(at).unwrap_or(u16::MAX);
    Finding { index: None, id: None, kind: FindingKind::TileAltered { tile, at } }
}
