//! The mark: how far, and when, the log was last found sound in every byte, and a start that trusts it.
//!
//! Owns the mark in the log's row, bound to size, root and time with the store's key, so that who can write the database cannot
//! move it; and the check that a start makes with it. That check reads every tile of hashes, at every level, and the tree they make
//! up to the signed checkpoint, the mirror, the checkpoints kept for history and the number of entries; and every entry since
//! the mark. What it leaves out, the bytes of entries before the mark, whoever starts a gateway with a mark has checked
//! beside its work at once. Anything that is not as it should be, a mark that is old, and a log that is soon checked whole: the whole
//! check decides, and says what is wrong.
//!
//! # Source
//! Solent audit paper §4 ("all, or since the last fully verified index with a full pass at least weekly").

use super::Error;
use super::check::Extent;
use super::commit::append::{LogState, number};
use super::db::{Arg, Tx, statements};
use super::keys::{Digest, Keys};
use super::log::{LogReader, count};
use super::walk::TILE_BYTES;
use crate::audit::{Hash, Origin, Vkey};
use crate::clock::Moment;

/// How old a mark may be: the paper's week.
const MARK_MILLIS: i64 = 7 * 86_400_000;
/// A log with fewer entries is checked whole at every start: that takes less than a second.
pub const MARK_ENTRIES_MIN: u64 = 262_144;
/// Tiles read at a time: half a megabyte.
const TILES: u64 = 64;

statements! {
    MARK = "SELECT verified_size, verified_frontier, verified_at FROM log_shard WHERE origin = $1";
    MARK_SET = "UPDATE log_shard SET verified_size = $2, verified_frontier = $3, verified_at = $4 WHERE origin = $1";
    COUNT_ENTRIES = "SELECT COUNT(*), COALESCE(MAX(idx), -1) FROM log_entry WHERE origin = $1 AND idx >= 0";
}

/// A size of the log at which it was found sound, its root, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) at: Moment,
}

impl Mark {
    fn binding(&self, keys: &Keys, origin: &Origin) -> Digest {
        let text = format!("{}\n{}\n{}\n{}", origin.as_str(), self.size, self.root, self.at.millis());
        keys.hash("audit verified", text.as_bytes())
    }

    /// Root and binding, as they are stored.
    fn stored(&self, keys: &Keys, origin: &Origin) -> Vec<u8> {
        [self.root.0, self.binding(keys, origin)].concat()
    }

    /// Notes the mark.
    pub(super) async fn set(&self, tx: &mut Tx, keys: &Keys, origin: &Origin) -> Result<(), Error> {
        let stored = self.stored(keys, origin);
        let at = self.at.millis();
        let args = [Arg::Text(origin.as_str()), Arg::Int(number(self.size)), Arg::Bytes(&stored), Arg::Int(at)];
        tx.execute(&MARK_SET, &args).await.map(drop)
    }
}

impl LogReader {
    /// The mark, when it is ours.
    pub(super) async fn mark(&self, keys: &Keys) -> Result<Option<Mark>, Error> {
        let Some(row) = self.db().fetch_one(&MARK, &[Arg::Text(self.origin().as_str())]).await? else {
            return Ok(None);
        };
        let stored = row.bytes(1, "mark")?;
        let root = stored.get(..Hash::BYTES).and_then(Hash::from_slice);
        let Some(root) = root else { return Ok(None) };
        let mark = Mark { size: count(&row, 0)?, root, at: Moment::from_millis(row.int(2, "mark")?) };
        Ok((mark.stored(keys, self.origin()) == stored).then_some(mark))
    }

    /// A start with the mark: for a sound log with a fresh mark, where it ends. `None` says nothing but that the whole check is
    /// due.
    pub(super) async fn check_since_mark(
        &self,
        (store, now): (&Keys, Moment),
        keys: &[Vkey],
        mirror: Option<&[u8]>,
        entries_min: u64,
    ) -> Result<Option<(LogState, String)>, Error> {
        let Some(mark) = self.mark(store).await? else { return Ok(None) };
        let fresh = mark.at <= now && mark.at.plus_millis(MARK_MILLIS) > now;
        if !fresh || mark.size < entries_min {
            return Ok(None);
        }
        let (shard, ring, mut walk) = self.begin(keys, mirror).await?;
        if mark.size > shard.size || !self.as_many(shard.size).await? {
            return Ok(None);
        }
        walk.expect_root(mark.size, mark.root);
        let whole = mark.size / 256;
        let mut next = 0;
        while next < whole {
            let end = next.saturating_add(TILES).min(whole);
            let tiles = self.tiles_of_leaves(next, number(end.saturating_sub(next))).await?;
            for (place, tile) in (next..end).zip(&tiles) {
                if place != *tile.0 || tile.1.len() != TILE_BYTES {
                    return Ok(None);
                }
                walk.believe(tile.1);
            }
            next = walk.next / 256;
            if next != end {
                return Ok(None);
            }
        }
        self.hurry(&mut walk, &shard, &|_, _| {}).await?;
        if walk.next != shard.size {
            return Ok(None);
        }
        self.compare_tiles(&mut walk, Extent::All).await?;
        Ok(walk.close(&shard, &ring).ok())
    }

    /// Whether there are exactly the entries 0 to `size`.
    async fn as_many(&self, size: u64) -> Result<bool, Error> {
        let Some(row) = self.db().fetch_one(&COUNT_ENTRIES, &[Arg::Text(self.origin().as_str())]).await? else {
            return Ok(false);
        };
        Ok(count(&row, 0)? == size && row.int(1, "count")? == number(size).saturating_sub(1))
    }

    /// As [`LogReader::verify_live`]; a log that is sound is marked.
    ///
    /// # Errors
    /// As [`LogReader::verify`].
    pub async fn verify_and_mark(
        &self,
        (store, now): (&Keys, Moment),
        vkey: &Vkey,
        mirror: Option<&[u8]>,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Vec<super::Finding>, Error> {
        let state = match self.check(std::slice::from_ref(vkey), mirror, Extent::Signed, progress).await? {
            Ok((state, _)) => state,
            Err(findings) => return Ok(findings),
        };
        let mark = Mark { size: state.frontier.size(), root: state.frontier.root(), at: now };
        let mut tx = self.db().begin().await?;
        mark.set(&mut tx, store, self.origin()).await?;
        tx.commit().await?;
        Ok(Vec::new())
    }
}
