//! How far witnesses vouch for a log: the newest checkpoint the log keeps that enough of them cosigned.
//!
//! Owns finding it; that the log still contains its tree is the verifier's business, which checks every checkpoint kept.

use super::{seen_by, unreadable};
use crate::audit::{Checkpoint, LogSource, Vkey};
use crate::cli::Exit;

/// Size of the largest checkpoint with cosignatures of at least `threshold` of the witnesses among `keys`.
pub(super) fn reach(source: &dyn LogSource, keys: &[Vkey], threshold: usize) -> Result<Option<u64>, Exit> {
    if threshold == 0 {
        return Ok(None);
    }
    let mut notes = source.checkpoints().map_err(|e| unreadable(&e))?;
    notes.extend(source.checkpoint().map_err(|e| unreadable(&e))?);
    let enough = |note: &Vec<u8>| {
        let (checkpoint, verified) = Checkpoint::open(note, keys).ok()?;
        seen_by(&verified, threshold).then_some(checkpoint.size)
    };
    Ok(notes.iter().filter_map(enough).max())
}

/// The reach for people.
pub(super) fn in_words(size: u64, whole: u64, threshold: usize) -> String {
    let rest = whole.saturating_sub(size);
    format!("  witnessed   the first {size} entries, by at least {threshold}; {rest} entries are newer\n")
}
