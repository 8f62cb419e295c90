//! Numbers instead of names: each section's ids become small indices once, so that deciding compares integers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub(in crate::sharing) struct $name(u32);
        impl From<usize> for $name {
            fn from(at: usize) -> Self { Self(u32::try_from(at).unwrap_or(u32::MAX)) }
        }
        impl Index for $name {
            fn at(self) -> usize { usize::try_from(self.0).unwrap_or(usize::MAX) }
        }
    )+};
}

/// A position in one section.
pub(in crate::sharing) trait Index: Copy + From<usize> {
    /// The position.
    fn at(self) -> usize;
}

indices! {
    /// An agency.
    AgencyIx
    /// A team.
    TeamIx
    /// An account.
    AccountIx
    /// A hat.
    HatIx
    /// A person.
    PersonIx
    /// A case.
    CaseIx
    /// A segment.
    SegmentIx
    /// A relationship.
    RelationshipIx
    /// A permission record.
    PermissionIx
    /// An override.
    OverrideIx
    /// An item grant.
    GrantIx
    /// An opening.
    OpeningIx
}

/// Hashes the ids of facts: a word at a time. They are the partnership's own, so nobody gains by making them collide.
pub(super) type Quick = BuildHasherDefault<QuickHasher>;

/// See [`Quick`].
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct QuickHasher(u64);

impl QuickHasher {
    fn mix(&mut self, word: u64) {
        // The multiplier of FNV's kin: odd, its bits well spread.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        let tail = rest.iter().fold(0, |tail: u64, byte| tail << 8 | u64::from(*byte));
        self.mix(tail);
    }
    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }
    fn finish(&self) -> u64 {
        // The table takes its place from the top bits and from the bottom ones.
        self.0 ^ self.0.rotate_left(26)
    }
}

/// The ids of one section.
#[derive(Debug)]
pub(in crate::sharing) struct Names<I> {
    by_id: HashMap<String, I, Quick>,
    len: usize,
}

impl<I: Index> Names<I> {
    /// Indexes ids in order; the first of two equal ids wins (duplicates are refused elsewhere).
    pub(super) fn of<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        let (mut by_id, mut len) = (HashMap::default(), 0);
        for (at, id) in ids.enumerate() {
            by_id.entry(id.to_owned()).or_insert_with(|| I::from(at));
            len = at.saturating_add(1);
        }
        Self { by_id, len }
    }
    /// One more than the largest index.
    pub(super) fn len(&self) -> usize {
        self.len
    }
    /// The index of an id.
    pub(in crate::sharing) fn get(&self, id: &str) -> Option<I> {
        self.by_id.get(id).copied()
    }
}

/// Lists of things by index: `by(person)` is a slice, also for one without any.
#[derive(Debug)]
pub(in crate::sharing) struct Lists<T> {
    lists: Vec<Vec<T>>,
}

impl<T> Lists<T> {
    /// `len` empty lists.
    pub(super) fn new(len: usize) -> Self {
        Self { lists: std::iter::repeat_with(Vec::new).take(len).collect() }
    }
    /// Adds to a list.
    pub(super) fn add(&mut self, to: impl Index, item: T) {
        if let Some(list) = self.lists.get_mut(to.at()) {
            list.push(item);
        }
    }
    /// A list.
    pub(in crate::sharing) fn by(&self, of: impl Index) -> &[T] {
        self.lists.get(of.at()).map_or(&[], Vec::as_slice)
    }
}
