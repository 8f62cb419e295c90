//! Whether the index beside the log says what the payloads say.
//!
//! Owns the comparison. The index is not signed, but questions are answered from it: an entry filed under another person would
//! be found by nobody. It can be made again from the payloads, so whatever differs was altered.

use super::Error;
use super::commit::append::number;
use super::db::{Arg, Row, statements};
use super::entry_index::{IndexKeys, IndexRow};
use super::log::{EntryRow, LogReader, count};
use crate::audit::{OpenEntry, Outcome, Payload};
use std::collections::{BTreeMap, BTreeSet};

statements! {
    INDEX_ROWS = "SELECT idx, time, event, outcome, flags, actor, hat, role, agency, subject, case_ref, purpose, reason, shown_full, shown_part, shown_none, withheld FROM log_index WHERE origin = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
    INDEX_REFS = "SELECT idx, ref FROM log_index_ref WHERE origin = $1 AND idx >= $2 AND idx < $3 ORDER BY idx, ref";
}

/// The rows of a stretch of the log, by index: the time they are filed under, and what they say.
pub(super) type Filed = BTreeMap<u64, (i64, IndexRow)>;

impl LogReader {
    /// What is filed of the entries from `from` to before `to`.
    pub(super) async fn filed(&self, from: u64, to: u64) -> Result<Filed, Error> {
        let args = [Arg::Text(self.origin().as_str()), Arg::Int(number(from)), Arg::Int(number(to))];
        let mut refs: BTreeMap<u64, BTreeSet<i64>> = BTreeMap::new();
        for row in self.db().fetch(&INDEX_REFS, &args).await? {
            refs.entry(count(&row, 0)?).or_default().insert(row.int(1, "ref")?);
        }
        let mut filed = Filed::new();
        for row in self.db().fetch(&INDEX_ROWS, &args).await? {
            let index = count(&row, 0)?;
            let refs = refs.remove(&index).unwrap_or_default();
            filed.insert(index, (row.int(1, "time")?, read(&row, refs)?));
        }
        Ok(filed)
    }
}

fn read(row: &Row, refs: BTreeSet<i64>) -> Result<IndexRow, Error> {
    let at = |column: usize| row.int(column, "index");
    Ok(IndexRow {
        event: at(2)?,
        outcome: at(3)?,
        flags: at(4)?,
        actor: at(5)?,
        hat: at(6)?,
        role: at(7)?,
        agency: at(8)?,
        subject: at(9)?,
        case_ref: at(10)?,
        purpose: at(11)?,
        reason: at(12)?,
        full: at(13)?,
        part: at(14)?,
        none: at(15)?,
        withheld: row.bytes(16, "withheld")?,
        refs,
    })
}

/// Whether what is filed of an entry is what its payload says. An erased entry has no payload to compare with.
pub(super) fn agrees(names: &IndexKeys, filed: &Filed, entry: &EntryRow, payload: &[u8]) -> bool {
    let Some((time, row)) = filed.get(&entry.index) else { return false };
    let outcome = OpenEntry::parse(&entry.entry).map_or(Outcome::Error, |open| open.outcome);
    let Ok(payload) = serde_json::from_slice::<Payload>(payload) else { return false };
    let mut expected = names.row(&payload, outcome);
    expected.flags |= super::entry_index::hours(*time);
    *time == entry.time.millis() && *row == expected
}
