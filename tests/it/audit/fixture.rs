//! A log made in memory from fixed seeds, and ways to tamper with it.

use solent::audit::merkle::{NodeSource as _, Tree};
use solent::audit::payload::FreeText;
use solent::audit::tile::{TileId, TileKind, encode_hashes, entry_tiles, hash_tiles, push_entry};
use solent::audit::verify::{Expected, FindingKind, Report, verify};
use solent::audit::{
    Draft, Event, Hash, LogSource, Origin, Outcome, Payload, Salt, SealedPart, Signer, SourceError, Stored, bundle,
    entry,
};
use solent::clock::Moment;
use solent::ident::{AccountId, PersonId};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

pub const ORIGIN: &str = "audit.example.org/log1";
/// 2026-10-05T09:30:00.000Z
pub const START: i64 = 1_791_192_600_000;

/// One stored row, as a database holds it.
#[derive(Clone)]
pub struct Row {
    pub index: u64,
    pub entry: Vec<u8>,
    pub leaf: Option<Hash>,
    pub id: String,
    pub time: i64,
    pub sealed: Part,
}

#[derive(Clone)]
pub enum Part {
    Kept(Salt, Vec<u8>),
    Erased,
    Unreadable,
}

/// A log in memory.
#[derive(Clone)]
pub struct Memory {
    pub rows: Vec<Row>,
    pub tiles: Option<BTreeMap<TileId, Vec<u8>>>,
    pub note: Option<Vec<u8>>,
    pub history: Vec<Vec<u8>>,
}

pub fn signer() -> Signer {
    Signer::log(Origin::parse(ORIGIN).unwrap(), &std::array::from_fn(|i| u8::try_from(i).unwrap())).unwrap()
}

fn row(index: u64) -> Row {
    let byte = |n: u64| u8::try_from((index >> (n * 8)) & 0xFF).unwrap();
    let event = Event::ALL[usize::try_from(index).unwrap() % Event::ALL.len()];
    let mut payload = Payload::new(event);
    payload.actor = Some(AccountId::new(format!("account-{}", index % 7)));
    payload.subject = Some(PersonId::new(format!("person-{}", index % 11)));
    payload.justification = index.is_multiple_of(5).then(|| FreeText::new("needed for the \"review\"\nof today"));
    let time = Moment::from_millis(START + i64::try_from(index / 3).unwrap() * 250);
    let id = entry::new_id(time, &[9, 9, 9, 9, 9, 9, byte(3), byte(2), byte(1), byte(0)]);
    let mut salt = [0x5A; 32];
    salt[..8].copy_from_slice(&index.to_be_bytes());
    let outcome = Outcome::ALL[usize::try_from(index % 4).unwrap()];
    let sealed = Draft::new(outcome, payload).seal(id.clone(), Salt::from_bytes(salt)).unwrap();
    let entry = sealed.entry(&Origin::parse(ORIGIN).unwrap(), time).unwrap();
    let part =
        if index % 10 == 9 { Part::Erased } else { Part::Kept(sealed.salt().clone(), sealed.payload().to_vec()) };
    Row {
        index,
        leaf: Some(entry.leaf()),
        entry: entry.into_bytes(),
        id: id.as_str().to_owned(),
        time: time.millis(),
        sealed: part,
    }
}

/// The tiles of a tree.
pub fn tiles_of(tree: &Tree) -> BTreeMap<TileId, Vec<u8>> {
    let mut tiles = BTreeMap::new();
    for tile in hash_tiles(tree.size()) {
        let TileKind::Hashes(level) = tile.kind else { unreachable!() };
        let hash = |i| tree.node(u32::from(level) * 8, tile.start() + i).unwrap();
        tiles.insert(tile, encode_hashes(&(0..u64::from(tile.width)).map(hash).collect::<Vec<_>>()));
    }
    tiles
}

/// A sound log of `size` entries with tiles and a checkpoint for every `batch` entries.
pub fn log(size: u64, batch: u64) -> Memory {
    let rows: Vec<Row> = (0..size).map(row).collect();
    let mut tree = Tree::default();
    let mut history = Vec::new();
    for row in &rows {
        tree.append(row.leaf.unwrap());
        if tree.size() % batch == 0 && tree.size() < size {
            history.push(signer().checkpoint(tree.size(), tree.root()).to_text().into_bytes());
        }
    }
    let note = signer().checkpoint(size, tree.root()).to_text().into_bytes();
    Memory { rows, tiles: Some(tiles_of(&tree)), note: Some(note), history }
}

impl Memory {
    /// Without tiles: as a database that keeps only the hash beside each entry.
    pub fn without_tiles(mut self) -> Self {
        self.tiles = None;
        self
    }
    /// Without anything but entries and checkpoints.
    pub fn bare(mut self) -> Self {
        self.tiles = None;
        for row in &mut self.rows {
            row.leaf = None;
        }
        self
    }
    pub fn tree(&self) -> Tree {
        Tree::new(self.rows.iter().map(|r| r.leaf.unwrap()).collect())
    }
    pub fn report(&self) -> Report {
        self.report_with(&[])
    }
    pub fn report_with(&self, held: &[Vec<u8>]) -> Report {
        let expected = Expected { keys: vec![signer().vkey().clone()], held: held.to_vec() };
        verify(self, &expected, &mut |_| {}).unwrap()
    }
    /// The findings as (index, kind).
    pub fn findings(&self) -> Vec<(Option<u64>, FindingKind)> {
        self.report().findings.into_iter().map(|f| (f.index, f.kind)).collect()
    }
    /// Exchanges the stored content of two rows, all of it, and leaves the indexes.
    pub fn swap_rows(&mut self, a: usize, b: usize) {
        let (ia, ib) = (self.rows[a].index, self.rows[b].index);
        self.rows.swap(a, b);
        self.rows[a].index = ia;
        self.rows[b].index = ib;
    }
    /// Removes a row and closes the gap.
    pub fn drop_and_renumber(&mut self, at: usize) {
        self.rows.remove(at);
        for row in &mut self.rows[at..] {
            row.index -= 1;
        }
    }
    /// Writes the C2SP layout.
    pub fn write_tiles(&self, dir: &Path) {
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        for (tile, bytes) in self.tiles.as_ref().unwrap() {
            write(&tile.to_string(), bytes);
        }
        for tile in entry_tiles(self.rows.len() as u64) {
            let start = usize::try_from(tile.start()).unwrap();
            let mut bytes = Vec::new();
            for row in &self.rows[start..start + usize::from(tile.width)] {
                push_entry(&mut bytes, &row.entry).unwrap();
            }
            write(&tile.to_string(), &bytes);
        }
        write("vkey", format!("{}\n", signer().vkey()).as_bytes());
        write("checkpoint", self.note.as_ref().unwrap());
    }
    /// The log as a bundle.
    pub fn bundle(&self, payloads: bundle::Payloads) -> Vec<u8> {
        let header = bundle::Header {
            vkey: signer().vkey().to_string(),
            payloads,
            checkpoint: String::from_utf8(self.note.clone().unwrap()).unwrap(),
        };
        let mut out = header.to_text().into_bytes();
        self.entries(&mut |stored| bundle::push_line(&mut out, &stored, stored.leaf.unwrap(), payloads).unwrap())
            .unwrap();
        out.extend_from_slice(bundle::end_line(self.rows.len() as u64).as_bytes());
        out
    }
}

impl LogSource for Memory {
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.note.clone())
    }
    fn checkpoints(&self) -> Result<Vec<Vec<u8>>, SourceError> {
        Ok(self.history.clone())
    }
    fn entries(&self, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), SourceError> {
        for row in &self.rows {
            visit(Stored {
                index: row.index,
                entry: &row.entry,
                leaf: row.leaf,
                filed_id: Some(&row.id),
                filed_time: Some(row.time),
                index_agrees: None,
                sealed: match &row.sealed {
                    Part::Kept(salt, payload) => SealedPart::Kept { salt, payload },
                    Part::Erased => SealedPart::Erased,
                    Part::Unreadable => SealedPart::Unreadable,
                },
            });
        }
        Ok(())
    }
    fn has_tiles(&self) -> bool {
        self.tiles.is_some()
    }
    fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.tiles.as_ref().and_then(|tiles| tiles.get(&tile)).cloned())
    }
}

/// A fresh folder of this test run.
pub fn scratch(name: &str) -> std::path::PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("solent-audit-{}-{n}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
