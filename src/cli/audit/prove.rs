//! `solent audit prove`: the proof that one entry is in the log, as files for somebody else.
//!
//! Owns finding the entry and writing `<id>.entry.json`, `<id>.tlog-proof` and, on demand, `<id>.payload.json`. What is
//! written is checked first, so a damaged log gives no proof.

use super::{Opened, Where, keys_of, open, own_entry, unreadable};
use crate::audit::merkle::{MerkleError, Tree, inclusion_proof, leaf_hash};
use crate::audit::note::Checkpoint;
use crate::audit::source::{SealedPart, StoredTiles};
use crate::audit::tile::TileNodes;
use crate::audit::{Hash, LogSource, OpenEntry, Salt, SourceError, TlogProof, Vkey};
use crate::cli::{Exit, Outcome, print};
use crate::diagnostic::{Diagnostic, code};
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    from: Where,
    /// The entry's id
    #[arg(long, value_name = "ID", conflicts_with = "index", required_unless_present = "index")]
    id: Option<String>,
    /// The entry's index, from 0
    #[arg(long, value_name = "N")]
    index: Option<u64>,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Also hand over the payload and its salt, for a reader entitled to them
    #[arg(long)]
    payload: bool,
    /// Verifier key, or a file with one
    #[arg(long, value_name = "KEY|FILE")]
    vkey: Vec<String>,
}

/// The entry to be proved.
struct Wanted {
    index: u64,
    entry: Vec<u8>,
    sealed: Option<(Salt, Vec<u8>)>,
}

pub(super) fn run(args: &Args) -> Outcome {
    if let Some(config) = &args.from.config {
        let which = args.id.clone().unwrap_or_else(|| args.index.map_or_else(String::new, |index| index.to_string()));
        let payload = if args.payload { " with payload" } else { "" };
        own_entry::write(config, &format!("proof of entry {which}{payload}"))?;
    }
    let opened = open(&args.from)?;
    let keys = keys_of(&args.vkey, &opened)?;
    let index = match (args.index, &args.id) {
        (Some(index), _) => index,
        (None, id) => index_of(&opened, id.as_deref().unwrap_or_default())?,
    };
    let (wanted, proof) = make(&opened, index, &keys, args.payload)?;
    let open = OpenEntry::parse(&wanted.entry).map_err(|e| unproved(&opened.name, &e.to_string()))?;
    let payload = wanted.sealed.as_ref().map(|(_, payload)| payload.as_slice());
    proof.verify(&wanted.entry, payload, &keys).map_err(|e| unproved(&opened.name, &e.to_string()))?;
    let mut files = vec![
        (format!("{}.entry.json", open.id), wanted.entry.clone()),
        (format!("{}.tlog-proof", open.id), proof.to_text().into_bytes()),
    ];
    if let Some(payload) = payload {
        files.push((format!("{}.payload.json", open.id), payload.to_vec()));
    }
    for (name, bytes) in files {
        let path = args.out.join(name);
        std::fs::write(&path, bytes).map_err(|e| {
            Diagnostic::error(code::CLI_FILE, format!("cannot be written: {e}")).with_file(path.display().to_string())
        })?;
        print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

fn unproved(name: &str, problem: &str) -> Exit {
    Exit::from(Diagnostic::error(code::AUDIT_PROOF, problem.to_owned()).with_file(name))
}

fn index_of(opened: &Opened, id: &str) -> Result<u64, Exit> {
    let mut found = None;
    let mut look = |stored: crate::audit::Stored<'_>| {
        if found.is_none() && OpenEntry::parse(stored.entry).is_ok_and(|open| open.id == id) {
            found = Some(stored.index);
        }
    };
    opened.source.entries(&mut look).map_err(|e| unreadable(&e))?;
    found.ok_or_else(|| unproved(&opened.name, "there is no entry with this id"))
}

/// The entry at `index` and its proof against the latest checkpoint.
fn make(opened: &Opened, index: u64, keys: &[Vkey], with_payload: bool) -> Result<(Wanted, TlogProof), Exit> {
    let source = opened.source.as_ref();
    let refuse = |problem: &str| unproved(&opened.name, problem);
    let note = source.checkpoint().map_err(|e| unreadable(&e))?.ok_or_else(|| refuse("there is no checkpoint"))?;
    let (checkpoint, _) = Checkpoint::open(&note, keys).map_err(|e| refuse(&e.to_string()))?;
    let mut wanted = None;
    let take = &mut |stored: crate::audit::Stored<'_>| {
        let sealed = match stored.sealed {
            SealedPart::Kept { salt, payload } => Some((salt.clone(), payload.to_vec())),
            _ => None,
        };
        wanted = Some(Wanted { index: stored.index, entry: stored.entry.to_vec(), sealed });
    };
    source.entry(index, take).map_err(|e| unreadable(&e))?;
    let mut wanted = wanted.ok_or_else(|| refuse("there is no entry at this index"))?;
    if !with_payload {
        wanted.sealed = None;
    } else if wanted.sealed.is_none() {
        return Err(refuse("this log does not hold the entry's payload: it was erased or is not carried"));
    }
    let hashes = hashes(source, index, checkpoint.size).map_err(|e| unreadable(&e))?;
    let hashes = hashes.map_err(|e| refuse(&e.to_string()))?;
    let proof = TlogProof {
        salt: wanted.sealed.as_ref().map(|(salt, _)| salt.clone()),
        index: wanted.index,
        hashes,
        checkpoint: String::from_utf8(note).map_err(|_| refuse("the checkpoint is not UTF-8"))?,
    };
    Ok((wanted, proof))
}

/// The inclusion proof: from tiles when there are any, else from all entries.
fn hashes(source: &dyn LogSource, index: u64, size: u64) -> Result<Result<Vec<Hash>, MerkleError>, SourceError> {
    if source.has_tiles() {
        let tiles = StoredTiles::new(source);
        let proof = inclusion_proof(&TileNodes::new(&tiles, size), index, size);
        return tiles.take_failure().map_or(Ok(proof), Err);
    }
    let mut tree = Tree::default();
    source.entries(&mut |stored| tree.append(leaf_hash(stored.entry)))?;
    Ok(inclusion_proof(&tree, index, size))
}
