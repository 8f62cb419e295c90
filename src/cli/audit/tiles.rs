//! A directory of C2SP tiles as a log.
//!
//! Owns reading `checkpoint`, `vkey`, `retired/…`, `tile/<L>/…` and `tile/entries/…`. A partial tile that is gone is read from the full
//! one, as the format allows. Checks nothing.
//!
//! # Source
//! C2SP tlog-tiles v0.1.0; Solent audit paper §4.

use super::{Opened, unreadable};
use crate::audit::note::{Checkpoint, NOTE_BYTES_MAX, Note, RetiredKey};
use crate::audit::tile::{BUNDLE_BYTES_MAX, TILE_WIDTH, TileId, TileKind, entries_of, entry_tiles};
use crate::audit::{LogSource, SourceError, Stored, Vkey};
use crate::cli::Exit;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Folder of the keys that no longer sign: in each file a verifier key's line, then its last checkpoint.
pub(super) const RETIRED: &str = "retired";
/// Most retired keys read: a key a month for eight years.
const RETIRED_MAX: usize = 100;
/// Bytes of a full hash tile.
const HASH_TILE_BYTES: usize = TILE_WIDTH as usize * 32;

/// Opens a directory of tiles.
pub(super) fn open(dir: &Path) -> Result<Opened, Exit> {
    let source = TileDir { root: dir.to_owned() };
    if !dir.is_dir() {
        return Err(unreadable(&SourceError::new(dir.display().to_string(), "there is no such folder")));
    }
    let vkey = source.read("vkey", super::VKEY_BYTES_MAX).map_err(|e| unreadable(&e))?;
    let vkey = vkey.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| Vkey::parse(text.trim_end()).ok());
    Ok(Opened { source: Box::new(source), name: dir.display().to_string(), vkey })
}

struct TileDir {
    root: PathBuf,
}

impl TileDir {
    /// A file below the root, at most `bytes_max` bytes; `None` when there is none.
    fn read(&self, name: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let path = self.root.join(name);
        let fail = |e: std::io::Error| SourceError::new(path.display().to_string(), format!("cannot be read: {e}"));
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(fail(e)),
        };
        let mut bytes = Vec::new();
        let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() > bytes_max {
            return Err(SourceError::new(path.display().to_string(), format!("is larger than {bytes_max} bytes")));
        }
        Ok(Some(bytes))
    }

    /// The size stated by the checkpoint, whether its signature holds or not: it only says how far to read.
    fn stated_size(&self) -> Result<Option<u64>, SourceError> {
        let note = self.read("checkpoint", NOTE_BYTES_MAX)?;
        let parse = |bytes: Vec<u8>| Checkpoint::parse(Note::parse(&bytes).ok()?.text()).ok();
        Ok(note.and_then(parse).map(|checkpoint| checkpoint.size))
    }

    /// The entry bundles there are, when no checkpoint says how many: full ones from 0 on, then the widest partial one.
    fn bundles_found(&self) -> Vec<TileId> {
        let full = (0..).map(|index| TileId::entries(index, TILE_WIDTH));
        let mut found: Vec<TileId> = full.take_while(|tile| self.root.join(tile.to_string()).is_file()).collect();
        let index = found.len() as u64;
        let widest = (1..TILE_WIDTH).rev().map(|width| TileId::entries(index, width));
        found.extend(widest.into_iter().find(|tile| self.root.join(tile.to_string()).is_file()));
        found
    }

    /// A bundle of entries, from its own file or, when a partial one is gone, from the full one.
    fn bundle(&self, tile: TileId) -> Result<Option<(Vec<u8>, usize)>, SourceError> {
        if let Some(bytes) = self.read(&tile.to_string(), BUNDLE_BYTES_MAX)? {
            return Ok(Some((bytes, usize::MAX)));
        }
        if !tile.is_partial() {
            return Ok(None);
        }
        let full = TileId { width: TILE_WIDTH, ..tile };
        if let Some(bytes) = self.read(&full.to_string(), BUNDLE_BYTES_MAX)? {
            return Ok(Some((bytes, usize::from(tile.width))));
        }
        // Neither is there: show what is left, so that what is missing can be named exactly.
        let narrower = (1..tile.width).rev().map(|width| TileId { width, ..tile });
        match narrower.map(|tile| tile.to_string()).find(|name| self.root.join(name).is_file()) {
            Some(name) => Ok(self.read(&name, BUNDLE_BYTES_MAX)?.map(|bytes| (bytes, usize::MAX))),
            None => Ok(None),
        }
    }
}

impl LogSource for TileDir {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        self.read("checkpoint", NOTE_BYTES_MAX)
    }

    fn entries(&self, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        let tiles: Vec<TileId> = match self.stated_size()? {
            Some(size) => {
                // A checkpoint with a changed size must not make us look for 2^60 files: stop where the files stop.
                let mut gone = 0_u32;
                let there = |tile: &TileId| {
                    let is = tile.is_partial() || self.root.join(tile.to_string()).is_file();
                    gone = if is { 0 } else { gone + 1 };
                    gone < GONE_MAX
                };
                entry_tiles(size).take_while(there).collect()
            }
            None => self.bundles_found(),
        };
        for tile in tiles {
            let Some((bytes, limit)) = self.bundle(tile)? else { continue };
            for (index, entry) in (tile.start()..).zip(entries_of(&bytes).take(limit)) {
                // A bundle that ends inside an entry: what is left of it is no entry, the verifier finds it missing.
                let Ok(entry) = entry else { break };
                visit(Stored::bare(index, entry));
            }
        }
        Ok(())
    }

    fn retired_keys(&self) -> Result<Vec<RetiredKey>, SourceError> {
        let Ok(folder) = std::fs::read_dir(self.root.join(RETIRED)) else { return Ok(Vec::new()) };
        let mut names: Vec<String> = folder.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names.truncate(RETIRED_MAX);
        let mut keys = Vec::new();
        for name in names.iter().map(|name| format!("{RETIRED}/{name}")) {
            let Some(bytes) = self.read(&name, NOTE_BYTES_MAX)? else { continue };
            let wrong = || SourceError::new(name.clone(), "is not a retired key with its last checkpoint");
            let at = bytes.iter().position(|b| *b == b'\n').ok_or_else(wrong)?;
            let (line, note) = bytes.split_at_checked(at.saturating_add(1)).ok_or_else(wrong)?;
            let line = std::str::from_utf8(line).map_err(|_| wrong())?;
            let vkey = Vkey::parse(line.trim_end()).map_err(|_| wrong())?;
            keys.push(RetiredKey { vkey, note: note.to_vec() });
        }
        Ok(keys)
    }

    fn has_tiles(&self) -> bool {
        true
    }

    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, SourceError> {
        if tile.kind == TileKind::Entries {
            return Ok(None);
        }
        if let Some(bytes) = self.read(&tile.to_string(), HASH_TILE_BYTES)? {
            return Ok(Some(bytes));
        }
        if !tile.is_partial() {
            return Ok(None);
        }
        let full = self.read(&TileId { width: TILE_WIDTH, ..tile }.to_string(), HASH_TILE_BYTES)?;
        Ok(full.map(|mut bytes| {
            bytes.truncate(usize::from(tile.width) * 32);
            bytes
        }))
    }
}

/// Missing bundles in a row after which no more are looked for.
const GONE_MAX: u32 = 10_000;
