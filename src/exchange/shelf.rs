//! Stored records kept as they were read, so that one which is decided again is not parsed and validated again.
//!
//! Owns knowing whether a kept record is still what is stored: every use starts with the sealed bytes as they lie in the
//! database at that moment. Are they the very bytes that were opened and validated before, what came of them is used;
//! otherwise they are opened, authenticated, parsed and validated now. An erased record is not in the database's answer,
//! whatever is kept here. Segments of a record never change, its content is only ever erased, and where one of its people became
//! one with another the row says so.
//! Bounded, emptied at each round of upkeep and when the content set changes. Read [`Gateway::load`].

use super::world::HeldRecord;
use super::{ContentSet, Failure, Gateway};
use crate::document::{Limits, json};
use crate::ident::{MessageId, PersonId};
use crate::record::Record;
use crate::store::{RecordId, RecordRow, SealedRow, SegmentRow};
use crate::vocabulary::Category;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Most sealed bytes of records in each of the two halves. As trees they take some eight times as much: 30 MB in all.
const HALF_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A record as it was read, and the bytes it was read from.
struct Kept {
    sealed: SealedRow,
    message: MessageId,
    seq: i64,
    record: Arc<HeldRecord>,
}

/// Two halves: what is used moves to the young one; when that is full it becomes the old one, and the old one goes.
struct Halves<T> {
    young: HashMap<RecordId, (Arc<T>, usize)>,
    old: HashMap<RecordId, (Arc<T>, usize)>,
    young_bytes: usize,
}

impl<T> Default for Halves<T> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_bytes: 0 }
    }
}

impl<T> Halves<T> {
    fn put(&mut self, id: RecordId, kept: Arc<T>, bytes: usize) {
        if self.young_bytes.saturating_add(bytes) > HALF_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        let before = self.young.insert(id, (kept, bytes)).map_or(0, |(_, bytes)| bytes);
        self.young_bytes = self.young_bytes.saturating_sub(before).saturating_add(bytes);
    }

    fn get(&mut self, id: &RecordId) -> Option<Arc<T>> {
        if let Some((found, _)) = self.young.get(id) {
            return Some(Arc::clone(found));
        }
        let (found, bytes) = self.old.remove(id)?;
        self.put(id.clone(), Arc::clone(&found), bytes);
        Some(found)
    }
}

#[derive(Default)]
struct Inner {
    content: Weak<ContentSet>,
    records: Halves<Kept>,
}

/// The records kept. Its `Debug` says nothing of them.
#[derive(Default)]
pub(super) struct Shelf(Mutex<Inner>);

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shelf")
    }
}

impl Shelf {
    /// What is kept for this content set; what was validated by another goes.
    fn of(&self, content: &Arc<ContentSet>) -> MutexGuard<'_, Inner> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::ptr::eq(inner.content.as_ptr(), Arc::as_ptr(content)) {
            *inner = Inner { content: Arc::downgrade(content), ..Inner::default() };
        }
        inner
    }

    /// Keeps nothing any more.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Inner::default();
    }
}

impl Gateway {
    /// Reads stored records back, in the order of their messages. A stored record that no longer satisfies its schema is an
    /// inconsistency: refused.
    pub(super) async fn load(&self, ids: &[RecordId]) -> Result<Vec<Arc<HeldRecord>>, Failure> {
        let content = self.content();
        let there = {
            let mut shelf = self.shelf.of(&content);
            ids.iter().any(|id| shelf.records.get(id).is_some())
        };
        let sealed = if there { self.db.sealed_records(ids).await? } else { Vec::new() };
        let asked = if there { sealed.iter().map(|(id, _)| id.clone()).collect() } else { ids.to_vec() };
        self.read_back(&content, sealed, asked).await
    }

    /// The records with a segment about this person in one of these categories.
    pub(super) async fn held_about(
        &self,
        subject: &PersonId,
        categories: &[Category],
    ) -> Result<Vec<Arc<HeldRecord>>, Failure> {
        let sealed = self.db.sealed_about(subject, categories).await?;
        let asked = sealed.iter().map(|(id, _)| id.clone()).collect();
        self.read_back(&self.content(), sealed, asked).await
    }

    /// Those kept that are still what is stored, and the rest read now.
    async fn read_back(
        &self,
        content: &Arc<ContentSet>,
        sealed: Vec<(RecordId, SealedRow)>,
        mut asked: Vec<RecordId>,
    ) -> Result<Vec<Arc<HeldRecord>>, Failure> {
        let mut found: Vec<Arc<Kept>> = Vec::with_capacity(asked.len());
        {
            let mut shelf = self.shelf.of(content);
            for (id, stored) in &sealed {
                found.extend(shelf.records.get(id).filter(|kept| kept.sealed == *stored));
            }
        }
        let kept: BTreeSet<String> = found.iter().map(|kept| kept.record.id.clone()).collect();
        asked.retain(|id| !kept.contains(id.as_str()));
        if !asked.is_empty() {
            let fresh = self.read_fresh(content, &asked).await?;
            let mut shelf = self.shelf.of(content);
            for kept in &fresh {
                shelf.records.put(RecordId::new(kept.record.id.as_str()), Arc::clone(kept), kept.sealed.len());
            }
            found.extend(fresh);
        }
        found.sort_by(|a, b| (&a.message, a.seq).cmp(&(&b.message, b.seq)));
        Ok(found.into_iter().map(|kept| Arc::clone(&kept.record)).collect())
    }

    async fn read_fresh(&self, content: &ContentSet, ids: &[RecordId]) -> Result<Vec<Arc<Kept>>, Failure> {
        let mut segments: BTreeMap<RecordId, Vec<SegmentRow>> = BTreeMap::new();
        for row in self.db.segments_in(ids).await? {
            segments.entry(row.record.clone()).or_default().push(row);
        }
        let rows = self.db.records(&self.keys, ids).await?;
        rows.into_iter()
            .map(|row| {
                let segments = segments.remove(&row.id).unwrap_or_default();
                read(content, row, segments).map(Arc::new)
            })
            .collect()
    }
}

fn read(content: &ContentSet, row: RecordRow, segments: Vec<SegmentRow>) -> Result<Kept, Failure> {
    let document =
        json::read(&row.content, &Limits::file()).map_err(|_| Failure::Inconsistent("a stored record is not JSON"))?;
    let record = Record::validate(document, &content.schemas)
        .map_err(|_| Failure::Inconsistent("a stored record is not valid"))?;
    let record = HeldRecord { id: row.id.as_str().to_owned(), record, people: row.persons, segments };
    Ok(Kept { sealed: row.sealed, message: row.message, seq: row.seq, record: Arc::new(record) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> RecordId {
        RecordId::new(format!("r{number}"))
    }

    #[test]
    fn what_is_used_stays_what_is_not_goes_and_no_half_outgrows_its_bound() {
        let mut halves = Halves::default();
        let each = HALF_BYTES_MAX / 8;
        for number in 0..100 {
            halves.put(id(number), Arc::new(number), each);
            assert_eq!(halves.get(&id(0)).as_deref(), Some(&0), "after {number}");
            assert!(halves.young_bytes <= HALF_BYTES_MAX);
            assert!(halves.young.len().max(halves.old.len()) <= 8);
        }
        assert!(halves.get(&id(1)).is_none());
        assert!(halves.get(&id(99)).is_some());
    }

    #[test]
    fn what_is_put_again_counts_once() {
        let mut halves = Halves::default();
        (0..100).for_each(|_| halves.put(id(1), Arc::new(1), 10));
        assert_eq!(halves.young_bytes, 10);
    }
}
