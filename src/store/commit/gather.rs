//! Gathering: who is on the way to the committer, so that a batch does not leave without those who come at the same moment.
//!
//! Owns the count of callers that are sealing a job, and how long a batch waits for them. Whoever was answered together comes again
//! together: a committer that left with the first of them would pay a sync of the disk for one job and make all others wait for it.
//! A caller alone waits for nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Longest that a batch waits for callers who are sealing: less than a sync of a disk takes, so that it is always won back.
pub(super) const LONGEST: Duration = Duration::from_micros(300);

/// How many callers are on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Gather(Arc<AtomicUsize>);

impl Gather {
    /// A caller sets out; it has arrived, or given up, when what is returned is dropped.
    pub(super) fn coming(&self) -> Coming {
        self.0.fetch_add(1, Ordering::AcqRel);
        Coming(Arc::clone(&self.0))
    }

    /// Whether nobody is on the way.
    pub(super) fn complete(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// A caller on the way.
#[derive(Debug)]
pub(super) struct Coming(Arc<AtomicUsize>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_counts_until_it_arrived_or_gave_up() {
        let gather = Gather::default();
        let (first, second) = (gather.coming(), gather.coming());
        drop(first);
        assert!(!gather.complete());
        drop(second);
        assert!(gather.complete());
    }
}
