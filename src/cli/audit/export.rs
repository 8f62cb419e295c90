//! `solent audit export`: the log as C2SP tiles or as one bundle.
//!
//! Owns writing the files. The checkpoint is written last, so that a reader never sees one whose tiles are not there. A
//! log whose entries do not lead to its signed root is not exported.

use super::{Opened, Where, keys_of, open, own_entry, unreadable};
use crate::audit::bundle::{Header, Payloads, end_line, push_line};
use crate::audit::merkle::{NodeSource as _, Tree, leaf_hash};
use crate::audit::note::Checkpoint;
use crate::audit::tile::{TILE_WIDTH, TileId, TileKind, encode_hashes, hash_tiles, push_entry};
use crate::audit::{Stored, Vkey};
use crate::cli::{Exit, Outcome, print};
use crate::diagnostic::{Diagnostic, code};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Debug)]
#[command(group(clap::ArgGroup::new("to").required(true).args(["tiles", "bundle"])))]
#[command(group(clap::ArgGroup::new("from").required(true).args(["config", "from_tiles", "from_bundle"])))]
pub(super) struct Args {
    /// Read a gateway's live database
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Read a directory of tiles
    #[arg(long, value_name = "DIR")]
    from_tiles: Option<PathBuf>,
    /// Read a bundle
    #[arg(long, value_name = "FILE")]
    from_bundle: Option<PathBuf>,
    /// Write a directory of tiles
    #[arg(long, value_name = "DIR")]
    tiles: Option<PathBuf>,
    /// Write a bundle
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// With --bundle: carry the sealed parts too, for readers entitled to them
    #[arg(long, requires = "bundle")]
    payloads: bool,
    /// Verifier key, or a file with one
    #[arg(long, value_name = "KEY|FILE")]
    vkey: Vec<String>,
}

pub(super) fn run(args: &Args) -> Outcome {
    if let Some(config) = &args.config {
        own_entry::write(config, args.what())?;
    }
    let from = Where { config: args.config.clone(), tiles: args.from_tiles.clone(), bundle: args.from_bundle.clone() };
    let opened = open(&from)?;
    let keys = keys_of(&args.vkey, &opened)?;
    let signed = Signed::read(&opened, &keys)?;
    let written = match (&args.tiles, &args.bundle) {
        (Some(dir), _) => write_tiles(&opened, &signed, dir)?,
        (_, Some(file)) => {
            let payloads = if args.payloads { Payloads::Carried } else { Payloads::LeftOut };
            write_bundle(&opened, &signed, file, payloads)?
        }
        _ => return Err(Exit::Internal("no destination".to_owned())),
    };
    print(&format!("{}: {} entries written to {written}\n", signed.checkpoint.origin, signed.checkpoint.size))
}

impl Args {
    /// What is handed out, for the entry.
    fn what(&self) -> &'static str {
        match (&self.tiles, self.payloads) {
            (Some(_), _) => "tiles",
            (None, false) => "bundle",
            (None, true) => "bundle with payloads",
        }
    }
}

/// The signed state that is exported.
struct Signed {
    note: String,
    checkpoint: Checkpoint,
    vkey: Vkey,
}

impl Signed {
    fn read(opened: &Opened, keys: &[Vkey]) -> Result<Self, Exit> {
        let refuse =
            |problem: String| Exit::from(Diagnostic::error(code::AUDIT_SIGNATURE, problem).with_file(&opened.name));
        let note = opened.source.checkpoint().map_err(|e| unreadable(&e))?;
        let note = note.ok_or_else(|| refuse("there is no signed checkpoint".to_owned()))?;
        let (checkpoint, _) = Checkpoint::open(&note, keys).map_err(|e| refuse(e.to_string()))?;
        let vkey = keys.iter().find(|k| *k.name() == checkpoint.origin).cloned();
        let vkey = vkey.ok_or_else(|| refuse("no key of the log".to_owned()))?;
        let note = String::from_utf8(note).map_err(|_| refuse("the checkpoint is not UTF-8".to_owned()))?;
        Ok(Self { note, checkpoint, vkey })
    }
}

fn not_written(path: &Path, error: &std::io::Error) -> Exit {
    Exit::from(
        Diagnostic::error(code::CLI_FILE, format!("cannot be written: {error}")).with_file(path.display().to_string()),
    )
}

/// Writes a file whole or not at all.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Exit> {
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        std::fs::write(&part, bytes)?;
        std::fs::rename(&part, path)
    };
    write().map_err(|e| not_written(path, &e))
}

/// Goes over the signed entries in order and returns the tree over them, which must have the signed root.
fn each_signed(
    opened: &Opened,
    signed: &Signed,
    write: &mut dyn FnMut(&Stored<'_>, &Tree) -> Result<(), Exit>,
) -> Result<Tree, Exit> {
    let mut tree = Tree::default();
    let mut failure = None;
    let take = &mut |stored: Stored<'_>| {
        if failure.is_some() || tree.size() >= signed.checkpoint.size {
            return;
        }
        tree.append(leaf_hash(stored.entry));
        failure = write(&stored, &tree).err();
    };
    opened.source.entries(take).map_err(|e| unreadable(&e))?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    if tree.root() != signed.checkpoint.root || tree.size() != signed.checkpoint.size {
        let text = "the entries do not lead to the signed root: nothing signed can be exported";
        let found = Diagnostic::error(code::AUDIT_ROOT, text).with_file(&opened.name);
        return Err(Exit::from(found.with_help("`solent audit verify` names the entries that are wrong")));
    }
    Ok(tree)
}

fn write_tiles(opened: &Opened, signed: &Signed, dir: &Path) -> Result<String, Exit> {
    refuse_other_log(dir, signed)?;
    let mut bundle = Vec::new();
    let tree = each_signed(opened, signed, &mut |stored, tree| {
        push_entry(&mut bundle, stored.entry)
            .map_err(|e| Exit::from(Diagnostic::error(code::AUDIT_ENTRY, e.to_string())))?;
        let done = tree.size();
        let width = u16::try_from((done - 1) % u64::from(TILE_WIDTH) + 1).unwrap_or(TILE_WIDTH);
        if width == TILE_WIDTH || done == signed.checkpoint.size {
            let tile = TileId::entries((done - 1) / u64::from(TILE_WIDTH), width);
            write_file(&dir.join(tile.to_string()), &bundle)?;
            bundle.clear();
        }
        Ok(())
    })?;
    for tile in hash_tiles(signed.checkpoint.size) {
        let TileKind::Hashes(level) = tile.kind else { continue };
        let hash = |i: u64| tree.node(u32::from(level) * 8, tile.start() + i);
        let hashes: Result<Vec<_>, _> = (0..u64::from(tile.width)).map(hash).collect();
        let hashes = hashes.map_err(|e| Exit::Internal(e.to_string()))?;
        write_file(&dir.join(tile.to_string()), &encode_hashes(&hashes))?;
    }
    for key in opened.source.retired_keys().map_err(|e| unreadable(&e))? {
        let mut bytes = format!("{}\n", key.vkey).into_bytes();
        bytes.extend_from_slice(&key.note);
        write_file(&dir.join(super::tiles::RETIRED).join(key.vkey.id().to_string()), &bytes)?;
    }
    write_file(&dir.join("vkey"), format!("{}\n", signed.vkey).as_bytes())?;
    write_file(&dir.join("checkpoint"), signed.note.as_bytes())?;
    Ok(dir.display().to_string())
}

/// Tiles of two logs must not be mixed in one folder.
fn refuse_other_log(dir: &Path, signed: &Signed) -> Outcome {
    let there = super::tiles::open(dir).ok().and_then(|other| other.vkey);
    if there.is_some_and(|vkey| vkey.name() != signed.vkey.name()) {
        let text = "the folder holds another log";
        return Err(Exit::from(Diagnostic::error(code::CLI_FILE, text).with_file(dir.display().to_string())));
    }
    Ok(())
}

fn write_bundle(opened: &Opened, signed: &Signed, file: &Path, payloads: Payloads) -> Result<String, Exit> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    let fail = |e: std::io::Error| not_written(file, &e);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&part).map_err(fail)?);
    let header = Header { vkey: signed.vkey.to_string(), payloads, checkpoint: signed.note.clone() };
    out.write_all(header.to_text().as_bytes()).map_err(fail)?;
    let mut line = Vec::new();
    let written = each_signed(opened, signed, &mut |stored, tree| {
        line.clear();
        let leaf = tree.leaves().last().copied().unwrap_or_default();
        push_line(&mut line, stored, leaf, payloads)
            .map_err(|e| Exit::from(Diagnostic::error(code::AUDIT_ENTRY, e.to_string()).with_file(&opened.name)))?;
        out.write_all(&line).map_err(fail)
    });
    let finish = written.and_then(|tree| {
        out.write_all(end_line(tree.size()).as_bytes()).and_then(|()| out.flush()).map_err(fail)?;
        out.get_ref().sync_all().map_err(fail)?;
        std::fs::rename(&part, file).map_err(fail)
    });
    if finish.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    finish?;
    Ok(file.display().to_string())
}
