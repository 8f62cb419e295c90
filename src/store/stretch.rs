//! A stretch of the log read as one row and checked as a whole: the fast way through a log that is sound.
//!
//! Owns the one statement that packs thousands of entries into one value, and the check of that value off the async threads.
//! A stretch is taken only when every row of it is there, well formed, and agrees byte for byte with its hash, its tile and
//! what is filed beside it. It never says what is wrong: what is not taken is read again row by row by `check`, which
//! names the entry.

use super::Error;
use super::commit::append::number;
use super::db::{Arg, statements};
use super::log::{LogReader, count};
use super::walk::TILE_BYTES;
use crate::audit::merkle::leaf_hash;
use crate::audit::{Hash, OpenEntry};
use crate::clock::Moment;
use futures_util::stream::{self, Stream, StreamExt as _};
use std::collections::BTreeMap;
use std::ops::Range;

/// Entries of one stretch: 4 tiles, some 400 KB, which stay in the processor's cache from reading to hashing.
pub(super) const ENTRIES: u64 = 1_024;
/// The tiles it may touch.
const TILES: i64 = 5;
/// Stretches on their way at once: two being read, two being hashed, two waiting for either.
const AT_ONCE: usize = 6;
/// Bytes of an entry's id: a UUID.
const ID_BYTES: usize = 36;

statements! {
    // Lengths and types are asked for, so that what is put together here can be taken apart in one way only: rows that do not
    // fit are left out, and then the count is not the one expected. Putting numbers into words and asking for types by name cost
    // most: the place is not in it (as many rows as places, none twice, in their order), and a comparison with the empty text or
    // value asks for a type (numbers < texts < bytes).
    PACKED = "SELECT COUNT(*), CAST(COALESCE(group_concat(time || ',' || octet_length(entry) || ';' || id || entry || leaf, ''), '') AS BLOB) FROM (SELECT time, id, entry, leaf FROM log_entry WHERE origin = $1 AND idx >= $2 AND idx < $3 AND entry >= x'' AND leaf >= x'' AND octet_length(leaf) = 32 AND id < x'' AND octet_length(id) = 36 AND time < '' ORDER BY idx)",
        "SELECT COUNT(*), COALESCE(string_agg(convert_to(time || ',' || octet_length(entry) || ';' || id, 'UTF8') || entry || leaf, ''::BYTEA ORDER BY idx), ''::BYTEA) FROM log_entry WHERE origin = $1 AND idx >= $2 AND idx < $3 AND octet_length(id) = 36 AND octet_length(leaf) = 32";
}

/// Entries in a row, sound by themselves and as their tiles have them. Whether the tree is the signed one, `check` finds out.
pub(super) struct Stretch {
    /// Their leaf hashes, in order.
    pub(super) leaves: Vec<Hash>,
    /// The time of the first.
    pub(super) time_first: Moment,
    /// The time of the last; none is earlier than the one before it.
    pub(super) time_last: Moment,
}

impl LogReader {
    /// The entries from `from` to before `to`, the end of the log, a stretch after the other; `None` for one that is not as it
    /// should be.
    pub(super) fn stretches(&self, from: u64, to: u64) -> impl Stream<Item = Result<Option<Stretch>, Error>> + '_ {
        let starts = std::iter::successors(Some(from), |at| at.checked_add(ENTRIES)).take_while(move |at| *at < to);
        // Each in a task of its own: reading and hashing go on while the tree is made of those before.
        let one = move |at: u64| {
            let reader = self.clone();
            let work = async move { reader.stretch(at..at.saturating_add(ENTRIES).min(to), to).await };
            let task = tokio::spawn(work);
            async move { task.await.map_err(|_| Error::Corrupt { at: "log", what: "a stretch" })? }
        };
        stream::iter(starts).map(one).buffered(AT_ONCE)
    }

    async fn stretch(&self, places: Range<u64>, size: u64) -> Result<Option<Stretch>, Error> {
        let origin = self.origin().as_str().to_owned();
        let args = [Arg::Text(&origin), Arg::Int(number(places.start)), Arg::Int(number(places.end))];
        let Some(row) = self.db().fetch_one(&PACKED, &args).await? else { return Ok(None) };
        if count(&row, 0)? != places.end.saturating_sub(places.start) {
            return Ok(None);
        }
        let packed = row.bytes(1, "entries")?;
        drop(row);
        let tiles = self.tiles_of_leaves(places.start / 256, TILES).await?;
        let checked = tokio::task::spawn_blocking(move || sound(&packed, &origin, places, (&tiles, size))).await;
        checked.map_err(|_| Error::Corrupt { at: "log", what: "a stretch" })
    }
}

/// Takes the packed entries apart and checks each; `None` when anything is not as it should be.
fn sound(packed: &[u8], origin: &str, places: Range<u64>, tiles: (&BTreeMap<u64, Vec<u8>>, u64)) -> Option<Stretch> {
    let mut leaves = Vec::with_capacity(usize::try_from(ENTRIES).unwrap_or(0));
    let (mut rest, mut times) = (packed, None::<(Moment, Moment)>);
    for _ in places.clone() {
        let (filed_time, after) = decimal(rest, b',')?;
        let (length, after) = decimal(after, b';')?;
        let (filed_id, after) = after.split_at_checked(ID_BYTES)?;
        let (entry, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        let (filed_leaf, after) = after.split_first_chunk::<32>()?;
        rest = after;
        let leaf = leaf_hash(entry);
        let open = OpenEntry::parse(entry).ok()?;
        let (first, before) = times.unwrap_or((open.time, open.time));
        let same = leaf.0 == *filed_leaf
            && open.log == origin
            && open.id.as_bytes() == filed_id
            && u64::try_from(open.time.millis()) == Ok(filed_time)
            && open.time >= before;
        if !same {
            return None;
        }
        times = Some((first, open.time));
        leaves.push(leaf);
    }
    let (time_first, time_last) = times.filter(|_| rest.is_empty())?;
    as_in_tiles(&leaves, places.start, tiles).then_some(Stretch { leaves, time_first, time_last })
}

/// Whether the leaves are those of the tiles made when they were appended: every tile that is full at this size of the log must
/// be there, whole.
fn as_in_tiles(leaves: &[Hash], from: u64, (tiles, size): (&BTreeMap<u64, Vec<u8>>, u64)) -> bool {
    let mut at = from;
    leaves.iter().all(|leaf| {
        let place = usize::try_from(at % 256).unwrap_or(0).saturating_mul(Hash::BYTES);
        let number = at / 256;
        at = at.saturating_add(1);
        match tiles.get(&number) {
            Some(tile) => {
                tile.len() == TILE_BYTES
                    && tile.get(place..place.saturating_add(Hash::BYTES)) == Some(leaf.0.as_slice())
            }
            None => number >= size / 256,
        }
    })
}

/// A number written in decimal digits, up to `end`, and what follows.
fn decimal(text: &[u8], end: u8) -> Option<(u64, &[u8])> {
    let length = text.iter().take(20).position(|b| *b == end)?;
    let (digits, rest) = text.split_at_checked(length)?;
    let add = |sum: u64, b: &u8| {
        let digit = b.is_ascii_digit().then(|| u64::from(b.saturating_sub(b'0')))?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    let value = digits.iter().try_fold(0, add).filter(|_| !digits.is_empty())?;
    Some((value, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::entry::{Salt, new_id};
    use crate::audit::{Draft, Event, Origin, Outcome, Payload};

    const ORIGIN: &str = "audit.example.org/log1";

    /// Filed index, filed time, filed id, entry, leaf.
    type Filed = (u64, i64, Vec<u8>, Vec<u8>, Vec<u8>);

    fn rows(count: u64) -> Vec<Filed> {
        let one = |index: u64| {
            let time = Moment::from_millis(1_790_000_000_000 + i64::try_from(index / 2).unwrap());
            let id = new_id(time, &[u8::try_from(index).unwrap(); 10]);
            let draft = Draft::new(Outcome::Allow, Payload::new(Event::Login));
            let sealed = draft.seal(id.clone(), Salt::from_bytes([1; 32])).unwrap();
            let entry = sealed.entry(&Origin::parse(ORIGIN).unwrap(), time).unwrap();
            (index, time.millis(), id.as_str().as_bytes().to_vec(), entry.bytes().to_vec(), entry.leaf().0.to_vec())
        };
        (0..count).map(one).collect()
    }

    fn packed(rows: &[Filed]) -> Vec<u8> {
        let mut out = Vec::new();
        for (_, time, id, entry, leaf) in rows {
            out.extend_from_slice(format!("{time},{};", entry.len()).as_bytes());
            out.extend([id, entry, leaf].into_iter().flatten());
        }
        out
    }

    fn tiles(rows: &[Filed]) -> BTreeMap<u64, Vec<u8>> {
        let mut tile: Vec<u8> = rows.iter().flat_map(|row| row.4.clone()).collect();
        tile.resize(TILE_BYTES, 0);
        BTreeMap::from([(0, tile)])
    }

    #[test]
    fn a_sound_stretch_is_taken_with_its_leaves_and_times() {
        let rows = rows(5);
        let found = sound(&packed(&rows), ORIGIN, 0..5, (&tiles(&rows), 5)).unwrap();
        assert_eq!(
            found.leaves.iter().map(|l| l.0.to_vec()).collect::<Vec<_>>(),
            rows.iter().map(|r| r.4.clone()).collect::<Vec<_>>()
        );
        assert_eq!((found.time_first.millis(), found.time_last.millis()), (rows[0].1, rows[4].1));
        assert!(sound(&packed(&rows), ORIGIN, 0..5, (&BTreeMap::new(), 255)).is_some(), "no tile is full yet");
        assert!(sound(&packed(&rows), ORIGIN, 0..5, (&BTreeMap::new(), 256)).is_none(), "the first tile is gone");
    }

    #[test]
    fn each_changed_byte_of_a_stretch_and_of_its_tile_is_noticed() {
        let rows = rows(4);
        let (whole, tiles) = (packed(&rows), tiles(&rows));
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] ^= 1;
            assert!(sound(&bent, ORIGIN, 0..4, (&tiles, 4)).is_none(), "byte {at}");
        }
        for at in 0..4 * Hash::BYTES {
            let mut bent = tiles.clone();
            bent.get_mut(&0).unwrap()[at] ^= 1;
            assert!(sound(&whole, ORIGIN, 0..4, (&bent, 4)).is_none(), "byte {at} of the tile");
        }
        let short = BTreeMap::from([(0, tiles[&0][..TILE_BYTES - 1].to_vec())]);
        assert!(sound(&whole, ORIGIN, 0..4, (&short, 4)).is_none(), "a tile cut short");
    }

    #[test]
    fn an_entry_dropped_doubled_swapped_cut_or_of_another_log_is_noticed() {
        let good = rows(4);
        let none = BTreeMap::new();
        let refused = |rows: &[Filed], what: &str| {
            assert!(sound(&packed(rows), ORIGIN, 0..4, (&none, 4)).is_none(), "{what}");
        };
        refused(&good[..3], "the last dropped");
        refused(&[good.clone(), vec![good[3].clone()]].concat(), "one more");
        let mut swapped = good.clone();
        swapped.swap(1, 2);
        refused(&swapped, "swapped");
        let mut whole = good.clone();
        let (third, fourth) = (whole[2].clone(), whole[3].clone());
        whole[2] = (2, fourth.1, fourth.2, fourth.3, fourth.4);
        whole[3] = (3, third.1, third.2, third.3, third.4);
        whole[2].1 += 1;
        refused(&whole, "filed under other indexes and another time");
        assert!(sound(&packed(&good), "audit.example.org/log2", 0..4, (&none, 4)).is_none());
        // The row after it hidden in the hash of one: its length is asked for by the statement, and here it does not fit.
        let mut hidden = good.clone();
        let swallowed = packed(&hidden.split_off(3));
        hidden[2].4.extend(swallowed);
        assert_eq!(packed(&hidden), packed(&good), "the same bytes: only the number of rows tells them apart");
    }

    #[test]
    fn what_the_committer_writes_goes_by_in_one_stretch() {
        use crate::store::{Committer, Db, Job, Keys, Options};
        let folder = std::env::temp_dir().join(format!("solent-stretch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let now = Moment::from_millis(1_790_000_000_000);
            let db = Db::open_sqlite(&folder.join("solent.db")).await.unwrap();
            db.migrate(now).await.unwrap();
            let origin = Origin::parse(ORIGIN).unwrap();
            let (keys, signer) =
                (Keys::from_secret(&[7; 32]).unwrap(), crate::audit::Signer::log(origin.clone(), &[9; 32]));
            let clock = crate::clock::Clock::fixed(now);
            let log = Committer::start(db.clone(), keys, signer.unwrap(), clock, Options::default()).await.unwrap();
            let login = || Draft::new(Outcome::Allow, Payload::new(Event::Login));
            log.commit((1..300).fold(Job::new(login()), |job, _| job.with_entry(login()))).await.unwrap();
            log.stop().await;
            let reader = LogReader::new(db.clone(), origin);
            let found: Vec<_> = reader.stretches(0, 300).collect().await;
            let [Ok(Some(stretch))] = found.as_slice() else { panic!("not taken") };
            assert_eq!((stretch.leaves.len(), stretch.time_first, stretch.time_last), (300, now, now));
            db.close().await;
        });
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn only_plain_decimal_numbers_are_read() {
        assert_eq!(decimal(b"120,x", b','), Some((120, b"x".as_slice())));
        for bad in [b"".as_slice(), b",", b"-1,", b"1e3,", b"12", b"99999999999999999999999,"] {
            assert_eq!(decimal(bad, b','), None);
        }
    }
}
