//! Figures that were counted, kept for a while: counting a whole log again for every look would cost seconds each time.
//!
//! Owns how old a figure may be and how many are kept. Holds figures only, never a row about one person, and never serves a
//! view what was counted for another: the view is part of the key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How long counted figures stand, in milliseconds.
const FRESH_MILLIS: i64 = 10 * 60_000;
/// Figures remembered at once; with more, the oldest goes.
const REMEMBERED_MAX: usize = 64;

/// What was counted, by what was asked in which view, and when.
pub struct Remembered<K, T>(Mutex<BTreeMap<K, (i64, Arc<T>)>>);

impl<K, T> Default for Remembered<K, T> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<K, T> fmt::Debug for Remembered<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembered")
    }
}

impl<K: Ord + Clone, T> Remembered<K, T> {
    /// What was counted at most ten minutes before `now` (milliseconds).
    pub fn find(&self, key: &K, now: i64) -> Option<Arc<T>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(at, _)| is_fresh(*at, now)).map(|(_, counted)| Arc::clone(counted))
    }

    /// Keeps what was counted at `now` (milliseconds).
    pub fn keep(&self, key: K, now: i64, counted: &Arc<T>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (at, _)| is_fresh(*at, now));
        if kept.len() >= REMEMBERED_MAX && !kept.contains_key(&key) {
            let oldest = kept.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| key.clone());
            oldest.map(|key| kept.remove(&key));
        }
        kept.insert(key, (now, Arc::clone(counted)));
    }
}

/// A clock that was set back makes everything old.
fn is_fresh(at: i64, now: i64) -> bool {
    (0..FRESH_MILLIS).contains(&now.saturating_sub(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_stands_for_ten_minutes_for_its_own_key_and_the_oldest_makes_room() {
        let kept = Remembered::default();
        kept.keep((1, "a"), 1_000, &Arc::new(5));
        assert_eq!(kept.find(&(1, "a"), 1_000 + FRESH_MILLIS - 1).as_deref(), Some(&5));
        assert_eq!(kept.find(&(1, "a"), 1_000 + FRESH_MILLIS), None);
        assert_eq!(kept.find(&(1, "a"), 999), None, "the clock was set back");
        assert_eq!(kept.find(&(1, "b"), 1_000), None, "another view");
        for n in 0..REMEMBERED_MAX {
            kept.keep((n + 2, "a"), 2_000, &Arc::new(n));
        }
        assert_eq!(kept.find(&(1, "a"), 2_000), None);
        assert!((0..REMEMBERED_MAX).all(|n| kept.find(&(n + 2, "a"), 2_000).is_some()));
    }
}
