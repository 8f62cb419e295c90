//! Closures of facts kept in memory, as long as no fact changes.
//!
//! Owns knowing when they are stale: every reading starts with [`FactCache::now`], which asks the database for its counter
//! of changes ([`Db::facts_version`]), so that a change made by any gateway on this database counts from the next question
//! on. What is kept is what the caller made of the rows, so that it is decrypted and parsed once. Bounded; when it is full
//! it starts again empty. Never holds content of records.

use super::Error;
use super::db::Db;
use super::facts::{FactRow, FactSeeds, Section, seed_refs};
use super::keys::Keys;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most rows and references of keys kept, counted in every closure they belong to: some 200 bytes each, so 20 MB.
const ROWS_MAX: usize = 100_000;

/// The state of the facts that a question is answered from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FactsAt(i64);

impl FactsAt {
    /// Whether it is the state with this counter.
    pub(super) const fn is(self, version: i64) -> bool {
        self.0 == version
    }
    /// Its counter, to be kept with what was decided from it.
    #[must_use]
    pub const fn counter(self) -> i64 {
        self.0
    }
    /// The state with this counter.
    #[must_use]
    pub const fn of(counter: i64) -> Self {
        Self(counter)
    }
}

/// Closures and single facts by what was asked for; `T` is what the caller makes of a closure's rows.
pub struct FactCache<T> {
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    version: i64,
    rows: usize,
    closures: HashMap<Vec<String>, Arc<T>>,
    single: HashMap<(Section, String), Option<Arc<FactRow>>>,
}

impl<T> std::fmt::Debug for FactCache<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FactCache")
    }
}

impl<T> Default for FactCache<T> {
    fn default() -> Self {
        let inner = Inner { version: -1, rows: 0, closures: HashMap::new(), single: HashMap::new() };
        Self { inner: Mutex::new(inner) }
    }
}

impl<T> FactCache<T> {
    /// The facts as they are now.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn now(&self, db: &Db) -> Result<FactsAt, Error> {
        Ok(FactsAt(db.facts_version().await?))
    }

    /// Every fact that a question with these seeds can depend on, as `make` made it of the rows.
    ///
    /// # Errors
    /// As [`Db::facts_for`], and what `make` refuses.
    pub async fn closure<E: From<Error>>(
        &self,
        at: FactsAt,
        (db, keys): (&Db, &Keys),
        seeds: &FactSeeds,
        make: impl FnOnce(Vec<FactRow>) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let key: Vec<String> = seed_refs(seeds).into_iter().collect();
        if let Some(found) = self.at(at).closures.get(&key) {
            return Ok(Arc::clone(found));
        }
        // Most of what a question names no fact hangs on: a new segment, a person nobody works with yet. Questions that differ
        // in nothing else have the same facts.
        let (hung, seen) = db.refs_with_facts(&key).await?;
        if at.is(seen) {
            let found = self.at(at).closures.get(&hung).map(Arc::clone);
            if let Some(found) = found {
                self.at(at).keep(key, 0, &found);
                return Ok(found);
            }
        }
        let mut rows = db.facts_for(keys, seeds).await?;
        let settled = db.facts_version().await? == at.0;
        if !settled {
            // What was read while a fact changed may be half of each state: the state that the question says it is answered
            // from is read once more, from what is past, so that the answer can be made again.
            rows = db.facts_for_at(keys, seeds, at).await?;
        }
        let count = rows.len();
        let made = Arc::new(make(rows)?);
        if settled {
            let mut inner = self.at(at);
            if at.is(seen) {
                inner.keep(hung, count, &made);
            }
            inner.keep(key, count, &made);
        }
        Ok(made)
    }

    /// One fact.
    ///
    /// # Errors
    /// As [`Db::fact`].
    pub async fn fact(
        &self,
        at: FactsAt,
        (db, keys): (&Db, &Keys),
        section: Section,
        id: &str,
    ) -> Result<Option<Arc<FactRow>>, Error> {
        let key = (section, id.to_owned());
        if let Some(found) = self.at(at).single.get(&key) {
            return Ok(found.clone());
        }
        let row = db.fact(keys, section, id).await?.map(Arc::new);
        if db.facts_version().await? == at.0 {
            let mut inner = self.at(at);
            inner.make_room(1);
            inner.single.insert(key, row.clone());
        }
        Ok(row)
    }

    /// What is kept for this state; what was kept for another goes.
    fn at(&self, at: FactsAt) -> MutexGuard<'_, Inner<T>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.version != at.0 {
            inner.clear();
            inner.version = at.0;
        }
        inner
    }
}

impl<T> Inner<T> {
    fn clear(&mut self) {
        self.closures.clear();
        self.single.clear();
        self.rows = 0;
    }

    /// Keeps what was made of some rows; its key takes room like rows.
    fn keep(&mut self, key: Vec<String>, rows: usize, made: &Arc<T>) {
        self.make_room(rows.saturating_add(key.len()));
        self.closures.insert(key, Arc::clone(made));
    }

    fn make_room(&mut self, rows: usize) {
        if self.rows.saturating_add(rows) > ROWS_MAX {
            self.clear();
        }
        self.rows = self.rows.saturating_add(rows);
    }
}
